/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-timer-private.h"

#define ARITY 4

static inline gboolean
slot_is_before (const CoroTimerSlot *a,
                const CoroTimerSlot *b)
{
  if (a->deadline != b->deadline)
    return a->deadline < b->deadline;
  return a->timer->sequence < b->timer->sequence;
}

static inline void
timer_heap_put (CoroTimerHeap *self,
                guint          index,
                CoroTimerSlot  slot)
{
  self->slots[index] = slot;
  slot.timer->slot = index + 1;
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

void
coro_timer_heap_clear (CoroTimerHeap *self)
{
  for (guint i = 0; i < self->n_slots; i++)
    self->slots[i].timer->slot = 0;
  g_clear_pointer (&self->slots, g_free);
  self->n_slots = self->n_allocated = 0;
}

void
coro_timer_heap_add (CoroTimerHeap *self,
                     CoroTimer     *timer)
{
  CoroTimerSlot slot = { timer->deadline, timer };

  g_assert (timer->slot == 0);

  if (self->n_slots == self->n_allocated)
    {
      self->n_allocated = MAX (64, self->n_allocated * 2);
      self->slots = g_renew (CoroTimerSlot, self->slots, self->n_allocated);
    }

  timer->sequence = self->sequence++;
  timer_heap_sift_up (self, self->n_slots++, slot);
}

/* A cancelled timer leaves at once: nothing pending is ever dead weight. */
void
coro_timer_heap_remove (CoroTimerHeap *self,
                        CoroTimer     *timer)
{
  guint index;
  CoroTimerSlot moved;

  if (timer->slot == 0)
    return;

  index = timer->slot - 1;
  g_assert (self->slots[index].timer == timer);
  timer->slot = 0;
  moved = self->slots[--self->n_slots];
  if (moved.timer == timer)
    return;

  if (index > 0 && slot_is_before (&moved, &self->slots[(index - 1) / ARITY]))
    timer_heap_sift_up (self, index, moved);
  else
    timer_heap_sift_down (self, index, moved);
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
  return timer;
}
