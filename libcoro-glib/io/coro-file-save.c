/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-file.h"

#include "future/coro-sleep.h"
#include "io/coro-disk-private.h"
#include "io/coro-operation.h"
#include "scheduler/coro-job-private.h"
#include "scope/coro-closure.h"
#include "scope/coro-spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A file that is being saved: one call of a thread.  io_uring has a thread of the kernel's
 * do each single step of it, which takes six ways there and back. */
typedef struct
{
  const char *path;
  GBytes *bytes;
  CoroFileSaveFlags flags;
  gboolean ended;               /* well or not, but not because it was cancelled */
  gboolean stream;              /* it is a pipe or a device: to be written to, not replaced */
  int failure;                  /* an error number, or 0 */
} CoroFileSave;

/* Bytes that are written between two looks at whether it is cancelled. */
#define PIECE (1024 * 1024)

/* What is replaced passes on who may do what with it, but nobody else's rights. */
static void
take_rights (int                fd,
             const struct stat *old)
{
  mode_t mode = old->st_mode & 07777;

  if (fchown (fd, old->st_uid, old->st_gid) != 0)
    mode &= 0777;
  (void) !fchmod (fd, mode);
}

/* These return an error number, or 0. */

static int
write_pieces (int            fd,
              const guint8  *data,
              gsize          size,
              GCancellable  *cancellable)
{
  while (size > 0)
    {
      gssize n = write (fd, data, MIN (size, PIECE));

      if (n < 0 && errno != EINTR)
        return errno;
      if (g_cancellable_is_cancelled (cancellable))
        return ECANCELED;
      data += MAX (n, 0);
      size -= (gsize) MAX (n, 0);
    }
  return 0;
}

static int
sync_folder (const char *folder)
{
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int failure = fd >= 0 && fsync (fd) == 0 ? 0 : errno;

  if (fd >= 0)
    close (fd);
  return failure;
}

static int
write_temporary (CoroFileSave      *self,
                 int                fd,
                 const struct stat *old,
                 GCancellable      *cancellable)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (self->bytes, &size);
  int failure;

  if (old != NULL)
    take_rights (fd, old);
  failure = write_pieces (fd, data, size, cancellable);
  if (failure == 0 && (self->flags & CORO_FILE_SAVE_DURABLE) != 0 && fsync (fd) != 0)
    failure = errno;
  if (close (fd) != 0 && failure == 0)
    failure = errno;
  return failure;
}

/* Writes to a file of another name, which then takes the place of the old one: at any time
 * the name has all of the old contents or all of the new. */
static int
save_replace (CoroFileSave      *self,
              const char        *path,
              const struct stat *old,
              GCancellable      *cancellable)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *temporary = g_build_filename (folder, ".coro-XXXXXX", NULL);
  mode_t mode = (self->flags & CORO_FILE_SAVE_PRIVATE) != 0 || old != NULL ? 0600 : 0666;
  int fd = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, (int) mode);
  int failure;

  if (fd < 0)
    return errno;

  failure = write_temporary (self, fd, old, cancellable);
  if (failure == 0 && rename (temporary, path) != 0)
    failure = errno;
  if (failure != 0)
    unlink (temporary);
  else if ((self->flags & CORO_FILE_SAVE_DURABLE) != 0)
    failure = sync_folder (folder);
  return failure;
}

static gpointer
save_cb (gpointer       user_data,
         GCancellable  *cancellable,
         GError       **error)
{
  CoroFileSave *self = user_data;
  char *target = realpath (self->path, NULL);   /* a link stays what it is */
  struct stat old;
  gboolean exists = target != NULL && stat (target, &old) == 0;

  self->failure = 0;
  self->stream = exists && !S_ISREG (old.st_mode) && !S_ISDIR (old.st_mode);
  if (exists && S_ISDIR (old.st_mode))
    self->failure = EISDIR;
  else if (!self->stream)
    self->failure = save_replace (self, exists ? target : self->path, exists ? &old : NULL, cancellable);
  self->ended = self->failure != ECANCELED;
  free (target);
  return user_data;
}

static gboolean
save_run (CoroFileSave  *self,
          GError       **error)
{
  do
    {
      if (!coro_check_cancelled (error) || !coro_disk_call (save_cb, self, error))
        return FALSE;
    }
  while (!self->ended);

  if (self->failure == 0)
    return TRUE;
  coro_disk_set_error (error, self->failure, "Error writing file", self->path);
  return FALSE;
}

/* Writes everything to a pipe or device, piece by piece as it takes them. */
static gboolean
save_to_stream (CoroFileSave  *self,
                GError       **error)
{
  CoroDiskFile file;
  gsize size;
  const guint8 *data = g_bytes_get_data (self->bytes, &size);
  gboolean ok = TRUE;
  gssize n = 0;

  if (!coro_disk_open (self->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0, &file, error))
    return FALSE;
  if (file.fd < 0)
    {
      coro_disk_set_error (error, file.fd, "Error opening file", self->path);
      return FALSE;
    }

  file.stream = TRUE;
  while (ok && n >= 0 && size > 0)
    {
      ok = coro_disk_transfer (CORO_RING_WRITE, &file, (gpointer) data, size, -1, &n, error);
      if (ok && n > 0)
        {
          data += n;
          size -= (gsize) n;
        }
    }
  coro_disk_close (&file, FALSE);

  if (ok && n < 0)
    coro_disk_set_error (error, (int) n, "Error writing file", self->path);
  return ok && n >= 0;
}

static gboolean
save_local (const char         *path,
            GBytes             *bytes,
            CoroFileSaveFlags   flags,
            GError            **error)
{
  CoroFileSave save = { path, bytes, flags, FALSE, FALSE, 0 };

  if (coro_job_require (error) == NULL || !save_run (&save, error))
    return FALSE;
  return !save.stream || save_to_stream (&save, error);
}

/**
 * coro_file_save_bytes: (skip)
 * @file: a file
 * @bytes: what it is to contain
 * @flags: how
 * @error: return location for an error
 *
 * Saves a whole file, which is made if there is none.
 *
 * Who reads the file meanwhile sees all of the old contents or all of the
 * new; the same is left when it fails, is cancelled, or the program crashes.
 * After a crash of the machine that needs %CORO_FILE_SAVE_DURABLE, which
 * waits for the disk.
 *
 * The file keeps its permissions, and its owner where the program may set
 * that. A symbolic link stays one, a hard link does not. What goes to
 * a pipe or a device is written there. A file that is not local is replaced
 * by GIO.
 *
 * Callable from a coroutine, which it suspends. Cancellation ends it between
 * two pieces of the file and is waited for.
 *
 * @error can be set to those of [method@Gio.File.replace_contents_bytes_async]
 * and to the misuse errors of [func@await].
 *
 * Returns: %TRUE when it is saved; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_file_save_bytes (GFile              *file,
                      GBytes             *bytes,
                      CoroFileSaveFlags   flags,
                      GError            **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  GFileCreateFlags create = (flags & CORO_FILE_SAVE_PRIVATE) != 0 ? G_FILE_CREATE_PRIVATE : G_FILE_CREATE_NONE;

  g_return_val_if_fail (G_IS_FILE (file), FALSE);
  g_return_val_if_fail (bytes != NULL, FALSE);

  if (g_file_is_native (file) && g_file_peek_path (file) != NULL)
    return save_local (g_file_peek_path (file), bytes, flags, error);
  CORO_CALL (&op, g_file_replace_contents_bytes_async, file, bytes, NULL, FALSE, create);
  return g_file_replace_contents_finish (file, op.result, NULL, error);
}

static gboolean
save_bytes (GFile              *file,
            GBytes             *bytes,
            CoroFileSaveFlags   flags,
            GError            **error)
{
  return coro_file_save_bytes (file, bytes, flags, error);
}

CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, save_bytes, CORO_ARG_OBJECT (GFile, file),
                   CORO_ARG_BOXED (GBytes, bytes, g_bytes_ref, g_bytes_unref),
                   CORO_ARG_VALUE (CoroFileSaveFlags, flags))

/**
 * coro_file_save_bytes_future: (rename-to coro_file_save_bytes)
 * @file: a file
 * @bytes: what it is to contain
 * @flags: how
 *
 * Saves a whole file, which is made if there is none: at any time it has all
 * of the old contents or all of the new.
 *
 * Cancelling the future cancels the saving.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future for %TRUE
 *
 * Since: 0.1
 */
CoroFuture *
coro_file_save_bytes_future (GFile             *file,
                             GBytes            *bytes,
                             CoroFileSaveFlags  flags)
{
  g_return_val_if_fail (G_IS_FILE (file), NULL);
  g_return_val_if_fail (bytes != NULL, NULL);

  return CORO_FUTURE (save_bytes_task (NULL, file, bytes, flags));
}
