/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-download-row.h"

/* DemoDownloadRow: shows a DemoDownload.
 *
 * Everything but icon and style is bound in the .ui file.  The buttons run the actions
 * "row.cancel" and "row.retry"; only the page can start a download, so "retry" is a signal. */

struct _DemoDownloadRow
{
  GtkListBoxRow parent_instance;

  GtkImage *icon;
  GtkLabel *message;

  DemoDownload *download;   /* (owned) */
};

enum
{
  PROP_DOWNLOAD = 1,
  N_PROPS
};

enum
{
  RETRY,
  N_SIGNALS
};

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DemoDownloadRow, demo_download_row, GTK_TYPE_LIST_BOX_ROW)

static const char *
get_icon_name (DemoDownloadState state)
{
  switch (state)
    {
    case DEMO_DOWNLOAD_QUEUED:
    case DEMO_DOWNLOAD_WAITING:
      return "content-loading-symbolic";
    case DEMO_DOWNLOAD_RUNNING:
      return "folder-download-symbolic";
    case DEMO_DOWNLOAD_DONE:
      return "emblem-ok-symbolic";
    case DEMO_DOWNLOAD_FAILED:
      return "dialog-error-symbolic";
    case DEMO_DOWNLOAD_CANCELLED:
    default:
      return "process-stop-symbolic";
    }
}

static void
set_css_class (gpointer widget, const char *css_class, gboolean set)
{
  if (set)
    gtk_widget_add_css_class (widget, css_class);
  else
    gtk_widget_remove_css_class (widget, css_class);
}

static void
download_row_state_cb (DemoDownloadRow *self)
{
  DemoDownloadState state = demo_download_get_state (self->download);

  gtk_image_set_from_icon_name (self->icon, get_icon_name (state));
  set_css_class (self->icon, "done", state == DEMO_DOWNLOAD_DONE);
  set_css_class (self->icon, "problem", state == DEMO_DOWNLOAD_FAILED);
  set_css_class (self->message, "problem", state == DEMO_DOWNLOAD_FAILED);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "row.cancel", demo_download_is_active (self->download));
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "row.retry", !demo_download_is_active (self->download));
}

static void
download_row_cancel_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  demo_download_cancel (DEMO_DOWNLOAD_ROW (widget)->download);
}

static void
download_row_retry_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_signal_emit (widget, signals[RETRY], 0);
}

static void
demo_download_row_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_DOWNLOAD:
      g_value_set_object (value, DEMO_DOWNLOAD_ROW (object)->download);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
demo_download_row_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_DOWNLOAD:
      DEMO_DOWNLOAD_ROW (object)->download = g_value_dup_object (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
demo_download_row_constructed (GObject *object)
{
  DemoDownloadRow *self = DEMO_DOWNLOAD_ROW (object);

  G_OBJECT_CLASS (demo_download_row_parent_class)->constructed (object);

  g_signal_connect_object (self->download, "notify::state", G_CALLBACK (download_row_state_cb), self, G_CONNECT_SWAPPED);
  download_row_state_cb (self);
}

static void
demo_download_row_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), DEMO_TYPE_DOWNLOAD_ROW);
  g_clear_object (&DEMO_DOWNLOAD_ROW (object)->download);

  G_OBJECT_CLASS (demo_download_row_parent_class)->dispose (object);
}

static void
demo_download_row_class_init (DemoDownloadRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = demo_download_row_get_property;
  object_class->set_property = demo_download_row_set_property;
  object_class->constructed = demo_download_row_constructed;
  object_class->dispose = demo_download_row_dispose;

  properties[PROP_DOWNLOAD] = g_param_spec_object ("download", NULL, NULL, DEMO_TYPE_DOWNLOAD,
                                                   G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[RETRY] = g_signal_new ("retry", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_install_action (widget_class, "row.cancel", NULL, download_row_cancel_action);
  gtk_widget_class_install_action (widget_class, "row.retry", NULL, download_row_retry_action);

  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/libcoro/Demo/demo-download-row.ui");
  gtk_widget_class_bind_template_child (widget_class, DemoDownloadRow, icon);
  gtk_widget_class_bind_template_child (widget_class, DemoDownloadRow, message);
}

static void
demo_download_row_init (DemoDownloadRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
demo_download_row_new (DemoDownload *download)
{
  return g_object_new (DEMO_TYPE_DOWNLOAD_ROW, "download", download, NULL);
}

DemoDownload *
demo_download_row_get_download (DemoDownloadRow *self)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOAD_ROW (self), NULL);

  return self->download;
}
