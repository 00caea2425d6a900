/* Failures among the results: one that fails does not end the others.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
succeed_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return coro_return_string (result, "success");
}

static gboolean
fail_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "failure");
  return FALSE;
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroFuture) first = CORO_FUTURE (coro_spawn_task (succeed_cb, NULL, NULL));
  g_autoptr (CoroFuture) second = CORO_FUTURE (coro_spawn_task (fail_cb, NULL, NULL));
  g_autoptr (CoroFuture) third = CORO_FUTURE (coro_spawn_task (succeed_cb, NULL, NULL));
  CoroFuture *tasks[] = { first, second, third };
  g_autoptr (CoroFuture) all = coro_gather_full (tasks, 3, CORO_GATHER_RETURN_ERRORS);

  if (!coro_await (all, NULL, error))
    return FALSE;

  for (int i = 0; i < 3; i++)
    if (coro_future_get_error (tasks[i]) != NULL)
      g_print ("  Task %d: ERROR - %s\n", i, coro_future_get_error (tasks[i])->message);
    else
      g_print ("  Task %d: OK - %s\n", i, g_value_get_string (coro_future_get_value (tasks[i])));
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
