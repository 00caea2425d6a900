/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gtk/gtk.h>

#include "demo-hash.h"

G_BEGIN_DECLS

#define DEMO_TYPE_FILES_PAGE (demo_files_page_get_type ())
G_DECLARE_FINAL_TYPE (DemoFilesPage, demo_files_page, DEMO, FILES_PAGE, GtkBox)

void                    demo_files_page_set_folder   (DemoFilesPage *self,
                                                      GFile         *folder);
void                    demo_files_page_start        (DemoFilesPage *self);
void                    demo_files_page_cancel       (DemoFilesPage *self);
void                    demo_files_page_select       (DemoFilesPage *self,
                                                      guint          position);
void                    demo_files_page_verify       (DemoFilesPage *self);

gboolean                demo_files_page_is_busy      (DemoFilesPage *self);
const DemoHashProgress *demo_files_page_get_progress (DemoFilesPage *self);
const char             *demo_files_page_get_status   (DemoFilesPage *self);
const char             *demo_files_page_get_verdict  (DemoFilesPage *self);

G_END_DECLS
