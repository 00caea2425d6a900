/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "demo-download.h"

G_BEGIN_DECLS

#define DEMO_TYPE_DOWNLOADER (demo_downloader_get_type ())
G_DECLARE_FINAL_TYPE (DemoDownloader, demo_downloader, DEMO, DOWNLOADER, GObject)

DemoDownloader *demo_downloader_new                (GFile           *folder);
GFile          *demo_downloader_get_folder         (DemoDownloader  *self);
void            demo_downloader_set_folder         (DemoDownloader  *self,
                                                    GFile           *folder);
GTimeSpan       demo_downloader_get_timeout        (DemoDownloader  *self);
void            demo_downloader_set_timeout        (DemoDownloader  *self,
                                                    GTimeSpan        timeout);
void            demo_downloader_set_back_off       (DemoDownloader  *self,
                                                    GTimeSpan        back_off);
GFile          *demo_downloader_choose_file        (DemoDownloader  *self,
                                                    const char      *base,
                                                    GError         **error);
gboolean        demo_downloader_run                (DemoDownloader  *self,
                                                    DemoDownload    *download,
                                                    GError         **error);

G_END_DECLS
