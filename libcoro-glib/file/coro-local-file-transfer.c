/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "file/coro-local-file-private.h"

#include <errno.h>
#include <unistd.h>

/* What is in an open file: reading, writing, its size, and that all of it is on the disk. */

static gssize
local_file_transfer (CoroLocalFile   *self,
                     CoroFileOpcode   opcode,
                     gpointer         buffer,
                     gsize            count,
                     goffset          offset,
                     GError         **error)
{
  gboolean reads = opcode == CORO_FILE_OP_READ;
  gssize result = 0;
  gboolean made;

  if (!coro_local_file_begin (self, error))
    return -1;
  made = coro_file_backend_transfer (opcode, &self->file, buffer, count, offset, &result, error);
  return coro_local_file_end (self, made, result, reads ? "Error reading file" : "Error writing file", error) ? result : -1;
}

static gboolean
local_file_transfer_all (CoroLocalFile   *self,
                         CoroFileOpcode   opcode,
                         gpointer         buffer,
                         gsize            count,
                         goffset          offset,
                         gsize           *n_done,
                         GError         **error)
{
  gsize done = 0;
  gssize n = 0;

  while (n >= 0 && done < count)
    {
      n = local_file_transfer (self, opcode, (char *) buffer + done, count - done,
                               offset < 0 ? offset : offset + (goffset) done, error);
      done += (gsize) MAX (n, 0);
      if (n == 0 && opcode == CORO_FILE_OP_READ)
        break;
    }

  if (n_done != NULL)
    *n_done = done;
  return n >= 0;
}

/**
 * coro_local_file_read: (skip)
 * @self: a file
 * @buffer: where to
 * @count: how many bytes at the most
 * @offset: from where; -1: where the last call with -1 has ended
 * @error: return location for an error
 *
 * Reads some of a file: what can be had in one go, 256 KiB of what the
 * kernel has in memory for example.
 *
 * Callable from a coroutine, which it may suspend. Cancellation calls
 * off what is under way and waits until @buffer is not written to any more;
 * what was read by then is returned.
 *
 * @error can be set to %G_IO_ERROR codes and to the misuse errors of
 * [func@await].
 *
 * Returns: how many bytes; 0 at the end; -1 with @error set
 *
 * Since: 0.1
 */
gssize
coro_local_file_read (CoroLocalFile  *self,
                      gpointer        buffer,
                      gsize           count,
                      goffset         offset,
                      GError        **error)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), -1);
  g_return_val_if_fail (buffer != NULL || count == 0, -1);
  g_return_val_if_fail (offset >= -1, -1);

  return local_file_transfer (self, CORO_FILE_OP_READ, buffer, count, offset, error);
}

/**
 * coro_local_file_read_all: (skip)
 * @self: a file
 * @buffer: where to
 * @count: how many bytes
 * @offset: from where; -1: where the last call with -1 has ended
 * @n_read: (out) (optional): how many it were, less than @count at the end of the
 *   file or with @error set
 * @error: return location for an error
 *
 * Reads until there are enough or the file ends.
 *
 * Callable from a coroutine, which it may suspend. Cancellation: as for
 * [method@LocalFile.read].
 *
 * @error can be set to those of [method@LocalFile.read].
 *
 * Returns: %TRUE on success; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_local_file_read_all (CoroLocalFile  *self,
                          gpointer        buffer,
                          gsize           count,
                          goffset         offset,
                          gsize          *n_read,
                          GError        **error)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), FALSE);
  g_return_val_if_fail (buffer != NULL || count == 0, FALSE);
  g_return_val_if_fail (offset >= -1, FALSE);

  return local_file_transfer_all (self, CORO_FILE_OP_READ, buffer, count, offset, n_read, error);
}

/**
 * coro_local_file_write: (skip)
 * @self: a file
 * @buffer: what to write
 * @count: how many bytes
 * @offset: where to; -1: where the last call with -1 has ended
 * @error: return location for an error
 *
 * Writes some of @buffer, as much as goes in one go.
 *
 * Callable from a coroutine, which it may suspend. Cancellation calls
 * off what is under way and waits until @buffer is not read any more; what
 * was written by then is returned.
 *
 * If the reader of a pipe is gone, the call fails with %G_IO_ERROR_BROKEN_PIPE; a SIGPIPE that
 * would end the process is held back.
 *
 * @error can be set to %G_IO_ERROR codes and to the misuse errors of
 * [func@await].
 *
 * Returns: how many bytes; -1 with @error set
 *
 * Since: 0.1
 */
gssize
coro_local_file_write (CoroLocalFile  *self,
                       gconstpointer   buffer,
                       gsize           count,
                       goffset         offset,
                       GError        **error)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), -1);
  g_return_val_if_fail (buffer != NULL || count == 0, -1);
  g_return_val_if_fail (offset >= -1, -1);

  return local_file_transfer (self, CORO_FILE_OP_WRITE, (gpointer) buffer, count, offset, error);
}

/**
 * coro_local_file_write_all: (skip)
 * @self: a file
 * @buffer: what to write
 * @count: how many bytes
 * @offset: where to; -1: where the last call with -1 has ended
 * @n_written: (out) (optional): how many it were, less than @count with @error set
 * @error: return location for an error
 *
 * Writes everything.
 *
 * Callable from a coroutine, which it may suspend. Cancellation: as for
 * [method@LocalFile.write].
 *
 * @error can be set to those of [method@LocalFile.write].
 *
 * Returns: %TRUE on success; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_local_file_write_all (CoroLocalFile  *self,
                           gconstpointer   buffer,
                           gsize           count,
                           goffset         offset,
                           gsize          *n_written,
                           GError        **error)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), FALSE);
  g_return_val_if_fail (buffer != NULL || count == 0, FALSE);
  g_return_val_if_fail (offset >= -1, FALSE);

  return local_file_transfer_all (self, CORO_FILE_OP_WRITE, (gpointer) buffer, count, offset, n_written, error);
}

typedef struct
{
  int fd;
  goffset size;
  int result;
} CoroTruncation;

static gpointer
truncate_cb (gpointer       user_data,
             GCancellable  *cancellable,
             GError       **error)
{
  CoroTruncation *call = user_data;

  call->result = ftruncate (call->fd, call->size) == 0 ? 0 : -errno;
  return user_data;
}

/**
 * coro_local_file_truncate: (skip)
 * @self: a file
 * @size: how many bytes
 * @error: return location for an error
 *
 * Makes a file shorter, or longer with zeros.
 *
 * Callable from a coroutine, which it suspends. Cancellation: as long as it
 * has not begun.
 *
 * @error can be set to %G_IO_ERROR codes and to the misuse errors of
 * [func@await].
 *
 * Returns: %TRUE on success; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_local_file_truncate (CoroLocalFile  *self,
                          goffset         size,
                          GError        **error)
{
  CoroTruncation call = { .size = size };
  gboolean made;

  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), FALSE);
  g_return_val_if_fail (size >= 0, FALSE);

  if (!coro_local_file_begin (self, error))
    return FALSE;
  call.fd = self->file.fd;
  made = coro_file_backend_call (truncate_cb, &call, error);
  return coro_local_file_end (self, made, call.result, "Error writing file", error);
}

/**
 * coro_local_file_sync: (skip)
 * @self: a file
 * @data_only: not the time of its last change, for example
 * @error: return location for an error
 *
 * Waits until everything that was written is on the disk.
 *
 * Callable from a coroutine, which it suspends. Cancellation: as long as it
 * has not begun.
 *
 * @error can be set to %G_IO_ERROR codes and to the misuse errors of
 * [func@await].
 *
 * Returns: %TRUE on success; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_local_file_sync (CoroLocalFile  *self,
                      gboolean        data_only,
                      GError        **error)
{
  int result = 0;
  gboolean made;

  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), FALSE);

  if (!coro_local_file_begin (self, error))
    return FALSE;
  made = coro_file_backend_sync (self->file.fd, data_only, &result, error);
  return coro_local_file_end (self, made, result, "Error writing file", error);
}
