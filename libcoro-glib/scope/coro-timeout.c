/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-timeout.h"

#include "future/coro-future.h"
#include "scope/coro-cancel-scope-private.h"

static CoroTimeout
timeout_enter (gint64   deadline,
               GError **error)
{
  return (CoroTimeout) { coro_cancel_scope_enter_at (deadline, FALSE, "timeout", error) };
}

/**
 * coro_timeout_enter: (skip)
 * @duration: a time in µs; %G_MAXINT64: no limit
 * @error: (nullable): the caller's own error location
 *
 * Opens a guard: what the coroutine waits for until the guard is closed must
 * be over in time.
 *
 * ```c
 * g_auto (CoroTimeout) timeout = coro_timeout_enter (10 * G_TIME_SPAN_SECOND, error);
 * ```
 *
 * When the time is up, whatever the coroutine waits for fails with
 * %G_IO_ERROR_CANCELLED, and so does every later wait inside the guard. As
 * the guard is closed, on every path, a %G_IO_ERROR_CANCELLED of its own
 * making in @error becomes %G_IO_ERROR_TIMED_OUT; a cancellation from
 * outside, and any other error, stays what it is. A wait that was over before
 * the time was up keeps its result.
 *
 * Callable from a coroutine; never suspends. Guards nest and are closed in
 * the reverse order of opening.
 *
 * Semantics: asyncio's `timeout()`, on Trio's cancel scopes.
 *
 * Returns: the guard, for a `g_auto (CoroTimeout)`
 *
 * Since: 0.1
 */
CoroTimeout
coro_timeout_enter (GTimeSpan   duration,
                    GError    **error)
{
  return timeout_enter (coro_cancel_scope_time (duration), error);
}

/**
 * coro_deadline_enter: (skip)
 * @monotonic_time: a time in µs, of [method@Scheduler.get_time]
 * @error: (nullable): the caller's own error location
 *
 * [func@Timeout.enter] with a point in time.
 *
 * Callable from a coroutine; never suspends.
 *
 * Returns: the guard, for a `g_auto (CoroTimeout)`
 *
 * Since: 0.1
 */
CoroTimeout
coro_deadline_enter (gint64   monotonic_time,
                     GError **error)
{
  return timeout_enter (monotonic_time, error);
}

/**
 * coro_timeout_reschedule: (skip)
 * @self: an open guard
 * @duration: a time in µs from now; %G_MAXINT64: no limit
 *
 * Gives the guard another time, unless its time is already up: then waits inside
 * the guard go on failing, and the call returns %FALSE.
 *
 * Callable from the coroutine that opened it; never suspends.
 *
 * Returns: %FALSE if it came too late: the time was up
 *
 * Since: 0.1
 */
gboolean
coro_timeout_reschedule (CoroTimeout *self,
                         GTimeSpan    duration)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return coro_cancel_scope_set_timeout (&self->scope, duration);
}

/**
 * coro_timeout_get_deadline: (skip)
 * @self: a guard
 *
 * Gets when its time is up.
 *
 * Callable from the coroutine that opened it; never suspends.
 *
 * Returns: a time in µs, of [method@Scheduler.get_time]; %G_MAXINT64: never,
 *   or the guard is closed
 *
 * Since: 0.1
 */
gint64
coro_timeout_get_deadline (const CoroTimeout *self)
{
  g_return_val_if_fail (self != NULL, G_MAXINT64);

  return coro_cancel_scope_get_deadline (&self->scope);
}

/**
 * coro_timeout_is_expired: (skip)
 * @self: a guard, open or closed
 *
 * Whether its time is up, or was when it was closed.
 *
 * Callable from the coroutine that opened it; never suspends.
 *
 * Returns: %TRUE if it is up
 *
 * Since: 0.1
 */
gboolean
coro_timeout_is_expired (const CoroTimeout *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return coro_cancel_scope_is_expired (&self->scope);
}

/**
 * coro_timeout_exit: (skip)
 * @self: a guard
 *
 * Closes the guard; `g_auto` does it. Closing it twice is closing it once.
 *
 * Callable from the coroutine that opened it; never suspends.
 *
 * Since: 0.1
 */
void
coro_timeout_exit (CoroTimeout *self)
{
  if (coro_cancel_scope_catch (&self->scope))
    g_set_error_literal (self->scope.error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "The operation took too long");
}

/**
 * coro_wait_for: (skip)
 * @awaitable: (type Coro.Awaitable): what to wait for
 * @duration: a time in µs
 * @value: (out caller-allocates) (optional): an empty value, %G_VALUE_INIT,
 *   to copy the result into; stays empty if there is none
 * @error: return location for an error
 *
 * [func@await] that must be over in time.
 *
 * When it is not, @awaitable is cancelled unless others wait for it, and a
 * task is waited for until it has cleaned up.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable].
 *
 * @error can be set to %G_IO_ERROR_TIMED_OUT and to those of [func@await].
 *
 * Semantics: asyncio's `wait_for()`.
 *
 * Returns: %TRUE with the result; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_wait_for (gpointer    awaitable,
               GTimeSpan   duration,
               GValue     *value,
               GError    **error)
{
  GError *local_error = NULL;
  gboolean ok;

  /* Done in time is done, also when there is no time at all. */
  if (CORO_IS_FUTURE (awaitable) && coro_future_is_done (awaitable))
    return coro_await (awaitable, value, error);

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (duration, &local_error);

    ok = coro_await (awaitable, value, &local_error);
  }

  if (local_error != NULL)
    g_propagate_error (error, local_error);
  return ok;
}
