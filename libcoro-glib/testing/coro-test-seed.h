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
guint coro_test_get_seed   (void);
CORO_AVAILABLE_IN_ALL
void  coro_test_set_seed   (guint           seed);
CORO_AVAILABLE_IN_ALL
void  coro_test_keep_order (CoroScheduler  *scheduler);

G_END_DECLS
