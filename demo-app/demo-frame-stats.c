/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-frame-stats.h"

#include <math.h>

/* DemoFrameStats: the last so many gaps between frames.
 *
 * Frames a second hide a freeze: with one gap of 250 ms there are still 45 of them.  So the
 * gaps themselves are kept, and percentiles taken. */

struct _DemoFrameStats
{
  guint capacity;
  guint length;
  guint next;       /* where the next one goes */
  guint32 gaps[];   /* µs */
};

DemoFrameStats *
demo_frame_stats_new (guint capacity)
{
  DemoFrameStats *self;

  g_return_val_if_fail (capacity > 0, NULL);

  self = g_malloc0 (sizeof *self + capacity * sizeof self->gaps[0]);
  self->capacity = capacity;
  return self;
}

void
demo_frame_stats_free (DemoFrameStats *self)
{
  g_free (self);
}

void
demo_frame_stats_reset (DemoFrameStats *self)
{
  g_return_if_fail (self != NULL);

  self->length = 0;
  self->next = 0;
}

void
demo_frame_stats_add (DemoFrameStats *self, GTimeSpan gap)
{
  g_return_if_fail (self != NULL);

  self->gaps[self->next] = CLAMP (gap, 0, G_MAXUINT32);
  self->next = (self->next + 1) % self->capacity;
  self->length = MIN (self->length + 1, self->capacity);
}

guint
demo_frame_stats_get_capacity (const DemoFrameStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->capacity;
}

guint
demo_frame_stats_get_length (const DemoFrameStats *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->length;
}

/* @age: 0 is the last one. */
GTimeSpan
demo_frame_stats_get (const DemoFrameStats *self, guint age)
{
  g_return_val_if_fail (self != NULL, 0);

  if (age >= self->length)
    return 0;
  return self->gaps[(self->next + self->capacity - 1 - age) % self->capacity];
}

static int
compare_gaps (gconstpointer a, gconstpointer b)
{
  guint32 gap_a = *(const guint32 *) a;
  guint32 gap_b = *(const guint32 *) b;

  return (gap_a > gap_b) - (gap_a < gap_b);
}

/* The gap that @percent of all gaps do not exceed; 100 gives the worst. */
GTimeSpan
demo_frame_stats_get_percentile (const DemoFrameStats *self, double percent)
{
  g_autofree guint32 *sorted = NULL;
  guint rank;

  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (percent > 0 && percent <= 100, 0);

  if (self->length == 0)
    return 0;
  /* As long as the ring is not full it is filled from the start, so this copies all of it. */
  sorted = g_memdup2 (self->gaps, self->length * sizeof self->gaps[0]);
  qsort (sorted, self->length, sizeof sorted[0], compare_gaps);
  rank = (guint) ceil (self->length * percent / 100);
  return sorted[CLAMP (rank, 1, self->length) - 1];
}
