/* An ordinary function that waits for data: its caller goes on when it is there.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static const char *
fetch_data (GError **error)
{
  g_print ("Fetching data...\n");
  if (!coro_sleep (2 * G_TIME_SPAN_SECOND, error))
    return NULL;
  g_print ("Data fetched!\n");
  return "data";
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  const char *data = fetch_data (error);

  if (data == NULL)
    return FALSE;
  g_print ("Processing %s\n", data);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
