/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Coroutines that belong to a widget end with it.
 */
#include <coro-gtk/coro-gtk.h>

#include "test-util.h"

typedef struct
{
  GtkWidget *widget;            /* (unowned) */
  int n_begun;
  int n_cancelled;
  int n_freed;
} Work;

/* Uses the widget until it is cancelled, and once more. */
static gboolean
work_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Work *work = user_data;
  gboolean ok;

  work->n_begun++;
  ok = coro_sleep (1000 * SECOND, error);
  g_assert_true (GTK_IS_WIDGET (work->widget));
  gtk_widget_set_name (work->widget, "cleaned up");
  if (!ok && coro_error_is_cancelled (*error))
    work->n_cancelled++;
  return ok;
}

static void
freed_cb (gpointer user_data)
{
  ((Work *) user_data)->n_freed++;
}

/* The widget of `work`, which nobody else holds. */
static GtkWidget *
make_widget (Work *work)
{
  work->widget = g_object_ref_sink (gtk_label_new ("text"));
  return work->widget;
}

static void
dispose_widget (GtkWidget *widget)
{
  gpointer weak = widget;

  g_object_add_weak_pointer (G_OBJECT (widget), &weak);
  g_object_run_dispose (G_OBJECT (widget));
  g_object_unref (widget);
  settle (NULL);
  g_assert_null (weak);
}

static void
test_disposed (void)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  gsize n_before = coro_scheduler_count_coroutines (scheduler);
  Work work = { NULL, };
  GtkWidget *widget = make_widget (&work);

  for (int i = 0; i < 3; i++)
    coro_gtk_widget_spawn (widget, work_cb, &work, freed_cb);
  settle (NULL);
  g_assert_cmpint (work.n_begun, ==, 3);
  g_assert_cmpuint (coro_scheduler_count_coroutines (scheduler), ==, n_before + 3);

  dispose_widget (widget);
  g_assert_cmpint (work.n_cancelled, ==, 3);
  g_assert_cmpint (work.n_freed, ==, 3);
  g_assert_cmpuint (coro_scheduler_count_coroutines (scheduler), ==, n_before);
}

/* What has not begun when the widget goes never does; what it was to work on is freed. */
static void
test_not_begun (void)
{
  Work work = { NULL, };
  GtkWidget *widget = make_widget (&work);
  g_autoptr (CoroTask) task = NULL;

  coro_gtk_widget_spawn (widget, work_cb, &work, freed_cb);
  task = coro_gtk_widget_spawn_task (widget, work_cb, &work, freed_cb);
  dispose_widget (widget);
  g_assert_cmpint (work.n_begun, ==, 0);
  g_assert_cmpint (work.n_freed, ==, 2);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
}

static gboolean
answer_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  return coro_return_int (result, 42);
}

static void
test_handle (void)
{
  Work work = { NULL, };
  GtkWidget *widget = make_widget (&work);
  g_autoptr (CoroTask) task = coro_gtk_widget_spawn_task (widget, answer_cb, NULL, NULL);
  g_auto (GValue) value = G_VALUE_INIT;

  settle (NULL);
  g_assert_true (coro_future_get_result (CORO_FUTURE (task), &value, NULL));
  g_assert_cmpint (g_value_get_int (&value), ==, 42);
  dispose_widget (widget);
}

/* In a window that is closed. */
static void
test_window_closed (void)
{
  GtkWidget *window = gtk_window_new ();
  Work work = { gtk_label_new ("text"), };
  gpointer weak = window;

  gtk_window_set_child (GTK_WINDOW (window), work.widget);
  g_object_add_weak_pointer (G_OBJECT (window), &weak);
  gtk_window_present (GTK_WINDOW (window));
  coro_gtk_widget_spawn (work.widget, work_cb, &work, freed_cb);
  while (work.n_begun == 0)
    g_main_context_iteration (NULL, TRUE);

  gtk_window_destroy (GTK_WINDOW (window));
  while (work.n_freed == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (work.n_cancelled, ==, 1);
  g_assert_null (weak);
}

/* Clicked three times: the last one counts, one after the other. */
static void
test_latest (void)
{
  Work work = { NULL, };
  GtkWidget *widget = make_widget (&work);

  coro_gtk_widget_spawn_latest (widget, "load", work_cb, &work, freed_cb);
  settle (NULL);
  g_assert_cmpint (work.n_begun, ==, 1);
  coro_gtk_widget_spawn_latest (widget, "load", work_cb, &work, freed_cb);
  coro_gtk_widget_spawn_latest (widget, "load", work_cb, &work, freed_cb);
  settle (NULL);
  g_assert_cmpint (work.n_begun, ==, 2);
  g_assert_cmpint (work.n_cancelled, ==, 1);
  g_assert_cmpint (work.n_freed, ==, 2);
  dispose_widget (widget);
  g_assert_cmpint (work.n_freed, ==, 3);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!gtk_init_check ())
    {
      g_print ("1..0 # SKIP no display\n");
      return 0;
    }

  g_test_add_func ("/spec/S334/widget-disposed", test_disposed);
  g_test_add_func ("/spec/S334/widget-disposed-before-the-start", test_not_begun);
  g_test_add_func ("/spec/S334/window-closed", test_window_closed);
  g_test_add_func ("/gtk/widget/handle", test_handle);
  g_test_add_func ("/gtk/widget/latest", test_latest);

  return g_test_run ();
}
