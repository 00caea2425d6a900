/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "demo-downloader.h"
#include "demo-server.h"

G_BEGIN_DECLS

GListModel *demo_samples_new (DemoServer      *server,
                              DemoDownloader  *downloader,
                              GError         **error);

G_END_DECLS
