/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The heap of timers against a plain list.
 */
#include "test-util.h"

#include "scheduler/coro-scheduler-private.h"

typedef struct
{
  CoroTimer timer;              /* first */
  gboolean armed;               /* as the model has it */
  int order;                    /* of arming */
} ModelTimer;

static void
fire_cb (CoroTimer *timer)
{
}

/* The next one by the model: the earliest deadline, then the first armed. */
static ModelTimer *
model_next (ModelTimer *timers,
            int         n_timers,
            gint64      now)
{
  ModelTimer *best = NULL;

  for (int i = 0; i < n_timers; i++)
    {
      ModelTimer *timer = &timers[i];

      if (!timer->armed || timer->timer.deadline > now)
        continue;
      if (best == NULL || timer->timer.deadline < best->timer.deadline ||
          (timer->timer.deadline == best->timer.deadline && timer->order < best->order))
        best = timer;
    }
  return best;
}

static void
test_random (void)
{
  enum { N_TIMERS = 150 };
  CoroTimerHeap heap = { NULL, };
  ModelTimer timers[N_TIMERS] = { { { 0, } } };
  int order = 0;
  gint64 time = 0;

  for (int step = 0; step < 30000; step++)
    {
      ModelTimer *timer = &timers[g_test_rand_int_range (0, N_TIMERS)];
      ModelTimer *expected;

      switch (g_test_rand_int_range (0, 5))
        {
        case 0:
        case 1:
        case 2:
          if (timer->armed)
            break;
          timer->timer.deadline = time + g_test_rand_int_range (0, 40);
          timer->timer.fire = fire_cb;
          coro_timer_heap_add (&heap, &timer->timer);
          timer->armed = TRUE;
          timer->order = order++;
          break;

        case 3:
          coro_timer_heap_remove (&heap, &timer->timer);        /* twice is once */
          timer->armed = FALSE;
          break;

        default:
          time += g_test_rand_int_range (0, 5);
          while ((expected = model_next (timers, N_TIMERS, time)) != NULL)
            {
              g_assert_true (coro_timer_heap_pop (&heap, time) == &expected->timer);
              g_assert_false (coro_timer_is_armed (&expected->timer));
              expected->armed = FALSE;
            }
          g_assert_null (coro_timer_heap_pop (&heap, time));
          break;
        }

      expected = model_next (timers, N_TIMERS, G_MAXINT64 - 1);
      g_assert_cmpint (coro_timer_heap_peek (&heap), ==, expected != NULL ? expected->timer.deadline : G_MAXINT64);
    }
  coro_timer_heap_clear (&heap);
}

static void
test_ties_in_order (void)
{
  CoroTimerHeap heap = { NULL, };
  CoroTimer timers[1000] = { { 0, } };

  for (int i = 0; i < 1000; i++)
    {
      timers[i].deadline = 5;
      coro_timer_heap_add (&heap, &timers[i]);
    }
  for (int i = 0; i < 1000; i += 3)
    coro_timer_heap_remove (&heap, &timers[i]);
  for (int i = 0; i < 1000; i++)
    if (i % 3 != 0)
      g_assert_true (coro_timer_heap_pop (&heap, 5) == &timers[i]);
  g_assert_cmpint (heap.n_slots, ==, 0);
  coro_timer_heap_clear (&heap);
}

/* Their number is compared as a difference: it may begin anew. */
static void
test_equal_in_order_for_ever (void)
{
  CoroTimerHeap heap = { .sequence = G_MAXUINT32 - 50 };
  CoroTimer timers[100] = { { 0, } };

  for (int i = 0; i < 100; i++)
    {
      timers[i].deadline = 5;
      coro_timer_heap_add (&heap, &timers[i]);
    }
  for (int i = 0; i < 100; i++)
    g_assert_true (coro_timer_heap_pop (&heap, 5) == &timers[i]);
  coro_timer_heap_clear (&heap);
}

static void
test_memory_goes_back (void)
{
  int n = 10000;
  g_autofree CoroTimer *timers = g_new0 (CoroTimer, n);
  CoroTimerHeap heap = { NULL, };

  for (int round = 0; round < 2; round++)
    {
      for (int i = 0; i < n; i++)
        {
          timers[i].deadline = i;
          coro_timer_heap_add (&heap, &timers[i]);
        }
      for (int i = 0; i < n; i++)
        {
          g_assert_cmpint (heap.n_allocated, >=, n);
          g_assert_true (coro_timer_heap_pop (&heap, i) == &timers[i]);
        }
      g_assert_cmpint (heap.n_allocated, ==, 0);
    }
  coro_timer_heap_clear (&heap);
}

static gboolean
cancelled_leave_nothing_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  int n = is_slow () ? 500 : 10000;

  for (int i = 0; i < n; i++)
    coro_task_group_spawn (group, forever_cb, NULL, NULL);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (scheduler->timers.n_slots, ==, n);

  coro_task_group_cancel (group);
  if (!coro_task_group_join (group, error))
    return FALSE;
  g_assert_cmpint (scheduler->timers.n_slots, ==, 0);
  g_assert_null (coro_timer_heap_pop (&scheduler->timers, G_MAXINT64 - 1));
  return TRUE;
}

static gboolean
short_in_long_timeout_cb (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_auto (CoroTimeout) timeout = coro_timeout_enter (10 * SECOND, error);

  return coro_sleep (10 * MILLISECOND, error);
}

static gboolean
timeouts_leave_nothing_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  gint64 start = now ();
  gboolean ok;
  int n = is_slow () ? 200 : 1000;

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

    for (int i = 0; i < n; i++)
      coro_task_group_spawn (nursery.group, short_in_long_timeout_cb, NULL, NULL);
    ok = coro_nursery_join (&nursery);
  }

  g_assert_cmpint (now () - start, ==, 10 * MILLISECOND);
  g_assert_cmpint (scheduler->timers.n_slots, ==, 0);
  return ok;
}

static gboolean
wait_for_leaves_nothing_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (CoroFuture) sleep = coro_sleep_future (10 * MILLISECOND);

  if (!coro_wait_for (sleep, SECOND, NULL, error))
    return FALSE;
  g_assert_cmpint (coro_scheduler_get_running ()->timers.n_slots, ==, 0);
  return TRUE;
}

static gboolean
dropped_sleep_leaves_nothing_cb (gpointer   user_data,
                                 GValue    *result,
                                 GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  CoroFuture *future = coro_sleep_future (SECOND);

  g_assert_cmpint (scheduler->timers.n_slots, ==, 1);
  g_object_unref (future);
  g_assert_cmpint (scheduler->timers.n_slots, ==, 0);

  future = coro_sleep_future (SECOND);
  g_assert_true (coro_future_cancel (future));
  g_assert_cmpint (scheduler->timers.n_slots, ==, 0);
  g_object_unref (future);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/scheduler/timer-heap/random", test_random);
  g_test_add_func ("/scheduler/timer-heap/ties-in-order", test_ties_in_order);
  coro_test_add_func ("/spec/S110/cancelled-leave-nothing", cancelled_leave_nothing_cb);
  coro_test_add_func ("/spec/S242/timeouts-leave-nothing", timeouts_leave_nothing_cb);
  coro_test_add_func ("/spec/S089/no-timer-left", wait_for_leaves_nothing_cb);
  coro_test_add_func ("/scheduler/timer-heap/dropped-sleep-leaves-nothing", dropped_sleep_leaves_nothing_cb);
  g_test_add_func ("/scheduler/timer-heap/equal-in-order-for-ever", test_equal_in_order_for_ever);
  g_test_add_func ("/scheduler/timer-heap/memory-goes-back", test_memory_goes_back);

  return g_test_run ();
}
