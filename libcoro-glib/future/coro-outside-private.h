/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "future/coro-future-private.h"

G_BEGIN_DECLS

/* One wait for a future from outside its main context.  It needs no turn of that context, which
 * may be blocked or never iterated: whatever completes the future tells it, in any thread.
 *
 * All but `tell` is guarded by a lock that all futures share. */
struct _CoroOutside
{
  CoroOutside *previous;        /* that of the first is the last */
  CoroOutside *next;
  gboolean told;                /* it has left the list for good, and is told, or is about to be */
  /* The future is done.  In any thread, without the lock; it may be freed from then on. */
  void (*tell) (CoroOutside *self);
};

gboolean coro_outside_add           (CoroOutside *self,
                                     CoroFuture  *future);
gboolean coro_outside_remove        (CoroOutside *self,
                                     CoroFuture  *future);
CoroOutside *coro_outside_take   (CoroOutside **slot,
                                  CoroFuture   *future);
void     coro_outside_forget     (CoroOutside **slot);
gboolean coro_outside_take_along    (CoroFuture  *future);
gboolean coro_outside_needs_answer  (CoroFuture  *future);
gboolean coro_outside_leave         (CoroOutside *self,
                                     CoroFuture  *future);

G_END_DECLS
