/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Timeouts and shields.
 */
#include "lib/bodies.h"

/* Sleeps for `duration` with `limit`. */
static gboolean
limited_sleep (GTimeSpan   limit,
               GTimeSpan   duration,
               GError    **error)
{
  g_auto (CoroTimeout) timeout = coro_timeout_enter (limit, error);

  return coro_sleep (duration, error);
}

/* --- the guard -------------------------------------------------------------------- */

static gboolean
in_time_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  gint64 start = now ();

  if (!limited_sleep (SECOND, 10, error))
    return FALSE;
  g_assert_cmpint (now () - start, ==, 10);
  return coro_sleep (2 * SECOND, error);        /* nothing of it is left */
}

static gboolean
too_late_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();

  g_assert_false (limited_sleep (3 * SECOND, 5 * SECOND, &local_error));
  assert_timed_out (local_error);
  g_assert_cmpint (now () - start, ==, 3 * SECOND);
  return coro_sleep (1, error);
}

static gboolean
inner_sees_cancelled_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, &local_error);

    g_assert_false (coro_sleep (SECOND, &local_error));
    assert_cancelled (local_error);
    g_assert_true (coro_timeout_is_expired (&timeout));

    /* Inside, everything fails until it is left. */
    g_assert_false (coro_sleep (1, NULL));
    g_assert_false (coro_yield (NULL));
    g_assert_false (coro_check_cancelled (NULL));
  }
  assert_timed_out (local_error);
  g_assert_true (coro_check_cancelled (error));
  return TRUE;
}

static gboolean
swallowed_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  int value;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, &local_error);

    coro_sleep (SECOND, NULL);
    value = 42;
    g_assert_true (coro_timeout_is_expired (&timeout));
  }
  g_assert_no_error (local_error);
  g_assert_cmpint (value, ==, 42);
  return TRUE;
}

static gboolean
no_await_inside_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_auto (CoroTimeout) timeout = coro_timeout_enter (10, error);

  coro_test_clock_advance (coro_scheduler_get_running (), 20);
  g_assert_false (coro_timeout_is_expired (&timeout));
  return TRUE;
}

static gboolean
other_error_stays_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, &local_error);

    coro_sleep (SECOND, NULL);
    g_set_error_literal (&local_error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "cleanup");
  }
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  return TRUE;
}

/* The value was there first: it wins over the deadline of the same turn. */
static gboolean
value_before_deadline_cb (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  int value;

  g_assert_true (coro_future_resolve_int (future, 42));
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (SECOND, error);

    value = coro_await_int (future, error);
  }
  g_assert_cmpint (value, ==, 42);
  return *error == NULL;
}

typedef struct
{
  CoroFuture *future;
  gboolean value_first;
  gboolean was_pending;
} Race;

static gboolean
wait_in_time_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  Race *self = user_data;
  g_auto (CoroTimeout) timeout = coro_timeout_enter (10, error);

  return coro_await (self->future, result, error);
}

/* Both timers are due in the same round; the one that was armed first is first. */
static gboolean
race_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  gboolean value_first = user_data != NULL;
  g_autoptr (CoroFuture) sleep = value_first ? coro_sleep_future (9) : coro_sleep_future (11);
  Race self = { sleep, value_first, FALSE };
  g_autoptr (CoroTask) task = coro_spawn_task (wait_in_time_cb, &self, NULL);
  g_autoptr (GError) local_error = NULL;

  if (!coro_test_settle (error))
    return FALSE;
  coro_test_clock_advance (scheduler, 20);
  coro_await (task, NULL, &local_error);
  if (value_first)
    g_assert_no_error (local_error);
  else
    assert_timed_out (local_error);
  return TRUE;
}

static gboolean
external_cancel_wins_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  g_autoptr (CoroFuture) never = coro_future_new ();
  Race self = { never, FALSE, FALSE };
  g_autoptr (CoroTask) task = coro_spawn_task (wait_in_time_cb, &self, NULL);

  if (!coro_yield (error))
    return FALSE;
  coro_test_clock_advance (scheduler, 20);
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  assert_cancelled (coro_future_get_error (CORO_FUTURE (task)));
  return TRUE;
}

static gboolean
external_cancel_alone_cb (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (CoroFuture) never = coro_future_new ();
  Race self = { never, FALSE, FALSE };
  g_autoptr (CoroTask) task = coro_spawn_task (wait_in_time_cb, &self, NULL);

  if (!coro_yield (error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  assert_cancelled (coro_future_get_error (CORO_FUTURE (task)));
  return TRUE;
}

static gboolean
nested (GTimeSpan   outer_limit,
        GTimeSpan   inner_limit,
        GError    **inner_error,
        GError    **error)
{
  g_auto (CoroTimeout) outer = coro_timeout_enter (outer_limit, error);

  if (limited_sleep (inner_limit, 100, inner_error))
    return TRUE;
  if (*inner_error != NULL)
    g_propagate_error (error, g_error_copy (*inner_error));
  return FALSE;
}

static gboolean
nested_inner_first_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (GError) inner_error = NULL;
  g_autoptr (GError) outer_error = NULL;

  g_assert_false (nested (20, 10, &inner_error, &outer_error));
  assert_timed_out (inner_error);
  assert_timed_out (outer_error);
  return TRUE;
}

/* A `while (TIMED_OUT) retry` loop inside an expired outer one must not spin: what it
 * sees is CANCELLED. */
static gboolean
nested_outer_first_cb (gpointer   limits,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (GError) inner_error = NULL;
  g_autoptr (GError) outer_error = NULL;

  g_assert_false (nested (10, GPOINTER_TO_INT (limits), &inner_error, &outer_error));
  assert_cancelled (inner_error);
  assert_timed_out (outer_error);
  return TRUE;
}

static gboolean
no_time_cb (gpointer   duration,
            GValue    *result,
            GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (limited_sleep (GPOINTER_TO_INT (duration), SECOND, &local_error));
  assert_timed_out (local_error);
  return TRUE;
}

static gboolean
no_limit_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  return limited_sleep (G_MAXINT64, 1000 * 1000 * SECOND, error);
}

static gboolean
deadline_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 deadline = now () + 50;

  {
    g_auto (CoroTimeout) timeout = coro_deadline_enter (deadline, &local_error);

    g_assert_false (coro_sleep (SECOND, &local_error));
  }
  assert_timed_out (local_error);
  g_assert_cmpint (now (), ==, deadline);
  return TRUE;
}

static gboolean
reschedule_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, &local_error);

    g_assert_true (coro_sleep (9, error));
    g_assert_true (coro_timeout_reschedule (&timeout, 10));
    g_assert_true (coro_sleep (9, error));
    g_assert_true (coro_timeout_reschedule (&timeout, G_MAXINT64));
    g_assert_true (coro_sleep (1000, error));
    g_assert_true (coro_timeout_reschedule (&timeout, 5));
    g_assert_false (coro_sleep (1000, &local_error));
    g_assert_false (coro_timeout_reschedule (&timeout, SECOND));        /* too late */
    g_assert_true (coro_timeout_is_expired (&timeout));
    g_assert_false (coro_yield (NULL));
  }
  assert_timed_out (local_error);
  g_assert_cmpint (now () - start, ==, 9 + 9 + 1000 + 5);
  return TRUE;
}

static gboolean
exit_twice_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  CoroTimeout timeout = coro_timeout_enter (10, error);

  coro_timeout_exit (&timeout);
  coro_timeout_exit (&timeout);
  g_assert_false (coro_timeout_is_expired (&timeout));
  return coro_sleep (20, error);
}

static gboolean
without_error_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  gboolean expired;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, NULL);

    g_assert_false (coro_sleep (20, NULL));
    expired = coro_timeout_is_expired (&timeout);
  }
  g_assert_true (expired);
  return TRUE;
}

static CoroTimeout left_open;

static gboolean
leave_open_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  left_open = coro_timeout_enter (1000, NULL);
  return coro_sleep (10, error);
}

static gboolean
left_open_is_said_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  coro_task_group_spawn (group, leave_open_cb, NULL, NULL);
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*leave_open_cb*open guard*");
  if (!coro_task_group_join (group, error))
    return FALSE;
  g_test_assert_expected_messages ();
  if (!coro_sleep (2000, error))                /* its deadline hits no coroutine */
    return FALSE;

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*had ended*");
  coro_timeout_exit (&left_open);
  g_test_assert_expected_messages ();
  return TRUE;
}

static gboolean
close_out_of_order_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  CoroTimeout outer = coro_timeout_enter (1000, NULL);
  CoroTimeout inner = coro_timeout_enter (1000, NULL);

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*the last one first*");
  coro_timeout_exit (&outer);
  g_test_assert_expected_messages ();
  coro_timeout_exit (&inner);
  coro_timeout_exit (&outer);
  return coro_sleep (10, error);
}

static gboolean
out_of_order_is_said_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (close_out_of_order_cb, NULL, NULL);

  return coro_await (task, NULL, error);        /* and then in order: that closes it */
}

static void
test_outside (void)
{
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*coroutine*");
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, NULL);

    g_assert_false (coro_timeout_is_expired (&timeout));
  }
  g_test_assert_expected_messages ();

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*coroutine*");
  {
    g_auto (CoroShield) shield = coro_shield_enter (10);

    (void) shield;
  }
  g_test_assert_expected_messages ();
}

/* --- wait_for --------------------------------------------------------------------- */

static gboolean
wait_for_in_time_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroFuture) sleep = coro_sleep_future (10 * MILLISECOND);
  g_autoptr (CoroFuture) done = coro_future_new ();
  g_auto (GValue) value = G_VALUE_INIT;

  coro_future_resolve_int (done, 3);
  if (!coro_wait_for (sleep, SECOND, NULL, error) || !coro_wait_for (done, SECOND, &value, error))
    return FALSE;
  g_assert_cmpint (g_value_get_int (&value), ==, 3);
  return TRUE;
}

static gboolean
slow_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  note ("Starting slow task...");
  if (!coro_sleep (5 * SECOND, error))
    {
      assert_cancelled (*error);
      return FALSE;
    }
  note ("Slow task finished");
  return TRUE;
}

static gboolean
wait_for_too_late_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (slow_cb, NULL, NULL);
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();

  if (!coro_wait_for (task, 3 * SECOND, NULL, &local_error))
    note ("Task timed out!");
  assert_timed_out (local_error);
  g_assert_cmpint (now () - start, ==, 3 * SECOND);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  assert_trace ("Starting slow task... Task timed out!");
  return TRUE;
}

static gboolean
slow_cleanup_cb (gpointer   value,
                 GValue    *result,
                 GError   **error)
{
  if (coro_sleep (SECOND, error))
    return TRUE;
  if (!coro_sleep (50, NULL))
    return FALSE;
  note ("cleaned up");
  if (value == NULL)
    return FALSE;
  g_clear_error (error);
  return coro_return_int (result, GPOINTER_TO_INT (value));
}

static gboolean
wait_for_waits_for_cleanup_cb (gpointer   user_data,
                               GValue    *result,
                               GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (slow_cleanup_cb, NULL, NULL);
  g_autoptr (CoroTask) stubborn = coro_spawn_task (slow_cleanup_cb, GINT_TO_POINTER (42), NULL);
  g_autoptr (GError) local_error = NULL;
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_false (coro_wait_for (task, 10, NULL, &local_error));
  assert_timed_out (local_error);
  assert_trace ("cleaned up");
  g_assert_true (coro_wait_for (stubborn, 10, &value, error));
  g_assert_cmpint (g_value_get_int (&value), ==, 42);
  assert_trace ("cleaned up");
  return TRUE;
}

static gboolean
wait_for_no_time_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroFuture) done = coro_future_new_for_value (NULL);
  g_autoptr (CoroTask) task = coro_spawn_task (slow_cb, NULL, NULL);
  g_autoptr (GError) local_error = NULL;

  g_assert_true (coro_wait_for (done, 0, NULL, error));
  g_assert_false (coro_wait_for (task, 0, NULL, &local_error));
  assert_timed_out (local_error);

  /* Whether it has begun is chance; that it has ended is not. */
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  if (trace != NULL)
    g_string_free (g_steal_pointer (&trace), TRUE);
  return TRUE;
}

static gboolean
body_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  note ("body");
  return coro_return_int (result, 9);
}

/* The body never starts, and there is no warning that the coroutine was never awaited. */
static gboolean
wait_for_coroutine_no_time_cb (gpointer   user_data,
                               GValue    *result,
                               GError   **error)
{
  int destroyed = 0;
  g_autoptr (CoroCoroutine) coroutine = coro_coroutine_new (body_cb, &destroyed, count_cb);
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_wait_for (coroutine, 0, NULL, &local_error));
  assert_timed_out (local_error);
  assert_trace ("");
  g_clear_object (&coroutine);
  g_assert_cmpint (destroyed, ==, 1);
  return TRUE;
}

static gboolean
wait_for_coroutine_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroCoroutine) quick = coro_coroutine_new (body_cb, NULL, NULL);
  g_autoptr (CoroCoroutine) slow = coro_coroutine_new (slow_cb, NULL, NULL);
  g_autoptr (GError) local_error = NULL;
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_true (coro_wait_for (quick, SECOND, &value, error));
  g_assert_cmpint (g_value_get_int (&value), ==, 9);
  g_assert_false (coro_wait_for (slow, SECOND, NULL, &local_error));
  assert_timed_out (local_error);
  assert_trace ("body Starting slow task...");
  return TRUE;
}

static gboolean
wait_for_shared_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (slow_cb, NULL, NULL);
  g_autoptr (CoroTask) other = coro_spawn_task (await_cb, task, NULL);
  g_autoptr (GError) local_error = NULL;

  if (!coro_yield (error))
    return FALSE;
  g_assert_false (coro_wait_for (task, SECOND, NULL, &local_error));
  assert_timed_out (local_error);
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));    /* another task waits for it */
  if (!coro_await (other, NULL, error))
    return FALSE;
  assert_trace ("Starting slow task... Slow task finished");
  return TRUE;
}

/* --- shields ---------------------------------------------------------------------- */

static gboolean
save (GTimeSpan   grace,
      GTimeSpan   duration,
      GError    **error)
{
  g_auto (CoroShield) shield = coro_shield_enter (grace);

  return coro_sleep (duration, error);
}

static gboolean
shield_in_timeout_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, &local_error);

    if (!coro_sleep (20, &local_error))
      g_assert_true (save (SECOND, 100, error));
    g_assert_true (save (SECOND, 100, error));
    g_assert_false (coro_yield (NULL));
  }
  assert_timed_out (local_error);
  g_assert_cmpint (now () - start, ==, 210);
  return TRUE;
}

static gboolean
shielded_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_assert_true (save (0, 100, error));
  note ("saved");
  return coro_sleep (100, error);
}

static gboolean
shield_holds_request_back_cb (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (shielded_cb, NULL, NULL);
  gint64 start = now ();

  if (!coro_sleep (10, error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  assert_trace ("saved");
  g_assert_cmpint (now () - start, ==, 100);    /* delivered at the first await after the guard */
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
grace_ends_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();

  g_assert_false (save (50, SECOND, &local_error));
  assert_cancelled (local_error);
  g_assert_cmpint (now () - start, ==, 50);
  return coro_yield (error);
}

static gboolean
scope_cancelled_inside_shield_cb (gpointer   group,
                                  GValue    *result,
                                  GError   **error)
{
  {
    g_auto (CoroShield) shield = coro_shield_enter (0);

    coro_task_group_cancel (group);
    if (!coro_sleep (10, error))
      return FALSE;
    note ("shielded");

    /* A timeout inside is the shield's business. */
    {
      g_autoptr (GError) local_error = NULL;

      g_assert_false (limited_sleep (5, 10, &local_error));
      assert_timed_out (local_error);
    }
  }
  return coro_sleep (10, error);
}

static gboolean
shield_in_group_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  g_autoptr (CoroTask) task = coro_task_group_spawn_task (group, scope_cancelled_inside_shield_cb, group, NULL);

  if (!coro_task_group_join (group, error))
    return FALSE;
  assert_trace ("shielded");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/timeout/in-time", in_time_cb);
  coro_test_add_func ("/timeout/too-late", too_late_cb);
  coro_test_add_func ("/timeout/inner-sees-cancelled", inner_sees_cancelled_cb);
  coro_test_add_func ("/timeout/swallowed", swallowed_cb);
  coro_test_add_func ("/timeout/no-await-inside", no_await_inside_cb);
  coro_test_add_func ("/timeout/other-error-stays", other_error_stays_cb);
  coro_test_add_func ("/timeout/value-there-already", value_before_deadline_cb);
  coro_test_add_data_func ("/timeout/race/value-first", race_cb, GINT_TO_POINTER (1), NULL);
  coro_test_add_data_func ("/timeout/race/deadline-first", race_cb, NULL, NULL);
  coro_test_add_func ("/timeout/external-cancel-wins", external_cancel_wins_cb);
  coro_test_add_func ("/timeout/external-cancel-alone", external_cancel_alone_cb);
  coro_test_add_func ("/timeout/nested/inner-first", nested_inner_first_cb);
  coro_test_add_data_func ("/timeout/nested/outer-first", nested_outer_first_cb, GINT_TO_POINTER (20), NULL);
  coro_test_add_data_func ("/timeout/nested/equal", nested_outer_first_cb, GINT_TO_POINTER (10), NULL);
  coro_test_add_data_func ("/timeout/no-time/zero", no_time_cb, GINT_TO_POINTER (0), NULL);
  coro_test_add_data_func ("/timeout/no-time/negative", no_time_cb, GINT_TO_POINTER (-5), NULL);
  coro_test_add_func ("/timeout/no-limit", no_limit_cb);
  coro_test_add_func ("/timeout/deadline", deadline_cb);
  coro_test_add_func ("/timeout/reschedule", reschedule_cb);
  coro_test_add_func ("/timeout/exit-twice", exit_twice_cb);
  coro_test_add_func ("/timeout/without-error", without_error_cb);
  coro_test_add_func ("/timeout/left-open-is-said", left_open_is_said_cb);
  coro_test_add_func ("/timeout/out-of-order-is-said", out_of_order_is_said_cb);
  g_test_add_func ("/timeout/outside", test_outside);
  coro_test_add_func ("/spec/S089/wait-for-in-time", wait_for_in_time_cb);
  coro_test_add_func ("/spec/S091/wait-for-too-late", wait_for_too_late_cb);
  coro_test_add_func ("/wait-for/waits-for-cleanup", wait_for_waits_for_cleanup_cb);
  coro_test_add_func ("/wait-for/no-time", wait_for_no_time_cb);
  coro_test_add_func ("/wait-for/coroutine", wait_for_coroutine_cb);
  coro_test_add_func ("/wait-for/coroutine-no-time", wait_for_coroutine_no_time_cb);
  coro_test_add_func ("/wait-for/shared", wait_for_shared_cb);
  coro_test_add_func ("/shield/in-timeout", shield_in_timeout_cb);
  coro_test_add_func ("/shield/holds-request-back", shield_holds_request_back_cb);
  coro_test_add_func ("/shield/grace-ends", grace_ends_cb);
  coro_test_add_func ("/shield/in-group", shield_in_group_cb);

  return g_test_run ();
}
