/* A limit of time: what takes longer is cancelled.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
slow_task (GError **error)
{
  g_print ("Starting slow task...\n");
  if (!coro_sleep (5 * G_TIME_SPAN_SECOND, error))
    return FALSE;
  g_print ("Slow task finished\n");
  return TRUE;
}

static gboolean
slow_task_in_time (GError **error)
{
  g_auto (CoroTimeout) timeout = coro_timeout_enter (3 * G_TIME_SPAN_SECOND, error);

  return slow_task (error);
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  if (slow_task_in_time (&local_error))
    return TRUE;

  if (!g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  g_print ("Task timed out!\n");
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
