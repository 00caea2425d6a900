/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-future-private.h"

#include "fiber/coro-error.h"
#include "future/coro-future-callback-private.h"
#include "future/coro-future-link-private.h"
#include "scheduler/coro-cancel-private.h"
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
 * was made; callbacks run there.
 *
 * Since: 0.1
 */

/* Tells the owner that another thread has completed its future. */
typedef struct
{
  CoroMessage message;          /* first */
  CoroFuture *future;           /* (owned) */
} CoroFutureDone;

G_DEFINE_TYPE_WITH_CODE (CoroFuture, coro_future, G_TYPE_OBJECT,
                         G_ADD_PRIVATE (CoroFuture)
                         G_IMPLEMENT_INTERFACE (CORO_TYPE_AWAITABLE, coro_future_awaitable_init))

/* Where the private part is, for our other files. */
int coro_future_private_offset;

/* --- completion ------------------------------------------------------------------- */

/* Lets go of the hook, which there is. */
void
coro_future_release_hook (CoroFuturePrivate *priv)
{
  CoroFutureHook *hook = g_steal_pointer (&priv->hook);

  if (coro_scheduler_is_mine (priv->scheduler))
    hook->release (hook);
  else
    coro_scheduler_post (priv->scheduler, &hook->message);
}

static void
hook_message_cb (CoroMessage *message)
{
  CoroFutureHook *hook = (CoroFutureHook *) message;

  hook->release (hook);
}

/* Tells everybody who waits, first come first served.  On the owner's thread; runs no
 * code of theirs. */
static void
future_notify (CoroFuture *self)
{
  CoroFuturePrivate *priv = coro_future_private (self);
  CoroWaiter *waiter;

  if (priv->hook != NULL)
    coro_future_release_hook (priv);

  while ((waiter = coro_waiter_list_pop (&priv->waiters)) != NULL)
    coro_waiter_signal (waiter);

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
      if (G_IS_VALUE (value))
        g_value_unset (value);
      return FALSE;
    }

  priv->value = *value;
  *value = (GValue) G_VALUE_INIT;
  future_finish (self, CORO_FUTURE_RESOLVED);
  return TRUE;
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

static gboolean
coro_future_real_cancel (CoroFuture *self)
{
  return coro_future_set_cancelled (self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                                               "The future was cancelled"));
}

/* Ties `hook` to a future that was just made and that nobody else knows. */
void
coro_future_set_hook (CoroFuture     *self,
                      CoroFutureHook *hook)
{
  CoroFuturePrivate *priv = coro_future_private (self);

  g_assert (priv->hook == NULL);
  hook->message.handle = hook_message_cb;
  priv->hook = hook;
}

CoroScheduler *
coro_future_get_scheduler (CoroFuture *self)
{
  return coro_future_private (self)->scheduler;
}

/* Moves a future that was just made to another owner. */
void
coro_future_set_scheduler (CoroFuture    *self,
                           CoroScheduler *scheduler)
{
  g_set_object (&coro_future_private (self)->scheduler, scheduler);
}

/* --- object ----------------------------------------------------------------------- */

static void
coro_future_finalize (GObject *object)
{
  CoroFuture *self = CORO_FUTURE (object);
  CoroFuturePrivate *priv = coro_future_private (self);

  if (priv->hook != NULL)
    coro_future_release_hook (priv);
  if (priv->callbacks != NULL)
    coro_future_drop_callbacks (priv);

  if (priv->state == CORO_FUTURE_REJECTED && !priv->observed)
    g_warning ("Nobody has read the error of a %s: %s", G_OBJECT_TYPE_NAME (self), priv->error->message);

  if (G_IS_VALUE (&priv->value))
    g_value_unset (&priv->value);
  g_clear_error (&priv->error);
  g_object_unref (priv->scheduler);

  G_OBJECT_CLASS (coro_future_parent_class)->finalize (object);
}

static void
coro_future_class_init (CoroFutureClass *klass)
{
  coro_future_private_offset = CoroFuture_private_offset;
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
 * coro_future_resolve:
 * @self: a future
 * @value: (nullable): its value, copied; %NULL: done without one
 *
 * Completes the future with a value.
 *
 * Who waits for it is woken in the order of waiting, and runs later: no
 * code of theirs runs inside this call.
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
 * An error that nobody reads is logged when the future goes away.
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

/* A request to cancel, on its way to where code of others may run. */
typedef struct
{
  CoroMessage message;          /* first */
  CoroFuture *future;           /* (owned) */
  gboolean cancelled;
} CoroFutureCancel;

static void
cancel_call_cb (gpointer data)
{
  CoroFutureCancel *self = data;

  self->cancelled = CORO_FUTURE_GET_CLASS (self->future)->cancel (self->future);
}

static void
cancel_message_cb (CoroMessage *message)
{
  CoroFutureCancel *self = (CoroFutureCancel *) message;

  coro_call_natively (cancel_call_cb, self);
  g_object_unref (self->future);
  g_free (self);
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
      coro_call_natively (cancel_call_cb, &call);
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
  if (g_atomic_int_get (&priv->state) != CORO_FUTURE_RESOLVED || !G_IS_VALUE (&priv->value))
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
 * Whether somebody has asked for the result, or waits for it.
 *
 * An error that nobody has asked for is logged when the future goes away.
 * A language binding that can say more about it asks this, and then
 * [method@Future.get_error], which makes it count as read.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if the result is known to somebody
 *
 * Since: 0.1
 */
gboolean
coro_future_is_observed (CoroFuture *self)
{
  g_return_val_if_fail (CORO_IS_FUTURE (self), FALSE);

  return g_atomic_int_get (&coro_future_private (self)->observed);
}
