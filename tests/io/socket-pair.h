/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "socket-util.h"

#include <sys/socket.h>

G_GNUC_UNUSED static GSocketAddress *
loopback (guint port)
{
  return g_inet_socket_address_new_from_string ("127.0.0.1", port);
}

G_GNUC_UNUSED static GSocket *
new_tcp (void)
{
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);

  g_assert_nonnull (socket);
  return socket;
}

/* Two ends of a connection: of TCP, or of UNIX sockets. */
typedef struct
{
  GSocket *a;
  GSocket *b;
} Pair;

static void
pair_clear (Pair *self)
{
  g_clear_object (&self->a);
  g_clear_object (&self->b);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pair, pair_clear)

G_GNUC_UNUSED static Pair
pair_new (gboolean tcp)
{
  Pair self;

  if (tcp)
    {
      g_autoptr (GSocket) listener = listen_on_loopback ();

      self.a = connect_to (listener, NULL);
      self.b = coro_socket_accept (listener, NULL);
    }
  else
    {
      int fds[2];

      g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
      self.a = g_socket_new_from_fd (fds[0], NULL);
      self.b = g_socket_new_from_fd (fds[1], NULL);
    }
  g_assert_nonnull (self.a);
  g_assert_nonnull (self.b);
  return self;
}

/* Makes the peer see a reset. */
G_GNUC_UNUSED static void
reset (GSocket *socket)
{
  struct linger linger = { 1, 0 };

  g_assert_cmpint (setsockopt (g_socket_get_fd (socket), SOL_SOCKET, SO_LINGER, &linger, sizeof linger), ==, 0);
  g_assert_true (g_socket_close (socket, NULL));
}
