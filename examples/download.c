/* Many downloads, five at once, each with a timeout and two more tries:
 * download URL…
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

typedef struct
{
  const char *url;
  GBytes *body;
} Download;

static gboolean
download_once (Download  *self,
               GError   **error)
{
  g_auto (CoroTimeout) timeout = coro_timeout_enter (10 * G_TIME_SPAN_SECOND, error);
  g_autoptr (GFile) file = g_file_new_for_uri (self->url);

  self->body = coro_file_load_bytes (file, NULL, error);
  return self->body != NULL;
}

static gboolean
download_cb (Download  *self,
             gpointer   user_data,
             GError   **error)
{
  for (int attempt = 1; ; attempt++)
    {
      g_autoptr (GError) local_error = NULL;

      if (download_once (self, &local_error))
        return TRUE;
      if (attempt == 3 || coro_error_is_cancelled (local_error))
        {
          g_propagate_prefixed_error (error, g_steal_pointer (&local_error), "%s: ", self->url);
          return FALSE;
        }
      if (!coro_sleep (attempt * G_TIME_SPAN_SECOND, error))
        return FALSE;
    }
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  char **urls = user_data;
  gsize n_urls = g_strv_length (urls);
  g_autofree Download *downloads = g_new0 (Download, n_urls);
  gboolean ok;

  for (gsize i = 0; i < n_urls; i++)
    downloads[i].url = urls[i];

  /* Results in place and in order. */
  ok = coro_each (downloads, n_urls, sizeof (Download), 5, (CoroEachFunc) download_cb, NULL, error);

  for (gsize i = 0; i < n_urls; i++)
    {
      if (ok)
        g_print ("%s %" G_GSIZE_FORMAT "\n", downloads[i].url, g_bytes_get_size (downloads[i].body));
      g_clear_pointer (&downloads[i].body, g_bytes_unref);
    }
  return ok;
}

int
main (int    argc,
      char **argv)
{
  return coro_run_main (main_cb, argv + 1);
}
