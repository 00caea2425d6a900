/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "thread/coro-executor.h"
#include "thread/coro-thread-pool-private.h"

G_BEGIN_DECLS

CoroFuture *coro_work_submit (CoroThreadPool *threads,
                              gboolean        abandon,
                              CoroWorkFunc    func,
                              gpointer        user_data,
                              GDestroyNotify  destroy);

G_END_DECLS
