/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "bench.h"

G_BEGIN_DECLS

#define NET_MESSAGE_SIZE 64
#define NET_ROUNDS       7
#define NET_DURATION     1000   /* ms */

/* The process that talks to the server under test: `coro-bench-net-client`, which lies
 * beside this program.  It writes 's' when it begins to measure and a NetResult at the end. */
typedef struct
{
  GPid pid;
  int fd;                       /* (owned) */
} NetClient;

typedef struct
{
  double n_messages;
  double wall;                  /* ns */
  double p50;                   /* ns: of a message and its answer */
  double p99;
} NetResult;

/* What the server's process has spent between the two. */
typedef struct
{
  NetResult result;
  double cpu;                   /* ns */
} NetFigures;

/* Serves all connections until the client is done, of which net_client_watch() tells it.
 * Takes `listen_fd`. */
typedef void (*NetServeFunc) (int         listen_fd,
                              NetClient  *client,
                              NetFigures *figures);

void     net_run_echo     (const Bench     *bench,
                           guint            n_connections,
                           NetServeFunc     serve);
void     net_client_watch (NetClient       *self,
                           NetFigures      *figures,
                           GMainLoop       *loop);

void     net_pin_to       (int              processor);
gboolean net_prepare      (const Bench     *bench,
                           guint            n_connections);
int      net_listen       (guint16         *port);
gboolean net_client_start (NetClient       *self,
                           guint16          port,
                           guint            n_connections,
                           guint            n_silent,
                           guint            duration);
void     net_client_wait  (NetClient       *self);
double   net_get_cpu      (void);

/* The server to compare with: nothing but epoll_wait(), recv() and send(). */
void     net_serve_epoll  (int              listen_fd,
                           NetClient       *client,
                           NetFigures      *figures);

G_END_DECLS
