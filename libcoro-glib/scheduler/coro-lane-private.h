/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-job-private.h"

G_BEGIN_DECLS

/* The jobs of one priority, but not the default one, that are ready: a list beside the
 * ready queue.  In the queue stands its gate, at the head for high and at the end for low
 * priority, and a job that looks for the next one sees something that the dispatcher has to
 * deal with, as with a callback: the straight way from job to job knows nothing of lanes. */
typedef struct
{
  CoroReady gate;               /* first */
  CoroReady *head;              /* (nullable) */
  CoroReady **tail;
  gboolean open;                /* the gate is in the queue; always while there are jobs */
} CoroLane;

#define CORO_N_LANES 2

extern const CoroReadyClass coro_lane_gate_class G_GNUC_INTERNAL;

void       coro_lane_init         (CoroLane       *self);
void       coro_lane_add          (CoroScheduler  *scheduler,
                                   CoroPriority    priority,
                                   CoroReady      *ready);
void       coro_lane_enqueue      (CoroJob        *job);
CoroReady *coro_lane_pass_gate    (CoroScheduler  *scheduler,
                                   CoroReady      *gate);
gboolean   coro_lane_favour       (CoroScheduler  *scheduler);
gboolean   coro_job_dequeue       (CoroJob        *self);
void       coro_job_set_priority  (CoroJob        *self,
                                   CoroPriority    priority);

G_END_DECLS
