/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "future/coro-future-private.h"

G_BEGIN_DECLS

/* One coroutine waiting for one future, on the stack of the former. */
typedef struct
{
  CoroWaiter waiter;
  CoroMessage add;              /* to the future's thread, where that is another */
  CoroMessage remove;
  CoroMessage removed;          /* the answer: from here on nobody knows the link, unless it was kept */
  CoroFuture *future;           /* (owned) */
  gboolean propagate;           /* a cancel reaches the future, if nobody else wants it */
  gboolean is_removed;          /* the answer is here */
  gboolean is_kept;             /* the waiter is woken when the task has cleaned up; read after is_removed */
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
