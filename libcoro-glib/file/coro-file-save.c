/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "file/coro-file.h"

#include "future/coro-sleep.h"
#include "file/coro-file-backend-private.h"
#include "io/coro-operation.h"
#include "file/coro-rights-private.h"
#include "base/coro-errno-private.h"
#include "scheduler/coro-job-private.h"
#include "scope/coro-closure.h"
#include "scope/coro-spawn.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

/* A file that is being saved: one call of a thread.  io_uring has a thread of the kernel's
 * do each single step of it, which takes six ways there and back. */
typedef struct
{
  const char *path;
  GBytes *bytes;
  CoroFileSaveFlags flags;
  gboolean cancelled;           /* the thread has stopped for that; a file system may say ECANCELED, too */
  int stream;                   /* a pipe or a device, open: to be written to, not replaced; or -1 */
  int failure;                  /* an error number, or 0 */
} CoroFileSave;

/* Bytes that are written between two looks at whether it is cancelled. */
#define PIECE (1024 * 1024)
/* How often a file may come while a new one is made, and be gone when that is tried again. */
#define MAX_TRIES 100
/* The number of links that the kernel follows. */
#define MAX_LINKS 40
/* A pipe without a reader must not block; a terminal must not become the controlling terminal. */
#define OPEN_FLAGS (O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
/* The old file cannot be replaced and has to be overwritten. */
#define CANNOT_REPLACE (-1)

/* Most of these return an error number, or 0. */

/* Whether the save has to stop here. */
static gboolean
is_cancelled (CoroFileSave *self,
              GCancellable *cancellable)
{
  self->cancelled = g_cancellable_is_cancelled (cancellable);
  return self->cancelled;
}

static int
write_contents (CoroFileSave *self,
                int           fd,
                GCancellable *cancellable)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (self->bytes, &size);

  while (size > 0)
    {
      gssize n = write (fd, data, MIN (size, PIECE));

      if (n < 0 && errno != EINTR)
        return errno;
      if (is_cancelled (self, cancellable))
        return ECANCELED;
      data += MAX (n, 0);
      size -= (gsize) MAX (n, 0);
    }
  return 0;
}

static int
sync_file (CoroFileSave *self,
           int           fd)
{
  return (self->flags & CORO_FILE_SAVE_DURABLE) == 0 || fsync (fd) == 0 ? 0 : errno;
}

/* What puts a new name on the disk.  It is opened before the name is given: a save that fails must
 * leave the old file. */
typedef struct
{
  int fd;                       /* or -1: nothing has to be put there */
  int (* sync) (int fd);
} CoroNameSync;

/* A folder that may be written to but not read cannot be opened for fsync(); then all of the file
 * system is written. */
static int
name_sync_open (CoroNameSync *self,
                CoroFileSave *save,
                const char   *folder,
                int           file)
{
  *self = (CoroNameSync) { -1, fsync };
  if ((save->flags & CORO_FILE_SAVE_DURABLE) == 0)
    return 0;

  self->fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->fd < 0 && errno == EACCES)
    {
      self->sync = syncfs;
      self->fd = fcntl (file, F_DUPFD_CLOEXEC, 0);
    }
  return self->fd >= 0 ? 0 : errno;
}

/* Some file systems know no fsync() for a folder. */
static int
name_sync_run (CoroNameSync *self)
{
  int result;

  if (self->fd < 0)
    return 0;

  do
    result = self->sync (self->fd);
  while (result != 0 && errno == EINTR);
  return result == 0 || coro_errno_is_refusal (errno) ? 0 : errno;
}

static void
name_sync_close (CoroNameSync *self)
{
  if (self->fd >= 0)
    close (self->fd);
}

/* --- by another file that takes its place ----------------------------------------- */

static int
write_temporary (CoroFileSave *self,
                 int           fd,
                 int           old,
                 GCancellable *cancellable)
{
  int failure = 0;

  if (old >= 0 && !coro_rights_take_over (fd, old))
    failure = CANNOT_REPLACE;
  if (failure == 0)
    failure = write_contents (self, fd, cancellable);
  if (failure == 0)
    failure = sync_file (self, fd);
  if (close (fd) != 0 && failure == 0)
    failure = errno;
  return failure;
}

/* A new file cannot be made in this folder, or cannot take this name: the folder belongs to another
 * user, is read-only or belongs to the kernel (/proc, /sys), or the old file is a mount point. */
static gboolean
is_about_the_folder (int code)
{
  return !coro_errno_is_lack (code) && code != EIO;
}

static gboolean
is_about_the_name (int code)
{
  return code == EPERM || code == EACCES || code == EBUSY || code == EXDEV;
}

/* A file that was put there meanwhile (EEXIST) would lose its permissions with its contents.  Not every
 * file system can tell. */
static int
take_name (const char *temporary,
           const char *path,
           gboolean    is_new)
{
  if (is_new && renameat2 (AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
    return 0;
  if (is_new && !coro_errno_is_refusal (errno))
    return errno;
  return rename (temporary, path) == 0 ? 0 : errno;
}

/* Writes to a file of another name, which then takes the place of the old one: at any time
 * the name has all of the old contents or all of the new. */
static int
save_replace (CoroFileSave *self,
              const char   *path,
              int           old,
              GCancellable *cancellable)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *temporary = g_build_filename (folder, ".coro-XXXXXX", NULL);
  gboolean is_private = (self->flags & CORO_FILE_SAVE_PRIVATE) != 0;
  CoroNameSync name_sync;
  int fd = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, is_private || old >= 0 ? 0600 : 0666);
  int failure;

  if (fd < 0)
    return old >= 0 && is_about_the_folder (errno) ? CANNOT_REPLACE : errno;

  failure = name_sync_open (&name_sync, self, folder, fd);
  if (failure == 0)
    failure = write_temporary (self, fd, old, cancellable);
  else
    close (fd);
  if (failure == 0)
    {
      failure = take_name (temporary, path, old < 0);
      if (old >= 0 && is_about_the_name (failure))
        failure = CANNOT_REPLACE;
    }
  if (failure != 0)
    unlink (temporary);
  else
    failure = name_sync_run (&name_sync);
  name_sync_close (&name_sync);
  return failure;
}

/* --- in place --------------------------------------------------------------------- */

/* Reserves room for the new contents before any of the old contents is overwritten, also where the
 * old file has holes.  Copy-on-write file systems may need more room all the same. */
static int
reserve_room (int                fd,
              const struct stat *old,
              gsize              size)
{
  int failure;

  if (size == 0 || fallocate (fd, FALLOC_FL_KEEP_SIZE, 0, (off_t) size) == 0)
    return 0;
  failure = errno;
  if (failure != ENOSPC && failure != EDQUOT && failure != EFBIG)
    return 0;                   /* this file system does not reserve */
  (void) !ftruncate (fd, old->st_size);
  return failure;
}

/* Overwrites the old file and ignores cancellation, which would leave a mix of old and new. */
static int
save_in_place (CoroFileSave      *self,
               int                fd,
               const struct stat *old,
               GCancellable      *cancellable)
{
  gsize size = g_bytes_get_size (self->bytes);
  int failure = is_cancelled (self, cancellable) ? ECANCELED : reserve_room (fd, old, size);

  if (failure == 0)
    failure = write_contents (self, fd, NULL);
  if (failure == 0 && (gsize) old->st_size > size && ftruncate (fd, (off_t) size) != 0)
    failure = errno;
  return failure != 0 ? failure : sync_file (self, fd);
}

/* --- which of them ---------------------------------------------------------------- */

/* A link below /proc stands for an open file, as /dev/stdout does.  Such a file is not replaced,
 * because the owner of the descriptor would go on with the old file. */
static gboolean
is_open_file (const char *folder)
{
  struct statfs info;

  return statfs (folder, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

/* The name at the end of a chain of links.  The kernel has followed this chain just before, so links
 * that this process may not follow, links of other users in /tmp say, have failed there.
 *
 * Returns: (nullable): NULL where there is none */
static char *
follow_links (const char *path)
{
  g_autofree char *name = g_strdup (path);

  for (int i = 0; i <= MAX_LINKS; i++)
    {
      g_autofree char *target = g_file_read_link (name, NULL);
      g_autofree char *folder = NULL;

      if (target == NULL)
        return g_steal_pointer (&name);

      folder = g_path_get_dirname (name);
      if (is_open_file (folder))
        return NULL;
      g_free (name);
      name = g_path_is_absolute (target) ? g_steal_pointer (&target) : g_build_filename (folder, target, NULL);
    }
  return NULL;
}

/* The name under which the old file can be replaced, or a new file made. */
static char *
get_name (const char        *path,
          gboolean           is_link,
          const struct stat *old)
{
  g_autofree char *name = is_link ? follow_links (path) : g_strdup (path);
  struct stat info;

  /* A file that was deleted while open, or that was put there meanwhile, must not be replaced. */
  if (name != NULL && is_link && old != NULL &&
      (lstat (name, &info) != 0 || info.st_dev != old->st_dev || info.st_ino != old->st_ino))
    return NULL;
  return g_steal_pointer (&name);
}

static int
save_new (CoroFileSave *self,
          gboolean      is_link,
          GCancellable *cancellable)
{
  g_autofree char *name = get_name (self->path, is_link, NULL);

  return name != NULL ? save_replace (self, name, -1, cancellable) : ENOENT;
}

static int
save_old (CoroFileSave      *self,
          int                fd,
          gboolean           is_link,
          const struct stat *old,
          GCancellable      *cancellable)
{
  g_autofree char *name = get_name (self->path, is_link, old);
  int failure = name != NULL ? save_replace (self, name, fd, cancellable) : CANNOT_REPLACE;

  return failure == CANNOT_REPLACE ? save_in_place (self, fd, old, cancellable) : failure;
}

/* In a folder that all users share, /tmp say, the kernel refuses to open the links, files and pipes
 * of other users with O_CREAT (fs.protected_…).  So the old file is opened with O_CREAT, too. */
static int
check_making (const char *path,
              int         no_follow)
{
  int fd = coro_file_backend_open_fd (path, OPEN_FLAGS | O_CREAT | no_follow, 0600);

  if (fd < 0)
    return -fd;
  close (fd);
  return 0;
}

static gboolean
is_of_others (const struct stat *info)
{
  return info->st_uid != geteuid () && (S_ISREG (info->st_mode) || S_ISFIFO (info->st_mode));
}

/* Opens the old file for writing, if only to check that the kernel allows it.  Returns a descriptor
 * or -errno. */
static int
open_old (CoroFileSave *self,
          gboolean     *is_link)
{
  int fd = coro_file_backend_open_fd (self->path, OPEN_FLAGS | O_NOFOLLOW, 0);

  *is_link = fd == -ELOOP;
  if (!*is_link)
    return fd;
  if (check_making (self->path, O_NOFOLLOW) == EACCES)
    return -EACCES;
  return coro_file_backend_open_fd (self->path, OPEN_FLAGS, 0);
}

static int
save_run (CoroFileSave *self,
          GCancellable *cancellable)
{
  gboolean is_link;
  int fd = open_old (self, &is_link);
  struct stat old;
  int failure;

  if (fd == -ENOENT)
    return save_new (self, is_link, cancellable);
  if (fd < 0)
    return -fd;

  failure = fstat (fd, &old) != 0 ? errno : 0;
  if (failure == 0 && is_of_others (&old))
    failure = check_making (self->path, 0);

  if (failure != 0)
    {
      close (fd);
      return failure;
    }
  if (!S_ISREG (old.st_mode))
    {
      self->stream = fd;
      return 0;
    }

  failure = save_old (self, fd, is_link, &old, cancellable);
  /* It tells of what was written to it, but has nothing to say if it was replaced. */
  return close (fd) == 0 || errno == EINTR || failure != 0 ? failure : errno;
}

static gpointer
save_cb (gpointer       user_data,
         GCancellable  *cancellable,
         GError       **error)
{
  CoroFileSave *self = user_data;

  self->cancelled = FALSE;
  for (int i = 0; i < MAX_TRIES; i++)
    {
      self->failure = save_run (self, cancellable);
      if (self->failure != EEXIST)
        break;
    }
  return user_data;
}

/* --- in the coroutine ------------------------------------------------------------- */

static gboolean
save_file (CoroFileSave  *self,
           GError       **error)
{
  do
    {
      if (!coro_check_cancelled (error) || !coro_file_backend_call (save_cb, self, error))
        return FALSE;
    }
  while (self->cancelled);

  if (self->failure == 0)
    return TRUE;
  coro_file_backend_set_error (error, self->failure, "Error writing file", self->path);
  return FALSE;
}

/* Writes everything to a pipe or device, piece by piece as it takes them. */
static gboolean
save_to_stream (CoroFileSave  *self,
                GError       **error)
{
  CoroBackendFile file = { .fd = self->stream, .stream = TRUE };
  gsize size;
  const guint8 *data = g_bytes_get_data (self->bytes, &size);
  gboolean ok = TRUE;
  gssize n = 0;

  while (ok && n >= 0 && size > 0)
    {
      ok = coro_file_backend_transfer (CORO_FILE_OP_WRITE, &file, (gpointer) data, size, -1, &n, error);
      if (ok && n > 0)
        {
          data += n;
          size -= (gsize) n;
        }
    }
  coro_file_backend_close (&file, FALSE);

  if (ok && n < 0)
    coro_file_backend_set_error (error, (int) n, "Error writing file", self->path);
  return ok && n >= 0;
}

static gboolean
save_local (const char         *path,
            GBytes             *bytes,
            CoroFileSaveFlags   flags,
            GError            **error)
{
  CoroFileSave save = { .path = path, .bytes = bytes, .flags = flags, .stream = -1 };

  if (coro_job_require (error) == NULL || !save_file (&save, error))
    return FALSE;
  return save.stream < 0 || save_to_stream (&save, error);
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
 * Other programs read all of the old contents or all of the new contents, even
 * if saving fails, is cancelled, or the program crashes. To survive a crash of the
 * machine in this way, pass %CORO_FILE_SAVE_DURABLE, which waits for the disk. A call
 * that fails has left the old contents, unless the disk itself fails in the last step,
 * in which the new name is put there.
 *
 * A new file takes the place of the old file, with its permissions, owner, group,
 * access control list and extended attributes. If the new file cannot have these,
 * or the folder does not allow a replacement, the old file is overwritten, provided
 * there is room for the new contents, which copy-on-write file systems cannot
 * promise. Then a reader, a crash or a disk error can
 * meet a mix of old and new contents. An open file, `/dev/stdout` or `/dev/fd/3`,
 * is always overwritten.
 *
 * If the program may not write to the file, the call fails with
 * %G_IO_ERROR_PERMISSION_DENIED and the file stays as it is. A symbolic link stays
 * a link, even if its target does not exist yet. A file with several hard links is
 * separated from its other names. A pipe or a device is written to. A file that is
 * not local is replaced by GIO.
 *
 * Callable from a coroutine, which it suspends. Cancellation stops the save
 * between two pieces of the file, and the call waits for this; overwriting a file
 * is not stopped.
 *
 * @error can be set to the errors of [method@Gio.File.replace_contents_bytes_async]
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
