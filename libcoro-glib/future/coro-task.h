/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-coroutine.h"
#include "../scheduler/coro-priority.h"
#include "../scheduler/coro-scheduler.h"

G_BEGIN_DECLS

#define CORO_TYPE_TASK (coro_task_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroTask, coro_task, CORO, TASK, CoroFuture)

CORO_AVAILABLE_IN_ALL
CoroTask           *coro_task_get_current         (void);
CORO_AVAILABLE_IN_ALL
GList              *coro_all_tasks                (CoroScheduler  *scheduler) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean            coro_task_cancel              (CoroTask       *self);
CORO_AVAILABLE_IN_ALL
guint               coro_task_get_cancelling      (CoroTask       *self);
CORO_AVAILABLE_IN_ALL
guint               coro_task_uncancel            (CoroTask       *self);
CORO_AVAILABLE_IN_ALL
CoroCoroutineState  coro_task_get_coroutine_state (CoroTask       *self);
CORO_AVAILABLE_IN_ALL
const char         *coro_task_get_name            (CoroTask       *self);
CORO_AVAILABLE_IN_ALL
void                coro_task_set_name            (CoroTask       *self,
                                                   const char     *name);
CORO_AVAILABLE_IN_ALL
CoroPriority        coro_task_get_priority        (CoroTask       *self);
CORO_AVAILABLE_IN_ALL
void                coro_task_set_priority        (CoroTask       *self,
                                                   CoroPriority    priority);
CORO_AVAILABLE_IN_ALL
CoroPriority        coro_get_priority             (void);
CORO_AVAILABLE_IN_ALL
void                coro_set_priority             (CoroPriority    priority);
CORO_AVAILABLE_IN_ALL
const char         *coro_task_get_spawn_site      (CoroTask       *self);
CORO_AVAILABLE_IN_ALL
CoroScheduler      *coro_task_get_scheduler       (CoroTask       *self);

G_END_DECLS
