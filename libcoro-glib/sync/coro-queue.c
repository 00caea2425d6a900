/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "sync/coro-queue.h"

#include "fiber/coro-error.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"

/**
 * CoroQueue:
 *
 * Hands items from coroutines to coroutines, first come first served.
 *
 * A queue with a capacity makes who puts wait while it is full. Closing it
 * says that nothing more comes: what is in it can still be taken, and then
 * takers learn of the end.
 *
 * Who waits and is cancelled loses nothing: an item goes to who is next, a
 * place to who waits for one.
 *
 * A queue belongs to the thread whose coroutines use it.
 *
 * Since: 0.1
 */
struct _CoroQueue
{
  GObject parent_instance;

  GQueue items;                 /* (element-type gpointer) (owned): by item_free */
  guint capacity;               /* 0: unbounded */
  GDestroyNotify item_free;     /* (nullable) */
  CoroWaiterList takers;        /* wait while there are no items */
  CoroWaiterList putters;       /* wait while there is no room */
  gboolean closed;
};

/* A waiter with what it was given, or has brought. */
typedef struct
{
  CoroWaiter waiter;            /* first */
  gpointer item;                /* (nullable) */
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
  coro_waiter_signal (&waiter->waiter);
}

/* Hands over directly, so that the state is right before anybody runs and nobody who
 * comes later gets in first. */
static void
queue_serve (CoroQueue *self)
{
  while (TRUE)
    {
      CoroQueueWaiter *taker, *putter;

      if (queue_has_room (self) &&
          (putter = (CoroQueueWaiter *) coro_waiter_list_pop (&self->putters)) != NULL)
        {
          g_queue_push_tail (&self->items, g_steal_pointer (&putter->item));
          queue_wake (putter, TRUE);
        }
      else if (self->items.length > 0 &&
               (taker = (CoroQueueWaiter *) coro_waiter_list_pop (&self->takers)) != NULL)
        {
          taker->item = g_queue_pop_head (&self->items);
          queue_wake (taker, TRUE);
        }
      else
        {
          return;
        }
    }
}

static void
queue_free_item (CoroQueue *self,
                 gpointer   item)
{
  if (self->item_free != NULL && item != NULL)
    self->item_free (item);
}

static gboolean
take_abort (gpointer    object,
            CoroWaiter *waiter)
{
  coro_waiter_list_remove (&((CoroQueue *) object)->takers, waiter);
  return TRUE;
}

/* The item goes back to where it was: to the front. */
static gboolean
take_undo (gpointer    object,
           CoroWaiter *waiter)
{
  CoroQueue *self = object;
  CoroQueueWaiter *taker = (CoroQueueWaiter *) waiter;

  if (taker->served)
    g_queue_push_head (&self->items, g_steal_pointer (&taker->item));
  queue_serve (self);
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

/* An item that was accepted may have been taken already; one that was not is still ours. */
static gboolean
put_undo (gpointer    object,
          CoroWaiter *waiter)
{
  return !((CoroQueueWaiter *) waiter)->served;
}

static const CoroWaitClass put_wait_class = { put_abort, put_undo, FALSE };

static void
coro_queue_finalize (GObject *object)
{
  CoroQueue *self = CORO_QUEUE (object);

  while (self->items.length > 0)
    queue_free_item (self, g_queue_pop_head (&self->items));

  G_OBJECT_CLASS (coro_queue_parent_class)->finalize (object);
}

static void
coro_queue_class_init (CoroQueueClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = coro_queue_finalize;
}

static void
coro_queue_init (CoroQueue *self)
{
  g_queue_init (&self->items);
}

/**
 * coro_queue_new: (skip)
 * @capacity: how many items fit in; 0: any number
 * @item_free: (nullable): frees an item that nobody took
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
  CoroQueue *self = g_object_new (CORO_TYPE_QUEUE, NULL);

  self->capacity = capacity;
  self->item_free = item_free;
  return self;
}

/**
 * coro_queue_put: (skip)
 * @self: a queue
 * @item: (transfer full): an item, not %NULL; taken on failure as well
 * @error: return location for an error
 *
 * Puts an item at the end, as soon as there is room.
 *
 * Callable from a coroutine, which it suspends while the queue is full.
 * Cancellation: see [iface@Awaitable]; an item that was not put is freed.
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
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_CLOSED, "The queue is closed");
      return FALSE;
    }

  if (queue_has_room (self) && self->putters.head == NULL)
    {
      g_queue_push_tail (&self->items, item);
      queue_serve (self);
      return TRUE;
    }

  if (!coro_waiter_init (&putter.waiter, error))
    {
      queue_free_item (self, item);
      return FALSE;
    }

  putter.item = item;
  putter.served = FALSE;
  coro_waiter_list_append (&self->putters, &putter.waiter);
  if (!coro_waiter_wait (&putter.waiter, &put_wait_class, self, error))
    {
      queue_free_item (self, putter.item);
      return FALSE;
    }
  if (putter.served)
    return TRUE;

  queue_free_item (self, putter.item);
  g_set_error_literal (error, CORO_ERROR, CORO_ERROR_CLOSED, "The queue is closed");
  return FALSE;
}

/**
 * coro_queue_take: (skip)
 * @self: a queue
 * @out_item: (out) (transfer full) (nullable): the item; %NULL at the end
 * @error: return location for an error
 *
 * Takes the first item, as soon as there is one.
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

  g_return_val_if_fail (CORO_IS_QUEUE (self), FALSE);
  g_return_val_if_fail (out_item != NULL, FALSE);

  *out_item = NULL;
  if (!coro_waiter_check_ready (error))
    return FALSE;

  if (self->items.length > 0 || self->closed)
    {
      *out_item = g_queue_pop_head (&self->items);
      queue_serve (self);
      return TRUE;
    }

  if (!coro_waiter_init (&taker.waiter, error))
    return FALSE;

  taker.item = NULL;
  taker.served = FALSE;
  coro_waiter_list_append (&self->takers, &taker.waiter);
  if (!coro_waiter_wait (&taker.waiter, &take_wait_class, self, error))
    return FALSE;
  *out_item = taker.item;
  return TRUE;
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
 * coro_queue_close:
 * @self: a queue
 *
 * Says that nothing more comes. Who waits to put fails with
 * [error@Coro.Error.CLOSED]; who waits to take learns of the end. Closing it
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
  while ((waiter = coro_waiter_list_pop (&self->putters)) != NULL)
    queue_wake ((CoroQueueWaiter *) waiter, FALSE);
  while ((waiter = coro_waiter_list_pop (&self->takers)) != NULL)
    queue_wake ((CoroQueueWaiter *) waiter, FALSE);
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
