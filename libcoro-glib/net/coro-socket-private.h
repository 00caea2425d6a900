/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "net/coro-socket.h"
#include "net/coro-socket-server.h"

G_BEGIN_DECLS

/* A system call that does not block; sets errno. */
typedef gssize (*CoroSocketFunc) (int      fd,
                                  gpointer args);

/* A connection that was accepted and has no object yet. */
typedef struct
{
  CoroServeFunc func;
  gpointer user_data;
  int fd;                       /* (owned); -1: a socket's by now */
} CoroConnection;

/* How long a server that has run out of descriptors or stacks waits for connections to end. */
#define CORO_ACCEPT_PAUSE (100 * G_TIME_SPAN_MILLISECOND)

/* Takes the descriptor.  FALSE: not now; the function is called again after a pause. */
typedef gboolean (*CoroAcceptFunc) (int      fd,
                                    gpointer data);

gssize   coro_socket_perform     (GSocket         *socket,
                                  guint32          direction,
                                  CoroSocketFunc   func,
                                  gpointer         args,
                                  gsize            size,
                                  const char      *what,
                                  GError         **error);
gboolean coro_socket_accept_each (GSocket         *socket,
                                  CoroAcceptFunc   func,
                                  gpointer         data,
                                  GError         **error);
void     coro_connection_serve   (CoroConnection  *self);
void     coro_connection_clear   (gpointer         data);

G_END_DECLS
