/* An error comes out where the failing function was called.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static char *
risky_operation (GError **error)
{
  if (coro_yield (error))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "something went wrong");
  return NULL;
}

static char *
safe_caller (void)
{
  g_autoptr (GError) error = NULL;
  char *result = risky_operation (&error);

  if (result != NULL)
    return result;
  g_print ("Caught error: %s\n", error->message);
  return g_strdup ("fallback value");
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autofree char *text = safe_caller ();

  g_print ("Final result: %s\n", text);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
