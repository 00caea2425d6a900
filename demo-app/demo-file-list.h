/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gtk/gtk.h>

#include "demo-file-item.h"

G_BEGIN_DECLS

#define DEMO_TYPE_FILE_LIST (demo_file_list_get_type ())
G_DECLARE_FINAL_TYPE (DemoFileList, demo_file_list, DEMO, FILE_LIST, GtkWidget)

void          demo_file_list_add               (DemoFileList *self,
                                                DemoFileItem *item);
gboolean      demo_file_list_flush             (DemoFileList *self);
void          demo_file_list_clear             (DemoFileList *self);
void          demo_file_list_set_only_problems (DemoFileList *self,
                                                gboolean      only_problems);
void          demo_file_list_select            (DemoFileList *self,
                                                guint         position);
DemoFileItem *demo_file_list_get_selected      (DemoFileList *self);

G_END_DECLS
