/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-pending-work-private.h"

#include "base/coro-container-private.h"
#include "scheduler/coro-scheduler-private.h"

void
coro_pending_work_begin (CoroPendingWork *self,
                         CoroScheduler   *scheduler,
                         void           (*fork_child) (CoroPendingWork *self))
{
  self->fork_child = fork_child;
  self->n_forks = coro_n_forks;
  self->next = scheduler->pending_works;
  if (self->next != NULL)
    self->next->link = &self->next;
  self->link = &scheduler->pending_works;
  scheduler->pending_works = self;

  scheduler->n_external++;
  scheduler->n_works++;
}

void
coro_pending_work_end (CoroPendingWork *self,
                       CoroScheduler   *scheduler)
{
  g_assert (self->link != NULL);

  *self->link = self->next;
  if (self->next != NULL)
    self->next->link = self->link;
  self->link = NULL;

  scheduler->n_external--;
  scheduler->n_works--;
}

/* What hears of it only makes something ready: the list stays as it is.  What was begun
 * since the fork has a thread. */
static void
fork_child_cb (CoroReady *ready)
{
  CoroScheduler *scheduler = CORO_CONTAINER_OF (ready, CoroScheduler, fork_child_ready);

  scheduler->fork_child_queued = FALSE;
  for (CoroPendingWork *pending = scheduler->pending_works; pending != NULL; pending = pending->next)
    if (pending->n_forks != coro_n_forks)
      {
        pending->n_forks = coro_n_forks;
        pending->fork_child (pending);
      }
}

static const CoroReadyClass fork_child_class = { fork_child_cb, NULL };

/* In a forked child, as soon as the inbox was looked into. */
void
coro_pending_work_fail_in_fork_child (CoroScheduler *scheduler)
{
  scheduler->n_forks = coro_n_forks;
  if (scheduler->fork_child_queued || scheduler->pending_works == NULL)
    return;

  scheduler->fork_child_queued = TRUE;
  scheduler->fork_child_ready.klass = &fork_child_class;
  coro_scheduler_push (scheduler, &scheduler->fork_child_ready);
}
