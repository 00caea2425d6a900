/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gtk/gtk.h>

#include "demo-download.h"

G_BEGIN_DECLS

#define DEMO_TYPE_NETWORK_PAGE (demo_network_page_get_type ())
G_DECLARE_FINAL_TYPE (DemoNetworkPage, demo_network_page, DEMO, NETWORK_PAGE, GtkBox)

void        demo_network_page_set_folder    (DemoNetworkPage *self,
                                             GFile           *folder);
void        demo_network_page_start_samples (DemoNetworkPage *self);
void        demo_network_page_add           (DemoNetworkPage *self,
                                             const char      *url);
void        demo_network_page_start         (DemoNetworkPage *self,
                                             DemoDownload    *download);
void        demo_network_page_cancel_all    (DemoNetworkPage *self);
void        demo_network_page_focus_entry   (DemoNetworkPage *self);

gboolean    demo_network_page_is_busy       (DemoNetworkPage *self);
GListModel *demo_network_page_get_downloads (DemoNetworkPage *self);

G_END_DECLS
