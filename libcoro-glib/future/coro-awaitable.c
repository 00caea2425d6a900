/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-awaitable.h"

#include "base/coro-error.h"
#include "future/coro-coroutine-private.h"
#include "future/coro-future-link-private.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-observer-private.h"
#include "scheduler/coro-scheduler-private.h"

/**
 * CoroAwaitable:
 *
 * What a coroutine can wait for.
 *
 * Futures, tasks and coroutine objects are awaitable. An object of your own
 * becomes so by this interface; see `examples/awaitable.c`.
 *
 * # Cancellation
 *
 * Every function that suspends can fail with %G_IO_ERROR_CANCELLED, because
 * the task has been cancelled, because a timeout, group or widget around
 * it has been cancelled, or at once, because that was so before. Cancelled
 * means that nothing was consumed: no item was taken, no lock is held.
 *
 * A request for one task ([method@Task.cancel]) is delivered once, as in
 * asyncio: having returned the error, the coroutine may wait again, to clean
 * up. Passing %NULL for the error does not consume the request: it is
 * delivered again at the next place. A cancelled scope stays cancelled:
 * everything in it that waits fails until the scope is left, except below a
 * [struct@Shield].
 *
 * Since: 0.1
 */

/* Bindings see no virtual functions: all of them run on the stack of a coroutine, where
 * code of theirs must not. */

/**
 * CoroAwaitableInterface::begin: (skip)
 */

/**
 * CoroAwaitableInterface::abort: (skip)
 */

/**
 * CoroAwaitableInterface::finish: (skip)
 */

/**
 * CoroAwaitableInterface::undo: (skip)
 */

G_DEFINE_INTERFACE (CoroAwaitable, coro_awaitable, G_TYPE_OBJECT)

static void
coro_awaitable_default_init (CoroAwaitableInterface *iface)
{
}

static gboolean
awaitable_abort (gpointer    object,
                 CoroWaiter *waiter)
{
  if (CORO_AWAITABLE_GET_IFACE (object)->abort (object, waiter) != CORO_ABORT_DONE)
    return FALSE;

  /* Another thread may have woken the waiter meanwhile; its message is a part of the waiter. */
  coro_scheduler_catch_up (coro_job_get_scheduler (waiter->job));
  return TRUE;
}

static gboolean
awaitable_undo (gpointer    object,
                CoroWaiter *waiter)
{
  CORO_AWAITABLE_GET_IFACE (object)->undo (object, waiter);
  return TRUE;
}

static gboolean
await_kept_interface (CoroAwaitable  *self,
                      GValue         *value,
                      GError        **error)
{
  CoroAwaitableInterface *iface = CORO_AWAITABLE_GET_IFACE (self);
  CoroWaitClass klass = { awaitable_abort, iface->undo != NULL ? awaitable_undo : NULL, FALSE };
  g_auto (GValue) scratch = G_VALUE_INIT;
  CoroWaiter waiter;

  g_return_val_if_fail (iface->begin != NULL && iface->abort != NULL && iface->finish != NULL, FALSE);

  if (!coro_waiter_init (&waiter, error))
    {
      if (CORO_IS_COROUTINE (self))
        coro_coroutine_mark_awaited (CORO_COROUTINE (self));
      return FALSE;
    }
  if (iface->begin (self, &waiter) == CORO_WAIT_PENDING &&
      !coro_waiter_wait (&waiter, &klass, self, error))
    return FALSE;

  if (iface->finish (self, value != NULL ? value : &scratch, error))
    return TRUE;
  if (error == NULL)
    return FALSE;

  /* If the awaitable ends the wait later, its own CANCELLED delivers the request. */
  if (waiter.aborted && coro_job_has_request (waiter.job) && coro_error_is_cancelled (*error))
    coro_job_consume_request (waiter.job);
  coro_observer_note_error (self, *error, TRUE);
  return FALSE;
}

/* Apart, so that what is done already is not saved registers for.  What ends the wait may drop the
 * awaitable in the same turn. */
G_NO_INLINE static gboolean
await_interface (CoroAwaitable  *self,
                 GValue         *value,
                 GError        **error)
{
  gboolean ok;

  g_object_ref (self);
  ok = await_kept_interface (self, value, error);
  coro_call_on_thread_stack (g_object_unref, self);
  return ok;
}

/**
 * coro_await: (skip)
 * @awaitable: (type Coro.Awaitable): what to wait for
 * @value: (out caller-allocates) (optional): an empty value, %G_VALUE_INIT,
 *   to copy the result into; stays empty if there is none
 * @error: return location for an error
 *
 * Waits until @awaitable is done, and gives its result.
 *
 * Python and JavaScript: `await awaitable`.
 *
 * Suspends the calling coroutine unless @awaitable is done. Outside of a
 * coroutine the await only succeeds if @awaitable is done.
 *
 * Cancellation: see [iface@Awaitable]. If this coroutine alone waits for a
 * future or task, the future or task is cancelled too; a task may then clean up
 * first, and its outcome is the outcome of the await. [func@join] does not
 * cancel the task.
 *
 * Nothing is consumed: @awaitable stays with the caller and can be awaited
 * again.
 *
 * @error can be set to the error of @awaitable, and to
 * %G_IO_ERROR_CANCELLED, [error@Coro.Error.NOT_IN_COROUTINE],
 * [error@Coro.Error.NESTED_LOOP], [error@Coro.Error.FOREIGN_FRAME] or, for a
 * task that would wait for itself, directly or through a circle of tasks,
 * [error@Coro.Error.PROTOCOL].
 *
 * Returns: %TRUE with the result; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_await (gpointer   awaitable,
            GValue    *value,
            GError   **error)
{
  if (G_LIKELY (CORO_IS_FUTURE (awaitable)))
    return coro_future_await (awaitable, value, error);

  g_return_val_if_fail (CORO_IS_AWAITABLE (awaitable), FALSE);

  return await_interface (awaitable, value, error);
}

/**
 * coro_join: (skip)
 * @awaitable: (type Coro.Awaitable): what to wait for
 * @error: return location for an error
 *
 * Waits until a future or task is done, and leaves it alone.
 *
 * Unlike with [func@await], a cancellation of the caller does not reach
 * @awaitable, and its failure is not the caller's: ask it for its result.
 *
 * Suspends the calling coroutine unless @awaitable is done.
 *
 * @error can be set to %G_IO_ERROR_CANCELLED and to the misuse errors of
 * [func@await].
 *
 * Returns: %TRUE once it is done; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_join (gpointer   awaitable,
           GError   **error)
{
  g_return_val_if_fail (CORO_IS_FUTURE (awaitable), FALSE);

  return coro_future_wait (awaitable, FALSE, error);
}

/* Awaits a value of `type`; one of another type is an error, and no value is NULL for
 * the types that have one. */
static gboolean
await_typed (gpointer   awaitable,
             GType      type,
             GValue    *value,
             GError   **error)
{
  if (!coro_await (awaitable, value, error))
    return FALSE;
  if (G_VALUE_HOLDS (value, type))
    return TRUE;

  g_set_error (error, CORO_ERROR, CORO_ERROR_TYPE_MISMATCH, "The result is %s, not of type %s",
               G_IS_VALUE (value) ? G_VALUE_TYPE_NAME (value) : "empty", g_type_name (type));
  return FALSE;
}

/**
 * coro_await_boolean: (skip)
 * @awaitable: (type Coro.Awaitable): what to wait for
 * @error: return location for an error
 *
 * [func@await] for a boolean.
 *
 * @error can also be [error@Coro.Error.TYPE_MISMATCH].
 *
 * Returns: the result; `FALSE` with @error set
 *
 * Since: 0.1
 */
gboolean
coro_await_boolean (gpointer   awaitable,
                    GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (!await_typed (awaitable, G_TYPE_BOOLEAN, &value, error))
    return FALSE;
  return g_value_get_boolean (&value);
}

/**
 * coro_await_int: (skip)
 * @awaitable: (type Coro.Awaitable): what to wait for
 * @error: return location for an error
 *
 * [func@await] for an integer.
 *
 * @error can also be [error@Coro.Error.TYPE_MISMATCH].
 *
 * Returns: the result; `0` with @error set
 *
 * Since: 0.1
 */
int
coro_await_int (gpointer   awaitable,
                GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (!await_typed (awaitable, G_TYPE_INT, &value, error))
    return 0;
  return g_value_get_int (&value);
}

/**
 * coro_await_int64: (skip)
 * @awaitable: (type Coro.Awaitable): what to wait for
 * @error: return location for an error
 *
 * [func@await] for a 64-bit integer.
 *
 * @error can also be [error@Coro.Error.TYPE_MISMATCH].
 *
 * Returns: the result; `0` with @error set
 *
 * Since: 0.1
 */
gint64
coro_await_int64 (gpointer   awaitable,
                  GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (!await_typed (awaitable, G_TYPE_INT64, &value, error))
    return 0;
  return g_value_get_int64 (&value);
}

/**
 * coro_await_double: (skip)
 * @awaitable: (type Coro.Awaitable): what to wait for
 * @error: return location for an error
 *
 * [func@await] for a floating-point number.
 *
 * @error can also be [error@Coro.Error.TYPE_MISMATCH].
 *
 * Returns: the result; `0.0` with @error set
 *
 * Since: 0.1
 */
double
coro_await_double (gpointer   awaitable,
                   GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (!await_typed (awaitable, G_TYPE_DOUBLE, &value, error))
    return 0.0;
  return g_value_get_double (&value);
}

/**
 * coro_await_string: (skip)
 * @awaitable: (type Coro.Awaitable): what to wait for
 * @error: return location for an error
 *
 * [func@await] for a string.
 *
 * @error can also be [error@Coro.Error.TYPE_MISMATCH].
 *
 * Returns: (nullable) (transfer full): the result; %NULL with @error set
 *
 * Since: 0.1
 */
char *
coro_await_string (gpointer   awaitable,
                   GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (!await_typed (awaitable, G_TYPE_STRING, &value, error))
    return NULL;
  return g_value_dup_string (&value);
}

/**
 * coro_await_object: (skip)
 * @awaitable: (type Coro.Awaitable): what to wait for
 * @error: return location for an error
 *
 * [func@await] for an object.
 *
 * @error can also be [error@Coro.Error.TYPE_MISMATCH].
 *
 * Returns: (nullable) (transfer full) (type GObject.Object): the result; %NULL with @error set
 *
 * Since: 0.1
 */
gpointer
coro_await_object (gpointer   awaitable,
                   GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (!await_typed (awaitable, G_TYPE_OBJECT, &value, error))
    return NULL;
  return g_value_dup_object (&value);
}

/**
 * coro_await_variant: (skip)
 * @awaitable: (type Coro.Awaitable): what to wait for
 * @error: return location for an error
 *
 * [func@await] for a variant.
 *
 * @error can also be [error@Coro.Error.TYPE_MISMATCH].
 *
 * Returns: (nullable) (transfer full): the result; %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
coro_await_variant (gpointer   awaitable,
                    GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (!await_typed (awaitable, G_TYPE_VARIANT, &value, error))
    return NULL;
  return g_value_dup_variant (&value);
}

/**
 * coro_await_boxed: (skip)
 * @awaitable: (type Coro.Awaitable): what to wait for
 * @type: the type of the result
 * @error: return location for an error
 *
 * [func@await] for a boxed value.
 *
 * @error can also be [error@Coro.Error.TYPE_MISMATCH].
 *
 * Returns: (nullable) (transfer full): the result; %NULL with @error set
 *
 * Since: 0.1
 */
gpointer
coro_await_boxed (gpointer   awaitable,
                  GType      type,
                  GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_return_val_if_fail (g_type_is_a (type, G_TYPE_BOXED), NULL);

  if (!await_typed (awaitable, type, &value, error))
    return NULL;
  return g_value_dup_boxed (&value);
}
