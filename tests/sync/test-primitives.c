/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Locks, events, conditions, semaphores and barriers: first come first served, and a coroutine
 * that is cancelled loses nothing and keeps nothing.
 */
#include <coro-glib/coro-glib.h>

#include <string.h>

/* What happened, one letter after the other. */
typedef struct
{
  CoroLock *lock;
  CoroEvent *event;
  CoroCondition *condition;
  CoroSemaphore *semaphore;
  CoroBarrier *barrier;
  GString *log;
  char next;
} Fixture;

static Fixture *
fixture_new (void)
{
  Fixture *self = g_new0 (Fixture, 1);

  self->lock = coro_lock_new ();
  self->event = coro_event_new ();
  self->condition = coro_condition_new ();
  self->semaphore = coro_semaphore_new (1);
  self->barrier = coro_barrier_new (3);
  self->log = g_string_new (NULL);
  self->next = 'a';
  return self;
}

static void
fixture_free (Fixture *self)
{
  g_object_unref (self->lock);
  g_object_unref (self->event);
  g_object_unref (self->condition);
  g_object_unref (self->semaphore);
  g_object_unref (self->barrier);
  g_string_free (self->log, TRUE);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

/* Lets every coroutine that can run do so. */
static void
settle (void)
{
  g_assert_true (coro_test_settle (NULL));
}

static int
compare_letters (gconstpointer a,
                 gconstpointer b)
{
  return memcmp (a, b, 1);
}

static int
compare_pairs (gconstpointer a,
               gconstpointer b)
{
  return memcmp (a, b, 2);
}

/* A coroutine gets its letter when it arrives; which of several woken ones goes on first is left
 * to chance.  `size`: characters of an entry. */
static void
assert_log_in_any_order (Fixture    *self,
                         gsize       size,
                         const char *expected)
{
  g_autofree char *sorted = g_strdup (self->log->str);

  qsort (sorted, self->log->len / size, size, size == 1 ? compare_letters : compare_pairs);
  g_assert_cmpstr (sorted, ==, expected);
}

static gboolean
hold_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Fixture *self = user_data;
  char name = self->next++;
  g_auto (CoroLocker) locker = coro_locker_enter (self->lock, error);

  if (!coro_locker_ok (&locker))
    return FALSE;

  g_string_append_c (self->log, name);
  if (!coro_sleep (10, error))
    return FALSE;
  g_string_append_c (self->log, g_ascii_toupper (name));
  return TRUE;
}

/* --- lock ------------------------------------------------------------------------- */

static gboolean
test_lock_fifo (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 4; i++)
    coro_task_group_spawn (nursery.group, hold_cb, self, NULL);
  g_assert_true (coro_nursery_join (&nursery));
  g_assert_cmpstr (self->log->str, ==, "aAbBcCdD");
  g_assert_false (coro_lock_is_locked (self->lock));
  return TRUE;
}

static gboolean
test_lock_cancel_waiting (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();
  G_GNUC_UNUSED g_autoptr (CoroTask) first = coro_spawn_task (hold_cb, self, NULL);
  g_autoptr (CoroTask) second = NULL;
  g_autoptr (CoroTask) third = NULL;

  coro_test_settle (NULL);
  second = coro_spawn_task (hold_cb, self, NULL);
  coro_test_settle (NULL);
  third = coro_spawn_task (hold_cb, self, NULL);
  coro_test_settle (NULL);
  coro_task_cancel (second);
  g_assert_true (coro_await (third, NULL, error));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (second)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpstr (self->log->str, ==, "aAcC");
  return TRUE;
}

/* Handed over and cancelled in the same turn: the lock goes on to the next. */
static gboolean
test_lock_cancel_woken (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();
  g_autoptr (CoroTask) second = NULL;
  g_autoptr (CoroTask) third = NULL;

  g_assert_true (coro_lock_acquire (self->lock, error));
  self->next = 'b';
  second = coro_spawn_task (hold_cb, self, NULL);
  coro_test_settle (NULL);
  third = coro_spawn_task (hold_cb, self, NULL);
  coro_test_settle (NULL);
  coro_lock_release (self->lock);       /* to second */
  coro_task_cancel (second);
  g_assert_true (coro_await (third, NULL, error));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (second)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpstr (self->log->str, ==, "cC");
  g_assert_false (coro_lock_is_locked (self->lock));
  return TRUE;
}

static gboolean
test_lock_twice (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroLock) lock = coro_lock_new ();
  g_autoptr (GError) local_error = NULL;

  g_assert_true (coro_lock_acquire (lock, error));
  g_assert_false (coro_lock_acquire (lock, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  coro_lock_release (lock);
  return TRUE;
}

static gboolean
test_lock_foreign_release (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroLock) lock = coro_lock_new ();

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*coro_lock_is_mine*");
  coro_lock_release (lock);
  g_test_assert_expected_messages ();
  g_assert_false (coro_lock_is_locked (lock));
  return TRUE;
}

/* --- event ------------------------------------------------------------------------ */

static gboolean
event_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Fixture *self = user_data;
  char name = self->next++;

  if (!coro_event_wait (self->event, error))
    return FALSE;
  g_string_append_c (self->log, name);
  return TRUE;
}

static gboolean
test_event (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();
  g_autoptr (CoroTask) late = NULL;

  for (int i = 0; i < 3; i++)
    coro_spawn (event_cb, self, NULL);
  settle ();
  g_assert_cmpstr (self->log->str, ==, "");

  /* The coroutines that were waiting go on, though the event is reset at once. */
  coro_event_trigger (self->event);
  coro_event_reset (self->event);
  late = coro_spawn_task (event_cb, self, NULL);
  settle ();
  assert_log_in_any_order (self, 1, "abc");

  coro_task_cancel (late);
  settle ();
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (late)), ==, CORO_FUTURE_CANCELLED);
  coro_event_trigger (self->event);
  g_assert_true (coro_event_wait (self->event, error));
  g_assert_true (coro_event_is_triggered (self->event));
  return TRUE;
}

/* --- condition -------------------------------------------------------------------- */

static gboolean
condition_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  Fixture *self = user_data;
  char name = self->next++;
  g_auto (CoroLocker) locker = coro_locker_enter (self->lock, error);
  gboolean woken;

  if (!coro_locker_ok (&locker))
    return FALSE;
  woken = coro_condition_wait (self->condition, self->lock, error);
  g_assert_true (coro_lock_is_locked (self->lock));     /* held in every case: releasing it does not complain */
  if (woken)
    g_string_append_c (self->log, name);
  return woken;
}

static gboolean
test_condition_wake (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();

  for (int i = 0; i < 4; i++)
    coro_spawn (condition_cb, self, NULL);
  settle ();
  coro_condition_wake (self->condition, 2);
  settle ();
  assert_log_in_any_order (self, 1, "ab");
  coro_condition_wake_all (self->condition);
  settle ();
  assert_log_in_any_order (self, 1, "abcd");
  return TRUE;
}

/* A notification is not lost if the coroutine that was woken by it is cancelled before it could
 * act on it. */
static gboolean
test_condition_cancel_woken (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();
  g_autoptr (CoroTask) first = coro_spawn_task (condition_cb, self, NULL);
  g_autoptr (CoroTask) second = NULL;

  settle ();
  second = coro_spawn_task (condition_cb, self, NULL);
  settle ();
  coro_condition_wake (self->condition, 1);
  coro_task_cancel (first);
  settle ();
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (first)), ==, CORO_FUTURE_CANCELLED);
  g_assert_true (coro_future_is_done (CORO_FUTURE (second)));
  g_assert_cmpstr (self->log->str, ==, "b");
  return TRUE;
}

/* Cancelled while another holds the lock: it still waits for it. */
static gboolean
test_condition_cancel_reacquires (gpointer   user_data,
                                  GValue    *result,
                                  GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();
  g_autoptr (CoroTask) task = coro_spawn_task (condition_cb, self, NULL);

  settle ();
  g_assert_true (coro_lock_acquire (self->lock, error));
  coro_task_cancel (task);
  settle ();
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  coro_lock_release (self->lock);
  settle ();
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_false (coro_lock_is_locked (self->lock));
  return TRUE;
}

static gboolean
test_condition_without_lock (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_condition_wait (self->condition, self->lock, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return TRUE;
}

/* --- semaphore -------------------------------------------------------------------- */

static gboolean
permit_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Fixture *self = user_data;
  char name = self->next++;

  if (!coro_semaphore_acquire (self->semaphore, error))
    return FALSE;
  g_string_append_c (self->log, name);
  return TRUE;
}

static gboolean
test_semaphore_fifo (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();

  for (int i = 0; i < 3; i++)
    coro_spawn (permit_cb, self, NULL);
  settle ();
  g_assert_cmpstr (self->log->str, ==, "a");
  g_assert_true (coro_semaphore_release (self->semaphore, error));
  g_assert_cmpuint (coro_semaphore_get_value (self->semaphore), ==, 0);         /* handed to b already */
  settle ();
  g_assert_cmpstr (self->log->str, ==, "ab");
  coro_semaphore_release (self->semaphore, NULL);
  coro_semaphore_release (self->semaphore, NULL);
  settle ();
  g_assert_cmpstr (self->log->str, ==, "abc");
  g_assert_cmpuint (coro_semaphore_get_value (self->semaphore), ==, 1);
  return TRUE;
}

/* There is a permit for the one that comes last as well; but two that came before have theirs
 * only since this turn, and have not run. */
static gboolean
test_semaphore_late_comer (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();

  g_assert_true (coro_semaphore_acquire (self->semaphore, error));
  coro_spawn (permit_cb, self, NULL);
  coro_spawn (permit_cb, self, NULL);
  settle ();
  for (int i = 0; i < 3; i++)
    g_assert_true (coro_semaphore_release (self->semaphore, error));
  g_assert_cmpuint (coro_semaphore_get_value (self->semaphore), ==, 0);
  g_assert_true (coro_semaphore_acquire (self->semaphore, error));
  g_assert_cmpuint (self->log->len, ==, 2);
  g_assert_cmpuint (coro_semaphore_get_value (self->semaphore), ==, 0);
  return TRUE;
}

/* The same where those before are cancelled before they run. */
static gboolean
test_semaphore_late_comer_after_cancel (gpointer   user_data,
                                        GValue    *result,
                                        GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();
  g_autoptr (CoroTask) first = NULL;
  g_autoptr (CoroTask) second = NULL;
  g_autoptr (CoroTask) late = NULL;

  g_assert_true (coro_semaphore_acquire (self->semaphore, error));
  first = coro_spawn_task (permit_cb, self, NULL);
  second = coro_spawn_task (permit_cb, self, NULL);
  settle ();
  for (int i = 0; i < 3; i++)
    g_assert_true (coro_semaphore_release (self->semaphore, error));
  late = coro_spawn_task_eager (permit_cb, self, NULL);
  g_assert_false (coro_future_is_done (CORO_FUTURE (late)));
  coro_task_cancel (first);
  coro_task_cancel (second);
  settle ();
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (first)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (second)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (late)), ==, CORO_FUTURE_RESOLVED);
  g_assert_cmpuint (coro_semaphore_get_value (self->semaphore), ==, 2);
  return TRUE;
}

static gboolean
test_semaphore_cancel_woken (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();
  g_autoptr (CoroTask) second = NULL;

  g_assert_true (coro_semaphore_acquire (self->semaphore, error));
  second = coro_spawn_task (permit_cb, self, NULL);
  settle ();
  coro_spawn (permit_cb, self, NULL);
  settle ();
  coro_semaphore_release (self->semaphore, NULL);       /* to second */
  coro_task_cancel (second);
  settle ();
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (second)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpstr (self->log->str, ==, "b");
  return TRUE;
}

static gboolean
test_semaphore_timeout (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroSemaphore) semaphore = coro_semaphore_new (0);
  g_autoptr (GError) local_error = NULL;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, &local_error);

    g_assert_false (coro_semaphore_acquire (semaphore, &local_error));
  }
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  coro_semaphore_release (semaphore, NULL);
  g_assert_cmpuint (coro_semaphore_get_value (semaphore), ==, 1);       /* no waiter was left behind */
  return TRUE;
}

static gboolean
test_semaphore_bounded (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroSemaphore) semaphore = coro_semaphore_new_bounded (1);
  g_autoptr (GError) local_error = NULL;

  g_assert_true (coro_semaphore_acquire (semaphore, error));
  g_assert_true (coro_semaphore_release (semaphore, error));
  g_assert_false (coro_semaphore_release (semaphore, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_assert_cmpuint (coro_semaphore_get_value (semaphore), ==, 1);
  return TRUE;
}

/* --- barrier ---------------------------------------------------------------------- */

static gboolean
barrier_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Fixture *self = user_data;
  char name = self->next++;
  guint index;

  if (!coro_barrier_wait (self->barrier, &index, error))
    return FALSE;
  g_string_append_printf (self->log, "%c%u", name, index);
  return TRUE;
}

static gboolean
test_barrier_rounds (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();

  for (int i = 0; i < 2; i++)
    coro_spawn (barrier_cb, self, NULL);
  settle ();
  g_assert_cmpstr (self->log->str, ==, "");
  g_assert_cmpuint (coro_barrier_get_n_waiting (self->barrier), ==, 2);

  /* The coroutine that completes a round does not wait, and its index says that it came last.
   * The next round begins before the waiters of the first have woken up. */
  for (int i = 0; i < 4; i++)
    coro_spawn (barrier_cb, self, NULL);
  settle ();
  assert_log_in_any_order (self, 2, "a0b1c2d0e1f2");
  g_assert_cmpuint (coro_barrier_get_n_waiting (self->barrier), ==, 0);
  return TRUE;
}

static gboolean
test_barrier_cancel (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();
  g_autoptr (CoroTask) first = coro_spawn_task (barrier_cb, self, NULL);

  settle ();
  coro_spawn (barrier_cb, self, NULL);
  settle ();
  coro_task_cancel (first);
  settle ();
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (first)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpuint (coro_barrier_get_n_waiting (self->barrier), ==, 1);

  for (int i = 0; i < 2; i++)
    coro_spawn (barrier_cb, self, NULL);
  settle ();
  assert_log_in_any_order (self, 2, "b0c1d2");
  return TRUE;
}

static gboolean
test_barrier_broken (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (Fixture) self = fixture_new ();
  g_autoptr (CoroTask) waiting = coro_spawn_task (barrier_cb, self, NULL);
  g_autoptr (GError) local_error = NULL;

  settle ();
  coro_barrier_abort (self->barrier);
  g_assert_false (coro_await (waiting, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_CLOSED);
  g_clear_error (&local_error);
  g_assert_false (coro_barrier_wait (self->barrier, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_CLOSED);
  g_assert_true (coro_barrier_is_broken (self->barrier));

  coro_barrier_reset (self->barrier);
  for (int i = 0; i < 3; i++)
    coro_spawn (barrier_cb, self, NULL);
  settle ();
  assert_log_in_any_order (self, 2, "b0c1d2");
  return TRUE;
}

/* --- dropped ---------------------------------------------------------------------- */

typedef enum
{
  LOCK,
  EVENT,
  CONDITION,
  SEMAPHORE,
  BARRIER,
  QUEUE_PUT,
  QUEUE_PUT_CLOSED,
  QUEUE_TAKE,
  QUEUE_JOIN,
  N_KINDS
} Kind;

static gpointer
make (Kind kind)
{
  g_autoptr (CoroLock) lock = NULL;
  g_autoptr (CoroQueue) queue = NULL;

  switch (kind)
    {
    case LOCK:
      lock = coro_lock_new ();
      g_assert_true (coro_lock_acquire (lock, NULL));
      return g_steal_pointer (&lock);
    case EVENT:
      return coro_event_new ();
    case CONDITION:
      return coro_condition_new ();
    case SEMAPHORE:
      return coro_semaphore_new (0);
    case BARRIER:
      return coro_barrier_new (2);
    default:
      queue = coro_queue_new (1, g_free);
      if (kind != QUEUE_TAKE)
        g_assert_true (coro_queue_put (queue, g_strdup ("first"), NULL));
      return g_steal_pointer (&queue);
    }
}

/* Waits for an object to which it has no reference. */
static gboolean
wait_for (Kind       kind,
          gpointer   object,
          GError   **error)
{
  g_auto (CoroLocker) locker = { NULL };
  g_autoptr (CoroLock) lock = NULL;
  g_autofree gpointer item = NULL;

  switch (kind)
    {
    case LOCK:
      locker = coro_locker_enter (object, error);
      return coro_locker_ok (&locker);
    case EVENT:
      return coro_event_wait (object, error);
    case CONDITION:
      lock = coro_lock_new ();
      locker = coro_locker_enter (lock, NULL);
      return coro_condition_wait (object, lock, error);
    case SEMAPHORE:
      return coro_semaphore_acquire (object, error);
    case BARRIER:
      return coro_barrier_wait (object, NULL, error);
    case QUEUE_PUT:
    case QUEUE_PUT_CLOSED:
      return coro_queue_put (object, g_strdup ("second"), error);
    case QUEUE_TAKE:
      return coro_queue_take (object, &item, error);
    default:
      return coro_queue_join (object, error);
    }
}

static void
wake (Kind     kind,
      gpointer object)
{
  g_autofree gpointer item = NULL;

  switch (kind)
    {
    case LOCK:
      coro_lock_release (object);
      break;
    case EVENT:
      coro_event_trigger (object);
      break;
    case CONDITION:
      coro_condition_wake_all (object);
      break;
    case SEMAPHORE:
      g_assert_true (coro_semaphore_release (object, NULL));
      break;
    case BARRIER:
      coro_barrier_abort (object);
      break;
    case QUEUE_PUT:
      g_assert_true (coro_queue_try_take (object, &item, NULL));
      break;
    case QUEUE_PUT_CLOSED:
      coro_queue_close (object);
      break;
    case QUEUE_TAKE:
      g_assert_true (coro_queue_try_put (object, g_strdup ("item"), NULL));
      break;
    default:
      coro_queue_close_now (object);
    }
}

typedef struct
{
  Kind kind;
  gpointer object;              /* (nullable): NULL once it is gone */
  gboolean ended;
} Dropped;

static void
gone_cb (gpointer  dropped,
         GObject  *where_it_was)
{
  ((Dropped *) dropped)->object = NULL;
}

static gboolean
wait_for_dropped_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  Dropped *self = user_data;
  gboolean ok = wait_for (self->kind, self->object, error);

  self->ended = TRUE;
  return ok;
}

/* The owner wakes or cancels the coroutine that waits, and drops the object in the same turn. */
static gboolean
test_dropped (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  static const char *const orders[] = { "w", "wc", "cw", "c" };
  Kind kind = GPOINTER_TO_UINT (user_data);

  for (guint i = 0; i < G_N_ELEMENTS (orders); i++)
    {
      Dropped dropped = { kind, make (kind), FALSE };
      gpointer object = dropped.object;
      g_autoptr (CoroTask) task = coro_spawn_task (wait_for_dropped_cb, &dropped, NULL);
      g_autoptr (GError) local_error = NULL;

      g_object_weak_ref (object, gone_cb, &dropped);
      settle ();
      for (const char *what = orders[i]; *what != '\0'; what++)
        if (*what == 'c')
          coro_task_cancel (task);
        else
          wake (kind, object);
      if (kind == LOCK && strchr (orders[i], 'w') == NULL)
        coro_lock_release (object);
      g_object_unref (object);
      g_assert_nonnull (dropped.object);        /* the coroutine has not gone on yet */
      settle ();
      g_assert_true (dropped.ended);
      g_assert_null (dropped.object);
      if (coro_await (task, NULL, &local_error))
        g_assert_null (strchr (orders[i], 'c'));
      else if (kind == BARRIER || kind == QUEUE_PUT_CLOSED)
        g_assert_nonnull (local_error);
      else
        g_assert_true (strchr (orders[i], 'c') != NULL && coro_error_is_cancelled (local_error));
    }
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/sync/lock/first-come-first-served", test_lock_fifo);
  coro_test_add_func ("/sync/lock/cancel-while-waiting", test_lock_cancel_waiting);
  coro_test_add_func ("/sync/lock/cancel-when-woken-passes-on", test_lock_cancel_woken);
  coro_test_add_func ("/sync/lock/twice-is-an-error", test_lock_twice);
  coro_test_add_func ("/sync/lock/foreign-release-is-refused", test_lock_foreign_release);
  coro_test_add_func ("/sync/event/trigger-wakes-all-in-order", test_event);
  coro_test_add_func ("/sync/condition/wakes-in-order", test_condition_wake);
  coro_test_add_func ("/sync/condition/cancel-when-woken-passes-on", test_condition_cancel_woken);
  coro_test_add_func ("/sync/condition/cancelled-holds-the-lock", test_condition_cancel_reacquires);
  coro_test_add_func ("/sync/condition/needs-the-lock", test_condition_without_lock);
  coro_test_add_func ("/sync/semaphore/first-come-first-served", test_semaphore_fifo);
  coro_test_add_func ("/sync/semaphore/late-comer-waits", test_semaphore_late_comer);
  coro_test_add_func ("/sync/semaphore/late-comer-waits-for-the-cancelled", test_semaphore_late_comer_after_cancel);
  coro_test_add_func ("/sync/semaphore/cancel-when-woken-passes-on", test_semaphore_cancel_woken);
  coro_test_add_func ("/sync/semaphore/timed-out-keeps-nothing", test_semaphore_timeout);
  coro_test_add_func ("/sync/semaphore/bounded", test_semaphore_bounded);
  coro_test_add_func ("/sync/barrier/rounds", test_barrier_rounds);
  coro_test_add_func ("/sync/barrier/cancelled-leaves-the-round", test_barrier_cancel);
  coro_test_add_func ("/sync/barrier/broken-and-reset", test_barrier_broken);
  for (guint i = 0; i < N_KINDS; i++)
    {
      static const char *const names[N_KINDS] = {
        "lock", "event", "condition", "semaphore", "barrier", "put", "put-closed", "take", "join"
      };
      g_autofree char *path = g_strconcat ("/sync/dropped-in-the-turn-of-the-wake-up/", names[i], NULL);

      coro_test_add_data_func (path, test_dropped, GUINT_TO_POINTER (i), NULL);
    }

  return g_test_run ();
}
