/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../scheduler/coro-scheduler.h"

G_BEGIN_DECLS

/**
 * CoroDebugFlags:
 * @CORO_DEBUG_NONE: nothing is watched
 * @CORO_DEBUG_SLOW: warn of coroutines and callbacks that run for long
 *   without waiting
 * @CORO_DEBUG_WATCHDOG: while one of them blocks the thread, show where
 * @CORO_DEBUG_CHECKS: look for mistakes: calls from the wrong thread, locks
 *   that are not released, cancellations that are ignored, a thread-default
 *   context that is not popped before a wait, a rounding mode that is not put
 *   back, generators that are dropped before their end
 * @CORO_DEBUG_ERRORS: note the way of errors through the coroutines, see
 *   [func@format_error_trace]; `Since: 0.1`
 * @CORO_DEBUG_ALL: all of these
 *
 * What debug mode watches.
 *
 * Since: 0.1
 */
typedef enum /*< flags >*/
{
  CORO_DEBUG_NONE     = 0,
  CORO_DEBUG_SLOW     = 1 << 0,
  CORO_DEBUG_WATCHDOG = 1 << 1,
  CORO_DEBUG_CHECKS   = 1 << 2,
  CORO_DEBUG_ERRORS   = 1 << 3,
  CORO_DEBUG_ALL      = (1 << 4) - 1
} CoroDebugFlags;

CORO_AVAILABLE_IN_ALL
void           coro_debug_set_flags                  (CoroDebugFlags  flags);
CORO_AVAILABLE_IN_ALL
CoroDebugFlags coro_debug_get_flags                  (void);

CORO_AVAILABLE_IN_ALL
void           coro_scheduler_set_debug              (CoroScheduler  *self,
                                                      CoroDebugFlags  flags);
CORO_AVAILABLE_IN_ALL
CoroDebugFlags coro_scheduler_get_debug              (CoroScheduler  *self);
CORO_AVAILABLE_IN_ALL
void           coro_scheduler_set_slow_threshold     (CoroScheduler  *self,
                                                      GTimeSpan       threshold);
CORO_AVAILABLE_IN_ALL
GTimeSpan      coro_scheduler_get_slow_threshold     (CoroScheduler  *self);
CORO_AVAILABLE_IN_ALL
void           coro_scheduler_set_watchdog_threshold (CoroScheduler  *self,
                                                      GTimeSpan       threshold);
CORO_AVAILABLE_IN_ALL
GTimeSpan      coro_scheduler_get_watchdog_threshold (CoroScheduler  *self);

G_END_DECLS
