/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-socket.h"

#include "io/coro-descriptor-private.h"
#include "io/coro-fd.h"
#include "io/coro-socket-private.h"

#include <errno.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* One at a time may not keep the thread for long: the kernel copies this in 100 µs. */
#define MAX_SEND_FILE (1024 * 1024)

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
                       const char     *what,
                       GError        **error)
{
  GError *local_error = NULL;
  CoroDescriptor *descriptor = coro_descriptor_get_owned (scheduler, fd, G_OBJECT (socket), &local_error);

  if (descriptor != NULL && !socket_is_tcp (socket))
    descriptor->careful = TRUE;
  if (local_error != NULL && g_socket_is_closed (socket))
    {
      socket_set_closed (error, what);
      g_error_free (local_error);
    }
  else if (local_error != NULL)
    {
      g_propagate_error (error, local_error);
    }
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

      descriptor = coro_descriptor_peek (scheduler, fd, socket);
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
            descriptor = socket_get_descriptor (socket, scheduler, fd, what, error);
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
 * Since: 1.0
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

typedef struct
{
  char *data;
  gsize size;
} CoroSocketBuffer;

static gssize
receive_cb (int      fd,
            gpointer args)
{
  CoroSocketBuffer *self = args;

  return recv (fd, self->data, self->size, 0);
}

/**
 * coro_socket_receive: (skip)
 * @socket: a connected socket
 * @buffer: (array length=size) (element-type guint8): where to put it
 * @size: bytes to receive at the most
 * @error: return location for an error
 *
 * Receives what is there, and waits while there is nothing.
 *
 * Of a [class@Gio.SocketConnection] take [method@Gio.SocketConnection.get_socket]; do
 * not mix it with a buffered or encrypted stream on top.
 *
 * What is there already does not suspend. [property@Gio.Socket:timeout] is heeded,
 * [property@Gio.Socket:blocking] makes no difference.
 *
 * A socket belongs to no thread. It can be made or accepted in one and used in another, and
 * coroutines of several threads can use it at the same time: one sends, another receives; of
 * several that receive, each byte goes to one.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; nothing was received then.
 *
 * @error can be set to those of [method@Gio.Socket.receive], %G_IO_ERROR_CLOSED,
 * %G_IO_ERROR_TIMED_OUT, %G_IO_ERROR_CANCELLED and the misuse errors of [func@await].
 *
 * Returns: the bytes received; 0 when the peer has closed its side; -1 with @error set
 *
 * Since: 1.0
 */
gssize
coro_socket_receive (GSocket  *socket,
                     void     *buffer,
                     gsize     size,
                     GError  **error)
{
  CoroSocketBuffer args = { buffer, size };

  g_return_val_if_fail (G_IS_SOCKET (socket), -1);
  g_return_val_if_fail (buffer != NULL || size == 0, -1);

  return coro_socket_perform (socket, EPOLLIN, receive_cb, &args, size, "Error receiving data", error);
}

/**
 * coro_socket_receive_all: (skip)
 * @socket: a connected socket
 * @buffer: (array length=size) (element-type guint8): where to put it
 * @size: bytes to receive
 * @bytes_received: (out) (optional): how many there were, also with an error
 * @error: return location for an error
 *
 * Receives exactly so many bytes.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; @bytes_received says how far it came.
 *
 * @error can be set to what [func@socket_receive] fails with, and to
 * %G_IO_ERROR_PARTIAL_INPUT when the peer has closed its side before.
 *
 * Returns: %TRUE if all was received; %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
coro_socket_receive_all (GSocket  *socket,
                         void     *buffer,
                         gsize     size,
                         gsize    *bytes_received,
                         GError  **error)
{
  gsize n_done = 0;
  gssize n = 1;

  g_return_val_if_fail (G_IS_SOCKET (socket), FALSE);
  g_return_val_if_fail (buffer != NULL || size == 0, FALSE);

  while (n_done < size && (n = coro_socket_receive (socket, (char *) buffer + n_done, size - n_done, error)) > 0)
    n_done += (gsize) n;

  if (bytes_received != NULL)
    *bytes_received = n_done;
  if (n == 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
                 "The peer has sent %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " bytes", n_done, size);
  return n_done == size;
}

typedef struct
{
  CoroSocketBuffer buffer;
  struct sockaddr_storage address;
  socklen_t address_size;
} CoroSocketDatagram;

static gssize
receive_from_cb (int      fd,
                 gpointer args)
{
  CoroSocketDatagram *self = args;

  self->address_size = sizeof self->address;
  return recvfrom (fd, self->buffer.data, self->buffer.size, 0, (struct sockaddr *) &self->address,
                   &self->address_size);
}

/**
 * coro_socket_receive_from: (skip)
 * @socket: a socket of datagrams
 * @address: (out) (optional) (nullable) (transfer full): from whom it is
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
 * Since: 1.0
 */
gssize
coro_socket_receive_from (GSocket         *socket,
                          GSocketAddress **address,
                          void            *buffer,
                          gsize            size,
                          GError         **error)
{
  CoroSocketDatagram args = { .buffer = { buffer, size } };
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
send_cb (int      fd,
         gpointer args)
{
  CoroSocketBuffer *self = args;

  return send (fd, self->data, self->size, MSG_NOSIGNAL);
}

/**
 * coro_socket_send: (skip)
 * @socket: a connected socket
 * @buffer: (array length=size) (element-type guint8): what to send
 * @size: bytes to send at the most
 * @error: return location for an error
 *
 * Sends as much as there is room for, and waits while there is none.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; nothing was sent then.
 *
 * @error can be set to those of [method@Gio.Socket.send], %G_IO_ERROR_CLOSED,
 * %G_IO_ERROR_TIMED_OUT, %G_IO_ERROR_CANCELLED and the misuse errors of [func@await].
 *
 * Returns: the bytes sent; -1 with @error set
 *
 * Since: 1.0
 */
gssize
coro_socket_send (GSocket     *socket,
                  const void  *buffer,
                  gsize        size,
                  GError     **error)
{
  CoroSocketBuffer args = { (char *) buffer, size };

  g_return_val_if_fail (G_IS_SOCKET (socket), -1);
  g_return_val_if_fail (buffer != NULL || size == 0, -1);

  return coro_socket_perform (socket, EPOLLOUT, send_cb, &args, size, "Error sending data", error);
}

/**
 * coro_socket_send_all: (skip)
 * @socket: a connected socket
 * @buffer: (array length=size) (element-type guint8): what to send
 * @size: bytes to send
 * @bytes_sent: (out) (optional): how many were sent, also with an error
 * @error: return location for an error
 *
 * Sends everything, and waits whenever there is no room.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; @bytes_sent says how far it came.
 *
 * @error can be set to what [func@socket_send] fails with.
 *
 * Returns: %TRUE if all was sent; %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
coro_socket_send_all (GSocket     *socket,
                      const void  *buffer,
                      gsize        size,
                      gsize       *bytes_sent,
                      GError     **error)
{
  gsize n_done = 0;
  gssize n = 0;

  g_return_val_if_fail (G_IS_SOCKET (socket), FALSE);
  g_return_val_if_fail (buffer != NULL || size == 0, FALSE);

  while (n_done < size && (n = coro_socket_send (socket, (const char *) buffer + n_done, size - n_done, error)) >= 0)
    n_done += (gsize) n;

  if (bytes_sent != NULL)
    *bytes_sent = n_done;
  return n_done == size;
}

typedef struct
{
  struct iovec vectors[64];
  gsize n_vectors;
} CoroSocketVectors;

/* Takes up to 64 of the caller's, less the first `skip` bytes.  Returns how many bytes
 * that are. */
static gsize
vectors_take (CoroSocketVectors   *self,
              const GOutputVector *vectors,
              gsize                n_vectors,
              gsize                skip)
{
  gsize size = 0;

  self->n_vectors = 0;
  for (; n_vectors > 0 && self->n_vectors < G_N_ELEMENTS (self->vectors); vectors++, n_vectors--)
    {
      if (vectors->size <= skip)
        {
          skip -= vectors->size;
          continue;
        }
      self->vectors[self->n_vectors++] = (struct iovec) { (char *) vectors->buffer + skip, vectors->size - skip };
      size += vectors->size - skip;
      skip = 0;
    }
  return size;
}

static gssize
send_vectors_cb (int      fd,
                 gpointer args)
{
  CoroSocketVectors *self = args;
  struct msghdr message = { .msg_iov = self->vectors, .msg_iovlen = self->n_vectors };

  return sendmsg (fd, &message, MSG_NOSIGNAL);
}

/**
 * coro_socket_send_vectors: (skip)
 * @socket: a connected socket
 * @vectors: (array length=n_vectors): what to send, piece by piece
 * @n_vectors: how many pieces
 * @bytes_sent: (out) (optional): how many bytes were sent, also with an error
 * @error: return location for an error
 *
 * [func@socket_send_all] for what lies in several places, without copying it together.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; @bytes_sent says how far it came.
 *
 * @error can be set to what [func@socket_send] fails with.
 *
 * Returns: %TRUE if all was sent; %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
coro_socket_send_vectors (GSocket              *socket,
                          const GOutputVector  *vectors,
                          gsize                 n_vectors,
                          gsize                *bytes_sent,
                          GError              **error)
{
  CoroSocketVectors args;
  gsize n_done = 0;
  gssize n = 0;
  gsize size;

  g_return_val_if_fail (G_IS_SOCKET (socket), FALSE);
  g_return_val_if_fail (vectors != NULL || n_vectors == 0, FALSE);

  while ((size = vectors_take (&args, vectors, n_vectors, n_done)) > 0)
    {
      n = coro_socket_perform (socket, EPOLLOUT, send_vectors_cb, &args, size, "Error sending message", error);
      if (n < 0)
        break;
      n_done += (gsize) n;
    }

  if (bytes_sent != NULL)
    *bytes_sent = n_done;
  return n >= 0;
}

static gssize
send_to_cb (int      fd,
            gpointer args)
{
  CoroSocketDatagram *self = args;

  return sendto (fd, self->buffer.data, self->buffer.size, MSG_NOSIGNAL, (struct sockaddr *) &self->address,
                 self->address_size);
}

/**
 * coro_socket_send_to: (skip)
 * @socket: a socket of datagrams
 * @address: to whom
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
 * Since: 1.0
 */
gssize
coro_socket_send_to (GSocket         *socket,
                     GSocketAddress  *address,
                     const void      *buffer,
                     gsize            size,
                     GError         **error)
{
  CoroSocketDatagram args = { .buffer = { (char *) buffer, size } };
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

typedef struct
{
  int fd;
  off_t offset;
  gsize size;
} CoroSocketFile;

static gssize
send_file_cb (int      fd,
              gpointer args)
{
  CoroSocketFile *self = args;

  return sendfile (fd, self->fd, &self->offset, self->size);
}

/**
 * coro_socket_send_file: (skip)
 * @socket: a connected socket
 * @fd: a descriptor of a regular file
 * @offset: (inout): where to begin; afterwards, where to go on
 * @size: bytes to send at the most; %G_MAXSIZE: to the end of the file
 * @bytes_sent: (out) (optional): how many were sent, also with an error
 * @error: return location for an error
 *
 * Sends from a file, which the kernel does without copying it to the program.
 *
 * What is not in the page cache is read from the disk meanwhile, and nothing else of
 * this thread runs then.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; @offset and @bytes_sent say how far it came.
 *
 * @error can be set to what [func@socket_send] fails with and to what the errno of
 * sendfile() maps to.
 *
 * Returns: %TRUE if all was sent, or the file has ended before; %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
coro_socket_send_file (GSocket  *socket,
                       int       fd,
                       goffset  *offset,
                       gsize     size,
                       gsize    *bytes_sent,
                       GError  **error)
{
  gsize n_done = 0;
  gssize n = 0;

  g_return_val_if_fail (G_IS_SOCKET (socket), FALSE);
  g_return_val_if_fail (fd >= 0, FALSE);
  g_return_val_if_fail (offset != NULL, FALSE);

  while (n_done < size)
    {
      CoroSocketFile args = { fd, (off_t) *offset, MIN (size - n_done, MAX_SEND_FILE) };

      /* It is also short where the file ends, which says nothing about the socket. */
      n = coro_socket_perform (socket, EPOLLOUT, send_file_cb, &args, 0, "Error sending a file", error);
      if (n <= 0)
        break;
      *offset += n;
      n_done += (gsize) n;
    }

  if (bytes_sent != NULL)
    *bytes_sent = n_done;
  return n >= 0;
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
 * Since: 1.0
 */
GIOCondition
coro_socket_wait (GSocket       *socket,
                  GIOCondition   condition,
                  GError       **error)
{
  guint timeout;
  int fd;

  g_return_val_if_fail (G_IS_SOCKET (socket), 0);

  fd = g_socket_get_fd (socket);
  if (fd < 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The socket is closed");
      return 0;
    }

  timeout = g_socket_get_timeout (socket);
  return coro_fd_wait (fd, condition, timeout == 0 ? -1 : timeout * G_TIME_SPAN_SECOND, error);
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
 * Since: 1.0
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
    coro_descriptor_close (coro_scheduler_peek (), fd);
  closed = g_socket_close (socket, error);
  if (fd >= 0)
    coro_descriptor_tell_closed (fd, G_OBJECT (socket));
  return closed;
}
