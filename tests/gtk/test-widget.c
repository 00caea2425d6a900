/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Coroutines that belong to a widget end with it.
 */
#include <coro-gtk/coro-gtk.h>

#include "test-display.h"
#include "test-util.h"

typedef struct
{
  GtkWidget *widget;            /* (unowned) */
  int n_begun;
  int n_cancelled;
  int n_interrupted;            /* awaits of a cleanup that failed */
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

/* The widget of `work`.  The caller holds the only reference to it. */
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

/* What has not begun when the widget is disposed of never does; what it was to work on is freed. */
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

/* --- whole until the end ---------------------------------------------------------- */

typedef struct
{
  GtkBox parent;
  GtkLabel *status;             /* of the template */
  int n_seen;
} Page;

typedef GtkBoxClass PageClass;

static GType page_get_type (void);
G_DEFINE_TYPE (Page, page, GTK_TYPE_BOX)

static const char page_ui[] =
  "<interface><template class='Page' parent='GtkBox'><child><object class='GtkLabel' id='status'/></child></template></interface>";

static void
page_dispose (GObject *object)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  ((Page *) object)->status = NULL;

  G_OBJECT_CLASS (page_parent_class)->dispose (object);
}

static void
page_class_init (PageClass *klass)
{
  g_autoptr (GBytes) template = g_bytes_new_static (page_ui, sizeof page_ui - 1);

  G_OBJECT_CLASS (klass)->dispose = page_dispose;
  gtk_widget_class_set_template (GTK_WIDGET_CLASS (klass), template);
  gtk_widget_class_bind_template_child (GTK_WIDGET_CLASS (klass), Page, status);
}

static void
page_init (Page *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/* Looks at the template's child after its first wait and after that of its cleanup. */
static gboolean
page_work_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  Page *self = user_data;
  gboolean ok = coro_sleep (1000 * SECOND, error);

  g_assert_false (ok);
  g_assert_true (coro_error_is_cancelled (*error));
  gtk_label_set_text (self->status, "Stopped");
  self->n_seen++;
  {
    g_auto (CoroShield) shield = coro_shield_enter (0);

    g_assert_true (coro_sleep (1000, NULL));
  }
  gtk_label_set_text (self->status, "Cleaned up");
  g_assert_cmpstr (gtk_label_get_text (self->status), ==, "Cleaned up");
  self->n_seen++;
  return ok;
}

typedef enum { DESTROY_WINDOW, REMOVE_FROM_BOX, REMOVE_BOX } Ending;

/* However the page goes, its children are there for the coroutines, and then it is gone. */
static void
test_whole (gconstpointer data)
{
  Ending ending = (Ending) GPOINTER_TO_INT (data);
  GtkWidget *window = gtk_window_new ();
  GtkWidget *outer = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  Page *page = g_object_new (page_get_type (), NULL);
  gpointer weak_page = page;
  gpointer weak_window = window;
  Work unbegun = { GTK_WIDGET (page), };

  g_object_add_weak_pointer (G_OBJECT (page), &weak_page);
  g_object_add_weak_pointer (G_OBJECT (window), &weak_window);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (page));
  gtk_box_append (GTK_BOX (outer), box);
  gtk_window_set_child (GTK_WINDOW (window), outer);
  gtk_window_present (GTK_WINDOW (window));
  coro_gtk_widget_spawn (page, page_work_cb, page, NULL);
  coro_gtk_widget_spawn (page->status, page_work_cb, page, NULL);        /* of a part of it */
  settle (NULL);

  coro_gtk_widget_spawn (page, work_cb, &unbegun, freed_cb);
  if (ending == DESTROY_WINDOW)
    gtk_window_destroy (GTK_WINDOW (window));
  else if (ending == REMOVE_FROM_BOX)
    gtk_box_remove (GTK_BOX (box), GTK_WIDGET (page));
  else
    gtk_box_remove (GTK_BOX (outer), box);
  g_assert_nonnull (weak_page);
  g_assert_cmpint (page->n_seen, ==, 0);

  while (weak_page != NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (unbegun.n_begun, ==, 1);
  g_assert_cmpint (unbegun.n_cancelled, ==, 1);
  g_assert_cmpint (unbegun.n_freed, ==, 1);
  if (ending != DESTROY_WINDOW)
    gtk_window_destroy (GTK_WINDOW (window));
  settle (NULL);
  g_assert_null (weak_window);
}

/* A page that is put into another place or window goes on. */
static void
test_moves (void)
{
  GtkWidget *windows[] = { gtk_window_new (), gtk_window_new () };
  GtkWidget *page = g_object_ref_sink (gtk_label_new ("page"));
  Work work = { page, };

  for (int i = 0; i < 2; i++)
    gtk_window_present (GTK_WINDOW (windows[i]));
  gtk_window_set_child (GTK_WINDOW (windows[0]), page);
  coro_gtk_widget_spawn (page, work_cb, &work, freed_cb);
  settle (NULL);

  gtk_window_set_child (GTK_WINDOW (windows[0]), NULL);
  gtk_window_set_child (GTK_WINDOW (windows[1]), page);
  g_object_unref (page);
  settle (NULL);
  g_assert_cmpint (work.n_begun, ==, 1);
  g_assert_cmpint (work.n_cancelled, ==, 0);

  g_object_ref (page);          /* without a window, but not dropped */
  gtk_window_set_child (GTK_WINDOW (windows[1]), NULL);
  settle (NULL);
  g_assert_cmpint (work.n_cancelled, ==, 0);
  gtk_window_set_child (GTK_WINDOW (windows[0]), page);
  g_object_unref (page);
  settle (NULL);
  g_assert_cmpint (work.n_cancelled, ==, 0);

  for (int i = 0; i < 2; i++)
    gtk_window_destroy (GTK_WINDOW (windows[i]));
  settle (NULL);
  g_assert_cmpint (work.n_cancelled, ==, 1);
}

typedef struct
{
  int n_failures;
  int n_freed;
} Handler;

static void
count_failure_cb (const GError  *error,
                  const char    *name,
                  const char    *spawned_at,
                  gpointer       user_data,
                  GError       **error_out)
{
  g_assert_cmpstr (name, ==, "fail_cb");
  g_assert_cmpstr (error->message, ==, "it failed");
  ((Handler *) user_data)->n_failures++;
}

static void
handler_freed_cb (gpointer user_data)
{
  ((Handler *) user_data)->n_freed++;
}

/* It has outlived its window, where its coroutines were cancelled, and works in the next one. */
static void
test_next_window (void)
{
  GtkWidget *windows[] = { gtk_window_new (), gtk_window_new () };
  GtkWidget *page = g_object_ref_sink (gtk_label_new ("page"));
  Work work = { page, };
  Handler handler = { 0, };

  coro_gtk_widget_set_unhandled_func (page, count_failure_cb, &handler, handler_freed_cb);
  for (int i = 0; i < 2; i++)
    {
      gtk_window_present (GTK_WINDOW (windows[i]));
      gtk_window_set_child (GTK_WINDOW (windows[i]), page);
      coro_gtk_widget_spawn (page, work_cb, &work, freed_cb);
      coro_gtk_widget_spawn (page, fail_cb, "it failed", NULL);
      settle (NULL);
      g_assert_cmpint (work.n_begun, ==, i + 1);
      g_assert_cmpint (work.n_cancelled, ==, i);
      g_assert_cmpint (handler.n_failures, ==, i + 1);
      gtk_window_destroy (GTK_WINDOW (windows[i]));
      settle (NULL);
      g_assert_cmpint (work.n_cancelled, ==, i + 1);
    }

  coro_gtk_widget_spawn (page, work_cb, &work, freed_cb);       /* in none: to its first wait */
  settle (NULL);
  g_assert_cmpint (work.n_begun, ==, 3);
  g_assert_cmpint (work.n_cancelled, ==, 3);
  g_object_unref (page);
  settle (NULL);
  g_assert_cmpint (work.n_freed, ==, 3);
  g_assert_cmpint (handler.n_freed, ==, 1);
}

/* What is spawned for a widget that is gone is lost, and that is said. */
static void
test_gone (void)
{
  Work work = { NULL, };
  GtkWidget *widget = make_widget (&work);

  coro_gtk_widget_get_group (widget);
  g_object_run_dispose (G_OBJECT (widget));
  g_test_expect_message ("CoroGtk", G_LOG_LEVEL_WARNING, "*GtkLabel*does not run*");
  coro_gtk_widget_spawn (widget, work_cb, &work, freed_cb);
  g_test_assert_expected_messages ();
  settle (NULL);
  g_assert_cmpint (work.n_begun, ==, 0);
  g_assert_cmpint (work.n_freed, ==, 1);
  g_object_unref (widget);
}

/* --- the latest ------------------------------------------------------------------- */

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

/* As often as one likes before the main loop turns: only the last one begins. */
static void
test_latest_burst (void)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  gsize n_before = coro_scheduler_count_coroutines (scheduler);
  Work work = { NULL, };
  GtkWidget *widget = make_widget (&work);

  for (int i = 0; i < 1000; i++)
    coro_gtk_widget_spawn_latest (widget, "load", work_cb, &work, freed_cb);
  g_assert_cmpint (work.n_freed, ==, 999);
  g_assert_cmpuint (coro_scheduler_count_coroutines (scheduler), <=, n_before + 1);
  settle (NULL);
  g_assert_cmpint (work.n_begun, ==, 1);

  for (int i = 0; i < 1000; i++)
    coro_gtk_widget_spawn_latest (widget, "load", work_cb, &work, freed_cb);
  g_assert_cmpint (work.n_freed, ==, 999 + 999);
  settle (NULL);
  g_assert_cmpint (work.n_begun, ==, 2);
  g_assert_cmpint (work.n_cancelled, ==, 1);
  dispose_widget (widget);
  g_assert_cmpint (work.n_freed, ==, 2000);
  g_assert_cmpint (work.n_cancelled, ==, 2);
}

/* Cancelled once, however often it is replaced while it cleans up. */
static gboolean
slow_cleanup_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  Work *work = user_data;
  gboolean ok;

  work->n_begun++;
  ok = coro_sleep (1000 * SECOND, error);
  if (!ok)
    {
      for (int i = 0; i < 3; i++)
        if (!coro_yield (NULL))
          work->n_interrupted++;
      work->n_cancelled++;
    }
  return ok;
}

static void
test_latest_cleans_up (void)
{
  Work work = { NULL, };
  GtkWidget *widget = make_widget (&work);

  coro_gtk_widget_spawn_latest (widget, "load", slow_cleanup_cb, &work, freed_cb);
  settle (NULL);
  for (int i = 0; i < 4; i++)
    {
      coro_gtk_widget_spawn_latest (widget, "load", slow_cleanup_cb, &work, freed_cb);
      g_main_context_iteration (NULL, FALSE);
    }
  settle (NULL);
  g_assert_cmpint (work.n_begun, ==, work.n_cancelled + 1);
  g_assert_cmpint (work.n_interrupted, ==, 0);
  dispose_widget (widget);
  g_assert_cmpint (work.n_begun, ==, work.n_cancelled);
}

typedef enum
{
  SPAWN_IN_DESTROY,             /* a handler of the signal, for a widget with a group */
  SPAWN_FIRST_IN_DESTROY,       /* and for one without */
  SPAWN_LATER                   /* in a subclass, say, after the signal */
} SpawnLate;

static void
spawn_late_cb (GtkWidget *widget,
               Work      *work)
{
  coro_gtk_widget_spawn_latest (widget, "load", work_cb, work, freed_cb);
}

static void
spawn_weak_cb (gpointer  user_data,
               GObject  *widget)
{
  Work *work = user_data;

  spawn_late_cb (work->widget, work);
}

/* Spawned while the last reference to the widget goes: the coroutine ends after the widget. */
static void
test_latest_too_late (gconstpointer data)
{
  SpawnLate when = GPOINTER_TO_INT (data);
  Work work = { NULL, };
  GtkWidget *widget = make_widget (&work);

  if (when == SPAWN_IN_DESTROY)
    coro_gtk_widget_get_group (widget);
  if (when == SPAWN_LATER)
    g_object_weak_ref (G_OBJECT (widget), spawn_weak_cb, &work);
  else
    g_signal_connect (widget, "destroy", G_CALLBACK (spawn_late_cb), &work);
  if (when != SPAWN_LATER)
    g_test_expect_message ("CoroGtk", G_LOG_LEVEL_WARNING, "*GtkLabel*does not run*");
  g_object_unref (widget);
  g_test_assert_expected_messages ();
  settle (NULL);
  g_assert_cmpint (work.n_begun, ==, 0);
  g_assert_cmpint (work.n_freed, ==, 1);
}

/* A failure is reported when it comes, and under its own name. */
static void
test_latest_fails (void)
{
  Work work = { NULL, };
  GtkWidget *widget = make_widget (&work);
  Handler handler = { 0, };

  coro_gtk_widget_set_unhandled_func (widget, count_failure_cb, &handler, handler_freed_cb);
  for (int i = 0; i < 2; i++)
    {
      coro_gtk_widget_spawn_latest (widget, "load", fail_cb, "it failed", NULL);
      settle (NULL);
      g_assert_cmpint (handler.n_failures, ==, i + 1);
    }
  dispose_widget (widget);
  g_assert_cmpint (handler.n_freed, ==, 1);
}

/* Without a handler of its own again, a failure is logged. */
static void
test_handler_taken_back (void)
{
  Work work = { NULL, };
  GtkWidget *widget = make_widget (&work);
  Handler handler = { 0, };

  coro_gtk_widget_set_unhandled_func (widget, count_failure_cb, &handler, handler_freed_cb);
  coro_gtk_widget_spawn (widget, fail_cb, "it failed", NULL);
  settle (NULL);
  g_assert_cmpint (handler.n_failures, ==, 1);

  coro_gtk_widget_set_unhandled_func (widget, NULL, NULL, NULL);
  g_assert_cmpint (handler.n_freed, ==, 1);
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*fail_cb*it failed*");
  coro_gtk_widget_spawn (widget, fail_cb, "it failed", NULL);
  settle (NULL);
  g_test_assert_expected_messages ();
  g_assert_cmpint (handler.n_failures, ==, 1);
  dispose_widget (widget);
}

/* A window that is hidden and unrealized is a window all the same. */
static void
test_window_hidden (void)
{
  GtkWidget *window = gtk_window_new ();
  Work work = { gtk_label_new ("text"), };

  gtk_window_set_child (GTK_WINDOW (window), work.widget);
  gtk_window_present (GTK_WINDOW (window));
  coro_gtk_widget_spawn (work.widget, work_cb, &work, freed_cb);
  coro_gtk_widget_spawn_latest_at (work.widget, "key", work_cb, &work, freed_cb, NULL);
  settle (NULL);
  g_assert_cmpint (work.n_begun, ==, 2);

  gtk_widget_set_visible (window, FALSE);
  gtk_widget_unrealize (window);
  g_assert_false (gtk_widget_get_realized (window));
  settle (NULL);
  g_assert_cmpint (work.n_cancelled, ==, 0);
  gtk_window_present (GTK_WINDOW (window));
  settle (NULL);
  g_assert_cmpint (work.n_cancelled, ==, 0);

  gtk_window_destroy (GTK_WINDOW (window));
  while (work.n_freed < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (work.n_cancelled, ==, 2);
}

int
main (int    argc,
      char **argv)
{
  if (!test_display_init (&argc, &argv))
    return 0;

  g_test_add_func ("/spec/S334/widget-disposed", test_disposed);
  g_test_add_func ("/spec/S334/widget-disposed-before-the-start", test_not_begun);
  g_test_add_func ("/spec/S334/window-closed", test_window_closed);
  g_test_add_func ("/gtk/widget/handle", test_handle);
  g_test_add_data_func ("/gtk/widget/whole/window-destroyed", GINT_TO_POINTER (DESTROY_WINDOW), test_whole);
  g_test_add_data_func ("/gtk/widget/whole/removed", GINT_TO_POINTER (REMOVE_FROM_BOX), test_whole);
  g_test_add_data_func ("/gtk/widget/whole/removed-with-its-box", GINT_TO_POINTER (REMOVE_BOX), test_whole);
  g_test_add_func ("/gtk/widget/moves", test_moves);
  g_test_add_func ("/gtk/widget/next-window", test_next_window);
  g_test_add_func ("/gtk/widget/gone", test_gone);
  g_test_add_func ("/gtk/widget/latest", test_latest);
  g_test_add_func ("/gtk/widget/latest-burst", test_latest_burst);
  g_test_add_func ("/gtk/widget/latest-cleans-up", test_latest_cleans_up);
  g_test_add_data_func ("/gtk/widget/latest-too-late/in-destroy", GINT_TO_POINTER (SPAWN_IN_DESTROY),
                        test_latest_too_late);
  g_test_add_data_func ("/gtk/widget/latest-too-late/first-in-destroy", GINT_TO_POINTER (SPAWN_FIRST_IN_DESTROY),
                        test_latest_too_late);
  g_test_add_data_func ("/gtk/widget/latest-too-late/after-destroy", GINT_TO_POINTER (SPAWN_LATER),
                        test_latest_too_late);
  g_test_add_func ("/gtk/widget/latest-fails", test_latest_fails);
  g_test_add_func ("/gtk/widget/handler-taken-back", test_handler_taken_back);
  g_test_add_func ("/gtk/widget/window-hidden", test_window_hidden);

  return g_test_run ();
}
