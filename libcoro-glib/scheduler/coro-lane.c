/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-lane-private.h"

#include "scheduler/coro-scheduler-private.h"

static void
gate_call (CoroReady *gate)
{
  g_assert_not_reached ();
}

/* Tells gates from callbacks. */
const CoroReadyClass coro_lane_gate_class = { gate_call, NULL };

void
coro_lane_init (CoroLane *self)
{
  self->gate.klass = &coro_lane_gate_class;
  self->tail = &self->head;
}

/* NULL: the queue itself. */
static CoroLane *
scheduler_get_lane (CoroScheduler *self,
                    CoroPriority   priority)
{
  switch (priority)
    {
    case CORO_PRIORITY_HIGH:
      return &self->high;
    case CORO_PRIORITY_LOW:
      return &self->low;
    case CORO_PRIORITY_DEFAULT:
    default:
      return NULL;
    }
}

static void
scheduler_open_gate (CoroScheduler *self,
                     CoroLane      *lane)
{
  if (lane->open)
    return;

  lane->open = TRUE;
  if (lane == &self->high)
    coro_scheduler_push_front (self, &lane->gate);
  else
    coro_scheduler_push (self, &lane->gate);
}

void
coro_lane_add (CoroScheduler *scheduler,
               CoroPriority   priority,
               CoroReady     *ready)
{
  CoroLane *lane = scheduler_get_lane (scheduler, priority);

  if (lane == NULL)
    {
      coro_scheduler_push (scheduler, ready);
      return;
    }

  ready->next = NULL;
  *lane->tail = ready;
  lane->tail = &ready->next;
  scheduler_open_gate (scheduler, lane);
}

/* coro_job_make_ready() for a job that is in there or has another priority than most. */
void
coro_lane_enqueue (CoroJob *job)
{
  if (job->queued)
    return;

  job->fresh = FALSE;
  job->queued = TRUE;
  coro_lane_add (coro_job_get_scheduler (job), job->priority, &job->ready);
}

static CoroReady *
lane_pop (CoroLane *self)
{
  CoroReady *ready = self->head;

  self->head = ready->next;
  if (self->head == NULL)
    self->tail = &self->head;
  return ready;
}

/* What to do about a gate at the head of the queue: moves a job of its lane there, which
 * is returned and has to start at once, or, with NULL, the gate away.
 *
 * One job each time: a job that becomes ready meanwhile and comes first has its turn then. */
CoroReady *
coro_lane_pass_gate (CoroScheduler *scheduler,
                     CoroReady     *gate)
{
  CoroLane *lane = (CoroLane *) gate;
  CoroReady *ready;

  g_assert (scheduler->ready_head == gate);

  coro_moves_settle (scheduler);
  if (gate == &scheduler->moves.gate)
    return NULL;

  coro_scheduler_pop (scheduler);
  if (lane == &scheduler->low && scheduler->ready_head != NULL)
    {
      coro_scheduler_push (scheduler, gate);
      return NULL;
    }

  lane->open = FALSE;
  if (lane->head == NULL)       /* they have another priority by now */
    return NULL;

  ready = lane_pop (lane);
  if (lane->head != NULL)
    {
      lane->open = TRUE;
      coro_scheduler_push_front (scheduler, gate);
    }
  coro_scheduler_push_front (scheduler, ready);
  return ready;
}

/* The first that has to stand back for those of high priority; NULL when there are none of
 * either kind. */
static CoroReady *
scheduler_find_default (CoroScheduler *self)
{
  CoroReady *ready = self->ready_head;

  if (self->high.head == NULL)
    return NULL;

  while (ready != NULL && ready->klass == &coro_lane_gate_class)
    ready = ready->next;
  return ready;
}

/* At the beginning of a slice: moves one that has to stand back for others to the head of
 * the queue, from the two lower priorities by turns.  The first of a slice always runs:
 * that is what all may rely on, however busy the others are.  FALSE: there is none. */
gboolean
coro_lane_favour (CoroScheduler *scheduler)
{
  CoroReady *ready;

  if (G_LIKELY (!scheduler->high.open && !scheduler->low.open))
    return FALSE;

  coro_moves_settle (scheduler);
  ready = scheduler_find_default (scheduler);
  if (scheduler->low.head != NULL && (ready == NULL || scheduler->favoured_default))
    {
      ready = lane_pop (&scheduler->low);
      scheduler->favoured_default = FALSE;
    }
  else if (ready != NULL)
    {
      coro_scheduler_remove (scheduler, ready);
      scheduler->favoured_default = TRUE;
    }
  else
    {
      return FALSE;
    }

  coro_scheduler_push_front (scheduler, ready);
  return TRUE;
}

/* Takes a ready job out of its place in the queue.  It walks through all ready jobs: this is rare,
 * and a back pointer would cost every job 8 bytes. */
static void
job_take_out (CoroJob *self)
{
  CoroScheduler *scheduler = coro_job_get_scheduler (self);
  CoroLane *lane = scheduler_get_lane (scheduler, self->priority);

  if (lane != NULL)
    coro_ready_list_remove (&lane->head, &lane->tail, &self->ready);
  else if (self->fresh)
    coro_backlog_remove (self);
  else
    coro_scheduler_remove (scheduler, &self->ready);
}

/* Takes a job that was parked or has not started out of the queue.  FALSE: it is not ready. */
gboolean
coro_job_dequeue (CoroJob *self)
{
  if (self->state == CORO_JOB_RUNNING || !self->queued)
    return FALSE;

  coro_moves_settle (coro_job_get_scheduler (self));
  job_take_out (self);
  self->queued = FALSE;
  return TRUE;
}

/* Gives the job another priority, at once even if it is in the queue. */
void
coro_job_set_priority (CoroJob      *self,
                       CoroPriority  priority)
{
  if (self->priority == priority)
    return;

  self->priority = priority;
  if (self->queued)
    coro_moves_add (self, priority);
}
