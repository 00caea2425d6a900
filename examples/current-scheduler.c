/* The scheduler that runs a coroutine, seen from inside.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static const char *
to_string (gboolean value)
{
  return value ? "TRUE" : "FALSE";
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();

  g_print ("Loop type: %s\n", G_OBJECT_TYPE_NAME (scheduler));
  g_print ("Loop running: %s\n", to_string (coro_scheduler_is_running (scheduler)));
  g_print ("Loop closed: %s\n", to_string (coro_scheduler_is_closed (scheduler)));
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
