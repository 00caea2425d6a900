/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Coroutine objects, their states, tasks made of them, and what is awaited.
 */
#include "lib/bodies.h"

static gboolean
work_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  return coro_return_int (result, 42);
}

static int
work (void)
{
  return 42;
}

/* The result of a `read()` that takes a while. */
static gboolean
read_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  note ("read");
  if (!coro_sleep (10 * MILLISECOND, error))
    return FALSE;
  return coro_return_int (result, 41);
}

static gboolean
ten_cb (gpointer   user_data,
        GValue    *result,
        GError   **error)
{
  return coro_return_int (result, 10);
}

#define assert_state(object, state) g_assert_cmpint (coro_coroutine_get_state (object), ==, CORO_COROUTINE_##state)

/* --- an object is not a call --------------------------------------------------------- */

static gboolean
test_object_not_result (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (read_cb, NULL, NULL);

  g_assert_true (CORO_IS_COROUTINE (coroutine));
  assert_state (coroutine, CREATED);
  g_assert_true (coro_sleep (SECOND, error));
  assert_trace ("");                    /* nothing has run */
  return coro_coroutine_close (coroutine, error);
}

static gboolean
test_driven (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (work_cb, NULL, NULL);

  g_assert_cmpstr (coro_coroutine_get_name (coroutine), ==, "work_cb");
  assert_state (coroutine, CREATED);
  g_assert_cmpint (work (), ==, 42);
  g_assert_cmpint (coro_await_int (coroutine, error), ==, 42);
  assert_state (coroutine, CLOSED);
  return TRUE;
}

static gboolean
test_not_a_generator (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (work_cb, NULL, NULL);
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_false (CORO_IS_ITERATOR (coroutine));
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*CORO_IS_ITERATOR*");
  g_assert_false (coro_iterator_next ((gpointer) coroutine, &value, NULL));
  g_test_assert_expected_messages ();
  return coro_coroutine_close (coroutine, error);
}

/* --- await --------------------------------------------------------------------------- */

static gboolean
outer_cb (gpointer   inner,
          GValue    *result,
          GError   **error)
{
  g_autoptr (GError) local = NULL;
  int value = coro_await_int (inner, &local);

  if (local != NULL)
    value = -1;
  return coro_return_int (result, value + 1);
}

static gboolean
test_await_adds_one (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroCoroutine) inner = coro_coroutine_new (read_cb, NULL, NULL);
  g_autoptr (CoroCoroutine) outer = coro_coroutine_new (outer_cb, inner, NULL);
  g_autoptr (CoroCoroutine) other_inner = coro_coroutine_new (ten_cb, NULL, NULL);
  g_autoptr (CoroCoroutine) other_outer = coro_coroutine_new (outer_cb, other_inner, NULL);

  g_assert_cmpint (coro_await_int (outer, error), ==, 42);
  g_assert_cmpint (coro_await_int (other_outer, error), ==, 11);
  assert_trace ("read");
  return TRUE;
}

static gboolean
test_error_is_injected (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroCoroutine) inner = coro_coroutine_new (fail_cb, NULL, NULL);
  g_autoptr (CoroCoroutine) outer = coro_coroutine_new (outer_cb, inner, NULL);

  g_assert_cmpint (coro_await_int (outer, error), ==, 0);
  return TRUE;
}

/* A boxed value that counts. */
typedef struct
{
  int n_copies;
  int n_freed;
} Counted;

static gpointer
counted_copy (gpointer counted)
{
  ((Counted *) counted)->n_copies++;
  return counted;
}

static void
counted_free (gpointer counted)
{
  ((Counted *) counted)->n_freed++;
}

static GType counted_get_type (void);
G_DEFINE_BOXED_TYPE (Counted, counted, counted_copy, counted_free)

static gboolean
give_boxed_cb (gpointer   counted,
               GValue    *result,
               GError   **error)
{
  return coro_return_take_boxed (result, counted_get_type (), counted);
}

static gboolean
test_value_is_moved (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  Counted counted = { 0, 0 };
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (give_boxed_cb, &counted, NULL);
  gpointer got = coro_await_boxed (coroutine, counted_get_type (), error);

  g_assert_true (got == &counted);
  g_assert_cmpint (counted.n_copies, <=, 1);
  g_assert_cmpint (counted.n_freed, ==, counted.n_copies);     /* what was copied is gone: one is ours */
  counted_free (got);
  return TRUE;
}

/* --- awaitables ---------------------------------------------------------------------- */

/* Pending for one turn, then 42. */
#define TEST_TYPE_IMMEDIATE (test_immediate_get_type ())
G_DECLARE_FINAL_TYPE (TestImmediate, test_immediate, TEST, IMMEDIATE, GObject)

struct _TestImmediate
{
  GObject parent_instance;
  int n_begun;
};

static gboolean
wake_cb (gpointer   waiter,
         GValue    *result,
         GError   **error)
{
  coro_waiter_wake (waiter);
  return TRUE;
}

static CoroWaitState
immediate_begin (CoroAwaitable *awaitable,
                 CoroWaiter    *waiter)
{
  TEST_IMMEDIATE (awaitable)->n_begun++;
  coro_spawn (wake_cb, waiter, NULL);
  return CORO_WAIT_PENDING;
}

static CoroAbort
immediate_abort (CoroAwaitable *awaitable,
                 CoroWaiter    *waiter)
{
  return CORO_ABORT_LATER;
}

static gboolean
immediate_finish (CoroAwaitable  *awaitable,
                  GValue         *result,
                  GError        **error)
{
  return coro_return_int (result, 42);
}

static void
immediate_awaitable_init (CoroAwaitableInterface *iface)
{
  iface->begin = immediate_begin;
  iface->abort = immediate_abort;
  iface->finish = immediate_finish;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestImmediate, test_immediate, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CORO_TYPE_AWAITABLE, immediate_awaitable_init))

static void
test_immediate_class_init (TestImmediateClass *klass)
{
}

static void
test_immediate_init (TestImmediate *self)
{
}

static gboolean
test_one_turn (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (TestImmediate) immediate = g_object_new (TEST_TYPE_IMMEDIATE, NULL);

  coro_test_keep_order (NULL);
  coro_spawn (note_cb, "other", NULL);
  g_assert_cmpint (coro_await_int (immediate, error), ==, 42);
  note ("resumed");
  g_assert_cmpint (immediate->n_begun, ==, 1);
  assert_trace ("other resumed");       /* it was suspended, once */
  return TRUE;
}

static gboolean
test_four_kinds (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (ten_cb, NULL, NULL);
  g_autoptr (TestImmediate) immediate = g_object_new (TEST_TYPE_IMMEDIATE, NULL);
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroFuture) task = CORO_FUTURE (coro_spawn_task (work_cb, NULL, NULL));
  g_autoptr (CoroFuture) of_coroutine = coro_ensure_future (coroutine, error);
  g_autoptr (CoroFuture) of_immediate = coro_ensure_future (immediate, error);
  CoroFuture *all[] = { of_coroutine, task, future, of_immediate };
  static const int expected[] = { 10, 42, 7, 42 };
  g_autoptr (CoroFuture) gathered = coro_gather (all, 4);

  coro_future_resolve_int (future, 7);
  g_assert_true (coro_await (gathered, NULL, error));
  for (int i = 0; i < 4; i++)
    g_assert_cmpint (coro_await_int (all[i], error), ==, expected[i]);
  return TRUE;
}

static gboolean
test_ensure_future (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (work_cb, NULL, NULL);
  g_autoptr (TestImmediate) immediate = g_object_new (TEST_TYPE_IMMEDIATE, NULL);
  g_autoptr (GObject) unsupported = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (GError) local = NULL;
  g_autoptr (CoroFuture) a = coro_ensure_future (future, error);
  g_autoptr (CoroFuture) b = coro_ensure_future (coroutine, error);
  g_autoptr (CoroFuture) c = coro_ensure_future (immediate, error);

  g_assert_true (a == future);
  g_assert_true (CORO_IS_TASK (b));
  g_assert_true (CORO_IS_TASK (c));
  g_assert_cmpint (coro_await_int (b, error), ==, 42);
  g_assert_cmpint (coro_await_int (c, error), ==, 42);

  g_assert_null (coro_ensure_future (unsupported, &local));
  g_assert_error (local, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  return TRUE;
}

/* --- states -------------------------------------------------------------------------- */

static gboolean
own_state_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  assert_state (*(CoroCoroutine **) user_data, RUNNING);
  return coro_sleep (SECOND, error);
}

static gboolean
test_states (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  CoroCoroutine *coroutine = NULL;
  g_autoptr (CoroTask) task = NULL;

  coroutine = coro_coroutine_new (own_state_cb, &coroutine, NULL);
  assert_state (coroutine, CREATED);
  task = coro_spawn_coroutine (NULL, coroutine);
  g_assert_true (coro_test_settle (error));
  assert_state (coroutine, SUSPENDED);
  g_assert_true (coro_await (task, NULL, error));
  assert_state (coroutine, CLOSED);
  g_object_unref (coroutine);
  return TRUE;
}

static gboolean
test_closed_three_ways (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroCoroutine) returned = coro_coroutine_new (work_cb, NULL, NULL);
  g_autoptr (CoroCoroutine) failed = coro_coroutine_new (fail_cb, NULL, NULL);
  g_autoptr (CoroCoroutine) closed = coro_coroutine_new (work_cb, NULL, NULL);

  g_assert_true (coro_await (returned, NULL, error));
  g_assert_false (coro_await (failed, NULL, NULL));
  g_assert_true (coro_coroutine_close (closed, error));
  assert_state (returned, CLOSED);
  assert_state (failed, CLOSED);
  assert_state (closed, CLOSED);
  return TRUE;
}

static gboolean
test_one_consumer (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (read_cb, NULL, NULL);
  g_autoptr (CoroTask) first = coro_spawn_coroutine (NULL, coroutine);
  g_autoptr (GError) local = NULL;

  g_assert_true (coro_test_settle (error));
  g_assert_false (coro_await (coroutine, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_assert_cmpint (coro_await_int (first, error), ==, 41);
  assert_trace ("read");
  return TRUE;
}

static gboolean
test_one_execution (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (work_cb, NULL, NULL);
  g_autoptr (CoroTask) task = coro_spawn_task (work_cb, NULL, NULL);
  g_autoptr (GError) local = NULL;

  g_assert_cmpint (coro_await_int (coroutine, error), ==, 42);
  g_assert_false (coro_await (coroutine, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_PROTOCOL);
  for (int i = 0; i < 3; i++)
    g_assert_cmpint (coro_await_int (task, error), ==, 42);
  return TRUE;
}

/* --- tasks --------------------------------------------------------------------------- */

static gboolean
test_task_starts_it (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (read_cb, NULL, NULL);
  g_autoptr (CoroTask) task = NULL;

  g_assert_true (coro_sleep (SECOND, error));
  assert_state (coroutine, CREATED);
  task = coro_spawn_coroutine (NULL, coroutine);
  assert_state (coroutine, CREATED);
  g_assert_true (coro_test_settle (error));
  assert_state (coroutine, SUSPENDED);
  assert_trace ("read");
  g_assert_cmpint (coro_await_int (task, error), ==, 41);

  /* It is stored, and can be read any number of times. */
  for (int i = 0; i < 2; i++)
    g_assert_cmpint (g_value_get_int (coro_future_get_value (CORO_FUTURE (task))), ==, 41);
  g_assert_null (coro_future_get_error (CORO_FUTURE (task)));
  g_assert_false (coro_task_cancel (task));
  return TRUE;
}

/* The task holds on to the object until it has ended, and then no longer. */
static gboolean
test_task_owns_it (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  CoroCoroutine *coroutine = coro_coroutine_new (read_cb, NULL, NULL);
  g_autoptr (CoroTask) task = coro_spawn_coroutine (NULL, coroutine);

  g_object_add_weak_pointer (G_OBJECT (coroutine), (gpointer *) &coroutine);
  g_object_unref (coroutine);
  g_assert_true (coro_yield (error));
  g_assert_nonnull (coroutine);
  g_assert_true (coro_await (task, NULL, error));
  g_assert_null (coroutine);
  assert_trace ("read");
  return TRUE;
}

static gboolean
test_cancel_pending (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (forever_cb, NULL, NULL);

  g_assert_true (coro_yield (error));
  g_assert_true (coro_task_cancel (task));
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  g_assert_true (coro_join (task, error));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_false (coro_task_cancel (task));
  return TRUE;
}

static gboolean
three_steps_cb (gpointer   name,
                GValue    *result,
                GError   **error)
{
  for (int i = 0; i < 3; i++)
    {
      note (name);
      if (!coro_sleep (10 * MILLISECOND, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
test_interleaved (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, three_steps_cb, "a", NULL);
  coro_task_group_spawn (nursery.group, three_steps_cb, "b", NULL);
  for (int i = 0; i < 3; i++)
    {
      g_assert_true (coro_test_settle (error));
      assert_trace_in_any_order ("a b");
      g_assert_true (coro_sleep (10 * MILLISECOND, error));
    }
  g_assert_true (coro_nursery_join (&nursery));
  return TRUE;
}

/* --- futures ------------------------------------------------------------------------- */

static gboolean
await_int_cb (gpointer   future,
              GValue    *result,
              GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (!coro_await (future, &value, error))
    return FALSE;
  return coro_return_int (result, g_value_get_int (&value));
}

static gboolean
test_pending_suspends (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) task = coro_spawn_task (await_int_cb, future, NULL);

  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (coro_task_get_coroutine_state (task), ==, CORO_COROUTINE_SUSPENDED);
  coro_future_resolve_int (future, 42);
  g_assert_cmpint (coro_await_int (task, error), ==, 42);
  return TRUE;
}

static gboolean
test_error_reaches_waiter (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) task = coro_spawn_task (await_int_cb, future, NULL);
  g_autoptr (GError) local = NULL;

  g_assert_true (coro_yield (error));
  coro_future_reject (future, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "bad"));
  g_assert_false (coro_await (task, NULL, &local));
  g_assert_error (local, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_cmpstr (local->message, ==, "bad");
  return TRUE;
}

static gboolean
resolve_cb (gpointer future)
{
  coro_future_resolve_int (future, 42);
  note ("set");
  return G_SOURCE_REMOVE;
}

static gboolean
note_await_cb (gpointer   future,
               GValue    *result,
               GError   **error)
{
  if (!coro_await (future, NULL, error))
    return FALSE;
  note ("resumed");
  return TRUE;
}

/* No coroutine runs inside the call that resolves the future. */
static gboolean
test_not_inside_set (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) task = coro_spawn_task (note_await_cb, future, NULL);
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, resolve_cb, future, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  g_assert_true (coro_await (task, NULL, error));
  assert_trace ("set resumed");
  return TRUE;
}

static gboolean
five_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  if (!coro_yield (error))
    return FALSE;
  return coro_return_int (result, 5);
}

static gboolean
test_task_result (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (five_cb, NULL, NULL);

  g_assert_true (CORO_IS_FUTURE (task));
  g_assert_cmpint (coro_await_int (task, error), ==, 5);
  return TRUE;
}

/* --- cancellation -------------------------------------------------------------------- */

static gboolean
clean_up_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  gboolean ok = coro_sleep (SECOND, error);

  note (ok ? "slept" : "cleaned");
  return ok;
}

static gboolean
test_cancel_and_clean_up (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (clean_up_cb, NULL, NULL);
  g_autoptr (GError) local = NULL;

  g_assert_true (coro_test_settle (error));
  g_assert_true (coro_task_cancel (task));
  assert_trace ("");                    /* not inside the call */
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  g_assert_true (coro_test_settle (error));   /* one turn, and it has */
  assert_trace ("cleaned");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_false (coro_await (task, NULL, &local));
  assert_cancelled (local);
  return TRUE;
}

/* --- by hand, by several tasks --------------------------------------------------------- */

typedef struct
{
  const char *name;
  GTimeSpan wait;
} Hand;

static gboolean
wait_then_suspend_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  Hand *self = user_data;

  if (!coro_sleep (self->wait, error))
    return FALSE;
  note (self->name);
  return coro_suspend (NULL, NULL, error) && coro_return_string (result, self->name);
}

static gboolean
resume_twice_cb (gpointer   coroutine,
                 GValue    *result,
                 GError   **error)
{
  if (!coro_coroutine_resume (coroutine, NULL, NULL, error))
    return FALSE;
  assert_state (coroutine, SUSPENDED);
  if (!coro_coroutine_resume (coroutine, NULL, result, error))
    return FALSE;
  assert_state (coroutine, CLOSED);
  return TRUE;
}

/* Two bodies wait at a time, and the one that was resumed first goes on first: each suspends the
 * coroutine that it is in. */
static gboolean
test_resumed_by_two_tasks (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  Hand hands[] = { { "a", 10 }, { "b", 20 } };
  CoroCoroutine *coroutines[2];
  CoroTask *tasks[2];

  coro_test_keep_order (NULL);
  for (int i = 0; i < 2; i++)
    {
      coroutines[i] = coro_coroutine_new (wait_then_suspend_cb, &hands[i], NULL);
      tasks[i] = coro_spawn_task (resume_twice_cb, coroutines[i], NULL);
    }
  for (int i = 0; i < 2; i++)
    {
      g_autofree char *name = coro_await_string (tasks[i], error);

      g_assert_cmpstr (name, ==, hands[i].name);
      g_object_unref (tasks[i]);
      g_object_unref (coroutines[i]);
    }
  assert_trace ("a b");
  return TRUE;
}

/* A second task of one coroutine object fails, and runs nothing. */
static gboolean
test_two_tasks_of_one (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (read_cb, NULL, NULL);
  g_autoptr (CoroTask) first = coro_spawn_coroutine (NULL, coroutine);
  g_autoptr (CoroTask) second = NULL;
  g_autoptr (GError) local_error = NULL;

  g_assert_cmpint (coro_await_int (first, error), ==, 41);
  second = coro_spawn_coroutine (NULL, coroutine);
  g_assert_false (coro_await (second, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (local_error->message, "read_cb"));
  assert_trace ("read");
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("A coroutine object does nothing until it is driven, and it runs only once");

  coro_test_add_func ("/spec/S103-S191/object-not-result", test_object_not_result);
  coro_test_add_func ("/spec/S192-S193/driven-by-await", test_driven);
  coro_test_add_func ("/spec/S190/not-a-generator", test_not_a_generator);
  coro_test_add_func ("/spec/S189-S194-S214-S248/await-adds-one", test_await_adds_one);
  coro_test_add_func ("/spec/S196/error-is-injected", test_error_is_injected);
  coro_test_add_func ("/spec/S249/value-is-moved", test_value_is_moved);
  coro_test_add_func ("/spec/S198/one-suspension", test_one_turn);
  coro_test_add_func ("/spec/S197/four-kinds", test_four_kinds);
  coro_test_add_func ("/spec/S131/ensure-future", test_ensure_future);
  coro_test_add_func ("/spec/S201-S202-S203-S213/states-from-inside-and-outside", test_states);
  coro_test_add_func ("/spec/S204/closed-three-ways", test_closed_three_ways);
  coro_test_add_func ("/spec/S205/one-consumer", test_one_consumer);
  coro_test_add_func ("/spec/S206/one-execution", test_one_execution);
  coro_test_add_func ("/coroutine/resumed-by-two-tasks", test_resumed_by_two_tasks);
  coro_test_add_func ("/coroutine/two-tasks-of-one", test_two_tasks_of_one);
  coro_test_add_func ("/spec/S228-S229-S231/task-starts-it", test_task_starts_it);
  coro_test_add_func ("/spec/S230/task-owns-it", test_task_owns_it);
  coro_test_add_func ("/spec/S232-S183-S185/cancel-pending", test_cancel_pending);
  coro_test_add_func ("/spec/S233/interleaved", test_interleaved);
  coro_test_add_func ("/spec/S251/pending-suspends", test_pending_suspends);
  coro_test_add_func ("/spec/S254/error-reaches-waiter", test_error_reaches_waiter);
  coro_test_add_func ("/spec/S112/not-inside-set", test_not_inside_set);
  coro_test_add_func ("/spec/S256/task-result", test_task_result);
  coro_test_add_func ("/spec/S186-S259-S261/cancel-and-clean-up", test_cancel_and_clean_up);
  return g_test_run ();
}
