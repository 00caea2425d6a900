/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-server.h"

#include <libsoup/soup.h>
#include <sys/socket.h>

#include "demo-io.h"

/* DemoServer: serves the files below a folder, slowly, on a loopback port.
 *
 * It is there so that the Network page has something to download without a network, and so
 * that every fault can be had at will.  One coroutine answers one request, in the same
 * thread as the window; hundreds of slow answers cost the main loop nothing.
 *
 * The query of an address asks for faults.  Each is counted by the whole address, so that a
 * client that tries again meets the fault only as often as it was asked for:
 *
 *   rate=N     send N bytes a second (else DEFAULT_RATE)
 *   busy=N     answer the first N requests with 503
 *   cut=N      reset the connection of the first N in the middle of the file
 *   stall=N    fall silent in the middle of the first N
 *   mute=N     never answer the first N at all */

#define DEFAULT_RATE (1024 * 1024)
#define PACE (40 * G_TIME_SPAN_MILLISECOND)
#define GONE_INTERVAL (50 * G_TIME_SPAN_MILLISECOND)
#define ACCEPT_PAUSE (200 * G_TIME_SPAN_MILLISECOND)
#define SOCKET_KEY "coro-demo-socket"

struct _DemoServer
{
  GObject parent_instance;

  GFile *root;            /* (owned) */
  CoroTaskGroup *group;   /* (owned): whose members answer; cancelled by its owner */
  SoupServer *soup;       /* (owned): speaks HTTP on connections that we accept */
  GSocketListener *listener;  /* (owned) */
  GSocket *refusing;      /* (owned): bound and not listening, so connecting is refused */
  GHashTable *counts;     /* (owned): address → number of requests so far */
  char *base;             /* (owned): "http://127.0.0.1:PORT" */
  guint n_requests;
  guint n_resumed;
};

/* One request.  The message outlives its connection as long as we hold it. */
typedef struct
{
  DemoServer *server;       /* (owned) */
  SoupServerMessage *msg;   /* (owned) */
  GHashTable *query;        /* (owned) (nullable) */
  GFile *file;              /* (owned) */
  guint count;              /* of requests for this address before this one */
  gulong finished_id;
  gboolean finished;        /* the message is over: the answer is out, or its client gone */
} Request;

G_DEFINE_FINAL_TYPE (DemoServer, demo_server, G_TYPE_OBJECT)

/* --- a request -------------------------------------------------------------------- */

static void
request_free (Request *request)
{
  g_clear_signal_handler (&request->finished_id, request->msg);
  g_clear_object (&request->msg);
  g_clear_pointer (&request->query, g_hash_table_unref);
  g_clear_object (&request->file);
  g_clear_object (&request->server);
  g_free (request);
}

static void
request_finished_cb (SoupServerMessage *msg, Request *request)
{
  request->finished = TRUE;
}

static guint64
request_get_number (Request *request, const char *key, guint64 fallback)
{
  const char *text = request->query != NULL ? g_hash_table_lookup (request->query, key) : NULL;

  return text != NULL ? g_ascii_strtoull (text, NULL, 10) : fallback;
}

/* Whether this request is among the first N that a fault was asked for. */
static gboolean
request_meets (Request *request, const char *fault)
{
  return request->count < request_get_number (request, fault, 0);
}

/* The address that libsoup was given with the connection still has its socket. */
static GSocket *
request_get_socket (Request *request)
{
  return g_object_get_data (G_OBJECT (soup_server_message_get_remote_address (request->msg)), SOCKET_KEY);
}

/* A client that waits has nothing to say: what its socket can read then is its end. */
static gboolean
request_is_gone (Request *request)
{
  return request->finished ||
         g_socket_condition_check (request_get_socket (request), G_IO_IN | G_IO_HUP | G_IO_ERR) != 0;
}

static void
request_answer (Request *request, guint status)
{
  soup_server_message_set_status (request->msg, status, NULL);
  if (!request->finished)
    soup_server_message_unpause (request->msg);
}

/* Says nothing until the client gives up. */
static gboolean
request_fall_silent (Request *request, GError **error)
{
  while (!request_is_gone (request))
    if (!coro_sleep (GONE_INTERVAL, error))
      return FALSE;
  return TRUE;
}

/* Ends the connection in the rudest way there is: a reset in place of an orderly end. */
static void
request_reset (Request *request)
{
  GSocket *socket = request_get_socket (request);
  struct linger linger = { .l_onoff = 1, .l_linger = 0 };

  if (request->finished)
    return;
  setsockopt (g_socket_get_fd (socket), SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  g_socket_close (socket, NULL);
}

/* --- the body --------------------------------------------------------------------- */

/* Where to begin: a client that kept a part asks for the rest, if the file is the same. */
static goffset
request_get_offset (Request *request, const char *etag, goffset size)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (request->msg);
  const char *if_range = soup_message_headers_get_one (headers, "If-Range");
  SoupRange *ranges = NULL;
  goffset offset = 0;
  int n_ranges;

  if ((if_range == NULL || g_str_equal (if_range, etag)) &&
      soup_message_headers_get_ranges (headers, size, &ranges, &n_ranges))
    {
      if (n_ranges == 1 && ranges[0].end == size - 1)
        offset = ranges[0].start;
      soup_message_headers_free_ranges (headers, ranges);
    }
  /* libsoup would apply it once more, to a body that it takes for complete. */
  soup_message_headers_remove (headers, "Range");
  return offset;
}

static void
request_send_head (Request *request, const char *etag, goffset offset, goffset size)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (request->msg);

  soup_message_headers_replace (headers, "ETag", etag);
  soup_message_headers_set_content_type (headers, "application/octet-stream", NULL);
  soup_message_headers_set_content_length (headers, size - offset);
  if (offset > 0)
    {
      request->server->n_resumed++;
      soup_message_headers_set_content_range (headers, offset, size - 1, size);
    }
  /* Bytes that are sent are not kept. */
  soup_message_body_set_accumulate (soup_server_message_get_response_body (request->msg), FALSE);
  request_answer (request, offset > 0 ? SOUP_STATUS_PARTIAL_CONTENT : SOUP_STATUS_OK);
}

/* Sends up to @end, in steps that add up to the rate. */
static gboolean
request_send_until (Request *request, GInputStream *stream, goffset *position, goffset end, GError **error)
{
  SoupMessageBody *body = soup_server_message_get_response_body (request->msg);
  guint64 rate = request_get_number (request, "rate", DEFAULT_RATE);
  gsize step = MAX (1024, rate * PACE / G_TIME_SPAN_SECOND);

  while (*position < end && !request_is_gone (request))
    {
      g_auto (CoroOperation) op = CORO_OPERATION_INIT;
      g_autoptr (GBytes) bytes =
        g_input_stream_read_bytes_finish (stream, CORO_CALL (&op, g_input_stream_read_bytes_async, stream,
                                                             MIN (step, (gsize) (end - *position)), DEMO_IO_PRIORITY), error);

      if (bytes == NULL)
        return FALSE;
      if (g_bytes_get_size (bytes) == 0 || request->finished)
        break;
      soup_message_body_append_bytes (body, bytes);
      soup_server_message_unpause (request->msg);
      *position += g_bytes_get_size (bytes);
      if (*position < end && !coro_sleep (PACE, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
request_send_file (Request *request, GInputStream *stream, const char *etag, goffset size, GError **error)
{
  goffset position = request_get_offset (request, etag, size);
  gboolean faulty = request_meets (request, "cut") || request_meets (request, "stall");
  goffset end = faulty ? position + (size - position) / 2 : size;

  if (position > 0 && !g_seekable_seek (G_SEEKABLE (stream), position, G_SEEK_SET, NULL, error))
    return FALSE;
  request_send_head (request, etag, position, size);
  if (!request_send_until (request, stream, &position, end, error))
    return FALSE;
  if (request_meets (request, "stall"))
    return request_fall_silent (request, error);
  if (request_meets (request, "cut"))
    {
      /* Let what was sent arrive: a reset throws away what is still on its way. */
      if (!coro_sleep (PACE, error))
        return FALSE;
      request_reset (request);
      return TRUE;
    }
  if (!request->finished)
    {
      soup_message_body_complete (soup_server_message_get_response_body (request->msg));
      soup_server_message_unpause (request->msg);
    }
  return TRUE;
}

static gboolean
request_serve (Request *request, GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GFileInputStream) stream = NULL;
  g_autoptr (GFileInfo) info = NULL;

  if (request_meets (request, "mute"))
    return request_fall_silent (request, error);
  if (request_meets (request, "busy"))
    {
      request_answer (request, SOUP_STATUS_SERVICE_UNAVAILABLE);
      return TRUE;
    }

  stream = g_file_read_finish (request->file,
                               CORO_CALL (&op, g_file_read_async, request->file, DEMO_IO_PRIORITY), error);
  if (stream == NULL)
    return FALSE;
  info = g_file_input_stream_query_info_finish (stream,
                                                CORO_CALL (&op, g_file_input_stream_query_info_async, stream,
                                                           G_FILE_ATTRIBUTE_STANDARD_SIZE "," G_FILE_ATTRIBUTE_ETAG_VALUE,
                                                           DEMO_IO_PRIORITY), error);
  if (info == NULL)
    return FALSE;
  else
    {
      g_autofree char *etag = g_strdup_printf ("\"%s\"", g_file_info_get_etag (info));

      return request_send_file (request, G_INPUT_STREAM (stream), etag, g_file_info_get_size (info), error);
    }
}

static gboolean
serve_cb (gpointer user_data, GValue *result, GError **error)
{
  Request *request = user_data;
  g_autoptr (GError) local_error = NULL;

  if (request_serve (request, &local_error))
    return TRUE;
  if (coro_error_is_cancelled (local_error))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  request_answer (request, SOUP_STATUS_NOT_FOUND);
  return TRUE;
}

/* --- the server ------------------------------------------------------------------- */

/* Only files below the folder, whatever "../" the address holds. */
static GFile *
server_find_file (DemoServer *self, const char *path)
{
  g_autoptr (GFile) file = g_file_resolve_relative_path (self->root, path + strspn (path, "/"));

  return g_file_has_prefix (file, self->root) ? g_steal_pointer (&file) : NULL;
}

static guint
server_count (DemoServer *self, SoupServerMessage *msg)
{
  g_autofree char *address = g_uri_to_string (soup_server_message_get_uri (msg));
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (self->counts, address));

  self->n_requests++;
  g_hash_table_insert (self->counts, g_steal_pointer (&address), GUINT_TO_POINTER (count + 1));
  return count;
}

/* libsoup calls this outside any coroutine, so the message is paused and left to one. */
static void
server_handle_cb (SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user_data)
{
  DemoServer *self = user_data;
  g_autoptr (GFile) file = server_find_file (self, path);
  Request *request;

  if (file == NULL || !g_str_equal (soup_server_message_get_method (msg), SOUP_METHOD_GET))
    {
      soup_server_message_set_status (msg, file == NULL ? SOUP_STATUS_NOT_FOUND : SOUP_STATUS_METHOD_NOT_ALLOWED, NULL);
      return;
    }

  request = g_new0 (Request, 1);
  request->server = g_object_ref (self);
  request->msg = g_object_ref (msg);
  request->query = query != NULL ? g_hash_table_ref (query) : NULL;
  request->file = g_steal_pointer (&file);
  request->count = server_count (self, msg);
  request->finished_id = g_signal_connect (msg, "finished", G_CALLBACK (request_finished_cb), request);

  soup_server_message_pause (msg);
  coro_task_group_spawn (self->group, serve_cb, request, (GDestroyNotify) request_free);
}

/* --- connections ------------------------------------------------------------------ */

static gboolean
server_take_connection (DemoServer *self, GSocketConnection *connection, GError **error)
{
  g_autoptr (GSocketAddress) local = g_socket_connection_get_local_address (connection, error);
  g_autoptr (GSocketAddress) remote = local != NULL ? g_socket_connection_get_remote_address (connection, error) : NULL;

  if (remote == NULL)
    return FALSE;
  g_object_set_data_full (G_OBJECT (remote), SOCKET_KEY,
                          g_object_ref (g_socket_connection_get_socket (connection)), g_object_unref);
  return soup_server_accept_iostream (self->soup, G_IO_STREAM (connection), local, remote, error);
}

static gboolean
server_accept (DemoServer *self, GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GSocketConnection) connection =
    g_socket_listener_accept_finish (self->listener, CORO_CALL (&op, g_socket_listener_accept_async, self->listener),
                                     NULL, error);

  return connection != NULL && server_take_connection (self, connection, error);
}

/* The classic loop of a server, and it blocks nobody.  soup_server_listen_local() would do it
 * too; libsoup 3.2 loses a socket with every connection then. */
static gboolean
accept_cb (gpointer user_data, GValue *result, GError **error)
{
  DemoServer *self = user_data;

  while (TRUE)
    {
      g_autoptr (GError) local_error = NULL;

      if (server_accept (self, &local_error))
        continue;
      if (coro_error_is_cancelled (local_error))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      /* Out of file descriptors, or a client that was gone at once: it passes. */
      g_message ("%s", local_error->message);
      if (!coro_sleep (ACCEPT_PAUSE, error))
        return FALSE;
    }
}

static GSocketAddress *
create_loopback_address (void)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);

  return g_inet_socket_address_new (loopback, 0);
}

static gboolean
server_listen (DemoServer *self, GError **error)
{
  g_autoptr (GSocketAddress) address = create_loopback_address ();
  g_autoptr (GSocketAddress) effective = NULL;

  if (!g_socket_listener_add_address (self->listener, address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                      &effective, error))
    return FALSE;
  self->base = g_strdup_printf ("http://127.0.0.1:%d", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (effective)));
  return TRUE;
}

/* A port that is ours and refuses: nobody else can come and listen on it. */
static gboolean
server_bind_refusing (DemoServer *self, GError **error)
{
  g_autoptr (GSocketAddress) address = create_loopback_address ();

  self->refusing = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  return self->refusing != NULL && g_socket_bind (self->refusing, address, FALSE, error);
}

/* --- the object ------------------------------------------------------------------- */

static void
demo_server_dispose (GObject *object)
{
  DemoServer *self = DEMO_SERVER (object);

  if (self->soup != NULL)
    soup_server_disconnect (self->soup);
  if (self->listener != NULL)
    g_socket_listener_close (self->listener);
  g_clear_object (&self->soup);
  g_clear_object (&self->listener);
  g_clear_object (&self->group);

  G_OBJECT_CLASS (demo_server_parent_class)->dispose (object);
}

static void
demo_server_finalize (GObject *object)
{
  DemoServer *self = DEMO_SERVER (object);

  g_clear_object (&self->root);
  g_clear_object (&self->refusing);
  g_clear_pointer (&self->counts, g_hash_table_unref);
  g_free (self->base);

  G_OBJECT_CLASS (demo_server_parent_class)->finalize (object);
}

static void
demo_server_class_init (DemoServerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = demo_server_dispose;
  object_class->finalize = demo_server_finalize;
}

static void
demo_server_init (DemoServer *self)
{
  self->soup = soup_server_new ("server-header", "coro-demo", NULL);
  self->listener = g_socket_listener_new ();
  self->counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

/* The server and every request are members of @group: who owns the group ends them. */
DemoServer *
demo_server_new (GFile *root, CoroTaskGroup *group, GError **error)
{
  g_autoptr (DemoServer) self = g_object_new (DEMO_TYPE_SERVER, NULL);

  self->root = g_object_ref (root);
  self->group = g_object_ref (group);
  soup_server_add_handler (self->soup, NULL, server_handle_cb, self, NULL);
  if (!server_listen (self, error) || !server_bind_refusing (self, error))
    return NULL;
  coro_task_group_spawn (group, accept_cb, g_object_ref (self), g_object_unref);
  return g_steal_pointer (&self);
}

GFile *
demo_server_get_root (DemoServer *self)
{
  g_return_val_if_fail (DEMO_IS_SERVER (self), NULL);

  return self->root;
}

/* @query: the faults asked for, or NULL. */
char *
demo_server_dup_url (DemoServer *self, const char *path, const char *query)
{
  g_autofree char *escaped = g_uri_escape_string (path, "/", FALSE);

  g_return_val_if_fail (DEMO_IS_SERVER (self), NULL);

  return g_strconcat (self->base, "/", escaped, query != NULL ? "?" : NULL, query, NULL);
}

/* An address at which nobody listens. */
char *
demo_server_dup_refused_url (DemoServer *self)
{
  g_autoptr (GSocketAddress) address = NULL;

  g_return_val_if_fail (DEMO_IS_SERVER (self), NULL);

  address = g_socket_get_local_address (self->refusing, NULL);
  return g_strdup_printf ("http://127.0.0.1:%d/refused.h", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)));
}

guint
demo_server_get_n_requests (DemoServer *self)
{
  g_return_val_if_fail (DEMO_IS_SERVER (self), 0);

  return self->n_requests;
}

/* How many requests went on with a part that a client had kept. */
guint
demo_server_get_n_resumed (DemoServer *self)
{
  g_return_val_if_fail (DEMO_IS_SERVER (self), 0);

  return self->n_resumed;
}
