/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-future-callback-private.h"

#include "base/coro-container-private.h"
#include "base/coro-fork-private.h"
#include "future/coro-outside-private.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"

struct _CoroFutureCallback
{
  CoroReady ready;              /* first */
  CoroMessage message;          /* to the owner's thread */
  CoroFutureCallback *previous;
  CoroFutureCallback *next;
  CoroFutureCallback *same;     /* (nullable): in the index, the next callback with equal function and data */
  CoroFuture *future;           /* (nullable) (owned), except in the list of a pending future: it must not keep itself */
  CoroScheduler *scheduler;     /* (unowned): the message is on its way to this scheduler */
  CoroContextValue *context;    /* (nullable) (owned): of the code that registered it */
  CoroFutureFunc func;          /* (nullable): NULL: the callback is only freed */
  gpointer user_data;
  GDestroyNotify destroy;
  gboolean always;              /* func is the library's, and called in any case: see coro_future_watch() */
};

/* A search through more callbacks than this makes an index. */
#define MAX_STEPS 32

/* Guards the lists of callbacks that are on their way, and whether these are taken back. */
CORO_FORK_LOCK (posted_lock, CORO_FORK_LAST)

static void
callback_run_cb (gpointer data)
{
  CoroFutureCallback *self = data;
  g_autoptr (GError) error = NULL;

  /* For debug mode, which would like to name it. */
  if (G_UNLIKELY (coro_scheduler_current != NULL && coro_scheduler_current->observer != NULL))
    coro_scheduler_current->callback = (gpointer) self->func;

  if (self->func != NULL)
    self->func (self->future, self->user_data, &error);
  if (error != NULL)
    g_warning ("A callback of a future failed: %s", error->message);

  if (self->destroy != NULL)
    self->destroy (self->user_data);
}

static void
callback_call_cb (CoroReady *ready)
{
  CoroFutureCallback *self = (CoroFutureCallback *) ready;

  coro_context_call (self->context, callback_run_cb, self);
  coro_context_value_unref (self->context);
  g_clear_object (&self->future);
  g_free (self);
}

static void
callback_drop_cb (CoroReady *ready)
{
  CoroFutureCallback *self = (CoroFutureCallback *) ready;

  if (!self->always)
    self->func = NULL;
  callback_call_cb (ready);
}

static const CoroReadyClass callback_class = { callback_call_cb, callback_drop_cb };

/* --- the list of a pending future --------------------------------------------------- */

static guint
callback_hash (gconstpointer callback)
{
  const CoroFutureCallback *self = callback;

  return g_direct_hash (self->user_data) * 31 + g_direct_hash ((gpointer) self->func);
}

static gboolean
callback_equal (gconstpointer a,
                gconstpointer b)
{
  const CoroFutureCallback *first = a, *second = b;

  return first->func == second->func && first->user_data == second->user_data;
}

static void
future_index_callback (CoroFuturePrivate  *priv,
                       CoroFutureCallback *callback)
{
  CoroFutureCallback *first = g_hash_table_lookup (priv->callback_index, callback);

  callback->same = NULL;
  if (first == NULL)
    {
      g_hash_table_add (priv->callback_index, callback);
      return;
    }
  callback->same = first->same;
  first->same = callback;
}

static void
future_append_callback (CoroFuturePrivate  *priv,
                        CoroFutureCallback *callback)
{
  callback->next = NULL;
  callback->previous = priv->callbacks != NULL ? priv->callbacks_last : NULL;
  if (callback->previous != NULL)
    callback->previous->next = callback;
  else
    priv->callbacks = callback;
  priv->callbacks_last = callback;
  if (G_UNLIKELY (priv->callback_index != NULL))
    future_index_callback (priv, callback);
}

/* The callback is not called any more, only freed, later. */
static void
future_withdraw_callback (CoroFuturePrivate  *priv,
                          CoroFutureCallback *callback)
{
  if (callback->previous != NULL)
    callback->previous->next = callback->next;
  else
    priv->callbacks = callback->next;
  if (callback->next != NULL)
    callback->next->previous = callback->previous;
  else
    priv->callbacks_last = callback->previous;

  callback->future = NULL;
  callback->func = NULL;
  coro_scheduler_push (priv->scheduler, &callback->ready);
}

/* Returns: (transfer full): all callbacks; the future has none left */
static CoroFutureCallback *
future_take_callbacks (CoroFuturePrivate *priv)
{
  g_clear_pointer (&priv->callback_index, g_hash_table_unref);
  return g_steal_pointer (&priv->callbacks);
}

static void
callback_add (CoroFutureCallback *self)
{
  CoroFuturePrivate *priv = coro_future_private (self->future);

  if (coro_future_state_is_done (g_atomic_int_get (&priv->state)) && priv->callbacks == NULL)
    {
      coro_scheduler_push (priv->scheduler, &self->ready);
      return;
    }

  future_append_callback (priv, self);
  g_object_unref (self->future);
}

/* From the list of its future a callback can be removed before the owner's thread gets it. */
static void
callback_post (CoroFutureCallback *self)
{
  CoroFuturePrivate *priv = coro_future_private (self->future);

  g_mutex_lock (&posted_lock);
  self->next = priv->posted;
  if (self->next != NULL)
    self->next->previous = self;
  priv->posted = self;
  g_mutex_unlock (&posted_lock);
  coro_scheduler_post (priv->scheduler, &self->message);
}

static void
callback_message_cb (CoroMessage *message)
{
  CoroFutureCallback *self = CORO_CONTAINER_OF (message, CoroFutureCallback, message);
  CoroFuturePrivate *priv = coro_future_private (self->future);
  gboolean removed;

  g_mutex_lock (&posted_lock);
  if (self->previous != NULL)
    self->previous->next = self->next;
  else
    priv->posted = self->next;
  if (self->next != NULL)
    self->next->previous = self->previous;
  self->next = NULL;
  removed = self->func == NULL;
  g_mutex_unlock (&posted_lock);

  if (removed)
    coro_scheduler_push (priv->scheduler, &self->ready);
  else
    callback_add (self);
}

/* Queues the callbacks of a future that is done.  On the owner's thread. */
void
coro_future_call_callbacks (CoroFuture *self)
{
  CoroFuturePrivate *priv = coro_future_private (self);
  CoroFutureCallback *callback = future_take_callbacks (priv);

  while (callback != NULL)
    {
      CoroFutureCallback *next = callback->next;

      g_object_ref (self);
      coro_scheduler_push (priv->scheduler, &callback->ready);
      callback = next;
    }
}

static void
callback_free_message_cb (CoroMessage *message)
{
  CoroFutureCallback *self = CORO_CONTAINER_OF (message, CoroFutureCallback, message);

  coro_scheduler_push (self->scheduler, &self->ready);
}

/* Frees the callbacks of a future whose scheduler is gone before it was done: soon, for
 * none of their code may run inside a finaliser. */
void
coro_future_drop_callbacks (CoroFuturePrivate *priv)
{
  CoroFutureCallback *callback = future_take_callbacks (priv);

  while (callback != NULL)
    {
      CoroFutureCallback *next = callback->next;

      callback->future = NULL;
      callback->func = NULL;
      callback->scheduler = priv->scheduler;
      callback->message.handle = callback_free_message_cb;
      coro_scheduler_post (priv->scheduler, &callback->message);
      callback = next;
    }
}

/* coro_future_is_wanted() without the coroutines and tasks of other main contexts. */
gboolean
coro_future_is_wanted_inside (CoroFuture     *self,
                              CoroFutureFunc  func,
                              gpointer        user_data)
{
  CoroFuturePrivate *priv = coro_future_private (self);
  gboolean wanted = FALSE;

  if (priv->waiters.head != NULL)
    return TRUE;
  for (CoroFutureCallback *callback = priv->callbacks; callback != NULL; callback = callback->next)
    if (callback->func != func || callback->user_data != user_data)
      return TRUE;

  /* A callback of another thread counts as soon as it was registered there. */
  g_mutex_lock (&posted_lock);
  for (CoroFutureCallback *callback = priv->posted; callback != NULL && !wanted; callback = callback->next)
    wanted = callback->func != NULL && (callback->func != func || callback->user_data != user_data);
  g_mutex_unlock (&posted_lock);
  return wanted;
}

/* Whether a coroutine or a callback other than the given one waits for a pending future.  Runs on
 * the owner's thread.  A waiter that gives up cancels a future that is not wanted. */
gboolean
coro_future_is_wanted (CoroFuture     *self,
                       CoroFutureFunc  func,
                       gpointer        user_data)
{
  return g_atomic_pointer_get (&coro_future_private (self)->outside) != NULL ||
         coro_future_is_wanted_inside (self, func, user_data);
}

static G_ALWAYS_INLINE inline CoroFutureCallback *
callback_new (CoroFutureFunc  func,
              gpointer        user_data,
              GDestroyNotify  destroy,
              gboolean        always)
{
  CoroFutureCallback *self = g_new0 (CoroFutureCallback, 1);

  self->ready.klass = &callback_class;
  self->context = coro_context_dup_current ();
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  self->always = always;
  return self;
}

static G_ALWAYS_INLINE inline void
future_add_callback (CoroFuture     *self,
                     CoroFutureFunc  func,
                     gpointer        user_data,
                     GDestroyNotify  destroy,
                     gboolean        always)
{
  CoroFuturePrivate *priv = coro_future_private (self);
  CoroFutureCallback *callback = callback_new (func, user_data, destroy, always);

  callback->message.handle = callback_message_cb;
  callback->future = g_object_ref (self);
  coro_future_observe (self);

  if (coro_scheduler_is_mine (priv->scheduler))
    callback_add (callback);
  else
    callback_post (callback);
}

/* --- futures of other main contexts ---------------------------------------------------- */

/* What is to be called for a future of another main context.  That may be iterated by nothing, and
 * so may the main context of the caller.  Two callbacks are made, one for each; the first to come is
 * the call. */
typedef struct
{
  CoroOutside outside;          /* first; holds a reference until it has told */
  gatomicrefcount ref_count;
  int called;                   /* (atomic) */
  CoroFuture *future;           /* (unowned): the future of `outside` */
  CoroScheduler *scheduler;     /* (owned): of the caller */
  CoroFutureCallback *callback; /* (owned): for that scheduler; holds a reference as well */
  CoroFutureFunc func;
  gpointer user_data;           /* (owned): by destroy */
  GDestroyNotify destroy;
} CoroFutureWatch;

static void
watch_unref (gpointer data)
{
  CoroFutureWatch *self = data;

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_object_unref (self->scheduler);
  g_free (self);
}

static void
watch_cb (CoroFuture  *future,
          gpointer     user_data,
          GError     **error)
{
  CoroFutureWatch *self = user_data;

  if (g_atomic_int_compare_and_exchange (&self->called, FALSE, TRUE))
    self->func (future, self->user_data, error);
}

/* In the thread that has completed the future, or of the watch. */
static void
watch_tell (CoroOutside *outside)
{
  CoroFutureWatch *self = (CoroFutureWatch *) outside;
  CoroFutureCallback *callback = self->callback;

  callback->future = g_object_ref (self->future);
  callback->scheduler = self->scheduler;
  callback->message.handle = callback_free_message_cb;
  coro_scheduler_post (self->scheduler, &callback->message);
}

G_NO_INLINE static void
future_watch_outside (CoroFuture     *self,
                      CoroScheduler  *scheduler,
                      CoroFutureFunc  func,
                      gpointer        user_data,
                      GDestroyNotify  destroy)
{
  CoroFutureWatch *watch = g_new0 (CoroFutureWatch, 1);

  watch->outside.tell = watch_tell;
  g_atomic_ref_count_init (&watch->ref_count);
  g_atomic_ref_count_inc (&watch->ref_count);
  watch->future = self;
  watch->scheduler = g_object_ref (scheduler);
  watch->func = func;
  watch->user_data = user_data;
  watch->destroy = destroy;
  watch->callback = callback_new (watch_cb, watch, watch_unref, TRUE);
  future_add_callback (self, watch_cb, watch, watch_unref, TRUE);
  if (!coro_outside_add (&watch->outside, self))
    watch_tell (&watch->outside);
}

/* coro_future_on_done() for futures that the library makes of other futures.  `func` is called
 * also if the context of `self` has ended, or nothing iterates it: then in the main context of the
 * caller, or on the thread that completes or drops `self`, or inside this call. */
void
coro_future_watch (CoroFuture     *self,
                   CoroFutureFunc  func,
                   gpointer        user_data,
                   GDestroyNotify  destroy)
{
  CoroScheduler *scheduler = coro_scheduler_current;

  if (G_UNLIKELY (scheduler == NULL))
    scheduler = coro_scheduler_get_current ();
  if (G_LIKELY (coro_future_private (self)->scheduler == scheduler))
    future_add_callback (self, func, user_data, destroy, TRUE);
  else
    future_watch_outside (self, scheduler, func, user_data, destroy);
}

/**
 * coro_future_on_done:
 * @self: a future
 * @func: (scope notified) (closure user_data) (destroy destroy): what to call
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * Has @func called once when the future is done, soon if it already is.
 *
 * Calls come from the main loop of the future's context, on the thread's
 * own stack, in the order of registration; never from inside this function
 * or [method@Future.resolve]. @destroy follows the call.
 *
 * Where no call comes, because the main context has ended before, @destroy is
 * called all the same.
 *
 * A callback does not keep the future. One that is dropped before it is done
 * is cancelled by that, and @func is called with it.
 *
 * Callable from any thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_future_on_done (CoroFuture     *self,
                     CoroFutureFunc  func,
                     gpointer        user_data,
                     GDestroyNotify  destroy)
{
  g_return_if_fail (CORO_IS_FUTURE (self));
  g_return_if_fail (func != NULL);

  future_add_callback (self, func, user_data, destroy, FALSE);
}

/* Searches the list from its head; after MAX_STEPS callbacks it makes an index. */
static guint
future_remove_listed (CoroFuturePrivate *priv,
                      CoroFutureFunc     func,
                      gpointer           user_data)
{
  CoroFutureCallback *callback = priv->callbacks;
  guint n_removed = 0;
  guint n_steps;

  for (n_steps = 0; callback != NULL; n_steps++)
    {
      CoroFutureCallback *next = callback->next;

      if (callback->func == func && callback->user_data == user_data)
        {
          future_withdraw_callback (priv, callback);
          n_removed++;
        }
      callback = next;
    }

  if (n_steps > MAX_STEPS)
    {
      priv->callback_index = g_hash_table_new (callback_hash, callback_equal);
      for (callback = priv->callbacks; callback != NULL; callback = callback->next)
        future_index_callback (priv, callback);
    }
  return n_removed;
}

static guint
future_remove_indexed (CoroFuturePrivate *priv,
                       CoroFutureFunc     func,
                       gpointer           user_data)
{
  CoroFutureCallback key = { .func = func, .user_data = user_data };
  CoroFutureCallback *callback = g_hash_table_lookup (priv->callback_index, &key);
  guint n_removed = 0;

  if (callback != NULL)
    g_hash_table_remove (priv->callback_index, callback);
  while (callback != NULL)
    {
      CoroFutureCallback *same = callback->same;

      future_withdraw_callback (priv, callback);
      n_removed++;
      callback = same;
    }
  return n_removed;
}

/* Callbacks that are on their way are freed when they arrive. */
static guint
future_remove_posted (CoroFuturePrivate *priv,
                      CoroFutureFunc     func,
                      gpointer           user_data)
{
  guint n_removed = 0;

  g_mutex_lock (&posted_lock);
  for (CoroFutureCallback *callback = priv->posted; callback != NULL; callback = callback->next)
    if (callback->func == func && callback->user_data == user_data)
      {
        callback->func = NULL;
        n_removed++;
      }
  g_mutex_unlock (&posted_lock);
  return n_removed;
}

/**
 * coro_future_remove_on_done: (skip)
 * @self: a future
 * @func: what was to be called
 * @user_data: what was to be passed to it
 *
 * Removes all callbacks that [method@Future.on_done] has registered, in any
 * thread, with this function and data. User data is freed soon, not inside this
 * call.
 *
 * Callable from the thread of the future's context; never suspends.
 *
 * Returns: how many there were; 0 once the future is done
 *
 * Since: 0.1
 */
guint
coro_future_remove_on_done (CoroFuture     *self,
                            CoroFutureFunc  func,
                            gpointer        user_data)
{
  CoroFuturePrivate *priv;
  guint n_removed;

  g_return_val_if_fail (CORO_IS_FUTURE (self), 0);

  priv = coro_future_private (self);
  if (priv->callback_index != NULL)
    n_removed = future_remove_indexed (priv, func, user_data);
  else
    n_removed = future_remove_listed (priv, func, user_data);
  return n_removed + future_remove_posted (priv, func, user_data);
}
