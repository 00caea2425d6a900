/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scope/coro-task-group.h"

#include "future/coro-supervisor-private.h"
#include "scheduler/coro-waiter-private.h"

G_BEGIN_DECLS

struct _CoroTaskGroup
{
  GObject parent_instance;

  CoroSupervisor supervisor;
  CoroTaskGroupFlags flags;
  CoroScheduler *scheduler;     /* (nullable) (owned): NULL for the root, which it owns */
  GPtrArray *errors;            /* (nullable) (owned) (element-type GError): for the join */
  CoroWaiterList joiners;
  gboolean failed;              /* a member has, and cancelled the others */
  gboolean wound_up;            /* members above the limit wait for their places although they are cancelled */

  guint limit;                  /* 0: none */
  guint n_running;
  CoroJob *line_head;           /* (nullable): members above the limit, by ready.next */
  CoroJob *line_tail;

  CoroUnhandledFunc unhandled_func;     /* (nullable) */
  gpointer unhandled_data;      /* (owned): by unhandled_destroy */
  GDestroyNotify unhandled_destroy;
};

CoroTaskGroup *coro_task_group_new_below     (CoroScheduler       *scheduler,
                                              CoroScope           *parent,
                                              CoroTaskGroupFlags   flags);
CoroTaskGroup *coro_task_group_get_root      (CoroScheduler       *scheduler);
gboolean       coro_task_group_wait          (CoroTaskGroup       *self,
                                              GError             **error);
GError        *coro_task_group_take_failures (CoroTaskGroup       *self,
                                              GError              *body_error);

G_END_DECLS
