/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tasks, and what cancelling them does.
 */
#include "lib/bodies.h"

static gboolean
five_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  return coro_return_int (result, 5);
}

/* --- handles ---------------------------------------------------------------------- */

static gboolean
names_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (five_cb, NULL, NULL);
  g_autoptr (CoroTask) other = coro_spawn_task (five_cb, NULL, NULL);

  g_assert_true (g_str_has_prefix (coro_task_get_name (task), "Task-"));
  g_assert_cmpstr (coro_task_get_name (task), !=, coro_task_get_name (other));
  coro_task_set_name (task, "loader");
  g_assert_cmpstr (coro_task_get_name (task), ==, "loader");
  g_assert_true (g_str_has_prefix (coro_task_get_spawn_site (task), "five_cb ("));
  g_assert_nonnull (strstr (coro_task_get_spawn_site (task), "test-task.c"));
  return coro_await (task, NULL, error);
}

static gboolean
own_state_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  CoroTask **task = user_data;

  g_assert_true (coro_task_get_current () == *task);
  g_assert_cmpint (coro_task_get_coroutine_state (*task), ==, CORO_COROUTINE_RUNNING);
  if (!coro_sleep (100, error))
    return FALSE;
  return coro_return_int (result, 5);
}

static gboolean
states_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroTask) task = NULL;

  task = coro_spawn_task (own_state_cb, &task, NULL);
  g_assert_cmpint (coro_task_get_coroutine_state (task), ==, CORO_COROUTINE_CREATED);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (coro_task_get_coroutine_state (task), ==, CORO_COROUTINE_SUSPENDED);
  g_assert_cmpint (coro_await_int (task, error), ==, 5);
  g_assert_cmpint (coro_task_get_coroutine_state (task), ==, CORO_COROUTINE_CLOSED);
  g_assert_cmpint (coro_await_int (task, error), ==, 5);
  g_assert_false (coro_task_cancel (task));
  g_assert_cmpint (coro_task_get_cancelling (task), ==, 0);
  g_assert_cmpint (coro_task_uncancel (task), ==, 0);
  return TRUE;
}

static gboolean
set_flag_cb (gpointer   flag,
             GValue    *result,
             GError   **error)
{
  if (!coro_sleep (100, error))
    return FALSE;
  *(gboolean *) flag = TRUE;
  return TRUE;
}

static gboolean
dropped_handle_completes_cb (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  gboolean flag = FALSE;

  g_object_unref (coro_spawn_task (set_flag_cb, &flag, NULL));
  if (!coro_sleep (200, error))
    return FALSE;
  g_assert_true (flag);
  return TRUE;
}

static gboolean
current_without_handle_cb (gpointer   future,
                           GValue    *result,
                           GError   **error)
{
  CoroTask *task = coro_task_get_current ();

  g_assert_nonnull (task);
  g_assert_true (task == coro_task_get_current ());
  g_assert_true (g_str_has_prefix (coro_task_get_spawn_site (task), "current_without_handle_cb"));
  coro_future_resolve_object (future, task);
  if (!coro_yield (error))
    return FALSE;
  return coro_return_int (result, 6);
}

static gboolean
handle_made_later_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) task = NULL;

  coro_spawn (current_without_handle_cb, future, NULL);
  task = coro_await_object (future, error);
  g_assert_cmpint (coro_await_int (task, error), ==, 6);
  return *error == NULL;
}

static void
test_no_current_outside (void)
{
  g_assert_null (coro_task_get_current ());
}

static gboolean
await_self_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_await (coro_task_get_current (), NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_clear_error (&local_error);
  g_assert_false (coro_join (coro_task_get_current (), &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return TRUE;
}

static void
weak_destroy_cb (gpointer object)
{
  g_object_unref (object);
}

static gboolean
hold_cb (gpointer   object,
         GValue    *result,
         GError   **error)
{
  return coro_sleep (100, error);
}

static gboolean
data_is_kept_and_freed_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  GObject *object = g_object_new (G_TYPE_OBJECT, NULL);
  gpointer weak = object;
  g_autoptr (CoroTask) task = NULL;

  g_object_add_weak_pointer (object, &weak);
  task = coro_spawn_task (hold_cb, object, weak_destroy_cb);
  if (!coro_sleep (50, error))
    return FALSE;
  g_assert_nonnull (weak);
  if (!coro_await (task, NULL, error))
    return FALSE;
  g_assert_null (weak);         /* although the handle is still held */
  return TRUE;
}

/* --- errors ----------------------------------------------------------------------- */

static gboolean
unread_error_is_said_once_cb (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  CoroTask *task = coro_spawn_task (fail_cb, "nobody reads", NULL);

  if (!coro_yield (error) || !coro_yield (error))
    return FALSE;
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*Task-*nobody reads*fail_cb*test-task.c*");
  g_object_unref (task);
  if (!coro_sleep (1, error))
    return FALSE;
  g_test_assert_expected_messages ();
  return TRUE;
}

static gboolean
without_handle_is_said_once_cb (gpointer   user_data,
                                GValue    *result,
                                GError   **error)
{
  coro_spawn (fail_cb, "no handle", NULL);
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*no handle*");
  if (!coro_test_settle (error) || !coro_test_settle (error))
    return FALSE;
  g_test_assert_expected_messages ();
  return TRUE;
}

static gboolean
cancelled_is_not_said_cb (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  CoroTask *task = coro_spawn_task (forever_cb, NULL, NULL);

  if (!coro_yield (error))
    return FALSE;
  coro_task_cancel (task);
  g_object_unref (task);
  return coro_yield (error) && coro_yield (error);
}

static gboolean
read_error_is_not_said_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (fail_cb, "read", NULL);
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_await (task, NULL, &local_error));
  g_assert_cmpstr (local_error->message, ==, "read");
  return TRUE;
}

static gboolean
false_without_error_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  return FALSE;
}

static gboolean
true_with_error_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "dropped");
  return coro_return_int (result, 3);
}

static gboolean
bad_bodies_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (CoroTask) silent = coro_spawn_task (false_without_error_cb, NULL, NULL);
  g_autoptr (CoroTask) both = NULL;
  g_autoptr (GError) local_error = NULL;

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*false_without_error_cb*returned FALSE*");
  g_assert_false (coro_await (silent, NULL, &local_error));
  g_test_assert_expected_messages ();
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_NO_RESULT);

  both = coro_spawn_task (true_with_error_cb, NULL, NULL);
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*true_with_error_cb*returned TRUE*");
  g_assert_cmpint (coro_await_int (both, error), ==, 3);
  g_test_assert_expected_messages ();
  return *error == NULL;
}

/* --- cancelling ------------------------------------------------------------------- */

static gboolean
must_not_run_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_assert_not_reached ();
}

static gboolean
cancel_before_start_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  int destroyed = 0;
  g_autoptr (CoroTask) task = coro_spawn_task (must_not_run_cb, &destroyed, count_cb);
  g_autoptr (GError) local_error = NULL;

  g_assert_true (coro_task_cancel (task));
  g_assert_cmpint (destroyed, ==, 0);           /* nothing of theirs runs inside cancel */
  g_assert_false (coro_await (task, NULL, &local_error));
  assert_cancelled (local_error);
  g_assert_cmpint (destroyed, ==, 1);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
cancel_at_await_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (forever_cb, NULL, NULL);

  if (!coro_sleep (10, error))
    return FALSE;
  g_assert_true (coro_task_cancel (task));
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  g_assert_cmpint (coro_task_get_cancelling (task), ==, 1);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
cleanup_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  if (coro_sleep (SECOND, error))
    return TRUE;
  note ("releasing");
  if (!coro_sleep (10, &local_error))           /* the request was delivered: waiting works again */
    g_assert_not_reached ();
  note ("released");
  return FALSE;
}

static gboolean
cleanup_may_wait_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (cleanup_cb, NULL, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("releasing");
  g_assert_cmpint (coro_task_get_cancelling (task), ==, 1);
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  if (!coro_join (task, error))
    return FALSE;
  assert_trace ("released");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
swallow_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_sleep (SECOND, &local_error));
  assert_cancelled (local_error);
  g_assert_cmpint (coro_task_get_cancelling (coro_task_get_current ()), ==, 1);
  if (!coro_sleep (10, error) || !coro_sleep (10, error))
    return FALSE;
  return coro_return_int (result, 7);
}

static gboolean
swallowed_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (swallow_cb, NULL, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (task);
  g_assert_cmpint (coro_await_int (task, error), ==, 7);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_RESOLVED);
  return *error == NULL;
}

/* D2: a wait that has no place for its error leaves the request unread, so it comes again. */
static gboolean
deaf_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  int *n_failed = user_data;

  while (*n_failed < 3)
    if (!coro_sleep (SECOND, NULL))
      ++*n_failed;
  return coro_sleep (SECOND, error);
}

static gboolean
null_error_hears_again_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  int n_failed = 0;
  g_autoptr (CoroTask) task = coro_spawn_task (deaf_cb, &n_failed, NULL);
  gint64 start = now ();

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (n_failed, ==, 3);
  g_assert_cmpint (now () - start, ==, 0);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

/* … and costs a turn each time: others get to stop it. */
static gboolean
deaf_for_ever_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  gboolean *stop = user_data;
  g_autoptr (CoroFuture) never = coro_future_new ();

  while (!*stop)
    {
      coro_sleep (SECOND, NULL);
      coro_yield (NULL);
      coro_await (never, NULL, NULL);
    }
  return TRUE;
}

static gboolean
deaf_loop_lets_others_run_cb (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  gboolean stop = FALSE;
  g_autoptr (CoroTask) task = coro_spawn_task (deaf_for_ever_cb, &stop, NULL);

  if (!coro_yield (error))
    return FALSE;
  coro_task_cancel (task);
  for (int i = 0; i < 10; i++)
    if (!coro_yield (error))
      return FALSE;
  stop = TRUE;
  return coro_join (task, error);
}

static gboolean
deaf_group_lets_others_run_cb (gpointer   user_data,
                               GValue    *result,
                               GError   **error)
{
  gboolean stop = FALSE;
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  coro_task_group_spawn (group, deaf_for_ever_cb, &stop, NULL);
  if (!coro_yield (error))
    return FALSE;
  coro_task_group_cancel (group);
  for (int i = 0; i < 10; i++)
    if (!coro_yield (error))
      return FALSE;
  stop = TRUE;
  return coro_task_group_join (group, error);
}

static gboolean
count_cancels_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  CoroTask *self = coro_task_get_current ();
  int *n_delivered = user_data;

  while (*n_delivered < 1)
    {
      g_autoptr (GError) local_error = NULL;

      if (!coro_sleep (SECOND, &local_error))
        ++*n_delivered;
    }
  g_assert_cmpint (coro_task_get_cancelling (self), ==, 2);
  if (!coro_sleep (SECOND, error))              /* two requests, one delivery */
    return FALSE;
  g_assert_cmpint (coro_task_uncancel (self), ==, 1);
  g_assert_cmpint (coro_task_uncancel (self), ==, 0);
  g_assert_cmpint (coro_task_uncancel (self), ==, 0);
  return TRUE;
}

static gboolean
two_requests_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  int n_delivered = 0;
  g_autoptr (CoroTask) task = coro_spawn_task (count_cancels_cb, &n_delivered, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  g_assert_true (coro_task_cancel (task));
  g_assert_true (coro_task_cancel (task));
  return coro_await (task, NULL, error);
}

static gboolean
uncancel_drops_request_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  CoroTask *self = coro_task_get_current ();

  coro_task_cancel (self);
  g_assert_cmpint (coro_task_uncancel (self), ==, 0);
  return coro_yield (error);
}

static gboolean
cancel_self_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  gint64 start = now ();

  g_assert_true (coro_task_cancel (coro_task_get_current ()));
  note ("still here");
  g_assert_false (coro_sleep (SECOND, error));
  assert_cancelled (*error);
  g_assert_cmpint (now (), ==, start);
  return FALSE;
}

static gboolean
self_cancel_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (cancel_self_cb, NULL, NULL);

  if (!coro_join (task, error))
    return FALSE;
  assert_trace ("still here");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
cancel_self_and_end_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  coro_task_cancel (coro_task_get_current ());
  return coro_return_string (result, "too late");
}

static gboolean
self_cancel_without_await_cb (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (cancel_self_and_end_cb, NULL, NULL);

  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
hog_cb (gpointer   user_data,
        GValue    *result,
        GError   **error)
{
  CoroTask *self = coro_task_get_current ();
  int i;

  for (i = 0; i < 1000; i++)
    {
      if (i == 500)
        coro_task_cancel (self);
      if (!coro_check_cancelled (user_data != NULL ? error : NULL) && user_data != NULL)
        break;
    }
  if (user_data != NULL)
    {
      g_assert_cmpint (i, ==, 500);
      return FALSE;
    }
  g_assert_cmpint (i, ==, 1000);
  coro_task_uncancel (self);
  return TRUE;
}

static gboolean
cpu_loop_checks_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroTask) deaf = coro_spawn_task (hog_cb, NULL, NULL);
  g_autoptr (CoroTask) attentive = coro_spawn_task (hog_cb, "checks", NULL);

  if (!coro_join (deaf, error) || !coro_join (attentive, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (deaf)), ==, CORO_FUTURE_RESOLVED);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (attentive)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
join_cb (gpointer   awaitable,
         GValue    *result,
         GError   **error)
{
  return coro_join (awaitable, error);
}

/* The value came, and the cancel before the turn: prompt, and the future keeps it. */
static gboolean
cancel_after_wakeup_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) task = coro_spawn_task (await_cb, future, NULL);

  if (!coro_yield (error))
    return FALSE;
  coro_future_resolve_int (future, 4);
  g_assert_true (coro_task_cancel (task));
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (coro_await_int (future, error), ==, 4);
  return *error == NULL;
}

/* D6 */
static gboolean
sole_waiter_takes_along_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) inner = coro_spawn_task (cleanup_cb, NULL, NULL);
  g_autoptr (CoroTask) outer = coro_spawn_task (await_cb, inner, NULL);
  g_autoptr (CoroTask) waiter = coro_spawn_task (await_cb, future, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (waiter);
  coro_task_cancel (outer);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (future), ==, CORO_FUTURE_CANCELLED);
  g_assert_false (coro_future_is_done (CORO_FUTURE (outer)));   /* it waits for the cleanup */
  if (!coro_join (outer, error))
    return FALSE;
  assert_trace ("releasing released");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (inner)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (outer)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
one_of_two_waiters_detaches_cb (gpointer   user_data,
                                GValue    *result,
                                GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) one = coro_spawn_task (await_cb, future, NULL);
  g_autoptr (CoroTask) two = coro_spawn_task (await_cb, future, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (one);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (one)), ==, CORO_FUTURE_CANCELLED);
  g_assert_false (coro_future_is_done (future));
  coro_future_resolve_int (future, 8);
  g_assert_cmpint (coro_await_int (two, error), ==, 8);
  return *error == NULL;
}

static gboolean
both_waiters_cancelled_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroTask) inner = coro_spawn_task (forever_cb, NULL, NULL);
  g_autoptr (CoroTask) one = coro_spawn_task (await_cb, inner, NULL);
  g_autoptr (CoroTask) two = coro_spawn_task (await_cb, inner, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (one);
  coro_task_cancel (two);
  if (!coro_join (one, error) || !coro_join (two, error) || !coro_join (inner, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (inner)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
join_leaves_alone_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroTask) inner = coro_spawn_task (five_cb, NULL, NULL);
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) joiner = coro_spawn_task (join_cb, future, NULL);
  g_autoptr (CoroTask) failing = coro_spawn_task (fail_cb, NULL, NULL);

  if (!coro_join (inner, error) || !coro_join (failing, error))
    return FALSE;
  g_assert_error (coro_future_get_error (CORO_FUTURE (failing)), G_IO_ERROR, G_IO_ERROR_FAILED);
  coro_task_cancel (joiner);
  if (!coro_join (joiner, error))
    return FALSE;
  g_assert_false (coro_future_is_done (future));
  return TRUE;
}

/* The inner one swallows the request: its answer decides. */
static gboolean
inner_decides_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (CoroTask) inner = coro_spawn_task (swallow_cb, NULL, NULL);
  g_autoptr (CoroTask) outer = coro_spawn_task (await_cb, inner, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (outer);
  g_assert_cmpint (coro_await_int (outer, error), ==, 7);
  return *error == NULL;
}

/* An inner task that has heard of its request and succeeds has also used up the outer task's request. */
static gboolean
await_and_sleep_cb (gpointer   task,
                    GValue    *result,
                    GError   **error)
{
  return coro_await (task, NULL, error) && coro_sleep (SECOND, error);
}

static gboolean
inner_value_takes_request_cb (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  g_autoptr (CoroTask) inner = coro_spawn_task (swallow_cb, NULL, NULL);
  g_autoptr (CoroTask) outer = coro_spawn_task (await_and_sleep_cb, inner, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (outer);
  return coro_await (outer, NULL, error);
}

/* A cleanup that fails: its error is the answer, and the request is still to be heard. */
static gboolean
fail_when_cancelled_cb (gpointer   n_calls,
                        GValue    *result,
                        GError   **error)
{
  ++*(int *) n_calls;
  return coro_sleep (SECOND, NULL) || fail_cb (NULL, result, error);
}

static gboolean
retry_cb (gpointer   n_calls,
          GValue    *result,
          GError   **error)
{
  while (TRUE)
    {
      g_autoptr (CoroTask) inner = coro_spawn_task (fail_when_cancelled_cb, n_calls, NULL);
      g_autoptr (GError) local_error = NULL;

      if (coro_await (inner, NULL, &local_error))
        return TRUE;
      g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_FAILED);
      if (!coro_check_cancelled (error))
        return FALSE;
    }
}

static gboolean
retry_loop_ends_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  int n_calls = 0;
  g_autoptr (CoroTask) task = coro_spawn_task (retry_cb, &n_calls, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (n_calls, ==, 1);
  return TRUE;
}

/* D2, where a task fails and the await has no place for its error. */
static gboolean
await_deafly_cb (gpointer   inner,
                 GValue    *result,
                 GError   **error)
{
  g_assert_false (coro_await (inner, NULL, NULL));
  return coro_sleep (SECOND, error);
}

static gboolean
null_error_of_await_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroTask) inner = coro_spawn_task (cleanup_cb, NULL, NULL);
  g_autoptr (CoroTask) outer = coro_spawn_task (await_deafly_cb, inner, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (outer);
  if (!coro_join (outer, error))
    return FALSE;
  assert_trace ("releasing released");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (outer)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
fail_after_cleanup_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  return coro_sleep (SECOND, &local_error) || !coro_sleep (10, error) || fail_cb (NULL, result, error);
}

static gboolean
outlive_failure_cb (gpointer   inner,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_await (inner, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_FAILED);
  return coro_sleep (SECOND, error);
}

static gboolean
uncancelled_while_inner_cleans_up_cb (gpointer   user_data,
                                      GValue    *result,
                                      GError   **error)
{
  g_autoptr (CoroTask) inner = coro_spawn_task (fail_after_cleanup_cb, NULL, NULL);
  g_autoptr (CoroTask) outer = coro_spawn_task (outlive_failure_cb, inner, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (outer);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (coro_task_uncancel (outer), ==, 0);
  return coro_await (outer, NULL, error);       /* the request was taken back: it does not come again */
}

/* The child of a gather that was cancelled makes it fail, with CANCELLED: that is heard as well. */
static gboolean
shielded_cleanup_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  gboolean ok = coro_sleep (SECOND, error);
  g_auto (CoroShield) shield = coro_shield_enter (0);

  coro_sleep (10, NULL);
  return ok;
}

static gboolean
await_gather_cb (gpointer   gather,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_await (gather, NULL, &local_error));
  assert_cancelled (local_error);
  return coro_sleep (SECOND, error);
}

static gboolean
gather_fails_cancelled_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroFuture) first = CORO_FUTURE (coro_spawn_task (shielded_cleanup_cb, NULL, NULL));
  g_autoptr (CoroFuture) second = CORO_FUTURE (coro_spawn_task (forever_cb, NULL, NULL));
  CoroFuture *both[] = { first, second };
  g_autoptr (CoroFuture) gather = coro_gather_full (both, 2, CORO_GATHER_CANCEL_ON_ERROR);
  g_autoptr (CoroTask) task = coro_spawn_task (await_gather_cb, gather, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_future_cancel (second);          /* the gather fails, once the first has cleaned up */
  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (task);
  return coro_await (task, NULL, error);
}

/* All are cancelled in one turn, as at the end of a run.  Where the workers come first, what
 * is made of them is about to be done when its waiter hears of its request. */
typedef struct
{
  CoroTask *workers[2];
  gboolean race;
} Collect;

static gboolean
collect_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Collect *self = user_data;
  CoroFuture *futures[] = { CORO_FUTURE (self->workers[0]), CORO_FUTURE (self->workers[1]) };
  g_autoptr (CoroFuture) all = self->race ? coro_race (futures, 2)
                                          : coro_gather_full (futures, 2, CORO_GATHER_RETURN_ERRORS);

  return coro_await (all, NULL, error) && coro_sleep (1000 * SECOND, error);
}

/* With the last one it is the worker that wins. */
static gboolean
win_when_cancelled_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  coro_sleep (SECOND, NULL);
  coro_task_uncancel (coro_task_get_current ());
  return TRUE;
}

static gboolean
collector_hears_cb (gpointer   race,
                    GValue    *result,
                    GError   **error)
{
  CoroFunc func = race != NULL ? win_when_cancelled_cb : forever_cb;
  g_autoptr (CoroTask) first = coro_spawn_task (func, NULL, NULL);
  g_autoptr (CoroTask) second = coro_spawn_task (func, NULL, NULL);
  Collect collect = { { first, second }, race != NULL };
  g_autoptr (CoroTask) collector = coro_spawn_task (collect_cb, &collect, NULL);
  gint64 start = now ();

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (first);
  coro_task_cancel (second);
  coro_task_cancel (collector);
  if (!coro_join (collector, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (collector)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (now () - start, <, SECOND);
  return TRUE;
}

static gboolean
gather_that_ends_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  return collector_hears_cb (NULL, result, error);
}

static gboolean
race_that_ends_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  return collector_hears_cb ("race", result, error);
}

static gboolean
deep_chain_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  int depth = GPOINTER_TO_INT (user_data);
  g_autoptr (CoroTask) next = NULL;

  if (depth == 0)
    return coro_sleep (SECOND, error);
  next = coro_spawn_task (deep_chain_cb, GINT_TO_POINTER (depth - 1), NULL);
  return coro_await (next, NULL, error);
}

static gboolean
cancel_deep_chain_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  g_autoptr (CoroTask) task = coro_spawn_task (deep_chain_cb, GINT_TO_POINTER (50), NULL);

  if (!coro_sleep (10, error))
    return FALSE;
  g_assert_cmpint (coro_scheduler_count_coroutines (scheduler), ==, 52);
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_scheduler_count_coroutines (scheduler), ==, 1);
  return TRUE;
}

/* Each task waits for the one below it, on a stack of its own: as deep as there are tasks,
 * and neither the cancel on its way down nor the outcomes on their way up may recurse. */
static int
get_deep (void)
{
#if defined (__SANITIZE_THREAD__)
  return 4000;                  /* it manages about 8000 fibers */
#else
  return g_getenv ("CORO_TEST_VALGRIND") != NULL ? 4000 : 10000;        /* it manages about as many mappings */
#endif
}

static gboolean
cancel_very_deep_chain_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();
  g_autoptr (CoroTask) task = coro_spawn_task (deep_chain_cb, GINT_TO_POINTER (get_deep ()), NULL);
  g_autoptr (GError) wait_error = NULL;
  gint64 start;

  if (!coro_sleep (10, error))
    return FALSE;
  g_assert_cmpint (coro_scheduler_count_coroutines (scheduler), ==, get_deep () + 2);
  start = now ();
  coro_task_cancel (task);
  g_assert_false (coro_await (task, NULL, &wait_error));
  assert_cancelled (wait_error);
  g_assert_cmpint (coro_scheduler_count_coroutines (scheduler), ==, 1);
  g_assert_cmpint (now () - start, <, SECOND / 2);      /* no coroutine slept to the end */
  return TRUE;
}

static gboolean
very_deep_chain_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (deep_chain_cb, GINT_TO_POINTER (get_deep ()), NULL);

  g_assert_true (coro_await (task, NULL, error));
  g_assert_cmpint (coro_scheduler_count_coroutines (coro_scheduler_get_running ()), ==, 1);
  return TRUE;
}

/* Started, and in the ready queue: what it does before its next await is still done. */
static gboolean
three_then_await_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  if (!coro_await (user_data, NULL, error))
    return FALSE;
  note ("1");
  note ("2");
  if (!coro_sleep (SECOND, error))
    note ("cancelled");
  return *error == NULL;
}

static gboolean
cancel_running_later_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new_for_value (NULL);
  g_autoptr (CoroTask) task = coro_spawn_task (three_then_await_cb, future, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  assert_trace ("1 2 cancelled");
  return TRUE;
}

/* A coroutine with a long cleanup, which a second request cuts short. */
static gboolean
long_cleanup_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GError) hurry = NULL;

  if (coro_sleep (1000 * SECOND, error))
    return TRUE;
  note ("cleanup");
  if (!coro_sleep (1000 * SECOND, &hurry))
    note ("hurry");
  return FALSE;
}

static gboolean
second_request_is_passed_on_cb (gpointer   user_data,
                                GValue    *result,
                                GError   **error)
{
  g_autoptr (CoroTask) inner = coro_spawn_task (long_cleanup_cb, NULL, NULL);
  g_autoptr (CoroTask) outer = coro_spawn_task (await_cb, inner, NULL);
  gint64 start = now ();

  coro_sleep (SECOND, NULL);
  coro_task_cancel (outer);
  coro_sleep (SECOND, NULL);
  assert_trace ("cleanup");
  g_assert_false (coro_future_is_done (CORO_FUTURE (outer)));
  coro_task_cancel (outer);
  coro_join (outer, NULL);
  assert_trace ("hurry");
  g_assert_cmpint (now () - start, ==, 2 * SECOND);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (outer)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (inner)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

/* A task that is cancelled already and then awaits another one cancels that one as well, and
 * waits for its end. */
static gboolean
cancelled_before_takes_along_cb (gpointer   user_data,
                                 GValue    *result,
                                 GError   **error)
{
  g_autoptr (CoroTask) inner = coro_spawn_task (long_cleanup_cb, NULL, NULL);
  g_autoptr (GError) local_error = NULL;

  coro_sleep (SECOND, NULL);
  coro_task_cancel (coro_task_get_current ());
  g_assert_false (coro_await (inner, NULL, &local_error));
  assert_cancelled (local_error);
  assert_trace ("cleanup");
  g_assert_true (coro_future_is_done (CORO_FUTURE (inner)));
  return coro_yield (error);
}

/* But a future that another task awaits as well is not cancelled. */
static gboolean
cancelled_before_leaves_shared_cb (gpointer   user_data,
                                   GValue    *result,
                                   GError   **error)
{
  g_autoptr (CoroFuture) future = coro_sleep_future (SECOND);
  g_autoptr (CoroTask) other = coro_spawn_task (await_cb, future, NULL);

  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (coro_task_get_current ());
  g_assert_false (coro_await (future, NULL, NULL));
  g_assert_false (coro_future_is_done (future));
  coro_task_uncancel (coro_task_get_current ());
  return coro_await (other, NULL, error);
}

/* --- circles ----------------------------------------------------------------------- */

typedef struct
{
  gpointer awaited;             /* (nullable) (unowned): what to wait for; NULL: the end of 10 µs */
  GError *error;                /* (nullable) (owned): what came of it */
} Circle;

static gboolean
circle_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Circle *self = user_data;
  g_auto (CoroTimeout) timeout = coro_timeout_enter (SECOND, &self->error);

  if (self->awaited == NULL)
    return coro_sleep (10, &self->error);
  coro_await (self->awaited, NULL, &self->error);
  return TRUE;
}

static CoroTask *
spawn_circle (Circle     *self,
              const char *name)
{
  CoroTask *task = coro_spawn_task (circle_cb, self, NULL);

  coro_task_set_name (task, name);
  return task;
}

static gboolean
circle_of_two_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Circle first = { NULL, }, second = { NULL, };
  g_autoptr (CoroTask) a = spawn_circle (&first, "a");
  g_autoptr (CoroTask) b = spawn_circle (&second, "b");
  gint64 start = now ();

  coro_test_keep_order (coro_scheduler_get_running ());         /* the last one closes the circle */
  first.awaited = b;
  second.awaited = a;
  if (!coro_join (a, error) || !coro_join (b, error))
    return FALSE;
  g_assert_cmpint (now (), ==, start);                  /* at once, not when the time is up */
  g_assert_no_error (first.error);
  g_assert_error (second.error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_assert_cmpstr (second.error->message, ==,
                   "A task cannot wait for itself: it would wait for a, which waits for b");
  g_clear_error (&second.error);
  return TRUE;
}

/* a → gather → b → shield → c → a */
static gboolean
circle_by_combinations_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  Circle circles[3] = { { NULL, }, };
  CoroFuture *tasks[3];
  g_autoptr (CoroFuture) other = coro_future_new ();
  g_autoptr (CoroFuture) gather = NULL;
  g_autoptr (CoroFuture) shield = NULL;
  const char *names[] = { "a", "b", "c" };

  coro_test_keep_order (coro_scheduler_get_running ());
  for (int i = 0; i < 3; i++)
    tasks[i] = CORO_FUTURE (spawn_circle (&circles[i], names[i]));
  gather = coro_gather ((CoroFuture *[]) { other, tasks[1] }, 2);
  shield = coro_future_shield (tasks[2]);
  circles[0].awaited = gather;
  circles[1].awaited = shield;
  circles[2].awaited = tasks[0];
  if (!coro_join (tasks[2], error))
    return FALSE;
  g_assert_error (circles[2].error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (circles[2].error->message, "it would wait for a, which waits for b, which waits for c"));
  coro_future_resolve (other, NULL);
  for (int i = 0; i < 3; i++)
    {
      if (!coro_join (tasks[i], error))
        return FALSE;
      g_object_unref (tasks[i]);
    }
  g_assert_no_error (circles[0].error);
  g_assert_no_error (circles[1].error);
  g_clear_error (&circles[2].error);
  return TRUE;
}

static gboolean
host_cb (gpointer   member,
         GValue    *result,
         GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  ((Circle *) member)->awaited = coro_task_get_current ();
  coro_task_group_spawn (nursery.group, circle_cb, member, NULL);
  return coro_nursery_join (&nursery);
}

/* A member waits for the coroutine that waits for its members. */
static gboolean
circle_by_nursery_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  Circle member = { NULL, };
  g_autoptr (CoroTask) host = coro_spawn_task (host_cb, &member, NULL);

  coro_task_set_name (host, "host");
  if (!coro_await (host, NULL, error))
    return FALSE;
  g_assert_error (member.error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_assert_cmpstr (member.error->message, ==,
                   "A task cannot wait for itself: it would wait for host, which waits for it");
  g_clear_error (&member.error);
  return TRUE;
}

typedef struct
{
  GMainContext *context;        /* (unowned) */
  CoroFuture *inner;            /* (unowned) */
  CoroFuture *shield;           /* (owned) */
} Elsewhere;

static gpointer
shield_thread (gpointer user_data)
{
  Elsewhere *self = user_data;

  g_main_context_push_thread_default (self->context);
  self->shield = coro_future_shield (self->inner);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static gpointer
iterate_thread (gpointer user_data)
{
  Elsewhere *self = user_data;

  g_main_context_push_thread_default (self->context);
  settle (self->context);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

/* What a shield of another thread waits for is not looked at: its thread may free it meanwhile. */
static gboolean
no_circle_by_other_thread_cb (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  Circle circle = { NULL, }, waiting = { NULL, };
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroTask) first = spawn_circle (&waiting, "first");
  g_autoptr (CoroTask) task = spawn_circle (&circle, "a");
  g_autoptr (CoroFuture) gather = NULL;
  Elsewhere elsewhere = { context, CORO_FUTURE (task), NULL };

  g_thread_join (g_thread_new ("shield", shield_thread, &elsewhere));
  coro_test_keep_order (coro_scheduler_get_running ());         /* only an awaited task looks for a circle */
  waiting.awaited = task;
  gather = coro_gather (&elsewhere.shield, 1);
  circle.awaited = gather;
  g_assert_true (coro_yield (error));
  g_assert_true (coro_yield (error));
  g_assert_no_error (circle.error);

  g_assert_true (coro_future_resolve (elsewhere.shield, NULL));
  g_thread_join (g_thread_new ("iterate", iterate_thread, &elsewhere));
  if (!coro_join (task, error) || !coro_join (first, error))
    return FALSE;
  g_assert_no_error (circle.error);
  g_object_unref (elsewhere.shield);
  return TRUE;
}

/* It waits for the first of two, and the other one comes. */
static gboolean
no_circle_by_race_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  Circle first = { NULL, }, second = { NULL, }, third = { NULL, };
  CoroFuture *a = CORO_FUTURE (spawn_circle (&first, "a"));
  CoroFuture *b = CORO_FUTURE (spawn_circle (&second, "b"));
  CoroFuture *c = CORO_FUTURE (spawn_circle (&third, "c"));
  g_autoptr (CoroFuture) shield = coro_future_shield (b);
  g_autoptr (CoroFuture) race = coro_race ((CoroFuture *[]) { shield, c }, 2);

  first.awaited = race;
  second.awaited = a;
  if (!coro_join (a, error) || !coro_join (b, error))
    return FALSE;
  g_assert_no_error (first.error);
  g_assert_no_error (second.error);
  g_object_unref (a);
  g_object_unref (b);
  g_object_unref (c);
  return TRUE;
}

/* Of a long circle the message names the first eight. */
static gboolean
circle_of_many_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  Circle circles[10] = { { NULL, }, };
  CoroTask *tasks[10];

  coro_test_keep_order (coro_scheduler_get_running ());
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      char name[] = { (char) ('a' + i), '\0' };

      tasks[i] = spawn_circle (&circles[i], name);
    }
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    circles[i].awaited = tasks[(i + 1) % G_N_ELEMENTS (tasks)];
  for (guint i = G_N_ELEMENTS (tasks); i-- > 0;)
    {
      if (!coro_join (tasks[i], error))
        return FALSE;
      g_object_unref (tasks[i]);
    }
  g_assert_error (circles[9].error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_assert_true (g_str_has_suffix (circles[9].error->message, ", which waits for h and 2 more"));
  g_assert_nonnull (strstr (circles[9].error->message, "it would wait for a, which waits for b, which"));
  g_clear_error (&circles[9].error);
  for (guint i = 0; i < 9; i++)
    g_assert_no_error (circles[i].error);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/task/names", names_cb);
  coro_test_add_func ("/spec/S200/states", states_cb);
  coro_test_add_func ("/spec/S097/dropped-handle-completes", dropped_handle_completes_cb);
  coro_test_add_func ("/task/handle-made-later", handle_made_later_cb);
  g_test_add_func ("/task/no-current-outside", test_no_current_outside);
  coro_test_add_func ("/task/await-self", await_self_cb);
  coro_test_add_func ("/spec/S331/data-is-kept-and-freed", data_is_kept_and_freed_cb);
  coro_test_add_func ("/spec/S332/unread-task-error-is-said-once", unread_error_is_said_once_cb);
  coro_test_add_func ("/task/errors/without-handle-is-said-once", without_handle_is_said_once_cb);
  coro_test_add_func ("/task/errors/cancelled-is-not-said", cancelled_is_not_said_cb);
  coro_test_add_func ("/task/errors/read-is-not-said", read_error_is_not_said_cb);
  coro_test_add_func ("/task/errors/bad-bodies", bad_bodies_cb);
  coro_test_add_func ("/spec/S360/cancel-before-start", cancel_before_start_cb);
  coro_test_add_func ("/spec/S360/cancel-before-the-next-await", cancel_running_later_cb);
  coro_test_add_func ("/spec/S184/cancel-at-await", cancel_at_await_cb);
  coro_test_add_func ("/spec/S267/cleanup-may-wait", cleanup_may_wait_cb);
  coro_test_add_func ("/spec/S262/swallowed", swallowed_cb);
  coro_test_add_func ("/task/cancel/null-error-hears-again", null_error_hears_again_cb);
  coro_test_add_func ("/task/cancel/deaf-loop-lets-others-run", deaf_loop_lets_others_run_cb);
  coro_test_add_func ("/task/cancel/deaf-group-lets-others-run", deaf_group_lets_others_run_cb);
  coro_test_add_func ("/task/cancel/two-requests-one-delivery", two_requests_cb);
  coro_test_add_func ("/task/cancel/uncancel-drops-the-request", uncancel_drops_request_cb);
  coro_test_add_func ("/spec/S260/self-cancel", self_cancel_cb);
  coro_test_add_func ("/task/cancel/self-without-await", self_cancel_without_await_cb);
  coro_test_add_func ("/spec/S263/cpu-loop-checks", cpu_loop_checks_cb);
  coro_test_add_func ("/task/cancel/after-the-wake-up", cancel_after_wakeup_cb);
  coro_test_add_func ("/task/cancel/sole-waiter-takes-along", sole_waiter_takes_along_cb);
  coro_test_add_func ("/task/cancel/one-of-two-waiters-detaches", one_of_two_waiters_detaches_cb);
  coro_test_add_func ("/task/cancel/both-waiters", both_waiters_cancelled_cb);
  coro_test_add_func ("/task/cancel/join-leaves-alone", join_leaves_alone_cb);
  coro_test_add_func ("/task/cancel/inner-decides", inner_decides_cb);
  coro_test_add_func ("/task/cancel/inner-value-takes-request", inner_value_takes_request_cb);
  coro_test_add_func ("/task/cancel/retry-loop-ends", retry_loop_ends_cb);
  coro_test_add_func ("/task/cancel/null-error-of-await-hears-again", null_error_of_await_cb);
  coro_test_add_func ("/task/cancel/uncancelled-while-inner-cleans-up", uncancelled_while_inner_cleans_up_cb);
  coro_test_add_func ("/task/cancel/gather-that-fails-cancelled", gather_fails_cancelled_cb);
  coro_test_add_func ("/task/cancel/gather-that-ends-in-the-same-turn", gather_that_ends_cb);
  coro_test_add_func ("/task/cancel/race-that-ends-in-the-same-turn", race_that_ends_cb);
  coro_test_add_func ("/task/cancel/second-request-is-passed-on", second_request_is_passed_on_cb);
  coro_test_add_func ("/task/cancel/cancelled-before-takes-along", cancelled_before_takes_along_cb);
  coro_test_add_func ("/task/cancel/cancelled-before-leaves-what-others-want", cancelled_before_leaves_shared_cb);
  coro_test_add_func ("/task/cancel/deep-chain", cancel_deep_chain_cb);
  coro_test_add_func ("/task/cancel/very-deep-chain", cancel_very_deep_chain_cb);
  coro_test_add_func ("/task/very-deep-chain", very_deep_chain_cb);
  coro_test_add_func ("/task/circle/two", circle_of_two_cb);
  coro_test_add_func ("/task/circle-of-many", circle_of_many_cb);
  coro_test_add_func ("/task/circle/combinations", circle_by_combinations_cb);
  coro_test_add_func ("/task/circle/nursery", circle_by_nursery_cb);
  coro_test_add_func ("/task/circle/race-is-none", no_circle_by_race_cb);
  coro_test_add_func ("/task/circle/other-thread-is-none", no_circle_by_other_thread_cb);

  return g_test_run ();
}
