/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * TLS over loopback, both ends coroutines of one thread, by GIO's connections and
 * CORO_CALL(): a coroutine that waits is told of what goes wrong, and the others go on.
 */
#include "test-util.h"
#include "tls-certificate.h"

#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#ifdef __SANITIZE_ADDRESS__
/* Its search for leaks dies in a thread that the TLS module has run in; valgrind's does not. */
int __lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return 1;
}
#endif

static char *folder;            /* of the two databases, which are read when they are needed */
static GTlsDatabase *trusting;  /* knows the server's certificate */
static GTlsDatabase *doubting;  /* knows only the other one */
static GTlsCertificate *certificate;

static GTlsDatabase *
database_new (const char *name,
              const char *pem)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;
  GTlsDatabase *database;

  g_file_set_contents (path, pem, -1, &error);
  g_assert_no_error (error);
  database = g_tls_file_database_new (path, &error);
  g_assert_no_error (error);
  return database;
}

static void
set_up (void)
{
  g_autofree char *pem = g_strconcat (certificate_pem, key_pem, NULL);
  g_autoptr (GError) error = NULL;

  folder = g_dir_make_tmp ("coro-test-tls-XXXXXX", &error);
  g_assert_no_error (error);
  trusting = database_new ("trusted.pem", certificate_pem);
  doubting = database_new ("doubted.pem", other_certificate_pem);
  certificate = g_tls_certificate_new_from_pem (pem, -1, &error);
  g_assert_no_error (error);
}

static void
delete (const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_unlink (path);
}

static void
tear_down (void)
{
  g_clear_object (&trusting);
  g_clear_object (&doubting);
  g_clear_object (&certificate);
  delete ("trusted.pem");
  delete ("doubted.pem");
  g_rmdir (folder);
  g_clear_pointer (&folder, g_free);
}

/* --- two ends ------------------------------------------------------------------------- */

/* The connections below are those of TCP; on top of each, once a test has opened it, is TLS. */
typedef struct
{
  GSocketConnection *client_below;
  GSocketConnection *server_below;
  GIOStream *client;            /* (nullable) */
  GIOStream *server;            /* (nullable) */
  gboolean shaken;              /* the server has shaken hands */
} Pair;

static void
pair_clear (Pair *self)
{
  g_clear_object (&self->client);
  g_clear_object (&self->server);
  g_clear_object (&self->client_below);
  g_clear_object (&self->server_below);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pair, pair_clear)

/* Without Nagle's waiting for an acknowledgement, which comes 40 ms later. */
static GSocketConnection *
connection_new (GSocket *socket)
{
  g_assert_true (g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL));
  return g_socket_connection_factory_create_connection (socket);
}

/* FALSE: cancelled. */
static gboolean
pair_open (Pair          *self,
           GTlsDatabase  *database,
           const char    *name,
           GError       **error)
{
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketConnectable) identity = g_network_address_new (name, 443);
  g_autoptr (GSocket) listener = coro_socket_listen (any, error);
  g_autoptr (GSocketAddress) address = listener != NULL ? g_socket_get_local_address (listener, error) : NULL;
  g_autoptr (GSocket) client = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  g_autoptr (GSocket) server = NULL;

  g_assert_nonnull (address);
  if (!coro_socket_connect (client, address, error))
    return FALSE;
  server = coro_socket_accept (listener, error);
  if (server == NULL)
    return FALSE;

  self->client_below = connection_new (client);
  self->server_below = connection_new (server);
  self->client = g_tls_client_connection_new (G_IO_STREAM (self->client_below), identity, NULL);
  self->server = g_tls_server_connection_new (G_IO_STREAM (self->server_below), certificate, NULL);
  g_assert_true (self->client != NULL && self->server != NULL);
  g_tls_connection_set_database (G_TLS_CONNECTION (self->client), database);
  return TRUE;
}

static gboolean
handshake (GIOStream  *stream,
           GError    **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_tls_connection_handshake_finish (
    G_TLS_CONNECTION (stream),
    CORO_CALL (&op, g_tls_connection_handshake_async, G_TLS_CONNECTION (stream), G_PRIORITY_DEFAULT), error);
}

static gssize
receive (GIOStream  *stream,
         char       *buffer,
         gsize       size,
         GError    **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  GInputStream *input = g_io_stream_get_input_stream (stream);

  return g_input_stream_read_finish (
    input, CORO_CALL (&op, g_input_stream_read_async, input, buffer, size, G_PRIORITY_DEFAULT), error);
}

static gboolean
send_all (GIOStream   *stream,
          const char  *data,
          gsize        size,
          GError     **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  GOutputStream *output = g_io_stream_get_output_stream (stream);

  return g_output_stream_write_all_finish (
    output, CORO_CALL (&op, g_output_stream_write_all_async, output, data, size, G_PRIORITY_DEFAULT), NULL, error);
}

static gboolean
close_stream (GIOStream  *stream,
              GError    **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_io_stream_close_finish (stream, CORO_CALL (&op, g_io_stream_close_async, stream, G_PRIORITY_DEFAULT), error);
}

static gboolean
handshake_cb (gpointer   stream,
              GValue    *result,
              GError   **error)
{
  return handshake (stream, error);
}

static gboolean
server_handshake_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  Pair *pair = user_data;

  pair->shaken = handshake (pair->server, error);
  return pair->shaken;
}

/* A member that is cancelled, perhaps before it has begun, has not failed: it has to hang
 * up, or the other end waits. */
static void
hang_up_cb (gpointer data)
{
  Pair *pair = data;

  if (!pair->shaken)
    coro_socket_close (g_socket_connection_get_socket (pair->server_below), NULL);
}

/* Both at once. */
static gboolean
shake_hands (Pair    *pair,
             GError **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, server_handshake_cb, pair, hang_up_cb);
  return handshake (pair->client, error) && coro_nursery_join (&nursery);
}

/* One read in a coroutine of its own. */
typedef struct
{
  GIOStream *stream;
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

  self->n = receive (self->stream, self->buffer, sizeof self->buffer, &self->error);
  self->done = TRUE;
  return TRUE;
}

static void
let_wait (void)
{
  g_assert_true (coro_test_settle (NULL));
}

/* --- what arrives ---------------------------------------------------------------------- */

static gboolean
echo_cb (gpointer   stream,
         GValue    *result,
         GError   **error)
{
  char buffer[8192];
  gssize n;

  while ((n = receive (stream, buffer, sizeof buffer, error)) > 0)
    if (!send_all (stream, buffer, (gsize) n, error))
      return FALSE;
  return n == 0 && close_stream (stream, error);
}

/* One that does not want TLS, and has its turns all the while. */
static gboolean
beat_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  int *n_beats = user_data;

  while (coro_yield (error))
    ++*n_beats;
  return FALSE;
}

static gboolean
echo_both_ways_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (Pair) pair = { NULL, };
  g_autoptr (CoroTask) server = NULL;
  g_autoptr (CoroTask) beating = NULL;
  gsize size = 300000, n_done = 0;
  g_autofree char *data = g_malloc (size);
  char buffer[5000];
  int n_beats = 0;

  if (!pair_open (&pair, trusting, "test.example", error))
    return FALSE;
  for (gsize i = 0; i < size; i++)
    data[i] = (char) (i * 31 + i / 1000);

  beating = coro_spawn_task (beat_cb, &n_beats, NULL);
  server = coro_spawn_task (echo_cb, pair.server, NULL);        /* the first read shakes hands */
  if (!handshake (pair.client, error))
    return FALSE;
  g_assert_cmpint (n_beats, >, 0);
  coro_task_cancel (beating);
  g_assert_true (coro_join (beating, error));

  for (gsize sent = 0; sent < size; sent += 30000)
    {
      gsize end = sent + 30000;

      if (!send_all (pair.client, data + sent, 30000, error))
        return FALSE;
      while (n_done < end)
        {
          gssize n = receive (pair.client, buffer, sizeof buffer, error);

          if (n <= 0)
            return FALSE;
          g_assert_cmpmem (buffer, n, data + n_done, n);
          n_done += (gsize) n;
        }
    }
  /* What says goodbye is an end and no error. */
  return close_stream (pair.client, error) && coro_await (server, NULL, error);
}

/* --- what goes wrong --------------------------------------------------------------------- */

/* The client refuses the certificate and is told why; the server gets an error as well.  Another
 * connection goes on. */
static void
refuse (GTlsDatabase         *database,
        const char           *name,
        GTlsCertificateFlags  expected)
{
  g_auto (Pair) pair = { NULL, };
  g_auto (Pair) beside = { NULL, };
  g_autoptr (CoroTask) server = NULL;
  g_autoptr (GError) error = NULL;
  GError *local_error = NULL;

  g_assert_true (pair_open (&beside, trusting, "test.example", &local_error));
  g_assert_true (shake_hands (&beside, &local_error));

  g_assert_true (pair_open (&pair, database, name, &local_error));
  server = coro_spawn_task (echo_cb, pair.server, NULL);
  g_assert_false (handshake (pair.client, &error));
  g_assert_error (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE);
  g_assert_cmpint (g_tls_connection_get_peer_certificate_errors (G_TLS_CONNECTION (pair.client)), ==, expected);
  g_clear_object (&pair.client);
  g_clear_object (&pair.client_below);
  g_assert_true (coro_join (server, &local_error));
  g_assert_nonnull (coro_future_get_error (CORO_FUTURE (server)));
  g_assert_false (g_error_matches (coro_future_get_error (CORO_FUTURE (server)), G_IO_ERROR, G_IO_ERROR_CANCELLED));

  /* The connection with the right certificate is not affected. */
  {
    Call call = { .stream = beside.server };
    g_autoptr (CoroTask) task = coro_spawn_task (receive_cb, &call, NULL);

    g_assert_true (send_all (beside.client, "hello", 5, &local_error));
    g_assert_true (coro_await (task, NULL, &local_error));
    g_assert_cmpmem (call.buffer, call.n, "hello", 5);
  }
}

static gboolean
unknown_certificate_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  refuse (doubting, "test.example", G_TLS_CERTIFICATE_UNKNOWN_CA);
  return TRUE;
}

static gboolean
wrong_name_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  refuse (trusting, "another.example", G_TLS_CERTIFICATE_BAD_IDENTITY);
  return TRUE;
}

/* The peer does not speak TLS. */
static gboolean
no_tls_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_auto (Pair) pair = { NULL, };
  g_autoptr (CoroTask) task = NULL;

  if (!pair_open (&pair, trusting, "test.example", error))
    return FALSE;
  task = coro_spawn_task (handshake_cb, pair.client, NULL);
  let_wait ();
  if (!coro_socket_send_all (g_socket_connection_get_socket (pair.server_below), "220 hello there\r\n", 17, NULL, error) ||
      !coro_join (task, error))
    return FALSE;
  g_assert_cmpuint (coro_future_get_error (CORO_FUTURE (task))->domain, ==, G_TLS_ERROR);     /* NOT_TLS or MISC */
  return TRUE;
}

/* Hangs up without saying goodbye, which is how an answer is cut short. */
static gboolean
no_close_notify_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  for (int i = 0; i < 2; i++)
    {
      g_auto (Pair) pair = { NULL, };
      Call call = { 0, };
      g_autoptr (CoroTask) task = NULL;

      if (!pair_open (&pair, trusting, "test.example", error) || !shake_hands (&pair, error))
        return FALSE;
      call.stream = pair.server;
      g_tls_connection_set_require_close_notify (G_TLS_CONNECTION (pair.server), i == 0);
      task = coro_spawn_task (receive_cb, &call, NULL);
      let_wait ();
      g_assert_false (call.done);
      g_assert_true (coro_socket_close (g_socket_connection_get_socket (pair.client_below), error));
      if (!coro_await (task, NULL, error))
        return FALSE;
      if (i == 0)
        g_assert_error (call.error, G_TLS_ERROR, G_TLS_ERROR_EOF);
      else
        g_assert_cmpint (call.n, ==, 0);
      g_clear_error (&call.error);
    }
  return TRUE;
}

/* Hangs up in the middle of the handshake. */
static gboolean
hung_up_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_auto (Pair) pair = { NULL, };
  g_autoptr (CoroTask) task = NULL;
  char c;

  if (!pair_open (&pair, trusting, "test.example", error))
    return FALSE;
  task = coro_spawn_task (handshake_cb, pair.client, NULL);
  /* It has begun: this is the first byte of it. */
  if (!coro_socket_receive_all (g_socket_connection_get_socket (pair.server_below), &c, 1, NULL, error))
    return FALSE;
  g_assert_true (g_socket_shutdown (g_socket_connection_get_socket (pair.server_below), FALSE, TRUE, error));
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpuint (coro_future_get_error (CORO_FUTURE (task))->domain, ==, G_TLS_ERROR);     /* NOT_TLS or EOF */
  return TRUE;
}

/* --- cancellation ------------------------------------------------------------------------- */

static gboolean
cancel_handshake_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  /* Before it has begun; when the peer keeps silent; when it is done. */
  for (int i = 0; i < 3; i++)
    {
      g_auto (Pair) pair = { NULL, };
      g_autoptr (CoroTask) task = NULL;
      char c;

      if (!pair_open (&pair, trusting, "test.example", error))
        return FALSE;
      task = coro_spawn_task (handshake_cb, pair.client, NULL);
      if (i == 1 && !coro_socket_receive_all (g_socket_connection_get_socket (pair.server_below), &c, 1, NULL, error))
        return FALSE;
      g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
      if (i == 2 && (!handshake (pair.server, error) || !coro_await (task, NULL, error)))
        return FALSE;
      g_assert_cmpint (coro_task_cancel (task), ==, i < 2);
      if (!coro_join (task, error))
        return FALSE;
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==,
                       i < 2 ? CORO_FUTURE_CANCELLED : CORO_FUTURE_RESOLVED);
    }
  return TRUE;
}

/* Before, during, and when there is something; the connection is as good as before. */
static gboolean
cancel_receive_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (Pair) pair = { NULL, };
  char buffer[10];

  if (!pair_open (&pair, trusting, "test.example", error) || !shake_hands (&pair, error))
    return FALSE;
  for (int i = 0; i < 3; i++)
    {
      Call call = { .stream = pair.server };
      g_autoptr (CoroTask) task = coro_spawn_task (receive_cb, &call, NULL);

      if (i > 0)
        let_wait ();
      if (i == 2)
        {
          if (!send_all (pair.client, "early", 5, error) || !coro_await (task, NULL, error))
            return FALSE;
          g_assert_cmpint (call.n, ==, 5);
        }
      g_assert_cmpint (coro_task_cancel (task), ==, i < 2);
      if (!coro_join (task, error))
        return FALSE;
      if (call.error != NULL)
        assert_cancelled (call.error);
      g_assert_cmpint (call.error != NULL || !call.done, ==, i < 2);
      g_clear_error (&call.error);

      if (!send_all (pair.client, "later", 5, error))
        return FALSE;
      g_assert_cmpint (receive (pair.server, buffer, sizeof buffer, error), ==, 5);
    }
  return TRUE;
}

/* All of it, cancelled at each of its awaits, and no stream is left. */
static gboolean
everything (gpointer   fixture,
            GError   **error)
{
  g_auto (Pair) pair = { NULL, };
  char buffer[16];
  gssize n;

  if (!pair_open (&pair, trusting, "test.example", error))
    return FALSE;
  coro_test_cancel_track (pair.client);
  coro_test_cancel_track (pair.server);
  if (!shake_hands (&pair, error) || !send_all (pair.client, "hello", 5, error))
    return FALSE;
  n = receive (pair.server, buffer, sizeof buffer, error);
  g_assert_true (n == 5 || n == -1);
  return n > 0 && close_stream (pair.client, error);
}

/* Where the server was cancelled, and it alone, the client is left without a peer. */
static gboolean
everything_body (gpointer   fixture,
                 GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  if (everything (fixture, &local_error) || local_error->domain == G_TLS_ERROR ||
      g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static gboolean
nothing_to_do (gpointer   fixture,
               GError   **error)
{
  return TRUE;
}

static CoroTestCancel everything_test = { 1, nothing_to_do, everything_body, everything, nothing_to_do, 0 };

int
main (int    argc,
      char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  g_test_summary ("TLS through GIO: the waiter is told of an error, and others go on");

  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    g_error ("GIO has no TLS: glib-networking is missing");
  set_up ();

  coro_test_add_func ("/io/tls/echo-both-ways", echo_both_ways_cb);
  coro_test_add_func ("/io/tls/unknown-certificate", unknown_certificate_cb);
  coro_test_add_func ("/io/tls/wrong-name", wrong_name_cb);
  coro_test_add_func ("/io/tls/peer-speaks-something-else", no_tls_cb);
  coro_test_add_func ("/io/tls/no-close-notify", no_close_notify_cb);
  coro_test_add_func ("/io/tls/hung-up-in-handshake", hung_up_cb);
  coro_test_add_func ("/io/tls/cancel-handshake", cancel_handshake_cb);
  coro_test_add_func ("/io/tls/cancel-receive", cancel_receive_cb);
  if (is_slow ())
    everything_test.flags = CORO_TEST_CANCEL_PARKED | CORO_TEST_CANCEL_SCOPE;
  coro_test_add_cancel ("/io/tls/cancelled-everywhere", &everything_test);
  result = g_test_run ();

  tear_down ();
  return result;
}
