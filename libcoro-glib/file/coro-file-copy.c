/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "file/coro-file.h"

#include "file/coro-file-backend-private.h"
#include "io/coro-operation.h"
#include "scheduler/coro-job-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scope/coro-closure.h"
#include "scope/coro-spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A file that is being copied, piece by piece: each is a call of a thread, in which the
 * kernel copies.  It knows no copying with io_uring. */
typedef struct
{
  GFile *source;
  GFile *target;
  const char *source_path;
  const char *target_path;
  GFileCopyFlags flags;
  char *temporary;              /* (nullable) (owned): what takes the target's place in the end */
  gboolean foreign;             /* GIO does it */
  gboolean irregular;           /* the target is a pipe, a device or a socket */
  int from;                     /* -1: not open */
  int to;                       /* -1: not open */
  mode_t mode;                  /* the source's permissions */
  gboolean made;                /* there is a file to be removed when it fails */
  goffset total;                /* as the file was when it was opened */
  goffset done;
  gboolean by_hand;             /* the kernel does not copy between these two */
  gboolean ended;
  int failure;                  /* an error number, or 0 */
  const char *failed;           /* the name of what failed */
} CoroFileCopy;

/* 2 to 10 ms from memory to memory: the way to the thread is 1 % of it, and so long
 * may a cancelled copy go on. */
#define PIECE (16 * 1024 * 1024)
#define BUFFER (256 * 1024)

static void
copy_fail (CoroFileCopy *self,
           const char   *name)
{
  self->failure = errno;
  self->failed = name;
}

static const char *
copy_get_destination (CoroFileCopy *self)
{
  return self->temporary != NULL ? self->temporary : self->target_path;
}

static gboolean
copy_open_source (CoroFileCopy *self)
{
  int no_follow = (self->flags & G_FILE_COPY_NOFOLLOW_SYMLINKS) != 0 ? O_NOFOLLOW : 0;
  struct stat info;

  self->from = coro_file_backend_open_fd (self->source_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | no_follow, 0);
  if (self->from == -ELOOP && no_follow != 0)
    {
      self->foreign = TRUE;
      return FALSE;
    }
  if (self->from < 0)
    errno = -self->from;
  if (self->from < 0 || fstat (self->from, &info) != 0)
    {
      copy_fail (self, self->source_path);
      return FALSE;
    }

  /* GIO has its own words for folders. */
  self->foreign = !S_ISREG (info.st_mode);
  self->total = info.st_size;
  self->mode = info.st_mode & 0777;
  return !self->foreign;
}

/* Whether the target may be replaced: a file that this process may write to, or a symbolic link,
 * which is replaced itself.  A pipe or a device is not opened, because opening can have effects. */
static gboolean
copy_may_replace (CoroFileCopy *self)
{
  struct stat info;
  int fd;

  if (lstat (self->target_path, &info) != 0)
    return errno == ENOENT;
  if (S_ISLNK (info.st_mode))
    return TRUE;
  if (!S_ISREG (info.st_mode))
    {
      self->irregular = !S_ISDIR (info.st_mode);
      errno = EISDIR;
      return FALSE;
    }

  fd = coro_file_backend_open_fd (self->target_path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0);
  if (fd >= 0)
    close (fd);
  else
    errno = -fd;
  return fd >= 0 || fd == -ENOENT;
}

static gboolean
copy_open_target (CoroFileCopy *self)
{
  int mode = (self->flags & G_FILE_COPY_TARGET_DEFAULT_PERMS) != 0 ? 0666 : 0600;

  if ((self->flags & G_FILE_COPY_OVERWRITE) == 0)
    {
      self->to = open (self->target_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    }
  else if (copy_may_replace (self))
    {
      g_autofree char *folder = g_path_get_dirname (self->target_path);

      self->temporary = g_build_filename (folder, ".coro-XXXXXX", NULL);
      self->to = g_mkstemp_full (self->temporary, O_WRONLY | O_CLOEXEC, mode);
    }

  self->made = self->to >= 0;
  if (!self->made)
    copy_fail (self, self->target_path);
  return self->made;
}

static gpointer
copy_begin_cb (gpointer       user_data,
               GCancellable  *cancellable,
               GError       **error)
{
  CoroFileCopy *self = user_data;

  if (!copy_open_source (self) || !copy_open_target (self))
    return user_data;

  /* Two files that share their blocks until one of them is changed. */
  if (self->total > 0 && ioctl (self->to, FICLONE, self->from) == 0)
    {
      self->done = self->total;
      self->ended = TRUE;
    }
  return user_data;
}

/* Where the next data are; holes stay holes. */
static gboolean
copy_find_data (CoroFileCopy *self,
                gsize        *size)
{
  goffset start = lseek (self->from, self->done, SEEK_DATA);
  goffset end;

  *size = PIECE;
  if (start < 0 && errno != ENXIO)
    return TRUE;                /* this file system does not tell */
  if (start < 0)
    {
      struct stat info;

      /* A hole up to the end, or the end. */
      self->ended = TRUE;
      if (fstat (self->from, &info) != 0 || info.st_size <= self->done)
        return FALSE;
      if (ftruncate (self->to, info.st_size) != 0)
        copy_fail (self, self->target_path);
      self->done = info.st_size;
      return FALSE;
    }

  self->done = start;
  end = lseek (self->from, start, SEEK_HOLE);
  if (end > start)
    *size = (gsize) MIN (end - start, PIECE);
  return TRUE;
}

static gssize
copy_by_hand (CoroFileCopy *self,
              gsize         size)
{
  g_autofree char *buffer = g_malloc (BUFFER);
  gssize n;

  do
    n = pread (self->from, buffer, MIN (size, BUFFER), self->done);
  while (n < 0 && errno == EINTR);

  for (gssize written = 0; written < n;)
    {
      gssize m = pwrite (self->to, buffer + written, (gsize) (n - written), self->done + written);

      if (m < 0 && errno == EINTR)
        continue;
      if (m < 0)
        {
          copy_fail (self, self->target_path);
          return -1;
        }
      written += m;
    }
  if (n < 0)
    copy_fail (self, self->source_path);
  return n;
}

static gssize
copy_some (CoroFileCopy *self,
           gsize         size)
{
  gssize n = -1;

  if (!self->by_hand)
    do
      {
        off_t in = self->done, out = self->done;

        n = copy_file_range (self->from, &in, self->to, &out, size, 0);
      }
    while (n < 0 && errno == EINTR);

  if (n > 0)
    return n;
  if (n < 0 && !self->by_hand && (errno == ENOSPC || errno == EIO || errno == EFBIG || errno == EDQUOT))
    {
      copy_fail (self, self->target_path);
      return -1;
    }

  /* From one file system to another, for example; or it says that there is nothing, as for
   * files below /proc, which only reading can tell from the end. */
  self->by_hand = self->by_hand || n < 0;
  return copy_by_hand (self, size);
}

static gpointer
copy_piece_cb (gpointer       user_data,
               GCancellable  *cancellable,
               GError       **error)
{
  CoroFileCopy *self = user_data;
  goffset stop = self->done + PIECE;
  gsize size;
  gssize n;

  while (!self->ended && self->done < stop)
    {
      if (!copy_find_data (self, &size))
        break;
      n = copy_some (self, size);
      if (n < 0)
        break;
      self->done += n;
      self->ended = n == 0;
    }
  return user_data;
}

static gpointer
copy_end_cb (gpointer       user_data,
             GCancellable  *cancellable,
             GError       **error)
{
  CoroFileCopy *self = user_data;
  g_autoptr (GFile) destination = g_file_new_for_path (copy_get_destination (self));
  int fd = self->to;

  /* As with GIO, what cannot be taken over is left. */
  if ((self->flags & G_FILE_COPY_TARGET_DEFAULT_PERMS) == 0)
    (void) !fchmod (fd, self->mode);
  g_file_copy_attributes (self->source, destination, self->flags, NULL, NULL);

  self->to = -1;
  if (close (fd) != 0)
    copy_fail (self, self->target_path);
  else if (self->temporary != NULL && rename (self->temporary, self->target_path) != 0)
    copy_fail (self, self->target_path);
  else
    self->made = FALSE;
  return user_data;
}

static gpointer
copy_clear_cb (gpointer       user_data,
               GCancellable  *cancellable,
               GError       **error)
{
  CoroFileCopy *self = user_data;

  if (self->to >= 0)
    close (self->to);
  if (self->from >= 0)
    close (self->from);
  if (self->made)
    unlink (copy_get_destination (self));
  return user_data;
}

/* --- in the coroutine ------------------------------------------------------------- */

typedef struct
{
  GFileProgressCallback progress;
  gpointer user_data;
  goffset done;
  goffset total;
} CoroFileProgress;

static void
progress_cb (gpointer data)
{
  CoroFileProgress *self = data;

  self->progress (self->done, self->total, self->user_data);
}

static void
copy_report (CoroFileCopy          *self,
             GFileProgressCallback  progress,
             gpointer               user_data)
{
  CoroFileProgress call = { progress, user_data, self->done, MAX (self->done, self->total) };

  if (progress != NULL && self->failure == 0)
    coro_call_on_thread_stack (progress_cb, &call);
}

static gboolean
copy_run (CoroFileCopy           *self,
          GFileProgressCallback   progress,
          gpointer                user_data,
          GError                **error)
{
  if (!coro_file_backend_call (copy_begin_cb, self, error))
    return FALSE;

  while (!self->foreign && self->failure == 0 && !self->ended)
    {
      if (!coro_file_backend_call (copy_piece_cb, self, error))
        return FALSE;
      if (!self->ended)
        copy_report (self, progress, user_data);
    }
  if (!self->foreign && self->failure == 0 && !coro_file_backend_call (copy_end_cb, self, error))
    return FALSE;

  if (self->irregular)
    {
      g_autofree char *shown = g_filename_display_name (self->target_path);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, "Error copying file “%s”: Not a regular file", shown);
      return FALSE;
    }
  if (self->failure != 0)
    {
      coro_file_backend_set_error (error, self->failure, "Error copying file", self->failed);
      return FALSE;
    }
  if (!self->foreign)
    copy_report (self, progress, user_data);
  return TRUE;
}

static gboolean
copy_local (CoroFileCopy           *self,
            GFileProgressCallback   progress,
            gpointer                user_data,
            GError                **error)
{
  gboolean ok;

  if (coro_job_require (error) == NULL)
    return FALSE;

  ok = copy_run (self, progress, user_data, error);
  if ((self->from >= 0 || self->to >= 0 || self->made) && !coro_file_backend_call_shielded (copy_clear_cb, self))
    copy_clear_cb (self, NULL, NULL);
  g_free (self->temporary);
  return ok;
}

static gboolean
is_local (GFile *file)
{
  return g_file_is_native (file) && g_file_peek_path (file) != NULL;
}

/**
 * coro_file_copy_to: (skip)
 * @source: a file
 * @target: where to
 * @flags: how
 * @progress: (nullable) (scope call): called now and then with how much is copied
 * @user_data: what to pass to it
 * @error: return location for an error
 *
 * Copies a file.
 *
 * The kernel copies local files: it lets both share their blocks
 * where the file system can, and keeps holes. Everything else,
 * %G_FILE_COPY_BACKUP and folders among it, is copied by GIO, with the same
 * flags and errors.
 *
 * When it fails or is cancelled there is no target, or the old one.
 *
 * Callable from a coroutine, which it suspends; @progress is called in its
 * thread and cannot suspend. Cancellation ends it between two pieces of
 * 16 MiB and is waited for.
 *
 * @error can be set to those of [method@Gio.File.copy] and to the misuse
 * errors of [func@await].
 *
 * Returns: %TRUE when it is copied; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_file_copy_to (GFile                  *source,
                   GFile                  *target,
                   GFileCopyFlags          flags,
                   GFileProgressCallback   progress,
                   gpointer                user_data,
                   GError                **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  g_return_val_if_fail (G_IS_FILE (source), FALSE);
  g_return_val_if_fail (G_IS_FILE (target), FALSE);

  if (is_local (source) && is_local (target) && (flags & G_FILE_COPY_BACKUP) == 0)
    {
      CoroFileCopy copy = {
        .source = source, .source_path = g_file_peek_path (source),
        .target = target, .target_path = g_file_peek_path (target),
        .flags = flags, .from = -1, .to = -1
      };

      if (!copy_local (&copy, progress, user_data, error))
        return FALSE;
      if (!copy.foreign)
        return TRUE;
    }

  g_file_copy_async (source, target, flags, G_PRIORITY_DEFAULT, coro_operation_begin (&op), progress, user_data,
                     coro_operation_ready, &op);
  return g_file_copy_finish (source, coro_operation_await (&op), error);
}

static gboolean
copy_to (GFile           *source,
         GFile           *target,
         GFileCopyFlags   flags,
         GError         **error)
{
  return coro_file_copy_to (source, target, flags, NULL, NULL, error);
}

CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, copy_to, CORO_ARG_OBJECT (GFile, source), CORO_ARG_OBJECT (GFile, target),
                   CORO_ARG_VALUE (GFileCopyFlags, flags))

/**
 * coro_file_copy_to_future: (rename-to coro_file_copy_to)
 * @source: a file
 * @target: where to
 * @flags: how
 *
 * Copies a file. When that fails or is cancelled there is no target, or the
 * old one.
 *
 * Cancelling the future cancels the copying.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future for %TRUE
 *
 * Since: 0.1
 */
CoroFuture *
coro_file_copy_to_future (GFile          *source,
                          GFile          *target,
                          GFileCopyFlags  flags)
{
  g_return_val_if_fail (G_IS_FILE (source), NULL);
  g_return_val_if_fail (G_IS_FILE (target), NULL);

  return CORO_FUTURE (copy_to_task (NULL, source, target, flags));
}
