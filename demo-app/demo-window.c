/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-window.h"

/* DemoWindow: three pages, and a meter that shows that none ever stops the window.
 *
 * There is no code for closing it while work is under way.  Its end disposes of the pages,
 * and their coroutines are cancelled with them. */

struct _DemoWindow
{
  GtkApplicationWindow parent_instance;

  GtkStack *stack;
  DemoFilesPage *files_page;
  DemoNetworkPage *network_page;
  DemoStudyPage *study_page;
  DemoFrameMeter *meter;
};

G_DEFINE_FINAL_TYPE (DemoWindow, demo_window, GTK_TYPE_APPLICATION_WINDOW)

static void
window_page_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  demo_window_show_page (DEMO_WINDOW (widget), g_variant_get_string (parameter, NULL));
}

/* "win.start" is "page.start" of whichever page is shown, and so on. */
static void
window_forward_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  GtkWidget *page = gtk_stack_get_visible_child (DEMO_WINDOW (widget)->stack);
  g_autofree char *page_action = g_strconcat ("page", strchr (name, '.'), NULL);

  gtk_widget_activate_action (page, page_action, NULL);
}

static void
window_focus_entry_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DemoWindow *self = DEMO_WINDOW (widget);

  demo_window_show_page (self, "network");
  demo_network_page_focus_entry (self->network_page);
}

static void
window_block_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  demo_frame_meter_block (DEMO_WINDOW (widget)->meter);
}

static void
window_work_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  demo_frame_meter_work (DEMO_WINDOW (widget)->meter);
}

static void
demo_window_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), DEMO_TYPE_WINDOW);

  G_OBJECT_CLASS (demo_window_parent_class)->dispose (object);
}

static void
demo_window_class_init (DemoWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = demo_window_dispose;

  gtk_widget_class_install_action (widget_class, "win.page", "s", window_page_action);
  gtk_widget_class_install_action (widget_class, "win.start", NULL, window_forward_action);
  gtk_widget_class_install_action (widget_class, "win.cancel", NULL, window_forward_action);
  gtk_widget_class_install_action (widget_class, "win.choose-folder", NULL, window_forward_action);
  gtk_widget_class_install_action (widget_class, "win.focus-entry", NULL, window_focus_entry_action);
  gtk_widget_class_install_action (widget_class, "win.block", NULL, window_block_action);
  gtk_widget_class_install_action (widget_class, "win.work", NULL, window_work_action);

  g_type_ensure (DEMO_TYPE_FILES_PAGE);
  g_type_ensure (DEMO_TYPE_NETWORK_PAGE);
  g_type_ensure (DEMO_TYPE_STUDY_PAGE);
  g_type_ensure (DEMO_TYPE_FRAME_METER);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/libcoro/Demo/demo-window.ui");
  gtk_widget_class_bind_template_child (widget_class, DemoWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, DemoWindow, files_page);
  gtk_widget_class_bind_template_child (widget_class, DemoWindow, network_page);
  gtk_widget_class_bind_template_child (widget_class, DemoWindow, study_page);
  gtk_widget_class_bind_template_child (widget_class, DemoWindow, meter);
}

static void
demo_window_init (DemoWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

DemoWindow *
demo_window_new (GtkApplication *application)
{
  return g_object_new (DEMO_TYPE_WINDOW, "application", application, NULL);
}

DemoFilesPage *
demo_window_get_files_page (DemoWindow *self)
{
  g_return_val_if_fail (DEMO_IS_WINDOW (self), NULL);

  return self->files_page;
}

DemoNetworkPage *
demo_window_get_network_page (DemoWindow *self)
{
  g_return_val_if_fail (DEMO_IS_WINDOW (self), NULL);

  return self->network_page;
}

DemoStudyPage *
demo_window_get_study_page (DemoWindow *self)
{
  g_return_val_if_fail (DEMO_IS_WINDOW (self), NULL);

  return self->study_page;
}

DemoFrameMeter *
demo_window_get_meter (DemoWindow *self)
{
  g_return_val_if_fail (DEMO_IS_WINDOW (self), NULL);

  return self->meter;
}

/* @name: "files", "network" or "study". */
void
demo_window_show_page (DemoWindow *self, const char *name)
{
  g_return_if_fail (DEMO_IS_WINDOW (self));

  gtk_stack_set_visible_child_name (self->stack, name);
}
