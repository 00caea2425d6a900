/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-application.h"

#include <coro-gtk/coro-gtk.h>
#include <glib/gi18n.h>

#include "demo-tour.h"
#include "demo-window.h"

/* DemoApplication: windows, accelerators, and the command line. */

#define DEFAULT_TOUR_FOLDER "tour"
#define TOUR_WIDTH 1000
#define TOUR_HEIGHT 780         /* all samples at one glance */

struct _DemoApplication
{
  GtkApplication parent_instance;

  GFile *tour_folder;          /* (owned) (nullable): asked for by --tour */
  CoroTaskGroup *tour_group;   /* (owned) (nullable) */
  int status;                  /* of the process */
};

G_DEFINE_FINAL_TYPE (DemoApplication, demo_application, GTK_TYPE_APPLICATION)

/* --- the tour --------------------------------------------------------------------- */

static gboolean
application_tour_cb (gpointer user_data, GValue *result, GError **error)
{
  DemoApplication *self = user_data;
  g_autoptr (GError) local_error = NULL;
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  if (!demo_tour_run (DEMO_WINDOW (window), self->tour_folder, &local_error))
    {
      g_printerr ("%s\n", local_error->message);
      self->status = 1;
    }
  g_application_release (G_APPLICATION (self));
  return TRUE;
}

/* The tour belongs to no widget, because it closes the window; so it needs a group of its own. */
static void
application_start_tour (DemoApplication *self)
{
  self->tour_group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);
  coro_task_group_spawn (self->tour_group, application_tour_cb, self, NULL);
  /* Without a hold the application would end with its last window. */
  g_application_hold (G_APPLICATION (self));
}

/* --- actions ---------------------------------------------------------------------- */

static void
application_about_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  static const char * const authors[] = { "The libcoro-glib contributors", NULL };
  GtkApplication *application = user_data;

  gtk_show_about_dialog (gtk_application_get_active_window (application),
                         "program-name", _("Coroutine Demo"),
                         "logo-icon-name", DEMO_APPLICATION_ID,
                         "version", PACKAGE_VERSION,
                         "comments", _("Files and downloads that never freeze the window"),
                         "license-type", GTK_LICENSE_LGPL_2_1,
                         "authors", authors,
                         /* Translators: your names, one a line. */
                         "translator-credits", _("translator-credits"),
                         NULL);
}

static gpointer
ref_window (gconstpointer window, gpointer user_data)
{
  return g_object_ref ((gpointer) window);
}

/* Closing is enough: the last window takes the application with it.  Each is kept meanwhile,
 * because closing one may be the end of another, as of the window of shortcuts. */
static void
application_quit_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  g_autolist (GtkWindow) windows = g_list_copy_deep (gtk_application_get_windows (user_data), ref_window, NULL);

  for (GList *l = windows; l != NULL; l = l->next)
    gtk_window_close (l->data);
}

static const GActionEntry actions[] = {
  { "about", application_about_action },
  { "quit", application_quit_action },
};

static const struct
{
  const char *action;
  const char *accels[3];
} accels[] = {
  { "app.quit", { "<Control>q" } },
  { "window.close", { "<Control>w" } },
  { "win.page::files", { "<Alt>1" } },
  { "win.page::network", { "<Alt>2" } },
  { "win.page::study", { "<Alt>3" } },
  { "win.start", { "<Control>Return", "F5" } },
  { "win.cancel", { "<Control>period" } },
  { "win.choose-folder", { "<Control>o" } },
  { "win.focus-entry", { "<Control>l" } },
  { "win.block", { "<Control>b" } },
  { "win.work", { "<Control><Shift>b" } },
};

/* --- the application -------------------------------------------------------------- */

static void
application_load_style (void)
{
  g_autoptr (GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (provider, "/io/github/libcoro/Demo/style.css");
  gtk_style_context_add_provider_for_display (gdk_display_get_default (), GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}

static void
demo_application_startup (GApplication *application)
{
  G_APPLICATION_CLASS (demo_application_parent_class)->startup (application);

  /* What still runs when the application ends is cancelled, and gets the time to clean up. */
  coro_application_attach (application);

  g_action_map_add_action_entries (G_ACTION_MAP (application), actions, G_N_ELEMENTS (actions), application);
  for (gsize i = 0; i < G_N_ELEMENTS (accels); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (application), accels[i].action, accels[i].accels);
  application_load_style ();
}

static void
demo_application_activate (GApplication *application)
{
  DemoApplication *self = DEMO_APPLICATION (application);
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  if (window == NULL)
    window = GTK_WINDOW (demo_window_new (GTK_APPLICATION (self)));
  if (self->tour_folder != NULL)
    gtk_window_set_default_size (window, TOUR_WIDTH, TOUR_HEIGHT);
  gtk_window_present (window);
  if (self->tour_folder != NULL)
    application_start_tour (self);
}

static gboolean
tour_option_cb (const char *name, const char *value, gpointer user_data, GError **error)
{
  DemoApplication *self = DEMO_APPLICATION (g_application_get_default ());

  g_clear_object (&self->tour_folder);
  self->tour_folder = g_file_new_for_commandline_arg (value != NULL ? value : DEFAULT_TOUR_FOLDER);
  /* A tour is a process of its own, whatever else runs in the session. */
  g_application_set_flags (G_APPLICATION (self), G_APPLICATION_NON_UNIQUE);
  return TRUE;
}

static void
demo_application_finalize (GObject *object)
{
  DemoApplication *self = DEMO_APPLICATION (object);

  g_clear_object (&self->tour_folder);
  g_clear_object (&self->tour_group);

  G_OBJECT_CLASS (demo_application_parent_class)->finalize (object);
}

static void
demo_application_class_init (DemoApplicationClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = demo_application_finalize;
  G_APPLICATION_CLASS (klass)->startup = demo_application_startup;
  G_APPLICATION_CLASS (klass)->activate = demo_application_activate;
}

static void
demo_application_init (DemoApplication *self)
{
  const GOptionEntry options[] = {
    { "tour", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK, tour_option_cb,
      N_("Walk through every page, save pictures of them in DIR and print what was measured"), N_("DIR") },
    { NULL }
  };

  g_application_set_default (G_APPLICATION (self));
  g_application_add_main_option_entries (G_APPLICATION (self), options);
}

DemoApplication *
demo_application_new (void)
{
  return g_object_new (DEMO_TYPE_APPLICATION, "application-id", DEMO_APPLICATION_ID, NULL);
}

/* The exit status, when g_application_run() itself had nothing to complain of. */
int
demo_application_get_status (DemoApplication *self)
{
  g_return_val_if_fail (DEMO_IS_APPLICATION (self), 1);

  return self->status;
}
