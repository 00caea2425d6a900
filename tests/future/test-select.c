/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The first of several.
 */
#include "test-util.h"

static gboolean
first_in_order_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (CoroFuture) a = coro_future_new ();
  g_autoptr (CoroFuture) b = coro_future_new ();
  g_autoptr (CoroFuture) c = coro_sleep_future (10);

  g_assert_true (coro_select (error, a, b, c, NULL) == c);
  g_assert_false (coro_future_is_done (a));             /* losers are left alone */
  coro_future_resolve_int (b, 2);
  g_assert_true (coro_select (error, a, b, c, NULL) == b);
  coro_future_reject (a, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "winner"));
  g_assert_true (coro_select (error, a, b, c, NULL) == a);
  g_assert_no_error (*error);                           /* its error is its own */
  g_assert_cmpstr (coro_future_get_error (a)->message, ==, "winner");
  return TRUE;
}

static gboolean
same_turn_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  for (int i = 0; i < 10; i++)
    {
      g_autoptr (CoroFuture) a = coro_sleep_future (10);
      g_autoptr (CoroFuture) b = coro_sleep_future (10);

      g_assert_true (coro_select (error, b, a, NULL) == b);     /* the order of the arguments */
    }
  return TRUE;
}

static gboolean
one_twice_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroFuture) a = coro_sleep_future (10);

  g_assert_true (coro_select (error, a, a, NULL) == a);
  return TRUE;
}

static gboolean
select_cb (gpointer   futures,
           GValue    *result,
           GError   **error)
{
  if (coro_selectv (futures, 2, error) == NULL)
    return FALSE;
  note ("won");
  return TRUE;
}

static gboolean
cancelled_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroFuture) a = coro_future_new ();
  g_autoptr (CoroFuture) b = coro_future_new ();
  CoroFuture *futures[] = { a, b };
  g_autoptr (CoroTask) waiting = coro_spawn_task (select_cb, futures, NULL);
  g_autoptr (CoroTask) woken = NULL;
  g_autoptr (GError) local_error = NULL;

  if (!coro_yield (error))
    return FALSE;
  coro_task_cancel (waiting);
  if (!coro_join (waiting, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (waiting)), ==, CORO_FUTURE_CANCELLED);
  g_assert_false (coro_future_is_done (a));
  g_assert_false (coro_future_is_done (b));

  /* In time or not at all. */
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, &local_error);

    g_assert_null (coro_select (&local_error, a, b, NULL));
  }
  assert_timed_out (local_error);

  /* Woken and cancelled in the same turn: the select fails, and the code after it does not
   * run. */
  woken = coro_spawn_task (select_cb, futures, NULL);
  if (!coro_yield (error))
    return FALSE;
  coro_future_resolve (b, NULL);
  coro_task_cancel (woken);
  if (!coro_join (woken, error))
    return FALSE;
  assert_trace ("");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (woken)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static void
test_outside (void)
{
  g_autoptr (CoroFuture) pending = coro_future_new ();
  g_autoptr (CoroFuture) done = coro_future_new_for_value (NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_select (&error, pending, done, NULL) == done);
  g_assert_null (coro_select (&error, pending, NULL));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
}

/* The 33rd is not looked at. */
static gboolean
too_many_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (CoroFuture) a = coro_sleep_future (10);
  g_autoptr (CoroFuture) done = coro_future_new_for_value (NULL);
  CoroFuture *winner;

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "coro_select() takes 32 futures*");
  winner = coro_select (error, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a,
                        a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, done, NULL);
  g_test_assert_expected_messages ();
  g_assert_true (winner == a);
  g_assert_true (coro_select (error, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a,
                              a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, done, NULL) == a);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/select/first-in-order", first_in_order_cb);
  coro_test_add_func ("/select/same-turn", same_turn_cb);
  coro_test_add_func ("/select/one-twice", one_twice_cb);
  coro_test_add_func ("/select/cancelled", cancelled_cb);
  coro_test_add_func ("/select/too-many", too_many_cb);
  g_test_add_func ("/select/outside", test_outside);

  return g_test_run ();
}
