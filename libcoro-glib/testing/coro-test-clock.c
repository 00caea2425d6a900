/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "testing/coro-test-clock.h"

#include "scheduler/coro-scheduler-private.h"

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
}
