/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Groups and their errors: S311 to S318.
 */
#include "test-util.h"

static gboolean
fetch_cb (gpointer   target,
          GValue    *result,
          GError   **error)
{
  if (!coro_sleep (30 * MILLISECOND, error))
    return FALSE;
  *(int *) target += 1;
  return TRUE;
}

static gboolean
test_waits (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  int one = 1, two = 2;
  gint64 start = now ();
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, fetch_cb, &one, NULL);
  coro_task_group_spawn (nursery.group, fetch_cb, &two, NULL);
  g_assert_true (coro_nursery_join (&nursery));
  g_assert_cmpint (now () - start, ==, 30 * MILLISECOND);
  g_assert_cmpint (one, ==, 2);
  g_assert_cmpint (two, ==, 3);
  return TRUE;
}

static gboolean
fail_later_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  if (!coro_sleep (10 * MILLISECOND, error))
    return FALSE;
  return fail_cb ((gpointer) "A", result, error);
}

static gboolean
sleeper_cb (gpointer   n_left,
            GValue    *result,
            GError   **error)
{
  gboolean ok = coro_sleep (10 * SECOND, error);
  g_auto (CoroShield) shield = coro_shield_enter (0);

  g_assert_true (coro_sleep (5 * MILLISECOND, NULL));
  ++*(int *) n_left;
  return ok;
}

static gboolean
failing_group (int     *n_left,
               GError **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, sleeper_cb, n_left, NULL);
  coro_task_group_spawn (nursery.group, sleeper_cb, n_left, NULL);
  coro_task_group_spawn (nursery.group, fail_later_cb, NULL, NULL);
  return coro_nursery_join (&nursery);
}

static gboolean
test_grouped_error (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();
  int n_left = 0;

  g_assert_false (failing_group (&n_left, &local_error));
  g_assert_error (local_error, CORO_GROUP_ERROR, CORO_GROUP_ERROR_FAILED);
  g_assert_cmpuint (coro_group_error_get_size (local_error), ==, 1);
  g_assert_error (coro_group_error_get_nth (local_error, 0), G_IO_ERROR, G_IO_ERROR_FAILED);

  /* None of them outlives the group. */
  g_assert_cmpint (n_left, ==, 2);
  g_assert_cmpint (now () - start, ==, 15 * MILLISECOND);
  g_assert_cmpuint (coro_scheduler_count_coroutines (coro_scheduler_get_running ()), ==, 1);
  return TRUE;
}

/* data: the code of a G_IO_ERROR */
static gboolean
fail_with_cb (gpointer   code,
              GValue    *result,
              GError   **error)
{
  g_set_error_literal (error, G_IO_ERROR, GPOINTER_TO_INT (code), "a member");
  return FALSE;
}

static gboolean
inner_group_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_SUPERVISOR, error);

  coro_task_group_spawn (nursery.group, fail_with_cb, GINT_TO_POINTER (G_IO_ERROR_BUSY), NULL);
  return coro_nursery_join (&nursery);
}

/* [busy, full, [busy]] */
static void
make_groups (GError **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_SUPERVISOR, error);

  coro_task_group_spawn (nursery.group, fail_with_cb, GINT_TO_POINTER (G_IO_ERROR_BUSY), NULL);
  coro_task_group_spawn (nursery.group, fail_with_cb, GINT_TO_POINTER (G_IO_ERROR_NO_SPACE), NULL);
  coro_task_group_spawn (nursery.group, inner_group_cb, NULL, NULL);
  g_assert_false (coro_nursery_join (&nursery));
}

static gboolean
test_split (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (GError) all = NULL;
  g_autoptr (GError) match = NULL;
  g_autoptr (GError) rest = NULL;
  guint inner;                  /* the child that fails first comes first */

  make_groups (&all);
  g_assert_cmpuint (coro_group_error_get_size (all), ==, 3);
  g_assert_true (coro_group_error_split (all, G_IO_ERROR, G_IO_ERROR_BUSY, &match, &rest));

  g_assert_cmpuint (coro_group_error_get_size (match), ==, 2);
  inner = g_error_matches (coro_group_error_get_nth (match, 0), CORO_GROUP_ERROR, CORO_GROUP_ERROR_FAILED) ? 0 : 1;
  g_assert_error (coro_group_error_get_nth (match, inner), CORO_GROUP_ERROR, CORO_GROUP_ERROR_FAILED);
  g_assert_error (coro_group_error_get_nth (match, 1 - inner), G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_cmpuint (coro_group_error_get_size (rest), ==, 1);
  g_assert_error (coro_group_error_get_nth (rest, 0), G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  return TRUE;
}

static gboolean
test_split_matches_nothing (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (GError) all = NULL;
  g_autoptr (GError) match = NULL;
  g_autoptr (GError) rest = NULL;

  make_groups (&all);
  g_assert_false (coro_group_error_split (all, G_FILE_ERROR, G_FILE_ERROR_BADF, &match, &rest));
  g_assert_null (match);
  g_assert_cmpuint (coro_group_error_get_size (rest), ==, 3);
  return TRUE;
}

/* An error that is no group goes to one of the parts as it is. */
static void
test_split_of_one (void)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "busy");
  g_autoptr (GError) match = NULL;
  g_autoptr (GError) rest = NULL;
  g_autoptr (GError) other = NULL;

  g_assert_true (coro_group_error_split (error, G_IO_ERROR, G_IO_ERROR_BUSY, &match, &rest));
  g_assert_error (match, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_cmpstr (match->message, ==, "busy");
  g_assert_true (match != error);
  g_assert_null (rest);

  g_clear_error (&match);
  g_assert_false (coro_group_error_split (error, G_IO_ERROR, G_IO_ERROR_PENDING, &match, &other));
  g_assert_null (match);
  g_assert_error (other, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_true (other != error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/spec/S311-S312/waits-for-its-members", test_waits);
  coro_test_add_func ("/spec/S314-S315/one-grouped-error-and-none-left", test_grouped_error);
  coro_test_add_func ("/spec/S317/split-keeps-shape", test_split);
  coro_test_add_func ("/spec/S318/unmatched-goes-on", test_split_matches_nothing);
  g_test_add_func ("/spec/S317/split-of-one-error", test_split_of_one);

  return g_test_run ();
}
