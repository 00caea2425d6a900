/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

/* Where the decisions of a random program come from: a seed, or the bytes that a
 * coverage-guided fuzzer has made up.  When the bytes are used up every draw is 0. */
typedef struct
{
  guint64 state;
  const guint8 *bytes;          /* (nullable) (unowned) */
  gsize n_bytes;
} Draw;

static inline Draw
draw_from_seed (guint64 seed)
{
  return (Draw) { .state = seed * 7919 + 13 };
}

static inline Draw
draw_from_bytes (const guint8 *bytes,
                 gsize         n_bytes)
{
  static const guint8 none[1];

  return (Draw) { .bytes = n_bytes > 0 ? bytes : none, .n_bytes = n_bytes };
}

/* 0 … n - 1.  The generator is Splitmix64 (Steele, Lea and Flood, 2014). */
static inline guint
draw (Draw  *self,
      guint  n)
{
  guint64 bits;

  if (self->bytes == NULL)
    {
      bits = (self->state += 0x9e3779b97f4a7c15);
      bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
      bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
      return (guint) ((bits ^ bits >> 31) >> 33) % n;
    }

  bits = 0;
  for (guint most = 1; most < n && self->n_bytes > 0; most = most > G_MAXUINT >> 8 ? G_MAXUINT : most << 8)
    {
      bits = bits << 8 | *self->bytes++;
      self->n_bytes--;
    }
  return (guint) (bits % n);
}
