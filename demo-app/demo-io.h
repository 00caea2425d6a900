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
