/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-future.h"
#include "coro-thread.h"

G_BEGIN_DECLS

/**
 * CoroExecutorFlags:
 * @CORO_EXECUTOR_NONE: what has begun is always waited for
 * @CORO_EXECUTOR_ABANDON: what was submitted need not be waited for: a
 *   cancelled waiter goes on at once, and the end of a run drops it
 *
 * How a [class@Executor] ends what is under way.
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_EXECUTOR_NONE = 0,
  CORO_EXECUTOR_ABANDON = 1 << 0
} CoroExecutorFlags;

/**
 * CoroWorkFunc:
 * @user_data: what was passed along
 * @cancellable: cancelled when the future is
 * @result: an empty value, to store a result in; see [func@return_int] and
 *   its siblings
 * @error: return location for the reason of a failure
 *
 * What [method@Executor.submit] runs in a thread. It may block, and must not
 * call anything that suspends.
 *
 * Returns: %TRUE; %FALSE with @error set
 *
 * Since: 0.1
 */
typedef gboolean (*CoroWorkFunc) (gpointer       user_data,
                                  GCancellable  *cancellable,
                                  GValue        *result,
                                  GError       **error);

#define CORO_TYPE_EXECUTOR (coro_executor_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroExecutor, coro_executor, CORO, EXECUTOR, GObject)

CORO_AVAILABLE_IN_ALL
CoroExecutor *coro_executor_new              (guint                max_threads,
                                              CoroExecutorFlags    flags);
CORO_AVAILABLE_IN_ALL
CoroExecutor *coro_executor_get_default      (void);
CORO_AVAILABLE_IN_ALL
guint         coro_executor_get_max_threads  (CoroExecutor        *self);
CORO_AVAILABLE_IN_ALL
guint         coro_executor_count_threads    (CoroExecutor        *self);
CORO_AVAILABLE_IN_ALL
gpointer      coro_executor_run              (CoroExecutor        *self,
                                              CoroThreadFunc       func,
                                              gpointer             user_data,
                                              GDestroyNotify       destroy,
                                              GError             **error);
CORO_AVAILABLE_IN_ALL
CoroFuture   *coro_executor_submit           (CoroExecutor        *self,
                                              CoroWorkFunc         func,
                                              gpointer             user_data,
                                              GDestroyNotify       destroy) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean      coro_executor_shut_down        (CoroExecutor        *self,
                                              GError             **error);
CORO_AVAILABLE_IN_ALL
CoroFuture   *coro_executor_shut_down_future (CoroExecutor        *self);

/**
 * CoroExecutorGuard: (skip)
 *
 * A guard: an executor is shut down when the block of C is left, and all that
 * was given to it is done then.
 *
 * Since: 0.1
 */
typedef struct
{
  /*< private >*/
  CoroExecutor *executor;
} CoroExecutorGuard G_GNUC_UNUSED;

CORO_AVAILABLE_IN_ALL
CoroExecutorGuard coro_executor_enter (CoroExecutor       *self) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
void              coro_executor_exit  (CoroExecutorGuard  *guard);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CoroExecutorGuard, coro_executor_exit)

G_END_DECLS
