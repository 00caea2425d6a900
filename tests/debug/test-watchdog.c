/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "debug/debug-util.h"

/* Blocks until the watchdog has said so, which it can do only while we block. */
NOT_MERGED static gboolean
hog_the_thread (const char *text)
{
  gint64 end = g_get_monotonic_time () + 20 * SECOND;

  while (count_logged (text) == 0 && g_get_monotonic_time () < end)
    g_usleep (1000);
  return count_logged (text) > 0;
}

static gboolean
hog_cb (gpointer   user_data,
        GValue    *result,
        GError   **error)
{
  g_assert_true (hog_the_thread ("has blocked its thread"));
  return TRUE;
}

static gboolean
watched_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (CoroTask) task = NULL;

  coro_scheduler_set_watchdog_threshold (scheduler (), 20 * MILLISECOND);
  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_WATCHDOG);
  task = coro_spawn_task (hog_cb, NULL, NULL);
  coro_task_set_name (task, "bad");
  return coro_await (task, NULL, error);
}

G_GNUC_UNUSED static void
test_names_the_blocking_function (void)
{
  g_autoptr (GError) error = NULL;

  begin_log ();
  coro_run (watched_cb, NULL, NULL, &error);
  g_assert_no_error (error);

  assert_logged ("<CoroTask 'bad' spawned at hog_cb (", 1);
  assert_logged ("has blocked its thread", 1);
  assert_logged ("    hog_the_thread+0x", 1);
  assert_logged ("    hog_cb+0x", 1);
  end_log ();
}

static gboolean
deaf_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_assert_true (hog_the_thread ("has blocked its thread"));
  return coro_sleep (0, error) && coro_sleep (0, error);
}

static gboolean
cancelled_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroTask) task = NULL;

  coro_scheduler_set_watchdog_threshold (scheduler (), 20 * MILLISECOND);
  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_WATCHDOG);
  task = coro_spawn_task (deaf_cb, NULL, NULL);
  coro_sleep (0, NULL);
  note (coro_task_get_coroutine_state (task) == CORO_COROUTINE_SUSPENDED ? "blocked-to-its-end" : "interrupted");
  return coro_await (task, NULL, error);
}

/* Nothing can stop a coroutine that does not wait; it can only be named. */
static void
test_busy_coroutine_is_not_interrupted (void)
{
  g_autoptr (GError) error = NULL;

  begin_log ();
  coro_run (cancelled_cb, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_trace ("blocked-to-its-end");
  assert_logged ("has blocked its thread", 1);
  end_log ();
}

static gboolean
idle_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  coro_scheduler_set_watchdog_threshold (scheduler (), 20 * MILLISECOND);
  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_WATCHDOG);
  return coro_sleep (200 * MILLISECOND, error);
}

static void
test_waiting_is_not_blocking (void)
{
  g_autoptr (GError) error = NULL;

  begin_log ();
  coro_run (idle_cb, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_logged ("has blocked", 0);
  end_log ();
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("The watchdog shows where a thread is blocked while it is blocked");

  /* The thread sanitizer delivers signals when it likes, on a stack it does not unwind. */
#ifndef __SANITIZE_THREAD__
  g_test_add_func ("/spec/S139-S236/names-the-blocking-function", test_names_the_blocking_function);
#endif
  g_test_add_func ("/spec/S236/busy-coroutine-is-not-interrupted", test_busy_coroutine_is_not_interrupted);
  g_test_add_func ("/spec/S139/waiting-is-not-blocking", test_waiting_is_not_blocking);

  return g_test_run ();
}
