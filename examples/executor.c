/* Threads of one's own: a database that takes two connections gets an executor with two threads.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

#define N_CONNECTIONS 2

typedef struct
{
  int number;
  char *answer;
} Query;

static int n_running;           /* atomic */
static gboolean too_many;       /* atomic */

/* Blocks, in one of the executor's threads; knows nothing of coroutines. */
static gpointer
query_thread (gpointer       user_data,
              GCancellable  *cancellable,
              GError       **error)
{
  Query *self = user_data;

  if (g_atomic_int_add (&n_running, 1) >= N_CONNECTIONS)
    g_atomic_int_set (&too_many, TRUE);
  g_usleep (20 * G_TIME_SPAN_MILLISECOND);
  g_atomic_int_add (&n_running, -1);
  return g_strdup_printf ("answer %d", self->number);
}

static gboolean
query_cb (Query     *self,
          gpointer   executor,
          GError   **error)
{
  self->answer = coro_executor_run (executor, query_thread, self, NULL, error);         /* waits for a free thread too */
  return self->answer != NULL;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Query queries[] = { { 1 }, { 2 }, { 3 }, { 4 }, { 5 }, { 6 } };
  g_autoptr (CoroExecutor) executor = coro_executor_new (N_CONNECTIONS, CORO_EXECUTOR_NONE);
  g_auto (CoroExecutorGuard) guard = coro_executor_enter (executor);      /* its threads have ended when this is left */
  gboolean ok = CORO_EACH (queries, 0, query_cb, executor, error);

  for (gsize i = 0; i < G_N_ELEMENTS (queries); i++)
    {
      if (ok)
        g_print ("%s\n", queries[i].answer);
      g_free (queries[i].answer);
    }
  if (ok)
    g_print ("%s\n", g_atomic_int_get (&too_many) ? "More than two at a time" : "Never more than two at a time");
  return ok;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
