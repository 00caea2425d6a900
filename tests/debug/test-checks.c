/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "debug/debug-util.h"

#include <fenv.h>

static void
run_with (CoroDebugFlags flags,
          CoroFunc       body)
{
  g_autoptr (GError) error = NULL;

  begin_log ();
  coro_debug_set_flags (flags);
  coro_run (body, NULL, NULL, &error);
  coro_debug_set_flags (CORO_DEBUG_NONE);
  g_assert_no_error (error);
}

static void
run_checked (CoroFunc body)
{
  run_with (CORO_DEBUG_CHECKS, body);
}

/* With debug mode, but for these checks. */
static void
run_unchecked (CoroFunc body)
{
  run_with (CORO_DEBUG_ALL & ~CORO_DEBUG_CHECKS, body);
}

/* --- the thread-default context ------------------------------------------------------ */

static gboolean
push_cb (gpointer   context,
         GValue    *result,
         GError   **error)
{
  g_main_context_push_thread_default (context);
  return coro_sleep (0, error) && coro_sleep (0, error);
}

static gboolean
innocent_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  return coro_sleep (0, error) && coro_sleep (0, error) && coro_sleep (0, error);
}

static void
test_pushed_context_is_blamed_on_its_coroutine (void)
{
  g_autoptr (CoroScheduler) self = coro_scheduler_ref_for_context (NULL);
  g_autoptr (GMainContext) context = g_main_context_new ();

  /* In the default context, for which the scheduler need not push: GLib would complain of
   * the wrong order as well. */
  begin_log ();
  coro_scheduler_set_debug (self, CORO_DEBUG_CHECKS);
  coro_spawn (push_cb, context, NULL);
  coro_spawn (innocent_cb, NULL, NULL);
  settle (NULL);
  g_main_context_pop_thread_default (context);
  coro_scheduler_set_debug (self, CORO_DEBUG_NONE);
  assert_logged ("push_cb (", 1);
  assert_logged ("waits and has not popped the thread-default main context", 1);
  assert_logged ("innocent_cb", 0);
  end_log ();
}

static gboolean
push_and_return_cb (gpointer   context,
                    GValue    *result,
                    GError   **error)
{
  g_main_context_push_thread_default (context);
  return TRUE;
}

static void
test_context_that_is_left_pushed_is_reported (void)
{
  g_autoptr (CoroScheduler) self = coro_scheduler_ref_for_context (NULL);
  g_autoptr (GMainContext) context = g_main_context_new ();

  begin_log ();
  coro_scheduler_set_debug (self, CORO_DEBUG_CHECKS);
  coro_spawn (push_and_return_cb, context, NULL);
  settle (NULL);
  g_main_context_pop_thread_default (context);
  coro_scheduler_set_debug (self, CORO_DEBUG_NONE);
  assert_logged ("push_and_return_cb (", 1);
  assert_logged ("returned and has not popped the thread-default main context", 1);
  end_log ();
}

static gboolean
push_and_pop_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  g_main_context_pop_thread_default (context);
  return coro_sleep (0, error);
}

static void
test_popped_context_is_fine (void)
{
  run_checked (push_and_pop_cb);
  assert_logged ("context", 0);
  end_log ();
}

static gboolean
round_up_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  fesetround (FE_UPWARD);
  if (user_data != NULL)
    fesetround (FE_TONEAREST);
  return coro_sleep (0, error);
}

static void
test_rounding_mode_is_blamed_on_its_coroutine (void)
{
  g_autoptr (CoroScheduler) self = coro_scheduler_ref_for_context (NULL);

  begin_log ();
  coro_scheduler_set_debug (self, CORO_DEBUG_CHECKS);
  coro_spawn (round_up_cb, NULL, NULL);
  coro_spawn (innocent_cb, NULL, NULL);
  settle (NULL);
  fesetround (FE_TONEAREST);
  coro_scheduler_set_debug (self, CORO_DEBUG_NONE);
  assert_logged ("round_up_cb (", 1);
  assert_logged ("waits and has not put back the rounding mode", 1);
  assert_logged ("innocent_cb", 0);
  end_log ();
}

static void
test_rounding_mode_that_is_put_back_is_fine (void)
{
  g_autoptr (CoroScheduler) self = coro_scheduler_ref_for_context (NULL);

  begin_log ();
  coro_scheduler_set_debug (self, CORO_DEBUG_CHECKS);
  coro_spawn (round_up_cb, self, NULL);
  settle (NULL);
  coro_scheduler_set_debug (self, CORO_DEBUG_NONE);
  assert_logged ("rounding", 0);
  end_log ();
}

/* --- locks ------------------------------------------------------------------------ */

static CoroLock *shared_lock;

static gboolean
keep_lock_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  return coro_lock_acquire (shared_lock, error);
}

static gboolean
keep_and_end_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (keep_lock_cb, NULL, NULL);

  return coro_await (task, NULL, error);
}

static void
test_lock_that_is_not_released_is_reported (void)
{
  shared_lock = coro_lock_new ();
  run_checked (keep_and_end_cb);
  g_clear_object (&shared_lock);
  assert_logged ("keep_lock_cb (", 1);
  assert_logged ("returned and still holds 1 lock\n", 1);
  end_log ();
}

static void
test_lock_is_not_reported_without_checks (void)
{
  shared_lock = coro_lock_new ();
  run_unchecked (keep_and_end_cb);
  g_clear_object (&shared_lock);
  assert_logged ("lock", 0);
  end_log ();
}

static gboolean
keep_two_cb (gpointer   other_lock,
             GValue    *result,
             GError   **error)
{
  return coro_lock_acquire (shared_lock, error) && coro_lock_acquire (other_lock, error);
}

static gboolean
keep_two_and_end_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroLock) other_lock = coro_lock_new ();
  g_autoptr (CoroTask) task = coro_spawn_task (keep_two_cb, other_lock, NULL);

  return coro_await (task, NULL, error);
}

static void
test_locks_are_counted (void)
{
  shared_lock = coro_lock_new ();
  run_checked (keep_two_and_end_cb);
  g_clear_object (&shared_lock);
  assert_logged ("keep_two_cb (", 1);
  assert_logged ("returned and still holds 2 locks\n", 1);
  end_log ();
}

static gboolean
watched_between_cb (gpointer   other_lock,
                    GValue    *result,
                    GError   **error)
{
  g_assert_true (coro_lock_acquire (shared_lock, error));
  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_CHECKS);
  coro_lock_release (shared_lock);
  return coro_lock_acquire (other_lock, error);
}

static gboolean
watch_from_here_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroLock) other_lock = coro_lock_new ();
  g_autoptr (CoroTask) task = coro_spawn_task (watched_between_cb, other_lock, NULL);

  return coro_await (task, NULL, error);
}

/* A lock that was acquired before debug mode began is not counted, and its release must not be
 * taken for the release of another lock. */
static void
test_locks_are_counted_from_the_beginning_of_debug_mode (void)
{
  shared_lock = coro_lock_new ();
  run_with (CORO_DEBUG_NONE, watch_from_here_cb);
  g_clear_object (&shared_lock);
  assert_logged ("returned and still holds 1 lock\n", 1);
  end_log ();
}

static gboolean
use_lock_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_auto (CoroLocker) locker = coro_locker_enter (shared_lock, error);

  return coro_locker_ok (&locker) && coro_sleep (MILLISECOND, error);
}

static gboolean
use_in_turns_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroTask) first = coro_spawn_task (use_lock_cb, NULL, NULL);
  g_autoptr (CoroTask) second = coro_spawn_task (use_lock_cb, NULL, NULL);

  return coro_await (first, NULL, error) && coro_await (second, NULL, error);
}

static void
test_lock_that_is_passed_on_is_fine (void)
{
  shared_lock = coro_lock_new ();
  run_checked (use_in_turns_cb);
  g_clear_object (&shared_lock);
  assert_logged ("lock", 0);
  end_log ();
}

/* --- cancellation ----------------------------------------------------------------- */

static gboolean
ignore_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  for (int i = 0; i < GPOINTER_TO_INT (user_data); i++)
    coro_sleep (SECOND, NULL);
  return TRUE;
}

static gboolean
cancel_ignoring (int      times,
                 GError **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (ignore_cb, GINT_TO_POINTER (times), NULL);

  if (!coro_sleep (MILLISECOND, error))
    return FALSE;
  coro_task_cancel (task);
  return coro_join (task, error);
}

static gboolean
ignore_often_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  return cancel_ignoring (10, error);
}

static gboolean
ignore_thrice_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  return cancel_ignoring (3, error);
}

static gboolean
ignore_twice_thrice_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  return cancel_ignoring (3, error) && cancel_ignoring (3, error);
}

/* The second may well have the record of the first, but not its past. */
static void
test_coroutines_are_counted_apart (void)
{
  run_checked (ignore_twice_thrice_cb);
  assert_logged ("ignored", 0);
  end_log ();
}

static void
test_ignored_cancellations_are_not_reported_without_checks (void)
{
  run_unchecked (ignore_often_cb);
  assert_logged ("ignored", 0);
  end_log ();
}

static void
test_ignored_cancellations_are_reported_once (void)
{
  run_checked (ignore_often_cb);
  assert_logged ("ignore_cb (", 1);
  assert_logged ("has ignored more than 3 cancellations", 1);
  end_log ();
}

static void
test_a_few_ignored_cancellations_are_fine (void)
{
  run_checked (ignore_thrice_cb);
  assert_logged ("ignored", 0);
  end_log ();
}

/* --- threads ---------------------------------------------------------------------- */

static CoroEvent *shared_event;
static CoroQueue *shared_queue;
static CoroSemaphore *shared_semaphore;
static CoroLock *shared_lock;
static CoroBarrier *shared_barrier;

static gpointer
trigger_cb (gpointer data)
{
  coro_event_trigger (shared_event);
  return NULL;
}

static gpointer
put_cb (gpointer data)
{
  coro_queue_try_put (shared_queue, GINT_TO_POINTER (1), NULL);
  return NULL;
}

static gpointer
release_cb (gpointer data)
{
  coro_semaphore_release (shared_semaphore, NULL);
  return NULL;
}

static gboolean
wait_event_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  return coro_event_wait (shared_event, error);
}

static gboolean
take_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  gpointer item;

  return coro_queue_take (shared_queue, &item, error);
}

static gboolean
acquire_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return coro_semaphore_acquire (shared_semaphore, error);
}

static gboolean
group_join_cb (gpointer   group,
               GValue    *result,
               GError   **error)
{
  return coro_task_group_join (group, error);
}

static gboolean
use_from_elsewhere (CoroFunc      wait,
                    GThreadFunc   use,
                    GError      **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task_at (NULL, wait, NULL, NULL, NULL);

  if (!coro_sleep (MILLISECOND, error))
    return FALSE;
  g_thread_join (g_thread_new ("elsewhere", use, NULL));
  return coro_await (task, NULL, error);
}

static gboolean
lock_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_auto (CoroLocker) locker = coro_locker_enter (shared_lock, error);

  return coro_locker_ok (&locker);
}

/* Waits for the lock in a main context of the calling thread, and then does not. */
static gboolean
try_lock_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task_at (NULL, lock_cb, NULL, NULL, NULL);

  while (coro_task_get_coroutine_state (task) != CORO_COROUTINE_SUSPENDED)
    if (!coro_yield (error))
      return FALSE;
  coro_task_cancel (task);
  return coro_join (task, error) && coro_future_get_state (CORO_FUTURE (task)) == CORO_FUTURE_CANCELLED;
}

static gpointer
try_lock_thread (gpointer data)
{
  g_assert_true (coro_run (try_lock_cb, NULL, NULL, NULL));
  return NULL;
}

static gpointer
abort_barrier_thread (gpointer data)
{
  coro_barrier_abort (shared_barrier);
  return NULL;
}

static gboolean
wait_barrier_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GError) local = NULL;

  g_assert_false (coro_barrier_wait (shared_barrier, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_CLOSED);
  return TRUE;
}

/* The lock is held, though no coroutine waits for it. */
static gboolean
foreign_lock_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_auto (CoroLocker) locker = coro_locker_enter (shared_lock, error);

  g_thread_join (g_thread_new ("elsewhere", try_lock_thread, NULL));
  return coro_locker_ok (&locker);
}

static gboolean
foreign_barrier_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  return use_from_elsewhere (wait_barrier_cb, abort_barrier_thread, error);
}

static gpointer
join_thread (gpointer group)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_run (group_join_cb, group, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return NULL;
}

/* That is always an error. */
static gboolean
foreign_join_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  g_thread_join (g_thread_new ("elsewhere", join_thread, group));
  return coro_task_group_join (group, error);
}

static gboolean
foreign_thread_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  return use_from_elsewhere (wait_event_cb, trigger_cb, error) &&
         use_from_elsewhere (take_cb, put_cb, error) &&
         use_from_elsewhere (acquire_cb, release_cb, error);
}

static gboolean
use_from_here (CoroFunc      wait,
               GThreadFunc   use,
               GError      **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task_at (NULL, wait, NULL, NULL, NULL);

  if (!coro_sleep (MILLISECOND, error))
    return FALSE;
  use (NULL);
  return coro_await (task, NULL, error);
}

static gboolean
own_thread_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  return use_from_here (wait_event_cb, trigger_cb, error) &&
         use_from_here (take_cb, put_cb, error) &&
         use_from_here (acquire_cb, release_cb, error);
}

static void
make_shared (void)
{
  shared_event = coro_event_new ();
  shared_queue = coro_queue_new (0, NULL);
  shared_semaphore = coro_semaphore_new (0);
  shared_lock = coro_lock_new ();
  shared_barrier = coro_barrier_new (2);
}

static void
free_shared (void)
{
  g_clear_object (&shared_event);
  g_clear_object (&shared_queue);
  g_clear_object (&shared_semaphore);
  g_clear_object (&shared_lock);
  g_clear_object (&shared_barrier);
}

static void
test_use_in_the_own_thread_is_fine (void)
{
  make_shared ();
  run_checked (own_thread_cb);
  assert_logged ("another thread", 0);
  free_shared ();
  end_log ();
}

static void
test_threads_are_not_looked_at_without_checks (void)
{
  make_shared ();
  run_unchecked (foreign_thread_cb);
  assert_logged ("another thread", 0);
  free_shared ();
  end_log ();
}

static void
test_use_in_another_thread_is_critical (void)
{
  make_shared ();
  run_checked (foreign_thread_cb);
  assert_logged ("A CoroEvent was used in another thread", 1);
  assert_logged ("A CoroQueue was used in another thread", 1);
  assert_logged ("A CoroSemaphore was used in another thread", 1);
  free_shared ();
  end_log ();
}

static void
test_lock_in_another_thread_is_critical (void)
{
  make_shared ();
  run_checked (foreign_lock_cb);
  assert_logged ("A CoroLock was used in another thread", 1);
  free_shared ();
  end_log ();
}

static void
test_barrier_in_another_thread_is_critical (void)
{
  make_shared ();
  run_checked (foreign_barrier_cb);
  assert_logged ("A CoroBarrier was used in another thread", 1);
  free_shared ();
  end_log ();
}

static void
test_join_in_another_thread_is_an_error (void)
{
  run_unchecked (foreign_join_cb);
  end_log ();
}

/* --- coroutine objects ------------------------------------------------------------ */

static gboolean
body_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  note ("ran");
  return TRUE;
}

NOT_MERGED static CoroCoroutine *
make_and_forget (void)
{
  return coro_coroutine_new (body_cb, NULL, NULL);
}

static void
test_never_awaited_shows_where_it_was_made (void)
{
  CoroCoroutine *coroutine;

  begin_log ();
  coro_debug_set_flags (CORO_DEBUG_CHECKS);
  coroutine = make_and_forget ();
  coro_debug_set_flags (CORO_DEBUG_NONE);
  g_object_unref (coroutine);
  assert_logged ("coroutine 'body_cb' was never awaited", 1);
  assert_logged ("    make_and_forget+0x", 1);
  assert_trace ("");
  end_log ();
}

static void
test_never_awaited_is_said_without_debug_mode (void)
{
  CoroCoroutine *coroutine;

  begin_log ();
  coroutine = make_and_forget ();
  g_object_unref (coroutine);
  assert_logged ("coroutine 'body_cb' was never awaited", 1);
  assert_logged ("make_and_forget", 0);
  assert_trace ("");
  end_log ();
}

static gboolean
watch_and_forget_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  CoroCoroutine *coroutine;

  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_CHECKS);
  coroutine = make_and_forget ();
  g_object_unref (coroutine);
  return TRUE;
}

static void
test_debug_mode_of_one_scheduler_is_enough (void)
{
  run_with (CORO_DEBUG_NONE, watch_and_forget_cb);
  assert_logged ("    make_and_forget+0x", 1);
  end_log ();
}

static gboolean
await_and_spawn_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroCoroutine) awaited = coro_coroutine_new (body_cb, NULL, NULL);
  g_autoptr (CoroCoroutine) spawned = coro_coroutine_new (body_cb, NULL, NULL);
  g_autoptr (CoroTask) task = coro_spawn_coroutine (NULL, spawned);

  return coro_await (awaited, NULL, error) && coro_await (task, NULL, error);
}

static void
test_awaited_or_spawned_gives_no_warning (void)
{
  run_checked (await_and_spawn_cb);
  assert_trace ("ran ran");
  assert_logged ("never awaited", 0);
  end_log ();
}

/* --- generators -------------------------------------------------------------------- */

static gboolean
produce_cb (CoroGenerator  *self,
            gpointer        data,
            GError        **error)
{
  return !coro_generator_produce_int (self, 42, error) || TRUE;
}

static gboolean
drop_generators_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  CoroGenerator *dropped = coro_generator_new (G_TYPE_INT, produce_cb, NULL, NULL);
  g_autoptr (CoroGenerator) guarded = coro_generator_new (G_TYPE_INT, produce_cb, NULL, NULL);
  g_autoptr (CoroGenerator) closed = coro_generator_new (G_TYPE_INT, produce_cb, NULL, NULL);
  G_GNUC_UNUSED g_autoptr (CoroGenerator) unused = coro_generator_new (G_TYPE_INT, produce_cb, NULL, NULL);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);

  coro_scheduler_set_debug (scheduler, CORO_DEBUG_CHECKS);
  {
    g_auto (CoroLoop) loop = coro_loop_enter (guarded, error);

    g_assert_true (coro_loop_next (&loop, &value));
  }
  g_value_unset (&value);
  g_assert_true (coro_iterator_next (closed, &value, error));
  g_assert_true (coro_generator_close (closed, error));
  g_value_unset (&value);
  g_assert_true (coro_iterator_next (dropped, &value, error));

  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*produce_cb*was dropped before its end*");
  g_object_unref (dropped);
  if (!coro_test_settle (error))
    return FALSE;
  g_test_assert_expected_messages ();
  coro_scheduler_set_debug (scheduler, CORO_DEBUG_NONE);

  g_value_unset (&value);
  dropped = coro_generator_new (G_TYPE_INT, produce_cb, NULL, NULL);
  g_assert_true (coro_iterator_next (dropped, &value, error));
  g_object_unref (dropped);     /* nothing is said without debug mode */
  return coro_test_settle (error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Debug mode reports a mistake with the coroutine that made it");

  g_test_add_func ("/debug/checks/pushed-context-is-blamed-on-its-coroutine", test_pushed_context_is_blamed_on_its_coroutine);
  g_test_add_func ("/debug/checks/popped-context-is-fine", test_popped_context_is_fine);
  g_test_add_func ("/debug/checks/context-that-is-left-pushed-is-reported", test_context_that_is_left_pushed_is_reported);
  g_test_add_func ("/debug/checks/rounding-mode-is-blamed-on-its-coroutine", test_rounding_mode_is_blamed_on_its_coroutine);
  g_test_add_func ("/debug/checks/rounding-mode-that-is-put-back-is-fine", test_rounding_mode_that_is_put_back_is_fine);
  g_test_add_func ("/debug/checks/lock-that-is-not-released-is-reported", test_lock_that_is_not_released_is_reported);
  g_test_add_func ("/debug/checks/lock-that-is-passed-on-is-fine", test_lock_that_is_passed_on_is_fine);
  g_test_add_func ("/debug/checks/locks-are-counted-from-the-beginning-of-debug-mode", test_locks_are_counted_from_the_beginning_of_debug_mode);
  g_test_add_func ("/debug/checks/locks-are-counted", test_locks_are_counted);
  g_test_add_func ("/debug/checks/lock-is-not-reported-without-checks", test_lock_is_not_reported_without_checks);
  g_test_add_func ("/debug/checks/ignored-cancellations-are-reported-once", test_ignored_cancellations_are_reported_once);
  g_test_add_func ("/debug/checks/a-few-ignored-cancellations-are-fine", test_a_few_ignored_cancellations_are_fine);
  g_test_add_func ("/debug/checks/ignored-cancellations-are-not-reported-without-checks", test_ignored_cancellations_are_not_reported_without_checks);
  g_test_add_func ("/debug/checks/coroutines-are-counted-apart", test_coroutines_are_counted_apart);
  g_test_add_func ("/debug/checks/use-in-another-thread-is-critical", test_use_in_another_thread_is_critical);
  g_test_add_func ("/debug/checks/lock-in-another-thread-is-critical", test_lock_in_another_thread_is_critical);
  g_test_add_func ("/debug/checks/barrier-in-another-thread-is-critical", test_barrier_in_another_thread_is_critical);
  g_test_add_func ("/debug/checks/join-in-another-thread-is-an-error", test_join_in_another_thread_is_an_error);
  g_test_add_func ("/debug/checks/threads-are-not-looked-at-without-checks", test_threads_are_not_looked_at_without_checks);
  g_test_add_func ("/debug/checks/use-in-the-own-thread-is-fine", test_use_in_the_own_thread_is_fine);
  g_test_add_func ("/spec/S134/never-awaited-shows-where-it-was-made", test_never_awaited_shows_where_it_was_made);
  g_test_add_func ("/spec/S302/never-awaited-is-said-without-debug-mode", test_never_awaited_is_said_without_debug_mode);
  g_test_add_func ("/debug/checks/debug-mode-of-one-scheduler-is-enough", test_debug_mode_of_one_scheduler_is_enough);
  g_test_add_func ("/spec/S303/awaited-or-spawned-gives-no-warning", test_awaited_or_spawned_gives_no_warning);
  coro_test_add_func ("/debug/checks/dropped-generator-is-reported", drop_generators_cb);

  return g_test_run ();
}
