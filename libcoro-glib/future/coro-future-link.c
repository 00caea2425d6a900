/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-future-link-private.h"

#include "fiber/coro-error.h"
#include "future/coro-awaited-private.h"
#include "future/coro-foreign-task.h"
#include "future/coro-task-private.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"

static CoroFutureLink *
link_from_message (CoroMessage *message,
                   gsize        offset)
{
  return (CoroFutureLink *) ((char *) message - offset);
}

static void
link_add_cb (CoroMessage *message)
{
  CoroFutureLink *link = link_from_message (message, offsetof (CoroFutureLink, add));
  CoroFuturePrivate *priv = coro_future_private (link->future);

  if (coro_future_state_is_done (g_atomic_int_get (&priv->state)))
    coro_waiter_signal (&link->waiter);
  else
    coro_waiter_list_append (&priv->waiters, &link->waiter);
}

static gboolean
future_has_waiter (CoroFuturePrivate *priv,
                   CoroWaiter        *waiter)
{
  return waiter->previous != NULL || waiter->next != NULL || priv->waiters.head == waiter;
}

/* Whether the task of `self` was asked to stop by the end of its scheduler.  Then a waiter of the
 * task must not ask it again while it cleans up. */
static gboolean
future_is_told (CoroFuture *self)
{
  CoroScheduler *scheduler = coro_future_private (self)->scheduler;
  CoroJob *job;

  if (G_LIKELY (!scheduler->ending) || !CORO_IS_TASK (self))
    return FALSE;

  job = coro_task_get_job (CORO_TASK (self));
  return job != NULL && job->n_cancelling > 0;
}

static void
link_removed_cb (CoroMessage *message)
{
  CoroFutureLink *link = link_from_message (message, offsetof (CoroFutureLink, removed));

  link->is_removed = TRUE;
  coro_job_poke (link->waiter.job);
}

/* Takes the waiter out of the list.  If the future is cancelled along with the waiter, puts the
 * waiter back to wait for the outcome, because a task may have to clean up.  Returns whether the
 * waiter was put back.  A future that refuses the cancel is done, or as good as done: a gather
 * whose members are all done. */
static gboolean
link_detach (CoroFutureLink *link)
{
  CoroFuturePrivate *priv = coro_future_private (link->future);

  coro_waiter_list_remove (&priv->waiters, &link->waiter);
  if (!link->propagate || coro_future_is_wanted (link->future, NULL, NULL))
    return FALSE;

  if ((!future_is_told (link->future) && !coro_future_cancel (link->future)) || coro_future_is_done (link->future))
    return FALSE;

  coro_waiter_list_append (&priv->waiters, &link->waiter);
  return TRUE;
}

static void
link_remove_cb (CoroMessage *message)
{
  CoroFutureLink *link = link_from_message (message, offsetof (CoroFutureLink, remove));

  /* One that is not in the list was woken.  That is on its way, before our answer. */
  link->is_kept = future_has_waiter (coro_future_private (link->future), &link->waiter) && link_detach (link);
  link->removed.handle = link_removed_cb;
  coro_scheduler_post (coro_job_get_scheduler (link->waiter.job), &link->removed);
}

/* link_detach() for a future of another thread.  The coroutine stays parked until the future's
 * thread has answered, because this thread may be using the link.  The answer takes no virtual
 * time, nor does the cleanup of a cancelled task in the future's thread. */
static gboolean
link_detach_remotely (CoroFutureLink *link)
{
  CoroScheduler *scheduler = coro_job_get_scheduler (link->waiter.job);

  link->is_removed = FALSE;
  link->remove.handle = link_remove_cb;
  coro_scheduler_post (coro_future_private (link->future)->scheduler, &link->remove);
  if (!link->is_external)
    scheduler->n_external++;
  while (!link->is_removed)
    coro_job_suspend (link->waiter.job);
  link->is_external = link->is_kept;
  if (!link->is_external)
    scheduler->n_external--;
  return link->is_kept;
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

  if (G_LIKELY (coro_scheduler_is_mine (priv->scheduler)))
    {
      coro_waiter_list_append (&priv->waiters, &link->waiter);
    }
  else
    {
      link->add.handle = link_add_cb;
      coro_scheduler_post (priv->scheduler, &link->add);
    }
  return TRUE;
}

/* Stops waiting, on the waiting coroutine's stack, which it may suspend; every link that
 * was made must come here. */
void
coro_future_unlink (CoroFutureLink *link)
{
  CoroFuturePrivate *priv = coro_future_private (link->future);

  link->propagate = FALSE;
  if (link->waiter.woken)
    ;                           /* nobody knows us any more */
  else if (coro_scheduler_is_mine (priv->scheduler))
    link_detach (link);
  else
    link_detach_remotely (link);

  g_clear_object (&link->future);
}

static gboolean
future_wait_abort (gpointer    object,
                   CoroWaiter *waiter)
{
  CoroFutureLink *link = (CoroFutureLink *) waiter;

  if (coro_scheduler_is_mine (coro_future_private (link->future)->scheduler))
    return !link_detach (link);
  return !link_detach_remotely (link) && !waiter->woken;
}

static const CoroWaitClass future_wait_class = { future_wait_abort, coro_waiter_undo_nothing, TRUE };

/* Whether the future waits for nothing itself.  What a future of another thread waits for only that
 * thread can tell, and there a circle is not looked for. */
static inline gboolean
future_is_plain (CoroFuture *self)
{
  CoroFuturePrivate *priv = coro_future_private (self);

  return G_OBJECT_TYPE (self) == CORO_TYPE_FUTURE &&
         (priv->scheduler != coro_scheduler_current || priv->hook == NULL);
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
    coro_waiter_rest (job, error);
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
