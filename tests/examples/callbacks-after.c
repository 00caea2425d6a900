/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The right side of docs/callbacks.md: callbacks-before.c with coroutines.
 */
#include <coro-glib/coro-glib.h>

#include "callbacks.h"

/* --- one call after the other ---------------------------------------------------------- */

static gboolean
back_up (GFile   *file,
         GFile   *backup,
         GError **error)
{
  g_auto (CoroOperation) load = CORO_OPERATION_INIT;
  g_auto (CoroOperation) save = CORO_OPERATION_INIT;
  g_autoptr (GBytes) bytes =
    g_file_load_bytes_finish (file, CORO_CALL (&load, g_file_load_bytes_async, file), NULL, error);

  return bytes != NULL &&
         g_file_replace_contents_finish (backup, CORO_CALL (&save, g_file_replace_contents_bytes_async, backup, bytes,
                                                            NULL, FALSE, G_FILE_CREATE_NONE), NULL, error);
}

/* --- a state machine ------------------------------------------------------------------- */

static gboolean
blink (int      n_times,
       GError **error)
{
  for (int i = 0; i < n_times; i++)
    {
      gboolean ok;

      if (i > 0 && !coro_sleep (150 * G_TIME_SPAN_MILLISECOND, error))
        return FALSE;
      lamp_set (TRUE);
      ok = coro_sleep (50 * G_TIME_SPAN_MILLISECOND, error);
      lamp_set (FALSE);                         /* cancelled or not */
      if (!ok)
        return FALSE;
    }
  return TRUE;
}

/* --- a thread -------------------------------------------------------------------------- */

static gpointer
checksum_thread (gpointer       bytes,
                 GCancellable  *cancellable,
                 GError       **error)
{
  return g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
}

static char *
checksum (GBytes  *bytes,
          GError **error)
{
  return coro_run_in_thread (checksum_thread, bytes, NULL, error);
}

/* --- callbacks of one's own ------------------------------------------------------------ */

static void
answered_cb (const char *answer,
             gpointer    user_data)
{
  g_autoptr (CoroFuture) future = user_data;

  coro_future_resolve_string (future, answer);
}

static char *
ask (const char  *question,
     GError     **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  dialog_ask (question, answered_cb, g_object_ref (future));
  return coro_await_string (future, error);
}

static gboolean
tidy_up (GError **error)
{
  g_autofree char *answer = ask ("Clear the list?", error);

  if (answer == NULL)
    return FALSE;
  if (g_str_equal (answer, "yes"))
    clear_list ();
  return TRUE;
}

/* --- cancelling ------------------------------------------------------------------------ */

static gboolean
page_load_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  Page *self = user_data;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) bytes = coro_file_load_bytes (self->file, NULL, &local_error);

  if (bytes != NULL)
    page_show (self, bytes);
  else if (!coro_error_is_cancelled (local_error))
    page_show_error (self, local_error);
  return TRUE;
}

static void
page_stop (Page *self)
{
  if (self->task != NULL)
    coro_task_cancel (self->task);
  g_clear_object (&self->task);
}

static void
page_load (Page *self)
{
  page_stop (self);
  self->task = coro_spawn_task (page_load_cb, page_ref (self), (GDestroyNotify) page_unref);
}

/* --- a signal -------------------------------------------------------------------------- */

static gboolean
back_up_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Page *self = user_data;
  g_autoptr (GError) local_error = NULL;

  if (!back_up (self->file, self->backup, &local_error))
    page_show_error (self, local_error);
  return TRUE;
}

static void
back_up_activated_cb (GSimpleAction *action,
                      GVariant      *parameter,
                      Page          *self)
{
  coro_spawn (back_up_cb, page_ref (self), (GDestroyNotify) page_unref);
}

/* --- tests ----------------------------------------------------------------------------- */

static gboolean
test_chain (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (Page) page = page_new ();
  g_autoptr (GFile) missing = g_file_new_for_path ("/nowhere/at/all");
  g_autoptr (GError) local_error = NULL;

  if (!back_up (page->file, page->backup, error))
    return FALSE;
  g_assert_true (page_is_backed_up (page));

  g_assert_false (back_up (missing, page->backup, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_true (page_is_backed_up (page));
  return TRUE;
}

static gboolean
test_states (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  if (!blink (3, error))
    return FALSE;
  expect_shown ("101010");

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10 * G_TIME_SPAN_MILLISECOND, &local_error);

    g_assert_false (blink (3, &local_error));
  }
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  expect_shown ("10");
  return TRUE;
}

static gboolean
test_thread (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("text", 4);
  g_autofree char *text = checksum (bytes, error);

  if (text == NULL)
    return FALSE;
  g_assert_cmpstr (text, ==, CHECKSUM_OF_TEXT);
  return TRUE;
}

/* An answer that comes after the cancellation does nothing. */
static gboolean
test_own_callback (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  if (!tidy_up (error))
    return FALSE;
  expect_shown ("Clear the list? cleared");

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (0, &local_error);

    g_assert_false (tidy_up (&local_error));
  }
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  if (!coro_sleep (G_TIME_SPAN_SECOND, error))
    return FALSE;
  expect_shown ("Clear the list?");
  return TRUE;
}

/* A page that was loaded twice shows the file once, and a page that was stopped does not show it. */
static gboolean
test_cancel (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Page *twice = page_new ();
  Page *stopped = page_new ();

  page_load (twice);
  page_load (twice);
  page_unref (twice);
  page_load (stopped);
  page_stop (stopped);
  page_unref (stopped);
  while (n_pages > 0)
    if (!coro_sleep (G_TIME_SPAN_MILLISECOND, error))
      return FALSE;
  expect_shown ("text");
  return TRUE;
}

static gboolean
test_signal (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (GSimpleAction) action = g_simple_action_new ("back-up", NULL);
  Page *page = page_new ();

  g_signal_connect (action, "activate", G_CALLBACK (back_up_activated_cb), page);
  g_action_activate (G_ACTION (action), NULL);
  while (!page_is_backed_up (page))
    if (!coro_sleep (G_TIME_SPAN_MILLISECOND, error))
      return FALSE;
  g_signal_handlers_disconnect_by_data (action, page);
  page_unref (page);
  while (n_pages > 0)
    if (!coro_sleep (G_TIME_SPAN_MILLISECOND, error))
      return FALSE;
  expect_shown ("");
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  shown = g_string_new (NULL);
  coro_test_add_func ("/examples/callbacks/after/chain", test_chain);
  coro_test_add_func ("/examples/callbacks/after/states", test_states);
  coro_test_add_func ("/examples/callbacks/after/thread", test_thread);
  coro_test_add_func ("/examples/callbacks/after/own-callback", test_own_callback);
  coro_test_add_func ("/examples/callbacks/after/cancel", test_cancel);
  coro_test_add_func ("/examples/callbacks/after/signal", test_signal);
  status = g_test_run ();
  g_string_free (shown, TRUE);
  return status;
}
