/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One listening socket whose connections all workers of a pool serve.
 */
#include "config.h"

#include "worker/coro-worker-pool-private.h"

#include "base/coro-error.h"
#include "base/coro-fork-private.h"
#include "future/coro-future-private.h"
#include "net/coro-socket-private.h"
#include "scheduler/coro-job-private.h"
#include "scope/coro-shield.h"

#include <unistd.h>

typedef struct _CoroPoolConnection CoroPoolConnection;

/* One call of coro_worker_pool_serve(). */
typedef struct
{
  int ref_count;                /* (atomic): the call's and the connections' */
  int n_open;                   /* (atomic): the same, as long as they go on */
  CoroWorkerPool *pool;         /* (unowned): the caller's */
  CoroServeFunc func;
  gpointer user_data;
  CoroFuture *ended;            /* (owned): nothing is open any more, or the pool has no workers */
  CoroObjectLock lock;
  gboolean stopped;             /* guarded by lock */
  int n_starved;                /* (atomic): connections that wait for a stack */
  CoroPoolConnection *connections;      /* (nullable) (unowned): those that have begun; guarded by lock */
} CoroPoolServer;

/* Made by the accepting coroutine, run and freed in a worker. */
struct _CoroPoolConnection
{
  CoroConnection connection;
  CoroPoolServer *server;       /* (owned) */
  gboolean begun;
  guint n_refused;              /* workers that had no stack for this connection */
  CoroCancelScope scope;        /* what it is cancelled by */
  CoroPoolConnection *previous;
  CoroPoolConnection *next;
};

/* --- a server ----------------------------------------------------------------------- */

static CoroPoolServer *
server_new (CoroWorkerPool *pool,
            CoroServeFunc   func,
            gpointer        user_data)
{
  CoroPoolServer *self = g_new0 (CoroPoolServer, 1);

  self->ref_count = self->n_open = 1;
  self->pool = pool;
  self->func = func;
  self->user_data = user_data;
  self->ended = coro_future_new ();
  coro_object_lock_init (&self->lock);
  return self;
}

static void
server_unref (CoroPoolServer *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_object_unref (self->ended);
  coro_object_lock_clear (&self->lock);
  g_free (self);
}

static void
server_release (CoroPoolServer *self)
{
  if (g_atomic_int_dec_and_test (&self->n_open))
    coro_future_resolve (self->ended, NULL);
}

/* Cancels all connections, and those that have not begun. */
static void
server_stop (CoroPoolServer *self)
{
  coro_object_lock_take (&self->lock);
  self->stopped = TRUE;
  for (CoroPoolConnection *connection = self->connections; connection != NULL; connection = connection->next)
    coro_cancel_scope_cancel (&connection->scope, "The server was stopped");
  coro_object_lock_release (&self->lock);
}

static gboolean
server_is_stopped (CoroPoolServer *self)
{
  gboolean stopped;

  coro_object_lock_take (&self->lock);
  stopped = self->stopped;
  coro_object_lock_release (&self->lock);
  return stopped;
}

/* Waits for the future even if the waiting coroutine is cancelled. */
static gboolean
server_wait (CoroPoolServer  *self,
             GError         **error)
{
  g_autoptr (CoroFuture) ended = NULL;

  if (coro_worker_pool_is_foreign (self->pool))
    return TRUE;                /* the connections belong to the parent process */

  ended = coro_future_shield (self->ended);
  return coro_await (ended, NULL, error);
}

/* --- a connection, in its worker ---------------------------------------------------- */

static gboolean
connection_enlist (CoroPoolConnection *self)
{
  CoroPoolServer *server = self->server;
  gboolean stopped;

  coro_object_lock_take (&server->lock);
  stopped = server->stopped;
  if (!stopped)
    {
      self->next = server->connections;
      if (self->next != NULL)
        self->next->previous = self;
      server->connections = self;
    }
  coro_object_lock_release (&server->lock);
  return !stopped;
}

static void
connection_delist (CoroPoolConnection *self)
{
  CoroPoolServer *server = self->server;

  coro_object_lock_take (&server->lock);
  if (self->previous != NULL)
    self->previous->next = self->next;
  else
    server->connections = self->next;
  if (self->next != NULL)
    self->next->previous = self->previous;
  coro_object_lock_release (&server->lock);
}

static gboolean
connection_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  CoroPoolConnection *self = user_data;

  self->begun = TRUE;
  self->scope = coro_cancel_scope_enter (G_MAXINT64, NULL);
  if (connection_enlist (self))
    {
      coro_connection_serve (&self->connection);
      connection_delist (self);
    }
  coro_cancel_scope_exit (&self->scope);
  return TRUE;
}

static void
connection_free (CoroPoolConnection *self)
{
  coro_connection_clear (&self->connection);
  server_release (self->server);
  server_unref (self->server);
  g_free (self);
}

/* --- a connection for which there is no stack or thread ------------------------------ */

/* The call that is going to try a connection again. */
typedef struct
{
  CoroPoolConnection *connection;       /* (nullable) (owned) */
  CoroWorkerPool *pool;         /* (owned): once it is shut down, the server ends before this call */
} CoroPoolRetry;

static void connection_spawn (CoroPoolConnection *self,
                              int                 worker);

static CoroPoolConnection *
retry_take (CoroPoolRetry *self)
{
  CoroPoolConnection *connection = g_steal_pointer (&self->connection);

  if (connection != NULL)
    g_atomic_int_add (&connection->server->n_starved, -1);
  return connection;
}

/* Another worker may have a free stack: each worker keeps the stacks of its ended connections. */
static void
connection_try_next (CoroPoolConnection *self)
{
  connection_spawn (self, (int) (self->n_refused % coro_worker_pool_get_n_workers (self->server->pool)));
}

static void
retry_cb (gpointer user_data)
{
  connection_try_next (retry_take (user_data));
}

/* Called without a retry_cb() before if the worker has ended meanwhile. */
static void
retry_free (gpointer user_data)
{
  CoroPoolRetry *self = user_data;
  CoroPoolConnection *connection = retry_take (self);

  if (connection != NULL)
    connection_free (connection);
  g_object_unref (self->pool);
  g_free (self);
}

/* Stacks come back as other connections end. */
static void
connection_retry_later (CoroPoolConnection *self)
{
  CoroPoolRetry *retry = g_new (CoroPoolRetry, 1);

  *retry = (CoroPoolRetry) { self, g_object_ref (self->server->pool) };
  g_atomic_int_inc (&self->server->n_starved);
  coro_call_later (CORO_ACCEPT_PAUSE, retry_cb, retry, retry_free);
}

/* --- from the accepting coroutine to a worker --------------------------------------- */

/* Tries the next worker, and after all workers makes a pause. */
static void
connection_refused (CoroPoolConnection *self)
{
  if (++self->n_refused % coro_worker_pool_get_n_workers (self->server->pool) == 0)
    connection_retry_later (self);
  else
    connection_try_next (self);
}

/* Runs in the worker: the coroutine has ended, or could not begin. */
static void
connection_ended (gpointer data)
{
  CoroPoolConnection *self = data;

  if (!self->begun && coro_worker_pool_is_open (self->server->pool) && !server_is_stopped (self->server))
    connection_refused (self);
  else
    connection_free (self);
}

static void
connection_spawn (CoroPoolConnection *self,
                  int                 worker)
{
  g_autoptr (GError) error = NULL;
  CoroTask *task;

  if (!coro_worker_pool_try_spawn (self->server->pool, worker, connection_cb, self, connection_ended,
                                   CORO_SPAWN_SITE (coro_worker_pool_serve), &task, &error))
    {
      if (g_error_matches (error, CORO_ERROR, CORO_ERROR_CLOSED))
        connection_free (self);
      else
        connection_retry_later (self);  /* no thread could be started */
      return;
    }

  coro_future_observe (CORO_FUTURE (task));     /* its error, the lack of a stack, is handled in connection_ended() */
  g_object_unref (task);
}

/* While a connection waits for a stack, no further connection is taken. */
static gboolean
server_take_cb (int      fd,
                gpointer data)
{
  CoroPoolServer *self = data;
  CoroPoolConnection *connection;

  if (g_atomic_int_get (&self->n_starved) > 0)
    return FALSE;

  connection = g_new0 (CoroPoolConnection, 1);

  connection->connection = (CoroConnection) { self->func, self->user_data, fd };
  connection->server = self;
  g_atomic_int_inc (&self->ref_count);
  g_atomic_int_inc (&self->n_open);
  connection_spawn (connection, CORO_WORKER_ANY);
  return TRUE;
}

/* --- the call ------------------------------------------------------------------------- */

/* FALSE: stopped before all had ended. */
static gboolean
server_run (CoroPoolServer  *self,
            GSocket         *socket,
            GError         **error)
{
  g_autoptr (GError) local_error = NULL;

  coro_socket_accept_each (socket, server_take_cb, self, &local_error);
  server_release (self);
  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    return server_wait (self, error);

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/**
 * coro_worker_pool_serve: (skip)
 * @self: a pool
 * @socket: a socket that listens, for example of [func@socket_listen]
 * @func: what to do with a connection, in a coroutine of a worker
 * @user_data: what to pass to it
 * @error: return location for an error
 *
 * [func@socket_serve] on as many processors as the pool has workers.
 *
 * ```c
 * g_autoptr (CoroWorkerPool) pool = coro_worker_pool_new (0);
 *
 * return coro_worker_pool_serve (pool, socket, echo_cb, NULL, error);
 * ```
 *
 * The calling coroutine accepts. Each connection goes to the worker that has the fewest
 * coroutines, and stays there: connections are spread evenly, be they few or many. If a
 * coroutine computes for 10 ms without yielding, its worker gets no more connections as long as
 * there are other workers; the connections that the worker has wait. The calling coroutine
 * needs its turns to accept, so no coroutine of its thread should compute for long.
 *
 * @func runs in several threads at once, in the worker's own main context, where GIO's
 * operations of its connection belong. An error of @func ends this connection and nothing else.
 * If the process has run out of descriptors, stacks or memory, new connections wait until there
 * are some again.
 *
 * Closing @socket with [func@socket_close] stops the server when all connections have come
 * to their end, cancelling does it at once.
 *
 * Callable from a coroutine of any thread, which it suspends. Cancellation: see
 * [iface@Awaitable]; connections are cancelled and waited for. Shutting down the pool ends it
 * as well, with [error@Coro.Error.CLOSED]; connections whose @func does not stop are left behind
 * with their workers then, see [method@WorkerPool.shut_down].
 *
 * @error can be set to what [func@socket_accept] fails with, but for %G_IO_ERROR_CLOSED, and to
 * [error@Coro.Error.CLOSED].
 *
 * Returns: %TRUE once @socket was closed and the last connection has ended; %FALSE with
 *   @error set
 *
 * Since: 0.1
 */
gboolean
coro_worker_pool_serve (CoroWorkerPool  *self,
                        GSocket         *socket,
                        CoroServeFunc    func,
                        gpointer         user_data,
                        GError         **error)
{
  g_autoptr (CoroWorkerPool) pool = NULL;
  g_autoptr (GError) local_error = NULL;
  CoroPoolServer *server;
  gboolean drained;

  g_return_val_if_fail (CORO_IS_WORKER_POOL (self), FALSE);
  g_return_val_if_fail (G_IS_SOCKET (socket), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  if (coro_job_require (error) == NULL)
    return FALSE;

  pool = g_object_ref (self);
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (G_MAXINT64, &local_error);
  server = server_new (self, func, user_data);
  if (!coro_worker_pool_add_server (self, &scope, server->ended))
    {
      server_unref (server);
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_CLOSED, "The pool has no workers any more");
      return FALSE;
    }

  drained = server_run (server, socket, &local_error);
  if (!drained)
    {
      g_auto (CoroShield) shield = coro_shield_enter (0);

      server_stop (server);
      server_wait (server, NULL);
    }
  server_unref (server);
  coro_worker_pool_remove_server (self, &scope);

  if (!drained && coro_cancel_scope_catch (&scope))
    g_set_error_literal (error, CORO_ERROR, CORO_ERROR_CLOSED, "The pool was shut down");
  else if (!drained)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return drained;
}
