/* The coroutine with the shortest sleep is done first; results stay in the order of the arguments.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static char *
announce (const char  *label,
          int          milliseconds,
          GError     **error)
{
  g_print ("  [%s] starting\n", label);
  if (!coro_sleep (milliseconds * G_TIME_SPAN_MILLISECOND, error))
    return NULL;
  g_print ("  [%s] done after %.2fs\n", label, milliseconds / 1000.0);
  return g_strdup (label);
}

/* announce_task() takes the same arguments. */
CORO_DEFINE_SPAWN (STRING, G_TYPE_STRING, announce, CORO_ARG_STRING (label), CORO_ARG_VALUE (int, milliseconds))

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroFuture) slow = CORO_FUTURE (announce_task (NULL, "slow", 150));
  g_autoptr (CoroFuture) medium = CORO_FUTURE (announce_task (NULL, "medium", 100));
  g_autoptr (CoroFuture) fast = CORO_FUTURE (announce_task (NULL, "fast", 50));
  g_autoptr (CoroFuture) all = coro_gather ((CoroFuture *[]) { slow, medium, fast }, 3);

  g_print ("Launching three coroutines concurrently:\n");
  if (!coro_await (all, NULL, error))
    return FALSE;

  g_print ("\nResults (in original order): ['%s', '%s', '%s']\n",
           g_value_get_string (coro_future_get_value (slow)),
           g_value_get_string (coro_future_get_value (medium)),
           g_value_get_string (coro_future_get_value (fast)));
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
