/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-sleep.h"

#include "base/coro-container-private.h"
#include "future/coro-future-private.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-foreign-frame-private.h"
#include "scheduler/coro-scheduler-private.h"

typedef struct
{
  CoroWaiter waiter;            /* first */
  CoroTimer timer;
} CoroSleep;

static void
sleep_timer_cb (CoroTimer *timer)
{
  coro_waiter_wake (&CORO_CONTAINER_OF (timer, CoroSleep, timer)->waiter);
}

static gboolean
sleep_abort (gpointer    object,
             CoroWaiter *waiter)
{
  coro_scheduler_disarm (coro_scheduler_current, &((CoroSleep *) waiter)->timer);
  return TRUE;
}

static const CoroWaitClass sleep_wait_class = { sleep_abort, coro_waiter_undo_nothing, FALSE, "a timer" };

/* A timer has a deadline, be it the last one. */
static gint64
get_deadline (CoroScheduler *scheduler,
              GTimeSpan      duration)
{
  return MIN (coro_scheduler_deadline (scheduler, duration), G_MAXINT64 - 1);
}

/**
 * coro_sleep: (skip)
 * @duration: a time in µs, for example `2 * G_TIME_SPAN_SECOND`; 0 and less
 *   are [func@yield]
 * @error: return location for an error
 *
 * Waits for a time to pass.
 *
 * Python: `await Coro.sleep (seconds)`; JavaScript: `await Coro.sleep (milliseconds)`.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable].
 *
 * @error can be set to %G_IO_ERROR_CANCELLED, [error@Coro.Error.NOT_IN_COROUTINE],
 * [error@Coro.Error.NESTED_LOOP] or [error@Coro.Error.FOREIGN_FRAME].
 *
 * Returns: %TRUE once the time has passed; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_sleep (GTimeSpan   duration,
            GError    **error)
{
  CoroSleep sleep;

  if (duration <= 0)
    return coro_yield (error);

  if (!coro_waiter_init (&sleep.waiter, error))
    return FALSE;

  sleep.timer = (CoroTimer) { 0, };
  coro_scheduler_arm (coro_scheduler_current, &sleep.timer,
                      get_deadline (coro_scheduler_current, duration), sleep_timer_cb);
  return coro_waiter_wait (&sleep.waiter, &sleep_wait_class, NULL, error);
}

/* What a pending sleep future holds on to. */
typedef struct
{
  CoroFutureResource resource;  /* first */
  CoroMessage start;
  CoroTimer timer;
  CoroScheduler *scheduler;     /* (owned) */
  GWeakRef future;              /* it owns this struct; another thread may be dropping it */
  gint64 deadline;
  gboolean starting;            /* `start` is on its way */
  gboolean released;            /* `start` frees this struct */
} CoroSleepResource;

static void
sleep_resource_free (CoroSleepResource *self)
{
  g_weak_ref_clear (&self->future);
  g_object_unref (self->scheduler);
  g_free (self);
}

static void
sleep_resource_timer_cb (CoroTimer *timer)
{
  CoroSleepResource *self = CORO_CONTAINER_OF (timer, CoroSleepResource, timer);

  g_autoptr (CoroFuture) future = g_weak_ref_get (&self->future);

  if (future != NULL)
    coro_future_resolve (future, NULL);
}

static void
sleep_resource_start_cb (CoroMessage *message)
{
  CoroSleepResource *self = CORO_CONTAINER_OF (message, CoroSleepResource, start);

  self->starting = FALSE;
  if (self->released)
    sleep_resource_free (self);
  else
    coro_scheduler_arm (self->scheduler, &self->timer, self->deadline, sleep_resource_timer_cb);
}

static void
sleep_resource_release (CoroFutureResource *resource)
{
  CoroSleepResource *self = (CoroSleepResource *) resource;

  self->released = TRUE;
  if (self->starting)
    return;

  coro_scheduler_disarm (self->scheduler, &self->timer);
  sleep_resource_free (self);
}

/**
 * coro_sleep_future: (rename-to coro_sleep)
 * @duration: a time in µs
 *
 * Makes a future that is done, without a value, when a time has passed.
 *
 * The time runs from this call. Cancelling or dropping the future stops
 * the timer.
 *
 * Callable from any thread, for its thread-default main context; never
 * suspends.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_sleep_future (GTimeSpan duration)
{
  CoroFuture *future = coro_future_new ();
  CoroSleepResource *resource = g_new0 (CoroSleepResource, 1);

  resource->resource.release = sleep_resource_release;
  resource->scheduler = g_object_ref (coro_future_get_scheduler (future));
  g_weak_ref_init (&resource->future, future);
  resource->deadline = get_deadline (resource->scheduler, MAX (duration, 0));
  resource->start.handle = sleep_resource_start_cb;
  coro_future_set_resource (future, &resource->resource);

  if (coro_scheduler_is_mine (resource->scheduler))
    {
      sleep_resource_start_cb (&resource->start);
    }
  else
    {
      resource->starting = TRUE;
      coro_scheduler_post (resource->scheduler, &resource->start);
    }
  return future;
}

/**
 * coro_yield: (skip)
 * @error: return location for an error
 *
 * Gives way: everything that is ready to run gets its turn first.
 *
 * A coroutine that computes for long calls it now and then; a few hundred
 * µs apart is plenty.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable].
 *
 * @error can be set to %G_IO_ERROR_CANCELLED, [error@Coro.Error.NOT_IN_COROUTINE],
 * [error@Coro.Error.NESTED_LOOP] or [error@Coro.Error.FOREIGN_FRAME].
 *
 * Returns: %TRUE when it is the caller's turn again; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_yield (GError **error)
{
  CoroScheduler *scheduler = coro_scheduler_current;
  CoroJob *job = scheduler != NULL ? scheduler->running : NULL;

  if (G_UNLIKELY (job == NULL))
    return coro_job_require (error) != NULL;

  if (G_UNLIKELY (g_main_depth () != scheduler->dispatch->depth || coro_foreign_n_modules > 0) &&
      !coro_job_check_suspend (job, error))
    return FALSE;

  /* Also when it is cancelled: a loop that does not look at its errors must not stop the
   * whole program.  Where nothing is ready and no other source is due, the usual case of a
   * loop that yields now and then, it runs on. */
  if (scheduler->ready_head != NULL || scheduler->observer != NULL || !coro_scheduler_tick (scheduler))
    coro_job_go_last (job);
  if (G_LIKELY (!coro_job_is_cancelled (job)))
    return TRUE;

  coro_job_deliver_cancel (job, error);
  return FALSE;
}

/**
 * coro_yield_if_needed: (skip)
 * @error: return location for an error
 *
 * [func@yield], if the coroutines have used up their time slice or something
 * else is due. Otherwise it takes a few ns: a loop that computes calls it as
 * often as it likes.
 *
 * Callable from a coroutine, which it may suspend. Cancellation: see
 * [iface@Awaitable].
 *
 * @error can be set to what [func@yield] fails with.
 *
 * Returns: %TRUE if the coroutine may go on; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_yield_if_needed (GError **error)
{
  if (G_UNLIKELY (coro_job_require (error) == NULL))
    return FALSE;

  if (G_UNLIKELY (!coro_scheduler_tick (coro_scheduler_current)))
    return coro_yield (error);
  return coro_check_cancelled (error);
}

/**
 * coro_yield_every: (skip)
 * @counter: (inout): a count of the caller's, 0 at first
 * @n_calls: how often to give way
 * @error: return location for an error
 *
 * [func@yield] in the first of @n_calls calls, the first after them and so on.
 *
 * Callable from a coroutine, which it may suspend. Cancellation: see
 * [iface@Awaitable].
 *
 * @error can be set to what [func@yield] fails with.
 *
 * Returns: %TRUE if the coroutine may go on; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_yield_every (guint   *counter,
                  guint    n_calls,
                  GError **error)
{
  g_return_val_if_fail (counter != NULL, FALSE);
  g_return_val_if_fail (n_calls > 0, FALSE);

  if ((*counter)++ % n_calls == 0)
    return coro_yield (error);
  return coro_check_cancelled (error);
}

/**
 * coro_check_cancelled: (skip)
 * @error: return location for an error
 *
 * Asks whether the coroutine was cancelled, without giving way.
 *
 * It looks at what has reached the coroutine by now: what was asked for in its own
 * thread. What another thread asks for, and a deadline that passes meanwhile, is heard when
 * the scheduler has its next turn, which no loop gives it that only calls this function.
 * A long computation calls [func@yield_if_needed] instead, which hears of all of
 * them within 16 calls and costs about as little.
 *
 * Callable from any thread; outside a coroutine the answer is %TRUE.
 * Never suspends. Cancellation: see [iface@Awaitable].
 *
 * @error can be set to %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE if the coroutine may go on; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_check_cancelled (GError **error)
{
  CoroJob *job = coro_job_get_running ();

  if (G_LIKELY (job == NULL || !coro_job_is_cancelled (job)))
    return TRUE;

  coro_job_deliver_cancel (job, error);
  return FALSE;
}
