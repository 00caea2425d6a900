/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-future.h"
#include "coro-return.h"

G_BEGIN_DECLS

/**
 * CoroCoroutineState:
 * @CORO_COROUTINE_CREATED: the body has not started
 * @CORO_COROUTINE_RUNNING: the body runs right now
 * @CORO_COROUTINE_SUSPENDED: the body waits for something
 * @CORO_COROUTINE_CLOSED: the body has ended, or never will run
 *
 * The states of a `CoroCoroutine`.
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_COROUTINE_CREATED,
  CORO_COROUTINE_RUNNING,
  CORO_COROUTINE_SUSPENDED,
  CORO_COROUTINE_CLOSED
} CoroCoroutineState;

#define CORO_TYPE_COROUTINE (coro_coroutine_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroCoroutine, coro_coroutine, CORO, COROUTINE, GObject)

/**
 * coro_coroutine_new: (skip)
 * @func: the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * `coro_coroutine_new_named()` with the name of the function.
 *
 * Since: 0.1
 */
#define coro_coroutine_new(func, user_data, destroy) \
  coro_coroutine_new_named ((func), (user_data), (destroy), #func)

CORO_AVAILABLE_IN_ALL
CoroCoroutine      *coro_coroutine_new_named (CoroFunc        func,
                                              gpointer        user_data,
                                              GDestroyNotify  destroy,
                                              const char     *name) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
CoroCoroutineState  coro_coroutine_get_state (CoroCoroutine  *self);
CORO_AVAILABLE_IN_ALL
const char         *coro_coroutine_get_name  (CoroCoroutine  *self);
CORO_AVAILABLE_IN_ALL
gboolean            coro_coroutine_close     (CoroCoroutine  *self,
                                              GError        **error);

CORO_AVAILABLE_IN_ALL
gboolean            coro_coroutine_resume    (CoroCoroutine  *self,
                                              const GValue   *sent,
                                              GValue         *value,
                                              GError        **error);
CORO_AVAILABLE_IN_ALL
gboolean            coro_suspend             (const GValue   *value,
                                              GValue         *sent,
                                              GError        **error);

G_END_DECLS
