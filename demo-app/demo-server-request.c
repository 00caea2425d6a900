/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-server-request.h"

#include <coro-glib/coro-glib.h>
#include <sys/socket.h>

#include "demo-io.h"

/* DemoServerRequest: one request to the built-in server, and how it is answered.
 *
 * The query of an address asks for faults.  Each is counted by the whole address, so that a
 * client that tries again meets the fault only as often as it was asked for:
 *
 *   rate=N     send N bytes a second (else DEFAULT_RATE)
 *   busy=N     answer the first N requests with 503
 *   cut=N      reset the connection of the first N in the middle of the file
 *   stall=N    fall silent in the middle of the first N
 *   mute=N     never answer the first N at all
 */

#define DEFAULT_RATE (1024 * 1024)
#define PACE (40 * G_TIME_SPAN_MILLISECOND)
#define GONE_INTERVAL (50 * G_TIME_SPAN_MILLISECOND)

/* The message outlives its connection as long as we hold it. */
struct _DemoServerRequest
{
  SoupServerMessage *msg;   /* (owned) */
  GSocket *socket;          /* (owned) */
  GHashTable *query;        /* (owned) (nullable) */
  GFile *file;              /* (owned) */
  guint count;              /* of requests for this address before this one */
  gulong finished_id;
  gboolean finished;        /* the message is over: the answer is out, or its client gone */
  gboolean resumed;         /* the client had a part already */
};

/* --- a request -------------------------------------------------------------------- */

static void
request_finished_cb (SoupServerMessage *msg, DemoServerRequest *request)
{
  request->finished = TRUE;
}

static guint64
request_get_number (DemoServerRequest *request, const char *key, guint64 fallback)
{
  const char *text = request->query != NULL ? g_hash_table_lookup (request->query, key) : NULL;

  return text != NULL ? g_ascii_strtoull (text, NULL, 10) : fallback;
}

/* Whether this request is among the first N that a fault was asked for. */
static gboolean
request_meets (DemoServerRequest *request, const char *fault)
{
  return request->count < request_get_number (request, fault, 0);
}

/* A client that waits has nothing to say: what its socket can read then is its end. */
static gboolean
request_is_gone (DemoServerRequest *request)
{
  return request->finished ||
         g_socket_condition_check (request->socket, G_IO_IN | G_IO_HUP | G_IO_ERR) != 0;
}

static void
request_answer (DemoServerRequest *request, guint status)
{
  soup_server_message_set_status (request->msg, status, NULL);
  if (!request->finished)
    soup_server_message_unpause (request->msg);
}

/* Says nothing until the client gives up. */
static gboolean
request_fall_silent (DemoServerRequest *request, GError **error)
{
  while (!request_is_gone (request))
    if (!coro_sleep (GONE_INTERVAL, error))
      return FALSE;
  return TRUE;
}

/* Ends the connection in the rudest way there is: a reset in place of an orderly end. */
static void
request_reset (DemoServerRequest *request)
{
  struct linger linger = { .l_onoff = 1, .l_linger = 0 };

  if (request->finished)
    return;
  setsockopt (g_socket_get_fd (request->socket), SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  g_socket_close (request->socket, NULL);
}

/* --- the body --------------------------------------------------------------------- */

/* Where to begin: a client that kept a part asks for the rest, if the file is the same. */
static goffset
request_get_offset (DemoServerRequest *request, const char *etag, goffset size)
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
request_send_head (DemoServerRequest *request, const char *etag, goffset offset, goffset size)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (request->msg);

  soup_message_headers_replace (headers, "ETag", etag);
  soup_message_headers_set_content_type (headers, "application/octet-stream", NULL);
  soup_message_headers_set_content_length (headers, size - offset);
  if (offset > 0)
    {
      request->resumed = TRUE;
      soup_message_headers_set_content_range (headers, offset, size - 1, size);
    }
  /* Bytes that are sent are not kept. */
  soup_message_body_set_accumulate (soup_server_message_get_response_body (request->msg), FALSE);
  request_answer (request, offset > 0 ? SOUP_STATUS_PARTIAL_CONTENT : SOUP_STATUS_OK);
}

/* Sends up to @end, in steps that add up to the rate. */
static gboolean
request_send_until (DemoServerRequest *request, GInputStream *stream, goffset *position, goffset end, GError **error)
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
request_send_file (DemoServerRequest *request, GInputStream *stream, const char *etag, goffset size, GError **error)
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
request_serve (DemoServerRequest *request, GError **error)
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

/* --- the whole -------------------------------------------------------------------- */

/* @count: how many requests there were for this address before. */
DemoServerRequest *
demo_server_request_new (SoupServerMessage *msg, GSocket *socket, GHashTable *query, GFile *file, guint count)
{
  DemoServerRequest *request = g_new0 (DemoServerRequest, 1);

  request->msg = g_object_ref (msg);
  request->socket = g_object_ref (socket);
  request->query = query != NULL ? g_hash_table_ref (query) : NULL;
  request->file = g_object_ref (file);
  request->count = count;
  request->finished_id = g_signal_connect (msg, "finished", G_CALLBACK (request_finished_cb), request);
  return request;
}

void
demo_server_request_free (DemoServerRequest *request)
{
  g_clear_signal_handler (&request->finished_id, request->msg);
  g_clear_object (&request->msg);
  g_clear_object (&request->socket);
  g_clear_pointer (&request->query, g_hash_table_unref);
  g_clear_object (&request->file);
  g_free (request);
}

/* Answers, as slowly and as badly as the address asks for.  @resumed: whether only the rest
 * of a file was asked for.  Fails only when it is cancelled. */
gboolean
demo_server_request_serve (DemoServerRequest *request, gboolean *resumed, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gboolean ok = request_serve (request, &local_error);

  *resumed = request->resumed;
  if (coro_error_is_cancelled (local_error))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (!ok)
    request_answer (request, SOUP_STATUS_NOT_FOUND);
  return TRUE;
}
