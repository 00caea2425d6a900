/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gtk/gtk.h>

#include "demo-frame-stats.h"

G_BEGIN_DECLS

#define DEMO_TYPE_FRAME_METER (demo_frame_meter_get_type ())
G_DECLARE_FINAL_TYPE (DemoFrameMeter, demo_frame_meter, DEMO, FRAME_METER, GtkBox)

void demo_frame_meter_block        (DemoFrameMeter *self);
void demo_frame_meter_work         (DemoFrameMeter *self);
void demo_frame_meter_set_recorder (DemoFrameMeter *self,
                                    DemoFrameStats *gaps,
                                    DemoFrameStats *work);

G_END_DECLS
