/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sockets that carry datagrams.
 */
#include "config.h"

#include "net/coro-socket-private.h"

#include <sys/epoll.h>
#include <sys/socket.h>

typedef struct
{
  char *data;
  gsize size;
  struct sockaddr_storage address;
  socklen_t address_size;
} CoroSocketDatagram;

static gssize
receive_from_cb (int      fd,
                 gpointer args)
{
  CoroSocketDatagram *self = args;

  self->address_size = sizeof self->address;
  return recvfrom (fd, self->data, self->size, 0, (struct sockaddr *) &self->address,
                   &self->address_size);
}

/**
 * coro_socket_receive_from: (skip)
 * @socket: a socket of datagrams
 * @address: (out) (optional) (nullable) (transfer full): the sender's address
 * @buffer: (array length=size) (element-type guint8): where to put it
 * @size: bytes to receive at the most; the rest of the datagram is lost
 * @error: return location for an error
 *
 * Receives a datagram and its sender's address.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; nothing was received then.
 *
 * @error can be set to what [func@socket_receive] fails with.
 *
 * Returns: the bytes received; -1 with @error set
 *
 * Since: 0.1
 */
gssize
coro_socket_receive_from (GSocket         *socket,
                          GSocketAddress **address,
                          void            *buffer,
                          gsize            size,
                          GError         **error)
{
  CoroSocketDatagram args = { .data = buffer, .size = size };
  gssize n_received;

  g_return_val_if_fail (G_IS_SOCKET (socket), -1);
  g_return_val_if_fail (buffer != NULL || size == 0, -1);

  n_received = coro_socket_perform (socket, EPOLLIN, receive_from_cb, &args, 0, "Error receiving message", error);
  if (address != NULL)
    *address = n_received >= 0 && args.address_size > 0
                 ? g_socket_address_new_from_native (&args.address, args.address_size) : NULL;
  return n_received;
}

static gssize
send_to_cb (int      fd,
            gpointer args)
{
  CoroSocketDatagram *self = args;

  return sendto (fd, self->data, self->size, MSG_NOSIGNAL, (struct sockaddr *) &self->address,
                 self->address_size);
}

/**
 * coro_socket_send_to: (skip)
 * @socket: a socket of datagrams
 * @address: the receiver's address
 * @buffer: (array length=size) (element-type guint8): what to send
 * @size: bytes to send
 * @error: return location for an error
 *
 * Sends a datagram.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; nothing was sent then.
 *
 * @error can be set to what [func@socket_send] fails with.
 *
 * Returns: the bytes sent; -1 with @error set
 *
 * Since: 0.1
 */
gssize
coro_socket_send_to (GSocket         *socket,
                     GSocketAddress  *address,
                     const void      *buffer,
                     gsize            size,
                     GError         **error)
{
  CoroSocketDatagram args = { .data = (char *) buffer, .size = size };
  gssize address_size;

  g_return_val_if_fail (G_IS_SOCKET (socket), -1);
  g_return_val_if_fail (G_IS_SOCKET_ADDRESS (address), -1);
  g_return_val_if_fail (buffer != NULL || size == 0, -1);

  address_size = g_socket_address_get_native_size (address);
  if (!g_socket_address_to_native (address, &args.address, sizeof args.address, error))
    return -1;

  args.address_size = (socklen_t) address_size;
  return coro_socket_perform (socket, EPOLLOUT, send_to_cb, &args, 0, "Error sending message", error);
}
