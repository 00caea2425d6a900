/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-network-page.h"

#include <coro-gtk/coro-gtk.h>
#include <glib/gi18n.h>

#include "demo-download-row.h"
#include "demo-downloader.h"
#include "demo-folder-dialog.h"
#include "demo-io.h"
#include "demo-samples.h"

/* DemoNetworkPage: a list of downloads.
 *
 * Each is a coroutine of this widget with a task as its handle: the row's button cancels
 * that one, the page's button all, and the page's end whatever is left.  The samples come
 * from a server that lives here too and answers with coroutines of the same widget. */

struct _DemoNetworkPage
{
  GtkBox parent_instance;

  GtkEntry *entry;
  GtkStack *stack;
  GtkListBox *list_box;
  GtkInscription *status;      /* its size does not depend on the text, which changes often */
  GtkLabel *folder_label;
  GtkSpinButton *timeout_button;

  GListStore *store;            /* (owned): of DemoDownload */
  DemoDownloader *downloader;   /* (owned) */
  DemoServer *server;           /* (owned) (nullable), once samples were asked for */
  gboolean preparing;           /* the samples are being put together */
  gboolean busy;
};

enum
{
  PROP_BUSY = 1,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DemoNetworkPage, demo_network_page, GTK_TYPE_BOX)

/* --- what is shown ---------------------------------------------------------------- */

static guint
network_page_count (DemoNetworkPage *self, DemoDownloadState first, DemoDownloadState last)
{
  guint count = 0;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->store)); i++)
    {
      g_autoptr (DemoDownload) download = g_list_model_get_item (G_LIST_MODEL (self->store), i);
      DemoDownloadState state = demo_download_get_state (download);

      count += state >= first && state <= last;
    }
  return count;
}

static void
network_page_show_counts (DemoNetworkPage *self, guint n_running)
{
  guint n_done = network_page_count (self, DEMO_DOWNLOAD_DONE, DEMO_DOWNLOAD_DONE);
  guint n_failed = network_page_count (self, DEMO_DOWNLOAD_FAILED, DEMO_DOWNLOAD_FAILED);
  guint n_cancelled = network_page_count (self, DEMO_DOWNLOAD_CANCELLED, DEMO_DOWNLOAD_CANCELLED);
  g_autofree char *running = g_strdup_printf (ngettext ("%u running", "%u running", n_running), n_running);
  g_autofree char *done = g_strdup_printf (ngettext ("%u saved", "%u saved", n_done), n_done);
  g_autofree char *failed = g_strdup_printf (ngettext ("%u failed", "%u failed", n_failed), n_failed);
  g_autofree char *cancelled = g_strdup_printf (ngettext ("%u cancelled", "%u cancelled", n_cancelled), n_cancelled);
  g_autofree char *text = g_strjoin (" · ", running, done, failed, cancelled, NULL);

  gtk_inscription_set_text (self->status, text);
}

/* Called whenever a download changes its state. */
static void
network_page_update (DemoNetworkPage *self)
{
  guint n_items;
  guint n_running;
  gboolean busy;

  if (self->stack == NULL)
    return;                                /* the page is gone; its last downloads are ending */
  n_items = g_list_model_get_n_items (G_LIST_MODEL (self->store));
  n_running = network_page_count (self, DEMO_DOWNLOAD_QUEUED, DEMO_DOWNLOAD_WAITING);
  busy = self->preparing || n_running > 0;

  gtk_stack_set_visible_child_name (self->stack, n_items > 0 ? "list" : "empty");
  network_page_show_counts (self, n_running);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "page.start", !self->preparing);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "page.cancel", n_running > 0);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "page.clear", n_items > n_running);
  if (busy != self->busy)
    {
      self->busy = busy;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BUSY]);
    }
}

/* --- a download ------------------------------------------------------------------- */

static gboolean
fetch (DemoDownloader *downloader, DemoDownload *download, GError **error)
{
  /* A failure need not be reported here: the row has its message already. */
  demo_downloader_run (downloader, download, NULL);
  demo_download_set_task (download, NULL);
  return TRUE;
}

/* Makes fetch_task(), which runs the function above as a coroutine and keeps both objects
 * while it runs. */
CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, fetch,
                   CORO_ARG_OBJECT (DemoDownloader, downloader), CORO_ARG_OBJECT (DemoDownload, download))

/* Starts @download, for the first time or again. */
void
demo_network_page_start (DemoNetworkPage *self, DemoDownload *download)
{
  g_autoptr (CoroTask) task = NULL;

  g_return_if_fail (DEMO_IS_NETWORK_PAGE (self));

  demo_download_set_state (download, DEMO_DOWNLOAD_QUEUED, _("Waiting to start"));
  task = fetch_task (coro_gtk_widget_get_group (self), self->downloader, download);
  demo_download_set_task (download, task);
}

static void
network_page_append (DemoNetworkPage *self, DemoDownload *download)
{
  g_signal_connect_object (download, "notify::state", G_CALLBACK (network_page_update), self, G_CONNECT_SWAPPED);
  g_list_store_append (self->store, download);
  demo_network_page_start (self, download);
}

void
demo_network_page_add (DemoNetworkPage *self, const char *url)
{
  g_autoptr (DemoDownload) download = NULL;

  g_return_if_fail (DEMO_IS_NETWORK_PAGE (self));

  download = demo_download_new (url);
  network_page_append (self, download);
}

static void
network_page_retry_cb (DemoDownloadRow *row, DemoNetworkPage *self)
{
  demo_network_page_start (self, demo_download_row_get_download (row));
}

static GtkWidget *
create_row_cb (gpointer item, gpointer user_data)
{
  GtkWidget *row = demo_download_row_new (item);

  g_signal_connect_object (row, "retry", G_CALLBACK (network_page_retry_cb), user_data, 0);
  return row;
}

void
demo_network_page_cancel_all (DemoNetworkPage *self)
{
  g_return_if_fail (DEMO_IS_NETWORK_PAGE (self));

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->store)); i++)
    {
      g_autoptr (DemoDownload) download = g_list_model_get_item (G_LIST_MODEL (self->store), i);

      demo_download_cancel (download);
    }
}

/* --- the samples ------------------------------------------------------------------ */

static GFile *
find_root (GError **error)
{
  static const char * const paths[] = { "/usr/include", "/usr/share/common-licenses", "/usr/share" };

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (GFile) root = g_file_new_for_path (paths[i]);
      g_autoptr (GFileInfo) info = demo_io_query (root, G_FILE_QUERY_INFO_NONE, NULL);

      if (info != NULL)
        return g_steal_pointer (&root);
    }
  if (coro_check_cancelled (error))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("There is no folder to take samples from"));
  return NULL;
}

static gboolean
network_page_start_server (DemoNetworkPage *self, GError **error)
{
  g_autoptr (GFile) root = NULL;

  if (self->server != NULL)
    return TRUE;
  root = find_root (error);
  if (root == NULL)
    return FALSE;
  self->server = demo_server_new (root, coro_gtk_widget_get_group (self), error);
  return self->server != NULL;
}

static gboolean
network_page_add_samples (DemoNetworkPage *self, GError **error)
{
  g_autoptr (GListModel) samples = NULL;

  if (!network_page_start_server (self, error))
    return FALSE;
  samples = demo_samples_new (self->server, self->downloader, error);
  if (samples == NULL)
    return FALSE;
  for (guint i = 0; i < g_list_model_get_n_items (samples); i++)
    {
      g_autoptr (DemoDownload) download = g_list_model_get_item (samples, i);

      network_page_append (self, download);
    }
  return TRUE;
}

static gboolean
network_page_samples_cb (gpointer user_data, GValue *result, GError **error)
{
  DemoNetworkPage *self = user_data;       /* kept alive by its own group */
  g_autoptr (GError) local_error = NULL;
  gboolean ok = network_page_add_samples (self, &local_error);

  self->preparing = FALSE;
  network_page_update (self);
  if (!ok && !coro_error_is_cancelled (local_error))
    {
      gtk_stack_set_visible_child_name (self->stack, "list");
      gtk_inscription_set_text (self->status, local_error->message);
    }
  return TRUE;
}

void
demo_network_page_start_samples (DemoNetworkPage *self)
{
  g_return_if_fail (DEMO_IS_NETWORK_PAGE (self));

  if (self->preparing)
    return;
  self->preparing = TRUE;
  network_page_update (self);
  coro_gtk_widget_spawn (self, network_page_samples_cb, self, NULL);
}

/* --- actions ---------------------------------------------------------------------- */

static gboolean
network_page_choose_cb (gpointer user_data, GValue *result, GError **error)
{
  DemoNetworkPage *self = user_data;
  g_autoptr (GFile) folder = demo_folder_dialog_run (GTK_WIDGET (self), _("Choose a Folder for Downloads"),
                                                     demo_downloader_get_folder (self->downloader), error);

  if (folder == NULL)
    return FALSE;
  demo_network_page_set_folder (self, folder);
  return TRUE;
}

static void
network_page_choose_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  coro_gtk_widget_spawn_latest (widget, "choose", network_page_choose_cb, widget, NULL);
}

static void
network_page_start_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  demo_network_page_start_samples (DEMO_NETWORK_PAGE (widget));
}

static void
network_page_cancel_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  demo_network_page_cancel_all (DEMO_NETWORK_PAGE (widget));
}

static void
network_page_clear_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DemoNetworkPage *self = DEMO_NETWORK_PAGE (widget);

  for (guint i = g_list_model_get_n_items (G_LIST_MODEL (self->store)); i-- > 0;)
    {
      g_autoptr (DemoDownload) download = g_list_model_get_item (G_LIST_MODEL (self->store), i);

      if (!demo_download_is_active (download))
        g_list_store_remove (self->store, i);
    }
  network_page_update (self);
}

static void
network_page_add_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DemoNetworkPage *self = DEMO_NETWORK_PAGE (widget);

  demo_network_page_add (self, gtk_editable_get_text (GTK_EDITABLE (self->entry)));
  gtk_editable_set_text (GTK_EDITABLE (self->entry), "");
}

static void
network_page_entry_cb (DemoNetworkPage *self)
{
  g_autofree char *text = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->entry))));

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "page.add", *text != '\0');
}

static void
network_page_activate_cb (DemoNetworkPage *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "page.add", NULL);
}

static void
network_page_timeout_cb (DemoNetworkPage *self)
{
  demo_downloader_set_timeout (self->downloader, gtk_spin_button_get_value_as_int (self->timeout_button) * G_TIME_SPAN_SECOND);
}

/* --- the widget ------------------------------------------------------------------- */

static void
demo_network_page_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_BUSY:
      g_value_set_boolean (value, DEMO_NETWORK_PAGE (object)->busy);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
demo_network_page_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), DEMO_TYPE_NETWORK_PAGE);

  G_OBJECT_CLASS (demo_network_page_parent_class)->dispose (object);
}

/* Coroutines that are ending use these until the very end. */
static void
demo_network_page_finalize (GObject *object)
{
  DemoNetworkPage *self = DEMO_NETWORK_PAGE (object);

  g_clear_object (&self->server);
  g_clear_object (&self->downloader);
  g_clear_object (&self->store);

  G_OBJECT_CLASS (demo_network_page_parent_class)->finalize (object);
}

static void
demo_network_page_class_init (DemoNetworkPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = demo_network_page_get_property;
  object_class->dispose = demo_network_page_dispose;
  object_class->finalize = demo_network_page_finalize;

  properties[PROP_BUSY] = g_param_spec_boolean ("busy", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_install_action (widget_class, "page.start", NULL, network_page_start_action);
  gtk_widget_class_install_action (widget_class, "page.cancel", NULL, network_page_cancel_action);
  gtk_widget_class_install_action (widget_class, "page.choose-folder", NULL, network_page_choose_action);
  gtk_widget_class_install_action (widget_class, "page.clear", NULL, network_page_clear_action);
  gtk_widget_class_install_action (widget_class, "page.add", NULL, network_page_add_action);

  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/libcoro/Demo/demo-network-page.ui");
  gtk_widget_class_bind_template_child (widget_class, DemoNetworkPage, entry);
  gtk_widget_class_bind_template_child (widget_class, DemoNetworkPage, stack);
  gtk_widget_class_bind_template_child (widget_class, DemoNetworkPage, list_box);
  gtk_widget_class_bind_template_child (widget_class, DemoNetworkPage, status);
  gtk_widget_class_bind_template_child (widget_class, DemoNetworkPage, folder_label);
  gtk_widget_class_bind_template_child (widget_class, DemoNetworkPage, timeout_button);
  gtk_widget_class_bind_template_callback (widget_class, network_page_entry_cb);
  gtk_widget_class_bind_template_callback (widget_class, network_page_activate_cb);
  gtk_widget_class_bind_template_callback (widget_class, network_page_timeout_cb);
}

/* A folder of its own, made by the first download. */
static GFile *
dup_default_folder (void)
{
  const char *downloads = g_get_user_special_dir (G_USER_DIRECTORY_DOWNLOAD);

  return g_file_new_build_filename (downloads != NULL ? downloads : g_get_home_dir (), "coro-demo", NULL);
}

static void
demo_network_page_init (DemoNetworkPage *self)
{
  g_autoptr (GFile) folder = dup_default_folder ();

  self->store = g_list_store_new (DEMO_TYPE_DOWNLOAD);
  self->downloader = demo_downloader_new (folder);

  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_list_box_bind_model (self->list_box, G_LIST_MODEL (self->store), create_row_cb, self, NULL);
  demo_network_page_set_folder (self, folder);
  network_page_timeout_cb (self);
  network_page_entry_cb (self);
  network_page_update (self);
}

/* Where downloads that have not started will go. */
void
demo_network_page_set_folder (DemoNetworkPage *self, GFile *folder)
{
  g_autofree char *name = g_file_get_parse_name (folder);

  g_return_if_fail (DEMO_IS_NETWORK_PAGE (self));

  demo_downloader_set_folder (self->downloader, folder);
  gtk_label_set_text (self->folder_label, name);
}

void
demo_network_page_focus_entry (DemoNetworkPage *self)
{
  g_return_if_fail (DEMO_IS_NETWORK_PAGE (self));

  gtk_widget_grab_focus (GTK_WIDGET (self->entry));
}

gboolean
demo_network_page_is_busy (DemoNetworkPage *self)
{
  g_return_val_if_fail (DEMO_IS_NETWORK_PAGE (self), FALSE);

  return self->busy;
}

GListModel *
demo_network_page_get_downloads (DemoNetworkPage *self)
{
  g_return_val_if_fail (DEMO_IS_NETWORK_PAGE (self), NULL);

  return G_LIST_MODEL (self->store);
}
