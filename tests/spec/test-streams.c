/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes that arrive when they arrive: by descriptors, sockets and the streams of GIO.
 */
#include "test-util.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- a pipe ---------------------------------------------------------------------------- */

typedef struct
{
  int in;
  int out;
} Pipe;

static void
pipe_open (Pipe *self)
{
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
  self->in = fds[0];
  self->out = fds[1];
}

static void
pipe_close (Pipe *self)
{
  g_assert_true (coro_fd_close (self->in, NULL));
  g_assert_true (coro_fd_close (self->out, NULL));
}

static void
note_time (const char *text,
           gint64      started)
{
  g_autofree char *line = g_strdup_printf ("%s:%d", text, (int) ((now () - started) / MILLISECOND));

  note (line);
}

/* --- resumed by what it waits for ------------------------------------------------------ */

static gboolean
write_after_30_ms_cb (gpointer   pipe,
                      GValue    *result,
                      GError   **error)
{
  Pipe *self = pipe;

  return coro_sleep (30 * MILLISECOND, error) && coro_fd_write_all (self->out, "data", 4, NULL, error);
}

/* The sleep beside it is what else could wake the loop, later. */
static gboolean
test_resumes_when_it_is_written (gpointer   user_data,
                                 GValue    *result,
                                 GError   **error)
{
  g_autoptr (CoroFuture) later = coro_sleep_future (41 * MILLISECOND);
  gint64 started = now ();
  char buffer[8];
  Pipe pipe;

  pipe_open (&pipe);
  coro_spawn (write_after_30_ms_cb, &pipe, NULL);
  g_assert_cmpint (coro_fd_read (pipe.in, buffer, sizeof buffer, error), ==, 4);
  g_assert_cmpint (now () - started, ==, 30 * MILLISECOND);
  g_assert_cmpmem (buffer, 4, "data", 4);
  g_assert_false (coro_future_is_done (later));
  pipe_close (&pipe);
  return TRUE;
}

/* --- the wrong way --------------------------------------------------------------------- */

typedef struct
{
  Pipe pipe;
  gint64 started;
} Frozen;

static gboolean
tick_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Frozen *self = user_data;

  while (coro_sleep (100 * MILLISECOND, error))
    note_time ("tick", self->started);
  return FALSE;
}

static gboolean
read_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Frozen *self = user_data;
  char buffer[8];

  if (coro_fd_read (self->pipe.in, buffer, sizeof buffer, error) < 0)
    return FALSE;
  note_time ("read", self->started);
  return TRUE;
}

static gboolean
ready_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Frozen *self = user_data;

  note_time ("ready", self->started);
  return TRUE;
}

/* For a second it keeps the thread, as a sleep that knows nothing of coroutines does. */
static void
sleep_without_awaiting (void)
{
  coro_test_clock_advance (coro_scheduler_get_running (), SECOND);
}

static gboolean
wrong_way_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  Frozen *self = user_data;

  g_assert_cmpint (write (self->pipe.out, "x", 1), ==, 1);
  coro_spawn (ready_cb, self, NULL);
  note_time ("Wrong: calling blocking sleep directly", self->started);
  sleep_without_awaiting ();
  note_time ("Wrong: done", self->started);
  return TRUE;
}

/* What was to come in that second is there already as it begins, or due before its end. */
static gboolean
test_wrong_way (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  Frozen self = { .started = now () };
  g_autoptr (CoroTask) ticker = NULL;
  g_autoptr (CoroTask) reader = NULL;
  g_autoptr (CoroTask) wrong = NULL;

  pipe_open (&self.pipe);
  ticker = coro_spawn_task (tick_cb, &self, NULL);
  reader = coro_spawn_task (read_cb, &self, NULL);
  g_assert_true (coro_sleep (250 * MILLISECOND, error));
  assert_trace ("tick:100 tick:200");

  wrong = coro_spawn_task (wrong_way_cb, &self, NULL);
  g_assert_true (coro_await (wrong, NULL, error));
  g_assert_true (coro_await (reader, NULL, error));
  g_assert_true (coro_test_settle (error));
  coro_task_cancel (ticker);
  g_assert_true (coro_join (ticker, error));
  pipe_close (&self.pipe);

  {
    g_autofree char *text = g_string_free (g_steal_pointer (&trace), FALSE);

    g_assert_true (g_str_has_prefix (text, "Wrong: calling blocking sleep directly:250 Wrong: done:1250 "));
    g_assert_nonnull (strstr (text, " ready:1250"));
    g_assert_nonnull (strstr (text, " read:1250"));
    g_assert_nonnull (strstr (text, " tick:1250"));     /* one, and not the ten that were due */
    g_assert_true (strstr (text, "tick") == g_strrstr (text, "tick:1250"));
  }
  return TRUE;
}

/* --- over the network ------------------------------------------------------------------ */

static gboolean
echo_cb (GSocket   *socket,
         gpointer   user_data,
         GError   **error)
{
  char buffer[64];
  gssize size;

  while ((size = coro_socket_receive (socket, buffer, sizeof buffer, error)) > 0)
    if (!coro_socket_send_all (socket, buffer, size, NULL, error))
      return FALSE;
  return size == 0;
}

static gboolean
serve_cb (gpointer   listener,
          GValue    *result,
          GError   **error)
{
  return coro_socket_serve (listener, echo_cb, NULL, error);
}

static gboolean
ask_by_socket (GSocketAddress  *address,
               GError         **error)
{
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  char reply[8];

  if (socket == NULL ||
      !coro_socket_connect (socket, address, error) ||
      !coro_socket_send_all (socket, "request!", 8, NULL, error) ||
      !coro_socket_receive_all (socket, reply, 8, NULL, error))
    return FALSE;
  g_assert_cmpmem (reply, 8, "request!", 8);
  return coro_socket_close (socket, error);
}

static gboolean
ask_by_streams (GSocketAddress  *address,
                GError         **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  char reply[8] = "";
  gsize size = 0;
  GInputStream *in;
  GOutputStream *out;

  {
    g_auto (CoroOperation) op = CORO_OPERATION_INIT;

    connection = g_socket_client_connect_finish (client, CORO_CALL (&op, g_socket_client_connect_async, client,
                                                                    G_SOCKET_CONNECTABLE (address)), error);
  }
  if (connection == NULL)
    return FALSE;
  in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  {
    g_auto (CoroOperation) op = CORO_OPERATION_INIT;

    if (!g_output_stream_write_all_finish (out, CORO_CALL (&op, g_output_stream_write_all_async, out, "request!", 8,
                                                           G_PRIORITY_DEFAULT), NULL, error))
      return FALSE;
  }
  {
    g_auto (CoroOperation) op = CORO_OPERATION_INIT;

    if (!g_input_stream_read_all_finish (in, CORO_CALL (&op, g_input_stream_read_all_async, in, reply, 8,
                                                        G_PRIORITY_DEFAULT), &size, error))
      return FALSE;
  }
  g_assert_cmpmem (reply, size, "request!", 8);
  return TRUE;
}

static gboolean
test_local_echo (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GSocketAddress) any_port = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocket) listener = coro_socket_listen (any_port, error);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (CoroTask) server = NULL;

  g_assert_nonnull (listener);
  address = g_socket_get_local_address (listener, error);
  server = coro_spawn_task (serve_cb, listener, NULL);
  if (!ask_by_socket (address, error) || !ask_by_streams (address, error))
    return FALSE;
  coro_task_cancel (server);
  return coro_join (server, error);
}

/* --- protocols ------------------------------------------------------------------------- */

static char *
read_line (GDataInputStream  *stream,
           GError           **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_data_input_stream_read_line_finish (stream, CORO_CALL (&op, g_data_input_stream_read_line_async, stream,
                                                                  G_PRIORITY_DEFAULT), NULL, error);
}

static char *
read_until (GDataInputStream  *stream,
            const char        *stop,
            GError           **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_data_input_stream_read_upto_finish (stream, CORO_CALL (&op, g_data_input_stream_read_upto_async, stream,
                                                                  stop, 1, G_PRIORITY_DEFAULT), NULL, error);
}

/* Two lines, and what is before a semicolon. */
static gboolean
parse_cb (gpointer   stream,
          GValue    *result,
          GError   **error)
{
  g_autofree char *first = read_line (stream, error);
  g_autofree char *second = NULL;
  g_autofree char *name = NULL;

  note (first);
  second = read_line (stream, error);
  note (second);
  name = read_until (stream, ";", error);
  note (name);
  g_assert_cmpint (g_data_input_stream_read_byte (stream, NULL, NULL), ==, ';');
  g_assert_null (read_line (stream, error));
  note ("end");
  return TRUE;
}

/* The reader is asleep before each of the bytes, and has the line or field that it reads after
 * the byte that completes it. */
static gboolean
test_bytes_one_by_one (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  static const struct { char byte; const char *got; } script[] = {
    { 'a', "" }, { '\n', "a" }, { 'b', "" }, { '\n', "b" },
    { 'n', "" }, { 'm', "" }, { ';', "nm" },
  };
  g_autoptr (GInputStream) in = NULL;
  g_autoptr (GDataInputStream) stream = NULL;
  g_autoptr (CoroTask) task = NULL;
  Pipe pipe;

  pipe_open (&pipe);
  in = g_unix_input_stream_new (pipe.in, TRUE);
  stream = g_data_input_stream_new (in);
  task = coro_spawn_task (parse_cb, stream, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (script); i++)
    {
      g_assert_true (coro_test_settle (error));
      g_assert_cmpint (write (pipe.out, &script[i].byte, 1), ==, 1);
      g_assert_true (coro_test_settle (error));
      assert_trace (script[i].got);
    }
  close (pipe.out);
  g_assert_true (coro_await (task, NULL, error));
  assert_trace ("end");
  return TRUE;
}

static gboolean
receive_four_cb (gpointer   socket,
                 GValue    *result,
                 GError   **error)
{
  char magic[5] = "";

  if (!coro_socket_receive_all (socket, magic, 4, NULL, error))
    return FALSE;
  note (magic);
  return TRUE;
}

static gboolean
test_exactly_so_many (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (GSocket) reader = NULL;
  g_autoptr (GSocket) writer = NULL;
  g_autoptr (CoroTask) task = NULL;
  char fifth;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  reader = g_socket_new_from_fd (fds[0], error);
  writer = g_socket_new_from_fd (fds[1], error);
  task = coro_spawn_task (receive_four_cb, reader, NULL);
  for (const char *byte = "COR"; *byte != '\0'; byte++)
    {
      g_assert_true (coro_socket_send_all (writer, byte, 1, NULL, error));
      g_assert_true (coro_test_settle (error));
      assert_trace ("");
    }
  g_assert_true (coro_socket_send_all (writer, "O!", 2, NULL, error));
  g_assert_true (coro_await (task, NULL, error));
  assert_trace ("CORO");
  g_assert_cmpint (coro_socket_receive (reader, &fifth, 1, error), ==, 1);
  g_assert_cmpint (fifth, ==, '!');
  return TRUE;
}

static gboolean
write_much_cb (gpointer   pipe,
               GValue    *result,
               GError   **error)
{
  Pipe *self = pipe;
  gsize size = 1024 * 1024;
  g_autofree char *data = g_malloc0 (size);

  return coro_fd_write_all (self->out, data, size, NULL, error);
}

/* A writer goes as fast as the reader. */
static gboolean
test_writer_waits_for_reader (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  g_autoptr (CoroTask) writer = NULL;
  char buffer[4096];
  gsize taken = 0;
  Pipe pipe;

  pipe_open (&pipe);
  writer = coro_spawn_task (write_much_cb, &pipe, NULL);
  while (taken < 1024 * 1024)
    {
      gssize size;

      g_assert_true (coro_test_settle (error));
      if (taken < 512 * 1024)                   /* no pipe holds as much as is left */
        g_assert_false (coro_future_is_done (CORO_FUTURE (writer)));
      size = coro_fd_read (pipe.in, buffer, sizeof buffer, error);
      g_assert_cmpint (size, >, 0);
      taken += size;
    }
  g_assert_true (coro_await (writer, NULL, error));
  g_assert_cmpuint (taken, ==, 1024 * 1024);
  pipe_close (&pipe);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("A reader has the bytes as they come, and holds up no other coroutine");

  coro_test_add_func ("/spec/S105/resumes-when-it-is-written", test_resumes_when_it_is_written);
  coro_test_add_func ("/spec/S162/wrong-way", test_wrong_way);
  coro_test_add_func ("/spec/S240/local-echo", test_local_echo);
  coro_test_add_func ("/spec/S245/bytes-one-by-one", test_bytes_one_by_one);
  coro_test_add_func ("/spec/S245/exactly-so-many", test_exactly_so_many);
  coro_test_add_func ("/spec/S245/writer-waits-for-reader", test_writer_waits_for_reader);
  return g_test_run ();
}
