/* The smallest scheduler: coroutines in a row, each resumed in turn.  No main loop, and
 * none of what a real one has: input and output, timers, futures, cancellation, errors,
 * the state of tasks.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
worker_cb (gpointer   name,
           GValue    *result,
           GError   **error)
{
  g_print ("%s start\n", (const char *) name);
  if (!coro_suspend (NULL, NULL, error))
    return FALSE;
  g_print ("%s end\n", (const char *) name);
  return TRUE;
}

int
main (void)
{
  GQueue ready = G_QUEUE_INIT;

  g_queue_push_tail (&ready, coro_coroutine_new (worker_cb, "a", NULL));
  g_queue_push_tail (&ready, coro_coroutine_new (worker_cb, "b", NULL));

  while (ready.length > 0)
    {
      CoroCoroutine *coroutine = g_queue_pop_head (&ready);

      if (coro_coroutine_resume (coroutine, NULL, NULL, NULL) &&
          coro_coroutine_get_state (coroutine) == CORO_COROUTINE_SUSPENDED)
        g_queue_push_tail (&ready, coroutine);
      else
        g_object_unref (coroutine);
    }
  return 0;
}
