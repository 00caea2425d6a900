/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-disk-private.h"

#include "io/coro-folders-private.h"
#include "io/coro-sigpipe-private.h"
#include "scope/coro-shield.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* How system calls for files are made by a thread of the pool. */

/* There is no position in a pipe, whose reader may be gone. */
static gssize
write_on (const CoroRingCall *call)
{
  CoroSigpipe sigpipe;
  gssize result;

  coro_sigpipe_hold (&sigpipe);
  result = write (call->fd, call->address, call->length);
  coro_sigpipe_release (&sigpipe);
  return result;
}

/* Makes the system call, for a caller that may block. */
int
coro_disk_perform (const CoroRingCall *call)
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
                            : write_on (call);
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

  call->result = coro_disk_perform (call);
  return user_data;
}

/* Has `func` called in a thread.  It returns its `user_data`, through which it reports: an
 * error is that of the wait, and means that it was not called. */
gboolean
coro_disk_call (CoroThreadFunc   func,
                gpointer         user_data,
                GError         **error)
{
  return coro_run_in_thread (func, user_data, NULL, error) != NULL;
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

gboolean
coro_disk_perform_in_thread (CoroRingCall  *call,
                             GError       **error)
{
  return coro_disk_call (call_cb, call, error);
}

/* Opens a file in a thread of the pool.  Returns a descriptor or -errno.
 *
 * A file server may hold a lease on the file.  A non-blocking open() then fails with EAGAIN; a
 * thread can block until the server has given the lease back. */
int
coro_disk_open_fd (const char *path,
                   int         flags,
                   guint       mode)
{
  CoroRingCall call = { .opcode = CORO_RING_OPEN, .fd = AT_FDCWD, .address = path, .flags = (guint32) flags, .length = mode };
  int fd = coro_disk_perform (&call);
  struct stat info;

  if (fd != -EAGAIN || stat (path, &info) != 0 || !S_ISREG (info.st_mode))
    return fd;

  call.flags &= ~(guint32) O_NONBLOCK;
  return coro_disk_perform (&call);
}

void
coro_disk_open_blocking (const char   *path,
                         int           flags,
                         guint         mode,
                         CoroDiskFile *file)
{
  file->fd = coro_disk_open_fd (path, flags, mode);
  file->local = file->fd >= 0 && coro_folders_fd_is_local (file->fd);
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
  return user_data;
}

gboolean
coro_disk_open_in_thread (const char    *path,
                          int            flags,
                          guint          mode,
                          CoroDiskFile  *file,
                          GError       **error)
{
  CoroDiskOpening opening = { path, flags, mode, { .fd = -1 } };

  if (!coro_disk_call (opening_cb, &opening, error))
    return FALSE;

  *file = opening.file;
  if (file->fd >= 0)
    coro_disk_learn (path, file->local);
  return TRUE;
}
