/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The window of the examples, used as a user would.
 */
int window_main (int, char **);
#define main window_main
#include "../../examples/window.c"
#undef main

#include <glib/gstdio.h>

#include "../gtk/test-display.h"

static GtkApplication *application;

static Window *
open_window (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  GtkWindow *window;

  window_new (application, file);
  window = gtk_application_get_windows (application)->data;
  return g_object_get_data (G_OBJECT (window), "window");
}

static char *
get_text (Window *self)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (self->buffer, &start, &end);
  return gtk_text_buffer_get_text (self->buffer, &start, &end, FALSE);
}

static void
spinning_cb (GtkSpinner *spinner,
             GParamSpec *pspec,
             gpointer    n_stops)
{
  if (!gtk_spinner_get_spinning (spinner))
    (*(guint *) n_stops)++;
}

/* The spinner stops on every path, which says that the work is over.  Whether it spins cannot be
 * asked: a file that is in the page cache is loaded at once, before the test could look. */
static void
click_and_wait (Window *self)
{
  guint n_stops = 0;
  gulong handler = g_signal_connect (self->spinner, "notify::spinning", G_CALLBACK (spinning_cb), &n_stops);

  clicked_cb (NULL, self);
  while (n_stops == 0)
    g_main_context_iteration (NULL, TRUE);
  g_signal_handler_disconnect (self->spinner, handler);
}

static void
close_window (Window *self)
{
  GtkWindow *window = self->window;
  gpointer weak = window;

  g_object_add_weak_pointer (G_OBJECT (window), &weak);
  gtk_window_destroy (window);
  while (weak != NULL)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_loads (void)
{
  Window *self = open_window ("/etc/passwd");
  g_autofree char *contents = NULL;
  g_autofree char *text = NULL;

  click_and_wait (self);
  g_assert_true (g_file_get_contents ("/etc/passwd", &contents, NULL, NULL));
  text = get_text (self);
  g_assert_cmpstr (text, ==, contents);
  g_assert_cmpstr (gtk_label_get_text (self->error), ==, "");
  close_window (self);
}

static void
test_missing_file (void)
{
  Window *self = open_window ("/nonexistent/file");
  g_autofree char *text = NULL;

  click_and_wait (self);
  g_assert_nonnull (strstr (gtk_label_get_text (self->error), "No such file"));
  text = get_text (self);
  g_assert_cmpstr (text, ==, "");
  close_window (self);
}

static void
test_second_click_restarts (void)
{
  Window *self = open_window ("/etc/passwd");
  g_autofree char *text = NULL;

  clicked_cb (NULL, self);
  clicked_cb (NULL, self);
  click_and_wait (self);
  text = get_text (self);
  g_assert_cmpstr (text, !=, "");
  g_assert_cmpstr (gtk_label_get_text (self->error), ==, "");
  close_window (self);
}

static void
test_close_cancels (void)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  Window *self = open_window ("/etc/passwd");

  clicked_cb (NULL, self);
  close_window (self);
  while (coro_scheduler_count_coroutines (scheduler) > 0)
    g_main_context_iteration (NULL, TRUE);
}

int
main (int    argc,
      char **argv)
{
  int status;

  if (!test_display_init (&argc, &argv))
    return 0;

  application = gtk_application_new ("io.github.libcoro.Window.Test", G_APPLICATION_NON_UNIQUE);
  g_assert_true (g_application_register (G_APPLICATION (application), NULL, NULL));
  g_test_add_func ("/examples/window/loads", test_loads);
  g_test_add_func ("/examples/window/missing-file", test_missing_file);
  g_test_add_func ("/examples/window/second-click-restarts", test_second_click_restarts);
  g_test_add_func ("/examples/window/close-cancels", test_close_cancels);

  status = g_test_run ();
  g_object_unref (application);
  return status;
}
