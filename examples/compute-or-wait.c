/* A coroutine that computes stops all others, one that waits does not: the times show which ran when.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

typedef struct
{
  const char *name;
  GTimeSpan work;
  GTimeSpan io_delay;
} Job;

static gint64 start;

static double
elapsed (void)
{
  return (double) (g_get_monotonic_time () - start) / G_TIME_SPAN_SECOND;
}

static gboolean
job_cb (gpointer   user_data,
        GValue    *result,
        GError   **error)
{
  Job *self = user_data;
  gint64 end = g_get_monotonic_time () + self->work;

  g_print ("[%.2f] %s: starting CPU work\n", elapsed (), self->name);
  while (g_get_monotonic_time () < end)
    ;                                   /* waits for nothing, so no other coroutine runs */
  g_print ("[%.2f] %s: yielding to I/O\n", elapsed (), self->name);
  if (!coro_sleep (self->io_delay, error))
    return FALSE;
  g_print ("[%.2f] %s: I/O complete, resuming\n", elapsed (), self->name);
  return coro_return_take_string (result, g_strdup_printf ("%s done", self->name));
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Job jobs[] = { { "A", 100 * G_TIME_SPAN_MILLISECOND, 500 * G_TIME_SPAN_MILLISECOND },
                 { "B", 100 * G_TIME_SPAN_MILLISECOND, 300 * G_TIME_SPAN_MILLISECOND },
                 { "C", 100 * G_TIME_SPAN_MILLISECOND, 200 * G_TIME_SPAN_MILLISECOND } };
  CoroFuture *tasks[G_N_ELEMENTS (jobs)];
  g_autoptr (CoroFuture) all = NULL;
  gboolean ok;

  start = g_get_monotonic_time ();
  for (gsize i = 0; i < G_N_ELEMENTS (jobs); i++)
    tasks[i] = CORO_FUTURE (coro_spawn_task (job_cb, &jobs[i], NULL));
  all = coro_gather (tasks, G_N_ELEMENTS (jobs));
  ok = coro_await (all, NULL, error);

  if (ok)
    {
      g_print ("All done in %.2fs\n", elapsed ());
      g_print ("['%s', '%s', '%s']\n", g_value_get_string (coro_future_get_value (tasks[0])),
               g_value_get_string (coro_future_get_value (tasks[1])),
               g_value_get_string (coro_future_get_value (tasks[2])));
    }
  for (gsize i = 0; i < G_N_ELEMENTS (jobs); i++)
    g_object_unref (tasks[i]);
  return ok;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
