/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which main context, and what becomes of it.
 */
#include "test-util.h"

static gboolean
in_context_cb (gpointer   context,
               GValue    *result,
               GError   **error)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (context);
  GMainContext *expected = context == g_main_context_default () ? NULL : context;

  g_assert_true (g_main_context_get_thread_default () == expected);
  g_assert_true (coro_scheduler_get_running () == scheduler);
  g_assert_true (coro_scheduler_get_context (scheduler) == context);
  g_assert_true (coro_task_get_scheduler (coro_task_get_current ()) == scheduler);
  g_assert_true (coro_scheduler_is_running (scheduler));
  if (!coro_yield (error) || !coro_sleep (100, error))
    return FALSE;
  g_assert_true (g_main_context_get_thread_default () == expected);
  g_assert_true (coro_scheduler_get_running () == scheduler);
  note ("ran");
  return TRUE;
}

static CoroTask *
spawn_task_in (GMainContext *context,
               CoroFunc      func,
               gpointer      data)
{
  CoroTask *task;

  g_main_context_push_thread_default (context);
  task = coro_spawn_task (func, data, NULL);
  g_main_context_pop_thread_default (context);
  return task;
}

static void
test_default_context (void)
{
  g_autoptr (CoroTask) task = coro_spawn_task (in_context_cb, g_main_context_default (), NULL);

  assert_trace ("");
  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (NULL, TRUE);
  assert_trace ("ran");
  g_assert_null (coro_scheduler_get_running ());
}

static void
test_private_context (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroTask) task = spawn_task_in (context, in_context_cb, context);

  settle (NULL);
  assert_trace ("");            /* the default one does not run it */
  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (context, TRUE);
  assert_trace ("ran");
  g_assert_null (g_main_context_get_thread_default ());
}

/* Where a coroutine spawns, its children run. */
static gboolean
spawn_child_cb (gpointer   context,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroTask) child = coro_spawn_task (in_context_cb, context, NULL);

  return coro_await (child, NULL, error);
}

static void
test_children_inherit (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroTask) task = spawn_task_in (context, spawn_child_cb, context);

  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (context, TRUE);
  assert_trace ("ran");
}

static void
g_task_thread_cb (GTask        *task,
                  gpointer      source,
                  gpointer      data,
                  GCancellable *cancellable)
{
  g_task_return_int (task, 42);
}

/* GTask reports to what is the thread-default context as the call is made. */
static gboolean
g_task_cb (gpointer   context,
           GValue    *result,
           GError   **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GTask) task = g_task_new (NULL, coro_operation_begin (&op), coro_operation_ready, &op);

  g_assert_true (g_task_get_context (task) == context);
  g_task_run_in_thread (task, g_task_thread_cb);
  return coro_return_int (result, (int) g_task_propagate_int (G_TASK (coro_operation_await (&op)), error));
}

static void
test_g_task_lands_here (gconstpointer data)
{
  g_autoptr (GMainContext) context = data != NULL ? g_main_context_new () : g_main_context_ref (g_main_context_default ());
  g_autoptr (CoroTask) task = spawn_task_in (context, g_task_cb, context);
  g_auto (GValue) value = G_VALUE_INIT;

  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (context, TRUE);
  g_assert_true (coro_future_get_result (CORO_FUTURE (task), &value, NULL));
  g_assert_cmpint (g_value_get_int (&value), ==, 42);
}

static void
test_one_scheduler_per_context (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroScheduler) one = coro_scheduler_ref_for_context (context);
  g_autoptr (CoroScheduler) again = coro_scheduler_ref_for_context (context);
  g_autoptr (CoroScheduler) other = coro_scheduler_ref_for_context (NULL);

  g_assert_true (one == again);
  g_assert_true (one != other);
  g_assert_cmpstr (G_OBJECT_TYPE_NAME (one), ==, "CoroScheduler");
}

static void
test_closed_with_context (void)
{
  GMainContext *context = g_main_context_new ();
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (context);
  gboolean closed = TRUE, running = TRUE;

  g_object_get (scheduler, "closed", &closed, "running", &running, NULL);
  g_assert_false (closed);
  g_assert_false (running);

  g_main_context_unref (context);
  g_object_get (scheduler, "closed", &closed, NULL);
  g_assert_true (closed);
  g_assert_true (coro_scheduler_is_closed (scheduler));
  g_assert_null (coro_scheduler_get_context (scheduler));
}

/* A new context at the address of an old one gets a scheduler of its own. */
static void
test_contexts_come_and_go (void)
{
  for (int i = 0; i < 100; i++)
    {
      GMainContext *context = g_main_context_new ();
      CoroTask *task = spawn_task_in (context, in_context_cb, context);

      while (!coro_future_is_done (CORO_FUTURE (task)))
        g_main_context_iteration (context, TRUE);
      assert_trace ("ran");
      g_object_unref (task);
      g_main_context_unref (context);
    }
}

static void
test_unfinished_are_said (void)
{
  if (g_test_subprocess ())
    {
      GMainContext *context = g_main_context_new ();
      G_GNUC_UNUSED g_autoptr (CoroTask) task = spawn_task_in (context, forever_cb, NULL);

      g_log_set_always_fatal (G_LOG_FATAL_MASK);
      settle (context);
      g_main_context_unref (context);
      return;
    }

#if !TEST_SLOW                  /* what is parked is leaked, as the message says */
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*CRITICAL*1 unfinished coroutine*");
#endif
}

static void
time_slice_cb (GObject    *object,
               GParamSpec *pspec,
               gpointer    count)
{
  ++*(int *) count;
}

static void
test_time_slice (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (context);
  gint64 time_slice = 0;
  int n_notified = 0;

  g_signal_connect (scheduler, "notify::time-slice", G_CALLBACK (time_slice_cb), &n_notified);
  coro_scheduler_set_time_slice (scheduler, 1234);
  coro_scheduler_set_time_slice (scheduler, 1234);
  g_object_get (scheduler, "time-slice", &time_slice, NULL);
  g_assert_cmpint (time_slice, ==, 1234);
  g_assert_cmpint (n_notified, ==, 1);
  g_object_set (scheduler, "time-slice", (gint64) 4321, NULL);
  g_assert_cmpint (coro_scheduler_get_time_slice (scheduler), ==, 4321);
  g_assert_cmpint (n_notified, ==, 2);
}

typedef struct
{
  GMainContext *context;
  CoroTask *task;
} Moved;

static gpointer
first_thread (gpointer data)
{
  Moved *self = data;
  g_autoptr (CoroTask) task = spawn_task_in (self->context, in_context_cb, self->context);

  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (self->context, TRUE);
  return NULL;
}

/* A context may change threads as long as no coroutine is parked. */
static void
test_moves_between_threads (void)
{
  Moved self = { g_main_context_new (), NULL };

  for (int i = 0; i < 5; i++)
    {
      g_thread_join (g_thread_new ("first", first_thread, &self));
      assert_trace ("ran");
      first_thread (&self);
      assert_trace ("ran");
    }
  g_main_context_unref (self.context);
}

static gboolean
count_cb_ (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  gsize before = coro_scheduler_count_coroutines (scheduler);
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  for (int i = 0; i < 300; i++)
    coro_task_group_spawn (group, forever_cb, NULL, NULL);
  g_assert_cmpint (coro_scheduler_count_coroutines (scheduler), ==, before + 300);
  if (!coro_yield (error))
    return FALSE;
  coro_task_group_cancel (group);
  if (!coro_task_group_join (group, error))
    return FALSE;
  g_assert_cmpint (coro_scheduler_count_coroutines (scheduler), ==, before);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/scheduler/context/default", test_default_context);
  g_test_add_func ("/scheduler/context/private", test_private_context);
  g_test_add_func ("/scheduler/context/children-inherit", test_children_inherit);
  g_test_add_data_func ("/scheduler/context/g-task-lands-in-default", NULL, test_g_task_lands_here);
  g_test_add_data_func ("/scheduler/context/g-task-lands-in-private", "private", test_g_task_lands_here);
  g_test_add_func ("/scheduler/context/one-scheduler-each", test_one_scheduler_per_context);
  g_test_add_func ("/scheduler/context/closed-with-it", test_closed_with_context);
  g_test_add_func ("/scheduler/context/come-and-go", test_contexts_come_and_go);
  g_test_add_func ("/scheduler/context/unfinished-are-said", test_unfinished_are_said);
  g_test_add_func ("/scheduler/context/moves-between-threads", test_moves_between_threads);
  g_test_add_func ("/scheduler/time-slice", test_time_slice);
  coro_test_add_func ("/spec/S032/counts-coroutines", count_cb_);

  return g_test_run ();
}
