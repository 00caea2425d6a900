/* Inside a coroutine another one is a function call: arguments in, result out.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static int
add (int a,
     int b)
{
  coro_yield (NULL);            /* it may wait, and its callers need not know */
  return a + b;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_print ("3 + 4 = %d\n", add (3, 4));
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
