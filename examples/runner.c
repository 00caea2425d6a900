/* Runs coroutines one after the other in one runner, which is closed in the end.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
thing_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_print ("Running a coroutine\n");
  if (!coro_sleep (G_TIME_SPAN_SECOND, error))
    return FALSE;
  g_print ("Coroutine finished\n");
  return TRUE;
}

int
main (void)
{
  g_autoptr (CoroRunner) runner = coro_runner_new ();
  gboolean ok = TRUE;

  for (int i = 0; ok && i < 2; i++)
    ok = coro_runner_run (runner, thing_cb, NULL, NULL, NULL);

  coro_runner_close (runner);
  return ok ? 0 : 1;
}
