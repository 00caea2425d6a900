/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sockets that carry a stream: receiving and sending.
 */
#include "config.h"

#include "io/coro-sigpipe-private.h"
#include "net/coro-socket-private.h"

#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* One at a time may not keep the thread for long: the kernel copies this in 100 µs. */
#define MAX_SEND_FILE (1024 * 1024)

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
 * Since: 0.1
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
 * Since: 0.1
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
 * Since: 0.1
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
 * Since: 0.1
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
 * Since: 0.1
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
  CoroSigpipe sigpipe;
  gssize n_sent;

  /* sendfile() has no MSG_NOSIGNAL. */
  coro_sigpipe_hold (&sigpipe);
  n_sent = sendfile (fd, self->fd, &self->offset, self->size);
  coro_sigpipe_release (&sigpipe);
  return n_sent;
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
 * Since: 0.1
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
