/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../scope/coro-spawn.h"
#include "../net/coro-socket-server.h"

G_BEGIN_DECLS

#define CORO_TYPE_WORKER_POOL (coro_worker_pool_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroWorkerPool, coro_worker_pool, CORO, WORKER_POOL, GObject)

/* For functions that take the number of a worker: the one with the fewest coroutines. */
#define CORO_WORKER_ANY (-1)

/**
 * coro_worker_pool_spawn: (skip)
 * @self: a pool
 * @func: the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * Runs a coroutine, without a handle, in the worker that has the fewest.
 *
 * Since: 0.1
 */
#define coro_worker_pool_spawn(self, func, user_data, destroy) \
  coro_worker_pool_spawn_at ((self), CORO_WORKER_ANY, (func), (user_data), (destroy), CORO_SPAWN_SITE (func))

/**
 * coro_worker_pool_spawn_task: (skip)
 * @self: a pool
 * @func: the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * Like [func@worker_pool_spawn], with a [class@Task] as the handle.
 *
 * Returns: (transfer full): the handle
 *
 * Since: 0.1
 */
#define coro_worker_pool_spawn_task(self, func, user_data, destroy) \
  coro_worker_pool_spawn_task_at ((self), CORO_WORKER_ANY, (func), (user_data), (destroy), CORO_SPAWN_SITE (func))

CORO_AVAILABLE_IN_ALL
CoroWorkerPool *coro_worker_pool_new              (guint             n_workers);
CORO_AVAILABLE_IN_ALL
guint           coro_worker_pool_get_n_workers    (CoroWorkerPool   *self);
CORO_AVAILABLE_IN_ALL
CoroScheduler  *coro_worker_pool_get_scheduler    (CoroWorkerPool   *self,
                                                   guint             worker);
CORO_AVAILABLE_IN_ALL
guint           coro_worker_pool_count_coroutines (CoroWorkerPool   *self,
                                                   int               worker);
CORO_AVAILABLE_IN_ALL
void            coro_worker_pool_spawn_at         (CoroWorkerPool   *self,
                                                   int               worker,
                                                   CoroFunc          func,
                                                   gpointer          user_data,
                                                   GDestroyNotify    destroy,
                                                   const char       *site);
CORO_AVAILABLE_IN_ALL
CoroTask       *coro_worker_pool_spawn_task_at    (CoroWorkerPool   *self,
                                                   int               worker,
                                                   CoroFunc          func,
                                                   gpointer          user_data,
                                                   GDestroyNotify    destroy,
                                                   const char       *site) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean        coro_worker_pool_serve            (CoroWorkerPool   *self,
                                                   GSocket          *socket,
                                                   CoroServeFunc     func,
                                                   gpointer          user_data,
                                                   GError          **error);
CORO_AVAILABLE_IN_ALL
gboolean        coro_worker_pool_shut_down        (CoroWorkerPool   *self,
                                                   GError          **error);

G_END_DECLS
