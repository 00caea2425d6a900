/* A long loop gives way now and then, and a heartbeat goes on beside it.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

#define N_ITEMS 5000
#define BATCH_SIZE 1000

static gboolean
heartbeat_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  gint64 start = coro_scheduler_get_time (scheduler);

  do
    g_print ("[heartbeat] %.1f\n", (double) (coro_scheduler_get_time (scheduler) - start) / G_TIME_SPAN_SECOND);
  while (coro_sleep (100 * G_TIME_SPAN_MILLISECOND, error));
  return FALSE;
}

/* An ordinary function; `results` belongs to the caller alone. */
static int
process_items (int     *results,
               GError **error)
{
  int n_results = 0;

  for (int i = 0; i < N_ITEMS; i++)
    {
      results[n_results++] = i * i;
      if (i % BATCH_SIZE == 0)
        {
          if (!coro_yield (error))
            return -1;
          g_print ("Processed %d/%d\n", i, N_ITEMS);
        }
    }
  return n_results;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroTask) heartbeat = coro_spawn_task (heartbeat_cb, NULL, NULL);
  int results[N_ITEMS];
  int n_results = process_items (results, error);

  coro_task_cancel (heartbeat);         /* takes effect at its sleep; no wait is necessary */
  if (n_results < 0)
    return FALSE;
  g_print ("Processed %d items\n", n_results);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
