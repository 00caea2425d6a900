/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a person sees: up to SMOOTH_LIMIT nothing, from FROZEN_LIMIT on a window that
 * does not answer, in between a stutter. */
#define DEMO_SMOOTH_LIMIT (60 * G_TIME_SPAN_MILLISECOND)
#define DEMO_FROZEN_LIMIT (120 * G_TIME_SPAN_MILLISECOND)

typedef struct _DemoFrameStats DemoFrameStats;

DemoFrameStats *demo_frame_stats_new            (guint                 capacity);
void            demo_frame_stats_free           (DemoFrameStats       *self);
void            demo_frame_stats_reset          (DemoFrameStats       *self);
void            demo_frame_stats_add            (DemoFrameStats       *self,
                                                 GTimeSpan             gap);
guint           demo_frame_stats_get_capacity   (const DemoFrameStats *self);
guint           demo_frame_stats_get_length     (const DemoFrameStats *self);
GTimeSpan       demo_frame_stats_get            (const DemoFrameStats *self,
                                                 guint                 age);
GTimeSpan       demo_frame_stats_get_percentile (const DemoFrameStats *self,
                                                 double                percent);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DemoFrameStats, demo_frame_stats_free)

G_END_DECLS
