/* A loop that gives way once for each element.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (GString) squares = g_string_new (NULL);

  for (int n = 1; n <= 5; n++)
    {
      if (!coro_yield (error))
        return FALSE;
      g_string_append_printf (squares, n > 1 ? ", %d" : "%d", n * n);
    }
  g_print ("Squares: [%s]\n", squares->str);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
