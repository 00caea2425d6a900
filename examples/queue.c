/* One producer, three consumers, a bounded queue; Ctrl+C stops the producer and lets
 * the consumers finish what is queued.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <signal.h>

#include <coro-glib/coro-glib.h>

static gboolean
produce (CoroQueue  *queue,
         int         n_jobs,
         GError    **error)
{
  gboolean ok = TRUE;

  for (int i = 0; ok && i < n_jobs; i++)
    ok = coro_queue_put (queue, g_strdup_printf ("job %d", i), error);    /* waits while full; takes the item always */
  return ok;
}

static gboolean
consume_cb (gpointer   queue,
            GValue    *result,
            GError   **error)
{
  while (TRUE)
    {
      g_autofree char *job = NULL;

      if (!coro_queue_take (queue, (gpointer *) &job, error))
        return FALSE;                                                     /* cancelled: no job was taken */
      if (job == NULL)
        return TRUE;                                                      /* closed and empty: graceful end */
      g_print ("%s\n", job);
      if (!coro_sleep (G_TIME_SPAN_SECOND / 10, error))
        return FALSE;
    }
}

/* Typed arguments for a coroutine that outlives its caller. */
CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, produce, CORO_ARG_OBJECT (CoroQueue, queue), CORO_ARG_VALUE (int, n_jobs))

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (8, g_free);
  g_autoptr (CoroFuture) interrupted = coro_unix_signal_future (SIGINT);
  g_autoptr (CoroTask) producer = NULL;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);   /* last declared, first left */
  CoroFuture *winner;

  for (int i = 0; i < 3; i++)
    coro_task_group_spawn (nursery.group, consume_cb, queue, NULL);
  producer = produce_task (nursery.group, queue, GPOINTER_TO_INT (user_data));

  winner = coro_select (error, interrupted, producer, NULL);
  if (winner == NULL)
    return FALSE;
  if (winner == interrupted)
    coro_task_cancel (producer);                                          /* stop making, finish what is queued */
  coro_queue_close (queue);
  return coro_nursery_join (&nursery);
}

int
main (int    argc,
      char **argv)
{
  return coro_run_main (main_cb, GINT_TO_POINTER (argc > 1 ? atoi (argv[1]) : 1000));
}
