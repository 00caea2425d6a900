/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sockets for callers that need a future: bindings, and gather and its siblings.
 */
#include "config.h"

#include "net/coro-socket.h"

#include "future/coro-return.h"
#include "scope/coro-spawn.h"

/* What was asked for; one of the last three. */
typedef struct
{
  GSocket *socket;              /* (owned) */
  GSocketAddress *address;      /* (nullable) (owned) */
  GBytes *bytes;                /* (nullable) (owned) */
  gsize size;
} CoroSocketRequest;

static void
request_clear (gpointer data)
{
  CoroSocketRequest *self = data;

  g_clear_object (&self->socket);
  g_clear_object (&self->address);
  g_clear_pointer (&self->bytes, g_bytes_unref);
}

static CoroFuture *
request_spawn (CoroFunc            func,
               CoroSocketRequest  *request,
               const char         *site)
{
  return CORO_FUTURE (coro_spawn_task_copy (NULL, func, request, sizeof *request, request_clear, site));
}

static gboolean
connect_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  CoroSocketRequest *self = user_data;

  return coro_socket_connect (self->socket, self->address, error);
}

static gboolean
receive_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  CoroSocketRequest *self = user_data;
  g_autofree char *buffer = g_malloc (MAX (self->size, 1));
  gssize n_received = coro_socket_receive (self->socket, buffer, self->size, error);

  return n_received >= 0 &&
         coro_return_take_boxed (result, G_TYPE_BYTES, g_bytes_new (buffer, (gsize) n_received));
}

static gboolean
send_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  CoroSocketRequest *self = user_data;
  gsize size;
  const void *data = g_bytes_get_data (self->bytes, &size);

  return coro_socket_send_all (self->socket, data, size, NULL, error);
}

/**
 * coro_socket_connect_future: (rename-to coro_socket_connect)
 * @socket: a socket
 * @address: where to
 *
 * [func@socket_connect] as a task of its own, without a value.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_socket_connect_future (GSocket        *socket,
                            GSocketAddress *address)
{
  g_return_val_if_fail (G_IS_SOCKET (socket), NULL);
  g_return_val_if_fail (G_IS_SOCKET_ADDRESS (address), NULL);

  return request_spawn (connect_cb,
                        &(CoroSocketRequest) { .socket = g_object_ref (socket), .address = g_object_ref (address) },
                        CORO_SPAWN_SITE (coro_socket_connect));
}

/**
 * coro_socket_receive_future: (rename-to coro_socket_receive)
 * @socket: a connected socket
 * @size: bytes to receive at the most
 *
 * [func@socket_receive] as a task of its own. Its value is a [struct@GLib.Bytes], which is
 * empty when the peer has closed its side.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_socket_receive_future (GSocket *socket,
                            gsize    size)
{
  g_return_val_if_fail (G_IS_SOCKET (socket), NULL);

  return request_spawn (receive_cb, &(CoroSocketRequest) { .socket = g_object_ref (socket), .size = size },
                        CORO_SPAWN_SITE (coro_socket_receive));
}

/**
 * coro_socket_send_future:
 * @socket: a connected socket
 * @bytes: what to send
 *
 * [func@socket_send_all] as a task of its own, without a value.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_socket_send_future (GSocket *socket,
                         GBytes  *bytes)
{
  g_return_val_if_fail (G_IS_SOCKET (socket), NULL);
  g_return_val_if_fail (bytes != NULL, NULL);

  return request_spawn (send_cb, &(CoroSocketRequest) { .socket = g_object_ref (socket), .bytes = g_bytes_ref (bytes) },
                        CORO_SPAWN_SITE (coro_socket_send_all));
}
