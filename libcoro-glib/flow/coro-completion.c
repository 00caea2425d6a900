/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "flow/coro-completion.h"

#include "future/coro-future-callback-private.h"
#include "future/coro-sleep.h"
#include "scheduler/coro-hold-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"

/**
 * CoroCompletion:
 *
 * Iterates over futures in the order in which they are done.
 *
 * Since: 0.1
 */
/* What the callbacks hold: one that is on its way already cannot be taken back. */
typedef struct
{
  CoroScheduler *scheduler;     /* (owned): the completion belongs to its thread */
  CoroCompletion *completion;   /* (nullable) (unowned): NULL once that is disposed of */
} CoroCompletionLink;

/* A future that was completed on another thread, because its own context has ended. */
typedef struct
{
  CoroMessage message;          /* first */
  CoroCompletionLink *link;     /* (owned) */
  CoroFuture *future;           /* (owned) */
} CoroCompletionMessage;

struct _CoroCompletion
{
  GObject parent_instance;

  CoroHold hold;
  GPtrArray *futures;           /* (owned) (element-type CoroFuture): all of them */
  GQueue done;                  /* (element-type CoroFuture) (owned): not given out yet */
  guint n_left;                 /* not given out yet, done or not */
  CoroWaiterList waiters;
  CoroCompletionLink *link;     /* (owned) */
};

static void coro_completion_iterator_init (CoroIteratorInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (CoroCompletion, coro_completion, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_ITERATOR, coro_completion_iterator_init))

static void
link_clear (gpointer link)
{
  g_object_unref (((CoroCompletionLink *) link)->scheduler);
}

static void
link_unref (gpointer link)
{
  g_atomic_rc_box_release_full (link, link_clear);
}

/* Runs on the thread of the completion. */
static void
link_add_done (CoroCompletionLink *link,
               CoroFuture         *future)
{
  CoroCompletion *self = link->completion;
  CoroWaiter *waiter;

  if (self == NULL)
    return;

  waiter = coro_waiter_list_pop (&self->waiters);
  g_queue_push_tail (&self->done, g_object_ref (future));
  if (waiter != NULL)
    coro_waiter_wake (waiter);
}

static void
done_message_cb (CoroMessage *message)
{
  CoroCompletionMessage *self = (CoroCompletionMessage *) message;

  link_add_done (self->link, self->future);
  link_unref (self->link);
  g_object_unref (self->future);
  g_free (self);
}

static void
future_done_cb (CoroFuture  *future,
                gpointer     user_data,
                GError     **error)
{
  CoroCompletionLink *link = user_data;
  CoroCompletionMessage *message;

  if (G_LIKELY (coro_scheduler_is_mine (link->scheduler)))
    {
      link_add_done (link, future);
      return;
    }

  message = g_new0 (CoroCompletionMessage, 1);
  message->message.handle = done_message_cb;
  message->link = g_atomic_rc_box_acquire (link);
  message->future = g_object_ref (future);
  coro_scheduler_post (link->scheduler, &message->message);
}

static gboolean
completion_abort (gpointer    object,
                  CoroWaiter *waiter)
{
  coro_waiter_list_remove (&((CoroCompletion *) object)->waiters, waiter);
  return TRUE;
}

/* A woken waiter has taken nothing yet; the next in line may. */
static gboolean
completion_undo (gpointer    object,
                 CoroWaiter *waiter)
{
  CoroWaiter *next = coro_waiter_list_pop (&((CoroCompletion *) object)->waiters);

  if (next != NULL)
    coro_waiter_wake (next);
  return TRUE;
}

static const CoroWaitClass completion_wait_class = { completion_abort, completion_undo, FALSE };

static gboolean
completion_take (CoroCompletion  *self,
                 GValue          *value,
                 GError         **error)
{
  if (!coro_scheduler_require_mine (self->link->scheduler, "Futures are given out in the thread that asked for them", error))
    return FALSE;

  /* Not after a wait: if a woken waiter failed without an undo, the next waiter in line would
   * never be woken. */
  if (self->done.length > 0 && !coro_check_cancelled (error))
    return FALSE;

  while (self->done.length == 0)
    {
      CoroWaiter waiter;

      if (self->n_left == 0)
        return TRUE;
      if (!coro_waiter_init (&waiter, error))
        return FALSE;
      coro_waiter_list_append (&self->waiters, &waiter);
      if (!coro_waiter_wait (&waiter, &completion_wait_class, self, error))
        return FALSE;
    }

  self->n_left--;
  g_value_init (value, CORO_TYPE_FUTURE);
  g_value_take_object (value, g_queue_pop_head (&self->done));
  return TRUE;
}

static gboolean
completion_next (CoroIterator  *iterator,
                 GValue        *value,
                 GError       **error)
{
  CoroCompletion *self = CORO_COMPLETION (iterator);
  gboolean ok;

  coro_hold_begin (&self->hold);
  ok = completion_take (self, value, error);
  coro_hold_end (&self->hold, self);
  return ok;
}

static void
coro_completion_iterator_init (CoroIteratorInterface *iface)
{
  iface->next = completion_next;
}

static void
coro_completion_dispose (GObject *object)
{
  CoroCompletion *self = CORO_COMPLETION (object);

  if (coro_hold_keeps (&self->hold, object))
    return;

  self->link->completion = NULL;
  for (guint i = 0; i < self->futures->len; i++)
    if (coro_scheduler_is_mine (coro_future_get_scheduler (self->futures->pdata[i])))
      coro_future_remove_on_done (self->futures->pdata[i], future_done_cb, self->link);
  g_ptr_array_set_size (self->futures, 0);

  G_OBJECT_CLASS (coro_completion_parent_class)->dispose (object);
}

static void
coro_completion_finalize (GObject *object)
{
  CoroCompletion *self = CORO_COMPLETION (object);

  g_ptr_array_unref (self->futures);
  g_queue_clear_full (&self->done, g_object_unref);
  link_unref (self->link);

  G_OBJECT_CLASS (coro_completion_parent_class)->finalize (object);
}

static void
coro_completion_class_init (CoroCompletionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = coro_completion_dispose;
  object_class->finalize = coro_completion_finalize;
}

static void
coro_completion_init (CoroCompletion *self)
{
  self->futures = g_ptr_array_new_with_free_func (g_object_unref);
  g_queue_init (&self->done);
  self->link = g_atomic_rc_box_new0 (CoroCompletionLink);
  self->link->scheduler = g_object_ref (coro_scheduler_get_current ());
  self->link->completion = self;
}

/**
 * coro_as_completed: (skip)
 * @futures: (array length=n_futures): futures of one main context
 * @n_futures: how many
 *
 * Makes an iterator that gives each of several futures as soon as it is done.
 *
 * The futures themselves come, to be asked for their results; none is
 * cancelled or consumed. Dropping the iterator leaves no trace with them.
 *
 * Callable from the thread of the context; never suspends. Takes no
 * ownership: the futures are referenced.
 *
 * Semantics: asyncio's `as_completed()`, as an iterator.
 *
 * Returns: (transfer full): an iterator over [class@Future]
 *
 * Since: 0.1
 */
CoroIterator *
coro_as_completed (CoroFuture * const *futures,
                   gsize               n_futures)
{
  CoroCompletion *self = g_object_new (CORO_TYPE_COMPLETION, NULL);

  self->n_left = (guint) n_futures;
  for (gsize i = 0; i < n_futures; i++)
    {
      g_ptr_array_add (self->futures, g_object_ref (futures[i]));
      coro_future_watch (futures[i], future_done_cb, g_atomic_rc_box_acquire (self->link), link_unref);
    }
  return CORO_ITERATOR (self);
}
