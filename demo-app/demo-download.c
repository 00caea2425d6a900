/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-download.h"

#include <glib/gi18n.h>

/* DemoDownload: one row of the Network page.
 *
 * It holds what the row shows and what a later attempt needs to go on where the last one
 * stopped.  Fetching is the downloader's work. */

/* How often a row is told of progress.  A label that changes with every chunk costs more
 * than the download. */
#define REPORT_INTERVAL (100 * G_TIME_SPAN_MILLISECOND)

struct _DemoDownload
{
  GObject parent_instance;

  char *url;          /* (owned) */
  char *title;        /* (owned) (nullable): what a sample shows */
  GFile *file;        /* (owned) (nullable): where it goes, once that is chosen */
  char *etag;         /* (owned) (nullable): what the partial file is a part of */
  char *message;      /* (owned) */
  CoroTask *task;     /* (owned) (nullable), while it runs */
  DemoDownloadState state;
  guint attempt;
  guint64 received;
  guint64 total;      /* 0: unknown */

  gint64 reported_at; /* monotonic */
  guint64 reported;   /* received by then */
  double rate;        /* bytes a second, smoothed */
};

enum
{
  PROP_URL = 1,
  PROP_TITLE,
  PROP_MESSAGE,
  PROP_FRACTION,
  PROP_STATE,
  PROP_ACTIVE,
  PROP_RETRYABLE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DemoDownload, demo_download, G_TYPE_OBJECT)

static double
demo_download_get_fraction (DemoDownload *self)
{
  if (self->state == DEMO_DOWNLOAD_DONE)
    return 1.0;
  return self->total > 0 ? MIN (1.0, self->received / (double) self->total) : 0.0;
}

static gboolean
demo_download_is_retryable (DemoDownload *self)
{
  return self->state == DEMO_DOWNLOAD_FAILED || self->state == DEMO_DOWNLOAD_CANCELLED;
}

static void
demo_download_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  DemoDownload *self = DEMO_DOWNLOAD (object);

  switch (prop_id)
    {
    case PROP_URL:
      g_value_set_string (value, self->url);
      break;
    case PROP_TITLE:
      g_value_set_string (value, demo_download_get_title (self));
      break;
    case PROP_MESSAGE:
      g_value_set_string (value, self->message);
      break;
    case PROP_FRACTION:
      g_value_set_double (value, demo_download_get_fraction (self));
      break;
    case PROP_STATE:
      g_value_set_int (value, self->state);
      break;
    case PROP_ACTIVE:
      g_value_set_boolean (value, demo_download_is_active (self));
      break;
    case PROP_RETRYABLE:
      g_value_set_boolean (value, demo_download_is_retryable (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
demo_download_finalize (GObject *object)
{
  DemoDownload *self = DEMO_DOWNLOAD (object);

  g_free (self->url);
  g_free (self->title);
  g_clear_object (&self->file);
  g_free (self->etag);
  g_free (self->message);
  g_clear_object (&self->task);

  G_OBJECT_CLASS (demo_download_parent_class)->finalize (object);
}

static void
demo_download_class_init (DemoDownloadClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = demo_download_get_property;
  object_class->finalize = demo_download_finalize;

  properties[PROP_URL] = g_param_spec_string ("url", NULL, NULL, NULL, flags);
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  properties[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, flags);
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, 0.0, 1.0, 0.0, flags);
  properties[PROP_STATE] = g_param_spec_int ("state", NULL, NULL,
                                             DEMO_DOWNLOAD_QUEUED, DEMO_DOWNLOAD_CANCELLED, DEMO_DOWNLOAD_QUEUED, flags);
  properties[PROP_ACTIVE] = g_param_spec_boolean ("active", NULL, NULL, TRUE, flags);
  properties[PROP_RETRYABLE] = g_param_spec_boolean ("retryable", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
demo_download_init (DemoDownload *self)
{
  self->message = g_strdup (_("Waiting to start"));
}

DemoDownload *
demo_download_new (const char *url)
{
  DemoDownload *self = g_object_new (DEMO_TYPE_DOWNLOAD, NULL);

  self->url = g_strstrip (g_strdup (url));
  return self;
}

const char *
demo_download_get_url (DemoDownload *self)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOAD (self), NULL);

  return self->url;
}

/* What to call it: what it was given, else its address. */
const char *
demo_download_get_title (DemoDownload *self)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOAD (self), NULL);

  if (self->title != NULL)
    return self->title;
  return self->url;
}

void
demo_download_set_title (DemoDownload *self, const char *title)
{
  g_return_if_fail (DEMO_IS_DOWNLOAD (self));

  g_free (self->title);
  self->title = g_strdup (title);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TITLE]);
}

GFile *
demo_download_get_file (DemoDownload *self)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOAD (self), NULL);

  return self->file;
}

void
demo_download_set_file (DemoDownload *self, GFile *file)
{
  g_return_if_fail (DEMO_IS_DOWNLOAD (self));

  g_set_object (&self->file, file);
}

/* Where the bytes go until the last one has come: only a whole file gets its name. */
GFile *
demo_download_dup_part (DemoDownload *self)
{
  g_autofree char *name = NULL;
  g_autofree char *part_name = NULL;
  g_autoptr (GFile) folder = NULL;

  g_return_val_if_fail (DEMO_IS_DOWNLOAD (self), NULL);
  g_return_val_if_fail (self->file != NULL, NULL);

  name = g_file_get_basename (self->file);
  part_name = g_strconcat (name, DEMO_PART_SUFFIX, NULL);
  folder = g_file_get_parent (self->file);
  return g_file_get_child (folder, part_name);
}

const char *
demo_download_get_etag (DemoDownload *self)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOAD (self), NULL);

  return self->etag;
}

void
demo_download_set_etag (DemoDownload *self, const char *etag)
{
  char *copy = g_strdup (etag);

  g_return_if_fail (DEMO_IS_DOWNLOAD (self));

  g_free (self->etag);
  self->etag = copy;
}

guint
demo_download_get_attempt (DemoDownload *self)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOAD (self), 0);

  return self->attempt;
}

guint64
demo_download_get_received (DemoDownload *self)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOAD (self), 0);

  return self->received;
}

guint64
demo_download_get_total (DemoDownload *self)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOAD (self), 0);

  return self->total;
}

const char *
demo_download_get_message (DemoDownload *self)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOAD (self), NULL);

  return self->message;
}

DemoDownloadState
demo_download_get_state (DemoDownload *self)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOAD (self), DEMO_DOWNLOAD_FAILED);

  return self->state;
}

gboolean
demo_download_is_active (DemoDownload *self)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOAD (self), FALSE);

  return self->state < DEMO_DOWNLOAD_DONE;
}

static void
demo_download_set_message (DemoDownload *self, const char *message)
{
  if (g_strcmp0 (self->message, message) == 0)
    return;
  g_free (self->message);
  self->message = g_strdup (message);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MESSAGE]);
}

/* One change of state is one burst of notifications, seen when all fields are right. */
void
demo_download_set_state (DemoDownload *self, DemoDownloadState state, const char *message)
{
  GObject *object = G_OBJECT (self);

  g_return_if_fail (DEMO_IS_DOWNLOAD (self));

  g_object_freeze_notify (object);
  self->state = state;
  demo_download_set_message (self, message);
  g_object_notify_by_pspec (object, properties[PROP_STATE]);
  g_object_notify_by_pspec (object, properties[PROP_ACTIVE]);
  g_object_notify_by_pspec (object, properties[PROP_RETRYABLE]);
  g_object_notify_by_pspec (object, properties[PROP_FRACTION]);
  g_object_thaw_notify (object);
}

void
demo_download_begin (DemoDownload *self, guint attempt)
{
  g_return_if_fail (DEMO_IS_DOWNLOAD (self));

  self->attempt = attempt;
  self->rate = 0;
  demo_download_set_state (self, DEMO_DOWNLOAD_RUNNING, _("Connecting…"));
}

/* @received is not 0 where an attempt goes on with what an earlier one has kept. */
void
demo_download_set_size (DemoDownload *self, guint64 received, guint64 total)
{
  g_return_if_fail (DEMO_IS_DOWNLOAD (self));

  self->received = received;
  self->total = total;
  self->reported = received;
  self->reported_at = g_get_monotonic_time ();
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FRACTION]);
}

static void
demo_download_report (DemoDownload *self)
{
  g_autofree char *received = g_format_size (self->received);
  g_autofree char *rate = g_format_size ((guint64) self->rate);
  g_autofree char *message = NULL;

  if (self->total > 0)
    {
      g_autofree char *total = g_format_size (self->total);

      /* Translators: received, total and rate, as in “1.2 MB of 3.4 MB, 560 kB/s”. */
      message = g_strdup_printf (_("%s of %s, %s/s"), received, total, rate);
    }
  else
    {
      /* Translators: received and rate, as in “1.2 MB, 560 kB/s”. */
      message = g_strdup_printf (_("%s, %s/s"), received, rate);
    }
  demo_download_set_message (self, message);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FRACTION]);
}

void
demo_download_add_bytes (DemoDownload *self, gsize n_bytes)
{
  gint64 now = g_get_monotonic_time ();
  double seconds;
  double rate;

  g_return_if_fail (DEMO_IS_DOWNLOAD (self));

  self->received += n_bytes;
  if (now - self->reported_at < REPORT_INTERVAL)
    return;

  seconds = (now - self->reported_at) / (double) G_TIME_SPAN_SECOND;
  rate = (self->received - self->reported) / seconds;
  self->rate = self->rate > 0 ? 0.7 * self->rate + 0.3 * rate : rate;
  self->reported = self->received;
  self->reported_at = now;
  demo_download_report (self);
}

void
demo_download_set_task (DemoDownload *self, CoroTask *task)
{
  g_return_if_fail (DEMO_IS_DOWNLOAD (self));

  g_set_object (&self->task, task);
}

/* Cancelling only asks: the row says so when the coroutine has cleaned up.  A coroutine that
 * has not taken its first step never will, so this function has to tell the row. */
void
demo_download_cancel (DemoDownload *self)
{
  g_return_if_fail (DEMO_IS_DOWNLOAD (self));

  if (self->task == NULL || !demo_download_is_active (self))
    return;
  coro_task_cancel (self->task);
  if (self->state == DEMO_DOWNLOAD_QUEUED)
    {
      demo_download_set_state (self, DEMO_DOWNLOAD_CANCELLED, _("Cancelled"));
      demo_download_set_task (self, NULL);
    }
}
