/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-file.h"

#include "io/coro-operation.h"

/**
 * coro_file_load_bytes: (skip)
 * @file: a file
 * @etag: (out) (optional) (nullable) (transfer full): its entity tag
 * @error: return location for an error
 *
 * Loads a whole file.
 *
 * Callable from a coroutine, which it suspends. Cancellation cancels the
 * operation and waits for it.
 *
 * @error can be set to those of [method@Gio.File.load_bytes].
 *
 * Returns: (transfer full): what is in it; %NULL with @error set
 *
 * Since: 0.1
 */
GBytes *
coro_file_load_bytes (GFile   *file,
                      char   **etag,
                      GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  return g_file_load_bytes_finish (file, CORO_CALL (&op, g_file_load_bytes_async, file), etag, error);
}
