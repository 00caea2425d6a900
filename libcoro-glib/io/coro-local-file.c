/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-local-file.h"

#include "io/coro-disk-private.h"
#include "scheduler/coro-job-private.h"
#include "scope/coro-closure.h"
#include "scope/coro-spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/**
 * CoroLocalFile:
 *
 * An open file of a file system of this machine.
 *
 * It is read and written at positions that each call names, so that several
 * coroutines can use one; a position of -1 stands for where the last call of
 * that kind has ended, and is what any position means for pipes and devices.
 *
 * What the kernel has in memory is read at once. Everything else is done by
 * io_uring or in a thread, and suspends.
 *
 * Dropping an open file closes it, without a word about errors; a file that
 * was written is better closed with [method@LocalFile.close].
 *
 * Since: 0.1
 */
struct _CoroLocalFile
{
  GObject parent_instance;

  char *path;                   /* (owned) */
  CoroDiskFile file;
  gboolean writable;
  int n_busy;                   /* (atomic): calls under way */
};

G_DEFINE_FINAL_TYPE (CoroLocalFile, coro_local_file, G_TYPE_OBJECT)

static void
coro_local_file_finalize (GObject *object)
{
  CoroLocalFile *self = CORO_LOCAL_FILE (object);

  if (self->file.fd >= 0)
    close (self->file.fd);
  g_free (self->path);

  G_OBJECT_CLASS (coro_local_file_parent_class)->finalize (object);
}

static void
coro_local_file_class_init (CoroLocalFileClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = coro_local_file_finalize;
}

static void
coro_local_file_init (CoroLocalFile *self)
{
  self->file.fd = -1;
}

/* --- one call --------------------------------------------------------------------- */

static gboolean
local_file_check_open (CoroLocalFile  *self,
                       GError        **error)
{
  if (self->file.fd >= 0)
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "File “%s” is closed", self->path);
  return FALSE;
}

/* The descriptor must not be closed, and be another file's, under a call. */
static gboolean
local_file_begin (CoroLocalFile  *self,
                  GError        **error)
{
  if (coro_job_require (error) == NULL || !local_file_check_open (self, error))
    return FALSE;

  g_object_ref (self);
  g_atomic_int_inc (&self->n_busy);
  return TRUE;
}

static gboolean
local_file_end (CoroLocalFile  *self,
                gboolean        made,
                gssize          result,
                const char     *what,
                GError        **error)
{
  g_atomic_int_add (&self->n_busy, -1);
  if (made && result < 0)
    coro_disk_set_error (error, (int) result, what, self->path);
  g_object_unref (self);
  return made && result >= 0;
}

/* --- opening ---------------------------------------------------------------------- */

static int
get_open_flags (CoroLocalFileFlags flags)
{
  /* A pipe that nobody has at the other end must not block us. */
  int result = O_CLOEXEC | O_NONBLOCK;

  if ((flags & CORO_LOCAL_FILE_WRITE) == 0)
    result |= O_RDONLY;
  else
    result |= (flags & CORO_LOCAL_FILE_READ) != 0 ? O_RDWR : O_WRONLY;
  if ((flags & CORO_LOCAL_FILE_CREATE) != 0)
    result |= O_CREAT;
  if ((flags & CORO_LOCAL_FILE_EXCLUSIVE) != 0)
    result |= O_EXCL;
  if ((flags & CORO_LOCAL_FILE_TRUNCATE) != 0)
    result |= O_TRUNC;
  if ((flags & CORO_LOCAL_FILE_APPEND) != 0)
    result |= O_APPEND;
  return result;
}

static gboolean
local_file_open (CoroLocalFile       *self,
                 CoroLocalFileFlags   flags,
                 guint                mode,
                 GError             **error)
{
  struct statx info;
  int result;

  if (!coro_disk_open (self->path, get_open_flags (flags), mode, &self->file, error))
    return FALSE;

  result = coro_disk_examine (&self->file, &info);
  if (result < 0)
    {
      coro_disk_set_error (error, result, "Error opening file", self->path);
      return FALSE;
    }
  self->writable = (flags & CORO_LOCAL_FILE_WRITE) != 0;
  return TRUE;
}

/**
 * coro_local_file_open: (skip)
 * @file: a file that has a path
 * @flags: what for, at least %CORO_LOCAL_FILE_READ or %CORO_LOCAL_FILE_WRITE
 * @mode: the permissions of a file that is made, 0666 for example, from which
 *   the process's mask is taken away
 * @error: return location for an error
 *
 * Opens a file.
 *
 * Callable from a coroutine, which it suspends unless the kernel has all of
 * the path in memory. Cancellation: see [iface@Awaitable].
 *
 * @error can be set to %G_IO_ERROR codes for what the system says, to
 * %G_IO_ERROR_NOT_SUPPORTED for a file that has no path, and to the misuse
 * errors of [func@await].
 *
 * Returns: (transfer full): the open file; %NULL with @error set
 *
 * Since: 0.1
 */
CoroLocalFile *
coro_local_file_open (GFile               *file,
                      CoroLocalFileFlags   flags,
                      guint                mode,
                      GError             **error)
{
  g_autoptr (CoroLocalFile) self = NULL;
  const char *path;

  g_return_val_if_fail (G_IS_FILE (file), NULL);
  g_return_val_if_fail ((flags & (CORO_LOCAL_FILE_READ | CORO_LOCAL_FILE_WRITE)) != 0, NULL);

  path = g_file_peek_path (file);
  if (path == NULL)
    {
      g_autofree char *uri = g_file_get_uri (file);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "“%s” is no file of this machine", uri);
      return NULL;
    }

  self = g_object_new (CORO_TYPE_LOCAL_FILE, NULL);
  self->path = g_strdup (path);
  return local_file_open (self, flags, mode, error) ? g_steal_pointer (&self) : NULL;
}

CORO_DEFINE_SPAWN (OBJECT, CORO_TYPE_LOCAL_FILE, coro_local_file_open, CORO_ARG_OBJECT (GFile, file),
                   CORO_ARG_VALUE (CoroLocalFileFlags, flags), CORO_ARG_VALUE (guint, mode))

/**
 * coro_local_file_open_future: (rename-to coro_local_file_open)
 * @file: a file that has a path
 * @flags: what for, at least %CORO_LOCAL_FILE_READ or %CORO_LOCAL_FILE_WRITE
 * @mode: the permissions of a file that is made
 *
 * Opens a file; the value of the future is the open file.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future for a [class@LocalFile]
 *
 * Since: 0.1
 */
CoroFuture *
coro_local_file_open_future (GFile              *file,
                             CoroLocalFileFlags  flags,
                             guint               mode)
{
  g_return_val_if_fail (G_IS_FILE (file), NULL);
  g_return_val_if_fail ((flags & (CORO_LOCAL_FILE_READ | CORO_LOCAL_FILE_WRITE)) != 0, NULL);

  return CORO_FUTURE (coro_local_file_open_task (NULL, file, flags, mode));
}

/**
 * coro_local_file_get_fd:
 * @self: a file
 *
 * Gets its descriptor, which stays the file's and does not block.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: the descriptor; -1 when it is closed
 *
 * Since: 0.1
 */
int
coro_local_file_get_fd (CoroLocalFile *self)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), -1);

  return self->file.fd;
}

/**
 * coro_local_file_is_closed:
 * @self: a file
 *
 * Whether it was closed.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE when it is closed
 *
 * Since: 0.1
 */
gboolean
coro_local_file_is_closed (CoroLocalFile *self)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), TRUE);

  return self->file.fd < 0;
}

static GFileType
get_file_type (guint16 mode)
{
  if (S_ISREG (mode))
    return G_FILE_TYPE_REGULAR;
  return S_ISDIR (mode) ? G_FILE_TYPE_DIRECTORY : G_FILE_TYPE_SPECIAL;
}

/**
 * coro_local_file_query_info:
 * @self: a file
 * @error: return location for an error
 *
 * Asks for its size, type, `unix::mode` and `time::modified`.
 *
 * The kernel answers from memory: on a network that may be some seconds old.
 *
 * Callable from any thread; never suspends.
 *
 * @error can be set to %G_IO_ERROR codes, %G_IO_ERROR_CLOSED among them.
 *
 * Returns: (transfer full): what is known; %NULL with @error set
 *
 * Since: 0.1
 */
GFileInfo *
coro_local_file_query_info (CoroLocalFile  *self,
                            GError        **error)
{
  g_autoptr (GDateTime) seconds = NULL;
  g_autoptr (GDateTime) modified = NULL;
  struct statx stat_info;
  GFileInfo *info;
  int result;

  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), NULL);

  if (!local_file_check_open (self, error))
    return NULL;
  result = coro_disk_stat (self->file.fd, &stat_info);
  if (result < 0)
    {
      coro_disk_set_error (error, result, "Error looking at file", self->path);
      return NULL;
    }

  info = g_file_info_new ();
  g_file_info_set_size (info, (goffset) stat_info.stx_size);
  g_file_info_set_file_type (info, get_file_type (stat_info.stx_mode));
  g_file_info_set_attribute_uint32 (info, G_FILE_ATTRIBUTE_UNIX_MODE, stat_info.stx_mode);
  seconds = g_date_time_new_from_unix_utc (stat_info.stx_mtime.tv_sec);
  if (seconds != NULL)
    modified = g_date_time_add (seconds, stat_info.stx_mtime.tv_nsec / 1000);
  if (modified != NULL)
    g_file_info_set_modification_date_time (info, modified);
  return info;
}

/* --- reading and writing ---------------------------------------------------------- */

static gssize
local_file_transfer (CoroLocalFile  *self,
                     CoroRingOpcode  opcode,
                     gpointer        buffer,
                     gsize           count,
                     goffset         offset,
                     GError        **error)
{
  gboolean reads = opcode == CORO_RING_READ;
  gssize result = 0;
  gboolean made;

  if (!local_file_begin (self, error))
    return -1;
  made = coro_disk_transfer (opcode, &self->file, buffer, count, offset, &result, error);
  return local_file_end (self, made, result, reads ? "Error reading file" : "Error writing file", error) ? result : -1;
}

static gboolean
local_file_transfer_all (CoroLocalFile  *self,
                         CoroRingOpcode  opcode,
                         gpointer        buffer,
                         gsize           count,
                         goffset         offset,
                         gsize          *n_done,
                         GError        **error)
{
  gsize done = 0;
  gssize n = 0;

  while (n >= 0 && done < count)
    {
      n = local_file_transfer (self, opcode, (char *) buffer + done, count - done,
                               offset < 0 ? offset : offset + (goffset) done, error);
      done += (gsize) MAX (n, 0);
      if (n == 0 && opcode == CORO_RING_READ)
        break;
    }

  if (n_done != NULL)
    *n_done = done;
  return n >= 0;
}

/**
 * coro_local_file_read: (skip)
 * @self: a file
 * @buffer: where to
 * @count: how many bytes at the most
 * @offset: from where; -1: where the last call with -1 has ended
 * @error: return location for an error
 *
 * Reads some of a file: what can be had in one go, 256 KiB of what the
 * kernel has in memory for example.
 *
 * Callable from a coroutine, which it may suspend. Cancellation calls
 * off what is under way and waits until nobody writes to @buffer any more;
 * what was read by then is returned.
 *
 * @error can be set to %G_IO_ERROR codes and to the misuse errors of
 * [func@await].
 *
 * Returns: how many bytes; 0 at the end; -1 with @error set
 *
 * Since: 0.1
 */
gssize
coro_local_file_read (CoroLocalFile  *self,
                      gpointer        buffer,
                      gsize           count,
                      goffset         offset,
                      GError        **error)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), -1);
  g_return_val_if_fail (buffer != NULL || count == 0, -1);
  g_return_val_if_fail (offset >= -1, -1);

  return local_file_transfer (self, CORO_RING_READ, buffer, count, offset, error);
}

/**
 * coro_local_file_read_all: (skip)
 * @self: a file
 * @buffer: where to
 * @count: how many bytes
 * @offset: from where; -1: where the last call with -1 has ended
 * @n_read: (out) (optional): how many it were, less than @count at the end of the
 *   file or with @error set
 * @error: return location for an error
 *
 * Reads until there are enough or the file ends.
 *
 * Callable from a coroutine, which it may suspend. Cancellation: as for
 * [method@LocalFile.read].
 *
 * @error can be set to those of [method@LocalFile.read].
 *
 * Returns: %TRUE on success; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_local_file_read_all (CoroLocalFile  *self,
                          gpointer        buffer,
                          gsize           count,
                          goffset         offset,
                          gsize          *n_read,
                          GError        **error)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), FALSE);
  g_return_val_if_fail (buffer != NULL || count == 0, FALSE);
  g_return_val_if_fail (offset >= -1, FALSE);

  return local_file_transfer_all (self, CORO_RING_READ, buffer, count, offset, n_read, error);
}

static GBytes *
local_file_read_bytes (CoroLocalFile  *self,
                       gsize           count,
                       gint64          offset,
                       GError        **error)
{
  char *buffer = g_try_malloc (MAX (count, 1));
  gsize n_read = 0;

  if (buffer == NULL)
    {
      coro_disk_set_error (error, ENOMEM, "Error reading file", self->path);
      return NULL;
    }
  if (!coro_local_file_read_all (self, buffer, count, offset, &n_read, error))
    {
      g_free (buffer);
      return NULL;
    }
  return g_bytes_new_take (g_realloc (buffer, MAX (n_read, 1)), n_read);
}

CORO_DEFINE_SPAWN (BOXED, G_TYPE_BYTES, local_file_read_bytes, CORO_ARG_OBJECT (CoroLocalFile, self),
                   CORO_ARG_VALUE (gsize, count), CORO_ARG_VALUE (gint64, offset))

/**
 * coro_local_file_read_future: (rename-to coro_local_file_read)
 * @self: a file
 * @count: how many bytes
 * @offset: from where; -1: where the last call with -1 has ended
 *
 * Reads until there are enough bytes or the file ends; the value of the
 * future is what was read.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future for a [struct@GLib.Bytes]
 *
 * Since: 0.1
 */
CoroFuture *
coro_local_file_read_future (CoroLocalFile *self,
                             gsize          count,
                             goffset        offset)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), NULL);
  g_return_val_if_fail (offset >= -1, NULL);

  return CORO_FUTURE (local_file_read_bytes_task (NULL, self, count, offset));
}

/**
 * coro_local_file_write: (skip)
 * @self: a file
 * @buffer: what to write
 * @count: how many bytes
 * @offset: where to; -1: where the last call with -1 has ended
 * @error: return location for an error
 *
 * Writes some of @buffer, as much as goes in one go.
 *
 * Callable from a coroutine, which it may suspend. Cancellation calls
 * off what is under way and waits until nobody reads @buffer any more; what
 * was written by then is returned.
 *
 * A pipe that nobody reads any more raises SIGPIPE.
 *
 * @error can be set to %G_IO_ERROR codes and to the misuse errors of
 * [func@await].
 *
 * Returns: how many bytes; -1 with @error set
 *
 * Since: 0.1
 */
gssize
coro_local_file_write (CoroLocalFile  *self,
                       gconstpointer   buffer,
                       gsize           count,
                       goffset         offset,
                       GError        **error)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), -1);
  g_return_val_if_fail (buffer != NULL || count == 0, -1);
  g_return_val_if_fail (offset >= -1, -1);

  return local_file_transfer (self, CORO_RING_WRITE, (gpointer) buffer, count, offset, error);
}

/**
 * coro_local_file_write_all: (skip)
 * @self: a file
 * @buffer: what to write
 * @count: how many bytes
 * @offset: where to; -1: where the last call with -1 has ended
 * @n_written: (out) (optional): how many it were, less than @count with @error set
 * @error: return location for an error
 *
 * Writes everything.
 *
 * Callable from a coroutine, which it may suspend. Cancellation: as for
 * [method@LocalFile.write].
 *
 * @error can be set to those of [method@LocalFile.write].
 *
 * Returns: %TRUE on success; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_local_file_write_all (CoroLocalFile  *self,
                           gconstpointer   buffer,
                           gsize           count,
                           goffset         offset,
                           gsize          *n_written,
                           GError        **error)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), FALSE);
  g_return_val_if_fail (buffer != NULL || count == 0, FALSE);
  g_return_val_if_fail (offset >= -1, FALSE);

  return local_file_transfer_all (self, CORO_RING_WRITE, (gpointer) buffer, count, offset, n_written, error);
}

static gboolean
local_file_write_bytes (CoroLocalFile  *self,
                        GBytes         *bytes,
                        gint64          offset,
                        GError        **error)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  return coro_local_file_write_all (self, data, size, offset, NULL, error);
}

CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, local_file_write_bytes, CORO_ARG_OBJECT (CoroLocalFile, self),
                   CORO_ARG_BOXED (GBytes, bytes, g_bytes_ref, g_bytes_unref), CORO_ARG_VALUE (gint64, offset))

/**
 * coro_local_file_write_future: (rename-to coro_local_file_write)
 * @self: a file
 * @bytes: what to write
 * @offset: where to; -1: where the last call with -1 has ended
 *
 * Writes everything.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future for %TRUE
 *
 * Since: 0.1
 */
CoroFuture *
coro_local_file_write_future (CoroLocalFile *self,
                              GBytes        *bytes,
                              goffset        offset)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), NULL);
  g_return_val_if_fail (bytes != NULL, NULL);
  g_return_val_if_fail (offset >= -1, NULL);

  return CORO_FUTURE (local_file_write_bytes_task (NULL, self, bytes, offset));
}

/* --- the rest --------------------------------------------------------------------- */

typedef struct
{
  int fd;
  goffset size;
  int result;
} CoroTruncation;

static gpointer
truncate_cb (gpointer       user_data,
             GCancellable  *cancellable,
             GError       **error)
{
  CoroTruncation *call = user_data;

  call->result = ftruncate (call->fd, call->size) == 0 ? 0 : -errno;
  return user_data;
}

/**
 * coro_local_file_truncate: (skip)
 * @self: a file
 * @size: how many bytes
 * @error: return location for an error
 *
 * Makes a file shorter, or longer with zeros.
 *
 * Callable from a coroutine, which it suspends. Cancellation: as long as it
 * has not begun.
 *
 * @error can be set to %G_IO_ERROR codes and to the misuse errors of
 * [func@await].
 *
 * Returns: %TRUE on success; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_local_file_truncate (CoroLocalFile  *self,
                          goffset         size,
                          GError        **error)
{
  CoroTruncation call = { .size = size };
  gboolean made;

  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), FALSE);
  g_return_val_if_fail (size >= 0, FALSE);

  if (!local_file_begin (self, error))
    return FALSE;
  call.fd = self->file.fd;
  made = coro_disk_call (truncate_cb, &call, error);
  return local_file_end (self, made, call.result, "Error writing file", error);
}

/**
 * coro_local_file_sync: (skip)
 * @self: a file
 * @data_only: not the time of its last change, for example
 * @error: return location for an error
 *
 * Waits until everything that was written is on the disk.
 *
 * Callable from a coroutine, which it suspends. Cancellation: as long as it
 * has not begun.
 *
 * @error can be set to %G_IO_ERROR codes and to the misuse errors of
 * [func@await].
 *
 * Returns: %TRUE on success; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_local_file_sync (CoroLocalFile  *self,
                      gboolean        data_only,
                      GError        **error)
{
  int result = 0;
  gboolean made;

  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), FALSE);

  if (!local_file_begin (self, error))
    return FALSE;
  made = coro_disk_sync (self->file.fd, data_only, &result, error);
  return local_file_end (self, made, result, "Error writing file", error);
}

CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, coro_local_file_sync, CORO_ARG_OBJECT (CoroLocalFile, self),
                   CORO_ARG_VALUE (gboolean, data_only))

/**
 * coro_local_file_sync_future: (rename-to coro_local_file_sync)
 * @self: a file
 * @data_only: not the time of its last change, for example
 *
 * Waits until everything that was written is on the disk.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future for %TRUE
 *
 * Since: 0.1
 */
CoroFuture *
coro_local_file_sync_future (CoroLocalFile *self,
                             gboolean       data_only)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), NULL);

  return CORO_FUTURE (coro_local_file_sync_task (NULL, self, data_only));
}

/**
 * coro_local_file_close: (skip)
 * @self: a file
 * @error: return location for an error
 *
 * Closes the file, always, and says whether everything could be written.
 * That is no promise that it is on the disk: [method@LocalFile.sync] is.
 * Closing it twice is closing it once.
 *
 * Callable from a coroutine, which it suspends if the file was open for
 * writing or is not on a disk of this machine, where closing may have to
 * wait. Cancellation does not reach it.
 *
 * @error can be set to %G_IO_ERROR_PENDING, while another coroutine uses
 * the file: then it is not closed; to other %G_IO_ERROR codes, and to
 * the misuse errors of [func@await].
 *
 * Returns: %TRUE on success; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_local_file_close (CoroLocalFile  *self,
                       GError        **error)
{
  int result;

  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), FALSE);

  if (self->file.fd < 0)
    return TRUE;
  if (g_atomic_int_get (&self->n_busy) > 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PENDING, "File “%s” is in use", self->path);
      return FALSE;
    }
  if (coro_job_require (error) == NULL)
    return FALSE;

  g_object_ref (self);
  result = coro_disk_close (&self->file, self->writable);
  if (result < 0)
    coro_disk_set_error (error, result, "Error closing file", self->path);
  g_object_unref (self);
  return result >= 0;
}

CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, coro_local_file_close, CORO_ARG_OBJECT (CoroLocalFile, self))

/**
 * coro_local_file_close_future: (rename-to coro_local_file_close)
 * @self: a file
 *
 * Closes the file and says whether everything could be written.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future for %TRUE
 *
 * Since: 0.1
 */
CoroFuture *
coro_local_file_close_future (CoroLocalFile *self)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), NULL);

  return CORO_FUTURE (coro_local_file_close_task (NULL, self));
}
