/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Open files.  The same tests run over io_uring and over threads: see meson.build.
 */
#include "lib/process.h"
#include "lib/forbid-call.h"
#include "test-util.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ CORO_LOCAL_FILE_READ
#define WRITE CORO_LOCAL_FILE_WRITE
#define CREATE CORO_LOCAL_FILE_CREATE

static char *folder;

/* An allocation of just this size fails; 0: none does. */
static gsize refused_size;

/* In place of GLib's, for the library as well. */
gpointer
g_try_malloc (gsize size)
{
  return size > 0 && size == g_atomic_pointer_get (&refused_size) ? NULL : malloc (MAX (size, 1));
}

static CoroLocalFile *
open_file (const char          *name,
           CoroLocalFileFlags   flags,
           GError             **error)
{
  g_autoptr (GFile) file = g_file_new_build_filename (folder, name, NULL);

  return coro_local_file_open (file, flags, 0644, error);
}

static gboolean
read_write_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (CoroLocalFile) file = open_file ("plain", READ | WRITE | CREATE, error);
  g_autoptr (GFileInfo) info = NULL;
  char buffer[20];
  gsize n;

  if (file == NULL)
    return FALSE;
  g_assert_cmpint (coro_local_file_get_fd (file), >=, 0);
  g_assert_true (coro_local_file_write_all (file, "hello", 5, -1, &n, error));
  g_assert_cmpuint (n, ==, 5);
  g_assert_cmpint (coro_local_file_write (file, " world", 6, -1, error), ==, 6);
  g_assert_cmpint (coro_local_file_write (file, "J", 1, 0, error), ==, 1);
  g_assert_cmpint (coro_local_file_read (file, buffer, sizeof buffer, 0, error), ==, 11);
  g_assert_cmpmem (buffer, 11, "Jello world", 11);
  g_assert_cmpint (coro_local_file_read (file, buffer, 5, 6, error), ==, 5);
  g_assert_cmpmem (buffer, 5, "world", 5);
  g_assert_cmpint (coro_local_file_read (file, buffer, 5, -1, error), ==, 0);
  g_assert_cmpint (coro_local_file_read (file, buffer, 5, 1000, error), ==, 0);
  g_assert_true (coro_local_file_read_all (file, buffer, sizeof buffer, 1, &n, error));
  g_assert_cmpuint (n, ==, 10);
  g_assert_true (coro_local_file_sync (file, FALSE, error));
  g_assert_true (coro_local_file_sync (file, TRUE, error));
  g_assert_true (coro_local_file_truncate (file, 3, error));

  info = coro_local_file_query_info (file, error);
  g_assert_cmpint (g_file_info_get_size (info), ==, 3);
  g_assert_cmpint (g_file_info_get_file_type (info), ==, G_FILE_TYPE_REGULAR);
  g_assert_cmphex (g_file_info_get_attribute_uint32 (info, "unix::mode") & 0777, ==, 0644);

  g_assert_true (coro_local_file_close (file, error));
  g_assert_true (coro_local_file_is_closed (file));
  g_assert_true (coro_local_file_close (file, error));
  g_assert_cmpint (coro_local_file_get_fd (file), ==, -1);
  g_assert_cmpint (coro_local_file_read (file, buffer, 1, 0, error), ==, -1);
  g_assert_error (*error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (error);
  g_assert_null (coro_local_file_query_info (file, error));
  g_assert_error (*error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (error);
  return TRUE;
}

static void
assert_open_fails (const char         *path,
                   CoroLocalFileFlags  flags,
                   int                 code)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;

  g_assert_null (coro_local_file_open (file, flags, 0644, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_assert_nonnull (strstr (error->message, path));
}

static gboolean
open_flags_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (CoroLocalFile) made = open_file ("flags", WRITE | CREATE | CORO_LOCAL_FILE_EXCLUSIVE, error);
  g_autoptr (CoroLocalFile) appending = NULL;
  g_autoptr (CoroLocalFile) truncated = NULL;
  g_autoptr (GFile) remote = g_file_new_for_uri ("resource:///nothing");
  g_autofree char *path = g_build_filename (folder, "flags", NULL);
  g_autofree char *missing = g_build_filename (folder, "missing", NULL);
  char buffer[10];

  if (made == NULL)
    return FALSE;
  g_assert_true (coro_local_file_write_all (made, "one", 3, 0, NULL, error));
  assert_open_fails (path, WRITE | CREATE | CORO_LOCAL_FILE_EXCLUSIVE, G_IO_ERROR_EXISTS);
  assert_open_fails (missing, READ, G_IO_ERROR_NOT_FOUND);
  assert_open_fails (folder, WRITE, G_IO_ERROR_IS_DIRECTORY);
  g_assert_null (coro_local_file_open (remote, READ, 0, error));
  g_assert_error (*error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_clear_error (error);

  appending = open_file ("flags", READ | WRITE | CORO_LOCAL_FILE_APPEND, error);
  g_assert_true (coro_local_file_write_all (appending, "two", 3, 0, NULL, error));
  g_assert_cmpint (coro_local_file_read (appending, buffer, sizeof buffer, 0, error), ==, 6);
  g_assert_cmpmem (buffer, 6, "onetwo", 6);

  truncated = open_file ("flags", WRITE | CORO_LOCAL_FILE_TRUNCATE, error);
  g_assert_cmpint (coro_local_file_read (appending, buffer, sizeof buffer, 0, error), ==, 0);
  g_assert_cmpint (coro_local_file_read (truncated, buffer, 1, 0, error), ==, -1);
  g_assert_nonnull (*error);
  g_clear_error (error);
  return TRUE;
}

/* Positions do not fit into 32 bits. */
/* What is no regular file, and what the kernel does not tell. */
static gboolean
look_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  static const struct
  {
    const char *path;
    GFileType type;
  } cases[] = { { "/dev/null", G_FILE_TYPE_SPECIAL }, { "/", G_FILE_TYPE_DIRECTORY } };
  g_autoptr (CoroLocalFile) last = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GFile) file = g_file_new_for_path (cases[i].path);
      g_autoptr (CoroLocalFile) local = coro_local_file_open (file, READ, 0, error);
      g_autoptr (GFileInfo) info = NULL;

      if (local == NULL)
        return FALSE;
      info = coro_local_file_query_info (local, error);
      g_assert_cmpint (g_file_info_get_file_type (info), ==, cases[i].type);
      g_set_object (&last, local);
      if (i == 0 && !coro_local_file_close (local, error))
        return FALSE;
    }

  forbid (SYS_statx, EIO);
#ifdef SYS_newfstatat
  forbid (SYS_newfstatat, EIO);
#endif
#ifdef SYS_fstat
  forbid (SYS_fstat, EIO);
#endif
  g_assert_null (coro_local_file_query_info (last, error));
  g_assert_error (*error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_nonnull (strstr ((*error)->message, "Error looking at file"));
  g_clear_error (error);
  return coro_local_file_close (last, error);
}

static void
test_look (void)
{
  g_autoptr (GError) error = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }

  g_assert_true (coro_run (look_cb, NULL, NULL, &error));
  g_assert_no_error (error);
}

static gboolean
far_cb (gpointer   user_data,
        GValue    *result,
        GError   **error)
{
  const goffset far = (goffset) 5 * 1024 * 1024 * 1024;
  g_autoptr (CoroLocalFile) file = open_file ("far", READ | WRITE | CREATE, error);
  g_autoptr (GFileInfo) info = NULL;
  char buffer[10] = { 1, };

  if (file == NULL || !coro_local_file_write_all (file, "far", 3, far, NULL, error))
    return FALSE;
  g_assert_cmpint (coro_local_file_read (file, buffer, sizeof buffer, far, error), ==, 3);
  g_assert_cmpmem (buffer, 3, "far", 3);
  g_assert_cmpint (coro_local_file_read (file, buffer, 1, far - 1, error), ==, 1);
  g_assert_cmpint (buffer[0], ==, 0);
  info = coro_local_file_query_info (file, error);
  g_assert_cmpint (g_file_info_get_size (info), ==, far + 3);
  return coro_local_file_close (file, error);
}

/* More than one call of the system takes. */
static gboolean
large_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  gsize size = 9000001;
  g_autofree guint8 *out = g_malloc (size);
  g_autofree guint8 *in = g_malloc0 (size + 10);
  g_autoptr (CoroLocalFile) file = open_file ("large", READ | WRITE | CREATE, error);
  gsize n;

  for (gsize i = 0; i < size; i++)
    out[i] = (guint8) (i ^ (i >> 8) ^ (i >> 16));
  if (!coro_local_file_write_all (file, out, size, 0, &n, error))
    return FALSE;
  g_assert_cmpuint (n, ==, size);
  if (!coro_local_file_read_all (file, in, size + 10, 0, &n, error))
    return FALSE;
  g_assert_cmpmem (in, n, out, size);
  return coro_local_file_close (file, error);
}

static gboolean
devices_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (GFile) zero = g_file_new_for_path ("/dev/zero");
  g_autoptr (GFile) full = g_file_new_for_path ("/dev/full");
  g_autoptr (CoroLocalFile) zeros = coro_local_file_open (zero, READ, 0, error);
  g_autoptr (CoroLocalFile) nothing = coro_local_file_open (full, WRITE, 0, error);
  char buffer[100] = { 1, };
  gsize n = 1;

  g_assert_true (coro_local_file_read_all (zeros, buffer, sizeof buffer, -1, &n, error));
  g_assert_cmpuint (n, ==, sizeof buffer);
  g_assert_cmpint (buffer[0], ==, 0);
  g_assert_false (coro_local_file_write_all (nothing, buffer, sizeof buffer, -1, &n, error));
  g_assert_error (*error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_nonnull (strstr ((*error)->message, "/dev/full"));
  g_assert_cmpuint (n, ==, 0);
  g_clear_error (error);
  return TRUE;
}

typedef struct
{
  CoroLocalFile *file;
  guint8 *buffer;
  gsize size;
} Use;

static gboolean
read_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Use *use = user_data;

  return coro_local_file_read_all (use->file, use->buffer, use->size, 0, NULL, error);
}

static gboolean
write_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Use *use = user_data;

  return coro_local_file_write_all (use->file, use->buffer, use->size, 0, NULL, error);
}

/* The buffer is freed as soon as the call is over: neither a thread nor the kernel may still write
 * to it. */
static gboolean
cancel_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroLocalFile) file = open_file ("cancel", READ | WRITE | CREATE, error);
  guint n_cancelled = 0;

  for (int i = 0; i < (is_slow () ? 20 : 80); i++)
    {
      gsize size = i % 4 < 2 ? 100000 : 6000000;
      Use use = { file, g_malloc0 (size), size };
      g_autoptr (CoroTask) task = coro_spawn_task (i % 2 == 0 ? write_cb : read_cb, &use, NULL);

      for (int k = 0; k < i; k++)
        if (!coro_yield (error))
          return FALSE;
      coro_task_cancel (task);
      if (!coro_join (task, error))
        return FALSE;
      g_free (use.buffer);
      if (coro_future_get_error (CORO_FUTURE (task)) != NULL)
        {
          assert_cancelled (coro_future_get_error (CORO_FUTURE (task)));
          n_cancelled++;
        }
    }
  g_assert_cmpuint (n_cancelled, >, 0);
  return coro_local_file_close (file, error);
}

/* A timeout, and a reader that waits for a pipe. */
static gboolean
pipe_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autofree char *path = g_build_filename (folder, "pipe", NULL);
  g_autoptr (CoroLocalFile) reader = NULL;
  g_autoptr (CoroLocalFile) writer = NULL;
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (GError) local_error = NULL;
  guint8 buffer[4] = { 0, };
  Use use = { NULL, buffer, sizeof buffer };

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  reader = open_file ("pipe", READ, error);
  use.file = reader;
  task = coro_spawn_task (read_cb, &use, NULL);
  for (int i = 0; i < 5; i++)
    if (!coro_yield (error))
      return FALSE;
  g_assert_false (coro_local_file_close (reader, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_PENDING);

  writer = open_file ("pipe", WRITE, error);
  g_assert_true (coro_local_file_write_all (writer, "ab", 2, -1, NULL, error));
  for (int i = 0; i < 20; i++)
    if (!coro_yield (error))
      return FALSE;
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  g_assert_true (coro_local_file_write_all (writer, "cd", 2, -1, NULL, error));
  if (!coro_await (task, NULL, error))
    return FALSE;
  g_assert_cmpmem (buffer, 4, "abcd", 4);
  return coro_local_file_close (reader, error) && coro_local_file_close (writer, error);
}

/* A pipe with one end only: opening it to write fails, and a reader waits. */
static gboolean
pipe_alone_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autofree char *path = g_build_filename (folder, "alone", NULL);
  g_autoptr (CoroLocalFile) reader = NULL;
  g_autoptr (GError) local_error = NULL;
  guint8 buffer[4] = { 0, };

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  assert_open_fails (path, WRITE, g_io_error_from_errno (ENXIO));
  reader = open_file ("alone", READ, error);
  if (reader == NULL)
    return FALSE;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10 * MILLISECOND, &local_error);

    g_assert_cmpint (coro_local_file_read (reader, buffer, sizeof buffer, -1, &local_error), ==, -1);
  }
  assert_timed_out (local_error);
  return coro_local_file_close (reader, error);
}

/* The reader of a pipe closes it while a coroutine waits for room to write. */
static gboolean
pipe_broken_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autofree char *path = g_build_filename (folder, "broken", NULL);
  g_autofree guint8 *buffer = g_malloc0 (300000);
  g_autoptr (CoroLocalFile) writer = NULL;
  g_autoptr (CoroTask) task = NULL;
  Use use = { NULL, buffer, 300000 };
  int fd;

  signal (SIGPIPE, SIG_DFL);    /* which ends the process */
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  writer = use.file = open_file ("broken", WRITE, error);
  if (writer == NULL)
    return FALSE;
  task = coro_spawn_task (write_cb, &use, NULL);
  g_assert_cmpint (coro_fd_wait (fd, G_IO_IN, -1, error), ==, G_IO_IN);
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  close (fd);
  g_assert_true (coro_join (task, error));
  g_assert_error (coro_future_get_error (CORO_FUTURE (task)), G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
  return coro_local_file_close (writer, error);
}

static gboolean
read_here_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  Use *use = user_data;
  struct rlimit old, none;
  gboolean ok = TRUE;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &old), ==, 0);
  none = old;
  none.rlim_cur = 3;            /* poll() may be given so many */
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  for (int i = 0; i < 3; i++)
    ok = ok && coro_local_file_read_all (use->file, use->buffer, use->size, 0, NULL, error);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &old), ==, 0);
  return ok;
}

static gpointer
read_thread (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (context);
  g_assert_true (coro_run (read_here_cb, data, NULL, &error));
  g_assert_no_error (error);
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* Another thread has no descriptor left for a ring of its own: what is open is read all the
 * same. */
static gboolean
no_descriptors_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (CoroLocalFile) file = open_file ("shared", READ | WRITE | CREATE, error);
  guint8 buffer[6] = { 0, };
  Use use = { file, buffer, sizeof buffer };

  if (file == NULL || !coro_local_file_write_all (file, "shared", 6, 0, NULL, error))
    return FALSE;
  g_thread_join (g_thread_new ("reader", read_thread, &use));
  g_assert_cmpmem (buffer, 6, "shared", 6);
  return coro_local_file_close (file, error);
}

/* A full disk that can be had without being root: what fits is written. */
static gboolean
full_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroLocalFile) file = open_file ("full", WRITE | CREATE, error);
  g_autofree guint8 *buffer = g_malloc0 (300000);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GFileInfo) info = NULL;
  struct rlimit limit, before;
  gsize n = 0;

  if (file == NULL)
    return FALSE;
  getrlimit (RLIMIT_FSIZE, &before);
  limit = before;
  limit.rlim_cur = 200000;
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  g_assert_false (coro_local_file_write_all (file, buffer, 300000, 0, &n, &local_error));
  g_assert_error (local_error, G_IO_ERROR, (int) g_io_error_from_errno (EFBIG));
  g_assert_cmpuint (n, ==, 200000);
  g_clear_error (&local_error);
  g_assert_false (coro_local_file_truncate (file, 300000, &local_error));
  g_assert_error (local_error, G_IO_ERROR, (int) g_io_error_from_errno (EFBIG));
  setrlimit (RLIMIT_FSIZE, &before);

  info = coro_local_file_query_info (file, error);
  g_assert_cmpint (g_file_info_get_size (info), ==, 200000);
  return coro_local_file_close (file, error);
}

/* Closing is cleaning up. */
static gboolean
close_cancelled_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroLocalFile) file = open_file ("closing", WRITE | CREATE, error);
  int fd = coro_local_file_get_fd (file);

  coro_task_cancel (coro_task_get_current ());
  g_assert_true (coro_local_file_close (file, error));
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, -1);
  g_assert_false (coro_check_cancelled (error));
  g_clear_error (error);
  coro_task_uncancel (coro_task_get_current ());
  return TRUE;
}

static gboolean
futures_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (GFile) path = g_file_new_build_filename (folder, "futures", NULL);
  g_autoptr (CoroFuture) opening = coro_local_file_open_future (path, READ | WRITE | CREATE, 0644);
  g_autoptr (CoroLocalFile) file = coro_await_object (opening, error);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("future", 6);
  g_autoptr (CoroFuture) writing = NULL;
  g_autoptr (CoroFuture) syncing = NULL;
  g_autoptr (CoroFuture) reading = NULL;
  g_autoptr (CoroFuture) closing = NULL;
  g_autoptr (GBytes) read = NULL;

  if (file == NULL)
    return FALSE;
  writing = coro_local_file_write_future (file, bytes, 0);
  if (!coro_await (writing, NULL, error))
    return FALSE;
  syncing = coro_local_file_sync_future (file, TRUE);
  reading = coro_local_file_read_future (file, 100, 2);
  read = coro_await_boxed (reading, G_TYPE_BYTES, error);
  if (read == NULL || !coro_await (syncing, NULL, error))
    return FALSE;
  g_assert_cmpmem (g_bytes_get_data (read, NULL), g_bytes_get_size (read), "ture", 4);
  closing = coro_local_file_close_future (file);
  return coro_await (closing, NULL, error);
}

static gboolean
futures_fail_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroLocalFile) file = open_file ("unread", WRITE | CREATE, error);
  g_autoptr (CoroFuture) reading = NULL;
  g_autoptr (CoroFuture) hungry = NULL;
  g_autoptr (GError) read_error = NULL;
  g_autoptr (GError) hungry_error = NULL;

  if (file == NULL)
    return FALSE;
  reading = coro_local_file_read_future (file, 100, 0);
  g_assert_null (coro_await_boxed (reading, G_TYPE_BYTES, &read_error));
  g_assert_error (read_error, G_IO_ERROR, (int) g_io_error_from_errno (EBADF));
  g_assert_nonnull (strstr (read_error->message, "unread"));

  g_atomic_pointer_set (&refused_size, 123456);
  hungry = coro_local_file_read_future (file, 123456, 0);
  g_assert_null (coro_await_boxed (hungry, G_TYPE_BYTES, &hungry_error));
  g_atomic_pointer_set (&refused_size, 0);
  g_assert_error (hungry_error, G_IO_ERROR, (int) g_io_error_from_errno (ENOMEM));
  g_assert_nonnull (strstr (hungry_error->message, "unread"));
  return coro_local_file_close (file, error);
}

/* --- cancelled at every wait ------------------------------------------------------ */

#define SIZE 300000

/* One call of an open file, and what is looked at afterwards. */
typedef struct
{
  CoroLocalFile *file;          /* (nullable) (owned) */
  guint8 *buffer;               /* (owned) */
  guint n_descriptors;
} Cancelled;

static gboolean
cancelled_set_up (gpointer   fixture,
                  GError   **error)
{
  Cancelled *self = fixture;

  self->buffer = g_malloc (SIZE);
  memset (self->buffer, 'x', SIZE);
  self->file = open_file ("cancelled", READ | WRITE | CREATE, error);
  /* Whatever the scheduler keeps for files is there now, and is not a leak. */
  if (self->file == NULL || !coro_local_file_write_all (self->file, self->buffer, SIZE, 0, NULL, error) ||
      !coro_local_file_sync (self->file, FALSE, error) || !coro_local_file_truncate (self->file, SIZE, error))
    return FALSE;
  self->n_descriptors = count_descriptors ();
  return TRUE;
}

static gboolean
open_body (gpointer   fixture,
           GError   **error)
{
  g_autoptr (CoroLocalFile) file = open_file ("cancelled", READ, error);

  return file != NULL;
}

/* Afterwards the buffer is the caller's again, and filled here: a read that still wrote to it would
 * mix its bytes with these. */
static gboolean
read_body (gpointer   fixture,
           GError   **error)
{
  Cancelled *self = fixture;
  gsize n = 0;
  gboolean ok = coro_local_file_read_all (self->file, self->buffer, SIZE, 0, &n, error);

  memset (self->buffer, 'x', SIZE);
  g_assert_true (!ok || n == SIZE);
  return ok;
}

static gboolean
write_body (gpointer   fixture,
            GError   **error)
{
  Cancelled *self = fixture;
  gsize n = 0;
  gboolean ok = coro_local_file_write_all (self->file, self->buffer, SIZE, 0, &n, error);

  memset (self->buffer, 'y', SIZE);
  g_assert_true (!ok || n == SIZE);
  return ok;
}

static gboolean
sync_body (gpointer   fixture,
           GError   **error)
{
  return coro_local_file_sync (((Cancelled *) fixture)->file, FALSE, error);
}

static gboolean
truncate_body (gpointer   fixture,
               GError   **error)
{
  return coro_local_file_truncate (((Cancelled *) fixture)->file, SIZE, error);
}

static gboolean
close_body (gpointer   fixture,
            GError   **error)
{
  g_autoptr (CoroLocalFile) file = open_file ("closed", WRITE | CREATE, error);

  return file != NULL && coro_local_file_close (file, error) && coro_check_cancelled (error);
}

static gboolean
cancelled_check (gpointer   fixture,
                 GError   **error)
{
  Cancelled *self = fixture;
  g_autofree guint8 *data = g_malloc (SIZE);
  g_autoptr (GFileInfo) info = coro_local_file_query_info (self->file, error);
  guint8 byte = self->buffer[0];
  gsize n;

  g_assert_cmpuint (count_descriptors (), ==, self->n_descriptors);
  g_assert_true (byte == 'x' || byte == 'y');
  g_assert_true (memcmp (self->buffer, self->buffer + 1, SIZE - 1) == 0);
  g_assert_cmpint (g_file_info_get_size (info), ==, SIZE);

  /* What was not read into the buffer after it was given back was not written from it. */
  if (!coro_local_file_read_all (self->file, data, SIZE, 0, &n, error))
    return FALSE;
  g_assert_cmpuint (n, ==, SIZE);
  g_assert_cmpint (data[0], ==, 'x');
  g_assert_true (memcmp (data, data + 1, SIZE - 1) == 0);
  return coro_local_file_write_all (self->file, data, SIZE, 0, NULL, error);
}

static gboolean
cancelled_tear_down (gpointer   fixture,
                     GError   **error)
{
  Cancelled *self = fixture;
  gboolean ok = self->file == NULL || coro_local_file_close (self->file, error);

  g_clear_object (&self->file);
  g_free (self->buffer);
  return ok;
}

#define ADD_CANCEL(name, body)                                                                                \
  G_STMT_START                                                                                                \
    {                                                                                                         \
      static const CoroTestCancel _test = { sizeof (Cancelled), cancelled_set_up, body, cancelled_check,      \
                                            cancelled_tear_down, 0 };                                         \
      coro_test_add_cancel (name, &_test);                                                                    \
    }                                                                                                         \
  G_STMT_END

static void
test_outside (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (open_file ("outside", READ | WRITE | CREATE, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
}

static void
test_body (gconstpointer body)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_run (*(const CoroFunc *) body, NULL, NULL, &error));
  g_assert_no_error (error);
}

#define ADD(name, body)                               \
  G_STMT_START                                        \
    {                                                 \
      static const CoroFunc _body = body;             \
      g_test_add_data_func (name, &_body, test_body); \
    }                                                 \
  G_STMT_END

int
main (int    argc,
      char **argv)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;
  int result;

  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Open files are read and written without blocking");
  folder = g_dir_make_tmp ("coro-test-XXXXXX", NULL);

  ADD ("/io/local-file/reads-and-writes", read_write_cb);
  ADD ("/io/local-file/open", open_flags_cb);
  ADD ("/io/local-file/far-positions", far_cb);
  ADD ("/io/local-file/large", large_cb);
  ADD ("/io/local-file/devices", devices_cb);
  ADD ("/io/local-file/cancel-lets-go-of-the-buffer", cancel_cb);
  ADD ("/io/local-file/pipe-is-waited-for", pipe_cb);
  ADD ("/io/local-file/pipe-alone", pipe_alone_cb);
  ADD ("/io/local-file/pipe-broken", pipe_broken_cb);
  if (g_getenv ("CORO_TEST_VALGRIND") == NULL)  /* which keeps descriptors of its own */
    ADD ("/io/local-file/no-descriptors", no_descriptors_cb);
  ADD ("/io/local-file/full-disk", full_cb);
  ADD ("/io/local-file/closes-although-cancelled", close_cancelled_cb);
  ADD ("/io/local-file/futures", futures_cb);
  ADD ("/io/local-file/futures-that-fail", futures_fail_cb);
  g_test_add_func ("/io/local-file/look", test_look);
  g_test_add_func ("/io/local-file/outside", test_outside);
  ADD_CANCEL ("/io/local-file/cancel/open", open_body);
  ADD_CANCEL ("/io/local-file/cancel/read", read_body);
  ADD_CANCEL ("/io/local-file/cancel/write", write_body);
  ADD_CANCEL ("/io/local-file/cancel/sync", sync_body);
  ADD_CANCEL ("/io/local-file/cancel/truncate", truncate_body);
  ADD_CANCEL ("/io/local-file/cancel/close", close_body);

  result = g_test_run ();
  dir = g_dir_open (folder, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
  g_free (folder);
  return result;
}
