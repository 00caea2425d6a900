/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sockets: what arrives, what goes wrong, and what cancellation leaves behind.
 */
#include "lib/forbid-call.h"
#include "socket-pair.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixfdmessage.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* One call in a coroutine of its own. */
typedef struct
{
  GSocket *socket;
  char buffer[64];
  gssize n;
  GError *error;                /* (nullable) (owned) */
  gboolean done;
} Call;

static gboolean
receive_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Call *self = user_data;

  self->n = coro_socket_receive (self->socket, self->buffer, sizeof self->buffer, &self->error);
  self->done = TRUE;
  return TRUE;
}

static gboolean
flood_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Call *self = user_data;
  gsize size = 64 * 1024 * 1024;
  g_autofree char *data = g_malloc0 (size);
  gsize n_sent = 0;

  coro_socket_send_all (self->socket, data, size, &n_sent, &self->error);
  self->n = (gssize) n_sent;
  self->done = TRUE;
  return TRUE;
}

static void
let_wait (void)
{
  g_assert_true (coro_test_settle (NULL));
}

#define IS_TCP(data) GPOINTER_TO_INT (data)

static void
add_for_both (const char *name,
              CoroFunc    func)
{
  g_autofree char *tcp = g_strconcat ("/io/socket/tcp/", name, NULL);
  g_autofree char *local = g_strconcat ("/io/socket/unix/", name, NULL);

  coro_test_add_data_func (tcp, func, GINT_TO_POINTER (TRUE), NULL);
  coro_test_add_data_func (local, func, GINT_TO_POINTER (FALSE), NULL);
}

/* --- what arrives ----------------------------------------------------------------- */

static gboolean
ping_pong_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_auto (Pair) pair = pair_new (IS_TCP (user_data));

  for (int i = 0; i < 50; i++)
    {
      Call call = { .socket = pair.b };
      g_autoptr (CoroTask) task = coro_spawn_task (receive_cb, &call, NULL);

      if (i % 2 == 0)
        let_wait ();
      g_assert_cmpint (coro_socket_send (pair.a, "ping", 4, error), ==, 4);
      g_assert_true (coro_await (task, NULL, error));
      g_assert_no_error (call.error);
      g_assert_cmpmem (call.buffer, call.n, "ping", 4);
    }
  return TRUE;
}

typedef struct
{
  GSocket *socket;
  gsize size;
} Stream;

static char
byte_at (gsize i)
{
  return (char) (i * 31 + i / 1000);
}

static gboolean
send_stream_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  Stream *self = user_data;
  g_autofree char *data = g_malloc (self->size);
  GOutputVector vectors[3];
  gsize n_sent = 0;

  for (gsize i = 0; i < self->size; i++)
    data[i] = byte_at (i);
  if (!coro_socket_send_all (self->socket, data, self->size, &n_sent, error))
    return FALSE;
  g_assert_cmpuint (n_sent, ==, self->size);

  vectors[0] = (GOutputVector) { data, self->size / 3 };
  vectors[1] = (GOutputVector) { data, 0 };
  vectors[2] = (GOutputVector) { data + self->size / 3, self->size - self->size / 3 };
  if (!coro_socket_send_vectors (self->socket, vectors, 3, &n_sent, error))
    return FALSE;
  g_assert_cmpuint (n_sent, ==, self->size);
  return g_socket_shutdown (self->socket, FALSE, TRUE, error);
}

/* More than fits into the kernel's buffers, in reads of odd sizes; at the end the peer has closed
 * its half of the connection and can still be sent to. */
static gboolean
stream_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_auto (Pair) pair = pair_new (IS_TCP (user_data));
  Stream stream = { pair.a, is_slow () ? 1500001 : 12000001 };
  g_autoptr (CoroTask) task = coro_spawn_task (send_stream_cb, &stream, NULL);
  g_autofree char *buffer = g_malloc (100003);
  gsize n_done = 0;
  gssize n;

  while ((n = coro_socket_receive (pair.b, buffer, 1 + n_done % 100003, error)) > 0)
    for (gssize i = 0; i < n; i++, n_done++)
      if (buffer[i] != byte_at (n_done % stream.size))
        g_error ("wrong byte at %" G_GSIZE_FORMAT, n_done);
  g_assert_cmpint (n, ==, 0);
  g_assert_cmpuint (n_done, ==, 2 * stream.size);
  g_assert_cmpint (coro_socket_receive (pair.b, buffer, 1, error), ==, 0);

  g_assert_cmpint (coro_socket_send (pair.b, "thanks", 6, error), ==, 6);
  g_assert_true (coro_await (task, NULL, error));
  g_assert_true (coro_socket_receive_all (pair.a, buffer, 6, NULL, error));
  g_assert_cmpmem (buffer, 6, "thanks", 6);
  return TRUE;
}

/* The last bytes and the end of the stream arrive before the coroutine reads or while it waits,
 * together or one after the other: it gets the bytes first, and then the end. */
static gboolean
end_with_data_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  for (int i = 0; i < 8; i++)
    {
      g_auto (Pair) pair = pair_new (IS_TCP (user_data));
      Call call = { .socket = pair.b };
      g_autoptr (CoroTask) task = coro_spawn_task (receive_cb, &call, NULL);

      if (i & 1)
        let_wait ();
      g_assert_cmpint (coro_socket_send (pair.a, "last", 4, error), ==, 4);
      if (i & 2)
        let_wait ();
      if (i & 4)
        g_assert_true (g_socket_shutdown (pair.a, FALSE, TRUE, error));
      else
        g_assert_true (coro_socket_close (pair.a, error));
      g_assert_true (coro_await (task, NULL, error));
      g_assert_cmpint (call.n, ==, 4);
      g_assert_cmpint (coro_socket_receive (pair.b, call.buffer, sizeof call.buffer, error), ==, 0);
    }
  return TRUE;
}

static gboolean
partial_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_auto (Pair) pair = pair_new (IS_TCP (user_data));
  g_autoptr (GError) local_error = NULL;
  gsize n_received = 0;
  char buffer[10];

  g_assert_cmpint (coro_socket_send (pair.a, "abc", 3, error), ==, 3);
  g_assert_true (coro_socket_close (pair.a, error));
  g_assert_false (coro_socket_receive_all (pair.b, buffer, sizeof buffer, &n_received, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
  g_assert_cmpuint (n_received, ==, 3);
  return TRUE;
}

/* A read of a UNIX socket ends where descriptors were attached, with more behind. */
static gboolean
attached_descriptors_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_auto (Pair) pair = pair_new (FALSE);
  Call call = { .socket = pair.b };
  g_autoptr (CoroTask) task = coro_spawn_task (receive_cb, &call, NULL);
  char buffer[64];

  /* A coroutine has waited for the socket: from now on its readiness is remembered. */
  let_wait ();
  g_assert_cmpint (coro_socket_send (pair.a, "x", 1, error), ==, 1);
  g_assert_true (coro_await (task, NULL, error));

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GUnixFDMessage) message = G_UNIX_FD_MESSAGE (g_unix_fd_message_new ());
      GSocketControlMessage *messages[] = { G_SOCKET_CONTROL_MESSAGE (message) };
      GOutputVector vector = { "fd", 2 };

      g_assert_true (g_unix_fd_message_append_fd (message, 0, error));
      g_assert_cmpint (g_socket_send_message (pair.a, NULL, &vector, 1, messages, 1, 0, NULL, error), ==, 2);
    }
  for (gssize n_done = 0, n; n_done < 6; n_done += n)
    {
      n = coro_socket_receive (pair.b, buffer, sizeof buffer, error);
      g_assert_cmpint (n, >, 0);
    }
  return TRUE;
}

/* Nor does one of TCP go past a byte that was marked urgent. */
static gboolean
urgent_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_auto (Pair) pair = pair_new (TRUE);
  Call call = { .socket = pair.b };
  g_autoptr (CoroTask) task = coro_spawn_task (receive_cb, &call, NULL);
  gssize n_done;

  let_wait ();
  g_assert_cmpint (send (g_socket_get_fd (pair.a), "ab!", 3, MSG_OOB), ==, 3);
  g_assert_cmpint (coro_socket_send (pair.a, "cd", 2, error), ==, 2);
  g_assert_true (coro_await (task, NULL, error));
  for (n_done = call.n; n_done < 4; n_done += call.n)
    {
      call.n = coro_socket_receive (pair.b, call.buffer, sizeof call.buffer, error);
      g_assert_cmpint (call.n, >, 0);
    }
  return TRUE;
}

static gboolean
datagrams_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  GSocket *sockets[2];
  GSocketAddress *addresses[2];
  g_autoptr (GSocketAddress) sender = NULL;
  char buffer[100];

  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GSocketAddress) any = loopback (0);

      sockets[i] = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, error);
      g_assert_true (g_socket_bind (sockets[i], any, FALSE, error));
      addresses[i] = g_socket_get_local_address (sockets[i], error);
    }

  /* Short ones, several of them: nothing is left waiting. */
  for (int i = 0; i < 3; i++)
    g_assert_cmpint (coro_socket_send_to (sockets[0], addresses[1], "hello", 5, error), ==, 5);
  for (int i = 0; i < 3; i++)
    {
      g_clear_object (&sender);
      g_assert_cmpint (coro_socket_receive_from (sockets[1], &sender, buffer, sizeof buffer, error), ==, 5);
    }
  g_assert_cmpint (g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (sender)), ==,
                   g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (addresses[0])));
  for (int i = 0; i < 2; i++)
    {
      g_object_unref (sockets[i]);
      g_object_unref (addresses[i]);
    }
  return TRUE;
}

static gboolean
drain_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Stream *self = user_data;
  char buffer[65536];
  gssize n;

  while ((n = coro_socket_receive (self->socket, buffer, sizeof buffer, error)) > 0)
    for (gssize i = 0; i < n; i++, self->size++)
      g_assert_cmpint (buffer[i], ==, byte_at (self->size + 10));
  return n == 0;
}

/* The peer is gone, and SIGPIPE would end the process. */
static gboolean
send_file_broken_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_auto (Pair) pair = pair_new (IS_TCP (user_data));
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "coro-test-XXXXXX", NULL);
  struct sigaction usual;
  g_autoptr (GError) local_error = NULL;
  int fd = g_mkstemp (path);
  goffset offset = 0;

  g_assert_cmpint (write (fd, "text", 4), ==, 4);
  g_assert_cmpint (sigaction (SIGPIPE, NULL, &usual), ==, 0);
  signal (SIGPIPE, SIG_DFL);
  g_assert_true (g_socket_shutdown (pair.a, FALSE, TRUE, error));
  g_assert_false (coro_socket_send_file (pair.a, fd, &offset, 4, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
  g_assert_cmpint (sigaction (SIGPIPE, &usual, NULL), ==, 0);
  close (fd);
  g_unlink (path);
  return TRUE;
}

static gboolean
send_file_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_auto (Pair) pair = pair_new (IS_TCP (user_data));
  Stream stream = { pair.b, 0 };
  g_autoptr (CoroTask) task = coro_spawn_task (drain_cb, &stream, NULL);
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "coro-test-XXXXXX", NULL);
  int fd = g_mkstemp (path);
  gsize size = 3000000, n_sent = 0;
  g_autofree char *data = g_malloc (size);
  goffset offset = 10;

  for (gsize i = 0; i < size; i++)
    data[i] = byte_at (i);
  g_assert_true (g_file_set_contents (path, data, (gssize) size, error));
  close (fd);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  g_assert_true (coro_socket_send_file (pair.a, fd, &offset, 1000, &n_sent, error));
  g_assert_cmpuint (n_sent, ==, 1000);
  g_assert_true (coro_socket_send_file (pair.a, fd, &offset, G_MAXSIZE, &n_sent, error));
  g_assert_cmpuint (n_sent, ==, size - 1010);
  g_assert_cmpint (offset, ==, (goffset) size);
  g_assert_true (coro_socket_close (pair.a, error));
  g_assert_true (coro_await (task, NULL, error));
  g_assert_cmpuint (stream.size, ==, size - 10);
  close (fd);
  g_unlink (path);
  return TRUE;
}

static gboolean
futures_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (GSocket) listener = listen_on_loopback ();
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (listener, NULL);
  g_autoptr (GSocket) client = new_tcp ();
  g_autoptr (CoroFuture) accepting = coro_socket_accept_future (listener);
  g_autoptr (CoroFuture) connecting = coro_socket_connect_future (client, address);
  g_autoptr (CoroFuture) sending = NULL;
  g_autoptr (CoroFuture) receiving = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("bytes", 5);
  g_auto (GValue) socket = G_VALUE_INIT;
  g_auto (GValue) received = G_VALUE_INIT;

  g_assert_true (coro_await (connecting, NULL, error));
  g_assert_true (coro_await (accepting, &socket, error));
  sending = coro_socket_send_future (client, bytes);
  receiving = coro_socket_receive_future (g_value_get_object (&socket), 100);
  g_assert_true (coro_await (sending, NULL, error));
  g_assert_true (coro_await (receiving, &received, error));
  g_assert_true (g_bytes_equal (bytes, g_value_get_boxed (&received)));
  return TRUE;
}

/* GIO's own way to listen, and its connection. */
static gboolean
connect_gio_cb (gpointer   listener_port,
                GValue    *result,
                GError   **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  char buffer[10];

  connection = g_socket_client_connect_to_host_finish (
    client, CORO_CALL (&op, g_socket_client_connect_to_host_async, client, "127.0.0.1", *(guint16 *) listener_port), error);
  if (connection == NULL)
    return FALSE;
  return coro_socket_receive_all (g_socket_connection_get_socket (connection), buffer, 3, NULL, error);
}

static gboolean
gio_listener_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, error);
  g_autoptr (CoroTask) task = coro_spawn_task (connect_gio_cb, &port, NULL);
  g_autoptr (GSocketConnection) connection = coro_socket_listener_accept (listener, NULL, error);

  g_assert_nonnull (connection);
  g_assert_true (coro_socket_send_all (g_socket_connection_get_socket (connection), "gio", 3, NULL, error));
  return coro_await (task, NULL, error);
}

/* --- what goes wrong -------------------------------------------------------------- */

static void
test_outside (void)
{
  g_autoptr (GSocket) socket = new_tcp ();
  g_autoptr (GError) error = NULL;
  char c;

  g_assert_cmpint (coro_socket_receive (socket, &c, 1, &error), ==, -1);
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
}

static gboolean
timeout_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_auto (Pair) pair = pair_new (IS_TCP (user_data));
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();
  char c;

  g_socket_set_timeout (pair.a, 5);
  g_assert_cmpint (coro_socket_receive (pair.a, &c, 1, &local_error), ==, -1);
  assert_timed_out (local_error);
  g_assert_cmpint (now () - start, ==, 5 * SECOND);

  /* And it is as good as before. */
  g_assert_cmpint (coro_socket_send (pair.b, "x", 1, error), ==, 1);
  g_assert_cmpint (coro_socket_receive (pair.a, &c, 1, error), ==, 1);
  return TRUE;
}

static gboolean
reset_in_write_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (Pair) pair = pair_new (IS_TCP (user_data));
  Call call = { .socket = pair.a };
  g_autoptr (CoroTask) task = coro_spawn_task (flood_cb, &call, NULL);

  let_wait ();
  g_assert_false (call.done);
  reset (pair.b);
  g_assert_true (coro_await (task, NULL, error));
  g_assert_true (g_error_matches (call.error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED) ||
                 g_error_matches (call.error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE));
  g_assert_cmpint (call.n, >, 0);
  g_clear_error (&call.error);
  return TRUE;
}

static gboolean
reset_in_read_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_auto (Pair) pair = pair_new (TRUE);
  Call call = { .socket = pair.a };
  g_autoptr (CoroTask) task = coro_spawn_task (receive_cb, &call, NULL);

  let_wait ();
  reset (pair.b);
  g_assert_true (coro_await (task, NULL, error));
  g_assert_error (call.error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_clear_error (&call.error);
  return TRUE;
}

/* A socket that stays registered and is ready for ever, because its peer is gone, keeps no
 * loop busy. */
typedef struct
{
  gboolean tcp;
  gboolean resting;
} HangUp;

static gboolean
hang_up_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  HangUp *self = user_data;
  g_auto (Pair) pair = pair_new (self->tcp);
  char buffer[8];

  g_assert_true (coro_socket_send_all (pair.b, "last", 4, NULL, error));
  g_assert_true (coro_socket_close (pair.b, error));
  g_assert_cmpint (coro_socket_receive (pair.a, buffer, sizeof buffer, error), ==, 4);
  g_assert_cmpint (coro_socket_receive (pair.a, buffer, sizeof buffer, error), ==, 0);
  self->resting = TRUE;
  return forever_cb (NULL, NULL, error);
}

static void
test_rests_after_hangup (gconstpointer data)
{
  HangUp self = { .tcp = IS_TCP (data) };
  g_autoptr (CoroTask) task = coro_spawn_task (hang_up_cb, &self, NULL);

  while (!self.resting)
    g_main_context_iteration (NULL, TRUE);
  settle (NULL);                /* until there is nothing to do: never, if it is busy */
  coro_task_cancel (task);
  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (NULL, TRUE);
  assert_cancelled (coro_future_get_error (CORO_FUTURE (task)));
}

static gboolean
many_refused_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GSocket) listener = listen_on_loopback ();
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (listener, NULL);
  int n_connects = is_slow () ? 500 : 10000;

  g_assert_true (coro_socket_close (listener, error));
  for (int i = 0; i < n_connects; i++)
    {
      g_autoptr (GSocket) socket = new_tcp ();
      g_autoptr (GError) local_error = NULL;

      g_assert_false (coro_socket_connect (socket, address, &local_error));
      g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
    }
  return TRUE;
}

static gboolean
closed_while_waiting_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_auto (Pair) pair = pair_new (IS_TCP (user_data));
  Call reader = { .socket = pair.a };
  Call writer = { .socket = pair.a };
  g_autoptr (CoroTask) reading = coro_spawn_task (receive_cb, &reader, NULL);
  g_autoptr (CoroTask) writing = coro_spawn_task (flood_cb, &writer, NULL);
  g_autoptr (GError) local_error = NULL;
  char c;

  let_wait ();
  g_assert_false (reader.done || writer.done);
  g_assert_true (coro_socket_close (pair.a, error));
  g_assert_true (coro_await (reading, NULL, error) && coro_await (writing, NULL, error));
  g_assert_error (reader.error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_error (writer.error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpint (coro_socket_receive (pair.a, &c, 1, &local_error), ==, -1);
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&reader.error);
  g_clear_error (&writer.error);
  return TRUE;
}

/* A socket is closed behind our back, and another one gets its number: the coroutine that waited
 * is told that it was closed, and the new socket works. */
static gboolean
number_reused_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_auto (Pair) old = pair_new (IS_TCP (user_data));
  g_auto (Pair) fresh = pair_new (IS_TCP (user_data));
  g_autoptr (GSocket) again = NULL;
  Call before = { .socket = old.a };
  g_autoptr (CoroTask) waiting = coro_spawn_task (receive_cb, &before, NULL);
  Call after = { 0, };
  g_autoptr (CoroTask) task = NULL;
  int fd = g_socket_get_fd (old.a);

  let_wait ();
  g_assert_true (g_socket_close (old.a, error));
  g_assert_cmpint (fcntl (g_socket_get_fd (fresh.a), F_DUPFD_CLOEXEC, fd), ==, fd);
  again = g_socket_new_from_fd (fd, error);
  after.socket = again;
  task = coro_spawn_task (receive_cb, &after, NULL);
  g_assert_true (coro_await (waiting, NULL, error));
  g_assert_error (before.error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpint (coro_socket_send (fresh.b, "new", 3, error), ==, 3);
  g_assert_true (coro_await (task, NULL, error));
  g_assert_cmpint (after.n, ==, 3);
  g_clear_error (&before.error);
  return TRUE;
}

/* A socket is freed and the next one has its address and its number. */
static gboolean
many_in_turn_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  for (int i = 0; i < 200; i++)
    {
      g_auto (Pair) pair = pair_new (IS_TCP (user_data));
      Call call = { .socket = pair.a };
      g_autoptr (CoroTask) task = coro_spawn_task (receive_cb, &call, NULL);

      let_wait ();
      g_assert_cmpint (coro_socket_send (pair.b, "x", 1, error), ==, 1);
      g_assert_true (coro_await (task, NULL, error));
      g_assert_cmpint (call.n, ==, 1);
    }
  return TRUE;
}

/* Two objects of one descriptor, which happens. */
static gboolean
two_objects_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_auto (Pair) pair = pair_new (IS_TCP (user_data));
  Call call = { .socket = pair.a };
  g_autoptr (CoroTask) task = coro_spawn_task (receive_cb, &call, NULL);

  let_wait ();
  g_assert_cmpint (coro_socket_wait (pair.a, G_IO_OUT, error), ==, G_IO_OUT);
  {
    Call other = { .socket = g_socket_new_from_fd (g_socket_get_fd (pair.a), error) };
    g_autoptr (CoroTask) other_task = coro_spawn_task (receive_cb, &other, NULL);

    let_wait ();
    g_assert_cmpint (coro_socket_send (pair.b, "12", 2, error), ==, 2);
    while (!call.done && !other.done)
      let_wait ();
    g_assert_cmpint (coro_socket_send (pair.b, "34", 2, error), ==, 2);
    g_assert_true (coro_await (task, NULL, error) && coro_await (other_task, NULL, error));
    g_assert_cmpint (call.n + other.n, ==, 4);
    /* Each of them closes it, and should close something. */
    g_object_unref (other.socket);
    g_assert_cmpint (dup2 (g_socket_get_fd (pair.b), g_socket_get_fd (pair.a)), ==, g_socket_get_fd (pair.a));
  }
  return TRUE;
}

/* --- serving ---------------------------------------------------------------------- */

typedef struct
{
  GSocket *listener;
  int n_served;
  int n_open;
} Server;

static gboolean
echo_cb (GSocket   *socket,
         gpointer   user_data,
         GError   **error)
{
  Server *self = user_data;
  char buffer[100];
  gssize n;

  self->n_served++;
  self->n_open++;
  while ((n = coro_socket_receive (socket, buffer, sizeof buffer, error)) > 0)
    if (buffer[0] == '!' || !coro_socket_send_all (socket, buffer, (gsize) n, NULL, error))
      break;
  self->n_open--;
  if (n > 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "asked for");
  return n == 0;
}

static gboolean
serve_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Server *self = user_data;

  return coro_socket_serve (self->listener, echo_cb, self, error);
}

static gboolean
serve_nothing_cb (GSocket   *socket,
                  gpointer   user_data,
                  GError   **error)
{
  return TRUE;
}

static gboolean
serve_odd_cb (gpointer   listener,
              GValue    *result,
              GError   **error)
{
  return coro_socket_serve (listener, serve_nothing_cb, NULL, error);
}

/* An error for which GIO has no code ends the server: it is no lack that would pass. */
static void
test_serve_odd_error (void)
{
  g_autoptr (GSocket) listener = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }

  alarm (20);
  listener = listen_on_loopback ();
  forbid (SYS_accept4, EIO);
  g_assert_false (coro_run (serve_odd_cb, listener, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
}

static gboolean
serve_many_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (GSocket) listener = listen_on_loopback ();
  Server server = { listener };
  g_autoptr (CoroTask) task = coro_spawn_task (serve_cb, &server, NULL);
  GSocket *clients[50];
  char buffer[10];

  for (int i = 0; i < 50; i++)
    g_assert_nonnull (clients[i] = connect_to (listener, error));
  /* One that fails is its own affair. */
  g_assert_cmpint (coro_socket_send (clients[0], "!", 1, error), ==, 1);
  g_assert_cmpint (coro_socket_receive (clients[0], buffer, sizeof buffer, error), ==, 0);
  for (int i = 1; i < 50; i++)
    {
      g_assert_cmpint (coro_socket_send (clients[i], "echo", 4, error), ==, 4);
      g_assert_true (coro_socket_receive_all (clients[i], buffer, 4, NULL, error));
    }
  g_assert_cmpint (server.n_served, ==, 50);
  g_assert_cmpint (server.n_open, ==, 49);

  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  g_assert_cmpint (server.n_open, ==, 0);
  for (int i = 0; i < 50; i++)
    g_object_unref (clients[i]);
  return TRUE;
}

/* A server that is closed waits for the end of its connections; cancelled, it no longer does. */
static gboolean
serve_drains_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  for (int cancelled = 0; cancelled < 2; cancelled++)
    {
      g_autoptr (GSocket) listener = listen_on_loopback ();
      Server server = { listener };
      g_autoptr (CoroTask) task = coro_spawn_task (serve_cb, &server, NULL);
      g_autoptr (GSocket) client = connect_to (listener, error);
      char buffer[4];

      let_wait ();
      g_assert_cmpint (server.n_open, ==, 1);
      g_assert_true (coro_socket_close (listener, error));
      let_wait ();
      g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
      g_assert_cmpint (coro_socket_send (client, "echo", 4, error), ==, 4);
      g_assert_true (coro_socket_receive_all (client, buffer, 4, NULL, error));
      if (cancelled)
        coro_task_cancel (task);
      else
        g_assert_true (coro_socket_close (client, error));
      g_assert_true (coro_join (task, error));
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==,
                       cancelled ? CORO_FUTURE_CANCELLED : CORO_FUTURE_RESOLVED);
      g_assert_cmpint (server.n_open, ==, 0);
    }
  return TRUE;
}

/* There is no descriptor for the connection: it waits, and the server goes on when there
 * is one. */
static gboolean
descriptor_limit_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (GSocket) listener = listen_on_loopback ();
  g_autoptr (GError) local_error = NULL;
  Server server = { listener };
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (GSocket) client = connect_to (listener, error);
  struct rlimit saved, limit;
  char buffer[4];

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &saved), ==, 0);
  limit = saved;
  limit.rlim_cur = 3;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);

  g_assert_null (coro_socket_accept (listener, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  task = coro_spawn_task (serve_cb, &server, NULL);
  g_assert_true (coro_sleep (SECOND, error));
  g_assert_cmpint (server.n_served, ==, 0);
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));

  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &saved), ==, 0);
  g_assert_true (coro_sleep (SECOND, error));
  g_assert_cmpint (server.n_served, ==, 1);
  g_assert_cmpint (coro_socket_send (client, "echo", 4, error), ==, 4);
  g_assert_true (coro_socket_receive_all (client, buffer, 4, NULL, error));
  coro_task_cancel (task);
  return coro_join (task, error);
}

/* --- cancellation ----------------------------------------------------------------- */

static gboolean
cancel_receive_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (Pair) pair = pair_new (IS_TCP (user_data));
  char buffer[10];

  /* Before, during, and when the data is there but the coroutine has not had its turn. */
  for (int i = 0; i < 3; i++)
    {
      Call call = { .socket = pair.a };
      g_autoptr (CoroTask) task = coro_spawn_task (receive_cb, &call, NULL);

      if (i > 0)
        let_wait ();
      if (i != 1)
        g_assert_cmpint (coro_socket_send (pair.b, "x", 1, error), ==, 1);
      coro_task_cancel (task);
      g_assert_true (coro_join (task, error));
      if (call.done)
        assert_cancelled (call.error);
      g_clear_error (&call.error);
      /* Nothing was taken. */
      if (i != 1)
        g_assert_cmpint (coro_socket_receive (pair.a, buffer, sizeof buffer, error), ==, 1);
    }
  return TRUE;
}

static gboolean
cancel_send_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_auto (Pair) pair = pair_new (IS_TCP (user_data));
  Call call = { .socket = pair.a };
  g_autoptr (CoroTask) task = coro_spawn_task (flood_cb, &call, NULL);
  g_autofree char *buffer = g_malloc (1000000);
  gssize n_done = 0, n;

  let_wait ();
  g_assert_false (call.done);
  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  assert_cancelled (call.error);
  g_assert_cmpint (call.n, >, 0);
  g_clear_error (&call.error);

  /* It says truly how much it has sent. */
  g_assert_true (g_socket_shutdown (pair.a, FALSE, TRUE, error));
  while ((n = coro_socket_receive (pair.b, buffer, 1000000, error)) > 0)
    n_done += n;
  g_assert_cmpint (n_done, ==, call.n);
  return TRUE;
}

static gboolean
accept_once_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GSocket) socket = coro_socket_accept (user_data, error);

  return socket != NULL;
}

static gboolean
cancel_accept_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (GSocket) listener = listen_on_loopback ();

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (CoroTask) task = coro_spawn_task (accept_once_cb, listener, NULL);
      g_autoptr (GSocket) client = NULL;
      g_autoptr (GSocket) connection = NULL;

      if (i > 0)
        let_wait ();
      if (i == 2)
        {
          client = new_tcp ();
          g_socket_set_blocking (client, FALSE);
          {
            g_autoptr (GSocketAddress) address = g_socket_get_local_address (listener, NULL);

            g_socket_connect (client, address, NULL, NULL);
          }
        }
      coro_task_cancel (task);
      g_assert_true (coro_join (task, error));
      assert_cancelled (coro_future_get_error (CORO_FUTURE (task)));
      if (i == 2)
        g_assert_nonnull (connection = coro_socket_accept (listener, error));
    }
  return TRUE;
}

static gboolean
connect_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (GSocket) socket = connect_to (user_data, error);

  return socket != NULL;
}

static gboolean
cancel_connect_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (GSocket) listener = listen_on_loopback ();

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (CoroTask) task = coro_spawn_task (connect_cb, listener, NULL);

      for (int k = 0; k < i; k++)
        g_assert_true (coro_yield (error));
      coro_task_cancel (task);
      g_assert_true (coro_join (task, error));
      if (coro_future_get_error (CORO_FUTURE (task)) != NULL)
        assert_cancelled (coro_future_get_error (CORO_FUTURE (task)));
    }
  return TRUE;
}

static gboolean
wait_on_closed_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (Pair) pair = pair_new (FALSE);
  g_autoptr (GError) local_error = NULL;

  g_assert_true (g_socket_close (pair.a, error));
  g_assert_cmpint (coro_socket_wait (pair.a, G_IO_IN, &local_error), ==, 0);
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add_for_both ("ping-pong", ping_pong_cb);
  add_for_both ("stream", stream_cb);
  add_for_both ("end-with-data", end_with_data_cb);
  add_for_both ("partial", partial_cb);
  coro_test_add_func ("/io/socket/attached-descriptors", attached_descriptors_cb);
  coro_test_add_func ("/io/socket/urgent", urgent_cb);
  coro_test_add_func ("/io/socket/wait-on-closed", wait_on_closed_cb);
  coro_test_add_func ("/io/socket/datagrams", datagrams_cb);
  add_for_both ("send-file", send_file_cb);
  add_for_both ("send-file-broken", send_file_broken_cb);
  coro_test_add_func ("/io/socket/futures", futures_cb);
  coro_test_add_func ("/io/socket/gio-listener", gio_listener_cb);
  g_test_add_func ("/io/socket/outside", test_outside);
  add_for_both ("timeout", timeout_cb);
  add_for_both ("reset-in-write", reset_in_write_cb);
  coro_test_add_func ("/io/socket/reset-in-read", reset_in_read_cb);
  g_test_add_data_func ("/io/socket/tcp/rests-after-hangup", GINT_TO_POINTER (TRUE), test_rests_after_hangup);
  g_test_add_data_func ("/io/socket/unix/rests-after-hangup", GINT_TO_POINTER (FALSE), test_rests_after_hangup);
  coro_test_add_func ("/io/socket/many-refused", many_refused_cb);
  add_for_both ("closed-while-waiting", closed_while_waiting_cb);
  add_for_both ("number-reused", number_reused_cb);
  add_for_both ("many-in-turn", many_in_turn_cb);
  add_for_both ("two-objects", two_objects_cb);
  g_test_add_func ("/io/socket/serve-odd-error", test_serve_odd_error);
  coro_test_add_func ("/io/socket/serve-many", serve_many_cb);
  coro_test_add_func ("/io/socket/serve-drains", serve_drains_cb);
  if (g_getenv ("CORO_TEST_VALGRIND") == NULL)  /* which accepts and closes where it has no descriptor */
    coro_test_add_func ("/io/socket/descriptor-limit", descriptor_limit_cb);
  add_for_both ("cancel-receive", cancel_receive_cb);
  add_for_both ("cancel-send", cancel_send_cb);
  coro_test_add_func ("/io/socket/cancel-accept", cancel_accept_cb);
  coro_test_add_func ("/io/socket/cancel-connect", cancel_connect_cb);

  return g_test_run ();
}
