/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include <gio/gio.h>

#include "../coro-version-macros.h"

G_BEGIN_DECLS

/**
 * CoroThreadFunc:
 * @user_data: what was passed along
 * @cancellable: cancelled when the waiting coroutine is
 * @error: return location for the reason of a failure
 *
 * What [func@run_in_thread] runs in a thread of a pool. It may block,
 * and must not call anything that suspends.
 *
 * Returns: (nullable): the result
 *
 * Since: 0.1
 */
typedef gpointer (*CoroThreadFunc) (gpointer       user_data,
                                    GCancellable  *cancellable,
                                    GError       **error);

CORO_AVAILABLE_IN_ALL
gpointer coro_run_in_thread (CoroThreadFunc   func,
                             gpointer         user_data,
                             GDestroyNotify   destroy,
                             GError         **error);

G_END_DECLS
