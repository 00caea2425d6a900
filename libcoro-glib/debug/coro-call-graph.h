/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-task.h"

G_BEGIN_DECLS

CORO_AVAILABLE_IN_ALL
char  *coro_format_call_graph  (CoroScheduler  *scheduler) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
void   coro_print_call_graph   (CoroScheduler  *scheduler);
CORO_AVAILABLE_IN_ALL
char  *coro_task_format_stack  (CoroTask       *self,
                                guint           max_frames) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
void   coro_task_print_stack   (CoroTask       *self);

G_END_DECLS
