/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-future-private.h"

#include "base/coro-container-private.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"

/* A request to cancel, on its way to where code of others may run. */
typedef struct
{
  CoroMessage message;          /* first */
  CoroReady ready;
  CoroFuture *future;           /* (owned) */
  gboolean cancelled;
} CoroFutureCancel;

/* Cancelling as it is for futures that are nothing more. */
gboolean
coro_future_real_cancel (CoroFuture *self)
{
  return coro_future_set_cancelled (self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                                               "The future was cancelled"));
}

static void
cancel_call_cb (gpointer data)
{
  CoroFutureCancel *self = data;

  self->cancelled = CORO_FUTURE_GET_CLASS (self->future)->cancel (self->future);
}

static void
cancel_ready_cb (CoroReady *ready)
{
  CoroFutureCancel *self = CORO_CONTAINER_OF (ready, CoroFutureCancel, ready);

  cancel_call_cb (self);
  g_object_unref (self->future);
  g_free (self);
}

/* A future that outlives its scheduler can still be cancelled. */
static const CoroReadyClass cancel_class = { cancel_ready_cb, cancel_ready_cb };

/* No foreign code runs between two messages. */
static void
cancel_message_cb (CoroMessage *message)
{
  CoroFutureCancel *self = (CoroFutureCancel *) message;

  self->ready.klass = &cancel_class;
  coro_scheduler_push (coro_future_private (self->future)->scheduler, &self->ready);
}

/* A subclass may be written in a language whose code starts on no other stack and in no
 * other thread. */
static gboolean
future_cancel_subclass (CoroFuture *self)
{
  CoroFuturePrivate *priv = coro_future_private (self);
  CoroFutureCancel *request;
  CoroFutureCancel call = { .future = self };

  if (coro_scheduler_is_mine (priv->scheduler))
    {
      coro_call_on_thread_stack (cancel_call_cb, &call);
      return call.cancelled;
    }

  request = g_new0 (CoroFutureCancel, 1);
  request->message.handle = cancel_message_cb;
  request->future = g_object_ref (self);
  coro_scheduler_post (priv->scheduler, &request->message);
  return !coro_future_is_done (self);
}

/**
 * coro_future_cancel: (virtual cancel)
 * @self: a future
 *
 * Cancels what the future stands for.
 *
 * A plain future is done at once. A [class@Task] only gets the request, as
 * [method@Task.cancel] has it, and is done when its coroutine has ended. What
 * a subclass does runs on the thread of the future's main context, on its
 * own stack: at once from there, else soon.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if the future was not done
 *
 * Since: 0.1
 */
gboolean
coro_future_cancel (CoroFuture *self)
{
  CoroFutureClass *klass;

  g_return_val_if_fail (CORO_IS_FUTURE (self), FALSE);

  klass = CORO_FUTURE_GET_CLASS (self);
  if (G_LIKELY ((gpointer) klass->cancel == klass->cancel_anywhere))
    return klass->cancel (self);
  return future_cancel_subclass (self);
}
