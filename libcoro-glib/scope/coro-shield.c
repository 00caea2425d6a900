/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-shield.h"

#include "scope/coro-cancel-scope-private.h"

/**
 * coro_shield_enter: (skip)
 * @grace: a time in µs; 0: no limit
 *
 * Opens a guard: until it is closed, the coroutine can wait although it was
 * cancelled or is being cancelled. It is for cleaning up.
 *
 * ```c
 * g_auto (CoroShield) shield = coro_shield_enter (5 * G_TIME_SPAN_SECOND);
 * ```
 *
 * After @grace, waiting inside fails with %G_IO_ERROR_CANCELLED after all, so
 * that a cleanup that hangs does not hold up the rest. What was held back is
 * delivered at the next wait after the guard.
 *
 * Callable from a coroutine; never suspends.
 *
 * Semantics: Trio's shielded cancel scope.
 *
 * Returns: the guard, for a `g_auto (CoroShield)`
 *
 * Since: 0.1
 */
CoroShield
coro_shield_enter (GTimeSpan grace)
{
  gint64 deadline = grace > 0 ? coro_cancel_scope_time (grace) : G_MAXINT64;

  return (CoroShield) { coro_cancel_scope_enter_at (deadline, TRUE, "shield", NULL) };
}

/**
 * coro_shield_exit: (skip)
 * @self: a guard
 *
 * Closes the guard; `g_auto` does it. Closing it twice is closing it once.
 *
 * Callable from the coroutine that opened it; never suspends.
 *
 * Since: 0.1
 */
void
coro_shield_exit (CoroShield *self)
{
  coro_cancel_scope_exit (&self->scope);
}
