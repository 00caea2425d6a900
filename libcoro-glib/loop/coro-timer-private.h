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
  CoroTimerFunc fire;           /* runs in the scheduler's dispatch, already unarmed */
  guint handle;                 /* its id in the heap + 1; 0: unarmed */
};

typedef struct
{
  gint64 deadline;              /* copied: comparing must not touch the timers */
  CoroTimer *timer;
  guint32 sequence;             /* equal deadlines fire in the order they were armed, unless 2³¹ were armed between */
  guint32 id;
} CoroTimerSlot;

/* All timers of one scheduler: a heap with four children a node.  GLib walks every
 * GTimeoutSource on every iteration (41 ns each).
 *
 * Where a timer stands is kept here, by its id, and not in the timer: that is on a stack of
 * which nothing else is near, and a removal moves ten of them (300 000 timers: 2 µs). */
typedef struct
{
  CoroTimerSlot *slots;         /* (owned) */
  guint *places;                /* (owned): by id: which slot; of one that is not in use: the next such id */
  guint n_slots;
  guint n_allocated;            /* of both */
  guint free_id;                /* the first that is not in use, while there are any */
  guint32 sequence;
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
  return self->handle != 0;
}

G_END_DECLS
