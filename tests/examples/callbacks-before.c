/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The left side of docs/callbacks.md: code with callbacks, which knows nothing of coroutines.
 */
#include "callbacks.h"

/* --- one call after the other ---------------------------------------------------------- */

static void
saved_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (g_file_replace_contents_finish (G_FILE (source), result, NULL, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
loaded_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  g_autoptr (GTask) task = user_data;
  GFile *backup = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GBytes) bytes = g_file_load_bytes_finish (G_FILE (source), result, NULL, &error);

  if (bytes == NULL)
    g_task_return_error (task, error);
  else
    g_file_replace_contents_bytes_async (backup, bytes, NULL, FALSE, G_FILE_CREATE_NONE,
                                         g_task_get_cancellable (task), saved_cb, g_object_ref (task));
}

static void
back_up_async (GFile               *file,
               GFile               *backup,
               GCancellable        *cancellable,
               GAsyncReadyCallback  callback,
               gpointer             user_data)
{
  GTask *task = g_task_new (file, cancellable, callback, user_data);

  g_task_set_task_data (task, g_object_ref (backup), g_object_unref);
  g_file_load_bytes_async (file, cancellable, loaded_cb, task);
}

static gboolean
back_up_finish (GFile         *file,
                GAsyncResult  *result,
                GError       **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- a state machine ------------------------------------------------------------------- */

typedef struct
{
  guint timeout_id;             /* 0: it does not blink */
  gboolean on;
  int n_left;
} Blinker;

static gboolean
blinker_timeout_cb (gpointer user_data)
{
  Blinker *self = user_data;

  self->on = !self->on;
  lamp_set (self->on);
  self->timeout_id = 0;
  if (self->on)
    self->timeout_id = g_timeout_add (50, blinker_timeout_cb, self);
  else if (--self->n_left > 0)
    self->timeout_id = g_timeout_add (150, blinker_timeout_cb, self);
  return G_SOURCE_REMOVE;
}

static void
blinker_stop (Blinker *self)
{
  g_clear_handle_id (&self->timeout_id, g_source_remove);
  if (self->on)
    lamp_set (FALSE);
  self->on = FALSE;
}

static void
blinker_start (Blinker *self,
               int      n_times)
{
  blinker_stop (self);
  self->n_left = n_times;
  blinker_timeout_cb (self);
}

/* --- a thread -------------------------------------------------------------------------- */

static void
checksum_thread (GTask        *task,
                 gpointer      source,
                 gpointer      bytes,
                 GCancellable *cancellable)
{
  g_task_return_pointer (task, g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes), g_free);
}

static void
checksum_async (GBytes              *bytes,
                GCancellable        *cancellable,
                GAsyncReadyCallback  callback,
                gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_task_data (task, g_bytes_ref (bytes), (GDestroyNotify) g_bytes_unref);
  g_task_run_in_thread (task, checksum_thread);
}

static char *
checksum_finish (GAsyncResult  *result,
                 GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- callbacks of one's own ------------------------------------------------------------ */

static void
answered_cb (const char *answer,
             gpointer    user_data)
{
  if (g_str_equal (answer, "yes"))
    clear_list ();
}

static void
tidy_up (void)
{
  dialog_ask ("Clear the list?", answered_cb, NULL);
}

/* --- cancelling ------------------------------------------------------------------------ */

static void
page_loaded_cb (GObject      *source,
                GAsyncResult *result,
                gpointer      user_data)
{
  g_autoptr (Page) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_file_load_bytes_finish (G_FILE (source), result, NULL, &error);

  if (bytes != NULL)
    page_show (self, bytes);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    page_show_error (self, error);
}

static void
page_stop (Page *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
}

static void
page_load (Page *self)
{
  page_stop (self);
  self->cancellable = g_cancellable_new ();
  g_file_load_bytes_async (self->file, self->cancellable, page_loaded_cb, page_ref (self));
}

/* --- a signal -------------------------------------------------------------------------- */

static void
backed_up_cb (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_autoptr (Page) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!back_up_finish (G_FILE (source), result, &error))
    page_show_error (self, error);
}

static void
back_up_activated_cb (GSimpleAction *action,
                      GVariant      *parameter,
                      Page          *self)
{
  back_up_async (self->file, self->backup, NULL, backed_up_cb, page_ref (self));
}

/* --- tests ----------------------------------------------------------------------------- */

static void
result_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static void
test_chain (void)
{
  g_autoptr (Page) page = page_new ();
  g_autoptr (GFile) missing = g_file_new_for_path ("/nowhere/at/all");

  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;

      back_up_async (i == 0 ? page->file : missing, page->backup, NULL, result_cb, &result);
      while (result == NULL)
        g_main_context_iteration (NULL, TRUE);
      g_assert_true (back_up_finish (i == 0 ? page->file : missing, result, &error) == (i == 0));
      if (i == 1)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
      g_assert_true (page_is_backed_up (page));
    }
}

static void
test_states (void)
{
  Blinker blinker = { 0 };

  blinker_start (&blinker, 3);
  while (blinker.timeout_id != 0)
    g_main_context_iteration (NULL, TRUE);
  expect_shown ("101010");

  blinker_start (&blinker, 3);
  blinker_stop (&blinker);
  g_assert_cmpint (blinker.timeout_id, ==, 0);
  expect_shown ("10");
}

static void
test_thread (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("text", 4);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *checksum = NULL;

  checksum_async (bytes, NULL, result_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  checksum = checksum_finish (result, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (checksum, ==, CHECKSUM_OF_TEXT);
}

static void
test_own_callback (void)
{
  tidy_up ();
  while (!g_str_has_suffix (shown->str, "cleared"))
    g_main_context_iteration (NULL, TRUE);
  expect_shown ("Clear the list? cleared");
}

/* A page that was loaded twice shows the file once, and a page that was stopped does not show it. */
static void
test_cancel (void)
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
    g_main_context_iteration (NULL, TRUE);
  expect_shown ("text");
}

static void
test_signal (void)
{
  g_autoptr (GSimpleAction) action = g_simple_action_new ("back-up", NULL);
  Page *page = page_new ();

  g_signal_connect (action, "activate", G_CALLBACK (back_up_activated_cb), page);
  g_action_activate (G_ACTION (action), NULL);
  while (!page_is_backed_up (page))
    g_main_context_iteration (NULL, TRUE);
  g_signal_handlers_disconnect_by_data (action, page);
  page_unref (page);
  while (n_pages > 0)
    g_main_context_iteration (NULL, TRUE);
  expect_shown ("");
}

int
main (int    argc,
      char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  shown = g_string_new (NULL);
  g_test_add_func ("/examples/callbacks/before/chain", test_chain);
  g_test_add_func ("/examples/callbacks/before/states", test_states);
  g_test_add_func ("/examples/callbacks/before/thread", test_thread);
  g_test_add_func ("/examples/callbacks/before/own-callback", test_own_callback);
  g_test_add_func ("/examples/callbacks/before/cancel", test_cancel);
  g_test_add_func ("/examples/callbacks/before/signal", test_signal);
  status = g_test_run ();
  g_string_free (shown, TRUE);
  return status;
}
