/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-cancel-private.h"

G_BEGIN_DECLS

/* Who answers for coroutines: every one has a supervisor, which cancels them, learns of
 * their failures and outlives them.  Task groups are supervisors; so is the root of a
 * scheduler.  Belongs to its scheduler's thread. */
typedef struct _CoroSupervisor CoroSupervisor;

typedef struct
{
  /* A member has ended.  `error` (transfer full) (nullable): why it failed.  `observed`:
   * somebody has a handle, who can see it as well.  On the member's stack. */
  void (*member_ended) (CoroSupervisor *self,
                        CoroJob        *member,
                        GError         *error,
                        gboolean        observed);
  /* A failure that nobody has looked at.  On the native stack. */
  void (*report)       (CoroSupervisor *self,
                        const GError   *error,
                        const char     *name,
                        const char     *site);
  /* Whether a new member is queued now; else the supervisor queues it later.  One that is
   * queued and not marked as admitted ends without having begun. */
  gboolean (*admit)    (CoroSupervisor *self,
                        CoroJob        *member);
  /* A member that is to be queued later was cancelled: it is queued now. */
  void (*dismiss)      (CoroSupervisor *self,
                        CoroJob        *member);
  /* (nullable): its members keep it, with one reference for them all.  On the native stack. */
  void (*ref)          (CoroSupervisor *self);
  void (*unref)        (CoroSupervisor *self);
} CoroSupervisorClass;

struct _CoroSupervisor
{
  const CoroSupervisorClass *klass;
  CoroScope scope;              /* its members are the coroutines */
  guint n_members;
  gsize stack_size;             /* bytes, for new members */
  gboolean joined;              /* somebody is going to join it and read all errors */
};

static inline CoroScheduler *
coro_supervisor_get_scheduler (CoroSupervisor *self)
{
  return self->scope.scheduler;
}

G_END_DECLS
