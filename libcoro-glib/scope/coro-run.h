/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-return.h"
#include "../scheduler/coro-scheduler.h"

G_BEGIN_DECLS

CORO_AVAILABLE_IN_ALL
gboolean coro_run                (CoroFunc         func,
                                  gpointer         user_data,
                                  GValue          *result,
                                  GError         **error);
CORO_AVAILABLE_IN_ALL
int      coro_run_main           (CoroFunc         func,
                                  gpointer         user_data);
CORO_AVAILABLE_IN_ALL
void     coro_scheduler_shut_down (CoroScheduler  *self);

G_END_DECLS
