/* A program runs a coroutine in a runner, and prints its result.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  if (!coro_sleep (G_TIME_SPAN_SECOND, error))
    return FALSE;
  return coro_return_int (result, 42);
}

int
main (void)
{
  g_autoptr (CoroRunner) runner = coro_runner_new ();
  g_auto (GValue) result = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  if (!coro_runner_run (runner, main_cb, NULL, &result, &error))
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  coro_runner_close (runner);
  g_print ("%d\n", g_value_get_int (&result));
  return 0;
}
