/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-future-private.h"

#include "base/coro-drop-private.h"
#include "base/coro-error.h"
#include "future/coro-future-callback-private.h"
#include "future/coro-future-link-private.h"
#include "scheduler/coro-revived-private.h"
#include "scheduler/coro-scheduler-private.h"

/**
 * CoroFuture:
 *
 * A result that is not there yet.
 *
 * A future is done once, by a value ([method@Future.resolve]), an error
 * ([method@Future.reject]) or cancellation ([method@Future.cancel]), from
 * any thread. Coroutines wait for it with [func@await], as often and as many
 * as they like: awaiting consumes nothing. Python and JavaScript say
 * `await future`.
 *
 * It belongs to the main context that was the thread-default one when it
 * was made; callbacks run there. An await in another context does not depend
 * on that one: it may be blocked, or iterated by nothing. Where such an await
 * is cancelled it ends at once, and the future that it takes along is cancelled
 * in its context, soon; only a task, or what else may have to clean up, is
 * waited for.
 *
 * Since: 0.1
 */

G_DEFINE_TYPE_WITH_CODE (CoroFuture, coro_future, G_TYPE_OBJECT,
                         G_ADD_PRIVATE (CoroFuture)
                         G_IMPLEMENT_INTERFACE (CORO_TYPE_AWAITABLE, coro_future_awaitable_init))

/* Where the private part is, for our other files. */
int coro_future_private_offset;

/* --- what it holds on to ---------------------------------------------------------- */

/* Lets go of the resource, which there is. */
void
coro_future_release_resource (CoroFuturePrivate *priv)
{
  CoroFutureResource *resource = g_steal_pointer (&priv->resource);

  if (coro_scheduler_is_mine (priv->scheduler))
    resource->release (resource);
  else
    coro_scheduler_post (priv->scheduler, &resource->message);
}

static void
resource_message_cb (CoroMessage *message)
{
  CoroFutureResource *resource = (CoroFutureResource *) message;

  resource->release (resource);
}

/* Ties `resource` to a future that was just made and that only the caller knows. */
void
coro_future_set_resource (CoroFuture         *self,
                          CoroFutureResource *resource)
{
  CoroFuturePrivate *priv = coro_future_private (self);

  g_assert (priv->resource == NULL);
  resource->message.handle = resource_message_cb;
  priv->resource = resource;
}

/* Moves a future that was just made to another owner. */
void
coro_future_set_scheduler (CoroFuture    *self,
                           CoroScheduler *scheduler)
{
  g_set_object (&coro_future_private (self)->scheduler, scheduler);
}

/* --- object ----------------------------------------------------------------------- */

/* All code that could complete the future has dropped it.  The callbacks are told, and keep the
 * future until they have been called. */
G_GNUC_NO_INLINE static void
future_dispose_pending (CoroFuture *self)
{
  CoroFuturePrivate *priv = coro_future_private (self);
  gboolean is_elsewhere = g_atomic_pointer_get (&priv->outside) != NULL || !coro_scheduler_is_mine (priv->scheduler);
  gboolean is_told = coro_future_set_cancelled (self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                                                           "The future was dropped before it was done"));

  G_OBJECT_CLASS (coro_future_parent_class)->dispose (G_OBJECT (self));

  if (is_told && is_elsewhere)
    coro_keep_revived (self);
}

static void
coro_future_dispose (GObject *object)
{
  CoroFuture *self = CORO_FUTURE (object);
  CoroFuturePrivate *priv = coro_future_private (self);

  coro_future_acquire (self);
  if (priv->callbacks != NULL || g_atomic_pointer_get (&priv->outside) != NULL)
    future_dispose_pending (self);
  else
    G_OBJECT_CLASS (coro_future_parent_class)->dispose (object);
}

static void
coro_future_finalize (GObject *object)
{
  CoroFuture *self = CORO_FUTURE (object);
  CoroFuturePrivate *priv = coro_future_private (self);

  coro_future_acquire (self);
  if (priv->resource != NULL)
    coro_future_release_resource (priv);
  if (priv->callbacks != NULL)
    coro_future_drop_callbacks (priv);

  if (priv->state == CORO_FUTURE_REJECTED && !priv->observed)
    g_warning ("The error of a %s was never retrieved: %s", G_OBJECT_TYPE_NAME (self), priv->error->message);

  g_clear_pointer (&priv->callback_index, g_hash_table_unref);
  coro_drop_value (&priv->value);
  g_clear_error (&priv->error);
  g_object_unref (priv->scheduler);

  G_OBJECT_CLASS (coro_future_parent_class)->finalize (object);
}

static void
coro_future_class_init (CoroFutureClass *klass)
{
  coro_future_private_offset = CoroFuture_private_offset;
  G_OBJECT_CLASS (klass)->dispose = coro_future_dispose;
  G_OBJECT_CLASS (klass)->finalize = coro_future_finalize;
  klass->cancel = coro_future_real_cancel;
  klass->cancel_anywhere = coro_future_real_cancel;
}

static void
coro_future_init (CoroFuture *self)
{
  CoroFuturePrivate *priv = coro_future_private (self);

  if (coro_scheduler_current != NULL)
    priv->scheduler = g_object_ref (coro_scheduler_current);
  else
    priv->scheduler = coro_scheduler_ref_for_context (NULL);
}

/**
 * coro_future_new:
 *
 * Makes a future that is not done, for the thread-default main context.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_future_new (void)
{
  return g_object_new (CORO_TYPE_FUTURE, NULL);
}

/**
 * coro_future_new_for_value:
 * @value: (nullable): a value; %NULL: none
 *
 * Makes a future that is done.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_future_new_for_value (const GValue *value)
{
  CoroFuture *self = coro_future_new ();

  coro_future_resolve (self, value);
  return self;
}

/**
 * coro_future_new_for_error:
 * @error: an error; copied
 *
 * Makes a future that has failed.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_future_new_for_error (const GError *error)
{
  CoroFuture *self;

  g_return_val_if_fail (error != NULL, NULL);

  self = coro_future_new ();
  coro_future_reject (self, g_error_copy (error));
  return self;
}

/**
 * coro_future_get_scheduler:
 * @self: a future
 *
 * Gets the scheduler of the main context that the future belongs to.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer none): the scheduler
 *
 * Since: 0.1
 */
CoroScheduler *
coro_future_get_scheduler (CoroFuture *self)
{
  g_return_val_if_fail (CORO_IS_FUTURE (self), NULL);

  return coro_future_private (self)->scheduler;
}

/**
 * coro_future_get_state:
 * @self: a future
 *
 * Gets whether, and how, the future is done.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: the state
 *
 * Since: 0.1
 */
CoroFutureState
coro_future_get_state (CoroFuture *self)
{
  int state;

  g_return_val_if_fail (CORO_IS_FUTURE (self), CORO_FUTURE_PENDING);

  state = g_atomic_int_get (&coro_future_private (self)->state);
  return coro_future_state_is_done (state) ? (CoroFutureState) state : CORO_FUTURE_PENDING;
}

/**
 * coro_future_is_done:
 * @self: a future
 *
 * Whether the future has a value or an error, or was cancelled.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if it is done
 *
 * Since: 0.1
 */
gboolean
coro_future_is_done (CoroFuture *self)
{
  g_return_val_if_fail (CORO_IS_FUTURE (self), FALSE);

  return coro_future_state_is_done (g_atomic_int_get (&coro_future_private (self)->state));
}

/**
 * coro_future_get_value:
 * @self: a future
 *
 * Gets the value of a future that has one.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (nullable) (transfer none): the value; %NULL while the future is
 *   not done, and if it has none
 *
 * Since: 0.1
 */
const GValue *
coro_future_get_value (CoroFuture *self)
{
  CoroFuturePrivate *priv;

  g_return_val_if_fail (CORO_IS_FUTURE (self), NULL);

  priv = coro_future_private (self);
  if (g_atomic_int_get (&priv->state) != CORO_FUTURE_RESOLVED || G_VALUE_TYPE (&priv->value) == 0)
    return NULL;
  return &priv->value;
}

/**
 * coro_future_get_error:
 * @self: a future
 *
 * Gets why the future has failed or was cancelled.
 *
 * The error counts as read.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (nullable) (transfer none): the error; %NULL while the future is
 *   not done, and if it has a value
 *
 * Since: 0.1
 */
const GError *
coro_future_get_error (CoroFuture *self)
{
  CoroFuturePrivate *priv;

  g_return_val_if_fail (CORO_IS_FUTURE (self), NULL);

  priv = coro_future_private (self);
  if (!coro_future_state_is_done (g_atomic_int_get (&priv->state)))
    return NULL;
  coro_future_observe (self);
  return priv->error;
}

/**
 * coro_future_get_result: (skip)
 * @self: a future
 * @value: (out caller-allocates) (optional): an empty value, %G_VALUE_INIT,
 *   to copy the result into; stays empty if there is none
 * @error: return location for an error
 *
 * Gets the result of a future that is done, without waiting.
 *
 * @error is set to the future's own, to %G_IO_ERROR_CANCELLED if it was
 * cancelled, or to [error@Coro.Error.NO_RESULT] if it is not done.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if the future has a value; %FALSE with @error set if not
 *
 * Since: 0.1
 */
gboolean
coro_future_get_result (CoroFuture  *self,
                        GValue      *value,
                        GError     **error)
{
  CoroFuturePrivate *priv;
  int state;

  g_return_val_if_fail (CORO_IS_FUTURE (self), FALSE);

  priv = coro_future_private (self);
  state = g_atomic_int_get (&priv->state);
  if (!coro_future_state_is_done (state))
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_NO_RESULT, "The future is not done");
      return FALSE;
    }

  return coro_future_copy_result (self, value, error);
}

/**
 * coro_future_is_observed:
 * @self: a future
 *
 * Whether the result was asked for, or is waited for.
 *
 * An error that was not asked for is logged when the future goes away.
 * A language binding that can say more about it asks this, and then
 * [method@Future.get_error], which makes it count as read.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if the result was or will be read
 *
 * Since: 0.1
 */
gboolean
coro_future_is_observed (CoroFuture *self)
{
  g_return_val_if_fail (CORO_IS_FUTURE (self), FALSE);

  return g_atomic_int_get (&coro_future_private (self)->observed);
}
