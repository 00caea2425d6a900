/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-future-private.h"

#include "future/coro-future-callback-private.h"
#include "scheduler/coro-scheduler-private.h"

/* Tells the owner that another thread has completed its future. */
typedef struct
{
  CoroMessage message;          /* first */
  CoroFuture *future;           /* (owned) */
} CoroFutureDone;

/* Tells all that wait in the main context of the future, first come first served.  On the
 * owner's thread; runs no code of theirs. */
static void
future_notify (CoroFuture *self)
{
  CoroFuturePrivate *priv = coro_future_private (self);
  CoroWaiter *waiter;

  if (priv->resource != NULL)
    coro_future_release_resource (priv);

  while ((waiter = coro_waiter_list_pop (&priv->waiters)) != NULL)
    coro_waiter_wake (waiter);

  if (priv->callbacks != NULL)
    coro_future_call_callbacks (self);
}

static void
done_message_cb (CoroMessage *message)
{
  CoroFutureDone *done = (CoroFutureDone *) message;

  future_notify (done->future);
  g_object_unref (done->future);
  g_free (done);
}

/* The right to complete the future; one caller gets it, once. */
static gboolean
future_claim (CoroFuturePrivate *priv)
{
  return g_atomic_int_compare_and_exchange (&priv->state, CORO_FUTURE_PENDING, CORO_FUTURE_CLAIMED);
}

/* Publishes what the claimer has stored. */
static void
future_finish (CoroFuture      *self,
               CoroFutureState  state)
{
  CoroFuturePrivate *priv = coro_future_private (self);

  g_atomic_int_set (&priv->state, (int) state);
  if (G_UNLIKELY (g_atomic_pointer_get (&priv->outside) != NULL))
    coro_future_tell_outside (priv);

  if (G_LIKELY (coro_scheduler_is_mine (priv->scheduler)))
    {
      future_notify (self);
    }
  else
    {
      CoroFutureDone *done = g_new0 (CoroFutureDone, 1);

      done->message.handle = done_message_cb;
      done->future = g_object_ref (self);
      coro_scheduler_post (priv->scheduler, &done->message);
    }
}

/* Completes the future with `value`, which is taken and left empty; an empty one is no
 * value. */
gboolean
coro_future_take_result (CoroFuture *self,
                         GValue     *value)
{
  CoroFuturePrivate *priv = coro_future_private (self);

  if (!future_claim (priv))
    {
      if (G_VALUE_TYPE (value) != 0)
        g_value_unset (value);
      return FALSE;
    }

  priv->value = *value;
  *value = (GValue) G_VALUE_INIT;
  future_finish (self, CORO_FUTURE_RESOLVED);
  return TRUE;
}

/* Gives the error of a future that has failed. */
void
coro_future_copy_error (CoroFuture  *self,
                        GError     **error)
{
  if (error == NULL)
    return;

  *error = g_error_copy (coro_future_private (self)->error);
  coro_observer_note_error (self, *error, TRUE);
}

/* Completes the future as cancelled, for the reason `error`, which is taken. */
gboolean
coro_future_set_cancelled (CoroFuture *self,
                           GError     *error)
{
  CoroFuturePrivate *priv = coro_future_private (self);

  if (!future_claim (priv))
    {
      g_error_free (error);
      return FALSE;
    }

  priv->error = error;
  future_finish (self, CORO_FUTURE_CANCELLED);
  return TRUE;
}

/**
 * coro_future_resolve:
 * @self: a future
 * @value: (nullable): its value, copied; %NULL: done without one
 *
 * Completes the future with a value.
 *
 * Its waiters are woken in the order of waiting, and run later: none of their
 * code runs inside this call.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if the future is done by this call, %FALSE if it was before
 *
 * Since: 0.1
 */
gboolean
coro_future_resolve (CoroFuture   *self,
                     const GValue *value)
{
  GValue copy = G_VALUE_INIT;

  g_return_val_if_fail (CORO_IS_FUTURE (self), FALSE);

  if (value != NULL && G_IS_VALUE (value))
    {
      g_value_init (&copy, G_VALUE_TYPE (value));
      g_value_copy (value, &copy);
    }
  return coro_future_take_result (self, &copy);
}

/**
 * coro_future_resolve_eager:
 * @self: a future
 * @value: (nullable): its value, copied; %NULL: done without one
 *
 * Resolves the future like [method@Future.resolve]; in addition the coroutine
 * that has waited longest goes on inside this call, until it waits again. So a
 * signal handler can leave work to a coroutine that must be done before the
 * handler returns: before a frame is laid out, say. Other waiting coroutines run
 * later.
 *
 * The first coroutine runs later, too, if the future belongs to another thread,
 * or if 64 coroutines already run inside each other.
 *
 * Callable from any thread, but not from a finaliser, because foreign code runs
 * inside. Never suspends.
 *
 * Returns: %TRUE if the future is done by this call, %FALSE if it was before
 *
 * Since: 0.1
 */
gboolean
coro_future_resolve_eager (CoroFuture   *self,
                           const GValue *value)
{
  CoroFuturePrivate *priv;
  CoroScheduler *scheduler;
  CoroJob *job = NULL;

  g_return_val_if_fail (CORO_IS_FUTURE (self), FALSE);

  priv = coro_future_private (self);
  scheduler = priv->scheduler;
  if (coro_scheduler_is_mine (scheduler) && priv->waiters.head != NULL)
    job = priv->waiters.head->job;
  if (!coro_future_resolve (self, value))
    return FALSE;

  if (job != NULL && coro_job_dequeue (job) && !coro_scheduler_run_now (scheduler, job))
    coro_job_make_ready (job);
  return TRUE;
}

/**
 * coro_future_resolve_boolean:
 * @self: a future
 * @value: a boolean
 *
 * [method@Future.resolve] with a value of this type.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if the future is done by this call, %FALSE if it was before
 *
 * Since: 0.1
 */
gboolean
coro_future_resolve_boolean (CoroFuture *self,
                             gboolean value)
{
  GValue copy = G_VALUE_INIT;

  g_return_val_if_fail (CORO_IS_FUTURE (self), FALSE);

  g_value_init (&copy, G_TYPE_BOOLEAN);
  g_value_set_boolean (&copy, value);
  return coro_future_take_result (self, &copy);
}

/**
 * coro_future_resolve_int:
 * @self: a future
 * @value: an integer
 *
 * [method@Future.resolve] with a value of this type.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if the future is done by this call, %FALSE if it was before
 *
 * Since: 0.1
 */
gboolean
coro_future_resolve_int (CoroFuture *self,
                         int value)
{
  GValue copy = G_VALUE_INIT;

  g_return_val_if_fail (CORO_IS_FUTURE (self), FALSE);

  g_value_init (&copy, G_TYPE_INT);
  g_value_set_int (&copy, value);
  return coro_future_take_result (self, &copy);
}

/**
 * coro_future_resolve_string:
 * @self: a future
 * @value: (nullable): a string; copied
 *
 * [method@Future.resolve] with a value of this type.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if the future is done by this call, %FALSE if it was before
 *
 * Since: 0.1
 */
gboolean
coro_future_resolve_string (CoroFuture *self,
                            const char *value)
{
  GValue copy = G_VALUE_INIT;

  g_return_val_if_fail (CORO_IS_FUTURE (self), FALSE);

  g_value_init (&copy, G_TYPE_STRING);
  g_value_set_string (&copy, value);
  return coro_future_take_result (self, &copy);
}

/**
 * coro_future_resolve_object:
 * @self: a future
 * @object: (nullable) (type GObject.Object): an object
 *
 * [method@Future.resolve] with a value of this type.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if the future is done by this call, %FALSE if it was before
 *
 * Since: 0.1
 */
gboolean
coro_future_resolve_object (CoroFuture *self,
                            gpointer    object)
{
  GValue copy = G_VALUE_INIT;

  g_return_val_if_fail (CORO_IS_FUTURE (self), FALSE);

  g_value_init (&copy, object != NULL ? G_OBJECT_TYPE (object) : G_TYPE_OBJECT);
  g_value_set_object (&copy, object);
  return coro_future_take_result (self, &copy);
}

/**
 * coro_future_reject:
 * @self: a future
 * @error: (transfer full): why it has failed
 *
 * Completes the future with an error.
 *
 * An error that is not read is logged when the future goes away.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if the future is done by this call, %FALSE if it was before
 *
 * Since: 0.1
 */
gboolean
coro_future_reject (CoroFuture *self,
                    GError     *error)
{
  CoroFuturePrivate *priv;

  g_return_val_if_fail (CORO_IS_FUTURE (self), FALSE);
  g_return_val_if_fail (error != NULL, FALSE);

  priv = coro_future_private (self);
  if (!future_claim (priv))
    {
      g_error_free (error);
      return FALSE;
    }

  priv->error = error;
  future_finish (self, CORO_FUTURE_REJECTED);
  return TRUE;
}
