/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-debug-private.h"

#include "debug/coro-error-trace-private.h"

/* Debug mode looks over the shoulder of a scheduler.  It is asked for by the environment
 * variable CORO_DEBUG or by a call, and costs one branch a switch while it is off. */

#define DEFAULT_SLOW    (100 * G_TIME_SPAN_MILLISECOND)
#define DEFAULT_BLOCKED (1 * G_TIME_SPAN_SECOND)

static void
debug_created (CoroObserver *observer,
               CoroJob      *job)
{
  coro_debug_trace ((CoroDebug *) observer, CORO_TRACE_CREATED, job, NULL);
}

static void
debug_entered (CoroObserver *observer,
               CoroJob      *job)
{
  CoroDebug *self = (CoroDebug *) observer;

  if (job != NULL)
    coro_debug_trace (self, job->state == CORO_JOB_NEW ? CORO_TRACE_STARTED : CORO_TRACE_RESUMED, job, NULL);
  coro_debug_step_begin (self, job);
}

static void
debug_left (CoroObserver *observer,
            CoroJob      *job,
            gboolean      ended)
{
  CoroDebug *self = (CoroDebug *) observer;

  if (job != NULL)
    {
      if (!ended && (self->flags & CORO_DEBUG_ERRORS) != 0)
        coro_error_trace_waits (self, job);
      coro_debug_check_left (self, job, ended);
      coro_debug_trace (self, ended ? CORO_TRACE_FINISHED : CORO_TRACE_SUSPENDED, job, NULL);
      if (ended)
        coro_debug_trace (self, CORO_TRACE_FREED, job, NULL);
    }

  /* One that got no stack has begun none: this is the step of its spawner. */
  if (job == NULL || job->state != CORO_JOB_NEW)
    coro_debug_step_end (self);
}

static void
debug_wait_begun (CoroObserver *observer,
                  CoroJob      *job)
{
  coro_debug_trace ((CoroDebug *) observer, CORO_TRACE_AWAITING, job, NULL);
}

static void
debug_wait_ended (CoroObserver *observer,
                  CoroJob      *job,
                  const GError *error)
{
  coro_debug_trace ((CoroDebug *) observer, CORO_TRACE_RESULT, job, error);
}

static void
debug_finished (CoroObserver *observer,
                CoroJob      *job,
                const GError *error)
{
  CoroDebug *self = (CoroDebug *) observer;

  coro_debug_trace (self, coro_trace_event_for_error (error), job, error);
  if ((self->flags & CORO_DEBUG_ERRORS) != 0)
    coro_error_trace_finished (self, job, error);
  /* The last chance: its handle goes away before it has left. */
  if (self->step.job == job)
    coro_debug_step_set_name (&self->step);
}

static void
debug_free (CoroObserver *observer)
{
  CoroDebug *self = (CoroDebug *) observer;

  coro_watchdog_remove (self);
  coro_debug_flush (self);
  if (self->trace_destroy != NULL)
    self->trace_destroy (self->trace_data);
  g_hash_table_unref (self->jobs);
  g_array_unref (self->outer_steps);
  g_free (self);
}

static const CoroObserver debug_observer = {
  debug_created,
  debug_entered,
  debug_left,
  debug_wait_begun,
  debug_wait_ended,
  debug_finished,
  coro_debug_cancel_ignored,
  coro_debug_lock_held,
  debug_free,
  .generator_dropped = coro_debug_generator_dropped,
};

/* Belongs to the scheduler from then on, also while it is off. */
CoroDebug *
coro_debug_get (CoroScheduler *scheduler)
{
  CoroDebug *self = (CoroDebug *) scheduler->debug;

  if (self != NULL)
    return self;

  self = g_new0 (CoroDebug, 1);
  self->observer = debug_observer;
  self->scheduler = scheduler;
  self->slow = DEFAULT_SLOW;
  self->blocked = DEFAULT_BLOCKED;
  self->jobs = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  g_queue_init (&self->reports);
  self->outer_steps = g_array_new (FALSE, FALSE, sizeof (CoroDebugStep));
  scheduler->debug = &self->observer;
  return self;
}

/* Puts the observer in place while debug mode or a tracer is on.  A test of cancellation may have
 * an observer of its own before it. */
void
coro_debug_update (CoroDebug *self)
{
  CoroScheduler *scheduler = self->scheduler;
  CoroObserver **place = &scheduler->observer;

  while (*place != NULL && *place != &self->observer)
    place = &(*place)->next;

  if (self->flags == CORO_DEBUG_NONE && self->trace == NULL)
    {
      *place = NULL;
      __atomic_store_n (&self->step.start, 0, __ATOMIC_RELEASE);
      g_array_set_size (self->outer_steps, 0);
    }
  else if (*place == NULL)
    {
      *place = &self->observer;
      if (scheduler->running != NULL)
        coro_debug_step_begin (self, scheduler->running);
    }
}
