/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-future.h"

G_BEGIN_DECLS

/**
 * CoroGatherFlags:
 * @CORO_GATHER_NONE: the first failure is the outcome, at once
 * @CORO_GATHER_RETURN_ERRORS: failures are results
 * @CORO_GATHER_CANCEL_ON_ERROR: the first failure cancels the others
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_GATHER_NONE = 0,
  CORO_GATHER_RETURN_ERRORS = 1 << 0,
  CORO_GATHER_CANCEL_ON_ERROR = 1 << 1
} CoroGatherFlags;

CORO_AVAILABLE_IN_ALL
CoroFuture *coro_gather      (CoroFuture * const  *futures,
                              gsize                n_futures) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
CoroFuture *coro_gather_full (CoroFuture * const  *futures,
                              gsize                n_futures,
                              CoroGatherFlags      flags) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
