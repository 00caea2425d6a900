/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "debug/debug-util.h"

static GTimeSpan busy_time;

static gboolean
busy_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  spin (busy_time);
  return TRUE;
}

/* Runs a coroutine that is busy for a while under debug mode. */
typedef struct
{
  CoroDebugFlags flags;
  GTimeSpan threshold;          /* 0: what it is at first */
  const char *name;             /* (nullable) */
} Slow;

static gboolean
slow_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Slow *slow = user_data;
  g_autoptr (CoroTask) task = NULL;

  coro_scheduler_set_debug (scheduler (), slow->flags);
  if (slow->threshold > 0)
    coro_scheduler_set_slow_threshold (scheduler (), slow->threshold);

  task = coro_spawn_task (busy_cb, NULL, NULL);
  if (slow->name != NULL)
    coro_task_set_name (task, slow->name);
  return coro_await (task, NULL, error);
}

static void
run_slow (Slow *slow)
{
  g_autoptr (GError) error = NULL;

  begin_log ();
  coro_run (slow_cb, slow, NULL, &error);
  g_assert_no_error (error);
}

static void
test_slow_step_is_reported_once (void)
{
  Slow slow = { CORO_DEBUG_SLOW };

  busy_time = 150 * MILLISECOND;
  run_slow (&slow);
  assert_logged ("Executing", 1);
  assert_logged ("spawned at busy_cb (", 1);
  assert_logged ("test-slow.c:", 1);
  end_log ();
}

static void
test_report_has_name_and_duration (void)
{
  Slow slow = { CORO_DEBUG_SLOW, 0, "slowpoke" };
  const char *number;
  double duration;

  busy_time = 250 * MILLISECOND;
  run_slow (&slow);
  assert_logged ("Executing <CoroTask 'slowpoke' spawned at ", 1);
  assert_logged ("coro_run_in_thread()", 1);
  number = strstr (log_text->str, " took ");
  g_assert_nonnull (number);
  duration = g_ascii_strtod (number + strlen (" took "), NULL);
  g_assert_cmpfloat (duration, >=, 0.25);
  g_assert_cmpfloat (duration, <, 60);
  end_log ();
}

static void
test_short_step_is_not_reported (void)
{
  Slow slow = { CORO_DEBUG_SLOW, 60 * SECOND };

  busy_time = 20 * MILLISECOND;
  run_slow (&slow);
  assert_logged ("Executing", 0);
  end_log ();
}

static void
test_nothing_is_reported_while_off (void)
{
  Slow slow = { CORO_DEBUG_NONE, 1 };

  busy_time = 5 * MILLISECOND;
  run_slow (&slow);
  assert_logged ("Executing", 0);
  end_log ();
}

static void
test_threshold_itself_is_slow (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroScheduler) self = coro_scheduler_ref_for_context (context);

  g_assert_cmpint (coro_scheduler_get_slow_threshold (self), ==, 100 * MILLISECOND);
  g_assert_cmpint (coro_scheduler_get_watchdog_threshold (self), ==, SECOND);

  /* However fast the machine is, no step takes less than this. */
  begin_log ();
  coro_scheduler_set_debug (self, CORO_DEBUG_SLOW);
  coro_scheduler_set_slow_threshold (self, 0);
  g_main_context_push_thread_default (context);
  busy_time = 0;
  coro_spawn (busy_cb, NULL, NULL);
  settle (context);
  g_main_context_pop_thread_default (context);
  assert_logged ("Executing <CoroTask 'busy_cb' spawned at busy_cb (", 1);
  end_log ();
}

static gboolean
sleeper_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_SLOW);
  coro_scheduler_set_slow_threshold (scheduler (), 50 * MILLISECOND);
  return coro_sleep (100 * MILLISECOND, error) && coro_sleep (100 * MILLISECOND, error);
}

static void
test_waiting_is_not_slow (void)
{
  g_autoptr (GError) error = NULL;

  begin_log ();
  coro_run (sleeper_cb, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_logged ("Executing", 0);
  end_log ();
}

static gboolean
blocking_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_SLOW);
  g_usleep (150 * MILLISECOND);
  return TRUE;
}

/* Also in the step that has turned it on. */
static void
test_blocking_call_is_reported (void)
{
  g_autoptr (GError) error = NULL;

  begin_log ();
  coro_run (blocking_cb, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_logged ("Executing", 1);
  end_log ();
}

static void
slow_callback (CoroFuture  *future,
               gpointer     user_data,
               GError     **error)
{
  spin (20 * MILLISECOND);
}

static gboolean
slow_callback_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_SLOW);
  coro_scheduler_set_slow_threshold (scheduler (), 20 * MILLISECOND);
  coro_future_on_done (future, slow_callback, NULL, NULL);
  coro_future_resolve_int (future, 1);
  return coro_sleep (MILLISECOND, error);
}

static void
test_slow_callback_is_named (void)
{
  g_autoptr (GError) error = NULL;

  begin_log ();
  coro_run (slow_callback_cb, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_logged ("Executing <callback slow_callback", 1);
  end_log ();
}

static gboolean inner_ended;

static gboolean
inner_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  spin (20 * MILLISECOND);
  inner_ended = TRUE;
  return TRUE;
}

static void
nesting_callback (CoroFuture  *future,
                  gpointer     user_data,
                  GError     **error)
{
  while (!inner_ended)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
}

static gboolean
nested_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_SLOW);
  coro_scheduler_set_slow_threshold (scheduler (), 20 * MILLISECOND);
  coro_future_on_done (future, nesting_callback, NULL, NULL);
  coro_future_resolve_int (future, 1);
  coro_spawn (inner_cb, NULL, NULL);
  return coro_sleep (MILLISECOND, error);
}

/* A callback with a main loop of its own takes as long as all that runs in that loop. */
static void
test_nested_loop_counts (void)
{
  g_autoptr (GError) error = NULL;

  begin_log ();
  inner_ended = FALSE;
  coro_run (nested_cb, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (inner_ended);
  assert_logged ("Executing <CoroTask 'inner_cb' spawned at inner_cb (", 1);
  assert_logged ("Executing <callback nesting_callback", 1);
  assert_logged ("Executing", 2);
  end_log ();
}

static gboolean
get_debug_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  CoroDebugFlags *flags = user_data;

  *flags = coro_scheduler_get_debug (scheduler ());
  return TRUE;
}

static CoroDebugFlags
run_and_get_debug (void)
{
  g_autoptr (GError) error = NULL;
  CoroDebugFlags flags = CORO_DEBUG_NONE;

  coro_run (get_debug_cb, &flags, NULL, &error);
  g_assert_no_error (error);
  return flags;
}

static void
test_flags_reach_a_new_run (void)
{
  coro_debug_set_flags (CORO_DEBUG_SLOW);
  g_assert_cmpint (run_and_get_debug (), ==, CORO_DEBUG_SLOW);
  coro_debug_set_flags (CORO_DEBUG_NONE);
  g_assert_cmpint (run_and_get_debug (), ==, CORO_DEBUG_NONE);
}

/* Runs this test program again, under another environment. */
static void
run_with_environment (const char *value,
                      const char *path)
{
  g_autofree char *old = g_strdup (g_getenv ("CORO_DEBUG"));

  g_setenv ("CORO_DEBUG", value, TRUE);
  g_test_trap_subprocess (path, 0, 0);
  if (old != NULL)
    g_setenv ("CORO_DEBUG", old, TRUE);
  else
    g_unsetenv ("CORO_DEBUG");
  g_test_trap_assert_passed ();
}

static void
subprocess_all (void)
{
  g_assert_cmpint (run_and_get_debug (), ==, CORO_DEBUG_ALL);
  coro_debug_set_flags (CORO_DEBUG_NONE);
  g_assert_cmpint (run_and_get_debug (), ==, CORO_DEBUG_NONE);
}

static void
subprocess_slow (void)
{
  g_assert_cmpint (run_and_get_debug (), ==, CORO_DEBUG_SLOW);
}

static void
subprocess_none (void)
{
  g_assert_cmpint (run_and_get_debug (), ==, CORO_DEBUG_NONE);
}

static void
test_environment_turns_it_on_and_a_call_off (void)
{
  run_with_environment ("1", "/debug/subprocess/all");
  run_with_environment ("all", "/debug/subprocess/all");
}

static void
test_environment_lists_what_to_watch (void)
{
  run_with_environment ("slow", "/debug/subprocess/slow");
  run_with_environment ("overflow,slow", "/debug/subprocess/slow");
}

static void
test_empty_environment_is_off (void)
{
  run_with_environment ("", "/debug/subprocess/none");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Slow steps are named, and debug mode can be asked for in three ways");

  if (g_getenv ("CORO_DEBUG") != NULL && !g_test_subprocess ())
    coro_debug_set_flags (CORO_DEBUG_NONE);

  g_test_add_func ("/spec/S107-S138/slow-step-is-reported-once", test_slow_step_is_reported_once);
  g_test_add_func ("/spec/S138-S139/report-has-name-duration-and-advice", test_report_has_name_and_duration);
  g_test_add_func ("/spec/S138/short-step-is-not-reported", test_short_step_is_not_reported);
  g_test_add_func ("/spec/S138/nothing-is-reported-while-off", test_nothing_is_reported_while_off);
  g_test_add_func ("/spec/S138/threshold-itself-is-slow", test_threshold_itself_is_slow);
  g_test_add_func ("/spec/S138/waiting-is-not-slow", test_waiting_is_not_slow);
  g_test_add_func ("/spec/S162-S359/blocking-call-is-reported", test_blocking_call_is_reported);
  g_test_add_func ("/spec/S135/slow-callback-is-named", test_slow_callback_is_named);
  g_test_add_func ("/debug/slow/nested-loop-counts", test_nested_loop_counts);
  g_test_add_func ("/spec/S136/flags-reach-a-new-run", test_flags_reach_a_new_run);
  g_test_add_func ("/spec/S136-S137/environment-turns-it-on-and-a-call-off", test_environment_turns_it_on_and_a_call_off);
  g_test_add_func ("/spec/S137/environment-lists-what-to-watch", test_environment_lists_what_to_watch);
  g_test_add_func ("/spec/S137/empty-environment-is-off", test_empty_environment_is_off);
  g_test_add_func ("/debug/subprocess/all", subprocess_all);
  g_test_add_func ("/debug/subprocess/slow", subprocess_slow);
  g_test_add_func ("/debug/subprocess/none", subprocess_none);

  return g_test_run ();
}
