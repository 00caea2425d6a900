/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"

G_BEGIN_DECLS

/* It answers for coroutines: every one has a supervisor, which cancels them, learns of
 * their failures and outlives them.  Task groups are supervisors; so is the root of a
 * scheduler.  Belongs to its scheduler's thread. */
typedef struct _CoroSupervisor CoroSupervisor;

typedef struct
{
  /* A member has ended.  `error` (transfer full) (nullable): why it failed.  `observed`:
   * there is a handle, from which it can be read as well.  On the member's stack. */
  void (*member_ended) (CoroSupervisor *self,
                        CoroJob        *member,
                        GError         *error,
                        gboolean        observed);
  /* A failure that was not read.  On the thread stack. */
  void (*report)       (CoroSupervisor *self,
                        const GError   *error,
                        const char     *name,
                        const char     *site);
  /* Whether a new member is queued now; else the supervisor queues it later.  A member that is
   * queued and not marked as admitted ends without having begun. */
  gboolean (*admit)    (CoroSupervisor *self,
                        CoroJob        *member);
  /* A member that is to be queued later was cancelled: it is queued now. */
  void (*dismiss)      (CoroSupervisor *self,
                        CoroJob        *member);
  /* (nullable): its members keep it, with one reference for them all.  On the thread stack. */
  void (*ref)          (CoroSupervisor *self);
  void (*unref)        (CoroSupervisor *self);
} CoroSupervisorClass;

struct _CoroSupervisor
{
  const CoroSupervisorClass *klass;
  CoroScope scope;              /* its members are the coroutines */
  guint n_members;
  int n_posted;                 /* (atomic): members that other threads have spawned, on their way here; less
                                 * than 0: the supervisor takes no more members */
  gsize stack_size;             /* bytes, for new members; 0: what the scheduler gives */
  gboolean joined;              /* a join is going to read all errors */
  gboolean begins;              /* a member that is cancelled before it has begun runs to its first wait */
  gboolean background;          /* its members do not keep the application */
};

/* The supervisor has got its first member. */
static inline void
coro_supervisor_fill (CoroSupervisor *self)
{
  CoroHolder *holder = self->scope.scheduler->holder;

  if (self->klass->ref != NULL)
    self->klass->ref (self);
  if (G_UNLIKELY (holder != NULL) && !self->background && holder->n_groups++ == 0)
    holder->changed (holder);
}

/* The last member has ended. */
static inline void
coro_supervisor_empty (CoroSupervisor *self)
{
  CoroHolder *holder = self->scope.scheduler->holder;

  if (G_UNLIKELY (holder != NULL) && !self->background && --holder->n_groups == 0)
    holder->changed (holder);
}

static inline CoroScheduler *
coro_supervisor_get_scheduler (CoroSupervisor *self)
{
  return self->scope.scheduler;
}

/* To be called before a member is posted to the supervisor's thread, from any thread.  FALSE: the
 * supervisor takes no more members. */
static inline gboolean
coro_supervisor_announce (CoroSupervisor *self)
{
  int n_posted;

  do
    {
      n_posted = g_atomic_int_get (&self->n_posted);
      if (n_posted < 0)
        return FALSE;
    }
  while (!g_atomic_int_compare_and_exchange (&self->n_posted, n_posted, n_posted + 1));
  return TRUE;
}

/* Whether members are on their way. */
static inline gboolean
coro_supervisor_has_posted (CoroSupervisor *self)
{
  return g_atomic_int_get (&self->n_posted) > 0;
}

/* From now on the supervisor takes no members.  FALSE: members are on their way, and nothing was
 * changed. */
static inline gboolean
coro_supervisor_finish (CoroSupervisor *self)
{
  return g_atomic_int_compare_and_exchange (&self->n_posted, 0, G_MININT / 2);
}

/* From now on the supervisor takes no members, even if members are on their way. */
static inline void
coro_supervisor_finish_anyway (CoroSupervisor *self)
{
  g_atomic_int_add (&self->n_posted, G_MININT / 2);
}

static inline gboolean
coro_supervisor_is_finished (CoroSupervisor *self)
{
  return g_atomic_int_get (&self->n_posted) < 0;
}

G_END_DECLS
