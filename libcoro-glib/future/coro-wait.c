/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-wait.h"

#include "base/coro-container-private.h"
#include "base/coro-error.h"
#include "future/coro-future-link-private.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"

#include <stdarg.h>

static CoroFuture *
find_done (CoroFuture * const *futures,
           gsize               n_futures)
{
  for (gsize i = 0; i < n_futures; i++)
    if (coro_future_is_done (futures[i]))
      return futures[i];
  return NULL;
}

/* Several waits of one coroutine, with a time limit perhaps. */
typedef struct
{
  CoroJob *job;
  CoroFutureLink *links;        /* (owned) */
  gsize n_links;                /* made so far */
  CoroTimer timer;
  gboolean timed_out;
} CoroMultiWait;

static void
multi_wait_timer_cb (CoroTimer *timer)
{
  CoroMultiWait *self = CORO_CONTAINER_OF (timer, CoroMultiWait, timer);

  self->timed_out = TRUE;
  coro_job_wake (self->job);
}

static gboolean
multi_wait_start (CoroMultiWait        *self,
                  CoroFuture * const   *futures,
                  gsize                 n_futures,
                  GTimeSpan             timeout,
                  GError              **error)
{
  CoroWaiter waiter;

  if (!coro_waiter_init (&waiter, error))
    return FALSE;

  *self = (CoroMultiWait) { .job = waiter.job };
  self->links = g_new0 (CoroFutureLink, n_futures);
  for (gsize i = 0; i < n_futures; i++)
    {
      self->links[self->n_links].waiter = waiter;
      if (coro_future_link (&self->links[self->n_links], futures[i], FALSE))
        self->n_links++;
    }

  if (timeout >= 0)
    coro_scheduler_arm (coro_scheduler_current, &self->timer,
                        coro_scheduler_deadline (coro_scheduler_current, timeout), multi_wait_timer_cb);
  return TRUE;
}

/* Leaves no trace with what was waited for. */
static void
multi_wait_end (CoroMultiWait *self)
{
  coro_scheduler_disarm (coro_scheduler_current, &self->timer);
  while (self->n_links > 0)
    coro_future_unlink (&self->links[--self->n_links]);
  g_free (self->links);
}

static void
multi_wait_foreach_future (gpointer  object,
                           void    (*func) (gpointer future, gpointer data),
                           gpointer  data)
{
  CoroMultiWait *self = object;

  for (gsize i = 0; i < self->n_links; i++)
    func (self->links[i].future, data);
}

static const CoroWaitClass multi_wait_class = { .name = "several futures", .foreach_future = multi_wait_foreach_future };

static void
multi_wait_suspend (CoroMultiWait *self)
{
  CoroWaiter *waiter = &self->links[0].waiter;

  waiter->klass = &multi_wait_class;
  waiter->object = self;
  self->job->waiter = waiter;
  coro_job_suspend (self->job);
  self->job->waiter = NULL;
}

static gboolean
is_satisfied (CoroFuture * const *futures,
              gsize               n_futures,
              CoroWaitWhen        when)
{
  gsize n_done = 0;

  for (gsize i = 0; i < n_futures; i++)
    {
      CoroFutureState state = coro_future_get_state (futures[i]);

      if (state == CORO_FUTURE_PENDING)
        continue;
      if (when == CORO_WAIT_FIRST_DONE || (when == CORO_WAIT_FIRST_ERROR && state == CORO_FUTURE_REJECTED))
        return TRUE;
      n_done++;
    }
  return n_done == n_futures;
}

/**
 * coro_wait: (skip)
 * @futures: (array length=n_futures): futures
 * @n_futures: how many, at least one
 * @when: what to wait for
 * @timeout: a time in µs; below 0: no limit
 * @error: return location for an error
 *
 * Waits until all of several futures are done, or the first.
 *
 * Neither a timeout nor a failure of @futures is a failure of the wait: ask
 * each of them. They are left alone: nothing is consumed or cancelled.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; it does not reach @futures.
 *
 * @error can be set to %G_IO_ERROR_CANCELLED, to [error@Coro.Error.PROTOCOL]
 * without futures, and to the misuse errors of [func@await].
 *
 * Semantics: asyncio's `wait()`.
 *
 * Returns: %TRUE when the wait is over; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_wait (CoroFuture * const  *futures,
           gsize                n_futures,
           CoroWaitWhen         when,
           GTimeSpan            timeout,
           GError             **error)
{
  CoroMultiWait wait;
  gboolean cancelled = FALSE;

  if (n_futures == 0)
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "There is nothing to wait for");
      return FALSE;
    }

  if (!multi_wait_start (&wait, futures, n_futures, timeout, error))
    return FALSE;

  while (!is_satisfied (futures, n_futures, when) && !wait.timed_out && !cancelled)
    {
      multi_wait_suspend (&wait);
      cancelled = coro_job_is_cancelled (wait.job);
    }
  multi_wait_end (&wait);

  /* Over and cancelled in the same turn: a call wins, a deadline does not. */
  if (cancelled && is_satisfied (futures, n_futures, when) && !coro_job_cancel_preempts (wait.job))
    return TRUE;
  if (cancelled)
    coro_job_deliver_cancel (wait.job, error);
  return !cancelled;
}

/**
 * coro_selectv: (skip)
 * @futures: (array length=n_futures): futures
 * @n_futures: how many, at least one
 * @error: return location for an error
 *
 * Waits until one of several futures is done.
 *
 * If several are, the first in the order given is the winner. The others are
 * left alone: they are neither consumed nor cancelled.
 *
 * Callable from a coroutine, which it suspends unless one is done.
 * Cancellation: see [iface@Awaitable]; it does not reach @futures.
 *
 * @error can be set to %G_IO_ERROR_CANCELLED and to the misuse errors of
 * [func@await], but never to the winner's own: ask the winner.
 *
 * Returns: (nullable) (transfer none): the winner; %NULL with @error set
 *
 * Since: 0.1
 */
CoroFuture *
coro_selectv (CoroFuture * const  *futures,
              gsize                n_futures,
              GError             **error)
{
  CoroFuture *winner;

  g_return_val_if_fail (n_futures > 0, NULL);

  winner = find_done (futures, n_futures);
  if (winner != NULL)
    return coro_future_wait (winner, FALSE, error) ? winner : NULL;

  if (!coro_wait (futures, n_futures, CORO_WAIT_FIRST_DONE, -1, error))
    return NULL;
  return find_done (futures, n_futures);
}

/**
 * coro_select: (skip)
 * @error: return location for an error
 * @...: futures, and %NULL
 *
 * [func@selectv] for a few futures: `winner = coro_select (error, a, b, NULL)`.
 *
 * Returns: (nullable) (transfer none): the winner; %NULL with @error set
 *
 * Since: 0.1
 */
CoroFuture *
coro_select (GError **error,
             ...)
{
  CoroFuture *futures[32];
  gsize n_futures = 0;
  CoroFuture *future;
  va_list args;

  va_start (args, error);
  while ((future = va_arg (args, CoroFuture *)) != NULL)
    {
      if (n_futures == G_N_ELEMENTS (futures))
        {
          g_critical ("coro_select() takes %u futures at the most; use coro_selectv()", (guint) n_futures);
          break;
        }
      futures[n_futures++] = future;
    }
  va_end (args);

  return coro_selectv (futures, n_futures, error);
}
