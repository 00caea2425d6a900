/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Many workers, one port.
 */
#include "coro-bench-cases.h"
#include "net-bench.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define N_CONNECTIONS 16
/* About 50 µs: times that a message is hashed. */
#define N_HASHES      640
#define MAX_WORKERS   256

/* How connections reach the workers. */
typedef enum
{
  ONE_FOR_ALL,                  /* coro_worker_pool_serve() */
  ALL_FROM_ONE,                 /* every worker from the same socket */
  EACH_ITS_OWN                  /* every worker from a socket of its own, with SO_REUSEPORT */
} Way;

typedef struct
{
  Way way;
  guint n_workers;              /* 0: as many as processors */
  guint n_hashes;               /* for each message */
  guint duration;               /* ms */
} Setup;

typedef struct
{
  const Setup *setup;
  CoroWorkerPool *pool;
  GSocket *sockets[MAX_WORKERS];        /* (owned): that listen */
  int n_connections[MAX_WORKERS];       /* (atomic): by worker */
  NetClient client;
  NetFigures figures;
  double spread;                /* percent: what one worker has the most of, of what each should have */
} Server;

static guint64 sink;

static void
hash (const char *data,
      gssize      size,
      guint       n_times)
{
  guint64 value = 14695981039346656037u;

  for (guint i = 0; i < n_times; i++)
    for (gssize k = 0; k < size; k++)
      value = (value ^ (guchar) data[k]) * 1099511628211u;
  __atomic_store_n (&sink, value, __ATOMIC_RELAXED);
}

static void
count_connection (Server *self)
{
  for (guint i = 0; i < coro_worker_pool_get_n_workers (self->pool); i++)
    if (coro_worker_pool_get_scheduler (self->pool, i) == coro_scheduler_get_running ())
      g_atomic_int_inc (&self->n_connections[i]);
}

static gboolean
answer_cb (GSocket   *socket,
           gpointer   user_data,
           GError   **error)
{
  Server *self = user_data;
  char buffer[1024];
  gssize size;

  count_connection (self);
  while ((size = coro_socket_receive (socket, buffer, sizeof buffer, error)) > 0)
    {
      hash (buffer, size, self->setup->n_hashes);
      if (!coro_socket_send_all (socket, buffer, (gsize) size, NULL, error))
        return FALSE;
    }
  return size == 0;
}

/* --- the three ways ---------------------------------------------------------------------- */

/* g_socket_bind() takes SO_REUSEPORT away. */
static GSocket *
listen_beside (guint16  *port,
               gboolean  shared)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (*port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (shared)
    setsockopt (fd, SOL_SOCKET, SO_REUSEPORT, &(int) { 1 }, sizeof (int));
  if (bind (fd, (struct sockaddr *) &address, size) != 0 || listen (fd, 4096) != 0 ||
      getsockname (fd, (struct sockaddr *) &address, &size) != 0)
    g_error ("listen: %s", g_strerror (errno));
  *port = ntohs (address.sin_port);
  return g_socket_new_from_fd (fd, NULL);
}

static guint16
server_listen (Server *self)
{
  guint n_sockets = self->setup->way == EACH_ITS_OWN ? coro_worker_pool_get_n_workers (self->pool) : 1;
  guint16 port = 0;

  for (guint i = 0; i < n_sockets; i++)
    self->sockets[i] = listen_beside (&port, self->setup->way == EACH_ITS_OWN);
  return port;
}

static gboolean
serve_all_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  Server *self = user_data;

  return coro_worker_pool_serve (self->pool, self->sockets[0], answer_cb, self, error);
}

typedef struct
{
  Server *server;
  GSocket *socket;
} Worker;

static gboolean
serve_one_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  Worker *self = user_data;

  return coro_socket_serve (self->socket, answer_cb, self->server, error);
}

static guint
server_start (Server    *self,
              CoroTask **tasks)
{
  guint n_workers = coro_worker_pool_get_n_workers (self->pool);

  if (self->setup->way == ONE_FOR_ALL)
    {
      tasks[0] = coro_spawn_task (serve_all_cb, self, NULL);
      return 1;
    }
  for (guint i = 0; i < n_workers; i++)
    {
      Worker *worker = g_new (Worker, 1);

      *worker = (Worker) { self, self->sockets[self->setup->way == EACH_ITS_OWN ? i : 0] };
      tasks[i] = coro_worker_pool_spawn_task_at (self->pool, (int) i, serve_one_cb, worker, g_free, "server");
    }
  return n_workers;
}

/* --- measuring --------------------------------------------------------------------------- */

static gboolean
server_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Server *self = user_data;
  CoroTask *tasks[MAX_WORKERS];
  guint n_tasks, n_workers;
  int most = 0, sum = 0;
  char c;

  self->pool = coro_worker_pool_new (MIN (self->setup->n_workers > 0 ? self->setup->n_workers : g_get_num_processors (),
                                          MAX_WORKERS));
  net_client_start (&self->client, server_listen (self), N_CONNECTIONS, 0, self->setup->duration);
  n_tasks = server_start (self, tasks);
  if (coro_fd_read (self->client.fd, &c, 1, error) != 1 ||
      coro_fd_read (self->client.fd, &self->figures.result, sizeof (NetResult), error) != sizeof (NetResult))
    return FALSE;

  n_workers = coro_worker_pool_get_n_workers (self->pool);
  for (guint i = 0; i < n_workers; i++)
    {
      int n = g_atomic_int_get (&self->n_connections[i]);

      most = MAX (most, n);
      sum += n;
    }
  self->spread = 100.0 * most * n_workers / MAX (sum, 1);

  for (guint i = 0; i < n_tasks; i++)
    {
      coro_task_cancel (tasks[i]);
      if (!coro_join (tasks[i], error))
        return FALSE;
      g_object_unref (tasks[i]);
    }
  return coro_worker_pool_shut_down (self->pool, error);
}

/* ns for a message. */
static double
measure (const Setup *setup,
         double      *spread,
         double      *p99)
{
  g_autofree Server *server = g_new0 (Server, 1);

  server->setup = setup;
  coro_bench_run (server_cb, server);
  net_client_wait (&server->client);
  for (guint i = 0; i < MAX_WORKERS; i++)
    g_clear_object (&server->sockets[i]);
  g_clear_object (&server->pool);
  *spread = server->spread;
  *p99 = server->figures.result.p99;
  return server->figures.result.wall / server->figures.result.n_messages;
}

/* In turns, so that all have the same good and bad moments. */
void
coro_bench_echo_workers (Bench *bench)
{
  enum { ALL, ONE, SHARED, REUSEPORT, PURE, PURE_ONE, N };
  guint duration = bench_size (bench, NET_DURATION, 20);
  const Setup setups[N] = {
    [ALL] = { ONE_FOR_ALL, 0, N_HASHES, duration },
    [ONE] = { ONE_FOR_ALL, 1, N_HASHES, duration },
    [SHARED] = { ALL_FROM_ONE, 0, N_HASHES, duration },
    [REUSEPORT] = { EACH_ITS_OWN, 0, N_HASHES, duration },
    [PURE] = { ONE_FOR_ALL, 0, 0, duration },
    [PURE_ONE] = { ONE_FOR_ALL, 1, 0, duration }
  };
  guint n_rounds = bench_size (bench, NET_ROUNDS, 1);
  double ns[N][NET_ROUNDS], spread[N][NET_ROUNDS], p99[N][NET_ROUNDS];
  double ratios[NET_ROUNDS], pure_ratios[NET_ROUNDS];

  if (!net_prepare (bench, N_CONNECTIONS))
    return;
  net_pin_to (-1);
  for (guint i = 0; i < n_rounds; i++)
    {
      for (guint k = 0; k < N; k++)
        ns[k][i] = measure (&setups[k], &spread[k][i], &p99[k][i]);
      ratios[i] = 100 * ns[ONE][i] / ns[ALL][i];
      pure_ratios[i] = 100 * ns[PURE_ONE][i] / ns[PURE][i];
    }

  bench_print (bench, NULL, bench_median_of (ns[ALL], n_rounds), "ns");
  bench_print (bench, "one", bench_median_of (ns[ONE], n_rounds), "ns");
  bench_print (bench, "ratio", bench_median_of (ratios, n_rounds), "percent");
  bench_print (bench, "spread", bench_median_of (spread[ALL], n_rounds), "percent");
  bench_print (bench, "p99", bench_median_of (p99[ALL], n_rounds), "ns");
  bench_print (bench, "shared", bench_median_of (ns[SHARED], n_rounds), "ns");
  bench_print (bench, "shared-spread", bench_median_of (spread[SHARED], n_rounds), "percent");
  bench_print (bench, "shared-p99", bench_median_of (p99[SHARED], n_rounds), "ns");
  bench_print (bench, "reuseport", bench_median_of (ns[REUSEPORT], n_rounds), "ns");
  bench_print (bench, "reuseport-spread", bench_median_of (spread[REUSEPORT], n_rounds), "percent");
  bench_print (bench, "reuseport-p99", bench_median_of (p99[REUSEPORT], n_rounds), "ns");
  bench_print (bench, "pure", bench_median_of (ns[PURE], n_rounds), "ns");
  bench_print (bench, "pure-ratio", bench_median_of (pure_ratios, n_rounds), "percent");
}
