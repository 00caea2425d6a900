/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Waiting for frames.
 */
#include <coro-gtk/coro-gtk.h>

#include "test-display.h"
#include "test-util.h"

#define ENOUGH 5

typedef struct
{
  GtkWidget *window;
  GtkWidget *stack;
  GtkWidget *pages[2];
  gint64 n_painted;             /* frames of the window */
  gint64 painted;               /* the last of them */
  int n_frames;                 /* the coroutine's */
  int n_early;                  /* before they were painted */
  gboolean ended;
} Stage;

static void
after_paint_cb (GdkFrameClock *clock,
                Stage         *self)
{
  self->n_painted++;
  self->painted = gdk_frame_clock_get_frame_counter (clock);
}

static void
realize_cb (GtkWidget *window,
            Stage     *self)
{
  g_signal_connect (gtk_widget_get_frame_clock (window), "after-paint", G_CALLBACK (after_paint_cb), self);
}

static void
stage_set_up (Stage *self)
{
  *self = (Stage) { .window = gtk_window_new (), .stack = gtk_stack_new (), .painted = -1 };
  for (int i = 0; i < 2; i++)
    {
      self->pages[i] = gtk_label_new ("page");
      gtk_stack_add_child (GTK_STACK (self->stack), self->pages[i]);
    }
  gtk_window_set_child (GTK_WINDOW (self->window), self->stack);
  g_signal_connect (self->window, "realize", G_CALLBACK (realize_cb), self);
}

static void
stage_clear (Stage *self)
{
  gtk_window_destroy (GTK_WINDOW (self->window));
  settle (NULL);
}

/* Whatever the machine does meanwhile. */
static void
stage_wait_for_paints (Stage *self,
                       int    n)
{
  gint64 end = self->n_painted + n;

  while (self->n_painted < end)
    {
      gtk_widget_queue_draw (self->window);
      g_main_context_iteration (NULL, TRUE);
    }
}

static gboolean
count_frames_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  Stage *self = user_data;
  gint64 last = 0;
  gint64 time;

  while (coro_gtk_next_frame (self->pages[0], &time, error))
    {
      GdkFrameClock *clock = gtk_widget_get_frame_clock (self->pages[0]);

      g_assert_cmpint (time, >, last);
      g_assert_cmpint (time, ==, gdk_frame_clock_get_frame_time (clock));
      last = time;
      self->n_frames++;
      self->n_early += gdk_frame_clock_get_frame_counter (clock) > self->painted;
    }
  self->ended = TRUE;
  return FALSE;
}

/* What is changed after the wait is painted with the frame that it has waited for. */
static void
test_update_phase (void)
{
  Stage stage;

  stage_set_up (&stage);
  coro_gtk_widget_spawn (stage.pages[0], count_frames_cb, &stage, NULL);
  settle (NULL);
  g_assert_cmpint (stage.n_frames, ==, 0);      /* there is no window yet */
  gtk_window_present (GTK_WINDOW (stage.window));
  while (stage.n_frames < ENOUGH)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (stage.n_early, ==, stage.n_frames);
  stage_clear (&stage);
  g_assert_true (stage.ended);
}

/* Nothing is drawn for a page that is not shown. */
static void
test_hidden (void)
{
  Stage stage;
  int n_frames;

  stage_set_up (&stage);
  coro_gtk_widget_spawn (stage.pages[0], count_frames_cb, &stage, NULL);
  gtk_window_present (GTK_WINDOW (stage.window));
  while (stage.n_frames < ENOUGH)
    g_main_context_iteration (NULL, TRUE);

  gtk_stack_set_visible_child (GTK_STACK (stage.stack), stage.pages[1]);
  n_frames = stage.n_frames;
  stage_wait_for_paints (&stage, ENOUGH);
  g_assert_cmpint (stage.n_frames, ==, n_frames);

  gtk_stack_set_visible_child (GTK_STACK (stage.stack), stage.pages[0]);
  while (stage.n_frames < n_frames + ENOUGH)
    g_main_context_iteration (NULL, TRUE);
  stage_clear (&stage);
  g_assert_true (stage.ended);
}

/* The wait keeps neither its widget nor itself. */
static void
test_dropped (void)
{
  Stage stage;
  gpointer weak;

  stage_set_up (&stage);
  weak = stage.pages[0];
  g_object_add_weak_pointer (weak, &weak);
  coro_gtk_widget_spawn (stage.pages[0], count_frames_cb, &stage, NULL);
  gtk_window_present (GTK_WINDOW (stage.window));
  while (stage.n_frames < ENOUGH)
    g_main_context_iteration (NULL, TRUE);
  gtk_stack_remove (GTK_STACK (stage.stack), stage.pages[0]);
  while (weak != NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (stage.ended);
  stage_clear (&stage);
}

static gboolean
wait_for_other_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  Stage *self = user_data;

  g_assert_false (coro_gtk_next_frame (self->pages[0], NULL, error));
  g_assert_true (coro_error_is_cancelled (*error));
  self->ended = TRUE;
  return FALSE;
}

/* A frame of a widget that has no frames, and goes. */
static void
test_of_another (void)
{
  Stage stage;

  stage_set_up (&stage);
  coro_spawn (wait_for_other_cb, &stage, NULL);
  settle (NULL);
  g_assert_false (stage.ended);
  gtk_stack_remove (GTK_STACK (stage.stack), stage.pages[0]);
  settle (NULL);
  g_assert_true (stage.ended);
  stage_clear (&stage);
}

static gboolean
after_paint_body (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Stage *self = user_data;
  gint64 n_painted;

  for (int i = 0; i < ENOUGH; i++)
    {
      n_painted = self->n_painted;
      if (!coro_gtk_after_paint (self->pages[0], error))
        return FALSE;
      g_assert_true (gtk_widget_get_mapped (self->pages[0]));
      g_assert_cmpint (gtk_widget_get_width (self->pages[0]), >, 0);
      g_assert_cmpint (self->n_painted, >, n_painted);
    }
  self->ended = TRUE;
  return TRUE;
}

/* Begun before the window is shown. */
static void
test_after_paint (void)
{
  Stage stage;

  stage_set_up (&stage);
  coro_gtk_widget_spawn (stage.window, after_paint_body, &stage, NULL);
  settle (NULL);
  g_assert_false (stage.ended);
  gtk_window_present (GTK_WINDOW (stage.window));
  while (!stage.ended)
    g_main_context_iteration (NULL, TRUE);
  stage_clear (&stage);
}

static void
paint_cb (GdkFrameClock *clock,
          int           *n)
{
  ++*n;
}

/* A widget that has no height for now, or for ever: it is not painted in vain. */
static void
test_after_paint_empty (void)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  Stage stage;
  GdkFrameClock *clock;
  gint64 end;
  int n_paints = 0;

  stage_set_up (&stage);
  gtk_window_set_child (GTK_WINDOW (stage.window), box);
  gtk_box_append (GTK_BOX (box), gtk_label_new ("text"));
  stage.pages[0] = gtk_drawing_area_new ();
  gtk_box_append (GTK_BOX (box), stage.pages[0]);
  coro_gtk_widget_spawn (stage.window, after_paint_body, &stage, NULL);
  gtk_window_present (GTK_WINDOW (stage.window));
  stage_wait_for_paints (&stage, ENOUGH);
  g_assert_true (gtk_widget_get_mapped (stage.pages[0]));
  g_assert_cmpint (gtk_widget_get_height (stage.pages[0]), ==, 0);

  /* Frames that are not painted unless the wait requests it. */
  clock = gtk_widget_get_frame_clock (stage.window);
  g_signal_connect (clock, "paint", G_CALLBACK (paint_cb), &n_paints);
  for (end = stage.n_painted + 4 * ENOUGH; stage.n_painted < end;)
    {
      gdk_frame_clock_request_phase (clock, GDK_FRAME_CLOCK_PHASE_UPDATE);
      g_main_context_iteration (NULL, TRUE);
    }
  g_signal_handlers_disconnect_by_func (clock, paint_cb, &n_paints);
  g_assert_cmpint (n_paints, <, 2 * ENOUGH);
  g_assert_false (stage.ended);

  gtk_widget_set_size_request (stage.pages[0], 10, 10);
  while (!stage.ended)
    g_main_context_iteration (NULL, TRUE);
  stage_clear (&stage);
}

int
main (int    argc,
      char **argv)
{
  if (!test_display_init (&argc, &argv))
    return 0;

  g_test_add_func ("/gtk/frame/update-phase", test_update_phase);
  g_test_add_func ("/gtk/frame/hidden", test_hidden);
  g_test_add_func ("/gtk/frame/dropped", test_dropped);
  g_test_add_func ("/gtk/frame/of-another", test_of_another);
  g_test_add_func ("/gtk/frame/after-paint", test_after_paint);
  g_test_add_func ("/gtk/frame/after-paint-empty", test_after_paint_empty);

  return g_test_run ();
}
