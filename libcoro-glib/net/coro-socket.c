/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "net/coro-socket.h"

#include "io/coro-descriptor-private.h"
#include "io/coro-fd.h"
#include "net/coro-socket-private.h"

#include <errno.h>

/* GIO's timeout of the socket, from now on. */
static gint64
socket_get_deadline (GSocket       *socket,
                     CoroScheduler *scheduler)
{
  guint timeout = g_socket_get_timeout (socket);

  return timeout == 0 ? G_MAXINT64 : coro_scheduler_deadline (scheduler, timeout * G_TIME_SPAN_SECOND);
}

/* Whether a short read of the socket means that it is empty, and so saves the call that
 * says so.  Of UNIX sockets a read ends where descriptors were attached. */
static gboolean
socket_is_tcp (GSocket *socket)
{
  GSocketProtocol protocol = g_socket_get_protocol (socket);
  GSocketFamily family = g_socket_get_family (socket);

  return g_socket_get_socket_type (socket) == G_SOCKET_TYPE_STREAM &&
         (family == G_SOCKET_FAMILY_IPV4 || family == G_SOCKET_FAMILY_IPV6) &&
         (protocol == G_SOCKET_PROTOCOL_TCP || protocol == G_SOCKET_PROTOCOL_DEFAULT);
}

static void
socket_set_closed (GError     **error,
                   const char  *what)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "%s: the socket is closed", what);
}

static CoroDescriptor *
socket_get_descriptor (GSocket        *socket,
                       CoroScheduler  *scheduler,
                       int             fd,
                       GError        **error)
{
  CoroDescriptor *descriptor = coro_descriptor_get_owned (scheduler, fd, G_OBJECT (socket), error);

  /* A close before we were noted did not know of us, and the number may be another file's. */
  if (descriptor != NULL && G_UNLIKELY (g_socket_get_fd (socket) != fd))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The socket was closed by another thread");
      return NULL;
    }

  if (descriptor != NULL && !socket_is_tcp (socket))
    descriptor->careful = TRUE;
  return descriptor;
}

/* Calls `func` until it does not fail with EAGAIN, and waits in between.  What is known
 * not to succeed is not tried: an echo server makes two calls a message, as one that
 * calls epoll itself.  `size` is what would be a full answer. */
gssize
coro_socket_perform (GSocket         *socket,
                     guint32          direction,
                     CoroSocketFunc   func,
                     gpointer         args,
                     gsize            size,
                     const char      *what,
                     GError         **error)
{
  if (coro_job_require (error) == NULL || !coro_waiter_check_ready (error))
    return -1;

  while (TRUE)
    {
      CoroScheduler *scheduler = coro_scheduler_current;
      int fd = g_socket_get_fd (socket);
      CoroDescriptor *descriptor;

      if (G_UNLIKELY (fd < 0))
        {
          socket_set_closed (error, what);
          return -1;
        }

      descriptor = coro_descriptor_lookup (scheduler, fd, socket);
      if (descriptor == NULL || (descriptor->ready & direction) != 0)
        {
          gssize n_done;

          coro_scheduler_prefetch (scheduler);
          n_done = func (fd, args);

          if (n_done >= 0)
            {
              if (descriptor != NULL && n_done > 0 && (gsize) n_done < size && !descriptor->careful)
                descriptor->ready &= ~direction;
              return n_done;
            }
          if (errno == EINTR)
            continue;
          if (errno == EBADF)
            {
              socket_set_closed (error, what);          /* by another thread */
              return -1;
            }
          if (errno != EAGAIN)
            {
              coro_set_error_from_errno (error, errno, what);
              return -1;
            }
          if (descriptor == NULL)
            descriptor = socket_get_descriptor (socket, scheduler, fd, error);
          if (descriptor == NULL)
            return -1;
          /* If that is not true any more, an event says so. */
          descriptor->ready &= ~direction;
        }

      if (!coro_descriptor_wait (descriptor, direction, socket_get_deadline (socket, scheduler), error))
        return -1;
    }
}

/**
 * coro_socket_connect: (skip)
 * @socket: a socket
 * @address: where to
 * @error: return location for an error
 *
 * Connects a socket.
 *
 * For a host name, or several addresses of one host, await
 * [method@Gio.SocketClient.connect_to_host_async] with `CORO_CALL`; its connection
 * has a socket.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; close the socket then.
 *
 * @error can be set to those of [method@Gio.Socket.connect], %G_IO_ERROR_CLOSED,
 * %G_IO_ERROR_TIMED_OUT (see [property@Gio.Socket:timeout]), %G_IO_ERROR_CANCELLED and the misuse
 * errors of [func@await].
 *
 * Returns: %TRUE once it is connected; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_socket_connect (GSocket         *socket,
                     GSocketAddress  *address,
                     GError         **error)
{
  g_autoptr (GError) local_error = NULL;
  gboolean blocking;
  gboolean connected;

  g_return_val_if_fail (G_IS_SOCKET (socket), FALSE);
  g_return_val_if_fail (G_IS_SOCKET_ADDRESS (address), FALSE);

  if (coro_job_require (error) == NULL || !coro_waiter_check_ready (error))
    return FALSE;

  blocking = g_socket_get_blocking (socket);
  g_socket_set_blocking (socket, FALSE);
  connected = g_socket_connect (socket, address, NULL, &local_error);
  g_socket_set_blocking (socket, blocking);
  if (connected)
    return TRUE;

  if (!g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_PENDING))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  return coro_socket_wait (socket, G_IO_OUT, error) != 0 && g_socket_check_connect_result (socket, error);
}

/**
 * coro_socket_wait: (skip)
 * @socket: a socket
 * @condition: what to wait for
 * @error: return location for an error
 *
 * Waits until a socket is ready: [func@fd_wait] with its [property@Gio.Socket:timeout].
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable].
 *
 * @error can be set to what [func@fd_wait] fails with.
 *
 * Returns: what it is ready for; 0 with @error set
 *
 * Since: 0.1
 */
GIOCondition
coro_socket_wait (GSocket       *socket,
                  GIOCondition   condition,
                  GError       **error)
{
  guint timeout;
  int fd;

  g_return_val_if_fail (G_IS_SOCKET (socket), 0);

  if (coro_job_require (error) == NULL || !coro_waiter_check_ready (error))
    return 0;

  fd = g_socket_get_fd (socket);
  if (fd < 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The socket is closed");
      return 0;
    }

  /* As the socket's: another thread that closes it would not know of us. */
  if (socket_get_descriptor (socket, coro_scheduler_current, fd, error) == NULL)
    return 0;

  timeout = g_socket_get_timeout (socket);
  return coro_descriptor_wait_once (coro_scheduler_current, fd, condition,
                                    timeout == 0 ? -1 : timeout * G_TIME_SPAN_SECOND, error);
}

/**
 * coro_socket_close: (skip)
 * @socket: a socket
 * @error: return location for an error
 *
 * Closes a socket. Coroutines that wait for it, also those of other threads, fail with
 * %G_IO_ERROR_CLOSED; [method@Gio.Socket.close] does not tell them.
 *
 * A thread that is just making a system call with the socket is not waited for: its number
 * may be another file's by then. Where threads share a socket, [method@Gio.Socket.shutdown]
 * ends what they do, and the one that is left closes it.
 *
 * Callable from any thread; never suspends.
 *
 * @error can be set to those of [method@Gio.Socket.close].
 *
 * Returns: %TRUE; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_socket_close (GSocket  *socket,
                   GError  **error)
{
  gboolean closed;
  int fd;

  g_return_val_if_fail (G_IS_SOCKET (socket), FALSE);

  fd = g_socket_get_fd (socket);
  if (fd >= 0)
    coro_descriptor_close (coro_scheduler_get_current (), fd);
  closed = g_socket_close (socket, error);
  if (fd >= 0)
    coro_descriptor_tell_closed (fd, G_OBJECT (socket));
  return closed;
}
