/* A group of coroutines: when one breaks the others are stopped, and nothing is left
 * running, whichever way the function is left.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
tick_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  int *ticks = user_data;                       /* lives in the parent's frame: the nursery joins us first */

  while (coro_sleep (100 * G_TIME_SPAN_MILLISECOND, error))
    ++*ticks;
  return FALSE;                                 /* cancelled by the sibling: not a failure */
}

static gboolean
pump_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  if (!coro_sleep (G_TIME_SPAN_SECOND, error))
    return FALSE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE, "the pump broke");
  return FALSE;
}

static gboolean
work (int      *ticks,
      gboolean  dry_run,
      GError  **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, tick_cb, ticks, NULL);
  if (!coro_sleep (250 * G_TIME_SPAN_MILLISECOND, error))
    return FALSE;                               /* early return: children are cancelled and joined here */
  if (dry_run)
    return TRUE;                                /* here too */
  coro_task_group_spawn (nursery.group, pump_cb, NULL, NULL);
  return coro_nursery_join (&nursery);          /* FALSE: a CORO_GROUP_ERROR with one error in it */
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  int ticks = 0;

  if (!work (&ticks, TRUE, error))
    return FALSE;
  g_print ("a dry run: %s\n", ticks > 0 ? "it ticks" : "no tick");

  if (!work (&ticks, FALSE, &local_error) &&
      coro_group_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE))
    g_print ("%s: %s\n", local_error->message, ticks > 2 ? "it ticked until then" : "no tick");
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
