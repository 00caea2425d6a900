/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-admission-private.h"

#include "scheduler/coro-scheduler-private.h"

/* A spawned job gets a stack when it starts.  If all that a loop has spawned started at
 * once, all of them would need one before the first has ended: a million that sleep for up to
 * a second took 9.2 s and a million stacks.  Now those that wake up have their turn in
 * between, their stacks serve the next ones, and it is 3.2 s.  Nor does any job wait behind
 * more than so many first steps. */
#define MIN_ADMITTED 1024
/* What starts makes room for two while those that go on running are more than those that
 * start: a million that never wait have all started after ten turns and not a thousand. */
#define MAX_STEPS 2

void
coro_admission_init (CoroAdmission *self)
{
  self->tail = &self->head;
}

static inline gboolean
scheduler_has_room (CoroScheduler *self)
{
  return self->admission.n_admitted < MAX (MIN_ADMITTED, self->n_ready / 2);
}

static void
scheduler_admit (CoroScheduler *self,
                 CoroReady     *ready)
{
  self->admission.n_admitted++;
  coro_scheduler_push (self, ready);
}

/* One that was admitted has left the queue. */
void
coro_admission_admit_next (CoroScheduler *self)
{
  CoroAdmission *admission = &self->admission;

  for (guint i = 0; i < MAX_STEPS && admission->head != NULL && scheduler_has_room (self); i++)
    {
      CoroReady *ready = admission->head;

      admission->head = ready->next;
      if (admission->head == NULL)
        admission->tail = &admission->head;
      scheduler_admit (self, ready);
    }
}

/* Queues a fresh job. */
void
coro_admission_add (CoroJob *job)
{
  CoroScheduler *scheduler = coro_job_get_scheduler (job);
  CoroAdmission *self = &scheduler->admission;

  job->queued = TRUE;
  if (self->head == NULL && scheduler_has_room (scheduler))
    {
      scheduler_admit (scheduler, &job->ready);
      return;
    }

  job->ready.next = NULL;
  *self->tail = &job->ready;
  self->tail = &job->ready.next;
}

/* Takes a fresh job from wherever it stands; it is to be queued elsewhere. */
void
coro_admission_remove (CoroJob *job)
{
  CoroScheduler *scheduler = coro_job_get_scheduler (job);
  CoroAdmission *self = &scheduler->admission;

  if (coro_ready_list_remove (&self->head, &self->tail, &job->ready))
    {
      job->fresh = FALSE;
      return;
    }

  coro_scheduler_remove (scheduler, &job->ready);
  coro_admission_leave (scheduler, job);
}
