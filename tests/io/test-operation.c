/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Any _async/_finish pair, here one that the test completes by hand.
 */
#include "test-util.h"

#include <glib/gstdio.h>
#include <unistd.h>

static GTask *pending;          /* (owned) (nullable): the call under way */
static int n_finished;

static void
thing_async (gpointer             object,
             int                  number,
             GCancellable        *cancellable,
             GAsyncReadyCallback  callback,
             gpointer             user_data)
{
  g_assert_null (pending);
  pending = g_task_new (object, cancellable, callback, user_data);
  g_task_set_check_cancellable (pending, FALSE);
  g_task_set_task_data (pending, GINT_TO_POINTER (number), NULL);
}

static int
thing_finish (gpointer       object,
              GAsyncResult  *result,
              GError       **error)
{
  n_finished++;
  g_assert_true (g_task_is_valid (result, object));
  return (int) g_task_propagate_int (G_TASK (result), error);
}

static void
complete (int number)
{
  g_autoptr (GTask) task = g_steal_pointer (&pending);

  g_task_return_int (task, number);
}

static void
complete_cancelled (void)
{
  g_autoptr (GTask) task = g_steal_pointer (&pending);

  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "as asked");
}

static gboolean
thing_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  int number = thing_finish (NULL, CORO_CALL (&op, thing_async, NULL, 5), error);

  if (*error != NULL)
    return FALSE;
  return coro_return_int (result, number);
}

static gboolean
thing_then_sleep_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  return thing_cb (user_data, result, error) && coro_sleep (SECOND, error);
}

static gboolean
completes_later_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (thing_cb, NULL, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  g_assert_nonnull (pending);
  g_assert_cmpint (coro_task_get_coroutine_state (task), ==, CORO_COROUTINE_SUSPENDED);
  complete (GPOINTER_TO_INT (g_task_get_task_data (pending)));
  g_assert_cmpint (coro_await_int (task, error), ==, 5);
  return *error == NULL;
}

static gboolean
fails_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (thing_cb, NULL, NULL);
  g_autoptr (GError) local_error = NULL;
  GTask *call;

  if (!coro_test_settle (error))
    return FALSE;
  call = g_steal_pointer (&pending);
  g_task_return_new_error (call, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "full");
  g_object_unref (call);
  g_assert_false (coro_await (task, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  return TRUE;
}

/* --- cancelling ------------------------------------------------------------------- */

static gboolean
cancelled_before_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroTask) task = NULL;

  coro_task_cancel (coro_task_get_current ());
  task = coro_spawn_task (thing_cb, NULL, NULL);
  coro_task_uncancel (coro_task_get_current ());
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_null (pending);                      /* it never began */
  return TRUE;
}

static gboolean
cancel_self_and_call_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  coro_task_cancel (coro_task_get_current ());
  return thing_cb (NULL, result, error);
}

/* The request is there as the call is made: it is made, and cancelled at once. */
static gboolean
cancelled_as_it_begins_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (cancel_self_and_call_cb, NULL, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  g_assert_true (g_cancellable_is_cancelled (g_task_get_cancellable (pending)));
  complete_cancelled ();
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static void
cancelled_on_thread_stack_cb (GCancellable *cancellable,
                            gpointer      counter)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_yield (&error));         /* not in a coroutine: not on its stack */
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  ++*(int *) counter;
}

static gboolean
handlers_on_thread_stack_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (thing_cb, NULL, NULL);
  int calls = 0;

  if (!coro_test_settle (error))
    return FALSE;
  g_signal_connect (g_task_get_cancellable (pending), "cancelled", G_CALLBACK (cancelled_on_thread_stack_cb), &calls);
  coro_task_cancel (task);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (calls, ==, 1);
  complete_cancelled ();
  return coro_join (task, error);
}

static gboolean
cancelled_during_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (thing_cb, NULL, NULL);

  n_finished = 0;
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_false (g_cancellable_is_cancelled (g_task_get_cancellable (pending)));
  coro_task_cancel (task);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_true (g_cancellable_is_cancelled (g_task_get_cancellable (pending)));
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));    /* it waits for the callback */
  for (int i = 0; i < 5; i++)
    if (!coro_test_settle (error))
      return FALSE;
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  complete_cancelled ();
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (n_finished, ==, 1);
  return TRUE;
}

/* It succeeds although it was cancelled: the value counts, the request waits. */
static gboolean
too_late_to_cancel_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (thing_then_sleep_cb, NULL, NULL);
  gint64 start = now ();

  n_finished = 0;
  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_test_settle (error))
    return FALSE;
  complete (5);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (n_finished, ==, 1);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (now (), ==, start);          /* at the very next await */
  return TRUE;
}

static gboolean
cancel_idle_cb (gpointer task)
{
  /* The callback has come, in this round or before, and the coroutine has not run. */
  note (coro_future_is_done (task) ? "late" : "cancel");
  coro_task_cancel (task);
  return G_SOURCE_REMOVE;
}

/* Completed first, cancelled before it resumes: the value was consumed and is given. */
static gboolean
cancelled_after_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (thing_then_sleep_cb, NULL, NULL);
  g_autoptr (GSource) source = g_idle_source_new ();

  n_finished = 0;
  if (!coro_test_settle (error))
    return FALSE;
  complete (5);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);   /* as that of GTask's, which was there first */
  g_source_set_callback (source, cancel_idle_cb, task, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  if (!coro_join (task, error))
    return FALSE;
  assert_trace ("cancel");
  g_assert_cmpint (n_finished, ==, 1);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
timeout_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_auto (CoroTimeout) timeout = coro_timeout_enter (10, error);

  return thing_cb (user_data, result, error);
}

static gboolean
timed_out_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  g_autoptr (CoroTask) task = coro_spawn_task (timeout_cb, NULL, NULL);
  g_autoptr (GError) local_error = NULL;

  if (!coro_test_settle (error))
    return FALSE;
  coro_test_clock_advance (scheduler, 20);      /* it does not jump while an operation is under way */
  if (!coro_test_settle (error) || !coro_test_settle (error))
    return FALSE;
  complete_cancelled ();
  g_assert_false (coro_await (task, NULL, &local_error));
  assert_timed_out (local_error);
  return TRUE;
}

static gboolean
two_waiting_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroTask) inner = coro_spawn_task (thing_cb, NULL, NULL);
  gint64 start = now ();
  int number;

  if (!coro_test_settle (error))
    return FALSE;
  complete (7);
  number = coro_await_int (inner, error);
  g_assert_cmpint (number, ==, 7);
  g_assert_cmpint (now (), ==, start);
  return TRUE;
}

/* --- odd pairs -------------------------------------------------------------------- */

/* Calls back before it returns, as some code does. */
static void
at_once_async (int                  number,
               GCancellable        *cancellable,
               GAsyncReadyCallback  callback,
               gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, NULL, NULL);

  g_task_return_int (task, number);
  callback (NULL, G_ASYNC_RESULT (task), user_data);
}

static gboolean
at_once_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  g_assert_cmpint (thing_finish (NULL, CORO_CALL (&op, at_once_async, 9), error), ==, 9);
  return *error == NULL;
}

/* One operation after another. */
static gboolean
used_again_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  for (int i = 0; i < 3; i++)
    g_assert_cmpint (thing_finish (NULL, CORO_CALL (&op, at_once_async, i), error), ==, i);
  return *error == NULL;
}

/* Two at once: each has its operation. */
static gboolean
two_at_once_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_auto (CoroOperation) one = CORO_OPERATION_INIT;
  g_auto (CoroOperation) two = CORO_OPERATION_INIT;
  GTask *first, *second;

  thing_async (NULL, 1, coro_operation_begin (&one), coro_operation_ready, &one);
  first = g_steal_pointer (&pending);
  thing_async (NULL, 2, coro_operation_begin (&two), coro_operation_ready, &two);
  second = g_steal_pointer (&pending);
  g_task_return_int (second, 2);
  g_task_return_int (first, 1);
  g_object_unref (first);
  g_object_unref (second);
  g_assert_cmpint (thing_finish (NULL, coro_operation_await (&one), error), ==, 1);
  g_assert_cmpint (thing_finish (NULL, coro_operation_await (&two), error), ==, 2);
  return *error == NULL;
}

static gboolean
complete_idle_cb (gpointer user_data)
{
  complete (3);
  return G_SOURCE_REMOVE;
}

/* Outside a coroutine there is nothing sane to return: it says so and blocks. */
static void
test_outside (void)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GError) error = NULL;

  thing_async (NULL, 1, coro_operation_begin (&op), coro_operation_ready, &op);
  g_idle_add (complete_idle_cb, NULL);
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*blocks*");
  g_assert_cmpint (thing_finish (NULL, coro_operation_await (&op), &error), ==, 3);
  g_test_assert_expected_messages ();
}

static gpointer
loop_cb (gpointer loop)
{
  g_main_loop_run (loop);
  return NULL;
}

static gboolean
never_fatal_cb (const char     *domain,
                GLogLevelFlags  level,
                const char     *message,
                gpointer        user_data)
{
  return FALSE;
}

static void
complete_once_blocked_cb (const char     *domain,
                          GLogLevelFlags  level,
                          const char     *message,
                          gpointer        n_blocked)
{
  g_assert_true (strstr (message, "blocks") != NULL);
  (*(int *) n_blocked)++;
  g_idle_add (complete_idle_cb, NULL);
}

/* The same while another thread has the main context for as long as its loop runs. */
static void
test_outside_beside_loop (void)
{
  int n_blocked = 0;
  guint handler = g_log_set_handler ("Coro", G_LOG_LEVEL_CRITICAL | G_LOG_FLAG_FATAL,
                                     complete_once_blocked_cb, &n_blocked);
  GMainLoop *loop = g_main_loop_new (NULL, FALSE);
  GThread *thread = g_thread_new ("loop", loop_cb, loop);

  while (g_main_context_acquire (NULL))         /* until the loop has it */
    {
      g_main_context_release (NULL);
      g_thread_yield ();
    }
  g_test_log_set_fatal_handler (never_fatal_cb, NULL);
  for (int i = 1; i <= 20; i++)
    {
      g_auto (CoroOperation) op = CORO_OPERATION_INIT;
      g_autoptr (GError) error = NULL;

      thing_async (NULL, 1, coro_operation_begin (&op), coro_operation_ready, &op);
      g_assert_cmpint (thing_finish (NULL, coro_operation_await (&op), &error), ==, 3);
      g_assert_cmpint (n_blocked, ==, i);
    }
  g_test_log_set_fatal_handler (NULL, NULL);
  g_log_remove_handler ("Coro", handler);
  g_main_loop_quit (loop);
  g_thread_join (thread);
  g_main_loop_unref (loop);
}

static gboolean
not_awaited_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  if (g_test_subprocess ())
    {
      CoroOperation op = CORO_OPERATION_INIT;

      g_log_set_always_fatal (G_LOG_FATAL_MASK);
      thing_async (NULL, 1, coro_operation_begin (&op), coro_operation_ready, &op);
      coro_operation_clear (&op);       /* what comes now would write into a dead frame */
      _exit (0);
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*not awaited*");
  return TRUE;
}

/* --- cancelled before, and done ------------------------------------------------------- */

#define N_FILES 300

typedef struct
{
  char *folder;
  gboolean in_scope;
  int n_cancelled;
  int n_disowned;
} Deletions;

typedef struct
{
  Deletions *deletions;
  char *path;
} Deletion;

static gboolean
delete_file (const char  *path,
             GError     **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_file_delete_finish (file, CORO_CALL (&op, g_file_delete_async, file, G_PRIORITY_DEFAULT), error);
}

static gboolean
delete_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Deletion *self = user_data;
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (G_MAXINT64, error);
  g_autoptr (GError) local_error = NULL;

  if (self->deletions->in_scope)
    coro_cancel_scope_cancel (&scope, NULL);
  else
    coro_task_cancel (coro_task_get_current ());

  if (!delete_file (self->path, &local_error))
    {
      assert_cancelled (local_error);
      self->deletions->n_cancelled++;
      self->deletions->n_disowned += !g_file_test (self->path, G_FILE_TEST_EXISTS);
    }
  return TRUE;
}

/* If the coroutine is told that a call was cancelled, the call has done nothing. */
static gboolean
begun_cancelled_cb (gpointer   in_scope,
                    GValue    *result,
                    GError   **error)
{
  g_autofree char *folder = g_dir_make_tmp ("coro-delete-XXXXXX", error);
  Deletions deletions = { folder, in_scope != NULL };
  Deletion files[N_FILES];

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

    for (int i = 0; i < N_FILES; i++)
      {
        files[i] = (Deletion) { &deletions, g_strdup_printf ("%s/%d", folder, i) };
        g_assert_true (g_file_set_contents (files[i].path, "x", 1, error));
        coro_task_group_spawn (nursery.group, delete_cb, &files[i], NULL);
      }
    g_assert_true (coro_nursery_join (&nursery));
  }
  for (int i = 0; i < N_FILES; i++)
    {
      g_unlink (files[i].path);
      g_free (files[i].path);
    }
  g_rmdir (folder);
  g_assert_cmpint (deletions.n_cancelled, ==, N_FILES);
  g_assert_cmpint (deletions.n_disowned, ==, 0);
  return TRUE;
}

static gboolean
begun_below_request_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  return begun_cancelled_cb (NULL, result, error);
}

static gboolean
begun_in_cancelled_scope_cb (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  return begun_cancelled_cb ("scope", result, error);
}

static gboolean saw_cancelled;

static void
looking_async (gpointer             object,
               GCancellable        *cancellable,
               GAsyncReadyCallback  callback,
               gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  saw_cancelled = g_cancellable_is_cancelled (cancellable);
  g_task_return_boolean (task, TRUE);
}

static gboolean
look (GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_task_propagate_boolean (G_TASK (CORO_CALL (&op, looking_async, NULL)), error);
}

static gboolean
shielded_look_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  coro_task_cancel (coro_task_get_current ());
  {
    g_auto (CoroShield) shield = coro_shield_enter (0);

    g_assert_true (look (error));
    g_assert_false (saw_cancelled);
  }
  g_assert_true (look (error));
  g_assert_true (saw_cancelled);
  g_assert_true (coro_task_get_cancelling (coro_task_get_current ()) == 1);
  return coro_sleep (SECOND, error);    /* it was done all the same: the request is still there */
}

static gboolean
sees_what_was_before_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (shielded_look_cb, NULL, NULL);

  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
done_then_sleep_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  g_assert_cmpint (thing_finish (NULL, CORO_CALL (&op, thing_async, NULL, 5), error), ==, 6);
  g_assert_no_error (*error);
  return coro_sleep (SECOND, error);
}

/* As most tasks are: GTask alone would drop the result. */
static gboolean
done_all_the_same_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (done_then_sleep_cb, NULL, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  g_task_set_check_cancellable (pending, TRUE);
  coro_task_cancel (task);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_true (g_cancellable_is_cancelled (g_task_get_cancellable (pending)));
  complete (6);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

/* --- errors of its own, after a cancel ------------------------------------------------- */

typedef struct
{
  gboolean without_cancellable;
  int n_calls;
  int n_own_errors;
} Retry;

static gboolean
retry_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Retry *self = user_data;
  g_autoptr (GError) local_error = NULL;

  while (coro_check_cancelled (&local_error) && self->n_calls < 10)
    {
      g_auto (CoroOperation) op = CORO_OPERATION_INIT;

      self->n_calls++;
      if (self->without_cancellable)
        thing_async (NULL, 5, NULL, coro_operation_ready, (coro_operation_begin (&op), &op));
      else
        thing_async (NULL, 5, coro_operation_begin (&op), coro_operation_ready, &op);
      thing_finish (NULL, coro_operation_await (&op), &local_error);
      if (coro_error_is_cancelled (local_error))
        break;
      self->n_own_errors++;
      g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
      g_clear_error (&local_error);
    }

  assert_cancelled (local_error);
  g_assert_true (coro_sleep (10, error));       /* it was delivered, once */
  return TRUE;
}

static gboolean
fails_after_cancel (gboolean   without_cancellable,
                    int        n_own_errors,
                    GError   **error)
{
  Retry retry = { without_cancellable };
  g_autoptr (CoroTask) task = coro_spawn_task (retry_cb, &retry, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (task);
  while (!coro_future_is_done (CORO_FUTURE (task)))
    {
      g_autoptr (GTask) call = NULL;

      if (!coro_test_settle (error))
        return FALSE;
      call = g_steal_pointer (&pending);
      if (call != NULL)
        g_task_return_new_error (call, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "full");
      else if (!coro_sleep (1, error))
        return FALSE;
    }
  g_assert_cmpint (retry.n_calls, ==, 1);
  g_assert_cmpint (retry.n_own_errors, ==, n_own_errors);
  return coro_await (task, NULL, error);
}

static gboolean
retry_loop_ends_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  return fails_after_cancel (FALSE, 0, error);
}

static gboolean
retry_loop_without_cancellable_ends_cb (gpointer   user_data,
                                        GValue    *result,
                                        GError   **error)
{
  return fails_after_cancel (TRUE, 1, error);
}

/* --- calls that do not call back ------------------------------------------------------ */

static void
broken_async (gpointer             object,
              GCancellable        *cancellable,
              GAsyncReadyCallback  callback,
              gpointer             user_data)
{
  g_return_if_fail (object != NULL);
}

static gboolean
broken_finish (GAsyncResult  *result,
               GError       **error)
{
  return !g_async_result_legacy_propagate_error (result, error);
}

static gboolean
call_broken (GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return broken_finish (CORO_CALL (&op, broken_async, NULL), error);
}

static gboolean
failed_precondition_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GError) local_error = NULL;

      g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*object != NULL*");
      g_assert_false (call_broken (&local_error));
      g_test_assert_expected_messages ();
      g_assert_error (local_error, CORO_ERROR, CORO_ERROR_NO_RESULT);
    }
  return look (error);          /* where the operation before was */
}

static void
reporting_async (gpointer             object,
                 GCancellable        *cancellable,
                 GAsyncReadyCallback  callback,
                 gpointer             user_data)
{
  g_task_report_new_error (object, callback, user_data, reporting_async, G_IO_ERROR, G_IO_ERROR_PENDING, "busy");
}

static gboolean
careless_task_cb (gpointer user_data)
{
  g_autoptr (GTask) task = user_data;

  g_task_return_boolean (task, TRUE);
  return G_SOURCE_REMOVE;
}

static void
careless_task_async (GAsyncReadyCallback callback,
                     gpointer            user_data)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, careless_task_cb, g_task_new (NULL, NULL, callback, user_data), NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

/* The two calls use the same address, one after the other. */
static GAsyncResult *
call_twice (CoroOperation *op)
{
  g_autoptr (GError) error = NULL;

  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*object != NULL*");
  g_assert_false (broken_finish (CORO_CALL (op, broken_async, NULL), &error));
  g_test_assert_expected_messages ();
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NO_RESULT);

  coro_operation_clear (op);
  coro_operation_begin (op);    /* and nothing else is told of its cancellable */
  careless_task_async (coro_operation_ready, op);
  return coro_operation_await (op);
}

/* The callback of a task without a cancellable is the only one that comes. */
static gboolean
address_of_failed_call_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_task_propagate_boolean (G_TASK (call_twice (&op)), error);
}

/* GIO's own way to say at once that it cannot be done has no cancellable either. */
static gboolean
reported_error_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GError) local_error = NULL;

  g_assert_false (g_task_propagate_boolean (G_TASK (CORO_CALL (&op, reporting_async, NULL)), &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_PENDING);
  return TRUE;
}

typedef struct
{
  GAsyncReadyCallback callback;
  gpointer user_data;
} Careless;

static gboolean careless_called;

static gboolean
careless_cb (gpointer user_data)
{
  Careless *self = user_data;
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_return_boolean (task, TRUE);
  careless_called = TRUE;
  self->callback (NULL, G_ASYNC_RESULT (task), self->user_data);
  g_free (self);
  return G_SOURCE_REMOVE;
}

static void
attach_callback (GSource     *source,
                 GSourceFunc  func,
                 gpointer     data)
{
  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  g_source_unref (source);
}

static GCancellable *careless_cancellable;     /* (unowned) */

/* Pays no heed to its cancellable. */
static void
careless_async (gpointer             object,
                guint                delay,
                GCancellable        *cancellable,
                GAsyncReadyCallback  callback,
                gpointer             user_data)
{
  Careless *careless = g_new (Careless, 1);
  GSource *source = delay > 0 ? g_timeout_source_new (delay) : g_idle_source_new ();

  *careless = (Careless) { callback, user_data };
  attach_callback (source, careless_cb, careless);
}

static gboolean
idle_callback_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_task_propagate_boolean (G_TASK (CORO_CALL (&op, careless_async, NULL, 0)), error);
}

static gboolean
call_careless (GError **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return broken_finish (CORO_CALL (&op, careless_async, NULL, 1), error);
}

/* The callback comes after the wait, with the address of an operation that is gone. */
static gboolean
late_callback_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  careless_called = FALSE;
  g_assert_false (call_careless (&local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_NO_RESULT);

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*called back*given up*");
  while (!careless_called)
    if (!look (error))          /* other calls are made meanwhile, at the same place perhaps */
      return FALSE;
  g_test_assert_expected_messages ();
  return TRUE;
}

/* Takes its reference on the cancellable later than the caller may expect. */
static gboolean
hold_cb (gpointer task)
{
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
  return G_SOURCE_REMOVE;
}

static gboolean
late_hold_cb (gpointer data)
{
  Careless *careless = data;
  GTask *task = g_task_new (NULL, careless_cancellable, careless->callback, careless->user_data);

  g_free (careless);
  attach_callback (g_timeout_source_new (1), hold_cb, task);
  return G_SOURCE_REMOVE;
}

static void
late_holder_async (gpointer             object,
                   GCancellable        *cancellable,
                   GAsyncReadyCallback  callback,
                   gpointer             user_data)
{
  Careless *careless = g_new (Careless, 1);

  *careless = (Careless) { callback, user_data };
  careless_cancellable = cancellable;
  attach_callback (g_idle_source_new (), late_hold_cb, careless);
}

static gboolean
late_holder_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;

  return g_task_propagate_boolean (G_TASK (CORO_CALL (&op, late_holder_async, NULL)), error);
}

/* Its thread goes on after it has answered. */
static void
slow_thread (GTask        *task,
             gpointer      source,
             gpointer      asked,
             GCancellable *cancellable)
{
  while (!g_atomic_int_get ((int *) asked))
    g_thread_yield ();
  g_task_return_boolean (task, TRUE);
}

static gboolean
return_on_cancel_cb (gpointer   asked,
                     GValue    *result,
                     GError   **error)
{
  g_auto (CoroOperation) op = CORO_OPERATION_INIT;
  g_autoptr (GTask) task = g_task_new (NULL, coro_operation_begin (&op), coro_operation_ready, &op);

  g_task_set_return_on_cancel (task, TRUE);
  g_task_set_task_data (task, asked, NULL);
  g_task_run_in_thread (task, slow_thread);
  return g_task_propagate_boolean (G_TASK (coro_operation_await (&op)), error);
}

static gboolean
cancelled_at_once_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  static int asked;
  g_autoptr (CoroTask) task = coro_spawn_task (return_on_cancel_cb, &asked, NULL);

  g_atomic_int_set (&asked, FALSE);
  if (!coro_yield (error) || !coro_yield (error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_false (g_atomic_int_get (&asked));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_atomic_int_set (&asked, TRUE);
  return TRUE;
}

static gboolean
resolve_later_cb (gpointer future)
{
  coro_future_resolve (future, NULL);
  return G_SOURCE_REMOVE;
}

/* The future of a call that another language has made: the call keeps its cancellable, or will not
 * call back. */
static void
test_watched_call (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  for (int kept = 0; kept < 2; kept++)
    {
      g_autoptr (CoroFuture) future = coro_future_new ();
      GCancellable *cancellable = g_cancellable_new ();

      if (kept)
        g_object_ref (cancellable);
      coro_future_watch_call (future, cancellable);
      g_object_unref (cancellable);
      while (g_main_context_iteration (context, FALSE))
        continue;

      g_assert_cmpint (coro_future_is_done (future), ==, !kept);
      if (kept)
        {
          g_autoptr (GSource) source = g_idle_source_new ();

          g_source_set_callback (source, resolve_later_cb, future, NULL);
          g_source_attach (source, context);
          while (!coro_future_is_done (future))
            g_main_context_iteration (context, TRUE);
          g_assert_null (coro_future_get_error (future));
          g_object_unref (cancellable);
        }
      else
        {
          g_assert_error (coro_future_get_error (future), CORO_ERROR, CORO_ERROR_NO_RESULT);
        }
    }

  /* What becomes of it before the context has nothing else to do. */
  for (int held = 0; held < 2; held++)
    {
      g_autoptr (CoroFuture) future = coro_future_new ();
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      GCancellable *later = NULL;

      coro_future_watch_call (future, cancellable);
      if (held)
        later = g_object_ref (cancellable);
      else
        coro_future_resolve (future, NULL);
      while (g_main_context_iteration (context, FALSE))
        continue;
      g_assert_null (coro_future_get_error (future));
      g_assert_cmpint (coro_future_is_done (future), ==, !held);
      if (!held)
        {
          g_autoptr (GCancellable) unused = g_cancellable_new ();

          coro_future_watch_call (future, unused);
          g_assert_false (g_main_context_pending (context));
        }
      g_clear_object (&later);
    }
  g_main_context_pop_thread_default (context);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/operation/completes-later", completes_later_cb);
  coro_test_add_func ("/operation/fails", fails_cb);
  coro_test_add_func ("/operation/cancelled-before", cancelled_before_cb);
  coro_test_add_func ("/operation/cancelled-as-it-begins", cancelled_as_it_begins_cb);
  coro_test_add_func ("/operation/cancelled-during", cancelled_during_cb);
  coro_test_add_func ("/operation/cancel-handlers-on-thread-stack", handlers_on_thread_stack_cb);
  coro_test_add_func ("/operation/cancelled-after", cancelled_after_cb);
  coro_test_add_func ("/operation/too-late-to-cancel", too_late_to_cancel_cb);
  coro_test_add_func ("/operation/begun-below-request", begun_below_request_cb);
  coro_test_add_func ("/operation/begun-in-cancelled-scope", begun_in_cancelled_scope_cb);
  coro_test_add_func ("/operation/sees-what-was-before", sees_what_was_before_cb);
  coro_test_add_func ("/operation/done-all-the-same", done_all_the_same_cb);
  coro_test_add_func ("/operation/retry-loop-ends", retry_loop_ends_cb);
  coro_test_add_func ("/operation/retry-loop-without-cancellable-ends", retry_loop_without_cancellable_ends_cb);
  coro_test_add_func ("/operation/reported-error", reported_error_cb);
  coro_test_add_func ("/operation/idle-callback-without-cancellable", idle_callback_cb);
  coro_test_add_func ("/operation/late-callback-without-cancellable", late_callback_cb);
  coro_test_add_func ("/operation/holds-its-cancellable-later", late_holder_cb);
  coro_test_add_func ("/operation/cancelled-although-its-thread-goes-on", cancelled_at_once_cb);
  coro_test_add_func ("/operation/failed-precondition", failed_precondition_cb);
  coro_test_add_func ("/operation/address-of-failed-call", address_of_failed_call_cb);
  coro_test_add_func ("/operation/timed-out", timed_out_cb);
  coro_test_add_func ("/operation/clock-stands-still-meanwhile", two_waiting_cb);
  coro_test_add_func ("/operation/completes-at-once", at_once_cb);
  coro_test_add_func ("/operation/used-again", used_again_cb);
  coro_test_add_func ("/operation/two-at-once", two_at_once_cb);
  g_test_add_func ("/operation/outside", test_outside);
  g_test_add_func ("/operation/outside-beside-loop", test_outside_beside_loop);
  g_test_add_func ("/operation/watched-call", test_watched_call);
  coro_test_add_func ("/operation/not-awaited-is-said", not_awaited_cb);

  return g_test_run ();
}
