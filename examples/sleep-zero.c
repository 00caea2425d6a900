/* A sleep of 0 gives way to the others and goes on at once.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static const char *
delayed_value (GError **error)
{
  return coro_sleep (0, error) ? "done" : NULL;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  const char *value = delayed_value (error);

  if (value == NULL)
    return FALSE;
  g_print ("Result: %s\n", value);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
