/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include <gio/gio.h>

#include "../coro-version-macros.h"

G_BEGIN_DECLS

#define CORO_TYPE_SCHEDULER (coro_scheduler_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroScheduler, coro_scheduler, CORO, SCHEDULER, GObject)

CORO_AVAILABLE_IN_ALL
CoroScheduler *coro_scheduler_get_running     (void);
CORO_AVAILABLE_IN_ALL
CoroScheduler *coro_scheduler_ref_for_context (GMainContext   *context);
CORO_AVAILABLE_IN_ALL
GMainContext  *coro_scheduler_get_context     (CoroScheduler  *self);
CORO_AVAILABLE_IN_ALL
gint64         coro_scheduler_get_time        (CoroScheduler  *self);
CORO_AVAILABLE_IN_ALL
gboolean       coro_scheduler_is_running      (CoroScheduler  *self);
CORO_AVAILABLE_IN_ALL
gboolean       coro_scheduler_is_closed       (CoroScheduler  *self);
CORO_AVAILABLE_IN_ALL
gsize          coro_scheduler_count_coroutines (CoroScheduler *self);
CORO_AVAILABLE_IN_ALL
GTimeSpan      coro_scheduler_get_time_slice  (CoroScheduler  *self);
CORO_AVAILABLE_IN_ALL
void           coro_scheduler_set_time_slice  (CoroScheduler  *self,
                                               GTimeSpan       time_slice);
CORO_AVAILABLE_IN_ALL
gsize          coro_scheduler_get_stack_size  (CoroScheduler  *self);
CORO_AVAILABLE_IN_ALL
void           coro_scheduler_set_stack_size  (CoroScheduler  *self,
                                               gsize           stack_size);

/**
 * CoroThreadStackFunc:
 * @user_data: what was passed along
 *
 * A function that [func@call_on_thread_stack] runs on the thread stack.
 *
 * Since: 0.1
 */
typedef void (*CoroThreadStackFunc) (gpointer user_data);

CORO_AVAILABLE_IN_ALL
void coro_call_on_thread_stack (CoroThreadStackFunc  func,
                                gpointer             user_data);
CORO_AVAILABLE_IN_ALL
void coro_main_loop_run        (GMainLoop           *loop);

G_END_DECLS
