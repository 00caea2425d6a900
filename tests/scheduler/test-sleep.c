/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sleeping, on the clock for tests and, once, on the real one.
 */
#include "lib/process.h"
#include "test-util.h"

#include <sys/wait.h>
#include <time.h>

typedef struct
{
  const char *name;
  GTimeSpan duration;
} Sleeper;

static gboolean
sleeper_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  const Sleeper *self = user_data;

  if (!coro_sleep (self->duration, error))
    return FALSE;
  note (self->name);
  return TRUE;
}

static gboolean
run_sleepers (const Sleeper  *sleepers,
              int             n_sleepers,
              GError        **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < n_sleepers; i++)
    coro_task_group_spawn (nursery.group, sleeper_cb, (gpointer) &sleepers[i], NULL);
  return coro_nursery_join (&nursery);
}

static gboolean
wake_by_deadline_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  static const Sleeper sleepers[] = { { "slow", 150000 }, { "medium", 100000 }, { "fast", 50000 } };
  gint64 start = now ();

  if (!run_sleepers (sleepers, 3, error))
    return FALSE;
  assert_trace ("fast medium slow");
  g_assert_cmpint (now () - start, ==, 150000);
  return TRUE;
}

static gboolean
ties_in_order_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  static const Sleeper sleepers[] = { { "a", 600 }, { "b", 500 }, { "c", 500 }, { "d", 500 } };

  coro_test_keep_order (NULL);
  for (int i = 0; i < 100; i++)
    {
      if (!run_sleepers (sleepers, 4, error))
        return FALSE;
      assert_trace ("b c d a");
    }
  return TRUE;
}

static gboolean
timer_then_yield_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  gint64 start = now ();

  if (!coro_sleep (10 * SECOND, error))
    return FALSE;
  g_assert_cmpint (now () - start, ==, 10 * SECOND);
  if (!coro_sleep (0, error) || !coro_sleep (-5, error) || !coro_sleep (G_MININT64, error))
    return FALSE;
  g_assert_cmpint (now () - start, ==, 10 * SECOND);
  return TRUE;
}

static gboolean
ticker_cb (gpointer   counter,
           GValue    *result,
           GError   **error)
{
  while (coro_sleep (10 * MILLISECOND, error))
    ++*(int *) counter;
  return FALSE;
}

static gboolean
others_run_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  int ticks = 0;
  g_autoptr (CoroTask) ticker = coro_spawn_task (ticker_cb, &ticks, NULL);

  if (!coro_sleep (200 * MILLISECOND + 1, error))
    return FALSE;
  g_assert_cmpint (ticks, ==, 20);
  coro_task_cancel (ticker);
  return coro_join (ticker, error);
}

static gint64
get_cpu_time (void)
{
  struct timespec time;

  g_assert_cmpint (clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &time), ==, 0);
  return time.tv_sec * SECOND + time.tv_nsec / 1000;
}

typedef struct
{
  GThread *thread;
  int n_asleep;
} Dormitory;

static gboolean
same_thread_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  Dormitory *self = user_data;

  self->n_asleep++;
  if (!coro_sleep (100 * MILLISECOND, error))
    return FALSE;
  self->n_asleep--;
  g_assert_true (self->thread == g_thread_self ());
  return TRUE;
}

/* All are asleep at once, and there is no other thread then, nor a process.  They sleep for
 * 100 ms by the clock of the test, to which comes what the work takes; that is counted in
 * processor time, since others may be at work here. */
static gboolean
ten_thousand_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  int n = is_slow () ? 500 : 10000;
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (CoroFuture) all = NULL;
  Dormitory self = { g_thread_self (), 0 };
  gint64 start = now (), work = get_cpu_time ();
  guint n_threads = count_threads ();

  for (int i = 0; i < n; i++)
    g_ptr_array_add (tasks, coro_spawn_task (same_thread_cb, &self, NULL));
  all = coro_gather ((CoroFuture **) tasks->pdata, n);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (self.n_asleep, ==, n);
  g_assert_cmpuint (count_threads (), ==, n_threads);
  g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);

  g_assert_true (coro_await (all, NULL, error));
  g_assert_cmpint (self.n_asleep, ==, 0);
  work = get_cpu_time () - work;
  g_test_message ("%d sleepers: %d ms of work", n, (int) (work / MILLISECOND));
  g_assert_cmpint (now () - start, ==, 100 * MILLISECOND);
  if (!is_slow ())
    g_assert_cmpint (now () - start + work, <, 2 * SECOND);
  return TRUE;
}

static gboolean
endless_sleep_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (CoroFuture) endless = coro_sleep_future (G_MAXINT64);

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (SECOND, &local_error);

    g_assert_false (coro_sleep (G_MAXINT64, &local_error));
  }
  assert_timed_out (local_error);
  g_assert_false (coro_future_is_done (endless));
  return TRUE;
}

static gboolean
future_counts_from_call_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  gint64 start = now ();
  g_autoptr (CoroFuture) future = coro_sleep_future (SECOND);
  g_autoptr (CoroFuture) at_once = coro_sleep_future (0);

  g_assert_false (coro_future_is_done (at_once));
  if (!coro_await (at_once, NULL, error))
    return FALSE;
  g_assert_cmpint (now () - start, ==, 0);
  if (!coro_sleep (SECOND / 2, error) || !coro_await (future, NULL, error))
    return FALSE;
  g_assert_cmpint (now () - start, ==, SECOND);
  return coro_await (future, NULL, error);
}

static gboolean
late_tick_once_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  int ticks = 0;
  g_autoptr (CoroTask) ticker = coro_spawn_task (ticker_cb, &ticks, NULL);

  if (!coro_sleep (10 * MILLISECOND + 1, error))
    return FALSE;
  g_assert_cmpint (ticks, ==, 1);
  coro_test_clock_advance (coro_scheduler_get_running (), 35 * MILLISECOND);    /* of hard work */
  g_assert_cmpint (ticks, ==, 1);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (ticks, ==, 2);
  coro_task_cancel (ticker);
  return coro_join (ticker, error);
}

/* The one test that sleeps: the real clock, and a wake-up out of a blocking poll. */
static gboolean
real_clock_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  gint64 start = g_get_monotonic_time ();
  G_GNUC_UNUSED g_autoptr (CoroFuture) longer = coro_sleep_future (3600 * SECOND);

  for (int i = 0; i < 10; i++)
    if (!coro_sleep (1500, error))
      return FALSE;
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 15000);
  return TRUE;
}

static void
test_real_clock (void)
{
  g_autoptr (GError) error = NULL;

  coro_run (real_clock_cb, NULL, NULL, &error);
  g_assert_no_error (error);
}

static gboolean
tick_source_cb (gpointer counter)
{
  ++*(int *) counter;
  return G_SOURCE_CONTINUE;
}

static gboolean
sleep_beside_source_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (GSource) source = g_timeout_source_new (5);
  int ticks = 0;

  g_source_set_callback (source, tick_source_cb, &ticks, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  while (ticks < 4)
    if (!coro_sleep (1000, error))
      return FALSE;
  g_source_destroy (source);
  return TRUE;
}

static void
test_sleep_beside_source (void)
{
  g_autoptr (GError) error = NULL;

  coro_run (sleep_beside_source_cb, NULL, NULL, &error);
  g_assert_no_error (error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/spec/S025/ten-seconds-at-once", timer_then_yield_cb);
  coro_test_add_func ("/spec/S037/wake-by-deadline", wake_by_deadline_cb);
  coro_test_add_func ("/spec/S153/ties-in-order", ties_in_order_cb);
  coro_test_add_func ("/spec/S142/others-run", others_run_cb);
  coro_test_add_func ("/spec/S098/ten-thousand", ten_thousand_cb);
  coro_test_add_func ("/spec/S181/one-late-tick-no-burst", late_tick_once_cb);
  coro_test_add_func ("/scheduler/sleep/for-ever", endless_sleep_cb);
  coro_test_add_func ("/scheduler/sleep/future-counts-from-the-call", future_counts_from_call_cb);
  g_test_add_func ("/spec/S158/real-clock", test_real_clock);
  g_test_add_func ("/spec/S020/other-sources-run", test_sleep_beside_source);

  return g_test_run ();
}
