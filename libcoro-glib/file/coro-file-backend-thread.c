/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "file/coro-file-backend-private.h"

#include "file/coro-filesystem-cache-private.h"
#include "io/coro-sigpipe-private.h"
#include "scope/coro-shield.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* How system calls for files are made by a thread of the pool. */

/* There is no position in a pipe, whose reader may be gone. */
static gssize
write_on (const CoroFileOp *op)
{
  CoroSigpipe sigpipe;
  gssize result;

  coro_sigpipe_hold (&sigpipe);
  result = write (op->fd, op->address, op->length);
  coro_sigpipe_release (&sigpipe);
  return result;
}

/* Makes the system call, for a caller that may block. */
int
coro_file_backend_perform (const CoroFileOp *op)
{
  gboolean positioned = op->offset != (guint64) -1;
  gssize result = -1;

  do
    switch (op->opcode)
      {
      case CORO_FILE_OP_CLOSE:
        result = close (op->fd);
        if (result < 0 && errno == EINTR)
          result = 0;           /* it is closed */
        break;
      case CORO_FILE_OP_OPEN:
        result = openat (op->fd, op->address, (int) op->flags, (mode_t) op->length);
        break;
      case CORO_FILE_OP_READ:
        result = positioned ? pread (op->fd, (gpointer) op->address, op->length, (off_t) op->offset)
                            : read (op->fd, (gpointer) op->address, op->length);
        break;
      case CORO_FILE_OP_SYNC:
        result = op->flags != 0 ? fdatasync (op->fd) : fsync (op->fd);
        break;
      case CORO_FILE_OP_WRITE:
        result = positioned ? pwrite (op->fd, op->address, op->length, (off_t) op->offset)
                            : write_on (op);
        break;
      case CORO_FILE_N_OPCODES:
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
  CoroFileOp *op = user_data;

  op->result = coro_file_backend_perform (op);
  return user_data;
}

/* Has `func` called in a thread.  It returns its `user_data`, through which it reports: an
 * error is that of the wait, and means that it was not called. */
gboolean
coro_file_backend_call (CoroThreadFunc   func,
                        gpointer         user_data,
                        GError         **error)
{
  return coro_run_in_thread (func, user_data, NULL, error) != NULL;
}

/* The same for what has to be done whatever happens.  FALSE: it cannot be waited for. */
gboolean
coro_file_backend_call_shielded (CoroThreadFunc func,
                                 gpointer       user_data)
{
  g_auto (CoroShield) shield = coro_shield_enter (0);
  g_autoptr (GError) error = NULL;

  return coro_file_backend_call (func, user_data, &error);
}

gboolean
coro_file_backend_perform_in_thread (CoroFileOp  *op,
                                     GError     **error)
{
  return coro_file_backend_call (call_cb, op, error);
}

/* Opens a file in a thread of the pool.  Returns a descriptor or -errno.
 *
 * A file server may hold a lease on the file.  A non-blocking open() then fails with EAGAIN; a
 * thread can block until the server has given the lease back. */
int
coro_file_backend_open_fd (const char *path,
                           int         flags,
                           guint       mode)
{
  CoroFileOp op = { .opcode = CORO_FILE_OP_OPEN, .fd = AT_FDCWD, .address = path, .flags = (guint32) flags, .length = mode };
  int fd = coro_file_backend_perform (&op);
  struct stat info;

  if (fd != -EAGAIN || stat (path, &info) != 0 || !S_ISREG (info.st_mode))
    return fd;

  op.flags &= ~(guint32) O_NONBLOCK;
  return coro_file_backend_perform (&op);
}

void
coro_file_backend_open_blocking (const char      *path,
                                 int              flags,
                                 guint            mode,
                                 CoroBackendFile *file)
{
  file->fd = coro_file_backend_open_fd (path, flags, mode);
  file->local = file->fd >= 0 && coro_filesystem_fd_is_local (file->fd);
}

typedef struct
{
  const char *path;
  int flags;
  guint mode;
  CoroBackendFile file;
} CoroFileOpening;

static gpointer
opening_cb (gpointer       user_data,
            GCancellable  *cancellable,
            GError       **error)
{
  CoroFileOpening *opening = user_data;

  coro_file_backend_open_blocking (opening->path, opening->flags, opening->mode, &opening->file);
  return user_data;
}

gboolean
coro_file_backend_open_in_thread (const char       *path,
                                  int               flags,
                                  guint             mode,
                                  CoroBackendFile  *file,
                                  GError          **error)
{
  CoroFileOpening opening = { path, flags, mode, { .fd = -1 } };

  if (!coro_file_backend_call (opening_cb, &opening, error))
    return FALSE;

  *file = opening.file;
  if (file->fd >= 0)
    coro_file_backend_learn (path, file->local);
  return TRUE;
}
