/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "future/coro-future-private.h"

#include "scheduler/coro-job-private.h"

G_BEGIN_DECLS

typedef void (*CoroAwaitedFunc)    (gpointer  future,
                                    gpointer  data);
typedef void (*CoroAwaitedJobFunc) (CoroJob  *job,
                                    gpointer  data);

void     coro_job_foreach_awaited (CoroJob             *self,
                                   CoroAwaitedFunc      func,
                                   CoroAwaitedJobFunc   job_func,
                                   gpointer             data);
gboolean coro_job_check_cycle     (CoroJob             *self,
                                   CoroFuture          *future,
                                   GError             **error);

G_END_DECLS
