/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gtk/gtk.h>

#include "demo-frame-stats.h"

G_BEGIN_DECLS

#define DEMO_TYPE_FRAME_GRAPH (demo_frame_graph_get_type ())
G_DECLARE_FINAL_TYPE (DemoFrameGraph, demo_frame_graph, DEMO, FRAME_GRAPH, GtkWidget)

void demo_frame_graph_set_stats (DemoFrameGraph       *self,
                                 const DemoFrameStats *stats);

G_END_DECLS
