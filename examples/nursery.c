/* A nursery: what follows it runs when all of its coroutines have finished.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
worker_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  int n = GPOINTER_TO_INT (user_data);

  g_print ("Worker %d starting\n", n);
  if (!coro_sleep (G_TIME_SPAN_SECOND, error))
    return FALSE;
  g_print ("Worker %d done\n", n);
  return TRUE;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, worker_cb, GINT_TO_POINTER (1), NULL);
  coro_task_group_spawn (nursery.group, worker_cb, GINT_TO_POINTER (2), NULL);
  if (!coro_nursery_join (&nursery))
    return FALSE;
  g_print ("All workers finished\n");
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
