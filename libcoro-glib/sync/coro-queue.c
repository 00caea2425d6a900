/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "sync/coro-queue.h"

#include "base/coro-error.h"
#include "scheduler/coro-hold-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"
#include "sync/coro-queue-items-private.h"

/**
 * CoroQueue:
 *
 * Hands items from coroutines to coroutines, first come first served.
 *
 * What is taken first is what was put first, or last, or the item that a
 * function of the caller says. Waiters are always served in the order in which
 * they came.
 *
 * While a queue with a capacity is full, a coroutine that puts waits. Closing it
 * says that nothing more comes: what is in it can still be taken, and then
 * takers learn of the end.
 *
 * Nothing is lost when a waiter is cancelled: its item goes to the next taker,
 * its place to the next putter.
 *
 * A coroutine that takes items may say of each that its work is done; then
 * [method@Queue.join] waits until all of it is.
 *
 * A queue belongs to the thread whose coroutines use it.
 *
 * Since: 0.1
 */
struct _CoroQueue
{
  GObject parent_instance;

  CoroHold hold;
  CoroQueueItems items;         /* (owned): by item_free */
  guint capacity;               /* 0: unbounded */
  GDestroyNotify item_free;     /* (nullable) */
  CoroWaiterList takers;        /* wait while there are no items */
  CoroWaiterList putters;       /* wait while there is no room */
  CoroWaiterList joiners;       /* wait while there is unfinished work */
  guint n_unfinished;           /* items that were put and are not said to be done */
  gboolean closed;
  gboolean dropping;            /* closed, and no item is wanted any more */
};

/* A waiter with what it was given, or has brought. */
typedef struct
{
  CoroWaiter waiter;            /* first */
  CoroQueueEntry entry;         /* its item: (nullable) */
  gboolean served;              /* handed over; FALSE when woken: the queue was closed */
} CoroQueueWaiter;

G_DEFINE_FINAL_TYPE (CoroQueue, coro_queue, G_TYPE_OBJECT)

static inline gboolean
queue_has_room (CoroQueue *self)
{
  return self->capacity == 0 || self->items.length < self->capacity;
}

static void
queue_wake (CoroQueueWaiter *waiter,
            gboolean         served)
{
  waiter->served = served;
  coro_waiter_wake (&waiter->waiter);
}

static inline void
queue_push (CoroQueue      *self,
            CoroQueueEntry  entry)
{
  coro_queue_items_push (&self->items, entry);
  self->n_unfinished++;
}

/* It is 0 already if too many items were reported done before one came back. */
static void
queue_finish (CoroQueue *self)
{
  CoroWaiter *waiter;

  if (self->n_unfinished == 0 || --self->n_unfinished > 0)
    return;
  while ((waiter = coro_waiter_list_pop_local (&self->joiners, "CoroQueue")) != NULL)
    coro_waiter_wake (waiter);
}

/* Hands over directly, so that the state is right before a coroutine runs and no later
 * one gets in first. */
static void
queue_serve (CoroQueue *self)
{
  while (TRUE)
    {
      CoroQueueWaiter *taker, *putter;

      if (queue_has_room (self) &&
          (putter = (CoroQueueWaiter *) coro_waiter_list_pop_local (&self->putters, "CoroQueue")) != NULL)
        {
          putter->entry = coro_queue_items_stamp (&self->items, putter->entry.item);
          queue_push (self, putter->entry);
          queue_wake (putter, TRUE);
        }
      else if (self->items.length > 0 &&
               (taker = (CoroQueueWaiter *) coro_waiter_list_pop_local (&self->takers, "CoroQueue")) != NULL)
        {
          taker->entry = coro_queue_items_pop (&self->items);
          queue_wake (taker, TRUE);
        }
      else
        {
          return;
        }
    }
}

/* For a queue with room and without waiting putters.  A waiting taker gets the item directly:
 * the queue is empty then. */
static void
queue_put_now (CoroQueue *self,
               gpointer   item)
{
  CoroQueueWaiter *taker = NULL;

  if (self->takers.head != NULL)
    taker = (CoroQueueWaiter *) coro_waiter_list_pop_local (&self->takers, "CoroQueue");
  if (taker == NULL)
    {
      queue_push (self, coro_queue_items_stamp (&self->items, item));
      return;
    }

  taker->entry = coro_queue_items_stamp (&self->items, item);
  self->n_unfinished++;
  queue_wake (taker, TRUE);
}

static void
queue_free_item (CoroQueue *self,
                 gpointer   item)
{
  if (self->item_free != NULL && item != NULL)
    self->item_free (item);
}

static void
queue_set_closed_error (GError **error)
{
  g_set_error_literal (error, CORO_ERROR, CORO_ERROR_CLOSED, "The queue is closed");
}

static gboolean
take_abort (gpointer    object,
            CoroWaiter *waiter)
{
  coro_waiter_list_remove (&((CoroQueue *) object)->takers, waiter);
  return TRUE;
}

/* The item goes back to where it was, unless nothing is wanted any more. */
static gboolean
take_undo (gpointer    object,
           CoroWaiter *waiter)
{
  CoroQueue *self = object;
  CoroQueueWaiter *taker = (CoroQueueWaiter *) waiter;

  if (taker->served && self->dropping)
    {
      queue_free_item (self, g_steal_pointer (&taker->entry.item));
      queue_finish (self);
    }
  else if (taker->served)
    {
      coro_queue_items_put_back (&self->items, taker->entry);
      queue_serve (self);
    }
  return TRUE;
}

static const CoroWaitClass take_wait_class = { take_abort, take_undo, FALSE };

static gboolean
put_abort (gpointer    object,
           CoroWaiter *waiter)
{
  coro_waiter_list_remove (&((CoroQueue *) object)->putters, waiter);
  return TRUE;
}

/* Takes an accepted item out again, unless a coroutine has taken it already. */
static gboolean
put_undo (gpointer    object,
          CoroWaiter *waiter)
{
  CoroQueue *self = object;
  CoroQueueWaiter *putter = (CoroQueueWaiter *) waiter;

  if (!putter->served)
    return TRUE;
  if (!coro_queue_items_remove (&self->items, putter->entry))
    return FALSE;

  queue_finish (self);
  queue_serve (self);
  return TRUE;
}

static const CoroWaitClass put_wait_class = { put_abort, put_undo, FALSE };

static gboolean
join_abort (gpointer    object,
            CoroWaiter *waiter)
{
  coro_waiter_list_remove (&((CoroQueue *) object)->joiners, waiter);
  return TRUE;
}

static const CoroWaitClass join_wait_class = { join_abort, coro_waiter_undo_nothing, FALSE };

static void
coro_queue_finalize (GObject *object)
{
  CoroQueue *self = CORO_QUEUE (object);

  while (self->items.length > 0)
    queue_free_item (self, coro_queue_items_pop (&self->items).item);
  coro_queue_items_clear (&self->items);

  G_OBJECT_CLASS (coro_queue_parent_class)->finalize (object);
}

static void
coro_queue_dispose (GObject *object)
{
  if (!coro_hold_keeps (&CORO_QUEUE (object)->hold, object))
    G_OBJECT_CLASS (coro_queue_parent_class)->dispose (object);
}

static void
coro_queue_class_init (CoroQueueClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = coro_queue_dispose;
  G_OBJECT_CLASS (klass)->finalize = coro_queue_finalize;
}

static void
coro_queue_init (CoroQueue *self)
{
}

static CoroQueue *
queue_new (CoroQueueOrder order,
           guint          capacity,
           GDestroyNotify item_free,
           GCompareFunc   compare)
{
  CoroQueue *self = g_object_new (CORO_TYPE_QUEUE, NULL);

  self->items.order = order;
  self->items.compare = compare;
  self->capacity = capacity;
  self->item_free = item_free;
  return self;
}

/**
 * coro_queue_new: (skip)
 * @capacity: how many items fit in; 0: any number
 * @item_free: (nullable): frees an item that was not taken
 *
 * Makes a queue of pointers. Items are not %NULL.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a queue
 *
 * Since: 0.1
 */
CoroQueue *
coro_queue_new (guint          capacity,
                GDestroyNotify item_free)
{
  return queue_new (CORO_QUEUE_FIFO, capacity, item_free, NULL);
}

/**
 * coro_queue_new_lifo: (skip)
 * @capacity: how many items fit in; 0: any number
 * @item_free: (nullable): frees an item that was not taken
 *
 * [ctor@Queue.new] for a stack: what was put last is taken first.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a queue
 *
 * Since: 0.1
 */
CoroQueue *
coro_queue_new_lifo (guint          capacity,
                     GDestroyNotify item_free)
{
  return queue_new (CORO_QUEUE_LIFO, capacity, item_free, NULL);
}

/**
 * coro_queue_new_priority: (skip)
 * @capacity: how many items fit in; 0: any number
 * @item_free: (nullable): frees an item that was not taken
 * @compare: compares two items; the smaller one is taken first
 *
 * [ctor@Queue.new] for items of which some are more urgent. Among equals,
 * what was put first is taken first.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a queue
 *
 * Since: 0.1
 */
CoroQueue *
coro_queue_new_priority (guint          capacity,
                         GDestroyNotify item_free,
                         GCompareFunc   compare)
{
  g_return_val_if_fail (compare != NULL, NULL);

  return queue_new (CORO_QUEUE_PRIORITY, capacity, item_free, compare);
}

/**
 * coro_queue_put: (skip)
 * @self: a queue
 * @item: (transfer full): an item, not %NULL; taken on failure as well
 * @error: return location for an error
 *
 * Puts an item in, as soon as there is room.
 *
 * Callable from a coroutine, which it suspends while the queue is full.
 * Cancellation: see [iface@Awaitable]; an item that was not put in is freed. An
 * item that got in just before is taken out again, unless a coroutine has taken
 * it already.
 *
 * @error can be set to %G_IO_ERROR_CANCELLED, [error@Coro.Error.CLOSED] and
 * the misuse errors of [func@await].
 *
 * Returns: %TRUE if it is in; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_queue_put (CoroQueue  *self,
                gpointer    item,
                GError    **error)
{
  CoroQueueWaiter putter;
  gboolean woken;

  g_return_val_if_fail (CORO_IS_QUEUE (self), FALSE);
  g_return_val_if_fail (item != NULL, FALSE);

  if (!coro_waiter_check_ready (error))
    {
      queue_free_item (self, item);
      return FALSE;
    }

  if (self->closed)
    {
      queue_free_item (self, item);
      queue_set_closed_error (error);
      return FALSE;
    }

  if (queue_has_room (self) && self->putters.head == NULL)
    {
      queue_put_now (self, item);
      return TRUE;
    }

  if (!coro_waiter_init (&putter.waiter, error))
    {
      queue_free_item (self, item);
      return FALSE;
    }

  putter.entry.item = item;
  putter.served = FALSE;
  coro_waiter_list_append_local (&self->putters, &putter.waiter, "CoroQueue");
  coro_hold_begin (&self->hold);
  woken = coro_waiter_wait (&putter.waiter, &put_wait_class, self, error);
  if (!woken || !putter.served)
    queue_free_item (self, putter.entry.item);
  coro_hold_end (&self->hold, self);
  if (woken && !putter.served)
    queue_set_closed_error (error);
  return woken && putter.served;
}

/**
 * coro_queue_try_put: (skip)
 * @self: a queue
 * @item: (transfer full): an item, not %NULL; taken on failure as well
 * @error: return location for an error
 *
 * Puts an item in, if there is room right now.
 *
 * Callable from the queue's thread, also outside coroutines; never suspends.
 *
 * @error can be set to %G_IO_ERROR_WOULD_BLOCK, which says that the queue is
 * full, and [error@Coro.Error.CLOSED].
 *
 * Returns: %TRUE if it is in; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_queue_try_put (CoroQueue  *self,
                    gpointer    item,
                    GError    **error)
{
  g_return_val_if_fail (CORO_IS_QUEUE (self), FALSE);
  g_return_val_if_fail (item != NULL, FALSE);

  if (!self->closed && queue_has_room (self) && self->putters.head == NULL)
    {
      queue_put_now (self, item);
      return TRUE;
    }

  if (self->closed)
    queue_set_closed_error (error);
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "The queue is full");
  queue_free_item (self, item);
  return FALSE;
}

/* Takes an item, or learns of the end, without waiting. */
static gboolean
queue_take_now (CoroQueue *self,
                gpointer  *out_item)
{
  if (self->items.length == 0)
    return self->closed;

  *out_item = coro_queue_items_pop (&self->items).item;
  if (self->putters.head != NULL)
    queue_serve (self);
  return TRUE;
}

/**
 * coro_queue_take: (skip)
 * @self: a queue
 * @out_item: (out) (transfer full) (nullable): the item; %NULL at the end
 * @error: return location for an error
 *
 * Takes the item whose turn it is, as soon as there is one.
 *
 * Once the queue is closed and empty, the answer is %TRUE without an item.
 *
 * Callable from a coroutine, which it suspends while the queue is empty.
 * Cancellation: see [iface@Awaitable]; cancelled, no item was taken.
 *
 * @error can be set to %G_IO_ERROR_CANCELLED and the misuse errors of
 * [func@await].
 *
 * Returns: %TRUE with an item or at the end; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_queue_take (CoroQueue  *self,
                 gpointer   *out_item,
                 GError    **error)
{
  CoroQueueWaiter taker;
  gboolean woken;

  g_return_val_if_fail (CORO_IS_QUEUE (self), FALSE);
  g_return_val_if_fail (out_item != NULL, FALSE);

  *out_item = NULL;
  if (!coro_waiter_check_ready (error))
    return FALSE;

  if (queue_take_now (self, out_item))
    return TRUE;

  if (!coro_waiter_init (&taker.waiter, error))
    return FALSE;

  taker.entry.item = NULL;
  taker.served = FALSE;
  coro_waiter_list_append_local (&self->takers, &taker.waiter, "CoroQueue");
  coro_hold_begin (&self->hold);
  woken = coro_waiter_wait (&taker.waiter, &take_wait_class, self, error);
  coro_hold_end (&self->hold, self);
  if (!woken)
    return FALSE;
  *out_item = taker.entry.item;
  return TRUE;
}

/**
 * coro_queue_try_take: (skip)
 * @self: a queue
 * @out_item: (out) (transfer full) (nullable): the item; %NULL at the end
 * @error: return location for an error
 *
 * Takes the item whose turn it is, if there is one right now.
 *
 * Callable from the queue's thread, also outside coroutines; never suspends.
 *
 * @error can be set to %G_IO_ERROR_WOULD_BLOCK, which says that the queue is
 * empty.
 *
 * Returns: %TRUE with an item or at the end; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_queue_try_take (CoroQueue  *self,
                     gpointer   *out_item,
                     GError    **error)
{
  g_return_val_if_fail (CORO_IS_QUEUE (self), FALSE);
  g_return_val_if_fail (out_item != NULL, FALSE);

  *out_item = NULL;
  if (queue_take_now (self, out_item))
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "The queue is empty");
  return FALSE;
}

/**
 * coro_queue_task_done:
 * @self: a queue
 * @error: return location for an error
 *
 * Says that the work for an item that was taken is done.
 *
 * Callable from the queue's thread; never suspends.
 *
 * @error can be set to [error@Coro.Error.PROTOCOL]: it was said more often than
 * items were put.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_queue_task_done (CoroQueue  *self,
                      GError    **error)
{
  g_return_val_if_fail (CORO_IS_QUEUE (self), FALSE);

  if (self->n_unfinished == self->items.length)
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL,
                           "More work is said to be done than was taken out of the queue");
      return FALSE;
    }

  queue_finish (self);
  return TRUE;
}

/**
 * coro_queue_join: (skip)
 * @self: a queue
 * @error: return location for an error
 *
 * Waits until the work for every item that was put is done, as
 * [method@Queue.task_done] says.
 *
 * Callable from a coroutine, which it suspends while there is work.
 * Cancellation: see [iface@Awaitable].
 *
 * @error can be set to %G_IO_ERROR_CANCELLED and the misuse errors of
 * [func@await].
 *
 * Returns: %TRUE if all is done; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_queue_join (CoroQueue  *self,
                 GError    **error)
{
  CoroWaiter waiter;
  gboolean woken;

  g_return_val_if_fail (CORO_IS_QUEUE (self), FALSE);

  if (!coro_waiter_check_ready (error))
    return FALSE;
  if (self->n_unfinished == 0)
    return TRUE;
  if (!coro_waiter_init (&waiter, error))
    return FALSE;

  coro_waiter_list_append_local (&self->joiners, &waiter, "CoroQueue");
  coro_hold_begin (&self->hold);
  woken = coro_waiter_wait (&waiter, &join_wait_class, self, error);
  coro_hold_end (&self->hold, self);
  return woken;
}

/**
 * coro_queue_get_length:
 * @self: a queue
 *
 * Counts the items in it.
 *
 * Callable from the queue's thread; never suspends.
 *
 * Returns: how many there are
 *
 * Since: 0.1
 */
guint
coro_queue_get_length (CoroQueue *self)
{
  g_return_val_if_fail (CORO_IS_QUEUE (self), 0);

  return self->items.length;
}

/**
 * coro_queue_get_n_unfinished:
 * @self: a queue
 *
 * Counts the items that were put and whose work is not done, whether they are
 * in the queue or were taken.
 *
 * Callable from the queue's thread; never suspends.
 *
 * Returns: how many there are
 *
 * Since: 0.1
 */
guint
coro_queue_get_n_unfinished (CoroQueue *self)
{
  g_return_val_if_fail (CORO_IS_QUEUE (self), 0);

  return self->n_unfinished;
}

/**
 * coro_queue_close:
 * @self: a queue
 *
 * Says that nothing more comes. Waiting putters fail with
 * [error@Coro.Error.CLOSED]; waiting takers learn of the end. Closing it
 * twice is closing it once.
 *
 * Callable from the queue's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_queue_close (CoroQueue *self)
{
  CoroWaiter *waiter;

  g_return_if_fail (CORO_IS_QUEUE (self));

  self->closed = TRUE;
  while ((waiter = coro_waiter_list_pop_local (&self->putters, "CoroQueue")) != NULL)
    queue_wake ((CoroQueueWaiter *) waiter, FALSE);
  while ((waiter = coro_waiter_list_pop_local (&self->takers, "CoroQueue")) != NULL)
    queue_wake ((CoroQueueWaiter *) waiter, FALSE);
}

/**
 * coro_queue_close_now:
 * @self: a queue
 *
 * [method@Queue.close], and drops what is in it: there is nothing more to take,
 * and the work for those items counts as done.
 *
 * Callable from the queue's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_queue_close_now (CoroQueue *self)
{
  g_return_if_fail (CORO_IS_QUEUE (self));

  g_object_ref (self);
  coro_queue_close (self);
  self->dropping = TRUE;
  while (self->items.length > 0)
    {
      queue_free_item (self, coro_queue_items_pop (&self->items).item);
      queue_finish (self);
    }
  g_object_unref (self);
}

/**
 * coro_queue_is_closed:
 * @self: a queue
 *
 * Whether nothing more comes.
 *
 * Callable from the queue's thread; never suspends.
 *
 * Returns: %TRUE if it was closed
 *
 * Since: 0.1
 */
gboolean
coro_queue_is_closed (CoroQueue *self)
{
  g_return_val_if_fail (CORO_IS_QUEUE (self), FALSE);

  return self->closed;
}
