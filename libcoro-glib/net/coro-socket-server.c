/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "net/coro-socket-server.h"

#include "base/coro-error.h"
#include "future/coro-return.h"
#include "future/coro-sleep.h"
#include "future/coro-task-private.h"
#include "io/coro-operation.h"
#include "net/coro-socket-private.h"
#include "base/coro-errno-private.h"
#include "scope/coro-nursery.h"
#include "scope/coro-spawn.h"
#include "scope/coro-task-group-private.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel takes less where net.core.somaxconn says so. */
#define BACKLOG 4096

/**
 * coro_socket_listen:
 * @address: where
 * @error: return location for an error
 *
 * Makes a stream socket that listens at an address.
 *
 * Of port 0 the system takes one that is free; see [method@Gio.Socket.get_local_address].
 *
 * Callable from any thread; never suspends.
 *
 * @error can be set to those of [method@Gio.Socket.bind] and [method@Gio.Socket.listen].
 *
 * Returns: (transfer full): a socket for [func@socket_accept]; %NULL with @error set
 *
 * Since: 0.1
 */
GSocket *
coro_socket_listen (GSocketAddress  *address,
                    GError         **error)
{
  g_autoptr (GSocket) socket = NULL;

  g_return_val_if_fail (G_IS_SOCKET_ADDRESS (address), NULL);

  socket = g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  if (socket == NULL || !g_socket_bind (socket, address, TRUE, error))
    return NULL;

  g_socket_set_listen_backlog (socket, BACKLOG);
  return g_socket_listen (socket, error) ? g_steal_pointer (&socket) : NULL;
}

/* A connection that was over before it was taken is none, and Linux passes on what has happened
 * to its network meanwhile; see accept(2). */
static gboolean
is_of_connection (int code)
{
  switch (code)
    {
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EPROTO:
      return TRUE;
    default:
      return FALSE;
    }
}

/* `code` becomes the error number, which the GError does not tell: GIO has one code for many. */
static gssize
accept_cb (int      fd,
           gpointer code)
{
  int connection;

  do
    connection = accept4 (fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  while (connection < 0 && is_of_connection (errno));
  *(int *) code = connection < 0 ? errno : 0;
  return connection;
}

static int
accept_fd (GSocket  *socket,
           int      *code,
           GError  **error)
{
  *code = 0;
  return (int) coro_socket_perform (socket, EPOLLIN, accept_cb, code, 0, "Error accepting connection", error);
}

/**
 * coro_socket_accept: (skip)
 * @socket: a socket that listens
 * @error: return location for an error
 *
 * Accepts a connection, and waits while there is none.
 *
 * Any number of coroutines, also of several threads, may accept from the same socket.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; no connection was taken then.
 *
 * @error can be set to those of [method@Gio.Socket.accept], among them
 * %G_IO_ERROR_TOO_MANY_OPEN_FILES, after which the connection still waits to be accepted; to
 * %G_IO_ERROR_CLOSED, %G_IO_ERROR_TIMED_OUT, %G_IO_ERROR_CANCELLED and the misuse errors
 * of [func@await].
 *
 * Returns: (transfer full): a socket; %NULL with @error set
 *
 * Since: 0.1
 */
GSocket *
coro_socket_accept (GSocket  *socket,
                    GError  **error)
{
  GSocket *connection;
  int fd, code;

  g_return_val_if_fail (G_IS_SOCKET (socket), NULL);

  fd = accept_fd (socket, &code, error);
  if (fd < 0)
    return NULL;

  connection = g_socket_new_from_fd (fd, error);
  if (connection == NULL)
    close (fd);
  return connection;
}

static gboolean
accept_future_cb (gpointer   socket,
                  GValue    *result,
                  GError   **error)
{
  GSocket *connection = coro_socket_accept (socket, error);

  return connection != NULL && coro_return_take_object (result, G_OBJECT (connection));
}

/**
 * coro_socket_accept_future: (rename-to coro_socket_accept)
 * @socket: a socket that listens
 *
 * [func@socket_accept] as a task of its own. Its value is a [class@Gio.Socket].
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_socket_accept_future (GSocket *socket)
{
  g_return_val_if_fail (G_IS_SOCKET (socket), NULL);

  return CORO_FUTURE (coro_spawn_task (accept_future_cb, g_object_ref (socket), g_object_unref));
}

/* --- serving ---------------------------------------------------------------------- */

void
coro_connection_clear (gpointer data)
{
  CoroConnection *self = data;

  if (self->fd >= 0)
    close (self->fd);
}

/* What goes wrong with one connection is its own affair: peers vanish all the time. */
void
coro_connection_serve (CoroConnection *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_new_from_fd (self->fd, &error);

  if (socket != NULL)
    self->fd = -1;
  if ((socket == NULL || !self->func (socket, self->user_data, &error)) && !coro_error_is_cancelled (error))
    g_debug ("A connection has failed: %s", error != NULL ? error->message : "without an error");
}

static gboolean
connection_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  coro_connection_serve (user_data);
  return TRUE;
}

/* As long as there is no stack, the accepted connection waits, and no further one is accepted. */
static gboolean
hand_over (int              fd,
           CoroAcceptFunc   func,
           gpointer         data,
           GError         **error)
{
  while (!func (fd, data))
    if (!coro_sleep (CORO_ACCEPT_PAUSE, error))
      {
        close (fd);
        return FALSE;
      }
  return TRUE;
}

/* Accepts until that fails for good. */
gboolean
coro_socket_accept_each (GSocket         *socket,
                         CoroAcceptFunc   func,
                         gpointer         data,
                         GError         **error)
{
  while (TRUE)
    {
      GError *local_error = NULL;
      int code;
      int fd = accept_fd (socket, &code, &local_error);

      if (fd >= 0)
        {
          if (!hand_over (fd, func, data, error))
            return FALSE;
          continue;
        }
      /* The wait may lack something, too. */
      if (!coro_errno_is_lack (code) && !coro_error_is_lack (local_error))
        {
          g_propagate_error (error, local_error);
          return FALSE;
        }
      g_error_free (local_error);
      if (!coro_sleep (CORO_ACCEPT_PAUSE, error))
        return FALSE;
    }
}

typedef struct
{
  CoroServeFunc func;
  gpointer user_data;
  CoroTaskGroup *group;         /* (unowned) */
} CoroServer;

/* A coroutine that failed without a stack would cancel the whole group. */
static gboolean
server_take_cb (int      fd,
                gpointer data)
{
  CoroServer *self = data;
  CoroConnection connection = { self->func, self->user_data, fd };
  CoroTaskSpec spec = { connection_cb, &connection, coro_connection_clear, sizeof connection,
                        CORO_SPAWN_SITE (coro_socket_serve), FALSE };

  return coro_task_try_spawn (&self->group->supervisor, &spec, NULL);
}

/**
 * coro_socket_serve: (skip)
 * @socket: a socket that listens
 * @func: what to do with a connection
 * @user_data: what to pass to it
 * @error: return location for an error
 *
 * Accepts connections and serves each in a coroutine of its own, until it is cancelled or
 * @socket is closed. [method@WorkerPool.serve] does it on many processors.
 *
 * ```c
 * static gboolean
 * echo_cb (GSocket *socket, gpointer user_data, GError **error)
 * {
 *   char buffer[4096];
 *   gssize size;
 *
 *   while ((size = coro_socket_receive (socket, buffer, sizeof buffer, error)) > 0)
 *     if (!coro_socket_send_all (socket, buffer, size, NULL, error))
 *       return FALSE;
 *   return size == 0;
 * }
 * ```
 *
 * The socket of a connection is closed when @func has returned and no other reference is left.
 * An error of @func ends this connection and nothing else; it is only shown by
 * `G_MESSAGES_DEBUG`. If the process has run out of descriptors, stacks or memory, new
 * connections wait until there are some again.
 *
 * There are two ways to stop. Cancelling cancels the connections as well, and waits for them.
 * After [func@socket_close] of @socket no connection is accepted any more, and the open
 * connections are served to their end; cancel later to limit the time for this.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; connections are cancelled and waited for.
 *
 * @error can be set to what [func@socket_accept] fails with, but for %G_IO_ERROR_CLOSED.
 *
 * Returns: %TRUE once @socket was closed and the last connection has ended; %FALSE with
 *   @error set
 *
 * Since: 0.1
 */
gboolean
coro_socket_serve (GSocket        *socket,
                   CoroServeFunc   func,
                   gpointer        user_data,
                   GError        **error)
{
  g_return_val_if_fail (G_IS_SOCKET (socket), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  CoroServer server = { func, user_data, nursery.group };
  g_autoptr (GError) local_error = NULL;

  if (nursery.group == NULL)
    return FALSE;

  coro_socket_accept_each (socket, server_take_cb, &server, &local_error);
  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    return coro_nursery_join (&nursery);

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/**
 * coro_socket_listener_accept: (skip)
 * @listener: a socket listener
 * @source_object: (out) (optional) (nullable) (transfer none): what the address was added with
 * @error: return location for an error
 *
 * Accepts a connection of GIO's listener: [method@Gio.SocketListener.accept_async], awaited.
 *
 * The connection's own socket is good for [func@socket_receive] and its siblings.
 *
 * Callable from a coroutine, which it suspends. Cancellation cancels the
 * operation and waits for it.
 *
 * @error can be set to those of [method@Gio.SocketListener.accept] and the misuse errors of
 * [func@await].
 *
 * Returns: (transfer full): a connection; %NULL with @error set
 *
 * Since: 0.1
 */
GSocketConnection *
coro_socket_listener_accept (GSocketListener  *listener,
                             GObject         **source_object,
                             GError          **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  GAsyncResult *result;

  g_return_val_if_fail (G_IS_SOCKET_LISTENER (listener), NULL);

  g_socket_listener_accept_async (listener, coro_operation_begin (&op), coro_operation_ready, &op);
  result = coro_operation_await (&op);
  return g_socket_listener_accept_finish (listener, result, source_object, error);
}
