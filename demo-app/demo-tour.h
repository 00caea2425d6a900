/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "demo-window.h"

G_BEGIN_DECLS

gboolean demo_tour_run (DemoWindow  *window,
                        GFile       *folder,
                        GError     **error);

G_END_DECLS
