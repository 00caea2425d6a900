/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-future.h"

G_BEGIN_DECLS

CORO_AVAILABLE_IN_ALL
gboolean    coro_sleep           (GTimeSpan   duration,
                                  GError    **error);
CORO_AVAILABLE_IN_ALL
CoroFuture *coro_sleep_future    (GTimeSpan   duration) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean    coro_yield           (GError    **error);
CORO_AVAILABLE_IN_ALL
gboolean    coro_yield_if_needed (GError    **error);
CORO_AVAILABLE_IN_ALL
gboolean    coro_yield_every     (guint      *counter,
                                  guint       n_calls,
                                  GError    **error);
CORO_AVAILABLE_IN_ALL
gboolean    coro_check_cancelled (GError    **error);

G_END_DECLS
