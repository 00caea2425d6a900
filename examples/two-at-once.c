/* Two tasks interleave: together they take as long as the longer one.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
task_a_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_print ("Task A: starting\n");
  if (!coro_sleep (100 * G_TIME_SPAN_MILLISECOND, error))
    return FALSE;
  g_print ("Task A: finished\n");
  return coro_return_string (result, "A");
}

static gboolean
task_b_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_print ("Task B: starting\n");
  if (!coro_sleep (50 * G_TIME_SPAN_MILLISECOND, error))
    return FALSE;
  g_print ("Task B: finished\n");
  return coro_return_string (result, "B");
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroFuture) a = CORO_FUTURE (coro_spawn_task (task_a_cb, NULL, NULL));
  g_autoptr (CoroFuture) b = CORO_FUTURE (coro_spawn_task (task_b_cb, NULL, NULL));
  g_autoptr (CoroFuture) both = coro_gather ((CoroFuture *[]) { a, b }, 2);
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  gint64 start = coro_scheduler_get_time (scheduler);
  double elapsed;

  if (!coro_await (both, NULL, error))
    return FALSE;

  elapsed = (double) (coro_scheduler_get_time (scheduler) - start) / G_TIME_SPAN_SECOND;
  g_print ("\nResults: ['%s', '%s']\n", g_value_get_string (coro_future_get_value (a)),
           g_value_get_string (coro_future_get_value (b)));
  g_print ("Elapsed: %.2fs (concurrent, not 0.15s)\n", elapsed);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
