/* A function that blocks: called directly it stops all other coroutines, in a thread none.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

/* Knows nothing of coroutines. */
static char *
blocking_operation (int seconds)
{
  g_usleep (seconds * G_USEC_PER_SEC);
  return g_strdup_printf ("Blocking result after %ds", seconds);
}

static gpointer
blocking_thread (gpointer       seconds,
                 GCancellable  *cancellable,
                 GError       **error)
{
  return blocking_operation (GPOINTER_TO_INT (seconds));
}

static void
wrong_way (void)
{
  g_print ("Wrong: calling blocking sleep directly\n");
  g_free (blocking_operation (1));
  g_print ("Wrong: done\n");
}

static gboolean
right_way_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  char *text;

  g_print ("Right: offloading blocking call to executor\n");
  text = coro_run_in_thread (blocking_thread, GINT_TO_POINTER (1), NULL, error);
  if (text == NULL)
    return FALSE;
  g_print ("Right: got result: %s\n", text);
  return coro_return_take_string (result, text);
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroFuture) a = NULL;
  g_autoptr (CoroFuture) b = NULL;
  g_autoptr (CoroFuture) both = NULL;

  wrong_way ();

  a = CORO_FUTURE (coro_spawn_task (right_way_cb, NULL, NULL));
  b = CORO_FUTURE (coro_spawn_task (right_way_cb, NULL, NULL));
  both = coro_gather ((CoroFuture *[]) { a, b }, 2);
  if (!coro_await (both, NULL, error))
    return FALSE;
  g_print ("Results: ['%s', '%s']\n", g_value_get_string (coro_future_get_value (a)),
           g_value_get_string (coro_future_get_value (b)));
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
