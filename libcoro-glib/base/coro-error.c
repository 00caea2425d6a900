/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "base/coro-error.h"

#include <gio/gio.h>

G_DEFINE_QUARK (coro-error-quark, coro_error)

/**
 * coro_error_is_cancelled:
 * @error: (nullable): an error
 *
 * Whether @error says that an operation was cancelled.
 *
 * Every handler at the end of a coroutine asks this: a cancelled
 * operation is no failure to tell the user of.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: %TRUE if @error is %G_IO_ERROR_CANCELLED
 *
 * Since: 0.1
 */
gboolean
coro_error_is_cancelled (const GError *error)
{
  return error != NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}
