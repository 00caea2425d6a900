/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-future.h"

G_BEGIN_DECLS

/**
 * CoroLocalFileFlags:
 * @CORO_LOCAL_FILE_READ: it will be read
 * @CORO_LOCAL_FILE_WRITE: it will be written
 * @CORO_LOCAL_FILE_CREATE: it is made if there is none
 * @CORO_LOCAL_FILE_EXCLUSIVE: with `CREATE`: there must be none
 * @CORO_LOCAL_FILE_TRUNCATE: what is in it goes
 * @CORO_LOCAL_FILE_APPEND: all writing happens at its end
 *
 * How [func@LocalFile.open] opens a file.
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_LOCAL_FILE_READ = 1 << 0,
  CORO_LOCAL_FILE_WRITE = 1 << 1,
  CORO_LOCAL_FILE_CREATE = 1 << 2,
  CORO_LOCAL_FILE_EXCLUSIVE = 1 << 3,
  CORO_LOCAL_FILE_TRUNCATE = 1 << 4,
  CORO_LOCAL_FILE_APPEND = 1 << 5
} CoroLocalFileFlags;

#define CORO_TYPE_LOCAL_FILE (coro_local_file_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroLocalFile, coro_local_file, CORO, LOCAL_FILE, GObject)

CORO_AVAILABLE_IN_ALL
CoroLocalFile *coro_local_file_open            (GFile               *file,
                                                CoroLocalFileFlags   flags,
                                                guint                mode,
                                                GError             **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
CoroFuture    *coro_local_file_open_future     (GFile               *file,
                                                CoroLocalFileFlags   flags,
                                                guint                mode) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
int            coro_local_file_get_fd          (CoroLocalFile       *self);
CORO_AVAILABLE_IN_ALL
gboolean       coro_local_file_is_closed       (CoroLocalFile       *self);
CORO_AVAILABLE_IN_ALL
GFileInfo     *coro_local_file_query_info      (CoroLocalFile       *self,
                                                GError             **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gssize         coro_local_file_read            (CoroLocalFile       *self,
                                                gpointer             buffer,
                                                gsize                count,
                                                goffset              offset,
                                                GError             **error);
CORO_AVAILABLE_IN_ALL
gboolean       coro_local_file_read_all        (CoroLocalFile       *self,
                                                gpointer             buffer,
                                                gsize                count,
                                                goffset              offset,
                                                gsize               *n_read,
                                                GError             **error);
CORO_AVAILABLE_IN_ALL
CoroFuture    *coro_local_file_read_future     (CoroLocalFile       *self,
                                                gsize                count,
                                                goffset              offset) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gssize         coro_local_file_write           (CoroLocalFile       *self,
                                                gconstpointer        buffer,
                                                gsize                count,
                                                goffset              offset,
                                                GError             **error);
CORO_AVAILABLE_IN_ALL
gboolean       coro_local_file_write_all       (CoroLocalFile       *self,
                                                gconstpointer        buffer,
                                                gsize                count,
                                                goffset              offset,
                                                gsize               *n_written,
                                                GError             **error);
CORO_AVAILABLE_IN_ALL
CoroFuture    *coro_local_file_write_future    (CoroLocalFile       *self,
                                                GBytes              *bytes,
                                                goffset              offset) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean       coro_local_file_truncate        (CoroLocalFile       *self,
                                                goffset              size,
                                                GError             **error);
CORO_AVAILABLE_IN_ALL
gboolean       coro_local_file_sync            (CoroLocalFile       *self,
                                                gboolean             data_only,
                                                GError             **error);
CORO_AVAILABLE_IN_ALL
CoroFuture    *coro_local_file_sync_future     (CoroLocalFile       *self,
                                                gboolean             data_only) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean       coro_local_file_close           (CoroLocalFile       *self,
                                                GError             **error);
CORO_AVAILABLE_IN_ALL
CoroFuture    *coro_local_file_close_future    (CoroLocalFile       *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
