/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * coro_run(): beginning and end.
 */
#include "test-util.h"

#include <dirent.h>
#include <stdio.h>

static gboolean
forty_two_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  if (!coro_yield (error))
    return FALSE;
  return coro_return_int (result, 42);
}

static void
test_gives_result (void)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_run (forty_two_cb, NULL, &value, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_value_get_int (&value), ==, 42);
  g_assert_true (coro_run (forty_two_cb, NULL, NULL, NULL));
}

static void
test_gives_error (void)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_run (fail_cb, "main", &value, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_false (G_IS_VALUE (&value));
  g_assert_false (coro_run (fail_cb, "main", NULL, NULL));
}

static gboolean
inside_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  CoroScheduler **scheduler = user_data;

  *scheduler = g_object_ref (coro_scheduler_get_running ());
  g_assert_true (coro_scheduler_is_running (*scheduler));
  g_assert_false (coro_scheduler_is_closed (*scheduler));
  g_assert_true (coro_scheduler_get_context (*scheduler) == g_main_context_get_thread_default ());
  g_assert_nonnull (coro_task_get_current ());
  return TRUE;
}

static void
test_new_loop_each_time (void)
{
  g_autoptr (CoroScheduler) one = NULL;
  g_autoptr (CoroScheduler) two = NULL;

  g_assert_true (coro_run (inside_cb, &one, NULL, NULL));
  g_assert_true (coro_run (inside_cb, &two, NULL, NULL));
  g_assert_true (one != two);
  g_assert_true (coro_scheduler_is_closed (one));
  g_assert_true (coro_scheduler_is_closed (two));
  g_assert_null (coro_scheduler_get_running ());
  g_assert_null (g_main_context_get_thread_default ());
}

static gboolean
must_not_run_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_assert_not_reached ();
}

static gboolean
nested_run_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_run (must_not_run_cb, NULL, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_NESTED_RUN);
  g_assert_nonnull (strstr (local_error->message, "cannot be called from a running event loop"));
  return TRUE;
}

static void
test_nested_is_refused (void)
{
  g_assert_true (coro_run (nested_run_cb, NULL, NULL, NULL));
}

/* --- what is left behind ---------------------------------------------------------- */

typedef struct
{
  int n_cancelled;
  int n_cleaned_up;
  int n_destroyed;
} Leftovers;

static gboolean
leftover_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Leftovers *self = user_data;

  if (coro_sleep (10 * SECOND, error))
    return TRUE;
  assert_cancelled (*error);
  self->n_cancelled++;
  if (coro_sleep (1000, NULL))
    self->n_cleaned_up++;
  return FALSE;
}

static void
leftover_destroy_cb (gpointer user_data)
{
  ((Leftovers *) user_data)->n_destroyed++;
}

static gboolean
leave_three_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  for (int i = 0; i < 3; i++)
    coro_spawn (leftover_cb, user_data, leftover_destroy_cb);
  if (!coro_yield (error))
    return FALSE;
  return coro_return_int (result, 1);
}

static void
test_leftovers_are_cancelled_and_awaited (void)
{
  Leftovers self = { 0, };
  g_auto (GValue) value = G_VALUE_INIT;
  gint64 start = g_get_monotonic_time ();

  g_assert_true (coro_run (leave_three_cb, &self, &value, NULL));
  g_assert_cmpint (g_value_get_int (&value), ==, 1);
  g_assert_cmpint (self.n_cancelled, ==, 3);            /* once each */
  g_assert_cmpint (self.n_cleaned_up, ==, 3);
  g_assert_cmpint (self.n_destroyed, ==, 3);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 5 * SECOND);
}

static gboolean
respawn_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  int *n_left = user_data;

  coro_sleep (10 * SECOND, NULL);
  if (--*n_left > 0)
    coro_spawn (respawn_cb, n_left, NULL);
  return TRUE;
}

static gboolean
leave_respawning_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  coro_spawn (respawn_cb, user_data, NULL);
  return coro_yield (error);
}

/* Cleanup that spawns: those are cancelled as well. */
static void
test_cleanup_that_spawns (void)
{
  int n_left = 3;

  g_assert_true (coro_run (leave_respawning_cb, &n_left, NULL, NULL));
  g_assert_cmpint (n_left, ==, 0);
}

static gboolean
stubborn_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (CoroFuture) never = coro_future_new ();
  int *n_tries = user_data;

  /* Ignores its request and waits for what never comes, without a timer. */
  for (; *n_tries < 3; ++*n_tries)
    {
      g_autoptr (GError) local_error = NULL;

      coro_join (never, &local_error);
    }
  return TRUE;
}

static gboolean
leave_stubborn_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  coro_spawn (stubborn_cb, user_data, NULL);
  return coro_yield (error);
}

/* After the grace time every await fails: the end comes although nothing happens. */
static void
test_stubborn_leftover (void)
{
  int n_tries = 0;

  g_assert_true (coro_run (leave_stubborn_cb, &n_tries, NULL, NULL));
  g_assert_cmpint (n_tries, ==, 3);
}

/* --- coroutines that do not stop at all ----------------------------------------------- */

static gboolean
for_ever_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (CoroFuture) never = coro_future_new ();
  g_auto (CoroShield) shield = coro_shield_enter (0);

  return coro_join (never, error);
}

static gboolean
generator_body (CoroGenerator  *generator,
                gpointer        for_ever,
                GError        **error)
{
  while (coro_generator_produce_int (generator, 1, error))
    ;

  {
    g_auto (CoroShield) shield = coro_shield_enter (0);

    note ("closing");
    if (for_ever != NULL)
      for_ever_cb (NULL, NULL, NULL);
    coro_sleep (3 * SECOND, NULL);
    note ("closed");
  }
  return FALSE;
}

static gboolean
leave_generators_cb (gpointer   generators,
                     GValue    *result,
                     GError   **error)
{
  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  for (int i = 0; i < 2; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      if (!coro_iterator_next (((gpointer *) generators)[i], &value, error))
        return FALSE;
    }
  return TRUE;
}

static void
run_and_leave_generators (gboolean first_for_ever)
{
  g_autoptr (CoroGenerator) first = coro_generator_new (G_TYPE_INT, generator_body,
                                                        GINT_TO_POINTER (first_for_ever), NULL);
  g_autoptr (CoroGenerator) second = coro_generator_new (G_TYPE_INT, generator_body, NULL, NULL);
  gpointer generators[] = { first, second };
  CoroRunner *runner = coro_runner_new ();

  g_assert_true (coro_runner_run (runner, leave_generators_cb, generators, NULL, NULL));
  coro_runner_close (runner);
  g_object_unref (runner);
  if (first_for_ever)           /* it is still on a stack that is leaked */
    g_object_ref (first);
}

/* Each has its time to clean up. */
static void
test_slow_generators (void)
{
  run_and_leave_generators (FALSE);
  assert_trace ("closing closed closing closed");
}

/* One that never ends is given up, with a word. */
static void
test_generator_for_ever (void)
{
  if (g_test_subprocess ())
    {
      g_log_set_always_fatal (G_LOG_FATAL_MASK);
      run_and_leave_generators (TRUE);
      assert_trace ("closing closed closing");
      return;
    }

#if !TEST_SLOW                  /* what is parked is leaked */
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*WARNING*over before generator_body (*test-run.c:*) was closed*WARNING*leaves 1 coroutine*the shutdown*");
#endif
}

static gboolean
leave_for_ever_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  coro_spawn (for_ever_cb, NULL, NULL);
  coro_spawn (for_ever_cb, NULL, NULL);
  return coro_yield (error);
}

static void
test_coroutines_for_ever (void)
{
  if (g_test_subprocess ())
    {
      g_log_set_always_fatal (G_LOG_FATAL_MASK);
      g_assert_true (coro_run (leave_for_ever_cb, NULL, NULL, NULL));
      return;
    }

#if !TEST_SLOW
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*WARNING*leaves 2 coroutines*for_ever_cb*for_ever_cb*");
#endif
}

static gboolean
leave_stubborn_in_group_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR | CORO_TASK_GROUP_UNJOINED);

  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  coro_task_group_spawn (group, stubborn_cb, user_data, NULL);
  return coro_yield (error);
}

static void
test_stubborn_leftover_in_group (void)
{
  int n_tries = 0;

  g_assert_true (coro_run (leave_stubborn_in_group_cb, &n_tries, NULL, NULL));
  g_assert_cmpint (n_tries, ==, 3);
}

static gboolean
failing_leftover_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  coro_sleep (10 * SECOND, NULL);
  return fail_cb ("cleanup", result, error);
}

static gboolean
leave_failing_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  coro_spawn (failing_leftover_cb, NULL, NULL);
  return coro_yield (error);
}

static void
test_failing_leftover_is_said (void)
{
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING,
                         "failing_leftover_cb failed, and its error was never retrieved, and its main loop is shut down: cleanup;*");
  g_assert_true (coro_run (leave_failing_cb, NULL, NULL, NULL));
  g_test_assert_expected_messages ();
}

static gboolean
keep_things_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  CoroFuture **futures = user_data;

  futures[0] = coro_sleep_future (10 * SECOND);
  futures[1] = coro_future_new ();
  futures[2] = CORO_FUTURE (coro_spawn_task (forever_cb, NULL, NULL));
  return coro_yield (error);
}

/* Handles may outlive the loop that they came from. */
static void
test_handles_outlive_the_loop (void)
{
  CoroFuture *futures[3] = { NULL, };

  g_assert_true (coro_run (keep_things_cb, futures, NULL, NULL));
  g_assert_cmpint (coro_future_get_state (futures[2]), ==, CORO_FUTURE_CANCELLED);
  g_assert_true (coro_future_resolve (futures[1], NULL));
  g_assert_false (coro_future_is_done (futures[0]));
  g_assert_true (coro_future_cancel (futures[0]));
  for (int i = 0; i < 3; i++)
    g_object_unref (futures[i]);
}

/* --- again and again -------------------------------------------------------------- */

static int
count_fds (void)
{
  DIR *dir = opendir ("/proc/self/fd");
  int n = 0;

  while (readdir (dir) != NULL)
    n++;
  closedir (dir);
  return n;
}

static long
count_pages (void)
{
  long pages = 0, resident = 0;
  FILE *file = fopen ("/proc/self/statm", "r");

  g_assert_cmpint (fscanf (file, "%ld %ld", &pages, &resident), ==, 2);
  fclose (file);
  return pages;
}

static gboolean
some_work_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 10; i++)
    coro_task_group_spawn (nursery.group, forty_two_cb, NULL, NULL);
  coro_spawn (forever_cb, NULL, NULL);
  return coro_nursery_join (&nursery);
}

static void
test_hundred_in_sequence (void)
{
  int n_fds;
  long n_pages;

  for (int i = 0; i < 10; i++)
    g_assert_true (coro_run (some_work_cb, NULL, NULL, NULL));
  n_fds = count_fds ();
  n_pages = count_pages ();
  for (int i = 0; i < 100; i++)
    g_assert_true (coro_run (some_work_cb, NULL, NULL, NULL));
  g_assert_cmpint (count_fds (), ==, n_fds);
  if (!is_slow ())
    g_assert_cmpint (count_pages () - n_pages, <, 1024);        /* 4 MiB; a slab of stacks each would be 1600 */
}

/* --- main programs ---------------------------------------------------------------- */

static void
test_run_main (void)
{
  if (g_test_subprocess ())
    {
      g_assert_cmpint (coro_run_main (forty_two_cb, NULL), ==, 0);
      g_assert_cmpint (coro_run_main (fail_cb, "said on stderr"), ==, 1);
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*said on stderr\n*");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/spec/S004/gives-result", test_gives_result);
  g_test_add_func ("/run/gives-error", test_gives_error);
  g_test_add_func ("/spec/S113/new-loop-each-time", test_new_loop_each_time);
  g_test_add_func ("/spec/S030/nested-is-refused", test_nested_is_refused);
  g_test_add_func ("/spec/S120-S121/leftovers-are-cancelled-and-awaited", test_leftovers_are_cancelled_and_awaited);
  g_test_add_func ("/run/cleanup-that-spawns", test_cleanup_that_spawns);
  g_test_add_func ("/run/stubborn-leftover", test_stubborn_leftover);
  g_test_add_func ("/run/stubborn-leftover-in-group", test_stubborn_leftover_in_group);
  g_test_add_func ("/run/slow-generators", test_slow_generators);
  g_test_add_func ("/run/generator-for-ever", test_generator_for_ever);
  g_test_add_func ("/run/coroutines-for-ever", test_coroutines_for_ever);
  g_test_add_func ("/run/failing-leftover-is-said", test_failing_leftover_is_said);
  g_test_add_func ("/run/handles-outlive-the-loop", test_handles_outlive_the_loop);
  g_test_add_func ("/spec/S029/hundred-in-sequence", test_hundred_in_sequence);
  g_test_add_func ("/spec/S031/run-main", test_run_main);

  return g_test_run ();
}
