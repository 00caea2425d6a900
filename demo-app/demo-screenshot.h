/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

gboolean demo_screenshot_save (GtkWindow  *window,
                               GFile      *file,
                               GError    **error);

G_END_DECLS
