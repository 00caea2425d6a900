/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "testing/coro-test-clock.h"

#include "future/coro-sleep.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"
#include "testing/coro-test-seed-private.h"

/* Moves all timers, which keeps their order. */
static void
shift_timers (CoroTimerHeap *timers,
              gint64         difference)
{
  for (guint i = 0; i < timers->n_slots; i++)
    {
      CoroTimerSlot *slot = &timers->slots[i];

      slot->deadline += MIN (difference, G_MAXINT64 - 1 - slot->deadline);
      slot->timer->deadline = slot->deadline;
    }
}

/**
 * coro_test_clock_start:
 * @scheduler: a scheduler
 * @autojump: whether time passes by itself when there is nothing to do
 *
 * Puts a clock for tests in place of the monotonic one. Sleeps, timeouts and
 * everything else that the library times go by it, from now on.
 *
 * The clock stands still until [func@test_clock_advance] moves it. With
 * @autojump it also jumps to the next deadline as soon as no coroutine can
 * run, no source of the main context is ready and no operation of GIO or of a
 * thread is under way: a test of a sleep of 10 s takes no time, and the order
 * of events is the same in every run. A time slice is a thousand resumes.
 *
 * With a seed ([func@test_set_seed]) coroutines that are ready run in an order
 * that is made of it, beginning anew with every start.
 *
 * Starting a clock that runs already only sets @autojump.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_test_clock_start (CoroScheduler *scheduler,
                       gboolean       autojump)
{
  g_return_if_fail (CORO_IS_SCHEDULER (scheduler));

  scheduler->autojump = autojump;
  scheduler->idle_rounds = 0;
  if (scheduler->virtual)
    return;

  scheduler->virtual_time = g_get_monotonic_time ();
  scheduler->virtual = TRUE;
  coro_test_seed_scheduler (scheduler);
}

/**
 * coro_test_clock_advance:
 * @scheduler: a scheduler with a clock for tests
 * @duration: a time in µs, not negative
 *
 * Moves the clock on. What is due then happens in the next iteration of the
 * main context, in the order of the deadlines.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_test_clock_advance (CoroScheduler *scheduler,
                         GTimeSpan      duration)
{
  g_return_if_fail (CORO_IS_SCHEDULER (scheduler));
  g_return_if_fail (scheduler->virtual);
  g_return_if_fail (duration >= 0);

  scheduler->virtual_time += MIN (duration, G_MAXINT64 - 1 - scheduler->virtual_time);
}

/**
 * coro_test_clock_stop:
 * @scheduler: a scheduler
 *
 * Puts the monotonic clock back. What is pending keeps the time it had left.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_test_clock_stop (CoroScheduler *scheduler)
{
  g_return_if_fail (CORO_IS_SCHEDULER (scheduler));

  if (!scheduler->virtual)
    return;

  shift_timers (&scheduler->timers, g_get_monotonic_time () - scheduler->virtual_time);
  scheduler->virtual = FALSE;
  coro_scheduler_set_seed (scheduler, 0);
}

static gboolean
settle_abort (gpointer    scheduler,
              CoroWaiter *waiter)
{
  coro_waiter_list_remove (&((CoroScheduler *) scheduler)->idle_waiters, waiter);
  return TRUE;
}

static const CoroWaitClass settle_wait_class = { settle_abort, coro_waiter_undo_nothing, FALSE, "others to rest" };

/**
 * coro_test_settle: (skip)
 * @error: return location for an error
 *
 * Waits until no other coroutine can run and no source of the main context is
 * ready: all that can happen now has happened.
 *
 * No time passes on the clock for tests, which must be there. Operations of GIO
 * and of threads that are under way are not waited for.
 *
 * A test that spawns coroutines and looks what they have come to calls this
 * instead of [func@yield], which lets others have one turn and with a seed
 * ([func@test_set_seed]) not even that.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable].
 *
 * @error can be set to %G_IO_ERROR_CANCELLED, [error@Coro.Error.NOT_IN_COROUTINE],
 * [error@Coro.Error.NESTED_LOOP] or [error@Coro.Error.FOREIGN_FRAME].
 *
 * Returns: %TRUE once the others rest; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_test_settle (GError **error)
{
  CoroScheduler *scheduler = coro_scheduler_current;
  CoroWaiter waiter;

  g_return_val_if_fail (scheduler == NULL || scheduler->virtual, coro_yield (error));

  if (!coro_waiter_init (&waiter, error))
    return FALSE;

  coro_waiter_list_append (&scheduler->idle_waiters, &waiter);
  return coro_waiter_wait (&waiter, &settle_wait_class, scheduler, error);
}
