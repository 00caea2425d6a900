/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "flow/coro-context-manager.h"

#include "base/coro-error.h"
#include "flow/coro-exit-stack.h"
#include "scheduler/coro-job-private.h"
#include "scope/coro-shield.h"

/**
 * CoroContextManager:
 *
 * Something that is entered, worked in, and left on every path: a transaction,
 * a session, a mount. Entering and leaving may both wait.
 *
 * In C a `g_auto` guard of a type of its own is often shorter. The interface is
 * for what is passed around as an object, and for what decides by the error of
 * the work: commit or roll back, or declare an error to be none.
 *
 * [func@with] runs a function inside of one, `coro_exit_stack_push()` enters one
 * until a block of C is left.
 *
 * Semantics: Python's `async with`.
 *
 * Since: 0.1
 */

/* µs for leaving, when the coroutine was cancelled. */
#define EXIT_GRACE (5 * G_TIME_SPAN_SECOND)

G_DEFINE_INTERFACE (CoroContextManager, coro_context_manager, G_TYPE_OBJECT)

static void
coro_context_manager_default_init (CoroContextManagerInterface *iface)
{
}

/**
 * coro_context_manager_enter: (skip)
 * @self: (type Coro.ContextManager): a manager
 * @value: (out caller-allocates) (optional): an empty value, %G_VALUE_INIT, for
 *   what the manager gives; stays empty if it gives nothing
 * @error: return location for an error
 *
 * Enters. A caller that has entered must leave; [func@with] does both.
 *
 * Callable from a coroutine, which it may suspend. Cancellation: see
 * [iface@Awaitable].
 *
 * @error can be set to what the manager fails with.
 *
 * Returns: %TRUE if it was entered; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_context_manager_enter (gpointer   self,
                            GValue    *value,
                            GError   **error)
{
  CoroContextManagerInterface *iface;
  g_auto (GValue) unwanted = G_VALUE_INIT;

  g_return_val_if_fail (CORO_IS_CONTEXT_MANAGER (self), FALSE);
  g_return_val_if_fail (value == NULL || !G_IS_VALUE (value), FALSE);

  iface = CORO_CONTEXT_MANAGER_GET_IFACE (self);
  return iface->enter == NULL || iface->enter (self, value != NULL ? value : &unwanted, error);
}

/**
 * coro_context_manager_exit: (skip)
 * @self: (type Coro.ContextManager): a manager that was entered
 * @body_error: (nullable): what the work failed with
 * @suppress: (out) (optional): whether @body_error is to count as no error
 * @error: return location for an error
 *
 * Leaves. The manager may wait although the coroutine was cancelled, for some
 * seconds.
 *
 * Callable from the coroutine that has entered, which it may suspend.
 *
 * @error can be set to what the manager fails with.
 *
 * Returns: %TRUE if it was left; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_context_manager_exit (gpointer       self,
                           const GError  *body_error,
                           gboolean      *suppress,
                           GError       **error)
{
  g_auto (CoroShield) shield = { NULL };
  gboolean ignored = FALSE;

  g_return_val_if_fail (CORO_IS_CONTEXT_MANAGER (self), FALSE);

  if (suppress == NULL)
    suppress = &ignored;
  *suppress = FALSE;

  if (coro_job_get_running () != NULL)
    shield = coro_shield_enter (EXIT_GRACE);
  return CORO_CONTEXT_MANAGER_GET_IFACE (self)->exit (self, body_error, suppress, error);
}

/**
 * coro_with: (skip)
 * @manager: (type Coro.ContextManager): what to enter
 * @func: (scope call): the work
 * @user_data: what to pass to it
 * @error: return location for an error
 *
 * Enters @manager, runs @func, and leaves on every path.
 *
 * The manager is told what @func has failed with, cancellation included, and
 * may declare it to be no failure. If entering fails, nothing else is run.
 *
 * Callable from a coroutine, which it may suspend. Cancellation: see
 * [iface@Awaitable]; leaving may wait all the same.
 *
 * @error can be set to what @manager or @func fails with; to a
 * [error@Coro.GroupError] of both, in the order in which they came.
 *
 * Semantics: Python's `async with`.
 *
 * Returns: %TRUE on success, and if the manager takes the error away; %FALSE
 *   with @error set
 *
 * Since: 0.1
 */
gboolean
coro_with (gpointer       manager,
           CoroWithFunc   func,
           gpointer       user_data,
           GError       **error)
{
  g_auto (GValue) value = G_VALUE_INIT;
  GError *local_error = NULL;
  CoroExitStack stack = coro_exit_stack_enter (&local_error);

  g_return_val_if_fail (CORO_IS_CONTEXT_MANAGER (manager), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  if (coro_exit_stack_push (&stack, manager, &value) &&
      !func (&value, user_data, &local_error) && local_error == NULL)
    g_set_error_literal (&local_error, CORO_ERROR, CORO_ERROR_NO_RESULT, "The work failed and did not say why");

  if (coro_exit_stack_close (&stack))
    return TRUE;

  g_propagate_error (error, local_error);
  return FALSE;
}
