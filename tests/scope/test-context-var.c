/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "test-util.h"

static CoroContextVar *request_id;
static CoroContextVar *depth;

static gboolean
own_value_cb (gpointer   number,
              GValue    *result,
              GError   **error)
{
  g_autofree char *mine = g_strdup_printf ("r%d", GPOINTER_TO_INT (number));

  coro_context_var_set_string (request_id, mine);
  for (int i = 0; i < 3; i++)
    {
      g_assert_true (coro_sleep (g_random_int_range (1, 1000), error));
      g_assert_cmpstr (coro_context_var_get_string (request_id), ==, mine);
    }
  return TRUE;
}

static gboolean
test_each_its_own (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

    for (int i = 0; i < 100; i++)
      coro_task_group_spawn (nursery.group, own_value_cb, GINT_TO_POINTER (i), NULL);
    g_assert_true (coro_nursery_join (&nursery));
  }
  g_assert_null (coro_context_var_get_string (request_id));
  return TRUE;
}

static gboolean
child_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_assert_cmpint (coro_context_var_get_int (depth), ==, 1);
  coro_context_var_set_int (depth, 2);
  g_assert_true (coro_yield (error));
  g_assert_cmpint (coro_context_var_get_int (depth), ==, 2);
  return TRUE;
}

static gboolean
test_copied_at_spawn (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroTask) task = NULL;

  coro_context_var_set_int (depth, 1);
  task = coro_spawn_task (child_cb, NULL, NULL);
  coro_context_var_set_int (depth, 5);          /* too late for the child */
  g_assert_true (coro_await (task, NULL, error));
  g_assert_cmpint (coro_context_var_get_int (depth), ==, 5);
  return TRUE;
}

static gboolean
set_two_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  coro_context_var_set_int (depth, 2);
  return TRUE;
}

static gboolean
test_direct_await_shares (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (set_two_cb, NULL, NULL);

  g_assert_true (coro_await (coroutine, NULL, error));
  g_assert_cmpint (coro_context_var_get_int (depth), ==, 2);
  return TRUE;
}

static gboolean
test_guard_restores (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  coro_context_var_set_int (depth, 1);
  {
    g_auto (CoroContextToken) outer = coro_context_var_set_int (depth, 2);

    {
      g_auto (CoroContextToken) inner = coro_context_var_set_int (depth, 3);

      coro_context_var_set_string (request_id, "kept");
    }
    g_assert_cmpint (coro_context_var_get_int (depth), ==, 2);
    g_assert_cmpstr (coro_context_var_get_string (request_id), ==, "kept");
  }
  g_assert_cmpint (coro_context_var_get_int (depth), ==, 1);
  return TRUE;
}

static gboolean
test_no_value (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (GValue) fallback = G_VALUE_INIT;
  CoroContextVar *with_fallback;

  g_assert_false (coro_context_var_get (request_id, &value, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_NO_RESULT);

  g_value_init (&fallback, G_TYPE_INT);
  g_value_set_int (&fallback, 9);
  with_fallback = coro_context_var_new ("with-fallback", G_TYPE_INT, &fallback);
  {
    g_auto (CoroContextToken) token = coro_context_var_set_int (with_fallback, 10);

    g_assert_cmpint (coro_context_var_get_int (with_fallback), ==, 10);
  }
  g_assert_cmpint (coro_context_var_get_int (with_fallback), ==, 9);
  coro_context_var_free (with_fallback);
  return TRUE;
}

static gpointer
thread_cb (gpointer       user_data,
           GCancellable  *cancellable,
           GError       **error)
{
  char *seen = g_strdup (coro_context_var_get_string (request_id));

  coro_context_var_set_string (request_id, "thread's own");
  return seen;
}

static gboolean
test_thread_gets_a_copy (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autofree char *seen = NULL;

  coro_context_var_set_string (request_id, "parrot");
  seen = coro_run_in_thread (thread_cb, NULL, NULL, error);
  g_assert_cmpstr (seen, ==, "parrot");
  g_assert_cmpstr (coro_context_var_get_string (request_id), ==, "parrot");
  return TRUE;
}

static void
callback_cb (CoroFuture  *future,
             gpointer     user_data,
             GError     **error)
{
  note (coro_context_var_get_string (request_id));
}

static gboolean
test_callbacks_see_it (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_context_var_set_string (request_id, "first");
  coro_future_on_done (future, callback_cb, NULL, NULL);
  coro_context_var_set_string (request_id, "second");
  coro_future_on_done (future, callback_cb, NULL, NULL);
  coro_context_var_set_string (request_id, "third");
  coro_future_resolve (future, NULL);
  g_assert_true (coro_test_settle (error));
  g_assert_true (coro_test_settle (error));
  assert_trace ("first second");
  return TRUE;
}

static void
native_cb (gpointer user_data)
{
  note (coro_context_var_get_string (request_id));
  coro_context_var_set_string (request_id, "lost");
}

static gboolean
test_thread_stack_sees_it (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  coro_context_var_set_string (request_id, "here");
  coro_call_on_thread_stack (native_cb, NULL);
  assert_trace ("here");
  g_assert_cmpstr (coro_context_var_get_string (request_id), ==, "here");
  return TRUE;
}

static gboolean
test_set_for_ever (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (CoroContextToken) token = coro_context_var_set_string (request_id, "old");

  for (int i = 0; i < 10000; i++)
    coro_context_var_set_int (depth, i);
  g_assert_cmpint (coro_context_var_get_int (depth), ==, 9999);
  g_assert_cmpstr (coro_context_var_get_string (request_id), ==, "old");
  return TRUE;
}

static gboolean
test_objects (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  static CoroContextVar *var;   /* static: a leak checker must find it, for it is never freed */
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  g_auto (GValue) value = G_VALUE_INIT;

  var = coro_context_var_new ("object", G_TYPE_OBJECT, NULL);
  g_assert_cmpstr (coro_context_var_get_name (var), ==, "object");
  g_assert_null (coro_context_var_get_object (var));
  coro_context_var_set_object (var, object);
  g_assert_true (coro_context_var_get_object (var) == object);
  g_assert_true (coro_context_var_get (var, &value, error));
  g_assert_true (g_value_get_object (&value) == object);
  coro_context_var_set_object (var, NULL);
  g_assert_null (coro_context_var_get_object (var));
  g_assert_cmpuint (object->ref_count, >=, 2);  /* the value that was got has its own reference */
  return TRUE;
}

static gboolean
clear_token_cb (gpointer   token,
                GValue    *result,
                GError   **error)
{
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*'depth' belongs to another coroutine");
  coro_context_token_clear (token);
  g_test_assert_expected_messages ();
  return TRUE;
}

static gboolean
test_token_of_another (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  CoroContextToken token = coro_context_var_set_int (depth, 4);
  g_autoptr (CoroTask) task = coro_spawn_task (clear_token_cb, &token, NULL);

  g_assert_true (coro_await (task, NULL, error));
  g_assert_cmpint (coro_context_var_get_int (depth), ==, 4);
  coro_context_token_clear (&token);    /* for the second time: nothing */
  g_assert_cmpint (coro_context_var_get_int (depth), ==, 4);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  request_id = coro_context_var_new ("request_id", G_TYPE_STRING, NULL);
  depth = coro_context_var_new ("depth", G_TYPE_INT, NULL);

  coro_test_add_func ("/spec/S339-S342/each-coroutine-its-own", test_each_its_own);
  coro_test_add_func ("/spec/S340/copied-at-spawn", test_copied_at_spawn);
  coro_test_add_func ("/spec/S341/direct-await-shares", test_direct_await_shares);
  coro_test_add_func ("/scope/context-var/guard-restores", test_guard_restores);
  coro_test_add_func ("/spec/S338/no-value-and-fallback", test_no_value);
  coro_test_add_func ("/spec/S343/thread-gets-a-copy", test_thread_gets_a_copy);
  coro_test_add_func ("/scope/context-var/callbacks-see-it", test_callbacks_see_it);
  coro_test_add_func ("/scope/context-var/thread-stack-sees-it", test_thread_stack_sees_it);
  coro_test_add_func ("/scope/context-var/set-for-ever", test_set_for_ever);
  coro_test_add_func ("/scope/context-var/objects", test_objects);
  coro_test_add_func ("/scope/context-var/token-of-another", test_token_of_another);

  status = g_test_run ();
  coro_context_var_free (request_id);
  coro_context_var_free (depth);
  return status;
}
