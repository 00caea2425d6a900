/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "debug/debug-util.h"
#include "lib/bodies.h"

NOT_MERGED static gboolean
sleep_a_second (GError **error)
{
  return coro_sleep (SECOND, error);
}

static gboolean
sleeper_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return sleep_a_second (error);
}

/* --- its name and its state --------------------------------------------------------- */

static gboolean
test_states (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) task = coro_spawn_task (await_cb, future, NULL);
  g_autofree char *created = NULL;
  g_autofree char *suspended = NULL;
  g_autofree char *ready = NULL;
  g_autofree char *ended = NULL;
  g_autofree char *output = NULL;
  GPrintFunc old = collect_printed ();

  coro_task_set_name (task, "T");
  coro_task_print_stack (task);
  output = stop_printing (old);
  created = coro_task_format_stack (task, 20);
  g_assert_cmpstr (output, ==, created);
  g_assert_cmpstr (created, ==, "CoroTask 'T' created\n");

  g_assert_true (coro_test_settle (error));
  suspended = coro_task_format_stack (task, 20);
  g_assert_true (g_str_has_prefix (suspended, "CoroTask 'T' suspended, awaits CoroFuture 0x"));

  coro_future_resolve_int (future, 1);
  ready = coro_task_format_stack (task, 20);
  g_assert_true (g_str_has_prefix (ready, "CoroTask 'T' ready"));
  assert_count (ready, "| await_cb+0x", 1);

  g_assert_true (coro_await (task, NULL, error));
  ended = coro_task_format_stack (task, 20);
  g_assert_cmpstr (ended, ==, "CoroTask 'T' ended\n");
  return TRUE;
}

static gboolean
format_itself_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autofree char *text = coro_task_format_stack (coro_task_get_current (), 20);

  g_assert_true (g_str_has_prefix (text, "CoroTask 'T' running\n"));
  assert_count (text, "| format_itself_cb+0x", 1);
  return TRUE;
}

static gboolean
test_its_own (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (format_itself_cb, NULL, NULL);

  coro_task_set_name (task, "T");
  return coro_await (task, NULL, error);
}

/* As one that a binding has spawned. */
static gboolean
test_without_name_and_place (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  g_autofree char *text = NULL;

  coro_spawn_at (NULL, sleeper_cb, NULL, NULL, NULL);
  g_assert_true (coro_test_settle (error));
  text = coro_format_call_graph (NULL);
  assert_count (text, "CoroTask 'unnamed' suspended, awaits a timer\n", 1);
  return TRUE;
}

static gboolean
start_and_wait_cb (gpointer   started,
                   GValue    *result,
                   GError   **error)
{
  coro_task_set_name (coro_task_get_current (), "T");
  coro_future_resolve_int (started, 1);
  return forever_cb (NULL, result, error);
}

/* What another thread runs is not looked at. */
static gboolean
test_in_another_thread (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroWorkerPool) pool = coro_worker_pool_new (1);
  g_autoptr (CoroFuture) started = coro_future_new ();
  g_autoptr (CoroTask) task = coro_worker_pool_spawn_task (pool, start_and_wait_cb, started, NULL);
  g_autofree char *text = NULL;

  g_assert_true (coro_await (started, NULL, error));
  text = coro_task_format_stack (task, 20);
  g_assert_cmpstr (text, ==, "CoroTask 'T' created\n");
  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  return coro_worker_pool_shut_down (pool, error);
}

/* --- its stack ---------------------------------------------------------------------- */

static gboolean
test_stack_has_as_many_frames_as_wanted (gpointer   user_data,
                                         GValue    *result,
                                         GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (sleeper_cb, NULL, NULL);
  g_autofree char *text = NULL;

  g_assert_true (coro_sleep (MILLISECOND, error));
  text = coro_task_format_stack (task, 3);
  assert_count (text, "  | ", 3);
  return coro_await (task, NULL, error);
}

/* --- the coroutines that wait for it ------------------------------------------------ */

static gboolean
test_stack_tells_the_waiters (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) inner = coro_spawn_task (await_cb, future, NULL);
  g_autoptr (CoroTask) outer = coro_spawn_task (await_cb, inner, NULL);
  g_autofree char *text = NULL;

  coro_task_set_name (inner, "T");
  coro_task_set_name (outer, "main");
  g_assert_true (coro_sleep (MILLISECOND, error));
  text = coro_task_format_stack (inner, 20);
  assert_count (text, "CoroTask 'T' suspended, awaits CoroFuture 0x", 1);
  assert_count (text, "| await_cb+0x", 1);
  assert_count (text, "awaited by CoroTask 'main'", 1);

  coro_future_resolve_int (future, 1);
  return coro_await (outer, NULL, error);
}

static gboolean
join_with_another_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  *(CoroTask **) user_data = coro_task_group_spawn_task (nursery.group, sleeper_cb, NULL, NULL);
  coro_task_group_spawn (nursery.group, sleeper_cb, NULL, NULL);
  return coro_nursery_join (&nursery);
}

/* Every coroutine that waits for the task is named, also one that waits through a gather, and no
 * other coroutine is. */
static gboolean
test_all_waiters_are_named (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) task = coro_spawn_task (await_cb, future, NULL);
  g_autoptr (CoroTask) other = coro_spawn_task (await_cb, future, NULL);
  CoroFuture *both[] = { CORO_FUTURE (task), CORO_FUTURE (other) };
  g_autoptr (CoroFuture) gather = coro_gather (both, 2);
  g_autoptr (CoroTask) first = coro_spawn_task (await_cb, gather, NULL);
  g_autoptr (CoroTask) second = coro_spawn_task (await_cb, gather, NULL);
  g_autoptr (CoroTask) stranger = coro_spawn_task (await_cb, other, NULL);
  g_autofree char *text = NULL;

  coro_task_set_name (first, "first");
  coro_task_set_name (second, "second");
  coro_task_set_name (stranger, "stranger");
  g_assert_true (coro_test_settle (error));
  text = coro_task_format_stack (task, 0);
  assert_count (text, "  | ", 0);
  assert_count (text, "\nawaited by CoroTask 'first'\n", 1);
  assert_count (text, "\nawaited by CoroTask 'second'\n", 1);
  assert_count (text, "awaited by ", 2);

  coro_future_resolve_int (future, 1);
  return coro_await (first, NULL, error) && coro_await (second, NULL, error) && coro_await (stranger, NULL, error);
}

static gboolean
test_joining_is_waiting (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  CoroTask *member = NULL;
  g_autoptr (CoroTask) nursery = coro_spawn_task (join_with_another_cb, &member, NULL);
  g_autofree char *text = NULL;

  coro_task_set_name (nursery, "nursery");
  g_assert_true (coro_test_settle (error));
  text = coro_task_format_stack (member, 20);
  assert_count (text, "awaited by CoroTask 'nursery'\n", 1);
  assert_count (text, "awaited by ", 1);
  g_object_unref (member);
  return coro_await (nursery, NULL, error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("A coroutine says what it does, where, and which coroutines wait for it");

  coro_test_add_func ("/spec/S337/states", test_states);
  coro_test_add_func ("/spec/S337/its-own", test_its_own);
  coro_test_add_func ("/debug/task-stack/without-name-and-place", test_without_name_and_place);
  coro_test_add_func ("/debug/task-stack/in-another-thread", test_in_another_thread);
  coro_test_add_func ("/spec/S337/stack-has-as-many-frames-as-wanted", test_stack_has_as_many_frames_as_wanted);
  coro_test_add_func ("/spec/S335/stack-tells-the-waiters", test_stack_tells_the_waiters);
  coro_test_add_func ("/spec/S335/all-waiters-are-named", test_all_waiters_are_named);
  coro_test_add_func ("/spec/S335/joining-is-waiting", test_joining_is_waiting);

  return g_test_run ();
}
