/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-run-queue-private.h"

#include "scheduler/coro-scheduler-private.h"

static void
marker_call (CoroReady *marker)
{
  g_assert_not_reached ();
}

/* Tells markers from callbacks. */
const CoroReadyClass coro_run_queue_marker_class = { marker_call, NULL };

void
coro_priority_list_init (CoroPriorityList *self)
{
  self->marker.klass = &coro_run_queue_marker_class;
  self->tail = &self->head;
}

/* NULL: the queue itself. */
static CoroPriorityList *
scheduler_get_priority_list (CoroScheduler *self,
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
scheduler_insert_marker (CoroScheduler    *self,
                         CoroPriorityList *list)
{
  if (list->open)
    return;

  list->open = TRUE;
  if (list == &self->high)
    coro_scheduler_push_front (self, &list->marker);
  else
    coro_scheduler_push (self, &list->marker);
}

void
coro_run_queue_add (CoroScheduler *scheduler,
                    CoroPriority   priority,
                    CoroReady     *ready)
{
  CoroPriorityList *list = scheduler_get_priority_list (scheduler, priority);

  if (list == NULL)
    {
      coro_scheduler_push (scheduler, ready);
      return;
    }

  ready->next = NULL;
  *list->tail = ready;
  list->tail = &ready->next;
  scheduler_insert_marker (scheduler, list);
}

/* coro_job_make_ready() for a job that is in there or has another priority than most. */
void
coro_run_queue_add_job (CoroJob *job)
{
  if (job->queued)
    return;

  job->fresh = FALSE;
  job->queued = TRUE;
  coro_run_queue_add (coro_job_get_scheduler (job), job->priority, &job->ready);
}

static CoroReady *
priority_list_pop (CoroPriorityList *self)
{
  CoroReady *ready = self->head;

  self->head = ready->next;
  if (self->head == NULL)
    self->tail = &self->head;
  return ready;
}

/* What to do about a marker at the head of the queue: moves a job of its priority list there, which
 * is returned and has to start at once, or, with NULL, the marker away.
 *
 * One job each time: a job that becomes ready meanwhile and comes first has its turn then. */
CoroReady *
coro_run_queue_pass_marker (CoroScheduler *scheduler,
                            CoroReady     *marker)
{
  CoroPriorityList *list = (CoroPriorityList *) marker;
  CoroReady *ready;

  g_assert (scheduler->ready_head == marker);

  coro_priority_moves_apply (scheduler);
  if (marker == &scheduler->moves.marker)
    return NULL;

  coro_scheduler_pop (scheduler);
  if (list == &scheduler->low && scheduler->ready_head != NULL)
    {
      coro_scheduler_push (scheduler, marker);
      return NULL;
    }

  list->open = FALSE;
  if (list->head == NULL)       /* they have another priority by now */
    return NULL;

  ready = priority_list_pop (list);
  if (list->head != NULL)
    {
      list->open = TRUE;
      coro_scheduler_push_front (scheduler, marker);
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

  while (ready != NULL && ready->klass == &coro_run_queue_marker_class)
    ready = ready->next;
  return ready;
}

/* At the beginning of a slice: moves one that has to stand back for others to the head of
 * the queue, from the two lower priorities by turns.  The first of a slice always runs:
 * that is what all may rely on, however busy the others are.  FALSE: there is none. */
gboolean
coro_run_queue_prevent_starvation (CoroScheduler *scheduler)
{
  CoroReady *ready;

  if (G_LIKELY (!scheduler->high.open && !scheduler->low.open))
    return FALSE;

  coro_priority_moves_apply (scheduler);
  ready = scheduler_find_default (scheduler);
  if (scheduler->low.head != NULL && (ready == NULL || scheduler->favoured_default))
    {
      ready = priority_list_pop (&scheduler->low);
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
  CoroPriorityList *list = scheduler_get_priority_list (scheduler, self->priority);

  if (list != NULL)
    coro_ready_list_remove (&list->head, &list->tail, &self->ready);
  else if (self->fresh)
    coro_admission_remove (self);
  else
    coro_scheduler_remove (scheduler, &self->ready);
}

/* Takes a job that was parked or has not started out of the queue.  FALSE: it is not ready. */
gboolean
coro_job_dequeue (CoroJob *self)
{
  if (self->state == CORO_JOB_RUNNING || !self->queued)
    return FALSE;

  coro_priority_moves_apply (coro_job_get_scheduler (self));
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
    coro_priority_moves_add (self, priority);
}
