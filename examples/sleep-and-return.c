/* An ordinary function that sleeps, and then returns its result or fails.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

/* Runs to its end in the coroutine that calls it, like any function. */
static char *
greet (const char  *name,
       GError     **error)
{
  if (!coro_sleep (100 * G_TIME_SPAN_MILLISECOND, error))
    return NULL;
  return g_strdup_printf ("Hello, %s", name);
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autofree char *greeting = greet ("World", error);

  if (greeting == NULL)
    return FALSE;
  g_print ("%s\n", greeting);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
