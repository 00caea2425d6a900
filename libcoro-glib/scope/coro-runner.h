/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-coroutine.h"
#include "../scheduler/coro-scheduler.h"

G_BEGIN_DECLS

/**
 * CoroRunnerState:
 * @CORO_RUNNER_CREATED: it can run something
 * @CORO_RUNNER_RUNNING: it is running a main coroutine
 * @CORO_RUNNER_SHUTTING_DOWN: it is ending what was left
 * @CORO_RUNNER_CLOSED: it runs nothing any more
 *
 * The states of a [class@Runner].
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_RUNNER_CREATED,
  CORO_RUNNER_RUNNING,
  CORO_RUNNER_SHUTTING_DOWN,
  CORO_RUNNER_CLOSED
} CoroRunnerState;

#define CORO_TYPE_RUNNER (coro_runner_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroRunner, coro_runner, CORO, RUNNER, GObject)

CORO_AVAILABLE_IN_ALL
CoroRunner      *coro_runner_new             (void) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean         coro_runner_run             (CoroRunner     *self,
                                              CoroFunc        func,
                                              gpointer        user_data,
                                              GValue         *result,
                                              GError        **error);
CORO_AVAILABLE_IN_ALL
gboolean         coro_runner_run_coroutine   (CoroRunner     *self,
                                              CoroCoroutine  *coroutine,
                                              GValue         *result,
                                              GError        **error);
CORO_AVAILABLE_IN_ALL
gboolean         coro_runner_was_interrupted (CoroRunner     *self);
CORO_AVAILABLE_IN_ALL
CoroRunnerState  coro_runner_get_state       (CoroRunner     *self);
CORO_AVAILABLE_IN_ALL
CoroScheduler   *coro_runner_get_scheduler   (CoroRunner     *self);
CORO_AVAILABLE_IN_ALL
void             coro_runner_close           (CoroRunner     *self);

G_END_DECLS
