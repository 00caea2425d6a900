/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One listening socket, many workers: which worker serves which client, and how it ends.
 */
#include "lib/no-threads.h"
#include "socket-util.h"

#include <sys/resource.h>
#include <unistd.h>

#define N_WORKERS 3

static CoroWorkerPool *pool;

typedef struct
{
  GSocket *listener;            /* (owned) */
  CoroTask *task;               /* (nullable) (owned): the coroutine that serves */
  int n_served[N_WORKERS];      /* (atomic): by each worker */
  int n_open;                   /* (atomic) */
} Server;

static int
get_worker (void)
{
  for (int i = 0; i < N_WORKERS; i++)
    if (coro_worker_pool_get_scheduler (pool, (guint) i) == coro_scheduler_get_running ())
      return i;
  g_assert_not_reached ();
}

/* Ends with an error at the byte '!'. */
static gboolean
echo_cb (GSocket   *socket,
         gpointer   user_data,
         GError   **error)
{
  Server *self = user_data;
  char buffer[100];
  gssize n;

  g_atomic_int_inc (&self->n_served[get_worker ()]);
  g_atomic_int_inc (&self->n_open);
  while ((n = coro_socket_receive (socket, buffer, sizeof buffer, error)) > 0)
    if (buffer[0] == '!' || !coro_socket_send_all (socket, buffer, (gsize) n, NULL, error))
      break;
  g_atomic_int_add (&self->n_open, -1);
  if (n > 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "asked for");
  return n == 0;
}

static gboolean
serve_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Server *self = user_data;

  return coro_worker_pool_serve (pool, self->listener, echo_cb, self, error);
}

static void
server_clear (Server *self)
{
  g_clear_object (&self->listener);
  g_clear_object (&self->task);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Server, server_clear)

static void
server_start (Server *self)
{
  self->listener = listen_on_loopback ();
  self->task = coro_spawn_task (serve_cb, self, NULL);
}

static void
server_cancel (Server *self)
{
  g_assert_true (coro_task_cancel (self->task));
  g_assert_true (coro_join (self->task, NULL));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (self->task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (g_atomic_int_get (&self->n_open), ==, 0);
}

static void
clients_open (Server   *server,
              GSocket **clients,
              int       n_clients)
{
  for (int i = 0; i < n_clients; i++)
    {
      clients[i] = connect_to (server->listener, NULL);
      g_assert_nonnull (clients[i]);
      assert_echo (clients[i]);
    }
}

static void
clients_free (GSocket **clients,
              int       n_clients)
{
  for (int i = 0; i < n_clients; i++)
    g_object_unref (clients[i]);
}

/* --- which worker serves which client ------------------------------------------------- */

static gboolean
spread_evenly_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_auto (Server) server = { NULL, };
  GSocket *clients[30];

  server_start (&server);
  clients_open (&server, clients, 30);
  for (int i = 0; i < N_WORKERS; i++)
    g_assert_cmpint (g_atomic_int_get (&server.n_served[i]), ==, 10);

  /* All of one leave: the next ones are its. */
  clients_free (clients, 30);
  while (coro_worker_pool_count_coroutines (pool, CORO_WORKER_ANY) > 0)
    if (!coro_yield (error))
      return FALSE;
  g_assert_cmpint (g_atomic_int_get (&server.n_open), ==, 0);
  server_cancel (&server);
  return TRUE;
}

static gboolean
client_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Server *server = user_data;
  g_autoptr (GSocket) client = connect_to (server->listener, error);

  if (client == NULL)
    return FALSE;
  for (int i = 0; i < 10; i++)
    assert_echo (client);
  return TRUE;
}

static gboolean
burst_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  int n_clients = is_slow () ? 60 : 600;
  g_auto (Server) server = { NULL, };
  int n_served = 0;

  server_start (&server);
  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

    for (int i = 0; i < n_clients; i++)
      coro_task_group_spawn (nursery.group, client_cb, &server, NULL);
    if (!coro_nursery_join (&nursery))
      return FALSE;
  }
  for (int i = 0; i < N_WORKERS; i++)
    n_served += g_atomic_int_get (&server.n_served[i]);
  g_assert_cmpint (n_served, ==, n_clients);
  server_cancel (&server);
  return TRUE;
}

typedef struct
{
  GMutex mutex;
  int arrived;                  /* (atomic) */
} Block;

/* Keeps its worker's thread. */
static gboolean
block_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Block *self = user_data;

  g_atomic_int_set (&self->arrived, TRUE);
  g_mutex_lock (&self->mutex);
  g_mutex_unlock (&self->mutex);
  return TRUE;
}

static gboolean
nothing_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return TRUE;
}

/* A worker that does not take what it is given is given no more; afterwards it is one like
 * the others. */
static gboolean
stuck_worker_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_auto (Server) server = { NULL, };
  g_autoptr (CoroTask) blocking = NULL;
  g_autoptr (CoroTask) behind = NULL;
  GSocket *clients[20], *more[10];
  Block block = { .arrived = FALSE };

  g_mutex_init (&block.mutex);
  g_mutex_lock (&block.mutex);
  server_start (&server);
  blocking = coro_worker_pool_spawn_task_at (pool, 1, block_cb, &block, NULL, "here");
  while (!g_atomic_int_get (&block.arrived))
    if (!coro_yield (error))
      return FALSE;
  behind = coro_worker_pool_spawn_task_at (pool, 1, nothing_cb, NULL, NULL, "here");
  /* What is promised is promised after 10 ms, by the clock of the thread. */
  if (!coro_sleep (20 * MILLISECOND, error))
    return FALSE;

  clients_open (&server, clients, 20);
  g_assert_cmpint (g_atomic_int_get (&server.n_served[1]), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&server.n_served[0]), ==, 10);
  g_assert_cmpint (g_atomic_int_get (&server.n_served[2]), ==, 10);

  g_mutex_unlock (&block.mutex);
  if (!coro_await (blocking, NULL, error) || !coro_await (behind, NULL, error))
    return FALSE;
  clients_open (&server, more, 10);
  g_assert_cmpint (g_atomic_int_get (&server.n_served[1]), ==, 10);
  clients_free (clients, 20);
  clients_free (more, 10);
  server_cancel (&server);
  g_mutex_clear (&block.mutex);
  return TRUE;
}

/* --- what goes wrong -------------------------------------------------------------------- */

static gboolean
failing_handler_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_auto (Server) server = { NULL, };
  GSocket *clients[N_WORKERS];
  GSocket *others[N_WORKERS];

  server_start (&server);
  clients_open (&server, clients, N_WORKERS);
  for (int i = 0; i < N_WORKERS; i++)
    {
      g_assert_true (coro_socket_send_all (clients[i], "!", 1, NULL, error));
      assert_end (clients[i]);
    }
  clients_open (&server, others, N_WORKERS);
  clients_free (clients, N_WORKERS);
  clients_free (others, N_WORKERS);
  server_cancel (&server);
  return TRUE;
}

/* No descriptor for the connection: it waits, and is served when there is one. */
static gboolean
descriptor_limit_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_auto (Server) server = { listen_on_loopback (), };
  g_autoptr (GSocket) client = connect_to (server.listener, error);
  struct rlimit saved, limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &saved), ==, 0);
  limit = saved;
  limit.rlim_cur = 3;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  server.task = coro_spawn_task (serve_cb, &server, NULL);
  /* The server has tried, and pauses. */
  if (!coro_sleep (20 * MILLISECOND, error))
    return FALSE;
  g_assert_false (coro_future_is_done (CORO_FUTURE (server.task)));
  g_assert_cmpuint (coro_worker_pool_count_coroutines (pool, CORO_WORKER_ANY), ==, 0);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &saved), ==, 0);
  assert_echo (client);
  server_cancel (&server);
  return TRUE;
}

static void
test_outside (void)
{
  g_autoptr (CoroWorkerPool) own = coro_worker_pool_new (1);
  g_autoptr (GSocket) listener = listen_on_loopback ();
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_worker_pool_serve (own, listener, echo_cb, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  g_assert_true (coro_worker_pool_shut_down (own, NULL));
}

/* --- the end ------------------------------------------------------------------------------ */

static gboolean
cancel_before_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_auto (Server) server = { listen_on_loopback (), };
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (G_MAXINT64, NULL);
  G_GNUC_UNUSED g_autoptr (GSocket) client = connect_to (server.listener, error);
  g_autoptr (GError) local = NULL;

  coro_cancel_scope_cancel (&scope, NULL);
  g_assert_false (serve_cb (&server, NULL, &local));
  assert_cancelled (local);
  coro_cancel_scope_catch (&scope);
  g_assert_cmpuint (coro_worker_pool_count_coroutines (pool, CORO_WORKER_ANY), ==, 0);
  return TRUE;
}

static gboolean
cancel_during_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_auto (Server) server = { NULL, };
  GSocket *clients[10];

  server_start (&server);
  clients_open (&server, clients, 10);
  g_assert_cmpint (g_atomic_int_get (&server.n_open), ==, 10);
  server_cancel (&server);
  g_assert_false (coro_task_cancel (server.task));      /* after */
  for (int i = 0; i < 10; i++)
    assert_end (clients[i]);
  clients_free (clients, 10);
  return TRUE;
}

/* Cancelled while others connect: each is served or hung up, and nothing is left. */
static gboolean
cancel_amid_burst_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  int n_rounds = is_slow () ? 5 : 50;

  for (int round = 0; round < n_rounds; round++)
    {
      g_auto (Server) server = { NULL, };
      GSocket *clients[20];

      server_start (&server);
      for (int i = 0; i < 20; i++)
        clients[i] = connect_to (server.listener, error);
      for (int i = 0; i < round % 5; i++)
        if (!coro_yield (error))
          return FALSE;
      server_cancel (&server);
      clients_free (clients, 20);
    }
  return TRUE;
}

static gboolean
stubborn_cb (GSocket   *socket,
             gpointer   user_data,
             GError   **error)
{
  int *n_tries = user_data;
  char c;

  while (g_atomic_int_get (n_tries) < 3)
    if (coro_socket_receive (socket, &c, 1, NULL) < 0)
      g_atomic_int_inc (n_tries);
  return TRUE;
}

static gboolean
serve_stubborn_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  static int n_tries;

  return coro_worker_pool_serve (pool, user_data, stubborn_cb, &n_tries, error);
}

/* A handler that goes on after it was cancelled is cancelled again. */
static gboolean
cancel_stubborn_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (GSocket) listener = listen_on_loopback ();
  g_autoptr (CoroTask) task = coro_spawn_task (serve_stubborn_cb, listener, NULL);
  G_GNUC_UNUSED g_autoptr (GSocket) client = connect_to (listener, error);

  while (coro_worker_pool_count_coroutines (pool, CORO_WORKER_ANY) == 0)
    if (!coro_yield (error))
      return FALSE;
  coro_task_cancel (task);
  return coro_join (task, error);
}

static gboolean
drain_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_auto (Server) server = { NULL, };
  GSocket *clients[5];

  server_start (&server);
  clients_open (&server, clients, 5);
  g_assert_true (coro_socket_close (server.listener, error));
  for (int i = 0; i < 5; i++)
    {
      g_assert_false (coro_future_is_done (CORO_FUTURE (server.task)));
      assert_echo (clients[i]);
      g_object_unref (clients[i]);
    }
  return coro_await (server.task, NULL, error);
}

/* Not for ever. */
static gboolean
drain_cancelled_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_auto (Server) server = { NULL, };
  GSocket *clients[5];

  server_start (&server);
  clients_open (&server, clients, 5);
  g_assert_true (coro_socket_close (server.listener, error));
  if (!coro_yield (error))
    return FALSE;
  server_cancel (&server);
  for (int i = 0; i < 5; i++)
    assert_end (clients[i]);
  clients_free (clients, 5);
  return TRUE;
}

static gboolean
pool_shut_down_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (Server) server = { NULL, };
  g_autoptr (GError) local = NULL;
  GSocket *clients[5];

  server_start (&server);
  clients_open (&server, clients, 5);
  if (!coro_worker_pool_shut_down (pool, error))
    return FALSE;
  for (int i = 0; i < 5; i++)
    assert_end (clients[i]);
  clients_free (clients, 5);
  g_assert_false (coro_await (server.task, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_CLOSED);
  g_clear_error (&local);

  g_assert_false (serve_cb (&server, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_CLOSED);
  return TRUE;
}

/* By its own doing it is always the next second. */
static gboolean
never_stops_cb (GSocket   *socket,
                gpointer   begun,
                GError   **error)
{
  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  g_atomic_int_set ((int *) begun, TRUE);
  while (coro_scheduler_get_running () != NULL)
    {
      coro_test_clock_advance (coro_scheduler_get_running (), G_TIME_SPAN_SECOND);
      coro_yield (NULL);
    }
  return TRUE;
}

typedef struct
{
  GSocket *listener;            /* (unowned) */
  int begun;                    /* (atomic) */
} NeverStops;

static gboolean
serve_never_stops_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  NeverStops *self = user_data;

  return coro_worker_pool_serve (pool, self->listener, never_stops_cb, &self->begun, error);
}

static gboolean
left_behind_cb (gpointer   draining,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GSocket) listener = listen_on_loopback ();
  NeverStops serving = { listener, FALSE };
  g_autoptr (CoroTask) task = coro_spawn_task (serve_never_stops_cb, &serving, NULL);
  G_GNUC_UNUSED g_autoptr (GSocket) client = connect_to (listener, error);
  g_autoptr (GError) local = NULL;

  while (!g_atomic_int_get (&serving.begun))
    if (!coro_yield (error))
      return FALSE;
  if (GPOINTER_TO_INT (draining))
    {
      g_assert_true (coro_socket_close (listener, error));
      if (!coro_yield (error))
        return FALSE;
    }
  g_assert_true (coro_worker_pool_shut_down (pool, error));
  g_assert_false (coro_await (task, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_CLOSED);
  return TRUE;
}

/* What the connection holds is leaked, so the process ends by _exit(), without a leak check. */
static void
test_left_behind (gconstpointer draining)
{
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }

  alarm (20);
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*leaves 1 coroutines that did not stop: *");
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*unfinished coroutines; what they hold is leaked");
  pool = coro_worker_pool_new (1);
  g_assert_true (coro_run (left_behind_cb, (gpointer) draining, NULL, NULL));
  g_test_assert_expected_messages ();
  _exit (0);
}

/* A connection that waits for a thread outlives the server and the owner's reference to the pool. */
static gboolean
dropped_before_retry_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_auto (Server) server = { NULL, };
  g_autoptr (GSocket) client = NULL;
  g_autoptr (GError) local = NULL;
  CoroWorkerPool *dropped;

  forbid_threads (TRUE);
  dropped = pool = coro_worker_pool_new (N_WORKERS);
  g_object_add_weak_pointer (G_OBJECT (dropped), (gpointer *) &dropped);
  server_start (&server);
  client = connect_to (server.listener, error);
  g_assert_true (coro_test_settle (error));
  g_assert_true (coro_worker_pool_shut_down (pool, error));
  g_assert_false (coro_await (server.task, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_CLOSED);
  g_clear_object (&pool);
  forbid_threads (FALSE);

  if (!coro_sleep (SECOND, error))
    return FALSE;
  g_assert_null (dropped);
  assert_end (client);
  return TRUE;
}

/* The coroutine that serves runs in the pool itself. */
static gboolean
served_from_inside_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_auto (Server) server = { listen_on_loopback (), };
  GSocket *clients[6];

  server.task = coro_worker_pool_spawn_task (pool, serve_cb, &server, NULL);
  clients_open (&server, clients, 6);
  clients_free (clients, 6);
  server_cancel (&server);
  return TRUE;
}

/* On the real clock, which is the one of the workers. */
static void
run_cb (gconstpointer func)
{
  g_autoptr (GError) error = NULL;

  pool = coro_worker_pool_new (N_WORKERS);
  coro_run ((CoroFunc) func, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (coro_worker_pool_shut_down (pool, NULL));
  g_assert_finalize_object (g_steal_pointer (&pool));
}

/* Two listening sockets of one pool: the end of one leaves the other alone. */
static gboolean
two_servers_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_auto (Server) first = { NULL, };
  g_auto (Server) second = { NULL, };
  GSocket *clients[2];

  server_start (&first);
  clients_open (&first, &clients[0], 1);
  server_start (&second);
  clients_open (&second, &clients[1], 1);
  g_assert_true (coro_socket_close (first.listener, error));
  assert_echo (clients[0]);
  g_object_unref (clients[0]);
  if (!coro_await (first.task, NULL, error))
    return FALSE;

  g_assert_false (coro_future_is_done (CORO_FUTURE (second.task)));
  assert_echo (clients[1]);
  g_object_unref (clients[1]);
  g_assert_true (coro_socket_close (second.listener, error));
  return coro_await (second.task, NULL, error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("One listening socket served by a pool of workers");

  g_test_add_func ("/io/worker-pool-server/outside", test_outside);
  g_test_add_data_func ("/io/worker-pool-server/spread-evenly", spread_evenly_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool-server/burst", burst_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool-server/stuck-worker-is-given-no-more", stuck_worker_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool-server/failing-handler", failing_handler_cb, run_cb);
  if (g_getenv ("CORO_TEST_VALGRIND") == NULL)  /* which accepts and closes where it has no descriptor */
    g_test_add_data_func ("/io/worker-pool-server/descriptor-limit", descriptor_limit_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool-server/cancel-before", cancel_before_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool-server/cancel-during-and-after", cancel_during_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool-server/cancel-amid-burst", cancel_amid_burst_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool-server/cancel-stubborn", cancel_stubborn_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool-server/closed-drains", drain_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool-server/two-servers", two_servers_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool-server/draining-can-be-cancelled", drain_cancelled_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool-server/pool-shut-down", pool_shut_down_cb, run_cb);
  if (can_forbid_threads ())
    coro_test_add_func ("/io/worker-pool-server/dropped-before-retry", dropped_before_retry_cb);
  g_test_add_data_func ("/io/worker-pool-server/left-behind", GINT_TO_POINTER (FALSE), test_left_behind);
  g_test_add_data_func ("/io/worker-pool-server/left-behind-draining", GINT_TO_POINTER (TRUE), test_left_behind);
  g_test_add_data_func ("/io/worker-pool-server/served-from-inside", served_from_inside_cb, run_cb);
  return g_test_run ();
}
