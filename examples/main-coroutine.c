/* How a program begins: main() is one line, and all else is a coroutine.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static const char *
greet (void)
{
  return "hello";
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_print ("The greeting is: %s\n", greet ());
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
