/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-files-page.h"

#include <coro-gtk/coro-gtk.h>
#include <glib/gi18n.h>

#include "demo-file-list.h"
#include "demo-folder-dialog.h"
#include "demo-hash-report.h"
#include "demo-sha256sum.h"

/* DemoFilesPage: hashes every file below a folder, and shows how far it is.
 *
 * The work is a coroutine of this widget (see files_page_run()).  It may touch the page
 * without a thought for threads, because it runs in the same one; and without a thought for
 * the page's end, because the widget's dispose cancels it and keeps the page until it has
 * returned.  The children are gone by then, which is why a cancelled run touches nothing
 * before it has asked files_page_is_gone(). */

#define UPDATE_INTERVAL (33 * G_TIME_SPAN_MILLISECOND)

struct _DemoFilesPage
{
  GtkBox parent_instance;

  GtkLabel *folder_label;
  GtkStack *button_stack;
  GtkStack *stack;
  GtkProgressBar *progress_bar;
  GtkInscription *status;      /* its size does not depend on the text, which changes often */
  GtkLabel *problems_label;
  GtkLabel *error_label;
  DemoFileList *list;
  GtkLabel *verify_label;
  GtkSpinner *verify_spinner;

  GFile *folder;                 /* (owned) */
  GFile *hashed_folder;          /* (owned) (nullable): what the list is of */
  CoroTask *task;                /* (owned) (nullable): the run */
  DemoHashProgress progress;
  gint64 started_at;
  gboolean busy;
};

enum
{
  PROP_BUSY = 1,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DemoFilesPage, demo_files_page, GTK_TYPE_BOX)

static gboolean
files_page_is_gone (DemoFilesPage *self)
{
  return self->stack == NULL;
}

/* --- what is shown ---------------------------------------------------------------- */

static void
files_page_show_status (DemoFilesPage *self, DemoHashDescribeFunc describe)
{
  double seconds = (g_get_monotonic_time () - self->started_at) / (double) G_TIME_SPAN_SECOND;
  g_autofree char *text = describe (&self->progress, seconds);

  gtk_inscription_set_text (self->status, text);
}

static void
files_page_update (DemoFilesPage *self)
{
  const DemoHashProgress *progress = &self->progress;

  if (progress->walking || progress->n_found == 0)
    gtk_progress_bar_pulse (self->progress_bar);
  else
    gtk_progress_bar_set_fraction (self->progress_bar, progress->n_done / (double) progress->n_found);
  files_page_show_status (self, demo_hash_describe_running);

  if (progress->n_problems > 0)
    {
      g_autofree char *problems = g_strdup_printf (ngettext ("%'u problem", "%'u problems", progress->n_problems),
                                                   progress->n_problems);

      gtk_label_set_text (self->problems_label, problems);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->problems_label), progress->n_problems > 0);
}

static void
files_page_add_cb (DemoFileItem *item, gpointer user_data)
{
  DemoFilesPage *self = user_data;

  if (files_page_is_gone (self))
    g_object_unref (item);                 /* the last read of a file that was being closed */
  else
    demo_file_list_add (self->list, item);
}

static void
files_page_show_error (DemoFilesPage *self, const GError *error)
{
  g_autofree char *name = g_file_get_parse_name (self->folder);
  g_autofree char *reason = demo_hash_describe_error (error);
  g_autofree char *text = g_strdup_printf ("%s: %s", name, reason);

  gtk_label_set_text (self->error_label, text);
  gtk_stack_set_visible_child_name (self->stack, "error");
}

/* --- the run ---------------------------------------------------------------------- */

/* A sibling of the work that keeps the page up to date while it lasts. */
static gboolean
files_page_show_cb (gpointer user_data, GValue *result, GError **error)
{
  DemoFilesPage *self = user_data;

  while (coro_sleep (UPDATE_INTERVAL, error))
    {
      demo_file_list_flush (self->list);
      files_page_update (self);
    }
  return FALSE;
}

static gboolean
files_page_hash (DemoFilesPage *self, GError **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, files_page_show_cb, self, NULL);
  return demo_hash_tree (self->hashed_folder, &self->progress, files_page_add_cb, self, error);
  /* Leaving the block cancels the sibling and waits for it. */
}

static void
files_page_reset (DemoFilesPage *self)
{
  g_set_object (&self->hashed_folder, self->folder);
  demo_file_list_clear (self->list);
  self->progress = (DemoHashProgress) { .walking = TRUE };
  self->started_at = g_get_monotonic_time ();
  gtk_inscription_set_text (self->status, "");
  gtk_label_set_text (self->verify_label, "");
  gtk_progress_bar_set_fraction (self->progress_bar, 0);
  gtk_stack_set_visible_child_name (self->stack, "results");
}

static gboolean
files_page_run (DemoFilesPage *self, GError **error)
{
  if (!files_page_hash (self, error))
    return FALSE;
  files_page_update (self);
  files_page_show_status (self, demo_hash_describe_done);
  while (demo_file_list_flush (self->list))
    if (!coro_sleep (UPDATE_INTERVAL, error))
      return FALSE;
  return TRUE;
}

static gboolean
files_page_run_cb (gpointer user_data, GValue *result, GError **error)
{
  DemoFilesPage *self = user_data;
  g_autoptr (GError) local_error = NULL;

  if (files_page_run (self, &local_error) || files_page_is_gone (self))
    return TRUE;
  if (coro_error_is_cancelled (local_error))
    files_page_show_status (self, demo_hash_describe_stopped);
  else
    files_page_show_error (self, local_error);
  return TRUE;
}

static void
files_page_set_busy (DemoFilesPage *self, gboolean busy)
{
  GtkWidget *widget = GTK_WIDGET (self);

  self->busy = busy;
  gtk_widget_action_set_enabled (widget, "page.start", !busy);
  gtk_widget_action_set_enabled (widget, "page.cancel", busy);
  if (!files_page_is_gone (self))
    {
      gtk_stack_set_visible_child_name (self->button_stack, busy ? "cancel" : "start");
      gtk_widget_set_visible (GTK_WIDGET (self->progress_bar), busy);
    }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BUSY]);
}

/* The run's destroy-notify: it comes exactly once and last, whatever became of the run. */
static void
files_page_run_ended (gpointer user_data)
{
  DemoFilesPage *self = user_data;

  g_clear_object (&self->task);
  files_page_set_busy (self, FALSE);
}

void
demo_files_page_start (DemoFilesPage *self)
{
  g_return_if_fail (DEMO_IS_FILES_PAGE (self));

  if (self->busy)
    return;
  files_page_set_busy (self, TRUE);
  files_page_reset (self);
  self->task = coro_task_group_spawn_task (coro_gtk_widget_get_group (self), files_page_run_cb, self, files_page_run_ended);
}

void
demo_files_page_cancel (DemoFilesPage *self)
{
  g_return_if_fail (DEMO_IS_FILES_PAGE (self));

  if (self->task != NULL)
    coro_task_cancel (self->task);
}

/* --- choosing a folder ------------------------------------------------------------ */

/* A dialog, and what comes after it, in one function. */
static gboolean
files_page_choose_cb (gpointer user_data, GValue *result, GError **error)
{
  DemoFilesPage *self = user_data;
  g_autoptr (GFile) folder = demo_folder_dialog_run (GTK_WIDGET (self), _("Choose a Folder to Hash"), self->folder, error);

  if (folder == NULL)
    return FALSE;
  demo_files_page_set_folder (self, folder);
  demo_files_page_cancel (self);
  return TRUE;
}

static void
files_page_choose_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  /* A second one while the first is open replaces it. */
  coro_gtk_widget_spawn_latest (widget, "choose", files_page_choose_cb, widget, NULL);
}

void
demo_files_page_set_folder (DemoFilesPage *self, GFile *folder)
{
  g_autofree char *name = g_file_get_parse_name (folder);

  g_return_if_fail (DEMO_IS_FILES_PAGE (self));

  g_set_object (&self->folder, folder);
  gtk_label_set_text (self->folder_label, name);
}

/* --- verifying a row -------------------------------------------------------------- */

static gboolean
files_page_verify (DemoFilesPage *self, DemoFileItem *item, GError **error)
{
  g_auto (CoroGtkBusy) busy = coro_gtk_busy_enter (self->verify_spinner);
  g_autoptr (GFile) file = g_file_resolve_relative_path (self->hashed_folder, demo_file_item_get_path (item));
  g_autofree char *theirs = demo_sha256sum (file, error);

  if (theirs == NULL)
    return FALSE;
  gtk_label_set_text (self->verify_label, g_str_equal (theirs, demo_file_item_get_hash (item))
                                          ? _("sha256sum computes the same")
                                          : _("sha256sum computes something else: the file has changed"));
  return TRUE;
}

static gboolean
files_page_verify_cb (gpointer user_data, GValue *result, GError **error)
{
  DemoFilesPage *self = user_data;
  g_autoptr (DemoFileItem) item = NULL;
  g_autoptr (GError) local_error = NULL;

  g_set_object (&item, demo_file_list_get_selected (self->list));
  if (item == NULL || demo_file_item_is_problem (item))
    return TRUE;
  gtk_label_set_text (self->verify_label, "");
  if (!files_page_verify (self, item, &local_error) && !coro_error_is_cancelled (local_error))
    gtk_label_set_text (self->verify_label, local_error->message);
  return TRUE;
}

void
demo_files_page_verify (DemoFilesPage *self)
{
  g_return_if_fail (DEMO_IS_FILES_PAGE (self));

  coro_gtk_widget_spawn_latest (self, "verify", files_page_verify_cb, self, NULL);
}

static void
files_page_selected_cb (DemoFilesPage *self)
{
  DemoFileItem *item = demo_file_list_get_selected (self->list);

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "page.verify", item != NULL && !demo_file_item_is_problem (item));
  gtk_label_set_text (self->verify_label, "");
}

void
demo_files_page_select (DemoFilesPage *self, guint position)
{
  g_return_if_fail (DEMO_IS_FILES_PAGE (self));

  demo_file_list_select (self->list, position);
}

static void
files_page_filter_cb (DemoFilesPage *self, GParamSpec *pspec, GtkToggleButton *button)
{
  demo_file_list_set_only_problems (self->list, gtk_toggle_button_get_active (button));
}

/* --- the widget ------------------------------------------------------------------- */

static void
files_page_start_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  demo_files_page_start (DEMO_FILES_PAGE (widget));
}

static void
files_page_cancel_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  demo_files_page_cancel (DEMO_FILES_PAGE (widget));
}

static void
files_page_verify_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  demo_files_page_verify (DEMO_FILES_PAGE (widget));
}

static void
demo_files_page_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_BUSY:
      g_value_set_boolean (value, DEMO_FILES_PAGE (object)->busy);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
demo_files_page_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), DEMO_TYPE_FILES_PAGE);

  G_OBJECT_CLASS (demo_files_page_parent_class)->dispose (object);
}

static void
demo_files_page_finalize (GObject *object)
{
  DemoFilesPage *self = DEMO_FILES_PAGE (object);

  g_clear_object (&self->folder);
  g_clear_object (&self->hashed_folder);
  g_clear_object (&self->task);

  G_OBJECT_CLASS (demo_files_page_parent_class)->finalize (object);
}

static void
demo_files_page_class_init (DemoFilesPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = demo_files_page_get_property;
  object_class->dispose = demo_files_page_dispose;
  object_class->finalize = demo_files_page_finalize;

  properties[PROP_BUSY] = g_param_spec_boolean ("busy", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_install_action (widget_class, "page.start", NULL, files_page_start_action);
  gtk_widget_class_install_action (widget_class, "page.cancel", NULL, files_page_cancel_action);
  gtk_widget_class_install_action (widget_class, "page.choose-folder", NULL, files_page_choose_action);
  gtk_widget_class_install_action (widget_class, "page.verify", NULL, files_page_verify_action);

  g_type_ensure (DEMO_TYPE_FILE_LIST);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/libcoro/Demo/demo-files-page.ui");
  gtk_widget_class_bind_template_child (widget_class, DemoFilesPage, folder_label);
  gtk_widget_class_bind_template_child (widget_class, DemoFilesPage, button_stack);
  gtk_widget_class_bind_template_child (widget_class, DemoFilesPage, stack);
  gtk_widget_class_bind_template_child (widget_class, DemoFilesPage, progress_bar);
  gtk_widget_class_bind_template_child (widget_class, DemoFilesPage, status);
  gtk_widget_class_bind_template_child (widget_class, DemoFilesPage, problems_label);
  gtk_widget_class_bind_template_child (widget_class, DemoFilesPage, error_label);
  gtk_widget_class_bind_template_child (widget_class, DemoFilesPage, list);
  gtk_widget_class_bind_template_child (widget_class, DemoFilesPage, verify_label);
  gtk_widget_class_bind_template_child (widget_class, DemoFilesPage, verify_spinner);
  gtk_widget_class_bind_template_callback (widget_class, files_page_filter_cb);
  gtk_widget_class_bind_template_callback (widget_class, files_page_selected_cb);
}

static void
demo_files_page_init (DemoFilesPage *self)
{
  g_autoptr (GFile) folder = g_file_new_for_path ("/usr/include");

  gtk_widget_init_template (GTK_WIDGET (self));
  demo_files_page_set_folder (self, folder);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "page.cancel", FALSE);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "page.verify", FALSE);
}

gboolean
demo_files_page_is_busy (DemoFilesPage *self)
{
  g_return_val_if_fail (DEMO_IS_FILES_PAGE (self), FALSE);

  return self->busy;
}

const DemoHashProgress *
demo_files_page_get_progress (DemoFilesPage *self)
{
  g_return_val_if_fail (DEMO_IS_FILES_PAGE (self), NULL);

  return &self->progress;
}

/* What the page says of the run. */
const char *
demo_files_page_get_status (DemoFilesPage *self)
{
  g_return_val_if_fail (DEMO_IS_FILES_PAGE (self), NULL);

  if (g_str_equal (gtk_stack_get_visible_child_name (self->stack), "error"))
    return gtk_label_get_text (self->error_label);
  return gtk_inscription_get_text (self->status);
}

/* What the page says of the row that was verified. */
const char *
demo_files_page_get_verdict (DemoFilesPage *self)
{
  g_return_val_if_fail (DEMO_IS_FILES_PAGE (self), NULL);

  return gtk_label_get_text (self->verify_label);
}
