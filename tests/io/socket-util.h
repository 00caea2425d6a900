/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "test-util.h"

/* A listener on loopback, where the system likes. */
G_GNUC_UNUSED static GSocket *
listen_on_loopback (void)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GError) error = NULL;
  GSocket *socket = coro_socket_listen (address, &error);

  g_assert_no_error (error);
  return socket;
}

/* NULL with an error. */
G_GNUC_UNUSED static GSocket *
connect_to (GSocket  *listener,
            GError  **error)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (listener, NULL);
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);

  g_assert_nonnull (address);
  g_assert_nonnull (socket);
  return coro_socket_connect (socket, address, error) ? g_steal_pointer (&socket) : NULL;
}

/* Says something and waits until it comes back. */
G_GNUC_UNUSED static void
assert_echo (GSocket *socket)
{
  g_autoptr (GError) error = NULL;
  char buffer[4] = "";

  coro_socket_send_all (socket, "echo", 4, NULL, &error);
  g_assert_no_error (error);
  coro_socket_receive_all (socket, buffer, 4, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (buffer, 4, "echo", 4);
}

/* The peer has closed its side. */
G_GNUC_UNUSED static void
assert_end (GSocket *socket)
{
  g_autoptr (GError) error = NULL;
  char c;

  g_assert_cmpint (coro_socket_receive (socket, &c, 1, &error), ==, 0);
  g_assert_no_error (error);
}
