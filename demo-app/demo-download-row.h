/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gtk/gtk.h>

#include "demo-download.h"

G_BEGIN_DECLS

#define DEMO_TYPE_DOWNLOAD_ROW (demo_download_row_get_type ())
G_DECLARE_FINAL_TYPE (DemoDownloadRow, demo_download_row, DEMO, DOWNLOAD_ROW, GtkListBoxRow)

GtkWidget    *demo_download_row_new          (DemoDownload    *download);
DemoDownload *demo_download_row_get_download (DemoDownloadRow *self);

G_END_DECLS
