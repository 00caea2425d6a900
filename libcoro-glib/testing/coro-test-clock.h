/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../scheduler/coro-scheduler.h"

G_BEGIN_DECLS

CORO_AVAILABLE_IN_ALL
void     coro_test_clock_start   (CoroScheduler  *scheduler,
                                  gboolean        autojump);
CORO_AVAILABLE_IN_ALL
void     coro_test_clock_advance (CoroScheduler  *scheduler,
                                  GTimeSpan       duration);
CORO_AVAILABLE_IN_ALL
void     coro_test_clock_stop    (CoroScheduler  *scheduler);
CORO_AVAILABLE_IN_ALL
gboolean coro_test_settle        (GError        **error);

G_END_DECLS
