/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include <gio/gio.h>

#include "../coro-version-macros.h"

G_BEGIN_DECLS

/**
 * CoroWaitState:
 * @CORO_WAIT_READY: there is nothing to wait for
 * @CORO_WAIT_PENDING: the waiter will be woken
 *
 * What [vfunc@Awaitable.begin] answers.
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_WAIT_READY,
  CORO_WAIT_PENDING
} CoroWaitState;

/**
 * CoroAbort:
 * @CORO_ABORT_DONE: the wait is over and its waiter forgotten
 * @CORO_ABORT_LATER: the waiter will be woken when the wait is over
 *
 * What [vfunc@Awaitable.abort] answers.
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_ABORT_DONE,
  CORO_ABORT_LATER
} CoroAbort;

/**
 * CoroWaiter:
 *
 * A coroutine that waits. It lives on the stack of that coroutine.
 *
 * Since: 0.1
 */
typedef struct _CoroWaiter CoroWaiter;

#define CORO_TYPE_AWAITABLE (coro_awaitable_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_INTERFACE (CoroAwaitable, coro_awaitable, CORO, AWAITABLE, GObject)

/**
 * CoroAwaitableInterface:
 * @parent: the parent interface
 * @begin: registers a waiter, or says that there is nothing to wait for
 * @abort: ends a wait that @begin left pending
 * @finish: gives the result; may run many times.  After @abort has returned
 *   %CORO_ABORT_LATER, @finish either fails with %G_IO_ERROR_CANCELLED, which
 *   delivers the cancel request, or gives the result that came in spite of it;
 *   then the next wait fails
 * @undo: (nullable): puts back what a woken waiter was given
 *
 * What makes an object something that coroutines can wait for.
 *
 * All four run on the awaiting coroutine's stack, in its thread.
 *
 * Since: 0.1
 */
struct _CoroAwaitableInterface
{
  GTypeInterface parent;

  CoroWaitState (*begin)  (CoroAwaitable  *self,
                           CoroWaiter     *waiter);
  CoroAbort     (*abort)  (CoroAwaitable  *self,
                           CoroWaiter     *waiter);
  gboolean      (*finish) (CoroAwaitable  *self,
                           GValue         *result,
                           GError        **error);
  void          (*undo)   (CoroAwaitable  *self,
                           CoroWaiter     *waiter);

  /*< private >*/
  gpointer padding[6];
};

CORO_AVAILABLE_IN_ALL
void coro_waiter_wake (CoroWaiter *self);

CORO_AVAILABLE_IN_ALL
gboolean  coro_await         (gpointer     awaitable,
                              GValue      *value,
                              GError     **error);
CORO_AVAILABLE_IN_ALL
gboolean  coro_await_boolean (gpointer     awaitable,
                              GError     **error);
CORO_AVAILABLE_IN_ALL
int       coro_await_int     (gpointer     awaitable,
                              GError     **error);
CORO_AVAILABLE_IN_ALL
gint64    coro_await_int64   (gpointer     awaitable,
                              GError     **error);
CORO_AVAILABLE_IN_ALL
double    coro_await_double  (gpointer     awaitable,
                              GError     **error);
CORO_AVAILABLE_IN_ALL
char     *coro_await_string  (gpointer     awaitable,
                              GError     **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gpointer  coro_await_object  (gpointer     awaitable,
                              GError     **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gpointer  coro_await_boxed   (gpointer     awaitable,
                              GType        type,
                              GError     **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
GVariant *coro_await_variant (gpointer     awaitable,
                              GError     **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean  coro_join          (gpointer     awaitable,
                              GError     **error);

G_END_DECLS
