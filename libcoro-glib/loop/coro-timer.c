/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "loop/coro-timer-private.h"

#define ARITY 4
#define MIN_ALLOCATED 64
/* An empty heap that is larger gives its memory back. */
#define MAX_KEPT 4096

static inline gboolean
slot_is_before (const CoroTimerSlot *a,
                const CoroTimerSlot *b)
{
  if (a->deadline != b->deadline)
    return a->deadline < b->deadline;
  return (gint32) (a->sequence - b->sequence) < 0;
}

static inline void
timer_heap_put (CoroTimerHeap *self,
                guint          index,
                CoroTimerSlot  slot)
{
  self->slots[index] = slot;
  self->places[slot.id] = index;
}

static void
timer_heap_sift_up (CoroTimerHeap *self,
                    guint          index,
                    CoroTimerSlot  slot)
{
  while (index > 0)
    {
      guint parent = (index - 1) / ARITY;

      if (!slot_is_before (&slot, &self->slots[parent]))
        break;
      timer_heap_put (self, index, self->slots[parent]);
      index = parent;
    }

  timer_heap_put (self, index, slot);
}

static void
timer_heap_sift_down (CoroTimerHeap *self,
                      guint          index,
                      CoroTimerSlot  slot)
{
  while (TRUE)
    {
      guint first = index * ARITY + 1;
      guint last = MIN (first + ARITY, self->n_slots);
      guint best = first;

      if (first >= self->n_slots)
        break;

      for (guint i = 0; i < ARITY; i++)
        __builtin_prefetch (&self->slots[(first + i) * ARITY + 1]);
      for (guint i = first + 1; i < last; i++)
        if (slot_is_before (&self->slots[i], &self->slots[best]))
          best = i;

      if (!slot_is_before (&self->slots[best], &slot))
        break;
      timer_heap_put (self, index, self->slots[best]);
      index = best;
    }

  timer_heap_put (self, index, slot);
}

static void
timer_heap_free (CoroTimerHeap *self)
{
  g_clear_pointer (&self->slots, g_free);
  g_clear_pointer (&self->places, g_free);
  self->n_allocated = 0;
}

static void
timer_heap_grow (CoroTimerHeap *self)
{
  guint n_allocated = MAX (MIN_ALLOCATED, self->n_allocated * 2);

  self->slots = g_renew (CoroTimerSlot, self->slots, n_allocated);
  self->places = g_renew (guint, self->places, n_allocated);
  for (guint id = self->n_allocated; id < n_allocated; id++)
    self->places[id] = id + 1;
  self->free_id = self->n_allocated;
  self->n_allocated = n_allocated;
}

void
coro_timer_heap_clear (CoroTimerHeap *self)
{
  for (guint i = 0; i < self->n_slots; i++)
    self->slots[i].timer->handle = 0;
  self->n_slots = 0;
  timer_heap_free (self);
}

void
coro_timer_heap_add (CoroTimerHeap *self,
                     CoroTimer     *timer)
{
  guint id;

  g_assert (timer->handle == 0);

  if (self->n_slots == self->n_allocated)
    timer_heap_grow (self);

  id = self->free_id;
  self->free_id = self->places[id];
  timer->handle = id + 1;
  timer_heap_sift_up (self, self->n_slots++, (CoroTimerSlot) { timer->deadline, timer, self->sequence++, id });
}

/* A cancelled timer leaves at once: nothing pending is ever dead weight. */
void
coro_timer_heap_remove (CoroTimerHeap *self,
                        CoroTimer     *timer)
{
  guint id, index;
  CoroTimerSlot moved;

  if (timer->handle == 0)
    return;

  id = timer->handle - 1;
  index = self->places[id];
  g_assert (self->slots[index].timer == timer);
  timer->handle = 0;
  self->places[id] = self->free_id;
  self->free_id = id;

  moved = self->slots[--self->n_slots];
  if (moved.id != id)
    {
      if (index > 0 && slot_is_before (&moved, &self->slots[(index - 1) / ARITY]))
        timer_heap_sift_up (self, index, moved);
      else
        timer_heap_sift_down (self, index, moved);
    }
  else if (G_UNLIKELY (self->n_slots == 0 && self->n_allocated > MAX_KEPT))
    {
      timer_heap_free (self);
    }
}

/* The earliest timer that is due at `now`, unarmed; or NULL. */
CoroTimer *
coro_timer_heap_pop (CoroTimerHeap *self,
                     gint64         now)
{
  CoroTimer *timer;

  if (self->n_slots == 0 || self->slots[0].deadline > now)
    return NULL;

  timer = self->slots[0].timer;
  coro_timer_heap_remove (self, timer);
  if (self->n_slots > ARITY)
    for (guint i = 0; i <= ARITY; i++)
      __builtin_prefetch (self->slots[i].timer);
  return timer;
}
