/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "coro-future.h"

G_BEGIN_DECLS

CORO_AVAILABLE_IN_ALL
CoroFuture *coro_gather   (CoroFuture * const  *futures,
                           gsize                n_futures) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
CoroFuture *coro_select   (GError             **error,
                           ...) G_GNUC_NULL_TERMINATED;
CORO_AVAILABLE_IN_ALL
CoroFuture *coro_selectv  (CoroFuture * const  *futures,
                           gsize                n_futures,
                           GError             **error);

G_END_DECLS
