/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "future/coro-future.h"

#include "scheduler/coro-inbox-private.h"
#include "scheduler/coro-waiter-private.h"

G_BEGIN_DECLS

/* What a pending future holds on to: a timer, a signal handler.  Let go of on the owner's
 * thread as soon as the future is not pending any more, or when it is dropped. */
typedef struct _CoroFutureHook CoroFutureHook;
struct _CoroFutureHook
{
  CoroMessage message;
  void (*release) (CoroFutureHook *self);       /* frees it as well */
};

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
} CoroFutureLink;

void           coro_future_set_hook      (CoroFuture      *self,
                                          CoroFutureHook  *hook);
CoroScheduler *coro_future_get_scheduler (CoroFuture      *self);
void           coro_future_set_scheduler (CoroFuture      *self,
                                          CoroScheduler   *scheduler);
gboolean       coro_future_take_result   (CoroFuture      *self,
                                          GValue          *value);
gboolean       coro_future_set_cancelled (CoroFuture      *self,
                                          GError          *error);
void           coro_future_visit_awaited (CoroFuture     *self,
                                          void          (*func) (gpointer future, gpointer data),
                                          gpointer         data);
GListModel    *coro_gather_get_futures   (CoroFuture     *self);
void           coro_future_observe       (CoroFuture      *self);
gboolean       coro_future_link          (CoroFutureLink  *link,
                                          CoroFuture      *future,
                                          gboolean         propagate);
void           coro_future_unlink        (CoroFutureLink  *link);
gboolean       coro_future_await         (CoroFuture      *self,
                                          GValue          *value,
                                          GError         **error);
gboolean       coro_future_wait          (CoroFuture      *self,
                                          gboolean         propagate,
                                          GError         **error);

G_END_DECLS
