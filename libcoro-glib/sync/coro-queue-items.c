/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "sync/coro-queue-items-private.h"

#define FIRST_SIZE 8

/* An empty array that is larger is not kept. */
#define KEPT_SIZE 1024

static inline CoroQueueEntry *
items_at (CoroQueueItems *self,
          guint           i)
{
  return &self->entries[(self->head + i) & (self->size - 1)];
}

static void
items_make_room (CoroQueueItems *self)
{
  CoroQueueEntry *entries;
  guint size;

  if (self->length < self->size)
    return;

  size = MAX (FIRST_SIZE, 2 * self->size);
  entries = g_new (CoroQueueEntry, size);
  for (guint i = 0; i < self->length; i++)
    entries[i] = *items_at (self, i);

  g_free (self->entries);
  self->entries = entries;
  self->size = size;
  self->head = 0;
}

static inline void
items_swap (CoroQueueItems *self,
            guint           i,
            guint           j)
{
  CoroQueueEntry entry = *items_at (self, i);

  *items_at (self, i) = *items_at (self, j);
  *items_at (self, j) = entry;
}

/* Whether the entry at `i` of a heap is to be taken before the one at `j`. */
static inline gboolean
items_goes_first (CoroQueueItems *self,
                  guint           i,
                  guint           j)
{
  const CoroQueueEntry *a = items_at (self, i), *b = items_at (self, j);
  int order = self->compare (a->item, b->item);

  return order != 0 ? order < 0 : a->serial < b->serial;
}

static void
items_sift_up (CoroQueueItems *self,
               guint           i)
{
  for (guint parent; i > 0 && items_goes_first (self, i, parent = (i - 1) / 2); i = parent)
    items_swap (self, i, parent);
}

static void
items_sift_down (CoroQueueItems *self,
                 guint           i)
{
  while (TRUE)
    {
      guint left = 2 * i + 1, right = left + 1, first = i;

      if (left < self->length && items_goes_first (self, left, first))
        first = left;
      if (right < self->length && items_goes_first (self, right, first))
        first = right;
      if (first == i)
        return;
      items_swap (self, i, first);
      i = first;
    }
}

static void
items_append (CoroQueueItems *self,
              CoroQueueEntry  entry)
{
  items_make_room (self);
  *items_at (self, self->length++) = entry;
  if (self->order == CORO_QUEUE_PRIORITY)
    items_sift_up (self, self->length - 1);
}

/* Puts in an item that was just stamped, and so is the latest. */
void
coro_queue_items_push (CoroQueueItems *self,
                       CoroQueueEntry  entry)
{
  items_append (self, entry);
}

/* Takes out whose turn it is. */
CoroQueueEntry
coro_queue_items_pop (CoroQueueItems *self)
{
  CoroQueueEntry entry;

  g_assert (self->length > 0);

  self->length--;
  switch (self->order)
    {
    case CORO_QUEUE_FIFO:
      entry = *items_at (self, 0);
      self->head = (self->head + 1) & (self->size - 1);
      break;

    case CORO_QUEUE_LIFO:
      entry = *items_at (self, self->length);
      break;

    case CORO_QUEUE_PRIORITY:
    default:
      entry = *items_at (self, 0);
      *items_at (self, 0) = *items_at (self, self->length);
      items_sift_down (self, 0);
      break;
    }

  if (self->length == 0 && self->size > KEPT_SIZE)
    coro_queue_items_clear (self);
  return entry;
}

/* Puts back what was taken out, to where it was: several that come back in any order are
 * in theirs again. */
void
coro_queue_items_put_back (CoroQueueItems *self,
                           CoroQueueEntry  entry)
{
  if (self->order != CORO_QUEUE_FIFO)
    {
      items_append (self, entry);
      if (self->order == CORO_QUEUE_LIFO)
        for (guint i = self->length - 1; i > 0 && items_at (self, i - 1)->serial > entry.serial; i--)
          items_swap (self, i - 1, i);
      return;
    }

  items_make_room (self);
  self->head = (self->head - 1) & (self->size - 1);
  self->length++;
  *items_at (self, 0) = entry;
  for (guint i = 0; i + 1 < self->length && items_at (self, i + 1)->serial < entry.serial; i++)
    items_swap (self, i, i + 1);
}

/* Takes an item out again.  FALSE: the item is not in the queue any more. */
gboolean
coro_queue_items_remove (CoroQueueItems *self,
                         CoroQueueEntry  entry)
{
  guint i = self->length;

  while (i > 0 && items_at (self, i - 1)->serial != entry.serial)
    i--;
  if (i == 0)
    return FALSE;

  self->length--;
  if (self->order != CORO_QUEUE_PRIORITY)
    {
      for (; i <= self->length; i++)
        *items_at (self, i - 1) = *items_at (self, i);
    }
  else if (i - 1 < self->length)
    {
      *items_at (self, i - 1) = *items_at (self, self->length);
      items_sift_up (self, i - 1);
      items_sift_down (self, i - 1);
    }
  return TRUE;
}

/* Frees the array, not the items. */
void
coro_queue_items_clear (CoroQueueItems *self)
{
  g_clear_pointer (&self->entries, g_free);
  self->size = self->head = self->length = 0;
}
