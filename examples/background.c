/* Work that begins now, and a result that is asked for later.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
compute_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  if (!coro_sleep (G_TIME_SPAN_SECOND, error))
    return FALSE;
  return coro_return_int (result, 42);
}

static int
background_work (GError **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (compute_cb, NULL, NULL);

  g_print ("The task is on its way\n");
  return coro_await_int (task, error);
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (GError) local = NULL;
  int value = background_work (&local);

  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  g_print ("%d\n", value);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
