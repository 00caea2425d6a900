/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "testing/coro-test-cancel-private.h"

#include "base/coro-container-private.h"
#include "debug/coro-backtrace-private.h"

/* Which await is cancelled, and when. */

/* Callable on the waiter's stack only. */
static void
run_note_frames (CoroCancelRun *self)
{
  self->n_frames = coro_backtrace_capture (self->frames, CORO_CANCEL_MAX_FRAMES);
}

static void
run_note_place (CoroCancelRun *self,
                CoroJob       *job)
{
  GString *place = g_string_new (NULL);

  g_string_append (place, job->site != NULL ? job->site : "a coroutine");
  if (job->state == CORO_JOB_NEW)
    g_string_append (place, ", which has not started");
  else if (job->waiter != NULL && job->waiter->klass->name != NULL)
    g_string_append_printf (place, ", which waits for %s", job->waiter->klass->name);
  else if (job->waiter != NULL && job->waiter->object != NULL)
    g_string_append_printf (place, ", which waits for a %s", G_OBJECT_TYPE_NAME (job->waiter->object));
  if (job->state == CORO_JOB_NEW)
    self->n_frames = 0;
  self->place = g_string_free (place, FALSE);
}

/* Whether the way of cancelling reaches the job. */
static gboolean
run_covers (CoroCancelRun *self,
            CoroJob       *job)
{
  if (!self->watching || !g_hash_table_contains (self->jobs, job))
    return FALSE;
  if (self->kind == CORO_TEST_CANCEL_TASK)
    return TRUE;

  for (CoroScope *scope = job->scope; scope != NULL; scope = scope->parent)
    if (scope == &self->scope)
      return self->in_scope;
  return FALSE;
}

/* Whether it is this await of the job's that is to be cancelled. */
static gboolean
run_is_target (CoroCancelRun       *self,
               CoroTestCancelFlags  moment,
               CoroJob             *job)
{
  if (self->moment != moment || self->struck || !run_covers (self, job) || ++self->n_awaits != self->target)
    return FALSE;

  self->struck = TRUE;
  self->victim = job;
  run_note_place (self, job);
  return TRUE;
}

static void
run_cancel (CoroCancelRun *self,
            CoroJob       *job)
{
  if (self->kind == CORO_TEST_CANCEL_TASK)
    {
      self->requested = TRUE;
      coro_job_request_cancel (job);
    }
  else if (!self->in_scope)
    ;                           /* left meanwhile */
  else if (self->kind == CORO_TEST_CANCEL_SCOPE)
    coro_scope_cancel (&self->scope);
  else
    coro_scope_set_deadline (&self->scope, coro_scheduler_now (self->scheduler));
}

/* The strike is at the head of the queue, so nothing has woken the job yet.  With a seed another job
 * may come first, and the job may have ended. */
static void
strike_cb (CoroReady *ready)
{
  CoroCancelRun *self = CORO_CONTAINER_OF (ready, CoroCancelRun, strike);

  if (self->victim != NULL)
    run_cancel (self, self->victim);
}

/* After an await of the victim that has succeeded in spite of the request: the request must still
 * be pending, so that the next await fails. */
static void
run_check_request (CoroCancelRun *self,
                   CoroJob       *job)
{
  if (self->requested && job == self->victim && !self->heard && !job->cancel_pending && job->n_cancelling > 0)
    self->lost = TRUE;
}

static const CoroReadyClass strike_class = { strike_cb, NULL };

/* --- observer ------------------------------------------------------------------------ */

static void
run_created (CoroObserver *observer,
             CoroJob      *job)
{
  CoroCancelRun *self = (CoroCancelRun *) observer;

  if (self->watching)
    g_hash_table_add (self->jobs, job);
  if (observer->next != NULL)
    observer->next->created (observer->next, job);
}

/* Nothing will come of it any more. */
void
coro_cancel_run_give_up (CoroCancelRun *self)
{
  self->stuck = TRUE;
  coro_event_trigger (self->ended);
}

static void
run_entered (CoroObserver *observer,
             CoroJob      *job)
{
  CoroCancelRun *self = (CoroCancelRun *) observer;

  if (self->watching && ++self->n_steps == CORO_CANCEL_MAX_STEPS)
    coro_cancel_run_give_up (self);
  if (job != NULL && run_is_target (self, CORO_TEST_CANCEL_WOKEN, job))
    run_cancel (self, job);
  if (observer->next != NULL)
    observer->next->entered (observer->next, job);
}

static void
run_left (CoroObserver *observer,
          CoroJob      *job,
          gboolean      ended)
{
  CoroCancelRun *self = (CoroCancelRun *) observer;

  if (job != NULL && !ended)
    {
      /* For a wake-up this is the last moment on its stack. */
      if (self->moment != 0 && self->n_awaits + 1 == self->target && run_covers (self, job))
        run_note_frames (self);
      if (run_is_target (self, CORO_TEST_CANCEL_PARKED, job))
        {
          self->strike.klass = &strike_class;
          coro_scheduler_push_front (self->scheduler, &self->strike);
        }
    }
  if (observer->next != NULL)
    observer->next->left (observer->next, job, ended);
}

static void
run_wait_begun (CoroObserver *observer,
                CoroJob      *job)
{
  if (observer->next != NULL)
    observer->next->wait_begun (observer->next, job);
}

static void
run_wait_ended (CoroObserver *observer,
                CoroJob      *job,
                const GError *error)
{
  if (observer->next != NULL)
    observer->next->wait_ended (observer->next, job, error);
}

static void
run_finished (CoroObserver *observer,
              CoroJob      *job,
              const GError *error)
{
  CoroCancelRun *self = (CoroCancelRun *) observer;

  run_check_request (self, job);
  if (job == self->victim)
    self->victim = NULL;
  if (g_hash_table_remove (self->jobs, job) && g_hash_table_size (self->jobs) == 0)
    coro_event_trigger (self->ended);
  if (observer->next != NULL)
    observer->next->finished (observer->next, job, error);
}

static void
run_cancel_ignored (CoroObserver *observer,
                    CoroJob      *job)
{
  if (observer->next != NULL)
    observer->next->cancel_ignored (observer->next, job);
}

static void
run_lock_held (CoroObserver *observer,
               CoroJob      *job,
               int           change)
{
  if (observer->next != NULL)
    observer->next->lock_held (observer->next, job, change);
}

static void
run_waiting (CoroObserver *observer,
             CoroJob      *job)
{
  CoroCancelRun *self = (CoroCancelRun *) observer;

  run_check_request (self, job);
  if (self->moment == CORO_TEST_CANCEL_BEFORE && self->n_awaits + 1 == self->target && run_covers (self, job))
    run_note_frames (self);
  if (run_is_target (self, CORO_TEST_CANCEL_BEFORE, job))
    run_cancel (self, job);
}

static void
run_cancel_heard (CoroObserver *observer,
                  CoroJob      *job)
{
  CoroCancelRun *self = (CoroCancelRun *) observer;

  if (self->requested && job == self->victim)
    self->heard = TRUE;
}

static void
run_free (CoroObserver *observer)
{
  /* It belongs to no scheduler. */
}

static void
run_generator_dropped (CoroObserver *observer,
                       const char   *name)
{
  if (observer->next != NULL && observer->next->generator_dropped != NULL)
    observer->next->generator_dropped (observer->next, name);
}

const CoroObserver coro_cancel_run_observer = {
  run_created,
  run_entered,
  run_left,
  run_wait_begun,
  run_wait_ended,
  run_finished,
  run_cancel_ignored,
  run_lock_held,
  run_free,
  run_waiting,
  run_cancel_heard,
  run_generator_dropped,
};
