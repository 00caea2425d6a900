/* What was opened is closed, the last one first, by cleanups that may wait: after success,
 * after a failure, and after a cancellation.
 * SPDX-License-Identifier: CC0-1.0
 */
#include <coro-glib/coro-glib.h>

static gboolean
close_cb (gpointer   name,
          GError   **error)
{
  g_print ("closing %s\n", (const char *) name);
  return coro_sleep (10 * G_TIME_SPAN_MILLISECOND, error);      /* also when the coroutine was cancelled */
}

static gboolean
transfer (GTimeSpan   duration,
          GError    **error)
{
  g_auto (CoroExitStack) stack = coro_exit_stack_enter (error);

  coro_exit_stack_defer (&stack, close_cb, (gpointer) "the connection");
  coro_exit_stack_defer (&stack, close_cb, (gpointer) "the file");
  if (!coro_sleep (duration, error))
    return FALSE;                                               /* they are closed here */
  g_print ("transferred\n");
  return coro_exit_stack_close (&stack);                        /* here too, and it says whether that went well */
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  if (!transfer (10 * G_TIME_SPAN_MILLISECOND, error))
    return FALSE;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (50 * G_TIME_SPAN_MILLISECOND, &local_error);

    transfer (G_TIME_SPAN_HOUR, &local_error);
  }
  g_print ("%s\n", local_error->message);
  return TRUE;
}

int
main (void)
{
  return coro_run_main (main_cb, NULL);
}
