/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

guint demo_tour_make_faults   (const char *folder);
void  demo_tour_remove_faults (const char *folder);

G_END_DECLS
