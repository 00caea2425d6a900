/* A coroutine gives a result, like any function.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
greet_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  return coro_return_string (result, "hello");
}

int
main (void)
{
  g_auto (GValue) result = G_VALUE_INIT;

  if (!coro_run (greet_cb, NULL, &result, NULL))
    return 1;
  g_print ("Result: %s\n", g_value_get_string (&result));
  return 0;
}
