/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-disk-private.h"

#include "io/coro-ring-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"
#include "scope/coro-shield.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
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

typedef enum
{
  FOLDER_UNKNOWN,
  FOLDER_LOCAL,
  FOLDER_REMOTE
} CoroFolderKind;

/* What is known of a folder that is not on the root's file system. */
typedef struct
{
  char *path;                   /* (nullable) (owned) */
  gsize length;
  CoroFolderKind kind;
} CoroFolder;

#define N_FOLDERS 64

typedef struct
{
  CoroDiskFlags flags;
  CoroRing *ring;               /* (nullable) (owned) */
  gboolean no_ring;             /* there will be none */
  CoroFolder folders[N_FOLDERS];
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
  for (guint i = 0; i < N_FOLDERS; i++)
    g_free (self->folders[i].path);
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
  if (self->ring == NULL && error_number != EMFILE && error_number != ENFILE && error_number != ENOMEM &&
      error_number != ENOSPC)
    g_atomic_int_set (&no_ring, TRUE);
  return self->ring;
}

/* --- which file systems answer at once -------------------------------------------- */

/* Opening a file whose path the kernel remembers takes no time on these; on others it
 * asks a server or another program, maybe us. */
static gboolean
is_local_type (guint32 type)
{
  static const guint32 types[] = {
    0xef53 /* ext */, 0x58465342 /* xfs */, 0x9123683e /* btrfs */, 0xf2f52010 /* f2fs */, 0xca451a4e /* bcachefs */,
    0x2fc12fc1 /* zfs */, 0x3153464a /* jfs */, 0x3434 /* nilfs */, 0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */,
    0x794c7630 /* overlay */, 0x73717368 /* squashfs */, 0xe0f5e1e2 /* erofs */, 0x9660 /* iso9660 */,
    0x15013346 /* udf */, 0x4d44 /* fat */, 0x2011bab0 /* exfat */, 0x7366746e /* ntfs3 */, 0x9fa0 /* proc */,
    0x62656572 /* sysfs */, 0x63677270 /* cgroup2 */
  };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i] == type)
      return TRUE;
  return FALSE;
}

static gboolean
is_local_fd (int fd)
{
  struct statfs info;

  return fstatfs (fd, &info) == 0 && is_local_type ((guint32) info.f_type);
}

/* The root itself is asked once. */
static gboolean
root_is_local (void)
{
  static gsize known;           /* 1: no, 2: yes */

  if (g_once_init_enter (&known))
    {
      struct statfs info;
      gboolean local = statfs ("/", &info) == 0 && is_local_type ((guint32) info.f_type);

      g_once_init_leave (&known, local ? 2 : 1);
    }
  return known == 2;
}

static CoroFolder *
disk_get_folder (CoroDisk   *self,
                 const char *path,
                 gsize      *length)
{
  const char *slash = strrchr (path, '/');
  guint32 hash = 5381;

  *length = slash != NULL ? (gsize) (slash - path) : 0;
  for (gsize i = 0; i < *length; i++)
    hash = hash * 33 + (guchar) path[i];
  return &self->folders[hash % N_FOLDERS];
}

static CoroFolderKind
disk_get_kind (CoroDisk   *self,
               const char *path)
{
  gsize length;
  CoroFolder *folder = disk_get_folder (self, path, &length);

  if (folder->path == NULL || folder->length != length || memcmp (folder->path, path, length) != 0)
    return FOLDER_UNKNOWN;
  return folder->kind;
}

/* Notes what kind of file system the folder of `path` is on. */
void
coro_disk_learn (const char *path,
                 gboolean    local)
{
  CoroDisk *self = disk_get ();
  gsize length;
  CoroFolder *folder = disk_get_folder (self, path, &length);

  g_free (folder->path);
  folder->path = g_strndup (path, length);
  folder->length = length;
  folder->kind = local ? FOLDER_LOCAL : FOLDER_REMOTE;
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
  /* Filters for system calls say EPERM; if it is the file, the slow way says so again. */
  return errno == EPERM || errno == EINTR ? -EAGAIN : -errno;
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
    return (CoroDiskFile) { -EAGAIN, FALSE };

  if (root_is_local ())
    fd = open_cached (path, flags, RESOLVE_NO_XDEV);
  if (fd == -EXDEV)
    fd = disk_get_kind (disk, path) == FOLDER_LOCAL ? open_cached (path, flags, 0) : -EAGAIN;
  return (CoroDiskFile) { fd, fd >= 0 };
}

static gssize
nowait_result (gssize n)
{
  if (n >= 0)
    return n;
  return errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL || errno == EINTR ? -EAGAIN : -errno;
}

gssize
coro_disk_try_read (int      fd,
                    gpointer buffer,
                    gsize    count,
                    goffset  offset)
{
  struct iovec vector = { buffer, MIN (count, CORO_DISK_MAX_COPY) };
  CoroDisk *disk = disk_get ();

  if (disk == NULL || (disk->flags & DISK_UNCACHED) != 0 || count >= CORO_DISK_LARGE)
    return -EAGAIN;
  return nowait_result (preadv2 (fd, &vector, 1, offset, RWF_NOWAIT));
}

static gssize
try_write (CoroDisk      *disk,
           int            fd,
           gconstpointer  buffer,
           gsize          count,
           goffset        offset)
{
  struct iovec vector = { (gpointer) buffer, MIN (count, CORO_DISK_MAX_COPY) };

  if ((disk->flags & DISK_UNCACHED) != 0 || count >= CORO_DISK_LARGE)
    return -EAGAIN;
  return nowait_result (pwritev2 (fd, &vector, 1, offset, RWF_NOWAIT));
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

/* --- in a thread ------------------------------------------------------------------ */

/* The same system call, for who may block. */
static int
call_perform (const CoroRingCall *call)
{
  gboolean positioned = call->offset != (guint64) -1;
  gssize result = -1;

  do
    switch (call->opcode)
      {
      case CORO_RING_CLOSE:
        result = close (call->fd);
        if (result < 0 && errno == EINTR)
          result = 0;           /* it is closed */
        break;
      case CORO_RING_OPEN:
        result = openat (call->fd, call->address, (int) call->flags, (mode_t) call->length);
        break;
      case CORO_RING_READ:
        result = positioned ? pread (call->fd, (gpointer) call->address, call->length, (off_t) call->offset)
                            : read (call->fd, (gpointer) call->address, call->length);
        break;
      case CORO_RING_SYNC:
        result = call->flags != 0 ? fdatasync (call->fd) : fsync (call->fd);
        break;
      case CORO_RING_WRITE:
        result = positioned ? pwrite (call->fd, call->address, call->length, (off_t) call->offset)
                            : write (call->fd, call->address, call->length);
        break;
      case CORO_RING_N_OPCODES:
      default:
        g_assert_not_reached ();
      }
  while (result < 0 && errno == EINTR);

  return result < 0 ? -errno : (int) result;
}

static gpointer
call_cb (gpointer       user_data,
         GCancellable  *cancellable,
         GError       **error)
{
  CoroRingCall *call = user_data;

  call->result = call_perform (call);
  return NULL;
}

typedef struct
{
  CoroThreadFunc func;
  gpointer user_data;
  gboolean called;
} CoroDiskJob;

static gpointer
job_cb (gpointer       user_data,
        GCancellable  *cancellable,
        GError       **error)
{
  CoroDiskJob *job = user_data;

  job->called = TRUE;
  job->func (job->user_data, cancellable, NULL);
  return NULL;
}

/* Has `func` called in a thread.  It reports through `user_data` alone: an error is that of
 * the wait, and means that it was not called. */
gboolean
coro_disk_call (CoroThreadFunc   func,
                gpointer         user_data,
                GError         **error)
{
  CoroDiskJob job = { func, user_data, FALSE };

  coro_run_in_thread (job_cb, &job, NULL, error);
  return job.called;
}

/* The same for what has to be done whatever happens.  FALSE: it cannot be waited for. */
gboolean
coro_disk_call_shielded (CoroThreadFunc func,
                         gpointer       user_data)
{
  g_auto (CoroShield) shield = coro_shield_enter (0);
  g_autoptr (GError) error = NULL;

  return coro_disk_call (func, user_data, &error);
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
      if (call->result != -ENOSYS || !coro_ring_is_broken (ring))
        return TRUE;
    }

  return coro_disk_call (call_cb, call, error);
}

gboolean
coro_disk_has_ring (void)
{
  return disk_get_ring (disk_get ()) != NULL;
}

/* For a thread of the pool. */
void
coro_disk_open_blocking (const char   *path,
                         int           flags,
                         guint         mode,
                         CoroDiskFile *file)
{
  CoroRingCall call = { .opcode = CORO_RING_OPEN, .fd = AT_FDCWD, .address = path, .flags = (guint32) flags, .length = mode };

  file->fd = call_perform (&call);
  file->local = file->fd >= 0 && is_local_fd (file->fd);
}

typedef struct
{
  const char *path;
  int flags;
  guint mode;
  CoroDiskFile file;
} CoroDiskOpening;

static gpointer
opening_cb (gpointer       user_data,
            GCancellable  *cancellable,
            GError       **error)
{
  CoroDiskOpening *opening = user_data;

  coro_disk_open_blocking (opening->path, opening->flags, opening->mode, &opening->file);
  return NULL;
}

static gboolean
open_in_thread (const char    *path,
                int            flags,
                guint          mode,
                CoroDiskFile  *file,
                GError       **error)
{
  CoroDiskOpening opening = { path, flags, mode, { -1, FALSE } };

  if (!coro_disk_call (opening_cb, &opening, error))
    return FALSE;

  *file = opening.file;
  if (file->fd >= 0)
    coro_disk_learn (path, file->local);
  return TRUE;
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

  kind = disk_get_kind (disk, path);
  if (kind == FOLDER_UNKNOWN || disk_get_ring (disk) == NULL)
    return open_in_thread (path, flags, mode, file, error);
  if (!disk_run (disk, &call, error))
    return FALSE;
  *file = (CoroDiskFile) { call.result, call.result >= 0 && kind == FOLDER_LOCAL };
  return TRUE;
}

gboolean
coro_disk_read (int        fd,
                gpointer   buffer,
                gsize      count,
                goffset    offset,
                gssize    *result,
                GError   **error)
{
  CoroRingCall call = { .opcode = CORO_RING_READ, .fd = fd, .address = buffer, .offset = (guint64) offset };
  CoroDisk *disk;

  if (!disk_begin (&disk, error))
    return FALSE;

  *result = coro_disk_try_read (fd, buffer, count, offset);
  if (*result != -EAGAIN)
    return TRUE;

  call.length = (guint32) MIN (count, CORO_DISK_LARGE);
  call.elsewhere = call.length > CORO_DISK_MAX_COPY;
  if (!disk_run (disk, &call, error))
    return FALSE;
  *result = call.result;
  return TRUE;
}

gboolean
coro_disk_write (int             fd,
                 gconstpointer   buffer,
                 gsize           count,
                 goffset         offset,
                 gssize         *result,
                 GError        **error)
{
  CoroRingCall call = { .opcode = CORO_RING_WRITE, .fd = fd, .address = buffer, .offset = (guint64) offset };
  CoroDisk *disk;

  if (!disk_begin (&disk, error))
    return FALSE;

  *result = try_write (disk, fd, buffer, count, offset);
  if (*result != -EAGAIN)
    return TRUE;

  call.length = (guint32) MIN (count, CORO_DISK_LARGE);
  call.elsewhere = call.length > CORO_DISK_MAX_COPY;
  if (!disk_run (disk, &call, error))
    return FALSE;
  *result = call.result;
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
 * file system is closed at once; else closing writes, or asks somebody. */
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
  return call_perform (&call);
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
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (error_number), "%s “%s”: %s",
               what, shown, g_strerror (error_number));
}
