/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-iterator.h"

G_BEGIN_DECLS

#define CORO_TYPE_COMPLETION (coro_completion_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroCompletion, coro_completion, CORO, COMPLETION, GObject)

CORO_AVAILABLE_IN_ALL
CoroIterator *coro_as_completed (CoroFuture * const  *futures,
                                 gsize                n_futures) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
