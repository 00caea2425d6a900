/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-fd.h"

#include "future/coro-return.h"
#include "io/coro-descriptor-private.h"
#include "io/coro-sigpipe-private.h"
#include "base/coro-errno-private.h"
#include "scope/coro-spawn.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

/**
 * coro_fd_wait: (skip)
 * @fd: a descriptor, of any kind
 * @condition: what to wait for: %G_IO_IN, %G_IO_OUT, %G_IO_PRI; %G_IO_ERR and
 *   %G_IO_HUP end the wait in any case
 * @timeout: for how long, in µs; 0: not at all, -1: for ever
 * @error: return location for an error
 *
 * Waits until a descriptor is ready.
 *
 * What is ready already does not suspend. What can always be read and
 * written, like a regular file, is always ready. Any number of coroutines may
 * wait for the same descriptor; all of them hear of it, and where one has
 * taken all that there was, the others find nothing: the descriptor should
 * not block.
 *
 * Close @fd with [func@fd_close], which ends the wait with
 * %G_IO_ERROR_CLOSED. If it is closed behind the library's back, the waiter is
 * not told before the next wait for a descriptor that was given the same number.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; nothing stays registered.
 *
 * @error can be set to %G_IO_ERROR_TIMED_OUT, %G_IO_ERROR_CLOSED, what the errno of
 * the system call maps to, %G_IO_ERROR_CANCELLED and the misuse errors of
 * [func@await].
 *
 * Returns: what @fd is ready for, of @condition, %G_IO_ERR and %G_IO_HUP;
 *   0 with @error set
 *
 * Since: 0.1
 */
GIOCondition
coro_fd_wait (int            fd,
              GIOCondition   condition,
              GTimeSpan      timeout,
              GError       **error)
{
  g_return_val_if_fail (fd >= 0, 0);

  if (coro_job_require (error) == NULL || !coro_waiter_check_ready (error))
    return 0;

  return coro_descriptor_wait_once (coro_scheduler_current, fd, condition, timeout, error);
}

typedef struct
{
  int fd;
  GIOCondition condition;
  GTimeSpan timeout;
} CoroFdWaitArgs;

static gboolean
fd_wait_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  CoroFdWaitArgs *args = user_data;
  GIOCondition ready = coro_fd_wait (args->fd, args->condition, args->timeout, error);

  if (ready == 0)
    return FALSE;

  g_value_init (result, G_TYPE_IO_CONDITION);
  g_value_set_flags (result, ready);
  return TRUE;
}

/**
 * coro_fd_wait_future: (rename-to coro_fd_wait)
 * @fd: a descriptor, of any kind
 * @condition: what to wait for
 * @timeout: for how long, in µs; 0: not at all, -1: for ever
 *
 * [func@fd_wait] as a task of its own. Its value is a [flags@GLib.IOCondition].
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_fd_wait_future (int          fd,
                     GIOCondition condition,
                     GTimeSpan    timeout)
{
  CoroFdWaitArgs args = { fd, condition, timeout };

  g_return_val_if_fail (fd >= 0, NULL);

  return CORO_FUTURE (coro_spawn_task_copy (NULL, fd_wait_cb, &args, sizeof args, NULL, CORO_SPAWN_SITE (coro_fd_wait)));
}

/* Whether a call with RWF_NOWAIT failed by what it is.  All else is said of the descriptor,
 * and a socket says that once: a second read gets an orderly end. */
static gboolean
nowait_is_no_answer (int code)
{
  return coro_errno_is_refusal (code) || code == EAGAIN || code == EINTR || code == ESPIPE || code == EBADF;
}

/**
 * coro_fd_read: (skip)
 * @fd: a descriptor of a pipe, a terminal, a device…
 * @buffer: (array length=size) (element-type guint8): where to put it
 * @size: bytes to read at the most
 * @error: return location for an error
 *
 * Reads what is there, and waits while there is nothing.
 *
 * @fd need not be non-blocking as long as there is no other reader. For
 * a [class@Gio.Socket] there is [func@socket_receive], which costs less; for regular files,
 * which are always ready and may block all the same, [func@file_load_bytes].
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; nothing was read then.
 *
 * @error can be set to what [func@fd_wait] fails with and to what the errno of
 * read() maps to.
 *
 * Returns: the bytes read; 0 at the end; -1 with @error set
 *
 * Since: 0.1
 */
gssize
coro_fd_read (int      fd,
              void    *buffer,
              gsize    size,
              GError **error)
{
  gssize n_read;

  g_return_val_if_fail (fd >= 0, -1);
  g_return_val_if_fail (buffer != NULL || size == 0, -1);

  if (coro_job_require (error) == NULL || !coro_waiter_check_ready (error))
    return -1;

  /* Where the kernel can read without blocking from what may block, there is no need to ask
   * whether there is something: one call instead of two.  It says so of pipes, since Linux
   * 6.4, and of sockets. */
  n_read = preadv2 (fd, &(struct iovec) { buffer, size }, 1, -1, RWF_NOWAIT);
  if (n_read >= 0)
    return n_read;
  if (!nowait_is_no_answer (errno))
    {
      coro_set_error_from_errno (error, errno, "Cannot read from a descriptor");
      return -1;
    }

  while (coro_fd_wait (fd, G_IO_IN, -1, error) != 0)
    {
      n_read = read (fd, buffer, size);
      if (n_read >= 0)
        return n_read;
      if (errno != EINTR && errno != EAGAIN)
        {
          coro_set_error_from_errno (error, errno, "Cannot read from a descriptor");
          break;
        }
    }
  return -1;
}

/* `nowait`: writes only as much as does not block. */
static gssize
write_some (int         fd,
            const char *buffer,
            gsize       size,
            gboolean    nowait)
{
  CoroSigpipe sigpipe;
  gssize n_written;

  coro_sigpipe_hold (&sigpipe);
  n_written = nowait ? pwritev2 (fd, &(struct iovec) { (char *) buffer, size }, 1, -1, RWF_NOWAIT)
                     : write (fd, buffer, size);
  coro_sigpipe_release (&sigpipe);
  return n_written;
}

/**
 * coro_fd_write_all: (skip)
 * @fd: a descriptor of a pipe, a terminal, a device…
 * @buffer: (array length=size) (element-type guint8): what to write
 * @size: bytes to write
 * @bytes_written: (out) (optional): how many were written, also with an error
 * @error: return location for an error
 *
 * Writes everything, and waits whenever there is no room.
 *
 * @fd need not be non-blocking as long as no other code writes to it. If the
 * reader is gone the call fails with %G_IO_ERROR_BROKEN_PIPE; a SIGPIPE that
 * would end the process is held back. A SIGPIPE handler of the program is called
 * as with write().
 *
 * The streams of GIO do not hold SIGPIPE back, so it ends the process if a child
 * process does not read, in [method@Gio.Subprocess.communicate_async] for
 * example. Ignore the signal with `signal (SIGPIPE, SIG_IGN)`, as the first
 * [class@Gio.Socket] of a process does.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; @bytes_written says how far it came.
 *
 * @error can be set to what [func@fd_wait] fails with and to what the errno of
 * write() maps to.
 *
 * Returns: %TRUE if all was written; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_fd_write_all (int          fd,
                   const void  *buffer,
                   gsize        size,
                   gsize       *bytes_written,
                   GError     **error)
{
  gsize n_done = 0;
  gsize most;
  gssize n_written;
  int flags;

  g_return_val_if_fail (fd >= 0, FALSE);
  g_return_val_if_fail (buffer != NULL || size == 0, FALSE);

  if (bytes_written != NULL)
    *bytes_written = 0;
  if (coro_job_require (error) == NULL || !coro_waiter_check_ready (error))
    return FALSE;

  n_written = write_some (fd, buffer, size, TRUE);
  if (n_written < 0 && !nowait_is_no_answer (errno))
    {
      coro_set_error_from_errno (error, errno, "Cannot write to a descriptor");
      return FALSE;
    }
  if (n_written > 0)
    n_done = (gsize) n_written;

  /* A pipe that is ready has room for so much, and a write of more than that would block. */
  flags = n_done < size ? fcntl (fd, F_GETFL) : 0;
  most = flags >= 0 && (flags & O_NONBLOCK) == 0 ? PIPE_BUF : G_MAXSSIZE;

  while (n_done < size && coro_fd_wait (fd, G_IO_OUT, -1, error) != 0)
    {
      n_written = write_some (fd, (const char *) buffer + n_done, MIN (size - n_done, most), FALSE);
      if (n_written >= 0)
        {
          n_done += (gsize) n_written;
        }
      else if (errno != EINTR && errno != EAGAIN)
        {
          coro_set_error_from_errno (error, errno, "Cannot write to a descriptor");
          break;
        }
    }

  if (bytes_written != NULL)
    *bytes_written = n_done;
  return n_done == size;
}

/**
 * coro_fd_close: (skip)
 * @fd: a descriptor
 * @error: return location for an error
 *
 * Closes a descriptor. Coroutines of this thread that wait for it fail with
 * %G_IO_ERROR_CLOSED.
 *
 * Callable from any thread; never suspends.
 *
 * @error can be set to the %G_IO_ERROR for the errno of close(), as with reading
 * and writing.
 *
 * Returns: %TRUE; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_fd_close (int      fd,
               GError **error)
{
  g_return_val_if_fail (fd >= 0, FALSE);

  coro_descriptor_close (coro_scheduler_get_current (), fd);

  /* The descriptor is closed even if close() was interrupted. */
  if (close (fd) == 0 || errno == EINTR)
    return TRUE;

  coro_set_error_from_errno (error, errno, "Cannot close a descriptor");
  return FALSE;
}
