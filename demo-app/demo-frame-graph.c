/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-frame-graph.h"

#include <math.h>

/* DemoFrameGraph: a bar for every frame, as tall as the gap before it was long.
 *
 * The scale is logarithmic, from 4 ms to 256 ms: an even row of bars and a freeze must both
 * be seen at one glance. */

#define MIN_WIDTH 120
#define MIN_HEIGHT 48
#define SHORTEST (4 * G_TIME_SPAN_MILLISECOND)
#define LONGEST (256 * G_TIME_SPAN_MILLISECOND)

struct _DemoFrameGraph
{
  GtkWidget parent_instance;

  const DemoFrameStats *stats;   /* (not owned): the meter's, which outlives us */
};

G_DEFINE_FINAL_TYPE (DemoFrameGraph, demo_frame_graph, GTK_TYPE_WIDGET)

/* The theme's own colours, so that dark and high-contrast themes get theirs. */
static void
lookup_color (GtkWidget *widget, const char *name, const char *fallback, GdkRGBA *color)
{
  if (!gtk_style_context_lookup_color (gtk_widget_get_style_context (widget), name, color))
    gdk_rgba_parse (color, fallback);
}

static float
scale_gap (GTimeSpan gap)
{
  double value = log2 (1.0 + gap / (double) SHORTEST) / log2 (1.0 + LONGEST / (double) SHORTEST);

  return (float) CLAMP (value, 0.0, 1.0);
}

static void
demo_frame_graph_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  DemoFrameGraph *self = DEMO_FRAME_GRAPH (widget);
  float width = gtk_widget_get_width (widget);
  float height = gtk_widget_get_height (widget);
  GdkRGBA smooth, stutter, frozen;
  float step;

  if (self->stats == NULL)
    return;
  lookup_color (widget, "success_color", "#2ec27e", &smooth);
  lookup_color (widget, "warning_color", "#e5a50a", &stutter);
  lookup_color (widget, "error_color", "#e01b24", &frozen);
  step = width / demo_frame_stats_get_capacity (self->stats);

  for (guint age = 0; age < demo_frame_stats_get_length (self->stats); age++)
    {
      GTimeSpan gap = demo_frame_stats_get (self->stats, age);
      const GdkRGBA *color = gap >= DEMO_FROZEN_LIMIT ? &frozen : gap >= DEMO_SMOOTH_LIMIT ? &stutter : &smooth;
      /* One long gap among three hundred bars would be a hair. */
      float bar_width = gap >= DEMO_SMOOTH_LIMIT ? MAX (step, 4.0f) : step;
      float bar_height = height * scale_gap (gap);

      gtk_snapshot_append_color (snapshot, color,
                                 &GRAPHENE_RECT_INIT (width - (age + 1) * step, height - bar_height, bar_width, bar_height));
    }
}

static void
demo_frame_graph_measure (GtkWidget *widget, GtkOrientation orientation, int for_size,
                          int *minimum, int *natural, int *minimum_baseline, int *natural_baseline)
{
  *minimum = *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? MIN_WIDTH : MIN_HEIGHT;
}

static void
demo_frame_graph_class_init (DemoFrameGraphClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  widget_class->snapshot = demo_frame_graph_snapshot;
  widget_class->measure = demo_frame_graph_measure;

  gtk_widget_class_set_css_name (widget_class, "framegraph");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
demo_frame_graph_init (DemoFrameGraph *self)
{
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
}

/* @stats: what to draw; NULL: nothing. */
void
demo_frame_graph_set_stats (DemoFrameGraph *self, const DemoFrameStats *stats)
{
  g_return_if_fail (DEMO_IS_FRAME_GRAPH (self));

  self->stats = stats;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}
