/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Coroutine objects, what can be awaited, and where errors come out.
 */
#include "test-util.h"

static gboolean
say_hi_cb (gpointer   ran,
           GValue    *result,
           GError   **error)
{
  if (ran != NULL)
    ++*(int *) ran;
  return coro_return_string (result, "hi");
}

static void
test_not_run_by_new (void)
{
  int ran = 0;
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (say_hi_cb, &ran, NULL);

  g_assert_cmpint (ran, ==, 0);
  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CREATED);
  g_assert_cmpstr (G_OBJECT_TYPE_NAME (coroutine), ==, "CoroCoroutine");
  g_assert_true (coro_coroutine_close (coroutine, NULL));
  g_assert_cmpint (ran, ==, 0);
}

static gboolean
await_runs_once_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  int ran = 0;
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (say_hi_cb, &ran, NULL);
  g_autofree char *text = coro_await_string (coroutine, error);

  g_assert_cmpstr (text, ==, "hi");
  g_assert_cmpint (ran, ==, 1);
  g_assert_false (coro_await (coroutine, NULL, NULL));
  g_assert_cmpint (ran, ==, 1);
  return TRUE;
}

static gboolean
types_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (say_hi_cb, NULL, NULL);
  g_autoptr (CoroTask) task = coro_spawn_task (say_hi_cb, NULL, NULL);
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);

  g_assert_true (CORO_IS_COROUTINE (coroutine));
  g_assert_false (CORO_IS_COROUTINE (task));
  g_assert_false (CORO_IS_COROUTINE (object));

  g_assert_true (CORO_IS_AWAITABLE (coroutine));
  g_assert_true (CORO_IS_AWAITABLE (task));
  g_assert_true (CORO_IS_AWAITABLE (future));
  g_assert_false (CORO_IS_AWAITABLE (object));
  return coro_coroutine_close (coroutine, error);
}

/* In C it is the compiler that knows functions of coroutines from others. */
static void
test_function_or_object (void)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (say_hi_cb, NULL, NULL);

  g_assert_true (__builtin_types_compatible_p (__typeof__ (&say_hi_cb), CoroFunc));
  g_assert_false (__builtin_types_compatible_p (GCallback, CoroFunc));
  g_assert_false (__builtin_types_compatible_p (__typeof__ (coroutine), CoroFunc));
  g_assert_true (coro_coroutine_close (coroutine, NULL));
}

static void
test_values_are_not_awaitable (void)
{
  g_auto (GValue) number = G_VALUE_INIT;
  g_auto (GValue) text = G_VALUE_INIT;
  g_auto (GValue) object = G_VALUE_INIT;

  g_value_init (&number, G_TYPE_INT);
  g_value_init (&text, G_TYPE_STRING);
  g_value_init (&object, CORO_TYPE_COROUTINE);
  g_assert_false (G_VALUE_HOLDS (&number, CORO_TYPE_AWAITABLE));
  g_assert_false (G_VALUE_HOLDS (&text, CORO_TYPE_AWAITABLE));
  g_assert_true (G_VALUE_HOLDS (&object, CORO_TYPE_AWAITABLE));
}

static void
test_never_awaited (void)
{
  int freed = 0;
  CoroCoroutine *coroutine = coro_coroutine_new_named (say_hi_cb, &freed, count_cb, "say_hi");

  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*coroutine 'say_hi' was never awaited*");
  g_object_unref (coroutine);
  g_test_assert_expected_messages ();
  g_assert_cmpint (freed, ==, 1);       /* by the notify; the body counts as well */
}

static void
test_closed_is_not_reported (void)
{
  int freed = 0;
  CoroCoroutine *coroutine = coro_coroutine_new (say_hi_cb, &freed, count_cb);

  g_assert_true (coro_coroutine_close (coroutine, NULL));
  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CLOSED);
  g_assert_cmpint (freed, ==, 1);
  g_object_unref (coroutine);
}

/* --- chains ----------------------------------------------------------------------- */

static guint
count_tasks (void)
{
  GList *tasks = coro_all_tasks (NULL);
  guint n = g_list_length (tasks);

  g_list_free_full (tasks, g_object_unref);
  return n;
}

static gboolean
inner_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  note ("inner");
  if (!coro_sleep (20 * MILLISECOND, error))
    return FALSE;
  g_assert_cmpuint (count_tasks (), ==, 1);
  note ("slept");
  return TRUE;
}

static gboolean
await_makes_no_task_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroCoroutine) inner = coro_coroutine_new (inner_cb, NULL, NULL);

  note ("outer");
  if (!coro_await (inner, NULL, error))
    return FALSE;
  note ("end");
  assert_trace ("outer inner slept end");
  g_assert_cmpuint (count_tasks (), ==, 1);
  return TRUE;
}

static gboolean
deep_cb (gpointer   depth,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroCoroutine) inner = NULL;
  int n;

  g_assert_cmpuint (count_tasks (), ==, 1);
  if (GPOINTER_TO_INT (depth) == 0)
    return coro_yield (error) && coro_return_int (result, 0);

  inner = coro_coroutine_new (deep_cb, GINT_TO_POINTER (GPOINTER_TO_INT (depth) - 1), NULL);
  n = coro_await_int (inner, error);
  return coro_return_int (result, n + 1);
}

static gboolean
chain_of_hundred_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroCoroutine) outermost = coro_coroutine_new (deep_cb, GINT_TO_POINTER (100), NULL);

  g_assert_cmpint (coro_await_int (outermost, error), ==, 100);
  return TRUE;
}

static gboolean
count_idle_cb (gpointer counter)
{
  ++*(int *) counter;
  return G_SOURCE_CONTINUE;
}

static gboolean
immediate_takes_no_turn_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (GSource) idle = g_idle_source_new ();
  int turns = 0;
  int ran = 0;

  g_source_set_callback (idle, count_idle_cb, &turns, NULL);
  g_source_set_priority (idle, G_PRIORITY_DEFAULT);
  g_source_attach (idle, g_main_context_get_thread_default ());
  for (int i = 0; i < 10; i++)
    {
      g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (say_hi_cb, &ran, NULL);

      if (!coro_await (coroutine, NULL, error))
        return FALSE;
    }
  g_assert_cmpint (ran, ==, 10);
  g_assert_cmpint (turns, ==, 0);

  while (turns == 0)
    if (!coro_yield (error))
      return FALSE;
  g_source_destroy (idle);
  return TRUE;
}

static gboolean
gather_objects_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  CoroCoroutine *coroutines[3];
  CoroFuture *tasks[3];
  g_autoptr (CoroFuture) all = NULL;

  for (int i = 0; i < 3; i++)
    {
      coroutines[i] = coro_coroutine_new (say_hi_cb, NULL, NULL);
      tasks[i] = CORO_FUTURE (coro_spawn_coroutine (NULL, coroutines[i]));
      g_assert_cmpint (coro_coroutine_get_state (coroutines[i]), ==, CORO_COROUTINE_CREATED);
    }
  g_assert_cmpuint (count_tasks (), ==, 4);
  all = coro_gather (tasks, 3);
  g_assert_true (coro_await (all, NULL, error));
  for (int i = 0; i < 3; i++)
    {
      g_assert_cmpint (coro_coroutine_get_state (coroutines[i]), ==, CORO_COROUTINE_CLOSED);
      g_assert_cmpstr (g_value_get_string (coro_future_get_value (tasks[i])), ==, "hi");
      g_object_unref (coroutines[i]);
      g_object_unref (tasks[i]);
    }
  return TRUE;
}

static gboolean
two_ways_to_start_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  int ran = 0;
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (say_hi_cb, &ran, NULL);
  g_autoptr (CoroTask) task = coro_spawn_coroutine (NULL, coroutine);

  g_assert_cmpint (ran, ==, 0);
  g_assert_true (coro_await (task, NULL, error));
  g_assert_cmpint (ran, ==, 1);
  return TRUE;
}

static void
test_run_object (void)
{
  int ran = 0;
  g_autoptr (CoroRunner) runner = coro_runner_new ();
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (say_hi_cb, &ran, NULL);

  g_assert_true (coro_runner_run_coroutine (runner, coroutine, NULL, NULL));
  g_assert_cmpint (ran, ==, 1);
  coro_runner_close (runner);
}

/* --- awaitables of one's own ------------------------------------------------------ */

typedef struct
{
  GObject parent_instance;
  GObject *inner;               /* (nullable) (unowned): to await in turn */
  int number;
  int n_begun;
  int n_finished;
} TestAwaitable;

typedef GObjectClass TestAwaitableClass;

static GType test_awaitable_get_type (void);
static void test_awaitable_iface_init (CoroAwaitableInterface *iface);

G_DEFINE_TYPE_WITH_CODE (TestAwaitable, test_awaitable, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (CORO_TYPE_AWAITABLE, test_awaitable_iface_init))

static CoroWaitState
test_awaitable_begin (CoroAwaitable *awaitable,
                      CoroWaiter    *waiter)
{
  TestAwaitable *self = (TestAwaitable *) awaitable;

  self->n_begun++;
  return CORO_WAIT_READY;
}

static CoroAbort
test_awaitable_abort (CoroAwaitable *awaitable,
                      CoroWaiter    *waiter)
{
  return CORO_ABORT_DONE;
}

static gboolean
test_awaitable_finish (CoroAwaitable  *awaitable,
                       GValue         *result,
                       GError        **error)
{
  TestAwaitable *self = (TestAwaitable *) awaitable;

  self->n_finished++;
  if (self->inner != NULL)
    return coro_await (self->inner, result, error);
  return coro_sleep (10 * MILLISECOND, error) && coro_return_int (result, self->number);
}

static void
test_awaitable_iface_init (CoroAwaitableInterface *iface)
{
  iface->begin = test_awaitable_begin;
  iface->abort = test_awaitable_abort;
  iface->finish = test_awaitable_finish;
}

static void
test_awaitable_class_init (TestAwaitableClass *klass)
{
}

static void
test_awaitable_init (TestAwaitable *self)
{
  self->number = 5;
}

static gboolean
own_awaitable_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (GObject) object = g_object_new (test_awaitable_get_type (), NULL);
  TestAwaitable *self = (TestAwaitable *) object;

  g_assert_true (CORO_IS_AWAITABLE (object));
  g_assert_cmpint (coro_await_int (object, error), ==, 5);
  g_assert_cmpint (self->n_begun, ==, 1);
  g_assert_cmpint (self->n_finished, ==, 1);
  return TRUE;
}

static gboolean
delegating_awaitable_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (GObject) inner = g_object_new (test_awaitable_get_type (), NULL);
  g_autoptr (GObject) outer = g_object_new (test_awaitable_get_type (), NULL);
  gint64 start = now ();

  ((TestAwaitable *) inner)->number = 6;
  ((TestAwaitable *) outer)->inner = inner;
  g_assert_cmpint (coro_await_int (outer, error), ==, 6);
  g_assert_cmpint (now () - start, ==, 10 * MILLISECOND);
  return TRUE;
}

/* --- errors ----------------------------------------------------------------------- */

static gboolean
risky_cb (gpointer   yields,
          GValue    *result,
          GError   **error)
{
  if (yields != NULL && !coro_yield (error))
    return FALSE;
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "something went wrong");
  return FALSE;
}

static gboolean
error_propagates_cb (gpointer   yields,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (risky_cb, yields, NULL);
  g_autoptr (CoroTask) task = coro_spawn_task (risky_cb, yields, NULL);
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_await (coroutine, NULL, &local_error));
  g_assert_error (local_error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  g_assert_cmpstr (local_error->message, ==, "something went wrong");
  g_clear_error (&local_error);

  g_assert_false (coro_await (task, NULL, &local_error));
  g_assert_error (local_error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  g_assert_cmpstr (local_error->message, ==, "something went wrong");
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/spec/S005-S007/not-run-by-new", test_not_run_by_new);
  coro_test_add_func ("/spec/S006/await-runs-once", await_runs_once_cb);
  coro_test_add_func ("/spec/S008-S045/types", types_cb);
  g_test_add_func ("/spec/S010-S011/function-or-object", test_function_or_object);
  g_test_add_func ("/spec/S048/values-are-not-awaitable", test_values_are_not_awaitable);
  g_test_add_func ("/spec/S013-S061/never-awaited", test_never_awaited);
  g_test_add_func ("/spec/S049/closed-is-not-reported", test_closed_is_not_reported);
  coro_test_add_func ("/spec/S014/await-makes-no-task", await_makes_no_task_cb);
  coro_test_add_func ("/spec/S017/chain-of-hundred", chain_of_hundred_cb);
  coro_test_add_func ("/spec/S019/immediate-takes-no-turn", immediate_takes_no_turn_cb);
  coro_test_add_func ("/spec/S039/gather-objects", gather_objects_cb);
  coro_test_add_func ("/spec/S063/object-as-task", two_ways_to_start_cb);
  g_test_add_func ("/spec/S063/object-by-run", test_run_object);
  coro_test_add_func ("/spec/S044/own-awaitable", own_awaitable_cb);
  coro_test_add_func ("/spec/S047/delegating-awaitable", delegating_awaitable_cb);
  coro_test_add_data_func ("/spec/S050/error-propagates", error_propagates_cb, NULL, NULL);
  coro_test_add_data_func ("/spec/S052/error-after-suspension", error_propagates_cb, GINT_TO_POINTER (1), NULL);

  return g_test_run ();
}
