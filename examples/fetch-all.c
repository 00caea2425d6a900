/* Three downloads one after the other, blocking, and then all at once.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

typedef struct
{
  const char *url;
  char *data;
} Fetch;

/* Blocks the thread. */
static void
sync_fetch (Fetch *self)
{
  g_usleep (50 * G_TIME_SPAN_MILLISECOND);
  self->data = g_strdup_printf ("data from %s", self->url);
}

/* Gives way to the others meanwhile. */
static gboolean
async_fetch (Fetch     *self,
             gpointer   user_data,
             GError   **error)
{
  if (!coro_sleep (50 * G_TIME_SPAN_MILLISECOND, error))
    return FALSE;
  self->data = g_strdup_printf ("data from %s", self->url);
  return TRUE;
}

static void
print_and_clear (const char *title,
                 Fetch      *fetches,
                 double      elapsed)
{
  g_print ("%s results: ['%s', '%s', '%s']\n", title, fetches[0].data, fetches[1].data, fetches[2].data);
  g_print ("%s elapsed: %.2fs\n", title, elapsed);
  for (int i = 0; i < 3; i++)
    g_clear_pointer (&fetches[i].data, g_free);
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Fetch fetches[] = { { "api/users" }, { "api/products" }, { "api/orders" } };
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  gint64 start = g_get_monotonic_time ();
  double sync_elapsed;
  double async_elapsed;

  for (gsize i = 0; i < G_N_ELEMENTS (fetches); i++)
    sync_fetch (&fetches[i]);
  sync_elapsed = (double) (g_get_monotonic_time () - start) / G_TIME_SPAN_SECOND;
  print_and_clear ("Sync", fetches, sync_elapsed);

  start = coro_scheduler_get_time (scheduler);
  if (!CORO_EACH (fetches, 0, async_fetch, NULL, error))
    return FALSE;
  async_elapsed = (double) (coro_scheduler_get_time (scheduler) - start) / G_TIME_SPAN_SECOND;
  print_and_clear ("Async", fetches, async_elapsed);

  g_print ("Speedup: %.1fx\n", sync_elapsed / async_elapsed);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
