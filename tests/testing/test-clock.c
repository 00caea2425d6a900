/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The clock for tests itself.
 */
#include "test-util.h"

static gboolean
note_after_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  GTimeSpan duration = GPOINTER_TO_INT (user_data);
  char text[16];

  if (!coro_sleep (duration, error))
    return FALSE;
  g_snprintf (text, sizeof text, "%d", (int) duration);
  note (text);
  return TRUE;
}

static void
test_stands_still (void)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  gint64 start;

  coro_test_clock_start (scheduler, FALSE);
  start = coro_scheduler_get_time (scheduler);
  coro_spawn (note_after_cb, GINT_TO_POINTER (10), NULL);
  coro_spawn (note_after_cb, GINT_TO_POINTER (5), NULL);
  settle (NULL);
  assert_trace ("");
  g_assert_cmpint (coro_scheduler_get_time (scheduler), ==, start);

  coro_test_clock_advance (scheduler, 4);
  settle (NULL);
  assert_trace ("");
  coro_test_clock_advance (scheduler, 1);
  settle (NULL);
  assert_trace ("5");
  coro_test_clock_advance (scheduler, 1000);
  settle (NULL);
  assert_trace ("10");
  g_assert_cmpint (coro_scheduler_get_time (scheduler), ==, start + 1005);
  coro_test_clock_stop (scheduler);
  coro_test_clock_stop (scheduler);
}

static void
test_in_order_of_deadlines (void)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);

  coro_test_clock_start (scheduler, FALSE);
  coro_test_keep_order (scheduler);
  for (int i = 9; i > 0; i--)
    coro_spawn (note_after_cb, GINT_TO_POINTER (i), NULL);
  settle (NULL);
  coro_test_clock_advance (scheduler, SECOND);
  settle (NULL);
  assert_trace ("1 2 3 4 5 6 7 8 9");
  coro_test_clock_stop (scheduler);
}

static gboolean
note_idle_cb (gpointer text)
{
  note (text);
  return G_SOURCE_REMOVE;
}

static gboolean
source_first_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, note_idle_cb, "idle", NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  if (!coro_sleep (3600 * SECOND, error))
    return FALSE;
  note ("an hour later");
  assert_trace ("idle an hour later");
  return TRUE;
}

static gpointer
slow_thread_cb (gpointer       user_data,
                GCancellable  *cancellable,
                GError       **error)
{
  g_usleep (20000);
  return NULL;
}

static gboolean
note_thread_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  coro_run_in_thread (slow_thread_cb, NULL, NULL, error);
  note ("thread");
  return *error == NULL;
}

static gboolean
thread_first_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  gint64 start = now ();
  g_autoptr (CoroTask) task = coro_spawn_task (note_thread_cb, NULL, NULL);

  if (!coro_sleep (1, error))
    return FALSE;
  note ("slept");
  assert_trace ("thread slept");
  g_assert_cmpint (now () - start, ==, 1);
  return coro_await (task, NULL, error);
}

static void
test_pending_keep_their_time (void)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  gint64 start;

  coro_test_clock_start (scheduler, FALSE);
  coro_spawn (note_after_cb, GINT_TO_POINTER (2000), NULL);
  settle (NULL);
  coro_test_clock_advance (scheduler, 1);       /* 1999 µs are left */
  coro_test_clock_advance (scheduler, 0);
  start = g_get_monotonic_time ();
  coro_test_clock_stop (scheduler);
  while (trace == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 1999);
  assert_trace ("2000");
}

static gboolean
fails_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "as it should");
  return FALSE;
}

static void
test_failure_fails (void)
{
  g_test_trap_subprocess ("/testing/fails-by-its-error/subprocess", 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
}

static gboolean
data_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_assert_cmpstr (user_data, ==, "data");
  return TRUE;
}

/* It never rests: time must not pass for it, and others get their rounds. */
static gboolean
busy_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  gint64 start = now ();
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, note_idle_cb, "idle", NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  while (trace == NULL)
    if (!coro_yield (error))
      return FALSE;
  assert_trace ("idle");
  g_assert_cmpint (now (), ==, start);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/testing/clock/stands-still", test_stands_still);
  g_test_add_func ("/testing/clock/in-order-of-deadlines", test_in_order_of_deadlines);
  coro_test_add_func ("/testing/clock/sources-first", source_first_cb);
  coro_test_add_func ("/testing/clock/threads-first", thread_first_cb);
  coro_test_add_func ("/testing/clock/busy-does-not-age", busy_cb);
  g_test_add_func ("/testing/clock/pending-keep-their-time", test_pending_keep_their_time);
  g_test_add_func ("/testing/fails-by-its-error", test_failure_fails);
  coro_test_add_func ("/testing/fails-by-its-error/subprocess", fails_cb);
  coro_test_add_data_func ("/testing/data", data_cb, g_strdup ("data"), g_free);

  return g_test_run ();
}
