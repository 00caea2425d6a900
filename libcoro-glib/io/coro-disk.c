/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-disk-private.h"

#include "io/coro-fd.h"
#include "io/coro-folders-private.h"
#include "io/coro-ring-private.h"
#include "io/coro-sigpipe-private.h"
#include "scheduler/coro-errno-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"
#include "scope/coro-shield.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND
# include <valgrind/valgrind.h>
#else
# define RUNNING_ON_VALGRIND 0
#endif

/* How system calls for files are made without blocking: at once where the kernel can
 * answer from memory; else by io_uring, or by a thread of the pool where that is forbidden
 * or missing. */

typedef enum
{
  DISK_POOL = 1 << 0,           /* no io_uring */
  DISK_UNCACHED = 1 << 1        /* nothing at once: tests want to see the rest */
} CoroDiskFlags;

static const GDebugKey disk_keys[] = {
  { "pool", DISK_POOL },
  { "uncached", DISK_UNCACHED }
};

typedef struct
{
  CoroDiskFlags flags;
  CoroRing *ring;               /* (nullable) (owned) */
  gboolean no_ring;             /* there will be none */
  CoroFolders folders;
} CoroDisk;

/* Of the process: what its kernel, or a filter for system calls, does not let it do. */
static int no_openat2;          /* (atomic) */
static int no_ring;             /* (atomic) */

/* --- one for each scheduler ------------------------------------------------------- */

static void
disk_free (gpointer data)
{
  CoroDisk *self = data;

  g_clear_pointer (&self->ring, coro_ring_free);
  coro_folders_clear (&self->folders);
  g_free (self);
}

static CoroDisk *
disk_new (void)
{
  CoroDisk *self = g_new0 (CoroDisk, 1);

  self->flags = g_parse_debug_string (g_getenv ("CORO_FILE_BACKEND"), disk_keys, G_N_ELEMENTS (disk_keys));
  /* Valgrind does not see what the kernel writes through a ring. */
  self->no_ring = (self->flags & DISK_POOL) != 0 || RUNNING_ON_VALGRIND;
  return self;
}

/* NULL outside of a coroutine. */
static CoroDisk *
disk_get (void)
{
  CoroScheduler *scheduler = coro_scheduler_current;

  if (G_UNLIKELY (scheduler == NULL))
    return NULL;
  if (G_UNLIKELY (scheduler->disk == NULL))
    {
      scheduler->disk = disk_new ();
      scheduler->disk_free = disk_free;
    }
  return scheduler->disk;
}

/* A lack of descriptors or memory may pass; a prohibition does not. */
static CoroRing *
disk_get_ring (CoroDisk *self)
{
  int error_number = 0;

  if (self->ring != NULL && G_UNLIKELY (coro_ring_is_broken (self->ring)))
    return NULL;
  if (self->ring != NULL || self->no_ring || g_atomic_int_get (&no_ring))
    return self->ring;

  self->ring = coro_ring_new (coro_scheduler_current, &error_number);
  if (self->ring == NULL && !coro_errno_is_lack (error_number))
    g_atomic_int_set (&no_ring, TRUE);
  return self->ring;
}

/* Notes what kind of file system the folder of `path` is on. */
void
coro_disk_learn (const char *path,
                 gboolean    local)
{
  coro_folders_learn (&disk_get ()->folders, path, local);
}

/* --- at once ---------------------------------------------------------------------- */

static int
open_cached (const char *path,
             int         flags,
             guint64     resolve)
{
  struct open_how how = { .flags = (guint64) (unsigned) flags, .resolve = resolve | RESOLVE_CACHED };
  int fd = (int) syscall (SYS_openat2, AT_FDCWD, path, &how, sizeof how);

  if (G_LIKELY (fd >= 0))
    return fd;
  if (errno == ENOSYS || errno == EINVAL)
    {
      g_atomic_int_set (&no_openat2, TRUE);
      return -EAGAIN;
    }
  return coro_errno_is_refusal (errno) || errno == EINTR ? -EAGAIN : -errno;
}

/* A path that crosses no mount from the root on is on the root's file system, and no
 * other program can be asked for it.  Elsewhere it is known by folder: holding on to a
 * descriptor of each mount instead would keep them from being unmounted. */
CoroDiskFile
coro_disk_try_open (const char *path,
                    int         flags)
{
  CoroDisk *disk = disk_get ();
  int fd = -EXDEV;

  if (disk == NULL || (disk->flags & DISK_UNCACHED) != 0 || g_atomic_int_get (&no_openat2) || path[0] != '/')
    return (CoroDiskFile) { .fd = -EAGAIN };

  if (coro_folders_root_is_local ())
    fd = open_cached (path, flags, RESOLVE_NO_XDEV);
  if (fd == -EXDEV)
    fd = coro_folders_get_kind (&disk->folders, path) == CORO_FOLDER_LOCAL ? open_cached (path, flags, 0) : -EAGAIN;
  return (CoroDiskFile) { .fd = fd, .local = fd >= 0 };
}

static gssize
nowait_result (gssize n)
{
  if (n >= 0)
    return n;
  return coro_errno_is_refusal (errno) || errno == EINTR ? -EAGAIN : -errno;
}

static gssize
write_nowait (int                 fd,
              const struct iovec *vector,
              goffset             offset)
{
  CoroSigpipe sigpipe;
  gssize result;

  if (offset != -1)
    return pwritev2 (fd, vector, 1, offset, RWF_NOWAIT);

  coro_sigpipe_hold (&sigpipe);
  result = pwritev2 (fd, vector, 1, offset, RWF_NOWAIT);
  coro_sigpipe_release (&sigpipe);
  return result;
}

static gssize
disk_try_transfer (CoroDisk       *self,
                   CoroRingOpcode  opcode,
                   int             fd,
                   gpointer        buffer,
                   gsize           count,
                   goffset         offset)
{
  struct iovec vector = { buffer, MIN (count, CORO_DISK_MAX_COPY) };

  if (self == NULL || (self->flags & DISK_UNCACHED) != 0 || count >= CORO_DISK_LARGE)
    return -EAGAIN;
  return nowait_result (opcode == CORO_RING_READ ? preadv2 (fd, &vector, 1, offset, RWF_NOWAIT)
                                                 : write_nowait (fd, &vector, offset));
}

gssize
coro_disk_try_read (int      fd,
                    gpointer buffer,
                    gsize    count,
                    goffset  offset)
{
  return disk_try_transfer (disk_get (), CORO_RING_READ, fd, buffer, count, offset);
}

/* Mode, size and time of the last change. */
int
coro_disk_stat (int           fd,
                struct statx *info)
{
  struct stat old;

  if (statx (fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, info) == 0)
    return 0;

  /* Old kernels, and filters for system calls, do not know it. */
  if (fstat (fd, &old) != 0)
    return -errno;
  *info = (struct statx) {
    .stx_mode = (guint16) old.st_mode,
    .stx_size = (guint64) old.st_size,
    .stx_mtime = { .tv_sec = old.st_mtim.tv_sec, .tv_nsec = (guint32) old.st_mtim.tv_nsec }
  };
  return 0;
}

/* The same of a file that was just opened, or what the opening said. */
int
coro_disk_examine (CoroDiskFile *file,
                   struct statx *info)
{
  int result = file->fd < 0 ? file->fd : coro_disk_stat (file->fd, info);

  if (result == 0)
    file->stream = !S_ISREG (info->stx_mode) && !S_ISBLK (info->stx_mode) && !S_ISDIR (info->stx_mode);
  return result;
}

/* --- waiting ---------------------------------------------------------------------- */

static gboolean
disk_begin (CoroDisk **disk,
            GError   **error)
{
  if (coro_job_require (error) == NULL || !coro_waiter_check_ready (error))
    return FALSE;

  *disk = disk_get ();
  return TRUE;
}

/* Whether to try another way.  Never after a close(), which closes the descriptor whatever it
 * returns. */
static gboolean
ring_has_refused (CoroRing           *ring,
                  const CoroRingCall *call)
{
  if (call->opcode == CORO_RING_CLOSE)
    return call->result == -ENOSYS && coro_ring_is_broken (ring);
  return coro_errno_is_refusal (-call->result);
}

static gboolean
disk_run (CoroDisk      *self,
          CoroRingCall  *call,
          GError       **error)
{
  CoroRing *ring = disk_get_ring (self);

  if (ring != NULL)
    {
      if (!coro_ring_run (ring, call, error))
        return FALSE;
      if (!ring_has_refused (ring, call))
        return TRUE;
    }

  return coro_disk_perform_in_thread (call, error);
}

gboolean
coro_disk_has_ring (void)
{
  return disk_get_ring (disk_get ()) != NULL;
}

/* The first file of a folder is opened by a thread, which also learns where that is. */
gboolean
coro_disk_open (const char    *path,
                int            flags,
                guint          mode,
                CoroDiskFile  *file,
                GError       **error)
{
  CoroRingCall call = { .opcode = CORO_RING_OPEN, .fd = AT_FDCWD, .address = path, .flags = (guint32) flags, .length = mode };
  CoroFolderKind kind;
  CoroDisk *disk;

  if (!disk_begin (&disk, error))
    return FALSE;

  if ((flags & (O_CREAT | O_TRUNC)) == 0)
    {
      *file = coro_disk_try_open (path, flags);
      if (file->fd != -EAGAIN)
        return TRUE;
    }

  kind = coro_folders_get_kind (&disk->folders, path);
  if (kind == CORO_FOLDER_UNKNOWN || disk_get_ring (disk) == NULL)
    return coro_disk_open_in_thread (path, flags, mode, file, error);
  if (!disk_run (disk, &call, error))
    return FALSE;
  if (call.result == -EAGAIN)
    return coro_disk_open_in_thread (path, flags, mode, file, error);
  *file = (CoroDiskFile) { .fd = call.result, .local = call.result >= 0 && kind == CORO_FOLDER_LOCAL };
  return TRUE;
}

/* A ring writes to a pipe whenever there is room, in the middle of other calls of this thread, so
 * nothing could hold SIGPIPE back then. */
static gboolean
disk_transfer (CoroRingOpcode       opcode,
               const CoroDiskFile  *file,
               gpointer             buffer,
               gsize                count,
               goffset              offset,
               gssize              *result,
               GError             **error)
{
  CoroRingCall call = { .opcode = opcode, .fd = file->fd, .address = buffer, .offset = (guint64) offset };
  gboolean raises = file->stream && opcode == CORO_RING_WRITE;
  CoroDisk *disk;

  if (!disk_begin (&disk, error))
    return FALSE;

  *result = disk_try_transfer (disk, opcode, file->fd, buffer, count, offset);
  if (*result != -EAGAIN)
    return TRUE;

  call.length = (guint32) MIN (count, CORO_DISK_LARGE);
  call.elsewhere = call.length > CORO_DISK_MAX_COPY;
  if (raises ? !coro_disk_perform_in_thread (&call, error) : !disk_run (disk, &call, error))
    return FALSE;
  *result = call.result;
  return TRUE;
}

/* CORO_RING_READ or CORO_RING_WRITE. */
gboolean
coro_disk_transfer (CoroRingOpcode       opcode,
                    const CoroDiskFile  *file,
                    gpointer             buffer,
                    gsize                count,
                    goffset              offset,
                    gssize              *result,
                    GError             **error)
{
  GIOCondition condition = opcode == CORO_RING_READ ? G_IO_IN : G_IO_OUT;

  if (!file->stream)
    return disk_transfer (opcode, file, buffer, count, offset, result, error);

  /* Another reader or writer may be quicker. */
  do
    if (coro_fd_wait (file->fd, condition, -1, error) == 0 ||
        !disk_transfer (opcode, file, buffer, count, -1, result, error))
      return FALSE;
  while (*result == -EAGAIN);
  return TRUE;
}

gboolean
coro_disk_sync (int        fd,
                gboolean   data_only,
                int       *result,
                GError   **error)
{
  /* FSYNC_DATASYNC is 1. */
  CoroRingCall call = { .opcode = CORO_RING_SYNC, .fd = fd, .flags = data_only ? 1 : 0 };
  CoroDisk *disk;

  if (!disk_begin (&disk, error) || !disk_run (disk, &call, error))
    return FALSE;
  *result = call.result;
  return TRUE;
}

/* Always closes it, also for a coroutine that is cancelled.  What was only read on a local
 * file system is closed at once; else closing writes, or asks another machine. */
int
coro_disk_close (CoroDiskFile *file,
                 gboolean      written)
{
  CoroRingCall call = { .opcode = CORO_RING_CLOSE, .fd = file->fd };

  file->fd = -1;
  if ((!file->local || written) && coro_job_get_running () != NULL)
    {
      g_auto (CoroShield) shield = coro_shield_enter (0);
      g_autoptr (GError) error = NULL;

      if (disk_run (disk_get (), &call, &error))
        return call.result;
    }
  return coro_disk_perform (&call);
}

/* --- errors ----------------------------------------------------------------------- */

/* "Error reading file “notes”: Is a directory" */
void
coro_disk_set_error (GError     **error,
                     int          error_number,
                     const char  *what,
                     const char  *name)
{
  g_autofree char *shown = g_filename_display_name (name);

  error_number = ABS (error_number);
  g_set_error (error, G_IO_ERROR, coro_errno_to_code (error_number), "%s “%s”: %s",
               what, shown, g_strerror (error_number));
}
