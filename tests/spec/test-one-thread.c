/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One thread, in turns, by the real clock: S306 to S309, S345 to S347, S356.  Lower bounds
 * only, or processor time: a busy machine proves nothing wrong.
 */
#include "test-util.h"

#include <time.h>

typedef struct
{
  gint64 last;                  /* µs */
  gint64 max_gap;               /* µs */
  int ticks;
} Ticker;

static gboolean
tick_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Ticker *self = user_data;

  self->last = g_get_monotonic_time ();
  while (coro_sleep (5 * MILLISECOND, error))
    {
      gint64 time = g_get_monotonic_time ();

      self->max_gap = MAX (self->max_gap, time - self->last);
      self->last = time;
      self->ticks++;
    }
  return FALSE;
}

static gboolean
block_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_usleep (100 * MILLISECOND);
  return coro_sleep (20 * MILLISECOND, error);
}

typedef struct
{
  CoroFunc func;
  Ticker ticker;
} Beside;

/* Runs a function beside a ticker. */
static gboolean
beside_ticker_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Beside *self = user_data;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, tick_cb, &self->ticker, NULL);
  if (!coro_sleep (20 * MILLISECOND, error))
    return FALSE;
  return self->func (NULL, result, error);
}

static void
run_beside_ticker (CoroFunc  func,
                   Ticker   *ticker,
                   GValue   *result)
{
  Beside self = { func, { 0, 0, 0 } };
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_run (beside_ticker_cb, &self, result, &error));
  g_assert_no_error (error);
  *ticker = self.ticker;
}

static void
test_blocking_stops_the_others (void)
{
  Ticker ticker;

  run_beside_ticker (block_cb, &ticker, NULL);
  g_assert_cmpint (ticker.max_gap, >=, 100 * MILLISECOND);
}

static gpointer
double_cb (gpointer       number,
           GCancellable  *cancellable,
           GError       **error)
{
  g_usleep (200 * MILLISECOND);
  return GINT_TO_POINTER (2 * GPOINTER_TO_INT (number));
}

static gboolean
in_thread_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  return coro_return_int (result, GPOINTER_TO_INT (coro_run_in_thread (double_cb, GINT_TO_POINTER (21), NULL, error)));
}

static void
test_thread_lets_others_run (void)
{
  g_auto (GValue) value = G_VALUE_INIT;
  Ticker ticker;

  run_beside_ticker (in_thread_cb, &ticker, &value);
  g_assert_cmpint (g_value_get_int (&value), ==, 42);
  g_assert_cmpint (ticker.ticks, >=, 5);
}

static gboolean
test_sleeping_lets_others_run (gpointer   user_data,
                               GValue    *result,
                               GError   **error)
{
  Ticker ticker = { 0, 0, 0 };
  gint64 start = now ();

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

    coro_task_group_spawn (nursery.group, tick_cb, &ticker, NULL);
    g_assert_true (coro_sleep (5 * SECOND, error));
  }
  g_assert_cmpint (now () - start, ==, 5 * SECOND);
  g_assert_cmpint (ticker.ticks, >=, 999);
  return TRUE;
}

static gint64
get_cpu_time (clockid_t clock)
{
  struct timespec time;

  clock_gettime (clock, &time);
  return time.tv_sec * SECOND + time.tv_nsec / 1000;
}

static gboolean
compute_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  gint64 start = get_cpu_time (CLOCK_THREAD_CPUTIME_ID);

  while (get_cpu_time (CLOCK_THREAD_CPUTIME_ID) - start < 50 * MILLISECOND)
    ;
  return TRUE;
}

static gboolean
compute_twice_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, compute_cb, NULL, NULL);
  coro_task_group_spawn (nursery.group, compute_cb, NULL, NULL);
  return coro_nursery_join (&nursery);
}

static void
test_computing_is_not_parallel (void)
{
  gint64 start = g_get_monotonic_time ();

  g_assert_true (coro_run (compute_twice_cb, NULL, NULL, NULL));
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 100 * MILLISECOND);
}

static gboolean
idle_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  gint64 start;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 1000; i++)
    coro_task_group_spawn (nursery.group, forever_cb, NULL, NULL);
  if (!coro_sleep (50 * MILLISECOND, error))
    return FALSE;
  start = get_cpu_time (CLOCK_THREAD_CPUTIME_ID);
  if (!coro_sleep (SECOND, error))
    return FALSE;
  g_assert_cmpint (get_cpu_time (CLOCK_THREAD_CPUTIME_ID) - start, <, is_slow () ? SECOND : 20 * MILLISECOND);
  return TRUE;
}

static void
test_idle_ones_cost_nothing (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_run (idle_cb, NULL, NULL, &error));
  g_assert_no_error (error);
}

/* --- races ------------------------------------------------------------------------------ */

typedef struct
{
  CoroLock *lock;               /* (nullable) */
  int money;
} Account;

/* Looks, waits, and acts on what it saw. */
static gboolean
withdraw_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Account *self = user_data;
  g_auto (CoroLocker) locker = { NULL };

  if (self->lock != NULL)
    {
      locker = coro_locker_enter (self->lock, error);
      if (!coro_locker_ok (&locker))
        return FALSE;
    }
  if (self->money < 100)
    return TRUE;
  if (!coro_sleep (MILLISECOND, error))
    return FALSE;
  self->money -= 100;
  return TRUE;
}

static gboolean
withdraw_twice (Account  *account,
                GError  **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, withdraw_cb, account, NULL);
  coro_task_group_spawn (nursery.group, withdraw_cb, account, NULL);
  return coro_nursery_join (&nursery);
}

static gboolean
test_races_across_awaits (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (CoroLock) lock = coro_lock_new ();
  Account open = { NULL, 100 };
  Account locked = { lock, 100 };

  g_assert_true (withdraw_twice (&open, error));
  g_assert_cmpint (open.money, ==, -100);
  g_assert_true (withdraw_twice (&locked, error));
  g_assert_cmpint (locked.money, ==, 0);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/spec/S306/blocking-stops-the-others", test_blocking_stops_the_others);
  coro_test_add_func ("/spec/S307/sleeping-lets-others-run", test_sleeping_lets_others_run);
  g_test_add_func ("/spec/S308-S309/a-thread-lets-others-run", test_thread_lets_others_run);
  g_test_add_func ("/spec/S345/idle-ones-cost-nothing", test_idle_ones_cost_nothing);
  g_test_add_func ("/spec/S346-S356/computing-is-not-parallel", test_computing_is_not_parallel);
  coro_test_add_func ("/spec/S347/races-across-awaits", test_races_across_awaits);

  return g_test_run ();
}
