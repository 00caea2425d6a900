/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Futures, tasks, groups and guards, cancelled at every await: nothing is left running.
 */
#include "test-util.h"

static gboolean
slow_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  return coro_sleep (SECOND, error) && coro_sleep (SECOND, error) && coro_return_int (result, 7);
}

/* One that takes its time after it was told to stop. */
static gboolean
tidy_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  gboolean ok = coro_sleep (SECOND, error);
  g_auto (CoroShield) shield = coro_shield_enter (0);

  g_assert_true (coro_sleep (SECOND, NULL));
  return ok;
}

#define TEST(name) static const CoroTestCancel name##_test = { .body = name##_body }

/* --- waiting ---------------------------------------------------------------------- */

static gboolean
sleep_body (gpointer   fixture,
            GError   **error)
{
  return coro_sleep (SECOND, error) && coro_sleep (0, error) && coro_yield (error);
}

TEST (sleep);

static gboolean
future_body (gpointer   fixture,
             GError   **error)
{
  g_autoptr (CoroFuture) future = coro_sleep_future (SECOND);

  return coro_await (future, NULL, error) && coro_await (future, NULL, error);
}

TEST (future);

static gboolean
task_body (gpointer   fixture,
           GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (slow_cb, NULL, NULL);

  return coro_await_int (task, error) == 7;
}

TEST (task);

static gboolean
tidy_task_body (gpointer   fixture,
                GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (tidy_cb, NULL, NULL);
  gboolean ok = coro_await (task, NULL, error);

  g_assert_true (ok || coro_future_is_done (CORO_FUTURE (task)));       /* it was waited for */
  return ok;
}

TEST (tidy_task);

static gboolean
eager_body (gpointer   fixture,
            GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task_eager (slow_cb, NULL, NULL);

  return coro_await (task, NULL, error);
}

TEST (eager);

static gboolean
coroutine_main_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  return slow_cb (user_data, result, error);
}

static gboolean
coroutine_body (gpointer   fixture,
                GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (coroutine_main_cb, NULL, NULL);
  gboolean ok;

  coro_test_cancel_track (coroutine);
  ok = coro_await (coroutine, NULL, error);
  if (!ok)
    coro_coroutine_close (coroutine, NULL);
  return ok;
}

TEST (coroutine);

static gboolean
gather_body (gpointer   fixture,
             GError   **error)
{
  g_autoptr (CoroFuture) first = CORO_FUTURE (coro_spawn_task (slow_cb, NULL, NULL));
  g_autoptr (CoroFuture) second = CORO_FUTURE (coro_spawn_task (tidy_cb, NULL, NULL));
  CoroFuture *both[] = { first, second };
  g_autoptr (CoroFuture) gather = coro_gather (both, 2);

  return coro_await (gather, NULL, error);
}

TEST (gather);

static gboolean
careful_gather_body (gpointer   fixture,
                     GError   **error)
{
  g_autoptr (CoroFuture) first = CORO_FUTURE (coro_spawn_task (slow_cb, NULL, NULL));
  g_autoptr (CoroFuture) second = CORO_FUTURE (coro_spawn_task (tidy_cb, NULL, NULL));
  CoroFuture *both[] = { first, second };
  g_autoptr (CoroFuture) gather = coro_gather_full (both, 2, CORO_GATHER_CANCEL_ON_ERROR);

  return coro_await (gather, NULL, error);
}

TEST (careful_gather);

/* What they wait for is done, and has only to be said. */
static gboolean
done_body (gpointer   fixture,
           GError   **error)
{
  g_autoptr (CoroFuture) first = CORO_FUTURE (coro_spawn_task (slow_cb, NULL, NULL));
  g_autoptr (CoroFuture) second = CORO_FUTURE (coro_spawn_task (slow_cb, NULL, NULL));
  CoroFuture *both[] = { first, second };
  g_autoptr (CoroFuture) gather = NULL;
  g_autoptr (CoroFuture) race = NULL;

  if (!coro_join (first, error) || !coro_join (second, error))
    return FALSE;
  gather = coro_gather_full (both, 2, CORO_GATHER_RETURN_ERRORS);
  if (!coro_await (gather, NULL, error) || !coro_sleep (SECOND, error))
    return FALSE;
  race = coro_race (both, 2);
  return coro_await (race, NULL, error) && coro_sleep (SECOND, error);
}

TEST (done);

static gboolean
wait_body (gpointer   fixture,
           GError   **error)
{
  g_autoptr (CoroFuture) first = coro_sleep_future (SECOND);
  g_autoptr (CoroFuture) second = coro_sleep_future (2 * SECOND);
  CoroFuture *both[] = { first, second };

  return coro_select (error, first, second, NULL) == first &&
         coro_wait (both, 2, CORO_WAIT_ALL, SECOND / 2, error) &&
         coro_wait (both, 2, CORO_WAIT_ALL, -1, error);
}

TEST (wait);

static gboolean
race_body (gpointer   fixture,
           GError   **error)
{
  g_autoptr (CoroFuture) first = CORO_FUTURE (coro_spawn_task (slow_cb, NULL, NULL));
  g_autoptr (CoroFuture) second = CORO_FUTURE (coro_spawn_task (tidy_cb, NULL, NULL));
  CoroFuture *both[] = { first, second };
  g_autoptr (CoroFuture) race = coro_race (both, 2);

  return coro_await (race, NULL, error);
}

TEST (race);

static gboolean
completed_body (gpointer   fixture,
                GError   **error)
{
  g_autoptr (CoroFuture) first = coro_sleep_future (2 * SECOND);
  g_autoptr (CoroFuture) second = coro_sleep_future (SECOND);
  CoroFuture *both[] = { first, second };
  g_autoptr (CoroIterator) iterator = coro_as_completed (both, 2);
  g_auto (CoroLoop) loop = coro_loop_enter (iterator, error);
  gpointer future = NULL;

  while (coro_loop_next_object (&loop, &future))
    g_assert_true (coro_future_is_done (future));
  return coro_loop_ok (&loop);
}

TEST (completed);

static gboolean
shielded_future_body (gpointer   fixture,
                      GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (slow_cb, NULL, NULL);
  g_autoptr (CoroFuture) shield = coro_future_shield (CORO_FUTURE (task));

  return coro_await (shield, NULL, error);
}

TEST (shielded_future);

/* --- guards ----------------------------------------------------------------------- */

static gboolean
shield_body (gpointer   fixture,
             GError   **error)
{
  {
    g_auto (CoroShield) shield = coro_shield_enter (0);

    /* A request of before it is held, and no other reaches in. */
    g_assert_true (coro_sleep (SECOND, error));
  }
  return coro_sleep (SECOND, error);
}

static const CoroTestCancel shield_test = { .body = shield_body };

static gboolean
timeout_body (gpointer   fixture,
              GError   **error)
{
  g_autoptr (GError) inner = NULL;
  gboolean ok;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (SECOND, &inner);

    ok = coro_sleep (10 * SECOND, &inner);
  }
  g_assert_false (ok && inner != NULL);
  if (ok || g_error_matches (inner, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return coro_sleep (SECOND, error);
  assert_cancelled (inner);
  g_propagate_error (error, g_steal_pointer (&inner));
  return FALSE;
}

TEST (timeout);

static gboolean
wait_for_body (gpointer   fixture,
               GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (tidy_cb, NULL, NULL);
  g_autoptr (GError) inner = NULL;
  gboolean ok = coro_wait_for (task, SECOND / 2, NULL, &inner);

  g_assert_true (coro_future_is_done (CORO_FUTURE (task)) || inner != NULL);
  if (ok || g_error_matches (inner, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return coro_check_cancelled (error);
  g_propagate_error (error, g_steal_pointer (&inner));
  return FALSE;
}

TEST (wait_for);

static gboolean
group_body (gpointer   fixture,
            GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  coro_test_cancel_track (group);
  coro_task_group_limit (group, 2);
  coro_task_group_spawn (group, slow_cb, NULL, NULL);
  coro_task_group_spawn (group, tidy_cb, NULL, NULL);
  coro_task_group_spawn (group, slow_cb, NULL, NULL);
  return coro_task_group_join (group, error);
}

TEST (group);

static gboolean
nested_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, slow_cb, NULL, NULL);
  coro_task_group_spawn (nursery.group, tidy_cb, NULL, NULL);
  if (!coro_yield (error))
    return FALSE;
  return coro_nursery_join (&nursery);
}

static gboolean
nursery_body (gpointer   fixture,
              GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, nested_cb, NULL, NULL);
  coro_task_group_spawn (nursery.group, slow_cb, NULL, NULL);
  if (!coro_sleep (SECOND / 2, error))
    return FALSE;
  coro_task_group_spawn (nursery.group, tidy_cb, NULL, NULL);
  return coro_nursery_join (&nursery);
}

TEST (nursery);

/* One member fails while the others clean up: its error comes out unless all was cancelled. */
static gboolean
failing_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return coro_sleep (SECOND / 4, error) && fail_cb ((gpointer) "broken", result, error);
}

static gboolean
failing_nursery_body (gpointer   fixture,
                      GError   **error)
{
  g_autoptr (GError) inner = NULL;
  gboolean ok;

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &inner);

    coro_task_group_spawn (nursery.group, tidy_cb, NULL, NULL);
    coro_task_group_spawn (nursery.group, failing_cb, NULL, NULL);
    ok = coro_nursery_join (&nursery);
  }
  g_assert_true (ok == (inner == NULL));
  return coro_check_cancelled (error);
}

TEST (failing_nursery);

static gboolean
each_cb (int       *element,
         gpointer   user_data,
         GError   **error)
{
  return coro_sleep (*element * SECOND, error);
}

static gboolean
each_body (gpointer   fixture,
           GError   **error)
{
  int elements[] = { 3, 1, 2, 1 };

  return CORO_EACH (elements, 2, each_cb, NULL, error);
}

TEST (each);

/* --- cancel scopes ---------------------------------------------------------------- */

/* Stopped by its own time, by a call and from behind a shield; whatever comes from outside
 * comes through. */
static gboolean
scope_body (gpointer   fixture,
            GError   **error)
{
  {
    g_autoptr (GError) inner = NULL;
    g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (SECOND, &inner);

    g_assert_false (coro_sleep (10 * SECOND, &inner));
    if (!coro_cancel_scope_catch (&scope))
      {
        g_propagate_error (error, g_steal_pointer (&inner));
        return FALSE;
      }
    g_assert_true (coro_cancel_scope_is_expired (&scope));
  }
  {
    g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (G_MAXINT64, error);

    if (!coro_sleep (SECOND, error))
      return FALSE;
    coro_cancel_scope_set_shield (&scope, TRUE);
    g_assert_true (coro_sleep (SECOND, NULL));
    g_assert_true (coro_yield (NULL));
    coro_cancel_scope_set_shield (&scope, FALSE);
    coro_cancel_scope_set_timeout (&scope, 10 * SECOND);
    if (!coro_sleep (SECOND, error))
      return FALSE;
  }
  return coro_sleep (SECOND, error);
}

TEST (scope);

/* One that reaches others: its members are told, and have ended when it is left. */
static gboolean
scope_of_many_body (gpointer   fixture,
                    GError   **error)
{
  g_autoptr (GError) inner = NULL;
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (3 * SECOND / 2, &inner);

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &inner);

    coro_task_group_spawn (nursery.group, tidy_cb, NULL, NULL);
    coro_task_group_spawn (nursery.group, slow_cb, NULL, NULL);
    coro_nursery_join (&nursery);
  }
  if (coro_cancel_scope_catch (&scope) || inner == NULL)
    return coro_check_cancelled (error);
  g_propagate_error (error, g_steal_pointer (&inner));
  return FALSE;
}

TEST (scope_of_many);

/* --- coroutines that are resumed by hand ------------------------------------------ */

static gboolean
by_hand_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  gboolean ok = coro_sleep (SECOND, error) && coro_suspend (NULL, NULL, error) &&
                coro_sleep (SECOND, error) && coro_suspend (NULL, NULL, error);
  g_auto (CoroShield) shield = coro_shield_enter (0);

  g_assert_true (coro_sleep (SECOND, NULL));
  return ok;
}

/* To its end; one that is dropped on the way cleans up, which takes its time. */
static gboolean
resume_body (gpointer   fixture,
             GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (by_hand_cb, NULL, NULL);

  coro_test_cancel_track (coroutine);
  for (int i = 0; i < 3; i++)
    if (!coro_coroutine_resume (coroutine, NULL, NULL, error))
      return FALSE;
  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CLOSED);
  return TRUE;
}

TEST (resume);

static gboolean
resume_and_close_body (gpointer   fixture,
                       GError   **error)
{
  g_autoptr (CoroCoroutine) closed = coro_coroutine_new (by_hand_cb, NULL, NULL);
  g_autoptr (CoroCoroutine) dropped = NULL;

  coro_test_cancel_track (closed);
  if (!coro_coroutine_resume (closed, NULL, NULL, error))
    return FALSE;
  dropped = coro_coroutine_new (by_hand_cb, NULL, NULL);
  coro_test_cancel_track (dropped);
  if (!coro_coroutine_resume (dropped, NULL, NULL, error) || !coro_sleep (SECOND, error))
    return FALSE;
  return coro_coroutine_close (closed, error) && coro_check_cancelled (error);
}

TEST (resume_and_close);

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  coro_test_add_cancel ("/cancel/tasks/sleep-and-yield", &sleep_test);
  coro_test_add_cancel ("/cancel/tasks/future", &future_test);
  coro_test_add_cancel ("/cancel/tasks/task", &task_test);
  coro_test_add_cancel ("/cancel/tasks/task-that-cleans-up", &tidy_task_test);
  coro_test_add_cancel ("/cancel/tasks/eager-task", &eager_test);
  coro_test_add_cancel ("/cancel/tasks/coroutine", &coroutine_test);
  coro_test_add_cancel ("/cancel/tasks/gather", &gather_test);
  coro_test_add_cancel ("/cancel/tasks/gather-that-cancels", &careful_gather_test);
  coro_test_add_cancel ("/cancel/tasks/gather-and-race-of-what-is-done", &done_test);
  coro_test_add_cancel ("/cancel/tasks/wait-and-select", &wait_test);
  coro_test_add_cancel ("/cancel/tasks/race", &race_test);
  coro_test_add_cancel ("/cancel/tasks/as-completed", &completed_test);
  coro_test_add_cancel ("/cancel/tasks/shielded-future", &shielded_future_test);
  coro_test_add_cancel ("/cancel/tasks/shield", &shield_test);
  coro_test_add_cancel ("/cancel/tasks/timeout", &timeout_test);
  coro_test_add_cancel ("/cancel/tasks/wait-for", &wait_for_test);
  coro_test_add_cancel ("/cancel/tasks/group", &group_test);
  coro_test_add_cancel ("/cancel/tasks/nursery", &nursery_test);
  coro_test_add_cancel ("/cancel/tasks/nursery-with-failure", &failing_nursery_test);
  coro_test_add_cancel ("/cancel/tasks/each", &each_test);
  coro_test_add_cancel ("/cancel/tasks/cancel-scope", &scope_test);
  coro_test_add_cancel ("/cancel/tasks/cancel-scope-of-many", &scope_of_many_test);
  coro_test_add_cancel ("/cancel/tasks/resumed-by-hand", &resume_test);
  coro_test_add_cancel ("/cancel/tasks/resumed-by-hand-and-closed", &resume_and_close_test);
  return g_test_run ();
}
