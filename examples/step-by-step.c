/* Three steps, one after the other: each waits for the one before.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static char *
step (const char  *what,
      const char  *data,
      GError     **error)
{
  if (!coro_yield (error))
    return NULL;
  return g_strdup_printf ("%s %s", what, data);
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autofree char *raw = NULL;
  g_autofree char *processed = NULL;
  g_autofree char *saved = NULL;

  raw = step ("fetched", "data", error);
  if (raw == NULL)
    return FALSE;
  processed = step ("processed", raw, error);
  if (processed == NULL)
    return FALSE;
  saved = step ("saved", processed, error);
  if (saved == NULL)
    return FALSE;

  g_print ("%s\n", saved);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
