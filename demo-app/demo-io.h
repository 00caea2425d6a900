/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gio/gio.h>

/* The priority of all the demo's I/O, below GTK's redraw (GDK_PRIORITY_REDRAW).
 *
 * GIO reports each finished operation through a source of this priority.  With dozens of
 * operations in flight one of them is always ready, and at G_PRIORITY_DEFAULT such a stream
 * would never let GTK draw: a main loop only looks at the highest priority that is ready. */
#define DEMO_IO_PRIORITY G_PRIORITY_DEFAULT_IDLE

G_BEGIN_DECLS

gboolean   demo_io_make_folder (GFile                *folder,
                                GError              **error);
GFileInfo *demo_io_query       (GFile                *file,
                                GFileQueryInfoFlags   flags,
                                GError              **error);
gboolean   demo_io_is_free     (GFile                *file,
                                GError              **error);
gboolean   demo_io_delete      (GFile                *file,
                                GError              **error);

G_END_DECLS
