/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "file/coro-file.h"

#include "future/coro-sleep.h"
#include "file/coro-file-backend-private.h"
#include "io/coro-operation.h"
#include "scheduler/coro-job-private.h"
#include "scope/coro-closure.h"
#include "scope/coro-spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* --- loading ---------------------------------------------------------------------- */

/* A file that is being loaded.  What cannot be had at once is done by io_uring call for
 * call, or the whole rest in one go by a thread. */
typedef struct
{
  const char *path;
  CoroBackendFile file;
  gboolean wants_etag;
  struct statx info;            /* of a small file without an etag, the size alone */
  guint8 *data;                 /* (nullable) (owned) */
  gsize allocated;
  gsize length;
  gboolean ended;
  int failure;                  /* an error number, or 0 */
} CoroFileLoad;

/* Bytes that a thread reads before it looks whether it is to go on. */
#define PIECE (1024 * 1024)

#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_CLOEXEC)

static gboolean
load_make_room (CoroFileLoad *self)
{
  /* One byte more than there is: then the end shows without another call.  Files below
   * /proc say that they are empty and are not. */
  self->allocated = self->info.stx_size > 0 ? (gsize) self->info.stx_size + 1 : 4096;
  self->data = g_try_malloc (self->allocated);
  if (self->data == NULL)
    self->failure = ENOMEM;
  return self->data != NULL;
}

/* The size of a small file: 0.2 µs where statx() takes 0.5, of 5 for all.  Pipes and devices have
 * none, reading tells of a folder; and for a file that is not on a disk of this machine another machine
 * would be asked. */
static gboolean
load_measure (CoroFileLoad *self)
{
  goffset size = self->file.local && !self->wants_etag ? lseek (self->file.fd, 0, SEEK_END) : -1;

  if (size <= 0 || size >= CORO_FILE_BACKEND_LARGE)
    return FALSE;

  self->info.stx_size = (guint64) size;
  return TRUE;
}

/* Sees what was opened and makes room for it. */
static gboolean
load_examine (CoroFileLoad *self)
{
  int result;

  if (load_measure (self))
    return load_make_room (self);

  result = coro_file_backend_examine (&self->file, &self->info);
  if (result < 0)
    {
      self->failure = -result;
      return FALSE;
    }
  if (S_ISDIR (self->info.stx_mode))
    {
      self->failure = EISDIR;
      return FALSE;
    }
  if (self->info.stx_size >= G_MAXSSIZE)
    {
      self->failure = EFBIG;
      return FALSE;
    }

  return load_make_room (self);
}

/* Whether there is more to read. */
static gboolean
load_proceed (CoroFileLoad *self,
              gssize        n)
{
  guint8 *data;

  if (n < 0)
    {
      self->failure = (int) -n;
      return FALSE;
    }

  self->length += (gsize) n;
  self->ended = n == 0 || (!self->file.stream && self->info.stx_size > 0 && self->length == self->info.stx_size);
  if (self->ended || self->length < self->allocated)
    return !self->ended;

  data = self->allocated <= G_MAXSSIZE / 2 ? g_try_realloc (self->data, self->allocated * 2) : NULL;
  if (data == NULL)
    {
      self->failure = ENOMEM;
      return FALSE;
    }
  self->data = data;
  self->allocated *= 2;
  return TRUE;
}

/* In a thread: goes on until it is done, cancelled, or meets what only poll() knows. */
static gpointer
load_rest_cb (gpointer       user_data,
              GCancellable  *cancellable,
              GError       **error)
{
  CoroFileLoad *self = user_data;
  gssize n;

  if (self->file.fd < 0)
    coro_file_backend_open_blocking (self->path, OPEN_FLAGS, 0, &self->file);
  if (self->data == NULL && !load_examine (self))
    return user_data;
  if (self->file.stream)
    return user_data;

  do
    {
      if (g_cancellable_is_cancelled (cancellable))
        return user_data;
      do
        n = pread (self->file.fd, self->data + self->length, MIN (self->allocated - self->length, PIECE),
                   (off_t) self->length);
      while (n < 0 && errno == EINTR);
    }
  while (load_proceed (self, n < 0 ? -errno : n));
  return user_data;
}

static gboolean
load_in_thread (CoroFileLoad  *self,
                GError       **error)
{
  gboolean is_first = self->file.fd < 0;

  if (!coro_file_backend_call (load_rest_cb, self, error))
    return FALSE;
  if (is_first && self->file.fd >= 0)
    coro_file_backend_learn (self->path, self->file.local);
  return TRUE;
}

static gboolean
load_open (CoroFileLoad  *self,
           GError       **error)
{
  if (coro_file_backend_has_ring ())
    return coro_file_backend_open (self->path, OPEN_FLAGS, 0, &self->file, error);

  self->file = coro_file_backend_try_open (self->path, OPEN_FLAGS);
  return self->file.fd != -EAGAIN || load_in_thread (self, error);
}

static gboolean
load_read (CoroFileLoad  *self,
           gssize        *n,
           GError       **error)
{
  gsize count = self->allocated - self->length;
  goffset offset = (goffset) self->length;

  if (!self->file.stream && !coro_file_backend_has_ring ())
    {
      if (!coro_check_cancelled (error))
        return FALSE;
      *n = coro_file_backend_try_read (self->file.fd, self->data + self->length, count, offset);
      return *n != -EAGAIN || load_in_thread (self, error);
    }

  return coro_file_backend_transfer (CORO_FILE_OP_READ, &self->file, self->data + self->length, count, offset, n, error);
}

static gboolean
load_run (CoroFileLoad  *self,
          GError       **error)
{
  gssize n;

  if (coro_job_require (error) == NULL || !coro_yield_if_needed (error) || !load_open (self, error))
    return FALSE;
  if (self->failure == 0 && self->data == NULL)
    load_examine (self);

  while (self->failure == 0 && !self->ended)
    {
      if (!load_read (self, &n, error))
        return FALSE;
      if (n != -EAGAIN)
        load_proceed (self, n);
    }

  if (self->failure == 0)
    return TRUE;
  coro_file_backend_set_error (error, self->failure, self->file.fd < 0 ? "Error opening file" : "Error reading file", self->path);
  return FALSE;
}

static GBytes *
load_local (const char  *path,
            char       **etag,
            GError     **error)
{
  CoroFileLoad load = { .path = path, .file.fd = -1, .wants_etag = etag != NULL };
  gboolean ok = load_run (&load, error);

  if (load.file.fd >= 0)
    coro_file_backend_close (&load.file, FALSE);
  if (!ok)
    {
      g_free (load.data);
      return NULL;
    }

  /* As GIO makes them. */
  if (etag != NULL)
    *etag = g_strdup_printf ("%" G_GINT64_FORMAT ":%u:%u", (gint64) load.info.stx_mtime.tv_sec,
                             load.info.stx_mtime.tv_nsec / 1000, load.info.stx_mtime.tv_nsec);
  if (load.length < load.allocated / 2)
    load.data = g_realloc (load.data, load.length);
  return g_bytes_new_take (load.data, load.length);
}

/* The path of a file that is ours to open; NULL: GIO has to. */
static const char *
get_local_path (GFile *file)
{
  return g_file_is_native (file) ? g_file_peek_path (file) : NULL;
}

/**
 * coro_file_load_bytes: (skip)
 * @file: a file
 * @etag: (out) (optional) (nullable) (transfer full): its entity tag
 * @error: return location for an error
 *
 * Loads a whole file.
 *
 * Of a local file, what the kernel has in memory is read at once, without a
 * thread. The rest is read by io_uring or in a thread; other files
 * are read by GIO.
 *
 * Callable from a coroutine, which it suspends where something has to be
 * waited for. Cancellation cancels what is under way and waits for that.
 *
 * @error can be set to those of [method@Gio.File.load_bytes] and to the
 * misuse errors of [func@await].
 *
 * Returns: (transfer full): what is in it; %NULL with @error set
 *
 * Since: 0.1
 */
GBytes *
coro_file_load_bytes (GFile   *file,
                      char   **etag,
                      GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  const char *path;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  if (etag != NULL)
    *etag = NULL;
  path = get_local_path (file);
  if (path != NULL)
    return load_local (path, etag, error);
  return g_file_load_bytes_finish (file, CORO_CALL (&op, g_file_load_bytes_async, file), etag, error);
}

static GBytes *
load_bytes (GFile   *file,
            GError **error)
{
  return coro_file_load_bytes (file, NULL, error);
}

CORO_DEFINE_SPAWN (BOXED, G_TYPE_BYTES, load_bytes, CORO_ARG_OBJECT (GFile, file))

/**
 * coro_file_load_bytes_future: (rename-to coro_file_load_bytes)
 * @file: a file
 *
 * Loads a whole file; the value of the future is its contents.
 *
 * Cancelling the future cancels the loading.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future for a [struct@GLib.Bytes]
 *
 * Since: 0.1
 */
CoroFuture *
coro_file_load_bytes_future (GFile *file)
{
  g_return_val_if_fail (G_IS_FILE (file), NULL);

  return CORO_FUTURE (load_bytes_task (NULL, file));
}
