/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server of the echo cases as GIO has it: a GSocketService, and streams that are read
 * and written with callbacks.
 */
#include "gtask-bench-cases.h"
#include "net-bench.h"

typedef struct
{
  GSocketConnection *connection; /* (owned) */
  GInputStream *in;
  GOutputStream *out;
  char buffer[1024];
} Peer;

static void read_more (Peer *self);

static void
peer_free (Peer *self)
{
  g_object_unref (self->connection);
  g_free (self);
}

static void
written_cb (GObject      *source,
            GAsyncResult *result,
            gpointer      data)
{
  Peer *self = data;

  if (g_output_stream_write_all_finish (self->out, result, NULL, NULL))
    read_more (self);
  else
    peer_free (self);
}

static void
read_cb (GObject      *source,
         GAsyncResult *result,
         gpointer      data)
{
  Peer *self = data;
  gssize size = g_input_stream_read_finish (self->in, result, NULL);

  if (size > 0)
    g_output_stream_write_all_async (self->out, self->buffer, (gsize) size, G_PRIORITY_DEFAULT, NULL, written_cb, self);
  else
    peer_free (self);
}

static void
read_more (Peer *self)
{
  g_input_stream_read_async (self->in, self->buffer, sizeof self->buffer, G_PRIORITY_DEFAULT, NULL, read_cb, self);
}

static gboolean
incoming_cb (GSocketService    *service,
             GSocketConnection *connection,
             GObject           *source,
             gpointer           data)
{
  Peer *self = g_new (Peer, 1);

  self->connection = g_object_ref (connection);
  self->in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  self->out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  read_more (self);
  return TRUE;
}

static void
serve (int         listen_fd,
       NetClient  *client,
       NetFigures *figures)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GSocketService) service = g_socket_service_new ();
  g_autoptr (GSocket) socket = g_socket_new_from_fd (listen_fd, NULL);

  g_socket_listener_add_socket (G_SOCKET_LISTENER (service), socket, NULL, NULL);
  g_signal_connect (service, "incoming", G_CALLBACK (incoming_cb), NULL);
  net_client_watch (client, figures, loop);
  g_main_loop_run (loop);
  g_socket_service_stop (service);
  g_socket_listener_close (G_SOCKET_LISTENER (service));
}

void
gtask_bench_echo_1 (Bench *bench)
{
  net_run_echo (bench, 1, serve);
}

void
gtask_bench_echo_100 (Bench *bench)
{
  net_run_echo (bench, 100, serve);
}

void
gtask_bench_echo_1000 (Bench *bench)
{
  net_run_echo (bench, 1000, serve);
}

void
gtask_bench_echo_4000 (Bench *bench)
{
  net_run_echo (bench, 4000, serve);
}
