/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "file/coro-local-file-private.h"

#include "scheduler/coro-job-private.h"

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
gboolean
coro_local_file_begin (CoroLocalFile  *self,
                       GError        **error)
{
  if (coro_job_require (error) == NULL || !local_file_check_open (self, error))
    return FALSE;

  g_object_ref (self);
  g_atomic_int_inc (&self->n_busy);
  return TRUE;
}

gboolean
coro_local_file_end (CoroLocalFile  *self,
                     gboolean        made,
                     gssize          result,
                     const char     *what,
                     GError        **error)
{
  g_atomic_int_add (&self->n_busy, -1);
  if (made && result < 0)
    coro_file_backend_set_error (error, (int) result, what, self->path);
  g_object_unref (self);
  return made && result >= 0;
}

/* --- opening ---------------------------------------------------------------------- */

static int
get_open_flags (CoroLocalFileFlags flags)
{
  /* A pipe without another end must not block us. */
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

  if (!coro_file_backend_open (self->path, get_open_flags (flags), mode, &self->file, error))
    return FALSE;

  result = coro_file_backend_examine (&self->file, &info);
  if (result < 0)
    {
      coro_file_backend_set_error (error, result, "Error opening file", self->path);
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
  result = coro_file_backend_stat (self->file.fd, &stat_info);
  if (result < 0)
    {
      coro_file_backend_set_error (error, result, "Error looking at file", self->path);
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

/* --- closing ---------------------------------------------------------------------- */

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
  result = coro_file_backend_close (&self->file, self->writable);
  if (result < 0)
    coro_file_backend_set_error (error, result, "Error closing file", self->path);
  g_object_unref (self);
  return result >= 0;
}
