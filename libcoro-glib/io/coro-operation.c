/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-operation.h"

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
 * A cancelled coroutine cancels the operation and goes on waiting until its
 * callback has come, so that nothing is written to a stack that is gone; what
 * comes out is what the finish function says.
 *
 * Since: 0.1
 */

/* What is in CoroOperation's priv. */
typedef struct
{
  CoroWaiter *waiter;           /* (nullable): parked in coro_operation_await() */
  CoroScheduler *scheduler;     /* (nullable) (unowned): whom virtual time waits for */
  gboolean begun;
} CoroOperationPrivate;

G_STATIC_ASSERT (sizeof (CoroOperationPrivate) <= sizeof (((CoroOperation *) NULL)->priv));

static inline CoroOperationPrivate *
get_private (CoroOperation *self)
{
  return (CoroOperationPrivate *) (gpointer) self->priv;
}

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
    priv->scheduler->n_external++;
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
  CoroOperationPrivate *priv = get_private (self);
  CoroWaiter *waiter = g_steal_pointer (&priv->waiter);

  g_return_if_fail (self->result == NULL);

  self->result = g_object_ref (result);
  if (priv->scheduler != NULL)
    priv->scheduler->n_external--;
  if (waiter != NULL)
    coro_waiter_signal (waiter);
}

static void
cancel_cb (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

/* Whoever is connected to the cancellable runs on the thread's own stack. */
static gboolean
operation_abort (gpointer    object,
                 CoroWaiter *waiter)
{
  coro_call_natively (cancel_cb, ((CoroOperation *) object)->cancellable);
  return FALSE;
}

static const CoroWaitClass operation_wait_class = { operation_abort, NULL, FALSE };

/* Whether the finish function is going to say that it was cancelled.  Unknown results
 * count as if: a request that is delivered twice would break the cleanup. */
static gboolean
operation_was_cancelled (CoroOperation *self)
{
  return g_cancellable_is_cancelled (self->cancellable) &&
         (!G_IS_TASK (self->result) || g_task_had_error (G_TASK (self->result)));
}

/* For who cannot be parked.  The caller is about to call a finish function, which needs a
 * result: blocking is the lesser evil. */
static void
operation_block (CoroOperation *self,
                 const GError  *error)
{
  g_critical ("An asynchronous call blocks: %s", error->message);

  while (self->result == NULL)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
}

/**
 * coro_operation_await: (skip)
 * @self: an operation whose call was made
 *
 * Waits for the callback.
 *
 * Callable from a coroutine, which it suspends. Cancellation cancels the
 * call and still waits for it; the finish function says so.
 *
 * There is always a result, and the finish function is always to be called.
 * Where nothing can be parked, outside a coroutine for example, a critical
 * is logged and the main context is iterated until the callback has come.
 *
 * Returns: (transfer none): the result, for the finish function
 *
 * Since: 0.1
 */
GAsyncResult *
coro_operation_await (CoroOperation *self)
{
  CoroOperationPrivate *priv = get_private (self);
  g_autoptr (GError) error = NULL;
  CoroWaiter waiter;

  g_return_val_if_fail (priv->begun, NULL);

  if (self->result != NULL)
    return self->result;

  if (!coro_waiter_init_uncancellable (&waiter, &error))
    {
      operation_block (self, error);
      return self->result;
    }

  priv->waiter = &waiter;
  coro_waiter_wait (&waiter, &operation_wait_class, self, NULL);
  if (coro_job_has_request (waiter.job) && operation_was_cancelled (self))
    waiter.job->cancel_pending = FALSE;
  return self->result;
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

  g_clear_object (&self->cancellable);
  g_clear_object (&self->result);
  *priv = (CoroOperationPrivate) { NULL, };
}
