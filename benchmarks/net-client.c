/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The other end of the cases with sockets: sends a message on each of its connections and
 * the next one when the answer has come.  PORT,CONNECTIONS,SILENT,MILLISECONDS
 */
#include "net-bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_EVENTS 256
#define MAX_SAMPLES 1000000

static char message[NET_MESSAGE_SIZE];

static int
connect_one (guint16 port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  /* No TIME_WAIT, of which ten thousand at a time would use up the ports. */
  struct linger linger = { 1, 0 };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof (int));
  setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) != 0)
    {
      g_printerr ("connect: %s\n", g_strerror (errno));
      exit (1);
    }
  return fd;
}

static void
ask (int fd)
{
  if (send (fd, message, sizeof message, MSG_NOSIGNAL) != sizeof message)
    exit (1);
}

/* Whether a whole answer has come. */
static gboolean
take_answer (int    fd,
             guint *n_got)
{
  char buffer[NET_MESSAGE_SIZE];
  gssize n = recv (fd, buffer, sizeof buffer - *n_got, MSG_DONTWAIT);

  if (n <= 0)
    exit (1);
  *n_got += (guint) n;
  if (*n_got < sizeof message)
    return FALSE;
  *n_got = 0;
  return TRUE;
}

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  double left = *(const double *) a, right = *(const double *) b;

  return (left > right) - (left < right);
}

typedef struct
{
  gint64 asked;                 /* ns */
  guint n_got;
} Connection;

int
main (int    argc,
      char **argv)
{
  int epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  struct epoll_event events[N_EVENTS];
  struct rlimit limit;
  guint port, n_connections, n_silent, duration;
  Connection *connections;
  double *samples = g_new (double, MAX_SAMPLES);
  guint n_samples = 0;
  NetResult result = { 0, };
  gint64 start, end;
  gboolean measuring = FALSE;

  if (argc != 2 || sscanf (argv[1], "%u,%u,%u,%u", &port, &n_connections, &n_silent, &duration) != 4)
    return 2;
  if (g_getenv ("CORO_BENCH_NET_ALL") == NULL)
    net_pin_to (1);

  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  connections = g_new0 (Connection, n_connections + n_silent + 100);

  for (guint i = 0; i < n_silent; i++)
    connect_one ((guint16) port);
  for (guint i = 0; i < n_connections; i++)
    {
      int fd = connect_one ((guint16) port);

      epoll_ctl (epoll_fd, EPOLL_CTL_ADD, fd, &(struct epoll_event) { .events = EPOLLIN, .data.fd = fd });
      connections[fd].asked = bench_now ();
      ask (fd);
    }

  /* A fifth of the time to warm up. */
  start = bench_now () + (gint64) duration * 200000;
  end = start + (gint64) duration * 1000000;
  for (gint64 now = 0; now < end;)
    {
      int n_events = epoll_wait (epoll_fd, events, N_EVENTS, 1000);

      now = bench_now ();
      if (!measuring && now >= start)
        {
          measuring = TRUE;
          start = now;
          if (write (1, "s", 1) != 1)
            return 1;
        }
      for (int i = 0; i < n_events; i++)
        {
          int fd = events[i].data.fd;

          if (!take_answer (fd, &connections[fd].n_got))
            continue;
          if (measuring)
            {
              result.n_messages++;
              if (n_samples < MAX_SAMPLES)
                samples[n_samples++] = (double) ((n_connections == 1 ? bench_now () : now) - connections[fd].asked);
            }
          connections[fd].asked = n_connections == 1 ? bench_now () : now;
          ask (fd);
        }
    }

  result.wall = (double) (bench_now () - start);
  if (n_samples > 0)
    {
      qsort (samples, n_samples, sizeof (double), compare_doubles);
      result.p50 = samples[n_samples / 2];
      result.p99 = samples[(gsize) n_samples * 99 / 100];
    }
  return write (1, &result, sizeof result) == sizeof result ? 0 : 1;
}
