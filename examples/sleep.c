/* Two lines with a second in between, which blocks no other coroutine.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_print ("Start\n");
  if (!coro_sleep (G_TIME_SPAN_SECOND, error))
    return FALSE;
  g_print ("End\n");
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
