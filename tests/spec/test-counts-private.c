/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a scheduler knows of the coroutines that wait, as its private headers tell.
 */
#include "test-util.h"

#include "scheduler/coro-scheduler-private.h"
#include "loop/coro-timer-private.h"
#include "scheduler/coro-waiter-private.h"

static gboolean
sleep_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  return coro_sleep (SECOND, error);
}

static guint
count_ready (void)
{
  guint n = 0;

  for (CoroReady *ready = coro_scheduler_current->ready_head; ready != NULL; ready = ready->next)
    n++;
  return n;
}

static gboolean
test_ready_and_timers (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_current;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 20; i++)
    coro_task_group_spawn (nursery.group, sleep_cb, NULL, NULL);
  g_assert_cmpuint (count_ready (), ==, 20);
  g_assert_cmpint (coro_timer_heap_peek (&scheduler->timers), ==, G_MAXINT64);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpuint (count_ready (), ==, 0);
  g_assert_cmpint (coro_timer_heap_peek (&scheduler->timers), ==, now () + SECOND);
  g_assert_true (coro_nursery_join (&nursery));
  g_assert_cmpint (coro_timer_heap_peek (&scheduler->timers), ==, G_MAXINT64);
  return TRUE;
}

static void
find_waiting_cb (CoroJob  *job,
                 gpointer  found)
{
  if (job->state == CORO_JOB_SUSPENDED)
    *(CoroJob **) found = job;
}

static gboolean
test_what_it_waits_for (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  CoroJob *job = NULL;
  g_autoptr (CoroTask) task = coro_spawn_task (sleep_cb, NULL, NULL);

  g_assert_true (coro_test_settle (error));
  coro_scheduler_foreach_job (coro_scheduler_current, find_waiting_cb, &job);
  g_assert_nonnull (job);
  g_assert_nonnull (job->waiter);
  g_assert_true (job->waiter->job == job);
  return coro_await (task, NULL, error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/spec/S218-S219/ready-and-timers", test_ready_and_timers);
  coro_test_add_func ("/spec/S151-S212/what-it-waits-for", test_what_it_waits_for);
  return g_test_run ();
}
