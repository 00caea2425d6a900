/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "file/coro-local-file-private.h"

#include "scope/coro-closure.h"
#include "scope/coro-spawn.h"

#include <errno.h>

/* Calls of open files as futures. */

CORO_DEFINE_SPAWN (OBJECT, CORO_TYPE_LOCAL_FILE, coro_local_file_open, CORO_ARG_OBJECT (GFile, file),
                   CORO_ARG_VALUE (CoroLocalFileFlags, flags), CORO_ARG_VALUE (guint, mode))

/**
 * coro_local_file_open_future: (rename-to coro_local_file_open)
 * @file: a file that has a path
 * @flags: what for, at least %CORO_LOCAL_FILE_READ or %CORO_LOCAL_FILE_WRITE
 * @mode: the permissions of a file that is made
 *
 * Opens a file; the value of the future is the open file.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future for a [class@LocalFile]
 *
 * Since: 0.1
 */
CoroFuture *
coro_local_file_open_future (GFile              *file,
                             CoroLocalFileFlags  flags,
                             guint               mode)
{
  g_return_val_if_fail (G_IS_FILE (file), NULL);
  g_return_val_if_fail ((flags & (CORO_LOCAL_FILE_READ | CORO_LOCAL_FILE_WRITE)) != 0, NULL);

  return CORO_FUTURE (coro_local_file_open_task (NULL, file, flags, mode));
}

static GBytes *
local_file_read_bytes (CoroLocalFile  *self,
                       gsize           count,
                       gint64          offset,
                       GError        **error)
{
  char *buffer = g_try_malloc (MAX (count, 1));
  gsize n_read = 0;

  if (buffer == NULL)
    {
      coro_file_backend_set_error (error, ENOMEM, "Error reading file", self->path);
      return NULL;
    }
  if (!coro_local_file_read_all (self, buffer, count, offset, &n_read, error))
    {
      g_free (buffer);
      return NULL;
    }
  return g_bytes_new_take (g_realloc (buffer, MAX (n_read, 1)), n_read);
}

CORO_DEFINE_SPAWN (BOXED, G_TYPE_BYTES, local_file_read_bytes, CORO_ARG_OBJECT (CoroLocalFile, self),
                   CORO_ARG_VALUE (gsize, count), CORO_ARG_VALUE (gint64, offset))

/**
 * coro_local_file_read_future: (rename-to coro_local_file_read)
 * @self: a file
 * @count: how many bytes
 * @offset: from where; -1: where the last call with -1 has ended
 *
 * Reads until there are enough bytes or the file ends; the value of the
 * future is what was read.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future for a [struct@GLib.Bytes]
 *
 * Since: 0.1
 */
CoroFuture *
coro_local_file_read_future (CoroLocalFile *self,
                             gsize          count,
                             goffset        offset)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), NULL);
  g_return_val_if_fail (offset >= -1, NULL);

  return CORO_FUTURE (local_file_read_bytes_task (NULL, self, count, offset));
}

static gboolean
local_file_write_bytes (CoroLocalFile  *self,
                        GBytes         *bytes,
                        gint64          offset,
                        GError        **error)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  return coro_local_file_write_all (self, data, size, offset, NULL, error);
}

CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, local_file_write_bytes, CORO_ARG_OBJECT (CoroLocalFile, self),
                   CORO_ARG_BOXED (GBytes, bytes, g_bytes_ref, g_bytes_unref), CORO_ARG_VALUE (gint64, offset))

/**
 * coro_local_file_write_future: (rename-to coro_local_file_write)
 * @self: a file
 * @bytes: what to write
 * @offset: where to; -1: where the last call with -1 has ended
 *
 * Writes everything.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future for %TRUE
 *
 * Since: 0.1
 */
CoroFuture *
coro_local_file_write_future (CoroLocalFile *self,
                              GBytes        *bytes,
                              goffset        offset)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), NULL);
  g_return_val_if_fail (bytes != NULL, NULL);
  g_return_val_if_fail (offset >= -1, NULL);

  return CORO_FUTURE (local_file_write_bytes_task (NULL, self, bytes, offset));
}

CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, coro_local_file_sync, CORO_ARG_OBJECT (CoroLocalFile, self),
                   CORO_ARG_VALUE (gboolean, data_only))

/**
 * coro_local_file_sync_future: (rename-to coro_local_file_sync)
 * @self: a file
 * @data_only: not the time of its last change, for example
 *
 * Waits until everything that was written is on the disk.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future for %TRUE
 *
 * Since: 0.1
 */
CoroFuture *
coro_local_file_sync_future (CoroLocalFile *self,
                             gboolean       data_only)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), NULL);

  return CORO_FUTURE (coro_local_file_sync_task (NULL, self, data_only));
}

CORO_DEFINE_SPAWN (BOOLEAN, G_TYPE_BOOLEAN, coro_local_file_close, CORO_ARG_OBJECT (CoroLocalFile, self))

/**
 * coro_local_file_close_future: (rename-to coro_local_file_close)
 * @self: a file
 *
 * Closes the file and says whether everything could be written.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future for %TRUE
 *
 * Since: 0.1
 */
CoroFuture *
coro_local_file_close_future (CoroLocalFile *self)
{
  g_return_val_if_fail (CORO_IS_LOCAL_FILE (self), NULL);

  return CORO_FUTURE (coro_local_file_close_task (NULL, self));
}
