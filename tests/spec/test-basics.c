/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What suspends, what runs next, and what tasks, gathering and generators promise.
 */
#include "lib/bodies.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <glib-unix.h>
#include <unistd.h>

static gboolean
note_twice_cb (gpointer   text,
               GValue    *result,
               GError   **error)
{
  note (text);
  if (!coro_yield (error))
    return FALSE;
  note (text);
  return TRUE;
}

static gboolean
await_future_cb (gpointer   future,
                 GValue    *result,
                 GError   **error)
{
  note ("x");
  if (!coro_await (future, NULL, error))
    return FALSE;
  note ("x");
  return TRUE;
}

static gboolean
others_run_meanwhile_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) x = coro_spawn_task (await_future_cb, future, NULL);

  coro_spawn (note_cb, "y", NULL);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace_in_any_order ("x y");
  g_assert_cmpint (coro_task_get_coroutine_state (x), ==, CORO_COROUTINE_SUSPENDED);

  coro_future_resolve_int (future, 1);
  g_assert_true (coro_await (x, NULL, error));
  assert_trace ("x");
  return TRUE;
}

static gboolean
look_inside_cb (gpointer   scheduler,
                GValue    *result,
                GError   **error)
{
  *(CoroScheduler **) scheduler = g_object_ref (coro_scheduler_get_running ());
  g_assert_true (coro_scheduler_is_running (*(CoroScheduler **) scheduler));
  return TRUE;
}

static void
test_run_tears_down (void)
{
  g_autoptr (CoroScheduler) scheduler = NULL;
  GMainContext *outer = g_main_context_get_thread_default ();

  g_assert_true (coro_run (look_inside_cb, &scheduler, NULL, NULL));
  g_assert_true (coro_scheduler_is_closed (scheduler));
  g_assert_false (coro_scheduler_is_running (scheduler));
  g_assert_null (coro_scheduler_get_context (scheduler));
  g_assert_true (g_main_context_get_thread_default () == outer);
}

static gboolean
running_scheduler_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_assert_nonnull (coro_scheduler_get_running ());
  g_assert_true (coro_task_get_scheduler (coro_task_get_current ()) == coro_scheduler_get_running ());
  return TRUE;
}

/* A context of the thread's own does not bring one along either. */
static gpointer
look_in_thread (gpointer user_data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_assert_null (coro_scheduler_get_running ());
  g_assert_null (coro_task_get_current ());
  g_main_context_push_thread_default (context);
  g_assert_null (coro_scheduler_get_running ());
  g_assert_null (coro_task_get_current ());
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_no_scheduler_outside (void)
{
  g_assert_null (coro_scheduler_get_running ());
  g_assert_null (coro_task_get_current ());
  g_assert_true (coro_run (running_scheduler_cb, NULL, NULL, NULL));
  g_assert_null (coro_scheduler_get_running ());
  g_thread_join (g_thread_new ("other", look_in_thread, NULL));
}

/* --- steps ------------------------------------------------------------------------ */

static int
count_running (void)
{
  GList *tasks = coro_all_tasks (NULL);
  int n = 0;

  for (GList *l = tasks; l != NULL; l = l->next)
    n += coro_task_get_coroutine_state (l->data) == CORO_COROUTINE_RUNNING;
  g_list_free_full (tasks, g_object_unref);
  return n;
}

static gboolean
count_running_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  for (int i = 0; i < 5; i++)
    {
      g_assert_cmpint (count_running (), ==, 1);
      g_assert_cmpint (coro_task_get_coroutine_state (coro_task_get_current ()), ==, CORO_COROUTINE_RUNNING);
      if (!coro_yield (error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
one_runs_at_a_time_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  for (int i = 0; i < 5; i++)
    coro_spawn (count_running_cb, NULL, NULL);
  return count_running_cb (NULL, result, error) && coro_sleep (SECOND, error);
}

static int
plain_sum (int n)
{
  int sum = 0;

  for (int i = 1; i <= n; i++)
    sum += i;
  return sum;
}

static gboolean
plain_cb (gpointer   steps,
          GValue    *result,
          GError   **error)
{
  int before = *(int *) steps;

  g_assert_cmpint (plain_sum (1000), ==, 500500);
  g_assert_cmpint (*(int *) steps, ==, before);
  note ("plain");
  return TRUE;
}

static gboolean
count_steps_cb (gpointer   steps,
                GValue    *result,
                GError   **error)
{
  while (coro_yield (error))
    ++*(int *) steps;
  return FALSE;
}

/* Others get their turns inside calls of ours and nowhere else. */
static gboolean
only_our_calls_suspend_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  int steps = 0;
  g_autoptr (CoroTask) counter = coro_spawn_task (count_steps_cb, &steps, NULL);
  gint64 end = g_get_monotonic_time () + 50 * MILLISECOND;

  coro_test_keep_order (NULL);
  coro_spawn (plain_cb, &steps, NULL);
  while (g_get_monotonic_time () < end)
    ;
  g_assert_cmpint (steps, ==, 0);
  assert_trace ("");

  for (int i = 0; i < 3; i++)
    {
      int before = steps;

      g_assert_true (coro_yield (error));
      g_assert_cmpint (steps - before, ==, i == 0 ? 0 : 1);
    }
  assert_trace ("plain");
  coro_task_cancel (counter);
  return coro_join (counter, error);
}

static gboolean
read_ready_cb (int           fd,
               GIOCondition  condition,
               gpointer      user_data)
{
  note ("io");
  return G_SOURCE_REMOVE;
}

static void
test_one_iteration (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) source = NULL;
  g_autoptr (CoroScheduler) scheduler = NULL;
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  g_assert_cmpint (write (fds[1], "", 1), ==, 1);
  source = g_unix_fd_source_new (fds[0], G_IO_IN);
  g_source_set_callback (source, G_SOURCE_FUNC (read_ready_cb), NULL, NULL);
  g_source_attach (source, context);

  /* Spawned before anything runs, they take their first steps in the first iteration. */
  g_main_context_push_thread_default (context);
  coro_spawn (note_twice_cb, "a", NULL);
  coro_spawn (note_cb, "b", NULL);
  assert_trace ("");
  scheduler = coro_scheduler_ref_for_context (context);
  coro_scheduler_set_time_slice (scheduler, 100 * SECOND);       /* whatever else the machine does */
  g_main_context_iteration (context, FALSE);
  assert_trace ("io a b a");

  coro_scheduler_shut_down (scheduler);
  g_main_context_pop_thread_default (context);
  close (fds[0]);
  close (fds[1]);
}

static gboolean
next_ready_runs_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  coro_test_keep_order (NULL);
  coro_spawn (note_twice_cb, "a", NULL);
  coro_spawn (note_twice_cb, "b", NULL);
  coro_spawn (note_twice_cb, "c", NULL);
  if (!coro_sleep (MILLISECOND, error))
    return FALSE;
  assert_trace ("a b c a b c");
  return TRUE;
}

/* --- waiting ---------------------------------------------------------------------- */

static gboolean
leave_sleeper_cb (gpointer   slept,
                  GValue    *result,
                  GError   **error)
{
  *(gboolean *) slept = coro_sleep (10 * SECOND, error);
  note ("stopped");
  return *(gboolean *) slept;
}

static gboolean
return_at_once_cb (gpointer   slept,
                   GValue    *result,
                   GError   **error)
{
  coro_spawn (leave_sleeper_cb, slept, NULL);
  return coro_yield (error);
}

static void
test_run_ends_with_main (void)
{
  g_autoptr (CoroRunner) runner = coro_runner_new ();
  CoroScheduler *scheduler = coro_runner_get_scheduler (runner);
  gboolean slept = TRUE;
  gint64 start;

  coro_test_clock_start (scheduler, TRUE);
  start = coro_scheduler_get_time (scheduler);
  g_assert_true (coro_runner_run (runner, return_at_once_cb, &slept, NULL, NULL));
  coro_runner_close (runner);
  g_assert_false (slept);
  assert_trace ("stopped");
  g_assert_cmpint (coro_scheduler_get_time (scheduler) - start, ==, 0);
}

static gboolean
sleep_a_while_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  return coro_sleep (20 * MILLISECOND, error);
}

static void
test_run_blocks (void)
{
  gint64 start = g_get_monotonic_time ();

  g_assert_true (coro_run (sleep_a_while_cb, NULL, NULL, NULL));
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 20 * MILLISECOND);
}

typedef struct
{
  int fd;
  int ticks;
} Pipe;

/* Writes after five ticks, which have to come while another coroutine reads. */
static gboolean
tick_and_write_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  Pipe *self = user_data;

  for (self->ticks = 0; self->ticks < 5; self->ticks++)
    if (!coro_sleep (MILLISECOND, error))
      return FALSE;
  g_assert_cmpint (write (self->fd, "hello", 5), ==, 5);
  return TRUE;
}

static gboolean
return_seven_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  return coro_return_int (result, 7);
}

static gboolean
read_pipe_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (return_seven_cb, NULL, NULL);
  g_autoptr (CoroTask) task = coro_spawn_task (return_seven_cb, NULL, NULL);
  Pipe self = { 0 };
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  stream = g_unix_input_stream_new (fds[0], TRUE);
  self.fd = fds[1];
  coro_spawn (tick_and_write_cb, &self, NULL);

  bytes = g_input_stream_read_bytes_finish (stream, CORO_CALL (&op, g_input_stream_read_bytes_async, stream, 16,
                                                               G_PRIORITY_DEFAULT), error);
  g_assert_nonnull (bytes);
  g_assert_cmpint (self.ticks, ==, 5);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "hello", 5);

  /* An operation, a coroutine and a task are awaited alike. */
  g_assert_cmpint (coro_await_int (coroutine, error), ==, 7);
  g_assert_cmpint (coro_await_int (task, error), ==, 7);
  close (fds[1]);
  return TRUE;
}

static void
test_reading (void)
{
  g_autoptr (GError) error = NULL;

  coro_run (read_pipe_cb, NULL, NULL, &error);
  g_assert_no_error (error);
}

static gboolean
ticker_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  while (coro_sleep (SECOND, error))
    note ("tick");
  return FALSE;
}

static gboolean
fetch_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  note ("fetching");
  if (!coro_sleep (SECOND * 5 / 2, error))
    return FALSE;
  note ("fetched");
  return coro_return_string (result, "data");
}

static gboolean
ticks_while_paused_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (fetch_cb, NULL, NULL);
  g_autofree char *data = NULL;

  coro_spawn (ticker_cb, NULL, NULL);
  data = coro_await_string (coroutine, error);
  note (data);
  assert_trace ("fetching tick tick fetched data");
  return TRUE;
}

static int heartbeats;          /* (atomic) */

/* Computes until the main thread was seen to be alive. */
static gpointer
compute (gpointer       user_data,
         GCancellable  *cancellable,
         GError       **error)
{
  while (g_atomic_int_get (&heartbeats) < 10)
    g_usleep (100);
  return GINT_TO_POINTER (1);
}

static gboolean
heartbeat_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  while (coro_sleep (MILLISECOND, error))
    g_atomic_int_inc (&heartbeats);
  return FALSE;
}

static gboolean
compute_in_thread_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  coro_spawn (heartbeat_cb, NULL, NULL);
  g_assert_nonnull (coro_run_in_thread (compute, NULL, NULL, error));
  return TRUE;
}

static void
test_work_in_thread (void)
{
  g_autoptr (GError) error = NULL;

  coro_run (compute_in_thread_cb, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (heartbeats, >=, 10);
}

/* --- tasks and gathering ---------------------------------------------------------- */

static gboolean
runs_unawaited_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (note_cb, "ran", NULL);

  if (!coro_sleep (50 * MILLISECOND, error))
    return FALSE;
  assert_trace ("ran");
  g_assert_true (coro_future_is_done (CORO_FUTURE (task)));
  return TRUE;
}

static gboolean
sleep_seconds_cb (gpointer   seconds,
                  GValue    *result,
                  GError   **error)
{
  return coro_sleep (GPOINTER_TO_INT (seconds) * SECOND, error);
}

static gboolean
await_done_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (CoroTask) first = coro_spawn_task (sleep_seconds_cb, GINT_TO_POINTER (2), NULL);
  g_autoptr (CoroTask) second = coro_spawn_task (sleep_seconds_cb, GINT_TO_POINTER (1), NULL);
  gint64 start = now ();

  g_assert_true (coro_await (first, NULL, error));
  coro_spawn (note_cb, "other", NULL);
  g_assert_true (coro_await (second, NULL, error));
  assert_trace ("");            /* no other coroutine had a turn */
  g_assert_true (coro_test_settle (error));
  assert_trace ("other");
  g_assert_cmpint (now () - start, ==, 2 * SECOND);
  g_assert_cmpint (coro_task_get_coroutine_state (first), ==, CORO_COROUTINE_CLOSED);
  g_assert_cmpint (coro_task_get_coroutine_state (second), ==, CORO_COROUTINE_CLOSED);
  return TRUE;
}

static gboolean
return_number_cb (gpointer   number,
                  GValue    *result,
                  GError   **error)
{
  return coro_yield (error) && coro_return_int (result, GPOINTER_TO_INT (number));
}

static gboolean
gather_many_cb (gpointer   n_pointer,
                GValue    *result,
                GError   **error)
{
  int n = GPOINTER_TO_INT (n_pointer);
  g_autofree CoroFuture **tasks = g_new0 (CoroFuture *, n + 1);
  g_autoptr (CoroFuture) all = NULL;

  for (int i = 0; i < n; i++)
    tasks[i] = CORO_FUTURE (coro_spawn_task (return_number_cb, GINT_TO_POINTER (i), NULL));
  all = coro_gather (tasks, n);
  if (n == 0)
    g_assert_true (coro_future_is_done (all));

  /* A caller that does not need the results passes NULL. */
  g_assert_true (coro_await (all, NULL, error));
  for (int i = 0; i < n; i++)
    {
      g_assert_cmpint (g_value_get_int (coro_future_get_value (tasks[i])), ==, i);
      g_object_unref (tasks[i]);
    }
  return TRUE;
}

static gboolean
one_timeout_code_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (GError) by_wait_for = NULL;
  g_autoptr (GError) by_guard = NULL;

  g_assert_false (coro_wait_for (future, SECOND, NULL, &by_wait_for));
  g_assert_true (g_error_matches (by_wait_for, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (SECOND, &by_guard);

    g_assert_false (coro_sleep (2 * SECOND, &by_guard));
  }
  g_assert_true (g_error_matches (by_guard, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
  return TRUE;
}

/* --- generators ------------------------------------------------------------------- */

static gboolean
count_to_two_cb (CoroGenerator  *self,
                 gpointer        user_data,
                 GError        **error)
{
  note ("start");
  for (int i = 0; i < 2; i++)
    {
      if (!coro_sleep (SECOND * 5 / 4, error) || !coro_generator_produce_int (self, i, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
generator_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, count_to_two_cb, NULL, NULL);

  coro_spawn (ticker_cb, NULL, NULL);
  if (!coro_yield (error))
    return FALSE;
  assert_trace ("");            /* not started */

  for (int i = 0; i < 2; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_assert_true (coro_iterator_next (generator, &value, error));
      g_assert_cmpint (g_value_get_int (&value), ==, i);
      note (i == 0 ? "zero" : "one");
    }
  assert_trace ("start tick zero tick one");

  for (int i = 0; i < 2; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_assert_true (coro_iterator_next (generator, &value, error));
      g_assert_false (G_IS_VALUE (&value));
    }
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/spec/S002/others-run-meanwhile", others_run_meanwhile_cb);
  g_test_add_func ("/spec/S026/run-tears-down", test_run_tears_down);
  g_test_add_func ("/spec/S035-S057-S083/no-scheduler-outside", test_no_scheduler_outside);
  coro_test_add_func ("/spec/S058/one-runs-at-a-time", one_runs_at_a_time_cb);
  coro_test_add_func ("/spec/S060-S099-S100/only-our-calls-suspend", only_our_calls_suspend_cb);
  g_test_add_func ("/spec/S065-S066/one-iteration", test_one_iteration);
  coro_test_add_func ("/spec/S068/next-ready-runs", next_ready_runs_cb);
  g_test_add_func ("/spec/S069/run-ends-with-main", test_run_ends_with_main);
  g_test_add_func ("/spec/S064/run-blocks", test_run_blocks);
  g_test_add_func ("/spec/S059-S072/reading", test_reading);
  coro_test_add_func ("/spec/S074-S075/ticks-while-paused", ticks_while_paused_cb);
  g_test_add_func ("/spec/S040/work-in-thread", test_work_in_thread);
  coro_test_add_func ("/spec/S077/runs-unawaited", runs_unawaited_cb);
  coro_test_add_func ("/spec/S080-S081/await-done", await_done_cb);
  coro_test_add_data_func ("/spec/S043/gather-none", gather_many_cb, GINT_TO_POINTER (0), NULL);
  coro_test_add_data_func ("/spec/S043-S088/gather-one", gather_many_cb, GINT_TO_POINTER (1), NULL);
  coro_test_add_data_func ("/spec/S043/gather-thousand", gather_many_cb, GINT_TO_POINTER (1000), NULL);
  coro_test_add_func ("/spec/S092/one-timeout-code", one_timeout_code_cb);
  coro_test_add_func ("/spec/S093-S095-S096/generator", generator_cb);

  return g_test_run ();
}
