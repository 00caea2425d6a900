/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _CoroPendingWork CoroPendingWork;
typedef struct _CoroScheduler CoroScheduler;

/* What a thread of a pool does for a scheduler, which the end of a run and virtual time wait
 * for.  Embedded in whatever waits for it; belongs to the scheduler's thread. */
struct _CoroPendingWork
{
  CoroPendingWork *next;        /* (nullable) */
  CoroPendingWork **link;       /* (nullable): what points to us; NULL: not under way */
  guint n_forks;                /* of the process in which the thread is */
  /* This is a forked child, to which no thread has come along.  What was posted before the fork
   * has been heard of. */
  void (*fork_child) (CoroPendingWork *self);
};

void coro_pending_work_begin (CoroPendingWork *self,
                              CoroScheduler   *scheduler,
                              void           (*fork_child) (CoroPendingWork *self));
void coro_pending_work_end   (CoroPendingWork *self,
                              CoroScheduler   *scheduler);
void coro_pending_work_fail_in_fork_child (CoroScheduler   *scheduler);

G_END_DECLS
