/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Locks, events, conditions, semaphores and barriers: first come first served, and who is
 * cancelled loses nothing and keeps nothing.
 */
#include <coro-glib/coro-glib.h>

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

/* Lets everybody who can run do so. */
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

/* Who has arrived gets its letter; who of those that were woken goes on first is left to
 * chance.  `size`: characters of an entry. */
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
  g_autoptr (CoroTask) first = coro_spawn_task (hold_cb, self, NULL);
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

  /* Who was waiting goes on, though it is taken back at once. */
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

/* A notification is not lost with who is cancelled before it could act on it. */
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
acquire_cb (gpointer   semaphore,
            GValue    *result,
            GError   **error)
{
  return coro_semaphore_acquire (semaphore, error);
}

static void
clear_cb (gpointer  semaphore,
          GObject  *where_it_was)
{
  *(gpointer *) semaphore = NULL;
}

/* The owner releases it and drops it in the same turn. */
static gboolean
test_semaphore_dropped (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  for (int i = 0; i < 2; i++)
    {
      CoroSemaphore *semaphore = coro_semaphore_new (0);
      gpointer there = semaphore;
      g_autoptr (CoroTask) task = coro_spawn_task (acquire_cb, semaphore, NULL);

      g_object_weak_ref (G_OBJECT (semaphore), clear_cb, &there);
      settle ();
      g_assert_true (coro_semaphore_release (semaphore, error));
      g_object_unref (semaphore);
      g_assert_nonnull (there);                 /* the coroutine has not gone on yet */
      if (i == 1)
        coro_task_cancel (task);
      g_assert_true (coro_join (task, error));
      g_assert_null (there);
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==,
                       i == 1 ? CORO_FUTURE_CANCELLED : CORO_FUTURE_RESOLVED);
    }
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
  g_assert_cmpuint (coro_semaphore_get_value (semaphore), ==, 1);       /* nobody waits in the dead one's name */
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

  /* Who completes the round does not wait; its number says that it came last.  The next
   * round begins before the first has woken up. */
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
  coro_test_add_func ("/sync/semaphore/dropped-when-woken", test_semaphore_dropped);
  coro_test_add_func ("/sync/semaphore/cancel-when-woken-passes-on", test_semaphore_cancel_woken);
  coro_test_add_func ("/sync/semaphore/timed-out-keeps-nothing", test_semaphore_timeout);
  coro_test_add_func ("/sync/semaphore/bounded", test_semaphore_bounded);
  coro_test_add_func ("/sync/barrier/rounds", test_barrier_rounds);
  coro_test_add_func ("/sync/barrier/cancelled-leaves-the-round", test_barrier_cancel);
  coro_test_add_func ("/sync/barrier/broken-and-reset", test_barrier_broken);

  return g_test_run ();
}
