/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-job-private.h"

G_BEGIN_DECLS

/* The jobs of one priority, but not the default one, that are ready: a list beside the
 * ready queue.  In the queue stands its marker, at the head for high and at the end for low
 * priority, and a job that looks for the next one sees something that the dispatcher has to
 * deal with, as with a callback: the straight way from job to job knows nothing of priority lists. */
typedef struct
{
  CoroReady marker;             /* first */
  CoroReady *head;              /* (nullable) */
  CoroReady **tail;
  gboolean open;                /* the marker is in the queue; always while there are jobs */
} CoroPriorityList;

extern const CoroReadyClass coro_run_queue_marker_class G_GNUC_INTERNAL;

void       coro_priority_list_init    (CoroPriorityList *self);
void       coro_run_queue_add         (CoroScheduler    *scheduler,
                                       CoroPriority      priority,
                                       CoroReady        *ready);
void       coro_run_queue_add_job     (CoroJob          *job);
CoroReady *coro_run_queue_pass_marker (CoroScheduler    *scheduler,
                                       CoroReady        *marker);
gboolean   coro_run_queue_prevent_starvation (CoroScheduler    *scheduler);
gboolean   coro_job_dequeue           (CoroJob          *self);
void       coro_job_set_priority      (CoroJob          *self,
                                       CoroPriority      priority);

G_END_DECLS
