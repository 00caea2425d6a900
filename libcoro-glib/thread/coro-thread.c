/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "thread/coro-thread.h"

#include "thread/coro-executor.h"

/**
 * coro_run_in_thread: (skip)
 * @func: (scope async): what to run
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data, in the calling thread
 * @error: return location for an error
 *
 * Runs a function that blocks or computes in a thread of a pool.
 *
 * The threads are those of the default [class@Executor], four more than there are
 * processors, 32 at the most; further calls wait for their turn. @func may wait for other
 * calls of this function.
 *
 * Callable from a coroutine, which it suspends. Cancellation cancels the
 * function's cancellable and still waits until the function has returned, so the
 * function may use data of the caller. A function that has not begun never runs.
 *
 * @error can be set to what @func fails with, to %G_IO_ERROR_CANCELLED, to
 * [error@Coro.Error.CLOSED] in a process that was forked meanwhile, to the errors of
 * [ctor@GLib.Thread.try_new] if there is no thread, and to the misuse errors of [func@await].
 *
 * Returns: (nullable) (transfer full): what @func returned; %NULL also
 *   with @error set
 *
 * Since: 0.1
 */
gpointer
coro_run_in_thread (CoroThreadFunc   func,
                    gpointer         user_data,
                    GDestroyNotify   destroy,
                    GError         **error)
{
  return coro_executor_run (coro_executor_get_default (), func, user_data, destroy, error);
}
