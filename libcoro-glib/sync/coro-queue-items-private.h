/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  CORO_QUEUE_FIFO,
  CORO_QUEUE_LIFO,
  CORO_QUEUE_PRIORITY
} CoroQueueOrder;

/* An item and when it came: what puts equals in order, and what was given back to where
 * it was. */
typedef struct
{
  gpointer item;
  guint64 serial;
} CoroQueueEntry;

/* What is in a queue: a ring, or for priorities a heap in the same array.  It grows, and
 * a queue that is used evenly allocates nothing. */
typedef struct
{
  CoroQueueOrder order;
  GCompareFunc compare;         /* (nullable): for priorities */
  CoroQueueEntry *entries;      /* (owned) (nullable) */
  guint size;                   /* of the array: 0 or a power of two */
  guint head;                   /* where the first is; 0 in a heap */
  guint length;
  guint64 next_serial;
} CoroQueueItems;

/* An item that comes now, but need not go in. */
static inline CoroQueueEntry
coro_queue_items_stamp (CoroQueueItems *self,
                        gpointer        item)
{
  return (CoroQueueEntry) { item, self->next_serial++ };
}

void           coro_queue_items_push     (CoroQueueItems  *self,
                                          CoroQueueEntry   entry);
CoroQueueEntry coro_queue_items_pop      (CoroQueueItems  *self);
void           coro_queue_items_put_back (CoroQueueItems  *self,
                                          CoroQueueEntry   entry);
gboolean       coro_queue_items_remove   (CoroQueueItems  *self,
                                          CoroQueueEntry   entry);
void           coro_queue_items_clear    (CoroQueueItems  *self);

G_END_DECLS
