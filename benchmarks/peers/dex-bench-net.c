/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dex-bench-cases.h"
#include "net-bench.h"

/* A fiber for each connection, on GIO's streams. */
static DexFuture *
echo_cb (gpointer data)
{
  GInputStream *in = g_io_stream_get_input_stream (data);
  GOutputStream *out = g_io_stream_get_output_stream (data);
  char buffer[1024];
  gint64 size;

  while ((size = dex_await_int64 (dex_input_stream_read (in, buffer, sizeof buffer, G_PRIORITY_DEFAULT), NULL)) > 0)
    for (gint64 sent = 0, n; sent < size; sent += n)
      {
        gsize rest = (gsize) (size - sent);

        n = dex_await_int64 (dex_output_stream_write (out, buffer + sent, rest, G_PRIORITY_DEFAULT), NULL);
        if (n <= 0)
          return dex_future_new_true ();
      }
  return dex_future_new_true ();
}

static DexFuture *
accept_cb (gpointer listener)
{
  GSocketConnection *connection;

  while ((connection = dex_await_object (dex_socket_listener_accept (listener), NULL)) != NULL)
    dex_future_disown (dex_scheduler_spawn (NULL, 0, echo_cb, connection, g_object_unref));
  return dex_future_new_true ();
}

static void
serve (int         listen_fd,
       NetClient  *client,
       NetFigures *figures)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  g_autoptr (GSocket) socket = g_socket_new_from_fd (listen_fd, NULL);

  dex_init ();
  g_socket_listener_add_socket (listener, socket, NULL, NULL);
  dex_future_disown (dex_scheduler_spawn (NULL, 0, accept_cb, g_object_ref (listener), g_object_unref));
  net_client_watch (client, figures, loop);
  g_main_loop_run (loop);
  g_socket_listener_close (listener);
}

void
dex_bench_echo_1 (Bench *bench)
{
  net_run_echo (bench, 1, serve);
}

void
dex_bench_echo_100 (Bench *bench)
{
  net_run_echo (bench, 100, serve);
}

void
dex_bench_echo_1000 (Bench *bench)
{
  net_run_echo (bench, 1000, serve);
}

void
dex_bench_echo_4000 (Bench *bench)
{
  net_run_echo (bench, 4000, serve);
}
