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
 * CoroFileSaveFlags:
 * @CORO_FILE_SAVE_NONE: the new contents survive a crash of the program
 * @CORO_FILE_SAVE_DURABLE: and, once it is done, one of the machine
 * @CORO_FILE_SAVE_PRIVATE: a file that is made can be read by its owner only
 *
 * How [func@file_save_bytes] saves.
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_FILE_SAVE_NONE = 0,
  CORO_FILE_SAVE_DURABLE = 1 << 0,
  CORO_FILE_SAVE_PRIVATE = 1 << 1
} CoroFileSaveFlags;

CORO_AVAILABLE_IN_ALL
GBytes     *coro_file_load_bytes        (GFile                  *file,
                                         char                  **etag,
                                         GError                **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
CoroFuture *coro_file_load_bytes_future (GFile                  *file) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean    coro_file_save_bytes        (GFile                  *file,
                                         GBytes                 *bytes,
                                         CoroFileSaveFlags       flags,
                                         GError                **error);
CORO_AVAILABLE_IN_ALL
CoroFuture *coro_file_save_bytes_future (GFile                  *file,
                                         GBytes                 *bytes,
                                         CoroFileSaveFlags       flags) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean    coro_file_copy_to           (GFile                  *source,
                                         GFile                  *target,
                                         GFileCopyFlags          flags,
                                         GFileProgressCallback   progress,
                                         gpointer                user_data,
                                         GError                **error);
CORO_AVAILABLE_IN_ALL
CoroFuture *coro_file_copy_to_future    (GFile                  *source,
                                         GFile                  *target,
                                         GFileCopyFlags          flags) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
