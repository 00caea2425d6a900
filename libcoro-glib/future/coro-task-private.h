/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "future/coro-task.h"

#include "future/coro-supervisor-private.h"

G_BEGIN_DECLS

/* What to run. */
typedef struct
{
  CoroFunc func;
  gpointer data;
  GDestroyNotify destroy;       /* (nullable) */
  gsize copy_size;              /* 0: data is a pointer of the caller's; else so many bytes at it are moved
                                 * to the new stack, where destroy clears them */
  const char *site;             /* (nullable): static */
  gboolean eager;               /* the first step is made inside the call, where that is possible */
} CoroTaskSpec;

CoroTask *coro_task_new        (CoroScheduler       *scheduler);
CoroJob  *coro_task_get_job    (CoroTask            *self);
void      coro_task_notify_priority (CoroTask       *self);
int       coro_task_exchange_posted_priority (CoroTask *self,
                                              int       priority);
gboolean  coro_task_spawn      (CoroSupervisor      *supervisor,
                                const CoroTaskSpec  *spec);
gboolean  coro_task_try_spawn  (CoroSupervisor      *supervisor,
                                const CoroTaskSpec  *spec,
                                GError             **error);
CoroTask *coro_task_spawn_task (CoroSupervisor      *supervisor,
                                const CoroTaskSpec  *spec);
void      coro_task_reject_spec (const CoroTaskSpec *spec);

G_END_DECLS
