/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-future.h"

G_BEGIN_DECLS

/* A guard: one call of an `_async`/`_finish` pair that a coroutine waits for. */
typedef struct
{
  /*< private >*/
  GCancellable *cancellable;
  GAsyncResult *result;
  gpointer priv[6];
} CoroOperation;

#define CORO_OPERATION_INIT { NULL, NULL, { NULL, } }

CORO_AVAILABLE_IN_ALL
GCancellable *coro_operation_begin (CoroOperation  *self);
CORO_AVAILABLE_IN_ALL
void          coro_operation_ready (GObject        *source,
                                    GAsyncResult   *result,
                                    gpointer        operation);
CORO_AVAILABLE_IN_ALL
GAsyncResult *coro_operation_await (CoroOperation  *self);
CORO_AVAILABLE_IN_ALL
GAsyncResult *coro_operation_await_call (CoroOperation *self);
CORO_AVAILABLE_IN_ALL
void          coro_operation_clear (CoroOperation  *self);

CORO_AVAILABLE_IN_ALL
void          coro_future_watch_call (CoroFuture     *self,
                                      GCancellable   *cancellable);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CoroOperation, coro_operation_clear)

/**
 * CORO_CALL: (skip)
 * @op: a pointer to a `g_auto (CoroOperation)`
 * @begin: a function whose last three parameters are cancellable, callback and user data
 * @...: its parameters before those
 *
 * Starts @begin, waits for its callback and gives the [iface@Gio.AsyncResult]
 * for the matching finish function. If @begin has failed a precondition and will
 * never call back, the finish function fails with [error@Coro.Error.NO_RESULT].
 *
 * Since: 0.1
 */
#define CORO_CALL(op, begin, ...) \
  (begin (__VA_ARGS__, coro_operation_begin (op), coro_operation_ready, (op)), coro_operation_await_call (op))

G_END_DECLS
