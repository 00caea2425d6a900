/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-waiter-private.h"

#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"

static void
waiter_set_woken (CoroWaiter *self)
{
  self->woken = TRUE;
  self->cancelled_first = coro_job_is_cancelled (self->job);
  coro_job_wake (self->job);
}

static void
waiter_message_cb (CoroMessage *message)
{
  waiter_set_woken ((CoroWaiter *) message);
}

static void
job_yield (CoroJob *job)
{
  if (!coro_job_check_suspend (job, NULL))
    return;

  coro_job_make_ready (job);
  coro_job_suspend (job);
}

/* Before an await of a cancelled job fails.
 *
 * A request for the job itself that is read is consumed.  Everything else comes
 * again at the next await, and so it costs a turn: a loop that does not look at its errors
 * must not stop the whole program. */
void
coro_waiter_yield_cancelled (CoroJob  *job,
                             GError  **error)
{
  if (error == NULL || !coro_job_has_request (job))
    job_yield (job);
}

static void
job_fail_cancelled (CoroJob  *job,
                    GError  **error)
{
  coro_waiter_yield_cancelled (job, error);
  coro_job_deliver_cancel (job, error);
}

/* Every await comes through here before it looks whether its job is cancelled. */
static inline void
job_tell_waiting (CoroJob *job)
{
  CoroObserver *observer = coro_scheduler_current->observer;

  if (G_UNLIKELY (observer != NULL) && observer->waiting != NULL)
    observer->waiting (observer, job);
}

gboolean
coro_waiter_check_ready_slow (GError **error)
{
  CoroJob *job = coro_job_get_running ();

  if (job == NULL)
    return TRUE;

  job_tell_waiting (job);

  /* A first step inside the call that spawned it does not end for that. */
  if (G_UNLIKELY (!coro_scheduler_tick (coro_scheduler_current)) && !coro_scheduler_current->dispatch->eager)
    job_yield (job);

  if (G_LIKELY (!coro_job_is_cancelled (job)))
    return TRUE;

  job_fail_cancelled (job, error);
  return FALSE;
}

static inline gboolean
waiter_init (CoroWaiter  *self,
             CoroJob     *job,
             GError     **error)
{
  if (!coro_job_check_suspend (job, error))
    return FALSE;

  *self = (CoroWaiter) { .job = job, .message = { .handle = waiter_message_cb } };
  return TRUE;
}

/* Like coro_waiter_init(), for a wait that a cancelled job may begin as well. */
gboolean
coro_waiter_init_uncancellable (CoroWaiter  *self,
                                GError     **error)
{
  CoroJob *job = coro_job_require (error);

  if (G_UNLIKELY (job == NULL))
    return FALSE;

  job_tell_waiting (job);
  return waiter_init (self, job, error);
}

/* Prepares a wait of the running job.  FALSE with CORO_ERROR_NOT_IN_COROUTINE,
 * CORO_ERROR_NESTED_LOOP, CORO_ERROR_FOREIGN_FRAME or G_IO_ERROR_CANCELLED: then nothing
 * may be waited for. */
gboolean
coro_waiter_init (CoroWaiter  *self,
                  GError     **error)
{
  CoroJob *job = coro_job_require (error);

  if (G_UNLIKELY (job == NULL))
    return FALSE;

  job_tell_waiting (job);
  if (coro_job_is_cancelled (job))
    {
      job_fail_cancelled (job, error);
      return FALSE;
    }

  return waiter_init (self, job, error);
}

/**
 * coro_waiter_wake: (skip)
 * @self: a waiter
 *
 * Ends a wait that [vfunc@Awaitable.begin] has left pending.
 *
 * To be called once for each waiter, and not after [vfunc@Awaitable.abort] has
 * returned %CORO_ABORT_DONE, because then the waiter is gone.
 * [vfunc@Awaitable.abort] may be called for a waiter that was woken already.
 * The coroutine runs later, not inside this call.
 *
 * Callable from any thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_waiter_wake (CoroWaiter *self)
{
  CoroScheduler *scheduler;

  g_return_if_fail (self != NULL);

  scheduler = coro_job_get_scheduler (self->job);
  if (G_LIKELY (coro_scheduler_is_mine (scheduler)))
    waiter_set_woken (self);
  else
    coro_scheduler_post (scheduler, &self->message);
}

gboolean
coro_waiter_undo_nothing (gpointer    object,
                          CoroWaiter *waiter)
{
  return TRUE;
}

/* Parks the job until it is woken or cancelled.  Everything happens here, on the job's
 * own stack: a cancel only puts it into the queue. */
static gboolean
waiter_park (CoroWaiter           *self,
             const CoroWaitClass  *klass,
             gpointer              object,
             GError              **error)
{
  CoroJob *job = self->job;

  self->klass = klass;
  self->object = object;
  job->waiter = self;
  while (!self->woken)
    {
      /* Every later request is passed on as well. */
      if (G_UNLIKELY (coro_job_is_cancelled (job)) &&
          (!self->aborted || (klass->delegates && coro_job_has_request (job))))
        {
          /* As the scheduler ends, all jobs are asked to stop at once.  A job passes its first
           * request on, no more: in a chain of tasks each request would be passed on to the end. */
          if (self->aborted && coro_job_get_scheduler (job)->ending)
            {
              job->cancel_pending = FALSE;
              self->delegated = TRUE;
              continue;
            }
          coro_scheduler_catch_up (coro_job_get_scheduler (job));
          if (self->woken)
            break;              /* another thread had posted the wake-up before */
          if (klass->abort (object, self))
            {
              job->waiter = NULL;
              coro_job_deliver_cancel (job, error);
              return FALSE;
            }
          coro_job_mark_cancel (job);
          if (self->woken)
            break;              /* as it turns out, before the abort */
          self->aborted = TRUE;
          /* A request that a shield holds back does not count: then a scope has cancelled. */
          if (klass->delegates && coro_job_has_request (job))
            {
              job->cancel_pending = FALSE;
              self->delegated = TRUE;
            }
          continue;
        }
      coro_job_suspend (job);
    }
  job->waiter = NULL;

  /* Woken and cancelled in the same turn, where the wake-up can be undone: an explicit
   * cancel wins, so that no code runs for a widget that is gone; a deadline only if it
   * came first. */
  if (G_UNLIKELY (coro_job_is_cancelled (job)) && !self->aborted && klass->undo != NULL &&
      (self->cancelled_first || coro_job_cancel_preempts (job)) && klass->undo (object, self))
    {
      coro_job_deliver_cancel (job, error);
      return FALSE;
    }

  return TRUE;
}

/* To be called after a wait that may have passed a cancel request on.  `heard`: the outcome of the
 * wait counts as delivery of the request; else the request is delivered at the next await. */
void
coro_waiter_settle (CoroWaiter *self,
                    gboolean    heard)
{
  if (G_LIKELY (!self->delegated))
    return;

  self->delegated = FALSE;
  if (heard)
    coro_job_consume_request (self->job);
  else
    coro_job_restore_request (self->job);
}

/* The same under the eyes of debug mode. */
G_NO_INLINE static gboolean
waiter_park_watched (CoroWaiter           *self,
                     const CoroWaitClass  *klass,
                     gpointer              object,
                     GError              **error)
{
  CoroScheduler *scheduler = coro_job_get_scheduler (self->job);
  CoroJob *job = self->job;
  gboolean ok;

  self->klass = klass;
  self->object = object;
  job->waiter = self;
  scheduler->observer->wait_begun (scheduler->observer, job);
  ok = waiter_park (self, klass, object, error);
  if (scheduler->observer != NULL)
    scheduler->observer->wait_ended (scheduler->observer, job, !ok && error != NULL ? *error : NULL);
  return ok;
}

/* TRUE: woken; the result can be taken.  FALSE: cancelled, and nothing was consumed. */
gboolean
coro_waiter_wait (CoroWaiter           *self,
                  const CoroWaitClass  *klass,
                  gpointer              object,
                  GError              **error)
{
  if (G_UNLIKELY (coro_scheduler_current->observer != NULL))
    return waiter_park_watched (self, klass, object, error);
  return waiter_park (self, klass, object, error);
}
