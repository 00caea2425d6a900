/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-future.h"

G_BEGIN_DECLS

CORO_AVAILABLE_IN_ALL
CoroFuture *coro_unix_signal_future (int signum) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
