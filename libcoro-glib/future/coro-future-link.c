/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-future-link-private.h"

#include "base/coro-container-private.h"
#include "base/coro-error.h"
#include "future/coro-awaited-private.h"
#include "future/coro-foreign-task.h"
#include "future/coro-task-private.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"

/* What a coroutine that is cancelled asks the thread of a future that may have to clean up. */
struct _CoroFutureAsk
{
  CoroMessage message;          /* first */
  CoroFuture *future;           /* (owned) */
  CoroScheduler *scheduler;     /* (owned): of the coroutine */
  CoroFutureLink *link;         /* (nullable): NULL: the coroutine does not wait any more; belongs to its thread */
  CoroOutside *outside;         /* (nullable): of the same link; guarded as that is */
  gboolean keeps;               /* the answer */
};

static gboolean
link_is_outside (CoroFutureLink *link)
{
  return coro_job_get_scheduler (link->waiter.job) != coro_future_private (link->future)->scheduler;
}

static void
link_tell (CoroOutside *outside)
{
  CoroFutureLink *link = CORO_CONTAINER_OF (outside, CoroFutureLink, outside);

  coro_waiter_wake (&link->waiter);
}

/* Takes the waiter out of the list.  If the future is cancelled along with the waiter, puts the
 * waiter back to wait for the outcome.  Returns whether the waiter was put back. */
static gboolean
link_detach (CoroFutureLink *link)
{
  CoroFuturePrivate *priv = coro_future_private (link->future);

  coro_waiter_list_remove (&priv->waiters, &link->waiter);
  if (!link->propagate || !coro_outside_take_along (link->future))
    return FALSE;

  coro_waiter_list_append (&priv->waiters, &link->waiter);
  return TRUE;
}

/* --- from outside ----------------------------------------------------------------- */

static void
ask_answer_cb (CoroMessage *message)
{
  CoroFutureAsk *self = (CoroFutureAsk *) message;

  if (self->link != NULL)
    {
      self->link->ask = NULL;
      self->link->is_kept = self->keeps;
      coro_job_wake (self->link->waiter.job);
    }
  g_object_unref (self->future);
  g_object_unref (self->scheduler);
  g_free (self);
}

/* Runs in the thread of the future.  A link that was taken out of the list lasts until it is put
 * back or has the answer. */
static void
ask_cb (CoroMessage *message)
{
  CoroFutureAsk *self = (CoroFutureAsk *) message;
  CoroOutside *outside = coro_outside_take (&self->outside, self->future);

  self->keeps = outside != NULL && coro_outside_take_along (self->future);
  if (self->keeps && !coro_outside_add (outside, self->future))
    outside->tell (outside);
  self->message.handle = ask_answer_cb;
  coro_scheduler_post (self->scheduler, &self->message);
}

static void
link_await_wake (CoroFutureLink *link)
{
  while (!link->waiter.woken)
    coro_job_suspend (link->waiter.job);
}

/* Returns whether the task is to clean up, or has told meanwhile that it is done. */
static gboolean
link_ask (CoroFutureLink *link)
{
  CoroFutureAsk *ask = g_new0 (CoroFutureAsk, 1);

  ask->message.handle = ask_cb;
  ask->future = g_object_ref (link->future);
  ask->scheduler = g_object_ref (coro_job_get_scheduler (link->waiter.job));
  ask->link = link;
  ask->outside = &link->outside;
  link->ask = ask;
  link->is_kept = FALSE;
  coro_scheduler_post (coro_future_private (link->future)->scheduler, &ask->message);
  while (link->ask != NULL && !link->waiter.woken)
    coro_job_suspend (link->waiter.job);

  if (link->ask != NULL)
    {
      coro_outside_forget (&ask->outside);
      ask->link = NULL;
      link->ask = NULL;
    }
  else if (!link->is_kept && link->outside.told)
    {
      link_await_wake (link);   /* another thread has completed it, and is slower than the answer */
    }
  return link->is_kept || link->waiter.woken;
}

/* Returns whether the waiter was woken, or will be. */
static gboolean
link_decide_outside (CoroFutureLink *link)
{
  gboolean is_mine = coro_scheduler_is_mine (coro_future_private (link->future)->scheduler);

  if (link->propagate && !is_mine && coro_outside_needs_answer (link->future))
    return link_ask (link);

  if (!(link->propagate && !is_mine ? coro_outside_leave : coro_outside_remove) (&link->outside, link->future))
    {
      link_await_wake (link);   /* what has completed the future is at it */
      return TRUE;
    }
  if (!link->propagate || !is_mine || !coro_outside_take_along (link->future))
    return FALSE;

  if (!coro_outside_add (&link->outside, link->future))
    coro_waiter_wake (&link->waiter);
  return TRUE;
}

/* link_detach() for a future of another main context.  The coroutine may be parked meanwhile.
 * That takes no virtual time, nor does the cleanup of a cancelled task in the future's thread. */
static gboolean
link_detach_outside (CoroFutureLink *link)
{
  CoroScheduler *scheduler = coro_job_get_scheduler (link->waiter.job);
  gboolean waits;

  if (!link->is_external)
    scheduler->n_external++;
  waits = link_decide_outside (link);
  link->is_external = waits && !link->waiter.woken;
  if (!link->is_external)
    scheduler->n_external--;
  return waits;
}

/* Starts to wait for `future`; link->waiter is initialised.  Returns FALSE when there is
 * nothing to wait for. */
gboolean
coro_future_link (CoroFutureLink *link,
                  CoroFuture     *future,
                  gboolean        propagate)
{
  CoroFuturePrivate *priv = coro_future_private (future);

  if (coro_future_state_is_done (g_atomic_int_get (&priv->state)))
    return FALSE;

  link->future = g_object_ref (future);
  link->propagate = propagate;
  link->is_external = FALSE;
  coro_future_observe (future);

  if (G_LIKELY (priv->scheduler == coro_scheduler_current))
    {
      coro_waiter_list_append (&priv->waiters, &link->waiter);
      return TRUE;
    }

  link->ask = NULL;
  link->outside.tell = link_tell;
  if (coro_outside_add (&link->outside, future))
    return TRUE;

  g_clear_object (&link->future);
  return FALSE;
}

/* Stops waiting, on the waiting coroutine's stack, which it may suspend; every link that
 * was made must come here. */
void
coro_future_unlink (CoroFutureLink *link)
{
  link->propagate = FALSE;
  if (link->waiter.woken)
    ;                           /* nothing knows us any more */
  else if (link_is_outside (link))
    link_detach_outside (link);
  else
    link_detach (link);

  g_clear_object (&link->future);
}

static gboolean
future_wait_abort (gpointer    object,
                   CoroWaiter *waiter)
{
  CoroFutureLink *link = (CoroFutureLink *) waiter;

  return link_is_outside (link) ? !link_detach_outside (link) : !link_detach (link);
}

static const CoroWaitClass future_wait_class = { future_wait_abort, coro_waiter_undo_nothing, TRUE };

/* Whether the future waits for nothing itself.  What a future of another thread waits for only that
 * thread can tell, and there a circle is not looked for. */
static inline gboolean
future_is_plain (CoroFuture *self)
{
  CoroFuturePrivate *priv = coro_future_private (self);

  return G_OBJECT_TYPE (self) == CORO_TYPE_FUTURE &&
         (priv->scheduler != coro_scheduler_current || priv->resource == NULL);
}

/* The slow half of the functions below: until the future is done.  link->future is to be
 * dropped afterwards, where there is one. */
static gboolean
future_wait_pending (CoroFuture      *self,
                     CoroFutureLink  *link,
                     gboolean         propagate,
                     GError         **error)
{
  CoroJob *job;
  gboolean cancelled, waited;

  /* A cancel of before reaches the future as one that comes later does: a task that its
   * caller was told to wait for must not go on alone. */
  link->future = NULL;
  if (!(propagate ? coro_waiter_init_uncancellable : coro_waiter_init) (&link->waiter, error))
    return FALSE;

  job = link->waiter.job;
  if (!future_is_plain (self) && G_UNLIKELY (!coro_job_check_cycle (job, self, error)))
    return FALSE;

  cancelled = coro_job_is_cancelled (job);
  if (!coro_future_link (link, self, propagate))
    {
      if (G_UNLIKELY (cancelled))
        coro_job_deliver_cancel (job, error);
      return !cancelled;
    }
  if (G_UNLIKELY (cancelled))
    coro_waiter_yield_cancelled (job, error);
  waited = coro_waiter_wait (&link->waiter, &future_wait_class, self, error);
  if (G_UNLIKELY (link->is_external))
    coro_job_get_scheduler (job)->n_external--;
  return waited;
}

/* Whether a cancel request that was passed on to the future counts as delivered, now that the
 * future is done.  It does if the outcome is CANCELLED, or the value of a task, which has heard of
 * the request and ignored it.  The value of any other future means that the cancel came too late,
 * and another error means that the future failed by itself. */
gboolean
coro_future_has_heard (CoroFuture *self)
{
  const GError *error = coro_future_get_error (self);

  return error != NULL ? coro_error_is_cancelled (error) : CORO_IS_TASK (self) || CORO_IS_FOREIGN_TASK (self);
}

G_NO_INLINE static void
link_settle (CoroFutureLink *link,
             gboolean        heeds_error)
{
  coro_waiter_settle (&link->waiter, coro_future_has_heard (link->future) &&
                                     (heeds_error || coro_future_get_error (link->future) == NULL));
}

/* Waits until the future is done, whatever its outcome. */
gboolean
coro_future_wait (CoroFuture  *self,
                  gboolean     propagate,
                  GError     **error)
{
  CoroFutureLink link;
  gboolean waited;

  if (coro_future_state_is_done (g_atomic_int_get (&coro_future_private (self)->state)))
    return coro_waiter_check_ready (error);

  waited = future_wait_pending (self, &link, propagate, error);
  g_clear_object (&link.future);
  return waited;
}

/* Apart, so that the function below need not save registers for what is done already. */
G_NO_INLINE static gboolean
future_await_pending (CoroFuture  *self,
                      GValue      *value,
                      GError     **error)
{
  CoroFutureLink link;
  gboolean ok;

  ok = future_wait_pending (self, &link, TRUE, error);
  if (G_UNLIKELY (ok && link.waiter.delegated))
    link_settle (&link, error != NULL);
  ok = ok && coro_future_copy_result (self, value, error);
  g_clear_object (&link.future);
  return ok;
}

/* What coro_await() is for a future.  Holds on to it until the result is copied. */
gboolean
coro_future_await (CoroFuture  *self,
                   GValue      *value,
                   GError     **error)
{
  if (!coro_future_state_is_done (g_atomic_int_get (&coro_future_private (self)->state)))
    return future_await_pending (self, value, error);
  return coro_waiter_check_ready (error) && coro_future_copy_result (self, value, error);
}

/* coro_await() knows futures and never comes here; an awaitable that passes its calls on to
 * one does.  All the waiting is done in finish(), so that there is nothing to call off: the
 * waiter is another's, and the future may belong to another thread. */
static CoroWaitState
future_begin (CoroAwaitable *awaitable,
              CoroWaiter    *waiter)
{
  return CORO_WAIT_READY;
}

static CoroAbort
future_abort (CoroAwaitable *awaitable,
              CoroWaiter    *waiter)
{
  return CORO_ABORT_DONE;
}

static gboolean
future_finish (CoroAwaitable  *awaitable,
               GValue         *result,
               GError        **error)
{
  return coro_future_await (CORO_FUTURE (awaitable), result, error);
}

void
coro_future_awaitable_init (CoroAwaitableInterface *iface)
{
  iface->begin = future_begin;
  iface->abort = future_abort;
  iface->finish = future_finish;
}
