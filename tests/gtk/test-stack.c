/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GTK counts on the size of a thread stack, so in a process with GTK a coroutine has a stack of
 * this size by default.
 */
#include <coro-gtk/coro-gtk.h>

#include "test-display.h"
#include "test-util.h"

/* In a process of its own: what GTK does once, it does there.  Returns whether this is that. */
static gboolean
enter_process (void)
{
  if (g_test_subprocess ())
    return TRUE;

  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  return FALSE;
}

static void
run (CoroFunc func,
     gpointer user_data)
{
  g_autoptr (CoroTask) task = coro_spawn_task (func, user_data, NULL);
  g_autoptr (GError) error = NULL;

  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (NULL, TRUE);
  coro_future_get_result (CORO_FUTURE (task), NULL, &error);
  g_assert_no_error (error);
}

/* GTK parses its theme now. */
static gboolean
first_widget_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  gtk_window_present (GTK_WINDOW (gtk_window_new ()));
  return TRUE;
}

static void
test_first_widget (void)
{
  if (enter_process ())
    run (first_widget_cb, NULL);
}

static gboolean
other_theme_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  GtkSettings *settings = gtk_settings_get_default ();

  /* GTK warns of the older property as soon as there is the newer one, in 4.20. */
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (settings), "gtk-interface-color-scheme") != NULL)
    g_object_set (settings, "gtk-interface-color-scheme", 2 /* dark */, NULL);
  else
    g_object_set (settings, "gtk-application-prefer-dark-theme", TRUE, NULL);
  return TRUE;
}

static void
test_other_theme (void)
{
  if (!enter_process ())
    return;

  gtk_window_present (GTK_WINDOW (gtk_window_new ()));
  run (other_theme_cb, NULL);
}

/* --- as deep as a thread may go -------------------------------------------------------- */

__attribute__ ((noinline)) static int
recurse (int n)
{
  volatile char frame[1024];

  memset ((char *) frame, n, sizeof frame);
  return n > 0 ? recurse (n - 1) + frame[n % 1024] : 0;
}

static gboolean
deep_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  recurse (GLIB_SIZEOF_VOID_P >= 8 ? 7000 : 500);
  (*(int *) user_data)++;
  return TRUE;
}

static gboolean
nursery_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, deep_cb, user_data, NULL);
  return coro_nursery_join (&nursery);
}

static gboolean
group_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  coro_task_group_spawn (group, deep_cb, user_data, NULL);
  return coro_task_group_join (group, error);
}

static void
wait_for (const int *n,
          int        expected)
{
  while (*n < expected)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_deep (void)
{
  GtkWidget *widget = g_object_ref_sink (gtk_label_new ("text"));
  int n = 0;

  coro_spawn (deep_cb, &n, NULL);
  coro_spawn (nursery_cb, &n, NULL);
  coro_spawn (group_cb, &n, NULL);
  coro_spawn_eager (deep_cb, &n, NULL);
  coro_gtk_widget_spawn (widget, deep_cb, &n, NULL);
  coro_gtk_widget_spawn (widget, nursery_cb, &n, NULL);
  coro_gtk_widget_spawn_latest (widget, "deep", deep_cb, &n, NULL);
  wait_for (&n, 7);
  g_object_unref (widget);
}

/* A program with many coroutines can choose small stacks. */
static void
test_small_by_choice (void)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);

  g_assert_cmpuint (coro_scheduler_get_stack_size (scheduler), >, GLIB_SIZEOF_VOID_P >= 8 ? 8 * 1024 * 1024 : 512 * 1024);
  coro_scheduler_set_stack_size (scheduler, 256 * 1024);
  g_assert_cmpuint (coro_scheduler_get_stack_size (scheduler), ==, 256 * 1024);
  coro_scheduler_set_stack_size (scheduler, 0);
}

int
main (int    argc,
      char **argv)
{
  if (!test_display_init (&argc, &argv))
    return 0;

  g_test_add_func ("/gtk/stack/first-widget", test_first_widget);
  g_test_add_func ("/gtk/stack/other-theme", test_other_theme);
  g_test_add_func ("/gtk/stack/deep", test_deep);
  g_test_add_func ("/gtk/stack/small-by-choice", test_small_by_choice);

  return g_test_run ();
}
