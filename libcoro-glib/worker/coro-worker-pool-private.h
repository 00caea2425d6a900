/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "worker/coro-worker-pool.h"

#include "scope/coro-cancel-scope.h"

G_BEGIN_DECLS

gboolean coro_worker_pool_try_spawn     (CoroWorkerPool   *self,
                                         int               worker,
                                         CoroFunc          func,
                                         gpointer          user_data,
                                         GDestroyNotify    destroy,
                                         const char       *site,
                                         CoroTask        **task,
                                         GError          **error);
gboolean coro_worker_pool_is_foreign    (CoroWorkerPool   *self);
gboolean coro_worker_pool_is_open       (CoroWorkerPool   *self);
gboolean coro_worker_pool_add_server    (CoroWorkerPool   *self,
                                         CoroCancelScope  *scope,
                                         CoroFuture       *ended);
void     coro_worker_pool_remove_server (CoroWorkerPool   *self,
                                         CoroCancelScope  *scope);

G_END_DECLS
