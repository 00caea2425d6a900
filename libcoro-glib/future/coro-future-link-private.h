/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "future/coro-outside-private.h"

G_BEGIN_DECLS

typedef struct _CoroFutureAsk CoroFutureAsk;

/* One coroutine waiting for one future, on the stack of the former. */
typedef struct
{
  CoroWaiter waiter;
  CoroOutside outside;          /* for a future of another main context, instead of its list of waiters */
  CoroFuture *future;           /* (owned) */
  CoroFutureAsk *ask;           /* (nullable) (unowned): the question to the future's thread, until it has answered */
  gboolean propagate;           /* a cancel cancels the future, unless others wait for it */
  gboolean is_kept;             /* the answer: the waiter is woken when the task has cleaned up */
  gboolean is_external;         /* virtual time stands still during the wait */
} CoroFutureLink;

gboolean coro_future_link           (CoroFutureLink          *link,
                                     CoroFuture              *future,
                                     gboolean                 propagate);
void     coro_future_unlink         (CoroFutureLink          *link);
gboolean coro_future_await          (CoroFuture              *self,
                                     GValue                  *value,
                                     GError                 **error);
gboolean coro_future_wait           (CoroFuture              *self,
                                     gboolean                 propagate,
                                     GError                 **error);
void     coro_future_awaitable_init (CoroAwaitableInterface  *iface);

G_END_DECLS
