/* Tasks run by themselves from when they are spawned; awaiting one waits for its end.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
task1_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_print ("Task 1 started\n");
  if (!coro_sleep (2 * G_TIME_SPAN_SECOND, error))
    return FALSE;
  g_print ("Task 1 completed\n");
  return TRUE;
}

static gboolean
task2_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_print ("Task 2 started\n");
  if (!coro_sleep (G_TIME_SPAN_SECOND, error))
    return FALSE;
  g_print ("Task 2 completed\n");
  return TRUE;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroTask) first = coro_spawn_task (task1_cb, NULL, NULL);
  g_autoptr (CoroTask) second = coro_spawn_task (task2_cb, NULL, NULL);

  return coro_await (first, NULL, error) &&
         coro_await (second, NULL, error);      /* it has ended long since */
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
