/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An application ends when its last window has been closed, and not before its coroutines.
 */
#include <coro-gtk/coro-gtk.h>

#include "test-display.h"
#include "test-util.h"

typedef struct
{
  GtkApplication *application;
  GtkWidget *window;            /* (unowned) */
  gboolean quits;
  int n_begun;
  int n_done;
  int n_cleaned_up;
  int n_freed;
} Stage;

/* Not given to coro_application_attach(): the first use of libcoro-gtk does that. */
static void
stage_run (Stage     *self,
           GCallback  activate)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);

  self->application = gtk_application_new (NULL, G_APPLICATION_NON_UNIQUE);
  g_application_set_default (G_APPLICATION (self->application));
  g_signal_connect (self->application, "activate", activate, self);
  g_assert_cmpint (g_application_run (G_APPLICATION (self->application), 0, NULL), ==, 0);
  g_assert_cmpuint (coro_scheduler_count_coroutines (scheduler), ==, 0);
  if (self->quits)
    gtk_window_destroy (GTK_WINDOW (self->window));     /* which holds it */
  g_assert_finalize_object (self->application);
}

static void
freed_cb (gpointer user_data)
{
  ((Stage *) user_data)->n_freed++;
}

static gboolean
work_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Stage *self = user_data;
  gboolean ok;

  self->n_begun++;
  ok = coro_sleep (1000 * SECOND, error);
  g_assert_true (GTK_IS_WINDOW (self->window));
  {
    g_auto (CoroShield) shield = coro_shield_enter (0);

    for (int i = 0; i < 5; i++)
      g_assert_true (coro_sleep (1000, NULL));
  }
  self->n_cleaned_up++;
  return ok;
}

static gboolean
close_window_cb (gpointer user_data)
{
  Stage *self = user_data;

  gtk_window_close (GTK_WINDOW (self->window));
  return G_SOURCE_REMOVE;
}

static gboolean
quit_cb (gpointer user_data)
{
  g_application_quit (G_APPLICATION (((Stage *) user_data)->application));
  return G_SOURCE_REMOVE;
}

static void
open_window (Stage *self)
{
  self->window = gtk_application_window_new (self->application);
  gtk_window_present (GTK_WINDOW (self->window));
}

/* --- cleanup ---------------------------------------------------------------------- */

static void
closed_activate_cb (GtkApplication *application,
                    Stage          *self)
{
  open_window (self);
  coro_gtk_widget_spawn (self->window, work_cb, self, freed_cb);
  g_idle_add_full (G_PRIORITY_LOW, close_window_cb, self, NULL);
}

static void
test_closed (void)
{
  Stage stage = { NULL, };

  stage_run (&stage, G_CALLBACK (closed_activate_cb));
  g_assert_cmpint (stage.n_cleaned_up, ==, 1);
  g_assert_cmpint (stage.n_freed, ==, 1);
}

static void
quit_activate_cb (GtkApplication *application,
                  Stage          *self)
{
  open_window (self);
  coro_gtk_widget_spawn (self->window, work_cb, self, freed_cb);
  g_idle_add_full (G_PRIORITY_LOW, quit_cb, self, NULL);
}

static void
test_quit (void)
{
  Stage stage = { .quits = TRUE };

  stage_run (&stage, G_CALLBACK (quit_activate_cb));
  g_assert_cmpint (stage.n_cleaned_up, ==, 1);
  g_assert_cmpint (stage.n_freed, ==, 1);
}

/* --- begun by ::close-request ----------------------------------------------------- */

static gboolean
save_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Stage *self = user_data;
  g_auto (CoroShield) shield = coro_shield_enter (0);

  self->n_begun++;
  for (int i = 0; i < 5; i++)
    g_assert_true (coro_sleep (1000, NULL));
  self->n_done++;
  return TRUE;
}

static gboolean
save_of_the_window_cb (GtkWindow *window,
                       Stage     *self)
{
  coro_gtk_widget_spawn (window, save_cb, self, freed_cb);
  return FALSE;
}

static void
save_activate_cb (GtkApplication *application,
                  Stage          *self)
{
  open_window (self);
  g_signal_connect (self->window, "close-request", G_CALLBACK (save_of_the_window_cb), self);
  g_idle_add_full (G_PRIORITY_LOW, close_window_cb, self, NULL);
}

static void
test_save (void)
{
  Stage stage = { NULL, };

  stage_run (&stage, G_CALLBACK (save_activate_cb));
  g_assert_cmpint (stage.n_done, ==, 1);
  g_assert_cmpint (stage.n_freed, ==, 1);
}

static gboolean
plain_save_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  Stage *self = user_data;

  for (int i = 0; i < 5; i++)
    if (!coro_sleep (1000, error))
      return FALSE;
  self->n_done++;
  return TRUE;
}

static gboolean
save_of_no_widget_cb (GtkWindow *window,
                      Stage     *self)
{
  coro_spawn (plain_save_cb, self, freed_cb);
  return FALSE;
}

static void
plain_save_activate_cb (GtkApplication *application,
                        Stage          *self)
{
  coro_application_attach (G_APPLICATION (application));
  open_window (self);
  g_signal_connect (self->window, "close-request", G_CALLBACK (save_of_no_widget_cb), self);
  g_idle_add_full (G_PRIORITY_LOW, close_window_cb, self, NULL);
}

static void
test_plain_save (void)
{
  Stage stage = { NULL, };

  stage_run (&stage, G_CALLBACK (plain_save_activate_cb));
  g_assert_cmpint (stage.n_done, ==, 1);
}

/* --- a window after an await ------------------------------------------------------ */

static gboolean
open_later_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  Stage *self = user_data;

  if (!coro_sleep (1000, error))
    return FALSE;
  open_window (self);
  if (!coro_sleep (1000, error))
    return FALSE;
  gtk_window_close (GTK_WINDOW (self->window));
  self->n_done++;
  return TRUE;
}

static void
open_later_activate_cb (GtkApplication *application,
                        Stage          *self)
{
  coro_application_attach (G_APPLICATION (application));
  coro_spawn (open_later_cb, self, freed_cb);
}

static void
test_window_after_await (void)
{
  Stage stage = { NULL, };

  stage_run (&stage, G_CALLBACK (open_later_activate_cb));
  g_assert_cmpint (stage.n_done, ==, 1);
}

int
main (int    argc,
      char **argv)
{
  if (!test_display_init (&argc, &argv))
    return 0;

  g_test_add_func ("/gtk/application/closed", test_closed);
  g_test_add_func ("/gtk/application/quit", test_quit);
  g_test_add_func ("/gtk/application/save-of-the-closed-window", test_save);
  g_test_add_func ("/gtk/application/save-of-no-widget", test_plain_save);
  g_test_add_func ("/gtk/application/window-after-await", test_window_after_await);

  return g_test_run ();
}
