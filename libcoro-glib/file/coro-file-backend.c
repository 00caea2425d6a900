/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "file/coro-file-backend-private.h"

#include "io/coro-fd.h"
#include "file/coro-filesystem-cache-private.h"
#include "file/coro-ring-private.h"
#include "io/coro-sigpipe-private.h"
#include "base/coro-errno-private.h"
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
  FILE_BACKEND_POOL = 1 << 0,   /* no io_uring */
  FILE_BACKEND_UNCACHED = 1 << 1 /* nothing at once: tests want to see the rest */
} CoroFileBackendFlags;

static const GDebugKey backend_keys[] = {
  { "pool", FILE_BACKEND_POOL },
  { "uncached", FILE_BACKEND_UNCACHED }
};

typedef struct
{
  CoroFileBackendFlags flags;
  CoroRing *ring;               /* (nullable) (owned) */
  gboolean no_ring;             /* there will be none */
  CoroFilesystemCache filesystems;
} CoroFileBackend;

/* Of the process: what its kernel, or a filter for system calls, does not let it do. */
static int no_openat2;          /* (atomic) */
static int no_ring;             /* (atomic) */

/* --- one for each scheduler ------------------------------------------------------- */

static void
file_backend_free (gpointer data)
{
  CoroFileBackend *self = data;

  g_clear_pointer (&self->ring, coro_ring_free);
  coro_filesystem_cache_clear (&self->filesystems);
  g_free (self);
}

static CoroFileBackend *
file_backend_new (void)
{
  CoroFileBackend *self = g_new0 (CoroFileBackend, 1);

  self->flags = g_parse_debug_string (g_getenv ("CORO_FILE_BACKEND"), backend_keys, G_N_ELEMENTS (backend_keys));
  /* Valgrind does not see what the kernel writes through a ring. */
  self->no_ring = (self->flags & FILE_BACKEND_POOL) != 0 || RUNNING_ON_VALGRIND;
  return self;
}

/* NULL outside of a coroutine. */
static CoroFileBackend *
file_backend_get (void)
{
  CoroScheduler *scheduler = coro_scheduler_current;

  if (G_UNLIKELY (scheduler == NULL))
    return NULL;
  if (G_UNLIKELY (scheduler->file_backend == NULL))
    {
      scheduler->file_backend = file_backend_new ();
      scheduler->file_backend_free = file_backend_free;
    }
  return scheduler->file_backend;
}

/* A lack of descriptors or memory may pass; a prohibition does not. */
static CoroRing *
file_backend_get_ring (CoroFileBackend *self)
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
coro_file_backend_learn (const char *path,
                         gboolean    local)
{
  coro_filesystem_cache_learn (&file_backend_get ()->filesystems, path, local);
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
CoroBackendFile
coro_file_backend_try_open (const char *path,
                            int         flags)
{
  CoroFileBackend *backend = file_backend_get ();
  int fd = -EXDEV;

  if (backend == NULL || (backend->flags & FILE_BACKEND_UNCACHED) != 0 || g_atomic_int_get (&no_openat2) || path[0] != '/')
    return (CoroBackendFile) { .fd = -EAGAIN };

  if (coro_filesystem_root_is_local ())
    fd = open_cached (path, flags, RESOLVE_NO_XDEV);
  if (fd == -EXDEV)
    fd = coro_filesystem_cache_get_kind (&backend->filesystems, path) == CORO_FILESYSTEM_LOCAL ? open_cached (path, flags, 0) : -EAGAIN;
  return (CoroBackendFile) { .fd = fd, .local = fd >= 0 };
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
file_backend_try_transfer (CoroFileBackend *self,
                           CoroFileOpcode   opcode,
                           int              fd,
                           gpointer         buffer,
                           gsize            count,
                           goffset          offset)
{
  struct iovec vector = { buffer, MIN (count, CORO_FILE_BACKEND_MAX_COPY) };

  if (self == NULL || (self->flags & FILE_BACKEND_UNCACHED) != 0 || count >= CORO_FILE_BACKEND_LARGE)
    return -EAGAIN;
  return nowait_result (opcode == CORO_FILE_OP_READ ? preadv2 (fd, &vector, 1, offset, RWF_NOWAIT)
                                                 : write_nowait (fd, &vector, offset));
}

gssize
coro_file_backend_try_read (int      fd,
                            gpointer buffer,
                            gsize    count,
                            goffset  offset)
{
  return file_backend_try_transfer (file_backend_get (), CORO_FILE_OP_READ, fd, buffer, count, offset);
}

/* Mode, size and time of the last change. */
int
coro_file_backend_stat (int           fd,
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
coro_file_backend_examine (CoroBackendFile *file,
                           struct statx    *info)
{
  int result = file->fd < 0 ? file->fd : coro_file_backend_stat (file->fd, info);

  if (result == 0)
    file->stream = !S_ISREG (info->stx_mode) && !S_ISBLK (info->stx_mode) && !S_ISDIR (info->stx_mode);
  return result;
}

/* --- waiting ---------------------------------------------------------------------- */

static gboolean
file_backend_begin (CoroFileBackend **backend,
                    GError          **error)
{
  if (coro_job_require (error) == NULL || !coro_waiter_check_ready (error))
    return FALSE;

  *backend = file_backend_get ();
  return TRUE;
}

/* Whether to try another way.  Never after a close(), which closes the descriptor whatever it
 * returns. */
static gboolean
ring_has_refused (CoroRing         *ring,
                  const CoroFileOp *op)
{
  if (op->opcode == CORO_FILE_OP_CLOSE)
    return op->result == -ENOSYS && coro_ring_is_broken (ring);
  return coro_errno_is_refusal (-op->result);
}

static gboolean
file_backend_run (CoroFileBackend  *self,
                  CoroFileOp       *op,
                  GError          **error)
{
  CoroRing *ring = file_backend_get_ring (self);

  if (ring != NULL)
    {
      if (!coro_ring_run (ring, op, error))
        return FALSE;
      if (!ring_has_refused (ring, op))
        return TRUE;
    }

  return coro_file_backend_perform_in_thread (op, error);
}

gboolean
coro_file_backend_has_ring (void)
{
  return file_backend_get_ring (file_backend_get ()) != NULL;
}

/* The first file of a folder is opened by a thread, which also learns where that is. */
gboolean
coro_file_backend_open (const char       *path,
                        int               flags,
                        guint             mode,
                        CoroBackendFile  *file,
                        GError          **error)
{
  CoroFileOp op = { .opcode = CORO_FILE_OP_OPEN, .fd = AT_FDCWD, .address = path, .flags = (guint32) flags, .length = mode };
  CoroFilesystemKind kind;
  CoroFileBackend *backend;

  if (!file_backend_begin (&backend, error))
    return FALSE;

  if ((flags & (O_CREAT | O_TRUNC)) == 0)
    {
      *file = coro_file_backend_try_open (path, flags);
      if (file->fd != -EAGAIN)
        return TRUE;
    }

  kind = coro_filesystem_cache_get_kind (&backend->filesystems, path);
  if (kind == CORO_FILESYSTEM_UNKNOWN || file_backend_get_ring (backend) == NULL)
    return coro_file_backend_open_in_thread (path, flags, mode, file, error);
  if (!file_backend_run (backend, &op, error))
    return FALSE;
  if (op.result == -EAGAIN)
    return coro_file_backend_open_in_thread (path, flags, mode, file, error);
  *file = (CoroBackendFile) { .fd = op.result, .local = op.result >= 0 && kind == CORO_FILESYSTEM_LOCAL };
  return TRUE;
}

/* A ring writes to a pipe whenever there is room, in the middle of other operations of this thread, so
 * nothing could hold SIGPIPE back then. */
static gboolean
file_backend_transfer (CoroFileOpcode          opcode,
                       const CoroBackendFile  *file,
                       gpointer                buffer,
                       gsize                   count,
                       goffset                 offset,
                       gssize                 *result,
                       GError                **error)
{
  CoroFileOp op = { .opcode = opcode, .fd = file->fd, .address = buffer, .offset = (guint64) offset };
  gboolean raises = file->stream && opcode == CORO_FILE_OP_WRITE;
  CoroFileBackend *backend;

  if (!file_backend_begin (&backend, error))
    return FALSE;

  *result = file_backend_try_transfer (backend, opcode, file->fd, buffer, count, offset);
  if (*result != -EAGAIN)
    return TRUE;

  op.length = (guint32) MIN (count, CORO_FILE_BACKEND_LARGE);
  op.elsewhere = op.length > CORO_FILE_BACKEND_MAX_COPY;
  if (raises ? !coro_file_backend_perform_in_thread (&op, error) : !file_backend_run (backend, &op, error))
    return FALSE;
  *result = op.result;
  return TRUE;
}

/* CORO_FILE_OP_READ or CORO_FILE_OP_WRITE. */
gboolean
coro_file_backend_transfer (CoroFileOpcode          opcode,
                            const CoroBackendFile  *file,
                            gpointer                buffer,
                            gsize                   count,
                            goffset                 offset,
                            gssize                 *result,
                            GError                **error)
{
  GIOCondition condition = opcode == CORO_FILE_OP_READ ? G_IO_IN : G_IO_OUT;

  if (!file->stream)
    return file_backend_transfer (opcode, file, buffer, count, offset, result, error);

  /* Another reader or writer may be quicker. */
  do
    if (coro_fd_wait (file->fd, condition, -1, error) == 0 ||
        !file_backend_transfer (opcode, file, buffer, count, -1, result, error))
      return FALSE;
  while (*result == -EAGAIN);
  return TRUE;
}

gboolean
coro_file_backend_sync (int        fd,
                        gboolean   data_only,
                        int       *result,
                        GError   **error)
{
  /* FSYNC_DATASYNC is 1. */
  CoroFileOp op = { .opcode = CORO_FILE_OP_SYNC, .fd = fd, .flags = data_only ? 1 : 0 };
  CoroFileBackend *backend;

  if (!file_backend_begin (&backend, error) || !file_backend_run (backend, &op, error))
    return FALSE;
  *result = op.result;
  return TRUE;
}

/* Always closes it, also for a coroutine that is cancelled.  What was only read on a local
 * file system is closed at once; else closing writes, or asks another machine. */
int
coro_file_backend_close (CoroBackendFile *file,
                         gboolean         written)
{
  CoroFileOp op = { .opcode = CORO_FILE_OP_CLOSE, .fd = file->fd };

  file->fd = -1;
  if ((!file->local || written) && coro_job_get_running () != NULL)
    {
      g_auto (CoroShield) shield = coro_shield_enter (0);
      g_autoptr (GError) error = NULL;

      if (file_backend_run (file_backend_get (), &op, &error))
        return op.result;
    }
  return coro_file_backend_perform (&op);
}

/* --- errors ----------------------------------------------------------------------- */

/* "Error reading file “notes”: Is a directory" */
void
coro_file_backend_set_error (GError     **error,
                             int          error_number,
                             const char  *what,
                             const char  *name)
{
  g_autofree char *shown = g_filename_display_name (name);

  error_number = ABS (error_number);
  g_set_error (error, G_IO_ERROR, coro_errno_to_code (error_number), "%s “%s”: %s",
               what, shown, g_strerror (error_number));
}
