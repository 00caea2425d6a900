/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Several runs in one loop, and what SIGINT does to them.
 */
#include "test-util.h"

#include <signal.h>

static gboolean
return_cb (gpointer   number,
           GValue    *result,
           GError   **error)
{
  return coro_yield (error) && coro_return_int (result, GPOINTER_TO_INT (number));
}

static int
run_int (CoroRunner *runner,
         int         number)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_runner_run (runner, return_cb, GINT_TO_POINTER (number), &value, &error));
  g_assert_no_error (error);
  return g_value_get_int (&value);
}

static void
test_runs_several_times (void)
{
  g_autoptr (CoroRunner) runner = coro_runner_new ();
  CoroScheduler *scheduler = coro_runner_get_scheduler (runner);

  g_assert_cmpint (run_int (runner, 1), ==, 1);
  g_assert_cmpint (run_int (runner, 2), ==, 2);
  g_assert_true (coro_runner_get_scheduler (runner) == scheduler);
  g_assert_false (coro_scheduler_is_closed (scheduler));

  coro_runner_close (runner);
  g_assert_true (coro_scheduler_is_closed (scheduler));
  coro_runner_close (runner);
}

static gboolean
check_running_cb (gpointer   runner,
                  GValue    *result,
                  GError   **error)
{
  g_assert_cmpint (coro_runner_get_state (runner), ==, CORO_RUNNER_RUNNING);
  g_assert_true (coro_scheduler_get_running () == coro_runner_get_scheduler (runner));
  return TRUE;
}

static gboolean
check_shutting_down_cb (gpointer   runner,
                        GValue    *result,
                        GError   **error)
{
  if (coro_sleep (SECOND, error))
    return TRUE;
  g_assert_cmpint (coro_runner_get_state (runner), ==, CORO_RUNNER_SHUTTING_DOWN);
  note ("cancelled");
  return FALSE;
}

static gboolean
leave_behind_cb (gpointer   runner,
                 GValue    *result,
                 GError   **error)
{
  coro_spawn (check_shutting_down_cb, runner, NULL);
  return coro_yield (error);
}

static void
test_states (void)
{
  g_autoptr (CoroRunner) runner = coro_runner_new ();

  g_assert_cmpint (coro_runner_get_state (runner), ==, CORO_RUNNER_CREATED);
  g_assert_true (coro_runner_run (runner, check_running_cb, runner, NULL, NULL));
  g_assert_cmpint (coro_runner_get_state (runner), ==, CORO_RUNNER_CREATED);
  g_assert_true (coro_runner_run (runner, leave_behind_cb, runner, NULL, NULL));
  assert_trace ("");
  coro_runner_close (runner);
  assert_trace ("cancelled");
  g_assert_cmpint (coro_runner_get_state (runner), ==, CORO_RUNNER_CLOSED);
}

static gboolean
tick_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  for (int i = 0; i < 4; i++)
    {
      note ("tick");
      if (!coro_sleep (SECOND, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
spawn_tick_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  coro_spawn (tick_cb, NULL, NULL);
  return coro_sleep (SECOND * 3 / 2, error);
}

static gboolean
sleep_long_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  return coro_sleep (10 * SECOND, error);
}

/* What one run leaves behind waits for the next one. */
static void
test_leftovers_go_on (void)
{
  g_autoptr (CoroRunner) runner = coro_runner_new ();

  coro_test_clock_start (coro_runner_get_scheduler (runner), TRUE);
  g_assert_true (coro_runner_run (runner, spawn_tick_cb, NULL, NULL, NULL));
  note ("|");
  g_assert_true (coro_runner_run (runner, sleep_long_cb, NULL, NULL, NULL));
  coro_runner_close (runner);
  assert_trace ("tick tick | tick tick");
}

static void
test_closed (void)
{
  g_autoptr (CoroRunner) runner = coro_runner_new ();
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (return_cb, NULL, NULL);
  g_autoptr (GError) error = NULL;

  coro_runner_close (runner);
  g_assert_false (coro_runner_run (runner, return_cb, NULL, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_CLOSED);
  g_clear_error (&error);

  /* A coroutine object is closed, so that no warning says it was never awaited. */
  g_assert_false (coro_runner_run_coroutine (runner, coroutine, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_CLOSED);
  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CLOSED);
}

static gboolean
nested_cb (gpointer   runner,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (return_cb, NULL, NULL);
  g_autoptr (CoroRunner) other = coro_runner_new ();
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_runner_run (runner, return_cb, NULL, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_NESTED_RUN);
  g_clear_error (&local_error);

  g_assert_false (coro_runner_run_coroutine (other, coroutine, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_NESTED_RUN);
  g_assert_nonnull (strstr (local_error->message, "cannot be called from a running event loop"));
  g_assert_cmpint (coro_coroutine_get_state (coroutine), ==, CORO_COROUTINE_CLOSED);
  return TRUE;
}

static void
test_nested_is_refused (void)
{
  g_autoptr (CoroRunner) runner = coro_runner_new ();

  g_assert_true (coro_runner_run (runner, nested_cb, runner, NULL, NULL));
  g_assert_cmpint (run_int (runner, 3), ==, 3);
  coro_runner_close (runner);
}

static gboolean
run_in_callback_cb (gpointer data)
{
  GError **error = data;

  g_assert_false (coro_run (return_cb, NULL, NULL, error));
  return G_SOURCE_REMOVE;
}

static gboolean
wait_for_callback_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  g_autoptr (GError) local_error = NULL;

  g_source_set_callback (source, run_in_callback_cb, &local_error, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  while (local_error == NULL)
    if (!coro_yield (error))
      return FALSE;
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_NESTED_RUN);
  return TRUE;
}

/* A callback of the loop is inside of the run as well. */
static void
test_nested_in_callback (void)
{
  g_assert_true (coro_run (wait_for_callback_cb, NULL, NULL, NULL));
}

static gpointer
run_elsewhere (gpointer runner)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_runner_run (runner, return_cb, NULL, NULL, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return NULL;
}

static void
test_one_thread (void)
{
  g_autoptr (CoroRunner) runner = coro_runner_new ();

  g_assert_cmpint (run_int (runner, 1), ==, 1);
  g_thread_join (g_thread_new ("other", run_elsewhere, runner));
  g_assert_cmpint (run_int (runner, 2), ==, 2);
  coro_runner_close (runner);
}

static gboolean
thing_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  note ("Running a coroutine");
  if (!coro_sleep (SECOND, error))
    return FALSE;
  note ("Coroutine finished");
  return coro_return_string (result, "done");
}

static void
test_runs_object (void)
{
  g_autoptr (CoroRunner) runner = coro_runner_new ();
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (thing_cb, NULL, NULL);
  CoroScheduler *scheduler = coro_runner_get_scheduler (runner);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;
  gint64 start;

  coro_test_clock_start (scheduler, TRUE);
  start = coro_scheduler_get_time (scheduler);
  g_assert_true (coro_runner_run_coroutine (runner, coroutine, &value, &error));
  g_assert_cmpint (coro_scheduler_get_time (scheduler) - start, ==, SECOND);
  assert_trace ("Running a coroutine Coroutine finished");
  g_assert_cmpstr (g_value_get_string (&value), ==, "done");
  coro_runner_close (runner);
}

/* --- all tasks -------------------------------------------------------------------- */

static gboolean
sleep_second_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  return coro_sleep (SECOND, error);
}

static guint
count_tasks (void)
{
  GList *tasks = coro_all_tasks (NULL);
  guint n = g_list_length (tasks);

  g_assert_nonnull (g_list_find (tasks, coro_task_get_current ()));
  g_list_free_full (tasks, g_object_unref);
  return n;
}

static gboolean
all_tasks_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (sleep_second_cb, NULL, NULL);
  GList *tasks;

  coro_spawn (sleep_second_cb, NULL, NULL);
  coro_spawn (sleep_second_cb, NULL, NULL);
  if (!coro_yield (error))
    return FALSE;
  g_assert_cmpuint (count_tasks (), ==, 4);

  /* The same handle each time. */
  tasks = coro_all_tasks (coro_scheduler_get_running ());
  g_assert_nonnull (g_list_find (tasks, task));
  g_list_free_full (tasks, g_object_unref);

  if (!coro_sleep (2 * SECOND, error))
    return FALSE;
  g_assert_cmpuint (count_tasks (), ==, 1);
  return TRUE;
}

static gboolean
cancel_one_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  GList *tasks;

  /* The list has the only handle of the task. */
  coro_spawn (sleep_second_cb, NULL, NULL);
  tasks = coro_all_tasks (NULL);
  for (GList *l = tasks; l != NULL; l = l->next)
    if (l->data != coro_task_get_current ())
      coro_task_cancel (l->data);
  g_list_free_full (tasks, g_object_unref);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpuint (count_tasks (), ==, 1);
  return TRUE;
}

static void
list_as_freed (gpointer user_data)
{
  GList *tasks = coro_all_tasks (NULL);

  *(guint *) user_data = g_list_length (tasks);
  g_list_free_full (tasks, g_object_unref);
}

static gboolean
yield_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  return coro_yield (error);
}

/* One that frees its data has ended. */
static gboolean
ending_is_not_listed_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  guint n = 0;

  coro_spawn (yield_cb, &n, list_as_freed);
  while (n == 0)
    if (!coro_yield (error))
      return FALSE;
  g_assert_cmpuint (n, ==, 1);
  return TRUE;
}

/* --- SIGINT ----------------------------------------------------------------------- */

/* A child program, see main().  Gets the signal the first time. */
static gboolean
interrupted_main_cb (gpointer   mode,
                     GValue    *result,
                     GError   **error)
{
  gboolean ok;

  if (strcmp (mode, "another") == 0)
    coro_task_cancel (coro_task_get_current ());
  raise (SIGINT);
  if (strcmp (mode, "busy") == 0)
    raise (SIGINT);             /* no await in between */
  ok = coro_sleep (100 * SECOND, error);
  g_print ("%s\n", ok ? "slept" : "cancelled");

  if (strcmp (mode, "another") == 0)
    {
      g_auto (CoroShield) shield = coro_shield_enter (0);

      coro_sleep (10 * MILLISECOND, NULL);      /* here the signal comes */
      g_assert_cmpuint (coro_task_get_cancelling (coro_task_get_current ()), ==, 2);
    }
  if (strcmp (mode, "twice") == 0)
    raise (SIGINT);
  if (strcmp (mode, "swallow") == 0)
    {
      g_clear_error (error);
      return TRUE;
    }
  if (strcmp (mode, "other-error") == 0)
    {
      g_clear_error (error);
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "another");
      return FALSE;
    }
  return ok;
}

static void
on_sigint (int signum)
{
}

static gboolean
keep_handler_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  raise (SIGINT);
  return coro_sleep (MILLISECOND, error);
}

static gboolean
no_handler_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  struct sigaction action;

  sigaction (SIGINT, NULL, &action);
  g_assert_true (action.sa_handler == SIG_DFL);
  return TRUE;
}

static gpointer
run_in_thread_cb (gpointer user_data)
{
  return GINT_TO_POINTER (coro_run_main (no_handler_cb, NULL));
}

/* Says that it is up, and waits until the signal has come, which takes the handler away. */
static void
wait_for_signal (void)
{
  struct sigaction action;

  g_print ("up\n");
  do
    {
      coro_sleep (MILLISECOND, NULL);
      sigaction (SIGINT, NULL, &action);
    }
  while (action.sa_handler != SIG_DFL);
  coro_sleep (10 * MILLISECOND, NULL);
}

/* Cleans up when the application ends, and says so. */
static gboolean
application_coroutine_cb (gpointer   application,
                          GValue    *result,
                          GError   **error)
{
  const char *mode = g_object_get_data (application, "mode");
  gboolean ok;

  if (strcmp (mode, "application-late") == 0)
    g_application_quit (application);
  else
    g_print ("up\n");
  if (strcmp (mode, "application-handler") == 0)
    {
      raise (SIGINT);
      g_application_quit (application);
    }
  ok = coro_sleep (1000 * SECOND, error);

  {
    g_auto (CoroShield) shield = coro_shield_enter (0);

    if (strcmp (mode, "application-twice") == 0)
      g_print ("up\n");         /* and the test interrupts again */
    if (strcmp (mode, "application-late") == 0)
      wait_for_signal ();
    coro_sleep (strcmp (mode, "application-twice") == 0 ? 1000 * SECOND : MILLISECOND, NULL);
  }
  g_print ("cleaned up\n");
  return ok;
}

static gboolean
application_values_cb (CoroGenerator  *generator,
                       gpointer        user_data,
                       GError        **error)
{
  while (coro_generator_produce_int (generator, 1, error))
    ;
  g_print ("closed\n");
  return FALSE;
}

static gboolean
application_generator_cb (gpointer   generator,
                          GValue    *result,
                          GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  return coro_iterator_next (generator, &value, error);
}

static void
application_activate_cb (GApplication *application,
                         gpointer      generator)
{
  g_application_hold (application);
  coro_spawn (application_generator_cb, generator, NULL);
  coro_spawn (application_coroutine_cb, application, NULL);
}

static int
child_application (const char *mode)
{
  g_autoptr (GApplication) application = g_application_new (NULL, G_APPLICATION_NON_UNIQUE);
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, application_values_cb, NULL, NULL);

  if (strcmp (mode, "application-handler") == 0)
    signal (SIGINT, on_sigint);
  g_object_set_data (G_OBJECT (application), "mode", (gpointer) mode);
  g_signal_connect (application, "activate", G_CALLBACK (application_activate_cb), generator);
  if (strcmp (mode, "application-plain") == 0)
    {
      coro_application_attach (application);
      return g_application_run (application, 0, NULL);
    }
  return coro_application_run (application, 0, NULL);
}

static int
child_main (const char *mode)
{
  signal (SIGINT, SIG_DFL);
  if (g_str_has_prefix (mode, "application"))
    return child_application (mode);
  if (strcmp (mode, "handler") == 0)
    {
      struct sigaction action;
      int status;

      signal (SIGINT, on_sigint);
      status = coro_run_main (keep_handler_cb, NULL);
      sigaction (SIGINT, NULL, &action);
      g_assert_true (action.sa_handler == on_sigint);
      return status;
    }
  if (strcmp (mode, "thread") == 0)
    return GPOINTER_TO_INT (g_thread_join (g_thread_new ("other", run_in_thread_cb, NULL)));
  if (strcmp (mode, "after") == 0)
    {
      coro_run_main (return_cb, NULL);
      raise (SIGINT);
    }
  if (strcmp (mode, "again") == 0)
    {
      /* Each run takes one. */
      g_autoptr (CoroRunner) runner = coro_runner_new ();
      g_autoptr (GError) error = NULL;

      g_assert_false (coro_runner_run (runner, interrupted_main_cb, (gpointer) mode, NULL, &error));
      g_assert_true (coro_runner_was_interrupted (runner));
      assert_cancelled (error);
      g_clear_error (&error);
      g_assert_cmpint (run_int (runner, 5), ==, 5);
      g_assert_false (coro_runner_was_interrupted (runner));
      g_assert_false (coro_runner_run (runner, interrupted_main_cb, (gpointer) mode, NULL, &error));
      assert_cancelled (error);
      coro_runner_close (runner);
      return 0;
    }
  return coro_run_main (interrupted_main_cb, (gpointer) mode);
}

static const char *program;

/* Gives the exit status, or minus the signal that ended the child. */
static int
run_child (const char  *mode,
           char       **output)
{
  g_autoptr (GSubprocess) child = NULL;
  g_autoptr (GError) error = NULL;

  child = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE, &error,
                            program, "--child", mode, NULL);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (child, NULL, NULL, output, NULL, &error);
  g_assert_no_error (error);
  return g_subprocess_get_if_signaled (child) ? -g_subprocess_get_term_sig (child)
                                              : g_subprocess_get_exit_status (child);
}

typedef struct
{
  const char *path;
  const char *mode;
  int status;
  const char *output;           /* (nullable): the whole of it */
} Interrupt;

static const Interrupt interrupts[] = {
  { "/run/interrupt/cancels-main", "once", 130, "cancelled\n" },
  { "/run/interrupt/second-is-the-default-action", "twice", -SIGINT, NULL },
  { "/run/interrupt/second-ends-a-busy-program", "busy", -SIGINT, NULL },
  { "/run/interrupt/swallowed", "swallow", 0, "cancelled\n" },
  { "/run/interrupt/another-request-has-cancelled", "another", 1, "cancelled\nThe coroutine was cancelled\n" },
  { "/run/interrupt/main-fails-otherwise", "other-error", 1, "cancelled\nanother\n" },
  { "/run/interrupt/handlers-of-others-stay", "handler", 0, "" },
  { "/run/interrupt/not-in-other-threads", "thread", 0, "" },
  { "/run/interrupt/default-action-afterwards", "after", -SIGINT, "" },
#ifndef __SANITIZE_THREAD__      /* which loses the second handler that is reset by its signal */
  { "/run/interrupt/each-run-takes-one", "again", 0, "cancelled\ncancelled\n" },
#endif
};

static void
test_interrupt (gconstpointer data)
{
  const Interrupt *self = data;
  g_autofree char *output = NULL;
  int status = run_child (self->mode, &output);

  if (self->output != NULL)
    g_assert_cmpstr (output, ==, self->output);
  g_assert_cmpint (status, ==, self->status);
}

/* The same, from another process: whenever the child says that it is up. */
static const Interrupt application_interrupts[] = {
  { "/run/interrupt/application", "application-once", 130, "cleaned up closed " },
  { "/run/interrupt/application-second-is-the-default-action", "application-twice", -SIGINT, "" },
  { "/run/interrupt/application-that-ends-by-itself", "application-late", 0, "cleaned up closed " },
  { "/run/interrupt/application-that-did-not-ask", "application-plain", -SIGINT, "" },
  { "/run/interrupt/application-with-a-handler", "application-handler", 0, "cleaned up closed " },
};

static void
test_application_interrupt (gconstpointer data)
{
  const Interrupt *self = data;
  g_autoptr (GSubprocess) child = NULL;
  g_autoptr (GDataInputStream) lines = NULL;
  g_autoptr (GString) output = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  char *line;

  child = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE, &error,
                            program, "--child", self->mode, NULL);
  g_assert_no_error (error);
  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (child));
  while ((line = g_data_input_stream_read_line (lines, NULL, NULL, &error)) != NULL)
    {
      if (strcmp (line, "up") != 0)
        g_string_append_printf (output, "%s ", line);
      else if (strcmp (self->mode, "application-handler") != 0)
        g_subprocess_send_signal (child, SIGINT);
      g_free (line);
    }
  g_assert_no_error (error);
  g_subprocess_wait (child, NULL, &error);
  g_assert_no_error (error);

  g_assert_cmpstr (output->str, ==, self->output);
  g_assert_cmpint (g_subprocess_get_if_signaled (child) ? -g_subprocess_get_term_sig (child)
                                                        : g_subprocess_get_exit_status (child), ==, self->status);
}

/* --- what is not closed ----------------------------------------------------------------- */

static void
test_unclosed (void)
{
  CoroRunner *runner = coro_runner_new ();

  g_object_unref (runner);              /* it has not run: there is nothing to clean up */

  runner = coro_runner_new ();
  g_assert_cmpint (run_int (runner, 5), ==, 5);
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*unclosed runner*");
  g_object_unref (runner);
  g_test_assert_expected_messages ();
}

int
main (int    argc,
      char **argv)
{
  if (argc == 3 && strcmp (argv[1], "--child") == 0)
    return child_main (argv[2]);

  program = argv[0];
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/spec/S082/runs-several-times", test_runs_several_times);
  g_test_add_func ("/run/runner/states", test_states);
  g_test_add_func ("/run/runner/leftovers-go-on", test_leftovers_go_on);
  g_test_add_func ("/spec/S085/closed", test_closed);
  g_test_add_func ("/spec/S125/unclosed-is-said", test_unclosed);
  g_test_add_func ("/spec/S030/object-is-closed", test_nested_is_refused);
  g_test_add_func ("/run/runner/nested-in-callback", test_nested_in_callback);
  g_test_add_func ("/run/runner/one-thread", test_one_thread);
  g_test_add_func ("/spec/S084/runs-an-object", test_runs_object);

  coro_test_add_func ("/spec/S032/all-tasks", all_tasks_cb);
  coro_test_add_func ("/task/all/cancel-one", cancel_one_cb);
  coro_test_add_func ("/task/all/ending-is-not-listed", ending_is_not_listed_cb);

  for (gsize i = 0; i < G_N_ELEMENTS (interrupts); i++)
    g_test_add_data_func (interrupts[i].path, &interrupts[i], test_interrupt);
  for (gsize i = 0; i < G_N_ELEMENTS (application_interrupts); i++)
    g_test_add_data_func (application_interrupts[i].path, &application_interrupts[i], test_application_interrupt);

  return g_test_run ();
}
