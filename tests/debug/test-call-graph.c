/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "debug/debug-util.h"
#include "lib/bodies.h"

NOT_MERGED static gboolean
inner_wait (GError **error)
{
  return coro_sleep (SECOND, error);
}

NOT_MERGED static gboolean
outer_wait (GError **error)
{
  return inner_wait (error);
}

static gboolean
sleeper_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return outer_wait (error);
}

/* --- stacks ----------------------------------------------------------------------- */

static gboolean
test_parked_stack_is_shown (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autofree char *text = NULL;
  const char *inner, *outer;

  coro_spawn (sleeper_cb, NULL, NULL);
  g_assert_true (coro_sleep (MILLISECOND, error));
  text = coro_format_call_graph (NULL);

  inner = strstr (text, "| inner_wait+0x");
  outer = strstr (text, "| outer_wait+0x");
  g_assert_nonnull (inner);
  g_assert_nonnull (outer);
  g_assert_true (inner < outer);
  assert_count (text, "CoroTask 'sleeper_cb' suspended, awaits a timer, spawned at sleeper_cb (", 1);
  assert_count (text, "job_serve_stack_calls", 0);
  assert_count (text, "capture_cb", 0);
  return TRUE;
}

static gboolean
test_stack_of_the_caller_is_shown (gpointer   user_data,
                                 GValue    *result,
                                 GError   **error)
{
  g_autofree char *text = coro_format_call_graph (NULL);

  assert_count (text, " running", 1);
  assert_count (text, "| test_stack_of_the_caller_is_shown+0x", 1);
  return TRUE;
}

static gboolean
test_looking_changes_nothing (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (sleeper_cb, NULL, NULL);

  g_assert_true (coro_sleep (MILLISECOND, error));
  for (int i = 0; i < 100; i++)
    g_free (coro_format_call_graph (NULL));
  g_assert_cmpint (coro_task_get_coroutine_state (task), ==, CORO_COROUTINE_SUSPENDED);
  return coro_await (task, NULL, error);
}

/* --- shape ------------------------------------------------------------------------ */

static gboolean
test_awaited_stands_below (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) inner = coro_spawn_task (await_cb, future, NULL);
  g_autoptr (CoroTask) outer = coro_spawn_task (await_cb, inner, NULL);
  g_autofree char *text = NULL;

  coro_task_set_name (inner, "inner");
  coro_task_set_name (outer, "outer");
  g_assert_true (coro_sleep (MILLISECOND, error));
  text = coro_format_call_graph (NULL);
  assert_count (text, "\n* CoroTask 'outer' suspended, awaits CoroTask 'inner'", 1);
  assert_count (text, "\n  * CoroTask 'inner' suspended, awaits CoroFuture 0x", 1);
  assert_count (text, "\n    | await_cb+0x", 1);             /* of the inner one */
  g_assert_true (g_regex_match_simple ("\n    \\* CoroFuture 0x[0-9a-f]+ pending\n", text, 0, 0));

  coro_future_resolve_int (future, 1);
  return coro_await (outer, NULL, error);
}

static gboolean
test_diamond_is_printed_once (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) bottom = coro_spawn_task (await_cb, future, NULL);
  g_autoptr (CoroTask) left = coro_spawn_task (await_cb, bottom, NULL);
  g_autoptr (CoroTask) right = coro_spawn_task (await_cb, bottom, NULL);
  CoroFuture *both[] = { CORO_FUTURE (left), CORO_FUTURE (right) };
  g_autoptr (CoroFuture) gather = coro_gather (both, 2);
  g_autoptr (CoroTask) top = coro_spawn_task (await_cb, gather, NULL);
  g_autofree char *text = NULL;

  coro_task_set_name (bottom, "bottom");
  coro_task_set_name (left, "left");
  g_assert_true (coro_sleep (MILLISECOND, error));
  text = coro_format_call_graph (NULL);
  assert_count (text, "* CoroTask 'bottom' suspended", 1);
  assert_count (text, "* CoroTask 'bottom' (see above)", 1);
  assert_count (text, "* CoroGather 0x", 1);
  assert_count (text, "\n    * CoroTask 'left' suspended", 1);
  assert_count (text, "\n* CoroTask 'left'", 0);               /* it is no root: top waits, by the gather */

  coro_future_resolve_int (future, 1);
  return coro_await (top, NULL, error);
}

static gboolean
await_slot_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  return coro_await (*(CoroFuture **) user_data, NULL, error);
}

static gboolean
join_cb (gpointer   future,
         GValue    *result,
         GError   **error)
{
  return coro_join (future, error);
}

static gboolean
test_cycle_ends (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  CoroFuture *race = NULL;
  g_autoptr (CoroTask) first = coro_spawn_task (await_slot_cb, &race, NULL);
  CoroTask *second = coro_spawn_task (join_cb, first, NULL);
  g_autofree char *text = NULL;

  race = coro_race ((CoroFuture **) &second, 1);        /* of a direct await it would be told */
  coro_task_set_name (first, "first");
  coro_task_set_name (second, "second");
  g_assert_true (coro_sleep (MILLISECOND, error));
  text = coro_format_call_graph (NULL);
  assert_count (text, "CoroTask 'first' suspended", 1);
  assert_count (text, "CoroTask 'second' suspended", 1);
  assert_count (text, "(see above)", 1);

  coro_task_cancel (first);
  coro_join (second, NULL);
  g_object_unref (second);
  g_object_unref (race);
  return coro_join (first, error);
}

static gboolean
test_long_chain_is_linear (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  const guint n = is_slow () ? 200 : 2000;
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *text = NULL;

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (tasks, coro_spawn_task (await_cb, i == 0 ? (gpointer) future : tasks->pdata[i - 1], NULL));
  g_assert_true (coro_sleep (MILLISECOND, error));

  text = coro_format_call_graph (NULL);
  assert_count (text, " suspended, awaits ", n);
  assert_count (text, "(see above)", 0);
  /* 24 steps to the right and no more: what is deeper says how deep it is. */
  assert_count (text, "\n                                                * CoroTask", 1);
  assert_count (text, "\n                                                (25) * CoroTask", 1);
  assert_count (text, "\n                                                (26) * CoroTask", 1);
  g_assert_cmpuint (strlen (text), <, n * 2000);

  coro_future_resolve_int (future, 1);
  return coro_await (tasks->pdata[n - 1], NULL, error);
}

static gboolean
select_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  CoroFuture **futures = user_data;

  return coro_select (error, futures[0], futures[1], NULL) != NULL;
}

static gboolean
nursery_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, sleeper_cb, NULL, NULL);
  return coro_nursery_join (&nursery);
}

static gboolean
test_select_and_nursery_show_all (gpointer   user_data,
                                  GValue    *result,
                                  GError   **error)
{
  g_autoptr (CoroTask) a = coro_spawn_task (sleeper_cb, NULL, NULL);
  g_autoptr (CoroFuture) b = coro_future_new ();
  CoroFuture *futures[] = { CORO_FUTURE (a), b };
  g_autoptr (CoroTask) selecting = coro_spawn_task (select_cb, futures, NULL);
  g_autoptr (CoroTask) nursery = coro_spawn_task (nursery_cb, NULL, NULL);
  g_autofree char *text = NULL;

  coro_task_set_name (a, "a");
  g_assert_true (coro_sleep (MILLISECOND, error));
  text = coro_format_call_graph (NULL);
  assert_count (text, "\n  * CoroTask 'a' suspended", 1);
  assert_count (text, "\n  * CoroFuture 0x", 1);
  assert_count (text, "\n  * CoroTask 'sleeper_cb' suspended", 1);
  assert_count (text, "awaits several futures", 1);
  g_assert_true (strstr (text, "\n  * CoroTask 'a'") < strstr (text, "\n  * CoroFuture 0x"));

  return coro_await (selecting, NULL, error) && coro_await (nursery, NULL, error) && coro_await (a, NULL, error);
}

static gboolean
test_future_is_printed_once (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) first = coro_spawn_task (await_cb, future, NULL);
  g_autoptr (CoroTask) second = coro_spawn_task (await_cb, future, NULL);
  g_autofree char *text = NULL;

  g_assert_true (coro_test_settle (error));
  text = coro_format_call_graph (NULL);
  assert_count (text, "\n  * CoroFuture 0x", 2);
  assert_count (text, " pending\n", 1);
  assert_count (text, " (see above)\n", 1);

  coro_future_resolve_int (future, 1);
  return coro_await (first, NULL, error) && coro_await (second, NULL, error);
}

static gboolean
return_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  return TRUE;
}

/* A task that has ended is a future like others. */
static gboolean
test_what_is_done_is_shown_as_done (gpointer   user_data,
                                    GValue    *result,
                                    GError   **error)
{
  g_autoptr (CoroTask) ended = coro_spawn_task (return_cb, NULL, NULL);
  g_autoptr (CoroFuture) future = coro_future_new ();
  CoroFuture *both[] = { CORO_FUTURE (ended), future };
  g_autoptr (CoroFuture) gather = coro_gather (both, 2);
  g_autoptr (CoroTask) task = coro_spawn_task (await_cb, gather, NULL);
  g_autofree char *text = NULL;

  g_assert_true (coro_test_settle (error));
  text = coro_format_call_graph (NULL);
  g_assert_true (g_regex_match_simple ("\n    \\* CoroTask 0x[0-9a-f]+ done\n", text, 0, 0));
  g_assert_true (g_regex_match_simple ("\n    \\* CoroFuture 0x[0-9a-f]+ pending\n", text, 0, 0));

  coro_future_resolve_int (future, 1);
  return coro_await (task, NULL, error);
}

static gboolean
join_two_later_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  if (!coro_sleep (MILLISECOND, error))
    return FALSE;
  coro_task_group_spawn (nursery.group, sleeper_cb, NULL, NULL);
  coro_task_group_spawn (nursery.group, sleeper_cb, NULL, NULL);
  return coro_nursery_join (&nursery);
}

/* Also when they come before it in the list of all, in the place of one that has ended. */
static gboolean
test_members_stand_below_their_group (gpointer   user_data,
                                      GValue    *result,
                                      GError   **error)
{
  g_autofree char *text = NULL;
  g_autoptr (CoroTask) nursery = NULL;

  coro_spawn (return_cb, NULL, NULL);
  nursery = coro_spawn_task (join_two_later_cb, NULL, NULL);
  coro_task_set_name (nursery, "nursery");
  g_assert_true (coro_sleep (2 * MILLISECOND, error));
  text = coro_format_call_graph (NULL);
  assert_count (text, "\n* CoroTask 'nursery' suspended", 1);
  assert_count (text, "\n  * CoroTask 'sleeper_cb' suspended", 2);
  assert_count (text, "\n* CoroTask 'sleeper_cb'", 0);
  return coro_await (nursery, NULL, error);
}

static gboolean
test_lost_task_is_listed (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autofree char *text = NULL;
  g_autolist (CoroTask) tasks = NULL;
  guint n_found = 0;

  coro_spawn (forever_cb, NULL, NULL);
  g_assert_true (coro_sleep (0, error));

  tasks = coro_all_tasks (NULL);
  for (GList *l = tasks; l != NULL; l = l->next)
    if (g_str_has_prefix (coro_task_get_spawn_site (l->data), "forever_cb ("))
      n_found++;
  g_assert_cmpuint (n_found, ==, 1);

  text = coro_format_call_graph (NULL);
  assert_count (text, "spawned at forever_cb (", 1);
  return TRUE;
}

static gpointer
format_elsewhere (gpointer scheduler)
{
  return coro_format_call_graph (scheduler);
}

/* Nothing can be said of what runs meanwhile. */
static gboolean
test_other_threads_see_nothing (gpointer   user_data,
                                GValue    *result,
                                GError   **error)
{
  g_autofree char *mine = coro_format_call_graph (NULL);
  g_autofree char *theirs = g_thread_join (g_thread_new ("elsewhere", format_elsewhere, scheduler ()));

  g_assert_true (g_str_has_prefix (mine, "1 coroutine\n* CoroTask '"));
  g_assert_cmpstr (theirs, ==, "0 coroutines\n");
  return TRUE;
}

/* Without a scheduler as argument, the call graph is the one of the thread-default main context. */
static void
test_asked_from_outside (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroFuture) future = NULL;
  g_autofree char *text = NULL;

  g_main_context_push_thread_default (context);
  future = coro_future_new ();
  coro_spawn (await_cb, future, NULL);
  settle (context);
  text = coro_format_call_graph (NULL);
  coro_future_resolve_int (future, 1);
  settle (context);
  g_main_context_pop_thread_default (context);
  g_assert_true (g_str_has_prefix (text, "1 coroutine\n* CoroTask 'await_cb' suspended, awaits CoroFuture 0x"));
}

static void
test_no_coroutines (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroScheduler) self = coro_scheduler_ref_for_context (context);
  g_autofree char *text = coro_format_call_graph (self);
  g_autofree char *output = NULL;
  GPrintFunc old = collect_printed ();

  g_assert_cmpstr (text, ==, "0 coroutines\n");
  coro_print_call_graph (self);
  output = stop_printing (old);
  g_assert_cmpstr (output, ==, text);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("What waits for what, and where, can be printed at any time");

  coro_test_add_func ("/spec/S337/parked-stack-is-shown", test_parked_stack_is_shown);
  coro_test_add_func ("/spec/S337/stack-of-the-caller-is-shown", test_stack_of_the_caller_is_shown);
  coro_test_add_func ("/spec/S337/looking-changes-nothing", test_looking_changes_nothing);
  coro_test_add_func ("/spec/S335/awaited-stands-below", test_awaited_stands_below);
  coro_test_add_func ("/spec/S335/diamond-is-printed-once", test_diamond_is_printed_once);
  coro_test_add_func ("/spec/S335/cycle-ends", test_cycle_ends);
  coro_test_add_func ("/spec/S335/long-chain-is-linear", test_long_chain_is_linear);
  coro_test_add_func ("/spec/S335/select-and-nursery-show-all", test_select_and_nursery_show_all);
  coro_test_add_func ("/spec/S335/future-is-printed-once", test_future_is_printed_once);
  coro_test_add_func ("/spec/S335/what-is-done-is-shown-as-done", test_what_is_done_is_shown_as_done);
  coro_test_add_func ("/spec/S335/members-stand-below-their-group", test_members_stand_below_their_group);
  coro_test_add_func ("/spec/S335/other-threads-see-nothing", test_other_threads_see_nothing);
  g_test_add_func ("/spec/S335/asked-from-outside", test_asked_from_outside);
  coro_test_add_func ("/spec/S333/lost-task-is-listed", test_lost_task_is_listed);
  g_test_add_func ("/spec/S335/no-coroutines", test_no_coroutines);

  return g_test_run ();
}
