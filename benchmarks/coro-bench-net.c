/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-bench-cases.h"
#include "net-bench.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* --- servers ---------------------------------------------------------------------- */

typedef struct
{
  int listen_fd;
  NetClient client;
  NetFigures *figures;
} Server;

static gboolean
echo_cb (GSocket   *socket,
         gpointer   user_data,
         GError   **error)
{
  char buffer[1024];
  gssize size;

  while ((size = coro_socket_receive (socket, buffer, sizeof buffer, error)) > 0)
    if (!coro_socket_send_all (socket, buffer, (gsize) size, NULL, error))
      return FALSE;
  return size == 0;
}

static gboolean
serve_cb (gpointer   listener,
          GValue    *result,
          GError   **error)
{
  return coro_socket_serve (listener, echo_cb, NULL, error);
}

/* Serves until the client has said how it was. */
static gboolean
server_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Server *self = user_data;
  g_autoptr (GSocket) listener = g_socket_new_from_fd (self->listen_fd, error);
  g_autoptr (CoroTask) task = coro_spawn_task (serve_cb, listener, NULL);
  double cpu;
  char c;

  if (coro_fd_read (self->client.fd, &c, 1, error) != 1)
    return FALSE;
  cpu = net_get_cpu ();
  if (coro_fd_read (self->client.fd, &self->figures->result, sizeof (NetResult), error) != sizeof (NetResult))
    return FALSE;
  self->figures->cpu = net_get_cpu () - cpu;

  coro_task_cancel (task);
  return coro_join (task, error);
}

typedef struct
{
  guint n_connections;
  guint n_silent;
  guint duration;               /* ms */
} NetCase;

static const NetCase *net_case;

static void
measure_ours (NetFigures *figures)
{
  Server server = { .figures = figures };
  guint16 port;

  server.listen_fd = net_listen (&port);
  net_client_start (&server.client, port, net_case->n_connections, net_case->n_silent, net_case->duration);
  coro_bench_run (server_cb, &server);
  net_client_wait (&server.client);
}

static void
measure_epoll (NetFigures *figures)
{
  NetClient client;
  guint16 port;
  int fd = net_listen (&port);

  net_client_start (&client, port, net_case->n_connections, net_case->n_silent, net_case->duration);
  net_serve_epoll (fd, &client, figures);
  net_client_wait (&client);
  close (fd);
}

/* In turns, so that both have the same good and bad moments. */
static void
run_net_case (Bench         *bench,
              const NetCase *net,
              gboolean       latency)
{
  guint n_rounds = bench_size (bench, NET_ROUNDS, 1);
  double ours[NET_ROUNDS], theirs[NET_ROUNDS], p99[NET_ROUNDS];
  double cpu[NET_ROUNDS], their_cpu[NET_ROUNDS], ratios[NET_ROUNDS];

  if (!net_prepare (bench, net->n_connections + net->n_silent))
    return;

  net_case = net;
  for (guint i = 0; i < n_rounds; i++)
    {
      NetFigures figures;

      measure_epoll (&figures);
      theirs[i] = latency ? figures.result.p50 : figures.result.wall / figures.result.n_messages;
      their_cpu[i] = figures.cpu / figures.result.n_messages;
      measure_ours (&figures);
      ours[i] = latency ? figures.result.p50 : figures.result.wall / figures.result.n_messages;
      ratios[i] = 100 * theirs[i] / ours[i];
      p99[i] = figures.result.p99;
      cpu[i] = figures.cpu / figures.result.n_messages;
    }

  bench_print (bench, NULL, bench_median_of (ours, n_rounds), "ns");
  bench_print (bench, "epoll", bench_median_of (theirs, n_rounds), "ns");
  bench_print (bench, "of-epoll", bench_median_of (ratios, n_rounds), "percent");
  bench_print (bench, "cpu", bench_median_of (cpu, n_rounds), "ns");
  bench_print (bench, "epoll-cpu", bench_median_of (their_cpu, n_rounds), "ns");
  if (latency)
    bench_print (bench, "p99", bench_median_of (p99, n_rounds), "ns");
}

static void
run_echo (Bench *bench,
          guint  n_connections)
{
  run_net_case (bench, &(NetCase) { bench_size (bench, n_connections, MIN (n_connections, 20)), 0,
                                    bench_size (bench, NET_DURATION, 20) }, FALSE);
}

void
coro_bench_echo_1 (Bench *bench)
{
  run_echo (bench, 1);
}

void
coro_bench_echo_100 (Bench *bench)
{
  run_echo (bench, 100);
}

void
coro_bench_echo_1000 (Bench *bench)
{
  run_echo (bench, 1000);
}

void
coro_bench_echo_4000 (Bench *bench)
{
  run_echo (bench, 4000);
}

void
coro_bench_idle_10k (Bench *bench)
{
  run_net_case (bench, &(NetCase) { 1, bench_size (bench, 10000, 50), bench_size (bench, NET_DURATION, 20) }, TRUE);
}

/* --- time ------------------------------------------------------------------------- */

#define PRECISION_SLEEP 100     /* µs */

typedef struct
{
  double *late;                 /* ns */
  guint n;
} Precision;

static gboolean
precision_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  Precision *self = user_data;

  for (guint i = 0; i < self->n; i++)
    {
      gint64 start = bench_now ();

      if (!coro_sleep (PRECISION_SLEEP, error))
        return FALSE;
      self->late[i] = (double) (bench_now () - start - PRECISION_SLEEP * 1000);
    }
  return TRUE;
}

void
coro_bench_timer_precision (Bench *bench)
{
  guint n = bench_size (bench, 10000, 20);
  g_autofree double *late = g_new (double, n);

  coro_bench_run (precision_cb, &(Precision) { late, n });
  bench_median_of (late, n);
  bench_print (bench, NULL, late[n * 99 / 100], "ns");
  bench_print (bench, "p50", late[n / 2], "ns");
  bench_print (bench, "worst", late[n - 1], "ns");
}

/* --- other threads ---------------------------------------------------------------- */

/* A coroutine, or a plain poll(), sleeps until another thread wakes it.  The thread pauses
 * first, so that the sleep has certainly begun. */
typedef struct
{
  double *late;                 /* ns */
  guint n;
  int asleep_fd;                /* (owned): tells the thread */
  int wake_fd;                  /* (owned): wakes the plain poll() */
  gint64 woken;                 /* ns: right before the wake-up */
  CoroFuture *future;           /* (nullable) (owned): by the thread, which drops it */
} Wakes;

#define PAUSE 200               /* µs */

static gpointer
waker_cb (gpointer user_data)
{
  Wakes *self = user_data;
  guint64 count = 1;

  for (guint i = 0; i < self->n; i++)
    {
      CoroFuture *future;

      if (read (self->asleep_fd, &count, sizeof count) != sizeof count)
        break;
      g_usleep (PAUSE);
      future = g_steal_pointer (&self->future);
      self->woken = bench_now ();
      if (future != NULL)
        {
          coro_future_resolve (future, NULL);
          g_object_unref (future);
        }
      else if (write (self->wake_fd, &count, sizeof count) != sizeof count)
        break;
    }
  return NULL;
}

static gboolean
wakes_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Wakes *self = user_data;
  guint64 one = 1;

  for (guint i = 0; i < self->n; i++)
    {
      g_autoptr (CoroFuture) future = coro_future_new ();

      self->future = g_object_ref (future);
      if (write (self->asleep_fd, &one, sizeof one) != sizeof one || !coro_await (future, NULL, error))
        return FALSE;
      self->late[i] = (double) (bench_now () - self->woken);
    }
  return TRUE;
}

static void
poll_wakes (Wakes *self)
{
  guint64 one = 1, count;

  for (guint i = 0; i < self->n; i++)
    {
      struct pollfd poll_fd = { .fd = self->wake_fd, .events = POLLIN };

      if (write (self->asleep_fd, &one, sizeof one) != sizeof one || poll (&poll_fd, 1, -1) != 1 ||
          read (self->wake_fd, &count, sizeof count) != sizeof count)
        g_error ("poll: %s", g_strerror (errno));
      self->late[i] = (double) (bench_now () - self->woken);
    }
}

static double
measure_wakes (Wakes    *self,
               gboolean  ours)
{
  GThread *thread;

  self->asleep_fd = eventfd (0, EFD_CLOEXEC);
  self->wake_fd = eventfd (0, EFD_CLOEXEC);
  self->future = NULL;
  thread = g_thread_new ("waker", waker_cb, self);
  if (ours)
    coro_bench_run (wakes_cb, self);
  else
    poll_wakes (self);
  g_thread_join (thread);
  close (self->asleep_fd);
  close (self->wake_fd);
  return bench_median_of (self->late, self->n);
}

void
coro_bench_wake_cross_thread (Bench *bench)
{
  guint n = bench_size (bench, 3000, 20);
  g_autofree double *late = g_new (double, n);
  Wakes wakes = { .late = late, .n = n };
  double theirs = measure_wakes (&wakes, FALSE);
  double ours = measure_wakes (&wakes, TRUE);

  bench_print (bench, NULL, ours, "ns");
  bench_print (bench, "p99", late[n * 99 / 100], "ns");
  bench_print (bench, "eventfd", theirs, "ns");
}
