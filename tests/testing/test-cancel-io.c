/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operations of GIO, threads and signals, cancelled at every await: no operation writes to a
 * stack that is gone, and none stays under way.
 */
#include "test-util.h"

#include <glib/gstdio.h>

#include <signal.h>

typedef struct
{
  GFile *file;
  int inside;                   /* (atomic): functions that run in a thread */
  int n_freed;
} Fixture;

static gboolean
file_set_up (gpointer   fixture,
             GError   **error)
{
  Fixture *self = fixture;
  GFileIOStream *stream;

  self->file = g_file_new_tmp ("cancel-XXXXXX", &stream, error);
  if (self->file == NULL)
    return FALSE;
  g_object_unref (stream);
  return TRUE;
}

static gboolean
file_tear_down (gpointer   fixture,
                GError   **error)
{
  Fixture *self = fixture;
  gboolean ok = g_file_delete (self->file, NULL, error);

  g_clear_object (&self->file);
  return ok;
}

/* Replacing the file is done when the last one lets go of the stream, and where that was
 * cancelled this may be a thread of GIO's, over what the check has written meanwhile.
 * Appending leaves nothing for later: what is written is there once or, by the check, twice. */
static gboolean
call_body (gpointer   fixture,
           GError   **error)
{
  Fixture *self = fixture;
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GFileOutputStream) output = NULL;
  g_autoptr (GFileInputStream) input = NULL;
  char buffer[16];
  gssize n_read;

  output = g_file_append_to_finish (self->file, CORO_CALL (&op, g_file_append_to_async, self->file,
                                                           G_FILE_CREATE_NONE, G_PRIORITY_DEFAULT), error);
  if (output == NULL)
    return FALSE;
  coro_test_cancel_track (output);
  if (g_output_stream_write_finish (G_OUTPUT_STREAM (output),
                                    CORO_CALL (&op, g_output_stream_write_async, G_OUTPUT_STREAM (output), "hello", 5,
                                               G_PRIORITY_DEFAULT), error) < 0)
    return FALSE;
  if (!g_output_stream_close_finish (G_OUTPUT_STREAM (output),
                                     CORO_CALL (&op, g_output_stream_close_async, G_OUTPUT_STREAM (output),
                                                G_PRIORITY_DEFAULT), error))
    return FALSE;

  input = g_file_read_finish (self->file, CORO_CALL (&op, g_file_read_async, self->file, G_PRIORITY_DEFAULT), error);
  if (input == NULL)
    return FALSE;
  coro_test_cancel_track (input);
  n_read = g_input_stream_read_finish (G_INPUT_STREAM (input),
                                       CORO_CALL (&op, g_input_stream_read_async, G_INPUT_STREAM (input), buffer,
                                                  sizeof buffer, G_PRIORITY_DEFAULT), error);
  g_assert_true (n_read == 5 || n_read == 10 || n_read == -1);
  return n_read > 0;
}

static const CoroTestCancel call_test = { sizeof (Fixture), file_set_up, call_body, call_body, file_tear_down, 0 };

static gboolean
load_body (gpointer   fixture,
           GError   **error)
{
  g_autoptr (GBytes) bytes = coro_file_load_bytes (((Fixture *) fixture)->file, NULL, error);

  return bytes != NULL;
}

static const CoroTestCancel load_test = { sizeof (Fixture), file_set_up, load_body, load_body, file_tear_down, 0 };

/* The data is on the stack of the caller, which waits for the function even if it is cancelled. */
static gpointer
thread_cb (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  int *number = data;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  ++*number;
  return GINT_TO_POINTER (*number);
}

static void
destroy_cb (gpointer data)
{
  *(int *) data = -1;
}

static gboolean
thread_body (gpointer   fixture,
             GError   **error)
{
  for (int i = 0; i < 2; i++)
    {
      int number = 41;
      GError *local_error = NULL;
      gpointer result = coro_run_in_thread (thread_cb, &number, destroy_cb, &local_error);

      g_assert_cmpint (number, ==, -1);
      g_assert_cmpint (GPOINTER_TO_INT (result), ==, local_error == NULL ? 42 : 0);
      if (local_error != NULL)
        {
          g_propagate_error (error, local_error);
          return FALSE;
        }
    }
  return TRUE;
}

/* The function pays no heed to a cancel, and its value comes all the same. */
static gboolean
deaf_work (gpointer       user_data,
           GCancellable  *cancellable,
           GValue        *result,
           GError       **error)
{
  g_usleep (1000);
  return coro_return_int (result, 7);
}

static gboolean
submit_body (gpointer   fixture,
             GError   **error)
{
  g_autoptr (CoroFuture) future = coro_executor_submit (coro_executor_get_default (), deaf_work, NULL, NULL);
  gboolean ok = coro_await (future, NULL, error) && coro_sleep (SECOND, error);
  g_auto (CoroShield) shield = coro_shield_enter (0);

  coro_yield (NULL);            /* what was taken back from the queue says so a turn later */
  return ok;
}

static const CoroTestCancel submit_test = { .body = submit_body };
static const CoroTestCancel thread_test = { sizeof (Fixture), NULL, thread_body, thread_body, NULL, 0 };

static gboolean
raise_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_assert_cmpint (raise (SIGUSR1), ==, 0);
  return TRUE;
}

/* The signal comes in any case; after the body it has no handler any more. */
static gboolean
signal_body (gpointer   fixture,
             GError   **error)
{
  g_autoptr (CoroFuture) signal = coro_unix_signal_future (SIGUSR1);

  coro_test_cancel_track (signal);
  raise_cb (NULL, NULL, NULL);
  return coro_await (signal, NULL, error);
}

static const CoroTestCancel signal_test = { sizeof (Fixture), NULL, signal_body, signal_body, NULL, 0 };

/* A future that another thread completes, with the cancel at any moment. */
static gpointer
resolve_cb (gpointer       future,
            GCancellable  *cancellable,
            GError       **error)
{
  coro_future_resolve_int (future, 7);
  return NULL;
}

static gboolean
resolver_cb (gpointer   future,
             GValue    *result,
             GError   **error)
{
  coro_run_in_thread (resolve_cb, future, NULL, NULL);
  return TRUE;
}

/* Also if the coroutine above never began. */
static void
future_drop_cb (gpointer future)
{
  coro_future_cancel (future);
  g_object_unref (future);
}

static gboolean
remote_body (gpointer   fixture,
             GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_spawn (resolver_cb, g_object_ref (future), future_drop_cb);
  return coro_await_int (future, error) == 7;
}

static const CoroTestCancel remote_test = { .body = remote_body };

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  signal (SIGUSR1, SIG_IGN);
  coro_test_add_cancel ("/cancel/io/operations", &call_test);
  coro_test_add_cancel ("/cancel/io/file", &load_test);
  coro_test_add_cancel ("/cancel/io/thread", &thread_test);
  coro_test_add_cancel ("/cancel/io/submitted", &submit_test);
  coro_test_add_cancel ("/cancel/io/signal", &signal_test);
  coro_test_add_cancel ("/cancel/io/future-of-a-thread", &remote_test);
  return g_test_run ();
}
