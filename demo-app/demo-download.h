/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <coro-glib/coro-glib.h>

G_BEGIN_DECLS

/* What a file is called until its last byte has come. */
#define DEMO_PART_SUFFIX ".part"

/* RUNNING: a request is under way; WAITING: the time until the next attempt. */
typedef enum
{
  DEMO_DOWNLOAD_QUEUED,
  DEMO_DOWNLOAD_RUNNING,
  DEMO_DOWNLOAD_WAITING,
  DEMO_DOWNLOAD_DONE,
  DEMO_DOWNLOAD_FAILED,
  DEMO_DOWNLOAD_CANCELLED
} DemoDownloadState;

#define DEMO_TYPE_DOWNLOAD (demo_download_get_type ())
G_DECLARE_FINAL_TYPE (DemoDownload, demo_download, DEMO, DOWNLOAD, GObject)

DemoDownload      *demo_download_new          (const char         *url);

const char        *demo_download_get_url      (DemoDownload       *self);
const char        *demo_download_get_title    (DemoDownload       *self);
void               demo_download_set_title    (DemoDownload       *self,
                                               const char         *title);
GFile             *demo_download_get_file     (DemoDownload       *self);
void               demo_download_set_file     (DemoDownload       *self,
                                               GFile              *file);
GFile             *demo_download_dup_part     (DemoDownload       *self);
const char        *demo_download_get_etag     (DemoDownload       *self);
void               demo_download_set_etag     (DemoDownload       *self,
                                               const char         *etag);
guint              demo_download_get_attempt  (DemoDownload       *self);
guint64            demo_download_get_received (DemoDownload       *self);
guint64            demo_download_get_total    (DemoDownload       *self);
const char        *demo_download_get_message  (DemoDownload       *self);
DemoDownloadState  demo_download_get_state    (DemoDownload       *self);
gboolean           demo_download_is_active    (DemoDownload       *self);

/* What the downloader tells. */
void               demo_download_set_state    (DemoDownload       *self,
                                               DemoDownloadState   state,
                                               const char         *message);
void               demo_download_begin        (DemoDownload       *self,
                                               guint               attempt);
void               demo_download_set_size     (DemoDownload       *self,
                                               guint64             received,
                                               guint64             total);
void               demo_download_add_bytes    (DemoDownload       *self,
                                               gsize               n_bytes);

/* The coroutine that downloads, so that it can be cancelled. */
void               demo_download_set_task     (DemoDownload       *self,
                                               CoroTask           *task);
void               demo_download_cancel       (DemoDownload       *self);

G_END_DECLS
