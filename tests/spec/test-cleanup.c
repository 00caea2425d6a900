/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Cleaning up by an exit stack: S264 to S269.
 */
#include "test-util.h"

/* --- what is cleaned up ------------------------------------------------------------- */

static gboolean
note_cb (gpointer   text,
         GError   **error)
{
  note (text);
  return TRUE;
}

static gboolean
fail_note_cb (gpointer   text,
              GError   **error)
{
  note (text);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "%s", (const char *) text);
  return FALSE;
}

static gboolean
mute_cb (gpointer   text,
         GError   **error)
{
  return FALSE;
}

/* A release that takes its time, µs. */
static gboolean
release_cb (gpointer   duration,
            GError   **error)
{
  note ("releasing");
  if (!coro_sleep (GPOINTER_TO_INT (duration), error))
    {
      note ("given-up");
      return FALSE;
    }
  note ("released");
  return TRUE;
}

/* --- cleaning up -------------------------------------------------------------------- */

typedef gboolean (*UseFunc) (GError **error);

static gboolean
use_well (GError **error)
{
  note ("use");
  return TRUE;
}

static gboolean
use_badly (GError **error)
{
  note ("use");
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "bad");
  return FALSE;
}

static gboolean
use_for_ever (GError **error)
{
  note ("use");
  return coro_sleep (1000 * SECOND, error);
}

static gboolean
guarded (UseFunc        use,
         CoroDeferFunc  release,
         gpointer       data,
         GError       **error)
{
  g_auto (CoroExitStack) stack = coro_exit_stack_enter (error);

  coro_exit_stack_defer (&stack, release, data);
  if (!use (error))
    return FALSE;
  return coro_exit_stack_close (&stack);
}

static gboolean
test_normal (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_assert_true (guarded (use_well, note_cb, (gpointer) "release", error));
  assert_trace ("use release");
  return TRUE;
}

static gboolean
test_error (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (guarded (use_badly, note_cb, (gpointer) "release", &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_FAILED);
  assert_trace ("use release");
  return TRUE;
}

/* data: how long its release takes, µs */
static gboolean
worker_cb (gpointer   data,
           GValue    *result,
           GError   **error)
{
  return guarded (use_for_ever, release_cb, data, error);
}

/* Starts such a worker, and cancels it in its use. */
static CoroTask *
cancelled_worker (GTimeSpan release)
{
  CoroTask *task = coro_spawn_task (worker_cb, GINT_TO_POINTER ((int) release), NULL);

  g_assert_true (coro_sleep (10 * MILLISECOND, NULL));
  g_assert_true (coro_task_cancel (task));
  return task;
}

static gboolean
test_cancelled (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroTask) task = cancelled_worker (10 * MILLISECOND);
  gint64 start = now ();

  g_assert_true (coro_join (task, error));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (now () - start, ==, 10 * MILLISECOND);
  assert_trace ("use releasing released");
  return TRUE;
}

/* A scope's cancellation fails every wait, not one. */
static gboolean
test_timed_out (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (50 * MILLISECOND, &local_error);

    g_assert_false (guarded (use_for_ever, release_cb, GINT_TO_POINTER (10000), &local_error));
  }
  assert_timed_out (local_error);
  g_assert_cmpint (now () - start, ==, 60 * MILLISECOND);
  assert_trace ("use releasing released");
  return TRUE;
}

static gboolean
test_seen_from_outside (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroTask) task = cancelled_worker (10 * MILLISECOND);

  g_assert_true (coro_sleep (5 * MILLISECOND, error));
  assert_trace ("use releasing");
  g_assert_cmpuint (coro_task_get_cancelling (task), ==, 1);
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  g_assert_true (coro_join (task, error));
  assert_trace ("released");
  return TRUE;
}

static gboolean
test_cancelled_again (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroTask) task = cancelled_worker (50 * MILLISECOND);
  gint64 start = now ();

  g_assert_true (coro_sleep (10 * MILLISECOND, error));
  g_assert_true (coro_task_cancel (task));
  g_assert_true (coro_join (task, error));
  g_assert_cmpint (now () - start, ==, 50 * MILLISECOND);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  assert_trace ("use releasing released");
  return TRUE;
}

/* A release that hangs holds up nothing: it is told after some seconds. */
static gboolean
test_grace_ends (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroTask) task = cancelled_worker (1000 * SECOND);
  gint64 start = now ();

  g_assert_true (coro_join (task, error));
  g_assert_cmpint (now () - start, <=, 10 * SECOND);
  assert_trace ("use releasing given-up");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

/* --- several ------------------------------------------------------------------------ */

static gboolean
test_last_first (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_auto (CoroExitStack) stack = coro_exit_stack_enter (error);

  coro_exit_stack_defer (&stack, note_cb, (gpointer) "first");
  coro_exit_stack_defer (&stack, release_cb, GINT_TO_POINTER (1000));
  coro_exit_stack_defer (&stack, note_cb, (gpointer) "last");
  g_assert_true (coro_exit_stack_close (&stack));
  assert_trace ("last releasing released first");
  return TRUE;
}

static gboolean
test_all_run_and_fail (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_auto (CoroExitStack) stack = coro_exit_stack_enter (&local_error);

  coro_exit_stack_defer (&stack, note_cb, (gpointer) "a");
  coro_exit_stack_defer (&stack, fail_note_cb, (gpointer) "b");
  coro_exit_stack_defer (&stack, mute_cb, NULL);
  coro_exit_stack_defer (&stack, note_cb, (gpointer) "c");
  use_badly (&local_error);
  g_assert_false (coro_exit_stack_close (&stack));
  assert_trace ("use c b a");

  g_assert_cmpuint (coro_group_error_get_size (local_error), ==, 3);
  g_assert_error (coro_group_error_get_nth (local_error, 0), G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_error (coro_group_error_get_nth (local_error, 1), CORO_ERROR, CORO_ERROR_NO_RESULT);
  g_assert_error (coro_group_error_get_nth (local_error, 2), G_IO_ERROR, G_IO_ERROR_BUSY);
  return TRUE;
}

static gboolean
test_one_failure_is_itself (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (guarded (use_well, fail_note_cb, (gpointer) "b", &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_BUSY);
  assert_trace ("use b");
  return TRUE;
}

static gboolean
early_return (GError **error)
{
  g_auto (CoroExitStack) stack = coro_exit_stack_enter (error);

  coro_exit_stack_defer (&stack, fail_note_cb, (gpointer) "b");
  return TRUE;
}

/* Success stays success: what the cleanup fails with is said. */
static gboolean
test_early_return (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*Cleaning up failed: b*");
  g_assert_true (early_return (error));
  g_test_assert_expected_messages ();
  g_assert_no_error (*error);
  assert_trace ("b");
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/spec/S264/released-when-all-is-well", test_normal);
  coro_test_add_func ("/spec/S265/released-on-failure", test_error);
  coro_test_add_func ("/spec/S266-S267/cancelled-release-may-wait", test_cancelled);
  coro_test_add_func ("/spec/S267/timed-out-release-may-wait", test_timed_out);
  coro_test_add_func ("/spec/S268/cancelling-and-not-done-meanwhile", test_seen_from_outside);
  coro_test_add_func ("/spec/S269/second-request-waits", test_cancelled_again);
  coro_test_add_func ("/spec/S269/grace-ends", test_grace_ends);
  coro_test_add_func ("/spec/S264/last-first", test_last_first);
  coro_test_add_func ("/spec/S265/all-run-and-errors-are-grouped", test_all_run_and_fail);
  coro_test_add_func ("/spec/S265/one-failure-is-itself", test_one_failure_is_itself);
  coro_test_add_func ("/spec/S264/early-return-stays-success", test_early_return);

  return g_test_run ();
}
