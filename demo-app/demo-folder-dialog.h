/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

GFile *demo_folder_dialog_run (GtkWidget   *parent,
                               const char  *title,
                               GFile       *folder,
                               GError     **error);

G_END_DECLS
