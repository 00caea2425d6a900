/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-debug-private.h"

/* What is watched, as it was asked for by the environment or by a call. */

static int default_flags;       /* (atomic): CoroDebugFlags of new schedulers */

__attribute__ ((constructor)) static void
read_environment (void)
{
  static const GDebugKey keys[] = {
    { "1", CORO_DEBUG_ALL },
    { "slow", CORO_DEBUG_SLOW },
    { "watchdog", CORO_DEBUG_WATCHDOG },
    { "checks", CORO_DEBUG_CHECKS },
    { "errors", CORO_DEBUG_ERRORS },
    { "overflow", 0 },          /* coro-overflow.c reads it */
  };
  CoroDebugFlags flags = g_parse_debug_string (g_getenv ("CORO_DEBUG"), keys, G_N_ELEMENTS (keys));

  if (flags != CORO_DEBUG_NONE)
    coro_debug_set_flags (flags);
}

/**
 * coro_debug_set_flags:
 * @flags: what to watch
 *
 * Sets what debug mode watches in schedulers that are made from now on.
 *
 * At first it is what the environment variable `CORO_DEBUG` says: a list of
 * `slow`, `watchdog`, `checks` and `errors`, or `1` for all of them; `overflow` stands
 * for [func@debug_report_overflows], and `all` for that as well.
 *
 * Callable from any thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_debug_set_flags (CoroDebugFlags flags)
{
  g_atomic_int_set (&default_flags, (int) (flags & CORO_DEBUG_ALL));
  if (flags != CORO_DEBUG_NONE)
    coro_debug_init_global ();
}

/**
 * coro_debug_get_flags:
 *
 * Gets what debug mode watches in schedulers that are made from now on.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: the flags
 *
 * Since: 0.1
 */
CoroDebugFlags
coro_debug_get_flags (void)
{
  return (CoroDebugFlags) g_atomic_int_get (&default_flags);
}

/**
 * coro_scheduler_set_debug:
 * @self: a scheduler
 * @flags: what to watch
 *
 * Turns debug mode on or off for one scheduler, whatever `CORO_DEBUG` says.
 *
 * Everything it finds is a warning in the log domain `Coro`. A step, which is
 * what a coroutine does between two waits, is slow if it takes as long as the
 * threshold or longer. The watchdog sends a signal (`SIGRTMIN` + 5) to a thread
 * that is blocked, to find out where; some system calls return `EINTR` then.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_scheduler_set_debug (CoroScheduler  *self,
                          CoroDebugFlags  flags)
{
  CoroDebug *debug;

  g_return_if_fail (CORO_IS_SCHEDULER (self));

  debug = coro_debug_get (self);
  debug->flags = flags & CORO_DEBUG_ALL;
  if (debug->flags != CORO_DEBUG_NONE)
    coro_debug_init_global ();

  coro_debug_update (debug);

  if ((debug->flags & CORO_DEBUG_WATCHDOG) != 0)
    coro_watchdog_add (debug);
  else
    coro_watchdog_remove (debug);
}

/**
 * coro_scheduler_get_debug:
 * @self: a scheduler
 *
 * Gets what debug mode watches.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Returns: the flags
 *
 * Since: 0.1
 */
CoroDebugFlags
coro_scheduler_get_debug (CoroScheduler *self)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), CORO_DEBUG_NONE);

  return self->debug != NULL ? ((CoroDebug *) self->debug)->flags : CORO_DEBUG_NONE;
}

/**
 * coro_scheduler_set_slow_threshold:
 * @self: a scheduler
 * @threshold: a time in µs
 *
 * Sets how long a step must take to be called slow: 100 ms at first.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_scheduler_set_slow_threshold (CoroScheduler *self,
                                   GTimeSpan      threshold)
{
  g_return_if_fail (CORO_IS_SCHEDULER (self));
  g_return_if_fail (threshold >= 0);

  coro_debug_get (self)->slow = threshold;
}

/**
 * coro_scheduler_get_slow_threshold:
 * @self: a scheduler
 *
 * Gets how long a step must take to be called slow.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Returns: a time in µs
 *
 * Since: 0.1
 */
GTimeSpan
coro_scheduler_get_slow_threshold (CoroScheduler *self)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), 0);

  return coro_debug_get (self)->slow;
}

/**
 * coro_scheduler_set_watchdog_threshold:
 * @self: a scheduler
 * @threshold: a time in µs, above 0
 *
 * Sets after how long the watchdog shows what blocks the thread: 1 s at first.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_scheduler_set_watchdog_threshold (CoroScheduler *self,
                                       GTimeSpan      threshold)
{
  CoroDebug *debug;

  g_return_if_fail (CORO_IS_SCHEDULER (self));
  g_return_if_fail (threshold > 0);

  debug = coro_debug_get (self);
  __atomic_store_n (&debug->blocked, threshold, __ATOMIC_RELAXED);
  if (debug->watched)
    coro_watchdog_add (debug);  /* it may have to look more often */
}

/**
 * coro_scheduler_get_watchdog_threshold:
 * @self: a scheduler
 *
 * Gets after how long the watchdog shows what blocks the thread.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Returns: a time in µs
 *
 * Since: 0.1
 */
GTimeSpan
coro_scheduler_get_watchdog_threshold (CoroScheduler *self)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), 0);

  return coro_debug_get (self)->blocked;
}
