/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-downloader.h"

#include <glib/gi18n.h>
#include <libsoup/soup.h>

#include "demo-download-error.h"
#include "demo-io.h"

/* DemoDownloader: fetches a DemoDownload into a folder.
 *
 * demo_downloader_run() is one ordinary function that reads from top to bottom: choose a
 * name, try, wait, try again.  It suspends wherever it waits, so any number of them run
 * side by side in one thread.
 *
 * The bytes go to NAME.part.  The last step renames it, so that a file with its final name
 * is always whole.  After a failure the part stays where the server can go on with it later
 * (it gave an ETag); after a cancellation, and where there is no use for it, it is removed. */

#define N_ATTEMPTS 3
#define CHUNK_SIZE (64 * 1024)
#define CLEANUP_GRACE (5 * G_TIME_SPAN_SECOND)

struct _DemoDownloader
{
  GObject parent_instance;

  SoupSession *session;   /* (owned) */
  SoupSession *direct;    /* (owned): for this machine, where no proxy has a say */
  GFile *folder;          /* (owned) */
  GHashTable *taken;      /* (owned): set of GFile that downloads of ours go to */
  GTimeSpan timeout;      /* of silence */
  GTimeSpan back_off;     /* before the second attempt; twice that before the third */
};

G_DEFINE_FINAL_TYPE (DemoDownloader, demo_downloader, G_TYPE_OBJECT)

/* --- files ------------------------------------------------------------------------ */

/* The size of a regular file, else 0.  A part may be a link to a device: see the samples. */
static guint64
get_part_size (GFile *part)
{
  g_autoptr (GFileInfo) info = demo_io_query (part, G_FILE_QUERY_INFO_NONE, NULL);

  if (info == NULL || g_file_info_get_file_type (info) != G_FILE_TYPE_REGULAR)
    return 0;
  return g_file_info_get_size (info);
}

static GOutputStream *
open_part (GFile *part, guint64 offset, GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  if (offset == 0 && get_part_size (part) > 0 && !demo_io_delete (part, error))
    return NULL;
  return (GOutputStream *)
    g_file_append_to_finish (part, CORO_CALL (&op, g_file_append_to_async, part, G_FILE_CREATE_NONE, DEMO_IO_PRIORITY), error);
}

/* g_file_move_async() has its progress function between the cancellable and the callback,
 * so it does not fit CORO_CALL(); this is what the macro does. */
static gboolean
rename_part (GFile *part, GFile *file, GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  g_file_move_async (part, file, G_FILE_COPY_NO_FALLBACK_FOR_MOVE, DEMO_IO_PRIORITY,
                     coro_operation_begin (&op), NULL, NULL, coro_operation_ready, &op);
  return g_file_move_finish (part, coro_operation_await (&op), error);
}

/* --- where it goes ---------------------------------------------------------------- */

static GUri *
parse_url (const char *url, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : "";

  if ((g_str_equal (scheme, "http") || g_str_equal (scheme, "https")) && *g_uri_get_host (uri) != '\0')
    return g_steal_pointer (&uri);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                       _("Not a web address: it has to look like https://example.org/file"));
  return NULL;
}

/* The last part of the path, made harmless: never hidden, never another folder. */
static char *
dup_file_name (GUri *uri)
{
  g_autofree char *base = g_path_get_basename (g_uri_get_path (uri));
  g_autofree char *name = g_uri_unescape_string (base, "/");
  const char *visible = name != NULL ? name + strspn (name, ".") : "";

  return g_strdup (*visible != '\0' && *visible != '/' ? visible : "download");
}

static char *
number_file_name (const char *name, guint number)
{
  const char *dot = strrchr (name, '.');
  int stem = dot != NULL ? dot - name : (int) strlen (name);

  if (number == 1)
    return g_strdup (name);
  return g_strdup_printf ("%.*s (%u)%s", stem, name, number, name + stem);
}

/* Whether neither the folder nor another download has the name.  The other downloads are
 * looked at after the last wait, because during a wait any of them may take it. */
static gboolean
take_file (DemoDownloader *self, GFile *file, GError **error)
{
  g_autofree char *part_path = g_strconcat (g_file_peek_path (file), DEMO_PART_SUFFIX, NULL);
  g_autoptr (GFile) part = g_file_new_for_path (part_path);

  return demo_io_is_free (file, error) && demo_io_is_free (part, error) &&
         g_hash_table_add (self->taken, g_object_ref (file));
}

/* Chooses a name like @base in the folder, and keeps other downloads from taking it. */
GFile *
demo_downloader_choose_file (DemoDownloader *self, const char *base, GError **error)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOADER (self), NULL);

  if (!demo_io_make_folder (self->folder, error))
    return NULL;
  for (guint number = 1; ; number++)
    {
      g_autofree char *name = number_file_name (base, number);
      g_autoptr (GFile) file = g_file_get_child (self->folder, name);
      g_autoptr (GError) local_error = NULL;

      if (take_file (self, file, &local_error))
        return g_steal_pointer (&file);
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
    }
}

static gboolean
choose_file_for_uri (DemoDownloader *self, DemoDownload *download, GUri *uri, GError **error)
{
  g_autofree char *base = dup_file_name (uri);
  g_autoptr (GFile) file = NULL;

  if (demo_download_get_file (download) != NULL)
    return TRUE;                           /* an earlier run has chosen */
  file = demo_downloader_choose_file (self, base, error);
  if (file == NULL)
    return FALSE;
  demo_download_set_file (download, file);
  return TRUE;
}

/* --- one attempt ------------------------------------------------------------------ */

/* Whether @msg's answer goes on at @offset. */
static gboolean
answer_resumes (SoupMessage *msg, guint64 offset)
{
  goffset start, end;

  return offset > 0 && soup_message_get_status (msg) == SOUP_STATUS_PARTIAL_CONTENT &&
         soup_message_headers_get_content_range (soup_message_get_response_headers (msg), &start, &end, NULL) &&
         (guint64) start == offset;
}

static SoupSession *
get_session (DemoDownloader *self, GUri *uri)
{
  const char *host = g_uri_get_host (uri);

  return g_str_equal (host, "127.0.0.1") || g_str_equal (host, "localhost") ? self->direct : self->session;
}

/* Sends the request and waits for the head of the answer.  @offset: where to go on; 0
 * afterwards if the server starts from the beginning nevertheless. */
static GInputStream *
send_request (DemoDownloader *self, DemoDownload *download, GUri *uri, guint64 *offset, GError **error)
{
  SoupSession *session = get_session (self, uri);
  g_autoptr (SoupMessage) msg = soup_message_new_from_uri (SOUP_METHOD_GET, uri);
  SoupMessageHeaders *headers = soup_message_get_response_headers (msg);
  g_autoptr (GInputStream) body = NULL;
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  goffset length;

  if (*offset > 0)
    {
      soup_message_headers_set_range (soup_message_get_request_headers (msg), *offset, -1);
      soup_message_headers_replace (soup_message_get_request_headers (msg), "If-Range", demo_download_get_etag (download));
    }
  body = soup_session_send_finish (session, CORO_CALL (&op, soup_session_send_async, session, msg, DEMO_IO_PRIORITY), error);
  if (body == NULL)
    return NULL;

  if (!answer_resumes (msg, *offset))
    {
      if (soup_message_get_status (msg) != SOUP_STATUS_OK)
        {
          g_set_error_literal (error, DEMO_HTTP_ERROR, soup_message_get_status (msg), soup_message_get_reason_phrase (msg));
          return NULL;
        }
      *offset = 0;
    }
  length = soup_message_headers_get_content_length (headers);
  demo_download_set_size (download, *offset, length > 0 ? *offset + length : 0);
  demo_download_set_etag (download, soup_message_headers_get_one (headers, "ETag"));
  return g_steal_pointer (&body);
}

static gboolean
copy_body (DemoDownloader *self, DemoDownload *download, GInputStream *body, GOutputStream *stream, CoroTimeout *timeout, GError **error)
{
  while (TRUE)
    {
      g_auto (CoroOperation) op = CORO_OPERATION_INIT;
      g_autoptr (GBytes) bytes = NULL;

      bytes = g_input_stream_read_bytes_finish (body, CORO_CALL (&op, g_input_stream_read_bytes_async, body,
                                                                 CHUNK_SIZE, DEMO_IO_PRIORITY), error);
      if (bytes == NULL)
        return FALSE;
      if (g_bytes_get_size (bytes) == 0)
        return TRUE;
      if (!g_output_stream_write_all_finish (stream, CORO_CALL (&op, g_output_stream_write_all_async, stream,
                                                                g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                                                                DEMO_IO_PRIORITY), NULL, error))
        return FALSE;
      demo_download_add_bytes (download, g_bytes_get_size (bytes));
      /* The limit is on silence, not on the whole: large files may take their time. */
      coro_timeout_reschedule (timeout, self->timeout);
    }
}

/* The guard turns the cancellation that it caused into G_IO_ERROR_TIMED_OUT on the way out;
 * one that came from elsewhere stays what it is. */
static gboolean
run_attempt (DemoDownloader *self, DemoDownload *download, GUri *uri, GError **error)
{
  g_auto (CoroTimeout) timeout = coro_timeout_enter (self->timeout, error);
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GFile) part = demo_download_dup_part (download);
  g_autoptr (GInputStream) body = NULL;
  g_autoptr (GOutputStream) stream = NULL;
  guint64 offset = demo_download_get_etag (download) != NULL ? get_part_size (part) : 0;

  body = send_request (self, download, uri, &offset, error);
  if (body == NULL)
    return FALSE;
  stream = open_part (part, offset, error);
  if (stream == NULL || !copy_body (self, download, body, stream, &timeout, error))
    return FALSE;
  /* A full disk may show only here. */
  if (!g_output_stream_close_finish (stream, CORO_CALL (&op, g_output_stream_close_async, stream, DEMO_IO_PRIORITY), error))
    return FALSE;
  return rename_part (part, demo_download_get_file (download), error);
}

/* --- failures --------------------------------------------------------------------- */

static void
tell_waiting (DemoDownloader *self, DemoDownload *download, GTimeSpan delay, const GError *error)
{
  g_autofree char *reason = demo_download_error_describe (error, self->timeout);
  g_autofree char *message = NULL;

  /* Translators: a reason, then the number of an attempt, as in “The server is busy (503) — attempt 2 of 3 in 0.5 s”. */
  message = g_strdup_printf (_("%s — attempt %u of %u in %.1f s"), reason,
                             demo_download_get_attempt (download) + 1, N_ATTEMPTS, delay / (double) G_TIME_SPAN_SECOND);
  demo_download_set_state (download, DEMO_DOWNLOAD_WAITING, message);
}

/* Removes the part, or keeps it for the next run.  The shield lets this wait although the
 * coroutine may be cancelled: without it a closed window would leave half a file behind. */
static guint64
settle_part (DemoDownload *download, gboolean keep)
{
  g_auto (CoroShield) shield = coro_shield_enter (CLEANUP_GRACE);
  g_autoptr (GFile) part = demo_download_dup_part (download);
  guint64 size = keep && demo_download_get_etag (download) != NULL ? get_part_size (part) : 0;

  if (size == 0)
    {
      g_autoptr (GError) local_error = NULL;

      demo_download_set_etag (download, NULL);
      if (!demo_io_delete (part, &local_error) && !g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        g_message ("%s", local_error->message);
    }
  return size;
}

static void
tell_failure (DemoDownloader *self, DemoDownload *download, const GError *error)
{
  gboolean cancelled = coro_error_is_cancelled (error);
  g_autofree char *reason = demo_download_error_describe (error, self->timeout);
  g_autofree char *message = NULL;
  guint64 kept = 0;

  if (demo_download_get_file (download) != NULL)
    kept = settle_part (download, !cancelled);
  if (kept > 0)
    {
      g_autofree char *size = g_format_size (kept);

      /* Translators: a reason and a size, as in “The connection broke before the end — 1.2 MB kept for a retry”. */
      message = g_strdup_printf (_("%s — %s kept for a retry"), reason, size);
    }
  demo_download_set_state (download, cancelled ? DEMO_DOWNLOAD_CANCELLED : DEMO_DOWNLOAD_FAILED,
                           message != NULL ? message : reason);
}

/* --- the whole -------------------------------------------------------------------- */

static gboolean
run_attempts (DemoDownloader *self, DemoDownload *download, GError **error)
{
  g_autoptr (GUri) uri = parse_url (demo_download_get_url (download), error);

  if (uri == NULL || !choose_file_for_uri (self, download, uri, error))
    return FALSE;

  for (guint attempt = 1; ; attempt++)
    {
      g_autoptr (GError) local_error = NULL;
      GTimeSpan delay = attempt * self->back_off;

      demo_download_begin (download, attempt);
      if (run_attempt (self, download, uri, &local_error))
        return TRUE;
      if (attempt == N_ATTEMPTS || !demo_download_error_is_transient (local_error))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      tell_waiting (self, download, delay, local_error);
      if (!coro_sleep (delay, error))
        return FALSE;
    }
}

/* Fetches @download; suspends until it is done, failed or cancelled.  The row says which. */
gboolean
demo_downloader_run (DemoDownloader *self, DemoDownload *download, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *name = NULL;
  g_autofree char *size = NULL;
  g_autofree char *message = NULL;

  g_return_val_if_fail (DEMO_IS_DOWNLOADER (self), FALSE);
  g_return_val_if_fail (DEMO_IS_DOWNLOAD (download), FALSE);

  if (!run_attempts (self, download, &local_error))
    {
      tell_failure (self, download, local_error);
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  name = g_file_get_basename (demo_download_get_file (download));
  size = g_format_size (demo_download_get_received (download));
  /* Translators: a size and a file name, as in “1.2 MB saved as sqlite3.h”. */
  message = g_strdup_printf (_("%s saved as %s"), size, name);
  demo_download_set_state (download, DEMO_DOWNLOAD_DONE, message);
  return TRUE;
}

/* --- the object ------------------------------------------------------------------- */

static void
demo_downloader_finalize (GObject *object)
{
  DemoDownloader *self = DEMO_DOWNLOADER (object);

  g_clear_object (&self->session);
  g_clear_object (&self->direct);
  g_clear_object (&self->folder);
  g_clear_pointer (&self->taken, g_hash_table_unref);

  G_OBJECT_CLASS (demo_downloader_parent_class)->finalize (object);
}

static void
demo_downloader_class_init (DemoDownloaderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = demo_downloader_finalize;
}

static SoupSession *
create_session (void)
{
  /* libsoup's two connections a host would make one stalled server hold up every row. */
  SoupSession *session = soup_session_new_with_options ("max-conns", 64, "max-conns-per-host", 32, NULL);

  /* What counts here, and what a retry goes on with, are the bytes of the file as it is. */
  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_DECODER);
  return session;
}

static void
demo_downloader_init (DemoDownloader *self)
{
  self->session = create_session ();
  self->direct = create_session ();
  soup_session_set_proxy_resolver (self->direct, NULL);
  self->taken = g_hash_table_new_full (g_file_hash, (GEqualFunc) g_file_equal, g_object_unref, NULL);
  self->timeout = 3 * G_TIME_SPAN_SECOND;
  self->back_off = G_TIME_SPAN_SECOND / 2;
}

DemoDownloader *
demo_downloader_new (GFile *folder)
{
  DemoDownloader *self = g_object_new (DEMO_TYPE_DOWNLOADER, NULL);

  self->folder = g_object_ref (folder);
  return self;
}

GFile *
demo_downloader_get_folder (DemoDownloader *self)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOADER (self), NULL);

  return self->folder;
}

void
demo_downloader_set_folder (DemoDownloader *self, GFile *folder)
{
  g_return_if_fail (DEMO_IS_DOWNLOADER (self));

  g_set_object (&self->folder, folder);
}

GTimeSpan
demo_downloader_get_timeout (DemoDownloader *self)
{
  g_return_val_if_fail (DEMO_IS_DOWNLOADER (self), 0);

  return self->timeout;
}

/* How long a server may be silent. */
void
demo_downloader_set_timeout (DemoDownloader *self, GTimeSpan timeout)
{
  g_return_if_fail (DEMO_IS_DOWNLOADER (self));

  self->timeout = timeout;
}

/* How long to wait before the second attempt. */
void
demo_downloader_set_back_off (DemoDownloader *self, GTimeSpan back_off)
{
  g_return_if_fail (DEMO_IS_DOWNLOADER (self));

  self->back_off = back_off;
}
