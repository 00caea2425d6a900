/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What coroutines share, cancelled at every await: nothing is swallowed, and it still works.
 */
#include "test-util.h"

#define EXPECT(condition)                                                       \
  G_STMT_START                                                                  \
    {                                                                           \
      if (!(condition))                                                         \
        {                                                                       \
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s is not so", #condition); \
          return FALSE;                                                         \
        }                                                                       \
    }                                                                           \
  G_STMT_END

typedef struct
{
  CoroLock *lock;
  CoroEvent *event;
  CoroCondition *condition;
  CoroSemaphore *semaphore;
  CoroBarrier *barrier;
  CoroQueue *queue;
  int inside;                   /* coroutines that are in what one at a time may be in */
  int permits;                  /* notifications that were given and not taken */
  int n_put;                    /* items that the queue has accepted */
  int n_taken;
  int n_freed;
} Fixture;

static Fixture *current;

static gboolean
tear_down (gpointer   fixture,
           GError   **error)
{
  Fixture *self = fixture;

  g_clear_object (&self->lock);
  g_clear_object (&self->event);
  g_clear_object (&self->condition);
  g_clear_object (&self->semaphore);
  g_clear_object (&self->barrier);
  g_clear_object (&self->queue);
  return TRUE;
}

/* Three members that do the same. */
static gboolean
three_times (CoroFunc   func,
             gpointer   fixture,
             GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 3; i++)
    coro_spawn_at (nursery.group, func, fixture, NULL, "a member");
  return coro_nursery_join (&nursery);
}

/* --- lock ------------------------------------------------------------------------- */

static gboolean
lock_set_up (gpointer   fixture,
             GError   **error)
{
  coro_test_cancel_track (((Fixture *) fixture)->lock = coro_lock_new ());
  return TRUE;
}

static gboolean
lock_member_cb (gpointer   fixture,
                GValue    *result,
                GError   **error)
{
  Fixture *self = fixture;
  g_auto (CoroLocker) locker = coro_locker_enter (self->lock, error);
  gboolean ok;

  if (!coro_locker_ok (&locker))
    return FALSE;

  g_assert_cmpint (++self->inside, ==, 1);
  ok = coro_sleep (SECOND, error);
  g_assert_cmpint (--self->inside, ==, 0);
  return ok;
}

static gboolean
lock_body (gpointer   fixture,
           GError   **error)
{
  return three_times (lock_member_cb, fixture, error);
}

static gboolean
lock_check (gpointer   fixture,
            GError   **error)
{
  Fixture *self = fixture;

  EXPECT (!coro_lock_is_locked (self->lock));
  return lock_body (fixture, error);
}

static const CoroTestCancel lock_test = { sizeof (Fixture), lock_set_up, lock_body, lock_check, tear_down, 0 };

/* --- event ------------------------------------------------------------------------ */

static gboolean
event_set_up (gpointer   fixture,
              GError   **error)
{
  coro_test_cancel_track (((Fixture *) fixture)->event = coro_event_new ());
  return TRUE;
}

static gboolean
event_wait_cb (gpointer   fixture,
               GValue    *result,
               GError   **error)
{
  return coro_event_wait (((Fixture *) fixture)->event, error);
}

static gboolean
event_body (gpointer   fixture,
            GError   **error)
{
  Fixture *self = fixture;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, event_wait_cb, self, NULL);
  coro_task_group_spawn (nursery.group, event_wait_cb, self, NULL);
  if (!coro_sleep (SECOND, error))
    return FALSE;
  coro_event_trigger (self->event);
  coro_event_reset (self->event);       /* the waiters go on all the same */
  return coro_nursery_join (&nursery);
}

static const CoroTestCancel event_test = { sizeof (Fixture), event_set_up, event_body, event_body, tear_down, 0 };

/* --- condition -------------------------------------------------------------------- */

static gboolean
condition_set_up (gpointer   fixture,
                  GError   **error)
{
  ((Fixture *) fixture)->condition = coro_condition_new ();
  coro_test_cancel_track (((Fixture *) fixture)->condition);
  return lock_set_up (fixture, error);
}

/* Takes one of what the others give, and says that it is gone. */
static gboolean
condition_take_cb (gpointer   fixture,
                   GValue    *result,
                   GError   **error)
{
  Fixture *self = fixture;
  g_auto (CoroLocker) locker = coro_locker_enter (self->lock, error);

  if (!coro_locker_ok (&locker))
    return FALSE;

  while (self->permits == 0)
    {
      gboolean woken = coro_condition_wait (self->condition, self->lock, error);

      g_assert_cmpint (++self->inside, ==, 1);  /* the lock is held, whatever came */
      self->inside--;
      if (!woken)
        return FALSE;
    }
  self->permits--;
  return TRUE;
}

/* One notification for each permit: one that is lost leaves a taker waiting for ever. */
static gboolean
condition_body (gpointer   fixture,
                GError   **error)
{
  Fixture *self = fixture;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 3; i++)
    coro_task_group_spawn (nursery.group, condition_take_cb, self, NULL);
  if (!coro_sleep (SECOND, error))
    return FALSE;

  for (int i = 0; i < 3; i++)
    {
      g_auto (CoroLocker) locker = coro_locker_enter (self->lock, error);

      if (!coro_locker_ok (&locker))
        return FALSE;
      self->permits++;
      coro_condition_wake (self->condition, 1);
    }
  return coro_nursery_join (&nursery);
}

static gboolean
condition_check (gpointer   fixture,
                 GError   **error)
{
  Fixture *self = fixture;

  EXPECT (!coro_lock_is_locked (self->lock));
  self->permits = 0;
  return condition_body (fixture, error);
}

static const CoroTestCancel condition_test = { sizeof (Fixture), condition_set_up, condition_body, condition_check, tear_down, 0 };

/* Two wait, one is woken and perhaps cancelled: then the other must have it. */
static gboolean
condition_handed_on_body (gpointer   fixture,
                          GError   **error)
{
  Fixture *self = fixture;
  g_autoptr (CoroTask) first = coro_spawn_task (condition_take_cb, self, NULL);
  g_autoptr (CoroTask) second = coro_spawn_task (condition_take_cb, self, NULL);
  g_auto (CoroShield) shield = coro_shield_enter (0);

  if (!coro_sleep (SECOND, NULL))
    g_assert_not_reached ();
  self->permits++;
  coro_condition_wake (self->condition, 1);
  coro_sleep (SECOND, NULL);
  if (self->permits != 0 && !(coro_future_is_done (CORO_FUTURE (first)) && coro_future_is_done (CORO_FUTURE (second))))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "a notification was swallowed");
      return FALSE;
    }
  coro_task_cancel (first);
  coro_task_cancel (second);
  coro_join (first, NULL);
  coro_join (second, NULL);
  return TRUE;
}

static const CoroTestCancel condition_handed_on_test = { sizeof (Fixture), condition_set_up, condition_handed_on_body, condition_check, tear_down, 0 };

/* --- semaphore -------------------------------------------------------------------- */

static gboolean
semaphore_set_up (gpointer   fixture,
                  GError   **error)
{
  coro_test_cancel_track (((Fixture *) fixture)->semaphore = coro_semaphore_new (2));
  return TRUE;
}

static gboolean
bounded_set_up (gpointer   fixture,
                GError   **error)
{
  coro_test_cancel_track (((Fixture *) fixture)->semaphore = coro_semaphore_new_bounded (2));
  return TRUE;
}

static gboolean
semaphore_member_cb (gpointer   fixture,
                     GValue    *result,
                     GError   **error)
{
  Fixture *self = fixture;
  gboolean ok;

  if (!coro_semaphore_acquire (self->semaphore, error))
    return FALSE;

  g_assert_cmpint (++self->inside, <=, 2);
  ok = coro_sleep (SECOND, error);
  self->inside--;
  g_assert_true (coro_semaphore_release (self->semaphore, NULL));
  return ok;
}

static gboolean
semaphore_body (gpointer   fixture,
                GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 5; i++)
    coro_task_group_spawn (nursery.group, semaphore_member_cb, fixture, NULL);
  return coro_nursery_join (&nursery);
}

static gboolean
semaphore_check (gpointer   fixture,
                 GError   **error)
{
  Fixture *self = fixture;

  EXPECT (coro_semaphore_get_value (self->semaphore) == 2);
  return semaphore_body (fixture, error);
}

static const CoroTestCancel semaphore_test = { sizeof (Fixture), semaphore_set_up, semaphore_body, semaphore_check, tear_down, 0 };
static const CoroTestCancel bounded_test = { sizeof (Fixture), bounded_set_up, semaphore_body, semaphore_check, tear_down, 0 };

/* --- barrier ---------------------------------------------------------------------- */

static gboolean
barrier_set_up (gpointer   fixture,
                GError   **error)
{
  coro_test_cancel_track (((Fixture *) fixture)->barrier = coro_barrier_new (3));
  return TRUE;
}

static gboolean
barrier_member_cb (gpointer   fixture,
                   GValue    *result,
                   GError   **error)
{
  Fixture *self = fixture;
  guint index = G_MAXUINT;

  if (!coro_barrier_wait (self->barrier, &index, error))
    return FALSE;
  g_assert_cmpuint (index, <, 3);
  return coro_yield (error);
}

/* One that was cancelled leaves the round incomplete: the body ends it then. */
static gboolean
barrier_body (gpointer   fixture,
              GError   **error)
{
  Fixture *self = fixture;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 3; i++)
    coro_task_group_spawn (nursery.group, barrier_member_cb, fixture, NULL);
  if (!coro_sleep (SECOND, error))
    return FALSE;
  if (coro_barrier_get_n_waiting (self->barrier) > 0)
    coro_task_group_cancel (nursery.group);
  return coro_nursery_join (&nursery);
}

static gboolean
barrier_check (gpointer   fixture,
               GError   **error)
{
  Fixture *self = fixture;

  EXPECT (coro_barrier_get_n_waiting (self->barrier) == 0);
  EXPECT (!coro_barrier_is_broken (self->barrier));
  return three_times (barrier_member_cb, fixture, error);
}

static const CoroTestCancel barrier_test = { sizeof (Fixture), barrier_set_up, barrier_body, barrier_check, tear_down, 0 };

/* --- queue ------------------------------------------------------------------------ */

static void
item_free (gpointer item)
{
  current->n_freed++;
}

static int
compare_items (gconstpointer a,
               gconstpointer b)
{
  return GPOINTER_TO_INT (a) - GPOINTER_TO_INT (b);
}

static gboolean
queue_set_up_any (Fixture   *self,
                  CoroQueue *queue)
{
  current = self;
  self->queue = queue;
  coro_test_cancel_track (queue);
  return TRUE;
}

static gboolean
fifo_set_up (gpointer   fixture,
             GError   **error)
{
  return queue_set_up_any (fixture, coro_queue_new (1, item_free));
}

static gboolean
lifo_set_up (gpointer   fixture,
             GError   **error)
{
  return queue_set_up_any (fixture, coro_queue_new_lifo (1, item_free));
}

static gboolean
priority_set_up (gpointer   fixture,
                 GError   **error)
{
  return queue_set_up_any (fixture, coro_queue_new_priority (2, item_free, compare_items));
}

/* An item is put, or it was freed: an accepted one is neither lost nor there twice. */
static gboolean
producer_cb (gpointer   fixture,
             GValue    *result,
             GError   **error)
{
  Fixture *self = fixture;

  for (int i = 1; i <= 3; i++)
    {
      int n_freed = self->n_freed;

      if (!coro_queue_put (self->queue, GINT_TO_POINTER (i), error))
        {
          g_assert_cmpint (self->n_freed, >, n_freed);
          return FALSE;
        }
      self->n_put++;
    }
  return TRUE;
}

static gboolean
consumer_cb (gpointer   fixture,
             GValue    *result,
             GError   **error)
{
  Fixture *self = fixture;

  for (int i = 0; i < 3; i++)
    {
      gpointer item;
      gboolean ok;

      if (!coro_queue_take (self->queue, &item, error))
        {
          g_assert_null (item);
          return FALSE;
        }
      g_assert_nonnull (item);
      self->n_taken++;
      ok = coro_yield (error);
      g_assert_true (coro_queue_task_done (self->queue, NULL));
      if (!ok)
        return FALSE;
    }
  return TRUE;
}

static gboolean
join_cb (gpointer   fixture,
         GValue    *result,
         GError   **error)
{
  return coro_queue_join (((Fixture *) fixture)->queue, error);
}

static gboolean
queue_body (gpointer   fixture,
            GError   **error)
{
  Fixture *self = fixture;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, consumer_cb, self, NULL);
  if (!coro_sleep (SECOND, error))
    return FALSE;
  coro_task_group_spawn (nursery.group, producer_cb, self, NULL);
  coro_task_group_spawn (nursery.group, producer_cb, self, NULL);
  coro_task_group_spawn (nursery.group, join_cb, self, NULL);
  if (!coro_sleep (SECOND, error))
    return FALSE;
  coro_task_group_spawn (nursery.group, consumer_cb, self, NULL);
  if (!coro_sleep (SECOND, error))
    return FALSE;

  /* Without one of them the others would wait for ever. */
  if (coro_task_group_get_n_members (nursery.group) > 0)
    coro_task_group_cancel (nursery.group);
  return coro_nursery_join (&nursery);
}

static gboolean
queue_check (gpointer   fixture,
             GError   **error)
{
  Fixture *self = fixture;
  gpointer item;

  EXPECT (self->n_put == self->n_taken + (int) coro_queue_get_length (self->queue));
  EXPECT (coro_queue_get_n_unfinished (self->queue) == coro_queue_get_length (self->queue));
  while (coro_queue_get_length (self->queue) > 0)
    {
      g_assert_true (coro_queue_try_take (self->queue, &item, NULL));
      g_assert_nonnull (item);
      g_assert_true (coro_queue_task_done (self->queue, NULL));
    }
  return queue_body (fixture, error);
}

static const CoroTestCancel fifo_test = { sizeof (Fixture), fifo_set_up, queue_body, queue_check, tear_down, 0 };
static const CoroTestCancel lifo_test = { sizeof (Fixture), lifo_set_up, queue_body, queue_check, tear_down, 0 };
static const CoroTestCancel priority_test = { sizeof (Fixture), priority_set_up, queue_body, queue_check, tear_down, 0 };

/* Two coroutines take and one item comes: if one of them is cancelled, the other has it. */
static gboolean
take_one_cb (gpointer   fixture,
             GValue    *result,
             GError   **error)
{
  Fixture *self = fixture;
  gpointer item;

  if (!coro_queue_take (self->queue, &item, error))
    return FALSE;
  self->n_taken++;
  return coro_queue_task_done (self->queue, error);
}

static gboolean
take_body (gpointer   fixture,
           GError   **error)
{
  Fixture *self = fixture;
  g_autoptr (CoroTask) first = coro_spawn_task (take_one_cb, self, NULL);
  g_autoptr (CoroTask) second = coro_spawn_task (take_one_cb, self, NULL);
  g_auto (CoroShield) shield = coro_shield_enter (0);

  coro_sleep (SECOND, NULL);
  g_assert_true (coro_queue_try_put (self->queue, "item", NULL));
  self->n_put++;
  coro_sleep (SECOND, NULL);
  g_assert_cmpint (self->n_taken, ==, 1);
  coro_task_cancel (first);
  coro_task_cancel (second);
  coro_join (first, NULL);
  coro_join (second, NULL);
  return TRUE;
}

static const CoroTestCancel take_test = { sizeof (Fixture), fifo_set_up, take_body, queue_check, tear_down, 0 };

/* Closed while it is full and while it is empty. */
static gboolean
close_body (gpointer   fixture,
            GError   **error)
{
  Fixture *self = fixture;
  g_autoptr (CoroTask) producer = coro_spawn_task (producer_cb, self, NULL);
  g_autoptr (GError) closed = NULL;
  gboolean ok = coro_sleep (SECOND, error);

  coro_queue_close (self->queue);
  if (!ok)
    {
      coro_task_cancel (producer);
      return FALSE;
    }
  if (coro_await (producer, NULL, &closed) || coro_error_is_cancelled (closed))
    return coro_check_cancelled (error);
  g_assert_error (closed, CORO_ERROR, CORO_ERROR_CLOSED);
  return TRUE;
}

static gboolean
close_check (gpointer   fixture,
             GError   **error)
{
  Fixture *self = fixture;

  EXPECT (self->n_put == (int) coro_queue_get_length (self->queue));
  coro_queue_close_now (self->queue);
  EXPECT (coro_queue_get_length (self->queue) == 0);
  EXPECT (coro_queue_get_n_unfinished (self->queue) == 0);
  return coro_queue_join (self->queue, error);
}

static const CoroTestCancel close_test = { sizeof (Fixture), fifo_set_up, close_body, close_check, tear_down, 0 };

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  coro_test_add_cancel ("/cancel/sync/lock", &lock_test);
  coro_test_add_cancel ("/cancel/sync/event", &event_test);
  coro_test_add_cancel ("/cancel/sync/condition", &condition_test);
  coro_test_add_cancel ("/cancel/sync/condition-hands-its-wake-up-on", &condition_handed_on_test);
  coro_test_add_cancel ("/cancel/sync/semaphore", &semaphore_test);
  coro_test_add_cancel ("/cancel/sync/bounded-semaphore", &bounded_test);
  coro_test_add_cancel ("/cancel/sync/barrier", &barrier_test);
  coro_test_add_cancel ("/cancel/sync/queue", &fifo_test);
  coro_test_add_cancel ("/cancel/sync/lifo-queue", &lifo_test);
  coro_test_add_cancel ("/cancel/sync/priority-queue", &priority_test);
  coro_test_add_cancel ("/cancel/sync/queue-hands-its-item-on", &take_test);
  coro_test_add_cancel ("/cancel/sync/queue-that-is-closed", &close_test);
  return g_test_run ();
}
