/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "debug/debug-util.h"

/* Where `what` begins in `text`, which has it. */
static gsize
position (const char *text,
          const char *what)
{
  const char *at = strstr (text, what);

  if (at == NULL)
    g_error ("No \"%s\" in:\n%s", what, text);
  return at - text;
}

#define assert_order(text, first, second) \
  g_assert_cmpuint (position ((text), (first)), <, position ((text), (second)))

static void
begin (void)
{
  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_ERRORS);
}

static gboolean
divide_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "division by zero");
  return FALSE;
}

/* --- tasks ------------------------------------------------------------------------ */

NOT_MERGED static gboolean
await_divide (GError **error)
{
  g_autoptr (CoroTask) c = coro_spawn_task (divide_cb, NULL, NULL);

  return coro_await (c, NULL, error);
}

static gboolean
b_cb (gpointer   user_data,
      GValue    *result,
      GError   **error)
{
  return await_divide (error);
}

static gboolean
a_cb (gpointer   user_data,
      GValue    *result,
      GError   **error)
{
  g_autoptr (CoroTask) b = coro_spawn_task (b_cb, NULL, NULL);

  return coro_await (b, NULL, error);
}

static void
assert_a_b_c (const char *text)
{
  assert_order (text, "spawned at a_cb (", "    a_cb+0x");
  assert_order (text, "    a_cb+0x", "spawned at b_cb (");
  assert_order (text, "spawned at b_cb (", "    b_cb+0x");
  assert_order (text, "    b_cb+0x", "    await_divide+0x");
  assert_order (text, "    await_divide+0x", "spawned at divide_cb (");
  position (text, ", raised it before its first wait\n");
  g_assert_cmpuint (count (text, "spawned at a_cb ("), ==, 1);
  g_assert_cmpuint (count (text, "spawned at b_cb ("), ==, 1);
  g_assert_cmpuint (count (text, "spawned at divide_cb ("), ==, 1);
  g_assert_cmpuint (count (text, "coro_await"), ==, 0);
}

static gboolean
test_tasks_that_await_each_other (gpointer   user_data,
                                  GValue    *result,
                                  GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (CoroTask) a = NULL;
  g_autofree char *text = NULL;

  begin ();
  a = coro_spawn_task (a_cb, NULL, NULL);
  g_assert_false (coro_await (a, NULL, &local_error));
  text = coro_format_error_trace (local_error);
  assert_a_b_c (text);
  assert_order (text, "    test_tasks_that_await_each_other+0x", "spawned at a_cb (");
  return TRUE;
}

static gboolean
test_unread_error_is_reported_with_it (gpointer   user_data,
                                       GValue    *result,
                                       GError   **error)
{
  begin_log ();
  begin ();
  coro_spawn (a_cb, NULL, NULL);
  g_assert_true (coro_sleep (MILLISECOND, error));
  assert_logged ("division by zero", 1);
  assert_a_b_c (strchr (log_text->str, '\n'));

  /* Again, by way of a handle that is dropped. */
  g_string_truncate (log_text, 0);
  g_object_unref (coro_spawn_task (a_cb, NULL, NULL));
  g_assert_true (coro_sleep (MILLISECOND, error));
  assert_logged ("division by zero", 1);
  assert_a_b_c (strchr (log_text->str, '\n'));
  end_log ();
  return TRUE;
}

static gboolean
test_two_await_the_same (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  g_autoptr (GError) our_error = NULL;
  g_autoptr (GError) their_error = NULL;
  g_autoptr (CoroTask) c = NULL;
  g_autoptr (CoroTask) waiting = NULL;
  g_autofree char *theirs = NULL;
  g_autofree char *ours = NULL;

  begin ();
  c = coro_spawn_task (divide_cb, NULL, NULL);
  g_assert_false (coro_await (c, NULL, &our_error));
  waiting = coro_spawn_task (a_cb, NULL, NULL);
  g_assert_false (coro_await (waiting, NULL, &their_error));

  /* They are alike, and still each has its own. */
  ours = coro_format_error_trace (our_error);
  theirs = coro_format_error_trace (their_error);
  g_assert_cmpuint (count (ours, "spawned at a_cb ("), ==, 0);
  g_assert_cmpuint (count (theirs, "spawned at a_cb ("), ==, 1);
  return TRUE;
}

/* --- functions and coroutine objects on one stack ---------------------------------- */

NOT_MERGED static gboolean
inner_wait (GError **error)
{
  if (!coro_sleep (SECOND, error))
    return FALSE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "after the wait");
  return FALSE;
}

NOT_MERGED static gboolean
outer_wait (GError **error)
{
  return inner_wait (error);
}

static gboolean
waiting_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return outer_wait (error);
}

static gboolean
test_functions_are_known_by_the_last_wait (gpointer   user_data,
                                           GValue    *result,
                                           GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (CoroTask) task = NULL;
  g_autofree char *text = NULL;

  begin ();
  task = coro_spawn_task (waiting_cb, NULL, NULL);
  g_assert_false (coro_await (task, NULL, &local_error));
  text = coro_format_error_trace (local_error);
  assert_order (text, "spawned at waiting_cb (", ", raised it after this wait:\n");
  assert_order (text, "    waiting_cb+0x", "    outer_wait+0x");
  assert_order (text, "    outer_wait+0x", "    inner_wait+0x");
  return TRUE;
}

static gboolean
main_body_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroCoroutine) f = coro_coroutine_new (divide_cb, NULL, NULL);

  return coro_await (f, NULL, error);
}

static gboolean
test_coroutine_object (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (CoroTask) task = NULL;
  g_autofree char *text = NULL;

  begin ();
  task = coro_spawn_task (main_body_cb, NULL, NULL);
  g_assert_false (coro_await (task, NULL, &local_error));
  text = coro_format_error_trace (local_error);
  assert_order (text, "spawned at main_body_cb (", "    main_body_cb+0x");
  assert_order (text, "    main_body_cb+0x", "coroutine 'divide_cb', raised it\n");
  return TRUE;
}

static gboolean
middle_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroCoroutine) f = coro_coroutine_new (main_body_cb, NULL, NULL);

  return coro_await (f, NULL, error);
}

static gboolean
test_nested_coroutine_objects (gpointer   user_data,
                               GValue    *result,
                               GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (CoroTask) task = NULL;
  g_autofree char *text = NULL;

  begin ();
  task = coro_spawn_task (middle_cb, NULL, NULL);
  g_assert_false (coro_await (task, NULL, &local_error));
  text = coro_format_error_trace (local_error);
  assert_order (text, "    middle_cb+0x", "    main_body_cb+0x");
  assert_order (text, "    main_body_cb+0x", "coroutine 'divide_cb', raised it\n");
  g_assert_cmpuint (count (text, "    middle_cb+0x"), ==, 1);
  return TRUE;
}

/* --- which error ------------------------------------------------------------------- */

static gboolean
test_prefixed_and_copied_is_the_same (gpointer   user_data,
                                      GValue    *result,
                                      GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GError) copy = NULL;
  g_autoptr (CoroTask) b = NULL;
  g_autofree char *prefixed = NULL;
  g_autofree char *copied = NULL;

  begin ();
  b = coro_spawn_task (b_cb, NULL, NULL);
  g_assert_false (coro_await (b, NULL, &local_error));
  copy = g_error_copy (local_error);
  copied = coro_format_error_trace (copy);
  position (copied, "spawned at b_cb (");
  g_prefix_error (&local_error, "while testing: ");
  prefixed = coro_format_error_trace (local_error);
  position (prefixed, "spawned at b_cb (");
  return TRUE;
}

static gboolean
handle_and_fail_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (await_divide (&local_error));
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "another");
  return FALSE;
}

static gboolean
test_another_error_begins_anew (gpointer   user_data,
                                GValue    *result,
                                GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (CoroTask) task = NULL;
  g_autofree char *text = NULL;

  begin ();
  task = coro_spawn_task (handle_and_fail_cb, NULL, NULL);
  g_assert_false (coro_await (task, NULL, &local_error));
  text = coro_format_error_trace (local_error);
  assert_order (text, "spawned at handle_and_fail_cb (", ", raised it after this wait:\n");
  g_assert_cmpuint (count (text, "divide_cb"), ==, 0);
  return TRUE;
}

static gboolean
test_gathered_error (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (CoroFuture) b = NULL;
  g_autoptr (CoroFuture) gather = NULL;
  g_autofree char *text = NULL;

  begin ();
  b = CORO_FUTURE (coro_spawn_task (b_cb, NULL, NULL));
  gather = coro_gather (&b, 1);
  g_assert_false (coro_await (gather, NULL, &local_error));
  text = coro_format_error_trace (local_error);
  assert_order (text, "    test_gathered_error+0x", "spawned at b_cb (");
  assert_order (text, "spawned at b_cb (", "spawned at divide_cb (");
  return TRUE;
}

static gboolean
test_group_error_has_that_of_each (gpointer   user_data,
                                   GValue    *result,
                                   GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *text = NULL;

  begin ();
  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &local_error);

    coro_task_group_spawn (nursery.group, b_cb, NULL, NULL);
    g_assert_false (coro_nursery_join (&nursery));
  }
  text = coro_format_error_trace (local_error);
  assert_order (text, "1 of 1: division by zero\n", "spawned at b_cb (");
  assert_order (text, "spawned at b_cb (", "spawned at divide_cb (");
  return TRUE;
}

static gboolean
unlike_any_other_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "unlike any other");
  return FALSE;
}

static gboolean
test_nothing_is_noted_while_it_is_off (gpointer   user_data,
                                       GValue    *result,
                                       GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (CoroTask) task = NULL;

  begin ();
  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_NONE);
  task = coro_spawn_task (unlike_any_other_cb, NULL, NULL);
  g_assert_false (coro_await (task, NULL, &local_error));
  g_assert_null (coro_format_error_trace (local_error));
  return TRUE;
}

static gboolean
numbered_cb (gpointer   number,
             GValue    *result,
             GError   **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "number %d", GPOINTER_TO_INT (number));
  return FALSE;
}

/* They are forgotten in the order in which they came. */
static gboolean
test_the_last_ones_are_known (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_autofree char *first = NULL;
  g_autofree char *last = NULL;

  begin ();
  for (int i = 0; i < 300; i++)
    {
      g_autoptr (CoroTask) task = coro_spawn_task (numbered_cb, GINT_TO_POINTER (i), NULL);
      GError *local_error = NULL;

      g_assert_false (coro_await (task, NULL, &local_error));
      g_ptr_array_add (errors, local_error);
    }

  last = coro_format_error_trace (g_ptr_array_index (errors, 299));
  position (last, "spawned at numbered_cb (");
  first = coro_format_error_trace (g_ptr_array_index (errors, 0));
  g_assert_null (first);
  return TRUE;
}

static gboolean
test_without_place (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (GError) local_error = NULL;
  g_autofree char *text = NULL;

  begin ();
  task = coro_spawn_task_at (NULL, divide_cb, NULL, NULL, NULL);
  coro_task_set_name (task, "it");
  g_assert_false (coro_await (task, NULL, &local_error));
  text = coro_format_error_trace (local_error);
  position (text, "CoroTask 'it', raised it before its first wait\n");
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("An error knows the way that it came through the coroutines");

  coro_test_add_func ("/spec/S336/tasks-that-await-each-other", test_tasks_that_await_each_other);
  coro_test_add_func ("/spec/S336/unread-error-is-reported-with-it", test_unread_error_is_reported_with_it);
  coro_test_add_func ("/spec/S336/two-await-the-same", test_two_await_the_same);
  coro_test_add_func ("/spec/S301/functions-are-known-by-the-last-wait", test_functions_are_known_by_the_last_wait);
  coro_test_add_func ("/spec/S301/coroutine-object", test_coroutine_object);
  coro_test_add_func ("/spec/S301/nested-coroutine-objects", test_nested_coroutine_objects);
  coro_test_add_func ("/debug/error-trace/prefixed-and-copied-is-the-same", test_prefixed_and_copied_is_the_same);
  coro_test_add_func ("/debug/error-trace/another-error-begins-anew", test_another_error_begins_anew);
  coro_test_add_func ("/debug/error-trace/gathered-error", test_gathered_error);
  coro_test_add_func ("/debug/error-trace/group-error-has-that-of-each", test_group_error_has_that_of_each);
  coro_test_add_func ("/debug/error-trace/the-last-ones-are-known", test_the_last_ones_are_known);
  coro_test_add_func ("/debug/error-trace/without-place", test_without_place);
  coro_test_add_func ("/debug/error-trace/nothing-is-noted-while-it-is-off", test_nothing_is_noted_while_it_is_off);

  return g_test_run ();
}
