/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _CoroTimer CoroTimer;
typedef void (*CoroTimerFunc) (CoroTimer *timer);

/* Embedded in whatever waits for a point in time.  Zero-initialised means unarmed. */
struct _CoroTimer
{
  gint64 deadline;              /* µs, in the scheduler's time */
  guint64 sequence;             /* equal deadlines fire in the order they were armed */
  CoroTimerFunc fire;           /* runs in the scheduler's dispatch, already unarmed */
  guint slot;                   /* place in the heap + 1; 0: unarmed */
};

typedef struct
{
  gint64 deadline;              /* copied: comparing must not touch the timers */
  CoroTimer *timer;
} CoroTimerSlot;

/* All timers of one scheduler: a heap with four children a node, which a cache line
 * holds.  GLib walks every GTimeoutSource on every iteration (41 ns each). */
typedef struct
{
  CoroTimerSlot *slots;         /* (owned) */
  guint n_slots;
  guint n_allocated;
  guint64 sequence;
} CoroTimerHeap;

void       coro_timer_heap_clear  (CoroTimerHeap *self);
void       coro_timer_heap_add    (CoroTimerHeap *self,
                                   CoroTimer     *timer);
void       coro_timer_heap_remove (CoroTimerHeap *self,
                                   CoroTimer     *timer);
CoroTimer *coro_timer_heap_pop    (CoroTimerHeap *self,
                                   gint64         now);

/* When the next timer is due; %G_MAXINT64 without one. */
static inline gint64
coro_timer_heap_peek (const CoroTimerHeap *self)
{
  return self->n_slots > 0 ? self->slots[0].deadline : G_MAXINT64;
}

static inline gboolean
coro_timer_is_armed (const CoroTimer *self)
{
  return self->slot != 0;
}

G_END_DECLS
