/* The shortest coroutine: it looks blocking and suspends.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
hello_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_print ("hello, ");
  if (!coro_sleep (G_TIME_SPAN_SECOND, error))
    return FALSE;
  g_print ("%s\n", (const char *) user_data);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (hello_cb, "world");     /* prints an error, gives the exit status */
}
