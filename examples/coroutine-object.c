/* A coroutine object: nothing runs before it is awaited.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
say_hi_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  return coro_return_string (result, "hi");
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (say_hi_cb, NULL, NULL);
  g_autofree char *text = coro_await_string (coroutine, error);

  if (text == NULL)
    return FALSE;
  g_print ("Result: %s\n", text);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
