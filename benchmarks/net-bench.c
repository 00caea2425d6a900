/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "net-bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_EVENTS 256

/* The client has the other processor, where there is one.  -1: server and client may run on
 * all processors. */
void
net_pin_to (int processor)
{
  cpu_set_t set;

  if (processor < 0)
    g_setenv ("CORO_BENCH_NET_ALL", "1", TRUE);
  CPU_ZERO (&set);
  for (int i = 0; i < CPU_SETSIZE; i++)
    if (processor == i || processor < 0)
      CPU_SET (i, &set);
  if (g_get_num_processors () > 1)
    sched_setaffinity (0, sizeof set, &set);
}

/* FALSE: there are not enough descriptors. */
gboolean
net_prepare (const Bench *bench,
             guint        n_connections)
{
  struct rlimit limit;

  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < n_connections + 50)
    {
      g_printerr ("%s: not measured: the limit of descriptors is %lu\n", bench->name, (gulong) limit.rlim_cur);
      return FALSE;
    }
  net_pin_to (0);
  return TRUE;
}

int
net_listen (guint16 *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (fd < 0 || bind (fd, (struct sockaddr *) &address, sizeof address) != 0 || listen (fd, 4096) != 0 ||
      getsockname (fd, (struct sockaddr *) &address, &size) != 0)
    g_error ("listen: %s", g_strerror (errno));
  *port = ntohs (address.sin_port);
  return fd;
}

static void
exec_client (int     out_fd,
             char  **argv)
{
  dup2 (out_fd, 1);
  execv (argv[0], argv);
  _exit (127);
}

/* The client lies beside our programs, and one folder above those of the peers. */
static char *
find_client (void)
{
  g_autofree char *own_path = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = g_path_get_dirname (own_path);
  g_autofree char *path = g_build_filename (folder, "coro-bench-net-client", NULL);

  if (access (path, X_OK) == 0)
    return g_steal_pointer (&path);
  return g_build_filename (folder, "..", "coro-bench-net-client", NULL);
}

/* `duration` in ms. */
gboolean
net_client_start (NetClient *self,
                  guint16    port,
                  guint      n_connections,
                  guint      n_silent,
                  guint      duration)
{
  g_autofree char *path = find_client ();
  g_autofree char *numbers = g_strdup_printf ("%u,%u,%u,%u", port, n_connections, n_silent, duration);
  char *argv[] = { path, numbers, NULL };
  int fds[2];

  if (pipe (fds) != 0)
    g_error ("pipe: %s", g_strerror (errno));
  self->pid = fork ();
  if (self->pid == 0)
    exec_client (fds[1], argv);
  close (fds[1]);
  self->fd = fds[0];
  return self->pid > 0;
}

void
net_client_wait (NetClient *self)
{
  int status = 0;

  close (self->fd);
  while (waitpid (self->pid, &status, 0) < 0 && errno == EINTR)
    continue;
  if (status != 0)
    g_error ("the client failed");
}

double
net_get_cpu (void)
{
  BenchCpu cpu = bench_get_cpu ();

  return (cpu.user + cpu.sys) * 1e9;
}

typedef struct
{
  NetClient *client;
  NetFigures *figures;
  GMainLoop *loop;
  double cpu;                   /* ns: when the client began to measure */
} Watch;

static gboolean
client_cb (int          fd,
           GIOCondition condition,
           gpointer     data)
{
  Watch *self = data;
  char c;

  if (self->cpu == 0 && read (fd, &c, 1) == 1)
    {
      self->cpu = net_get_cpu ();
      return G_SOURCE_CONTINUE;
    }
  self->figures->cpu = net_get_cpu () - self->cpu;
  if (read (fd, &self->figures->result, sizeof (NetResult)) != sizeof (NetResult))
    g_error ("the client failed");
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

/* Ends `loop` when the client is done. */
void
net_client_watch (NetClient  *self,
                  NetFigures *figures,
                  GMainLoop  *loop)
{
  Watch *watch = g_new0 (Watch, 1);

  *watch = (Watch) { self, figures, loop, 0 };
  g_unix_fd_add_full (G_PRIORITY_DEFAULT, self->fd, G_IO_IN | G_IO_HUP, client_cb, watch, g_free);
}

/* The figures of a peer: as many rounds as ours has, each with a new client. */
void
net_run_echo (const Bench  *bench,
              guint         n_connections,
              NetServeFunc  serve)
{
  guint n_rounds = bench_size (bench, NET_ROUNDS, 1);
  double wall[NET_ROUNDS], cpu[NET_ROUNDS];

  n_connections = bench_size (bench, n_connections, MIN (n_connections, 20));
  if (!net_prepare (bench, n_connections))
    return;

  for (guint i = 0; i < n_rounds; i++)
    {
      NetFigures figures = { 0, };
      NetClient client;
      guint16 port;
      int fd = net_listen (&port);

      net_client_start (&client, port, n_connections, 0, bench_size (bench, NET_DURATION, 20));
      serve (fd, &client, &figures);
      net_client_wait (&client);
      wall[i] = figures.result.wall / figures.result.n_messages;
      cpu[i] = figures.cpu / figures.result.n_messages;
    }
  bench_print (bench, NULL, bench_median_of (wall, n_rounds), "ns");
  bench_print (bench, "cpu", bench_median_of (cpu, n_rounds), "ns");
}

static void
accept_all (int     epoll_fd,
            int     listen_fd,
            GArray *connections)
{
  int fd;

  while ((fd = accept4 (listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
    {
      g_array_append_val (connections, fd);
      epoll_ctl (epoll_fd, EPOLL_CTL_ADD, fd, &(struct epoll_event) { .events = EPOLLIN, .data.fd = fd });
    }
}

/* Level-triggered and without EPOLLOUT: the least that can be done for a small message. */
void
net_serve_epoll (int         listen_fd,
                 NetClient  *client,
                 NetFigures *figures)
{
  int epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  struct epoll_event events[N_EVENTS];
  char buffer[4096];
  g_autoptr (GArray) connections = g_array_new (FALSE, FALSE, sizeof (int));
  double cpu = 0;

  epoll_ctl (epoll_fd, EPOLL_CTL_ADD, listen_fd, &(struct epoll_event) { .events = EPOLLIN, .data.fd = listen_fd });
  epoll_ctl (epoll_fd, EPOLL_CTL_ADD, client->fd, &(struct epoll_event) { .events = EPOLLIN, .data.fd = client->fd });

  while (TRUE)
    {
      int n_events = epoll_wait (epoll_fd, events, N_EVENTS, -1);

      for (int i = 0; i < n_events; i++)
        {
          int fd = events[i].data.fd;
          gssize n;

          if (fd == listen_fd)
            {
              accept_all (epoll_fd, listen_fd, connections);
              continue;
            }
          if (fd == client->fd)
            {
              n = read (fd, buffer, cpu == 0 ? 1 : sizeof figures->result);
              figures->cpu = net_get_cpu () - cpu;
              if (n == 1)
                {
                  cpu = net_get_cpu ();
                  continue;
                }
              if (n == sizeof figures->result)
                memcpy (&figures->result, buffer, sizeof figures->result);
              for (guint k = 0; k < connections->len; k++)
                close (g_array_index (connections, int, k));
              close (epoll_fd);
              return;
            }
          n = recv (fd, buffer, sizeof buffer, 0);
          if (n > 0)
            send (fd, buffer, (gsize) n, MSG_NOSIGNAL);
          else
            epoll_ctl (epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        }
    }
}
