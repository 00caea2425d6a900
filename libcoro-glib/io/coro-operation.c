/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-operation.h"

#include "base/coro-error.h"
#include "base/coro-fork-private.h"
#include "scheduler/coro-block-private.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"

/**
 * CoroOperation: (skip)
 *
 * How any `_async`/`_finish` pair is awaited:
 *
 * ```c
 * g_auto (CoroOperation) op = CORO_OPERATION_INIT;
 *
 * return g_file_delete_finish (file, CORO_CALL (&op, g_file_delete_async, file, priority), error);
 * ```
 *
 * Where the cancellable is not third from the end, write it out with
 * [method@Operation.begin], `coro_operation_ready` and [method@Operation.await].
 *
 * A cancelled coroutine cancels the operation and goes on waiting until the
 * callback has come, so that the operation never writes to a stack that is gone;
 * the finish function gives the outcome. If the coroutine is cancelled already,
 * the operation starts with a cancelled cancellable, and does nothing.
 *
 * # Cancelled, or done after all
 *
 * If an operation succeeds in spite of its cancellation, its work is done.
 * A [class@Gio.Task] would withhold the result; here the finish function
 * gives it, and the cancel request stays pending: the next wait of the coroutine
 * fails. If the operation has failed, the finish function fails with
 * %G_IO_ERROR_CANCELLED, whatever the error was, so that a retry loop comes to an
 * end.
 *
 * An operation that fails with %G_IO_ERROR_CANCELLED may have done a part of its
 * work: an operation of several steps (loading or copying a file) can be
 * cancelled between two steps, and a task with
 * [method@Gio.Task.set_return_on_cancel] returns while its thread may still be at
 * work. If it matters whether the work was done, check the result, or hold the
 * cancellation back with a [struct@Shield].
 *
 * The request also counts as delivered if the finish function gets %NULL as the
 * place for its error. If a task was made without the cancellable, the finish
 * function gives the task's own error, and the request stays pending. For a result
 * that is no [class@Gio.Task], the library cannot know whether the finish function
 * will fail with %G_IO_ERROR_CANCELLED; the request counts as delivered.
 *
 * Since: 0.1
 */

/* What is in CoroOperation's priv. */
typedef struct
{
  CoroWaiter *waiter;           /* (nullable): parked in coro_operation_await() */
  CoroScheduler *scheduler;     /* (nullable) (unowned): its virtual time stands still meanwhile */
  GSource *watch;               /* (nullable) (owned): checks whether a callback can still come */
  gboolean begun;
  gboolean settled;             /* operation_settle() has run */
} CoroOperationPrivate;

G_STATIC_ASSERT (sizeof (CoroOperationPrivate) <= sizeof (((CoroOperation *) NULL)->priv));

static inline CoroOperationPrivate *
get_private (CoroOperation *self)
{
  return (CoroOperationPrivate *) (gpointer) self->priv;
}

/* --- calls that do not call back ---------------------------------------------------- */

#define NO_CALL "The call was not made and will not call back"

/* A call that has failed a precondition never calls back and keeps no reference to its cancellable,
 * while a running operation does.  But a function that ignores its cancellable keeps no reference
 * either, and may call back later, with the address of an operation that is gone.  So the addresses
 * of given-up operations are kept, each with the cancellable of the operation that has the address
 * now. */
CORO_FORK_LOCK (given_up_lock, CORO_FORK_LAST)
static GHashTable *given_up;    /* (nullable) (element-type CoroOperation GCancellable); guarded by given_up_lock */
static int n_given_up;          /* (atomic) */

/* `cancellable`: (nullable): NULL when there is no operation at the address any more. */
static inline void
note_live (CoroOperation *operation,
           GCancellable  *cancellable)
{
  if (G_LIKELY (g_atomic_int_get (&n_given_up) == 0))
    return;

  g_mutex_lock (&given_up_lock);
  if (g_hash_table_contains (given_up, operation))
    g_hash_table_insert (given_up, operation, cancellable);
  g_mutex_unlock (&given_up_lock);
}

static void
note_given_up (CoroOperation *operation)
{
  g_mutex_lock (&given_up_lock);
  if (given_up == NULL)
    given_up = g_hash_table_new (NULL, NULL);
  g_hash_table_insert (given_up, operation, NULL);
  g_atomic_int_set (&n_given_up, (int) g_hash_table_size (given_up));
  g_mutex_unlock (&given_up_lock);
}

/* Whether another operation than the one that has the address now is meant: its cancellable is not
 * this one's. */
static gboolean
is_of_another (GAsyncResult *result,
               gpointer      live)
{
  GCancellable *own = G_IS_TASK (result) ? g_task_get_cancellable (G_TASK (result)) : NULL;

  return live == NULL || (own != NULL && own != live);
}

/* Whether `result` belongs to a given-up operation that had this address before.  A result without a
 * cancellable belongs to the operation that has the address now, if there is one: most of these come
 * from g_task_report_error(), and an operation that loses its only callback waits for ever.  A late
 * result comes once. */
static gboolean
is_late (CoroOperation *operation,
         GAsyncResult  *result)
{
  gpointer live = NULL;
  gboolean late;

  if (G_LIKELY (g_atomic_int_get (&n_given_up) == 0))
    return FALSE;

  g_mutex_lock (&given_up_lock);
  late = g_hash_table_lookup_extended (given_up, operation, NULL, &live) && is_of_another (result, live);
  if (late)
    {
      g_hash_table_remove (given_up, operation);
      g_atomic_int_set (&n_given_up, (int) g_hash_table_size (given_up));
    }
  g_mutex_unlock (&given_up_lock);
  return late;
}

/* Whether other code than that which has the `n_own` references has one, or is connected. */
static gboolean
cancellable_is_known (GCancellable *self,
                      int           n_own)
{
  static guint cancelled_signal;        /* (atomic) */

  if (g_atomic_int_get (&G_OBJECT (self)->ref_count) > n_own)
    return TRUE;

  if (g_atomic_int_get (&cancelled_signal) == 0)
    g_atomic_int_set (&cancelled_signal, g_signal_lookup ("cancelled", G_TYPE_CANCELLABLE));
  return g_signal_has_handler_pending (self, g_atomic_int_get (&cancelled_signal), 0, TRUE);
}

static gboolean
operation_is_known (CoroOperation *self)
{
  return cancellable_is_known (self->cancellable, 1);
}

/* Has `func` called when all other sources of the main context had their turn. */
static GSource *
attach_watch (CoroScheduler  *scheduler,
              GSourceFunc     func,
              gpointer        user_data,
              GDestroyNotify  destroy)
{
  GSource *watch = g_idle_source_new ();

  g_source_set_static_name (watch, "[coro] call without a callback");
  g_source_set_priority (watch, G_MAXINT);
  g_source_set_callback (watch, func, user_data, destroy);
  g_source_attach (watch, scheduler->context);
  return watch;
}

/* Takes a reference on `result`. */
static void
operation_end (CoroOperation *self,
               GAsyncResult  *result)
{
  CoroOperationPrivate *priv = get_private (self);
  CoroWaiter *waiter = g_steal_pointer (&priv->waiter);

  if (priv->scheduler != NULL)
    priv->scheduler->n_external--;
  /* Last, because a caller that blocks may be in another thread. */
  g_atomic_pointer_set (&self->result, g_object_ref (result));
  if (waiter != NULL)
    coro_waiter_wake (waiter);
}

/* All other sources of the main context had their turn, so an error that is reported without a
 * cancellable (g_task_report_error()) would have arrived. */
static gboolean
operation_watch_cb (gpointer operation)
{
  CoroOperation *self = operation;
  g_autoptr (GAsyncResult) result = NULL;

  if (self->result != NULL || operation_is_known (self))
    return G_SOURCE_REMOVE;

  /* Most finish functions propagate the error of this kind of result without a type check. */
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS
  result = G_ASYNC_RESULT (g_simple_async_result_new_error (NULL, NULL, NULL, CORO_ERROR, CORO_ERROR_NO_RESULT,
                                                            NO_CALL));
  G_GNUC_END_IGNORE_DEPRECATIONS
  note_given_up (self);
  operation_end (self, result);
  return G_SOURCE_REMOVE;
}

static void
operation_watch (CoroOperation *self)
{
  CoroOperationPrivate *priv = get_private (self);

  priv->watch = attach_watch (priv->scheduler, operation_watch_cb, self, NULL);
}

static void
operation_unwatch (CoroOperation *self)
{
  CoroOperationPrivate *priv = get_private (self);

  if (G_LIKELY (priv->watch == NULL))
    return;

  g_source_destroy (priv->watch);
  g_clear_pointer (&priv->watch, g_source_unref);
}

/* --- the call ------------------------------------------------------------------------ */

/**
 * coro_operation_begin: (skip)
 * @self: an empty operation
 *
 * Starts to watch one asynchronous call.
 *
 * Callable from a coroutine; never suspends.
 *
 * Returns: (transfer none): what to pass to the call as its cancellable
 *
 * Since: 0.1
 */
GCancellable *
coro_operation_begin (CoroOperation *self)
{
  CoroOperationPrivate *priv = get_private (self);

  g_return_val_if_fail (!priv->begun || self->result != NULL, NULL);

  coro_operation_clear (self);
  self->cancellable = g_cancellable_new ();
  priv->begun = TRUE;
  priv->scheduler = coro_scheduler_current;
  if (priv->scheduler != NULL)
    {
      CoroJob *job = priv->scheduler->running;

      priv->scheduler->n_external++;
      if (job != NULL && coro_job_is_cancelled (job))
        g_cancellable_cancel (self->cancellable);       /* nothing is connected to it */
    }
  note_live (self, self->cancellable);
  return self->cancellable;
}

/**
 * coro_operation_ready: (skip)
 * @source: (nullable): the object of the call
 * @result: its result
 * @operation: the operation
 *
 * What to pass to an asynchronous call as its callback, with the operation
 * as the user data.
 *
 * Callable from the context in which the call was started; never suspends.
 *
 * Since: 0.1
 */
void
coro_operation_ready (GObject      *source,
                      GAsyncResult *result,
                      gpointer      operation)
{
  CoroOperation *self = operation;

  if (G_UNLIKELY (is_late (self, result)))
    {
      g_critical ("A call called back that had let go of its cancellable, and was given up");
      return;
    }
  g_return_if_fail (self->result == NULL);

  operation_end (self, result);
}

static void
cancel_cb (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

/* Handlers of the cancellable run on the thread stack. */
static gboolean
operation_abort (gpointer    object,
                 CoroWaiter *waiter)
{
  coro_call_on_thread_stack (cancel_cb, ((CoroOperation *) object)->cancellable);
  return FALSE;
}

static const CoroWaitClass operation_wait_class = { operation_abort, NULL, FALSE };

/* Whether the finish function of a cancelled operation is going to fail with CANCELLED.
 *
 * A GTask would do so in any case, even if the work was done.  If it has no error, it is made to
 * give its result.  If it has an error of its own, it is made to fail with CANCELLED all the same:
 * so the request is delivered exactly once.  A second delivery would break the cleanup. */
static gboolean
operation_was_cancelled (CoroOperation *self)
{
  GTask *task;

  if (!G_IS_TASK (self->result))
    return TRUE;                /* other results cannot be asked */

  task = G_TASK (self->result);
  if (g_task_get_cancellable (task) == NULL || !g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    return FALSE;
  if (g_task_get_return_on_cancel (task))
    return TRUE;                /* its thread may be at work */

  g_task_set_check_cancellable (task, FALSE);
  if (!g_task_had_error (task))
    return FALSE;

  g_task_set_check_cancellable (task, TRUE);
  return TRUE;
}

/* Once there is a result: decides whether it delivers a cancel request of the coroutine. */
static void
operation_settle (CoroOperation *self)
{
  CoroOperationPrivate *priv = get_private (self);
  CoroJob *job = coro_scheduler_current != NULL ? coro_scheduler_current->running : NULL;

  operation_unwatch (self);
  if (priv->settled)
    return;

  priv->settled = TRUE;
  if (G_LIKELY (!g_cancellable_is_cancelled (self->cancellable)) || !operation_was_cancelled (self) || job == NULL)
    return;

  if (coro_job_has_request (job))
    coro_job_consume_request (job);
  else if (coro_job_is_cancelled (job))
    coro_job_mark_cancel (job);
}

static gboolean
has_result (gpointer operation)
{
  return g_atomic_pointer_get (&((CoroOperation *) operation)->result) != NULL;
}

/* For callers that cannot be parked.  The caller is about to call a finish function, which needs a
 * result: blocking is the lesser evil. */
static void
operation_block (CoroOperation *self,
                 const GError  *error)
{
  g_critical ("An asynchronous call blocks: %s", error->message);

  coro_block_until (has_result, self);
}

/* Waits for the callback.  `watched`: gives up if no callback can come any more. */
static GAsyncResult *
operation_await (CoroOperation *self,
                 gboolean       watched)
{
  CoroOperationPrivate *priv = get_private (self);
  g_autoptr (GError) error = NULL;
  CoroWaiter waiter;

  if (!has_result (self) && watched && priv->scheduler != NULL && G_UNLIKELY (!operation_is_known (self)))
    operation_watch (self);

  if (has_result (self))
    {
      ;
    }
  else if (!coro_waiter_init_uncancellable (&waiter, &error))
    {
      operation_block (self, error);
    }
  else
    {
      priv->waiter = &waiter;
      coro_waiter_wait (&waiter, &operation_wait_class, self, NULL);
    }

  operation_settle (self);
  return self->result;
}

/**
 * coro_operation_await: (skip)
 * @self: an operation whose call was made
 *
 * Waits for the callback.
 *
 * Callable from a coroutine, which it suspends. Cancellation cancels the
 * operation and still waits for its callback; then the finish function fails with
 * %G_IO_ERROR_CANCELLED, or gives the result of an operation that was done in
 * spite of it, and the next wait fails.
 *
 * There is always a result, and the finish function must always be called.
 * If the caller cannot be suspended, outside a coroutine for example, a critical
 * is logged and the main context is iterated until the callback has come.
 *
 * If the call has failed a precondition, the callback never comes and the wait
 * never ends; [method@Operation.await_call] notices this case.
 *
 * Returns: (transfer none): the result, for the finish function
 *
 * Since: 0.1
 */
GAsyncResult *
coro_operation_await (CoroOperation *self)
{
  g_return_val_if_fail (get_private (self)->begun, NULL);

  return operation_await (self, FALSE);
}

/**
 * coro_operation_await_call: (skip)
 * @self: an operation whose call was made, with the cancellable
 *
 * [method@Operation.await] for a call that was given the cancellable of
 * [method@Operation.begin], as `CORO_CALL` does.
 *
 * A call that holds no reference to the cancellable, and has not called back when
 * the main context has nothing else to do, has failed a precondition and has
 * logged a critical. Then the wait ends with a result from which the finish
 * functions of GIO give the error [error@Coro.Error.NO_RESULT]. A finish function
 * that only accepts a [class@Gio.Task] logs a critical, and sets no error.
 *
 * Callable from a coroutine, which it suspends.
 *
 * Returns: (transfer none): the result, for the finish function
 *
 * Since: 0.1
 */
GAsyncResult *
coro_operation_await_call (CoroOperation *self)
{
  g_return_val_if_fail (get_private (self)->begun, NULL);

  return operation_await (self, TRUE);
}

/**
 * coro_operation_clear: (skip)
 * @self: an operation
 *
 * Frees what it holds; `g_auto` does it.
 *
 * Callable from the coroutine that began it; never suspends.
 *
 * Since: 0.1
 */
void
coro_operation_clear (CoroOperation *self)
{
  CoroOperationPrivate *priv = get_private (self);

  if (priv->begun && self->result == NULL)
    g_critical ("An asynchronous call was begun and not awaited");

  operation_unwatch (self);
  note_live (self, NULL);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->result);
  *priv = (CoroOperationPrivate) { NULL, };
}

/* --- calls of other languages --------------------------------------------------------- */

typedef struct
{
  CoroFuture *future;           /* (owned) */
  GCancellable *cancellable;    /* (owned) */
} CoroCallWatch;

static void
call_watch_free (gpointer data)
{
  CoroCallWatch *self = data;

  g_object_unref (self->future);
  g_object_unref (self->cancellable);
  g_free (self);
}

static gboolean
call_watch_cb (gpointer data)
{
  CoroCallWatch *self = data;

  if (!coro_future_is_done (self->future) && !cancellable_is_known (self->cancellable, 2))
    coro_future_reject (self->future, g_error_new_literal (CORO_ERROR, CORO_ERROR_NO_RESULT, NO_CALL));
  return G_SOURCE_REMOVE;
}

/**
 * coro_future_watch_call:
 * @self: the future of an asynchronous call that was just made
 * @cancellable: what the call got; only the caller has a reference to it otherwise, and keeps it
 *
 * Fails the future of a call that cannot call back any more.
 *
 * This is [method@Operation.await_call] for language bindings, whose futures are
 * resolved in the callback. A call that holds no reference to the cancellable,
 * and has not called back when the main context of the future has nothing else to
 * do, has failed a precondition: the future fails with
 * [error@Coro.Error.NO_RESULT].
 *
 * Callable from the thread of the future; never suspends.
 *
 * Since: 0.1
 */
void
coro_future_watch_call (CoroFuture   *self,
                        GCancellable *cancellable)
{
  CoroCallWatch *watch;

  g_return_if_fail (CORO_IS_FUTURE (self));
  g_return_if_fail (G_IS_CANCELLABLE (cancellable));

  if (G_LIKELY (coro_future_is_done (self) || cancellable_is_known (cancellable, 1)))
    return;

  watch = g_new (CoroCallWatch, 1);
  watch->future = g_object_ref (self);
  watch->cancellable = g_object_ref (cancellable);
  g_source_unref (attach_watch (coro_future_get_scheduler (self), call_watch_cb, watch, call_watch_free));
}
