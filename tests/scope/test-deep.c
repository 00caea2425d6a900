/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is nested deeper than a stack: the walks through it are loops.  The coroutines in here
 * have the usual stacks, which a call for each level would overflow several times.
 */
#include "test-util.h"

/* Levels that are only objects, and levels that are coroutines. */
#define N_LEVELS (is_slow () ? 20000 : 100000)
#define N_COROUTINES (is_slow () ? 2000 : 10000)

/* --- scopes ------------------------------------------------------------------------ */

/* A shield in the middle comes and goes; what is cancelled is above it. */
static gboolean
cancel_nested_guards_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  int n = N_LEVELS;
  CoroCancelScope *scopes = g_new (CoroCancelScope, n);
  CoroCancelScope *middle = &scopes[n / 2];
  g_autoptr (GError) local_error = NULL;

  for (int i = 0; i < n; i++)
    scopes[i] = coro_cancel_scope_enter (i == n / 4 ? SECOND : G_MAXINT64, &local_error);

  coro_cancel_scope_set_shield (middle, TRUE);
  if (!coro_sleep (2 * SECOND, error))
    return FALSE;
  g_assert_true (coro_cancel_scope_is_expired (&scopes[n / 4]));
  coro_cancel_scope_set_shield (middle, FALSE);
  g_assert_false (coro_sleep (1, &local_error));
  assert_cancelled (local_error);
  coro_cancel_scope_set_shield (middle, TRUE);
  g_clear_error (&local_error);
  coro_cancel_scope_cancel (&scopes[0], NULL);
  if (!coro_sleep (1, error))
    return FALSE;
  coro_cancel_scope_set_shield (middle, FALSE);
  g_assert_false (coro_sleep (1, &local_error));
  assert_cancelled (local_error);

  /* It is the outermost that has stopped the block. */
  for (int i = n - 1; i > 0; i--)
    {
      g_assert_false (coro_cancel_scope_catch (&scopes[i]));
      assert_cancelled (local_error);
    }
  g_assert_true (coro_cancel_scope_catch (&scopes[0]));
  g_assert_no_error (local_error);
  g_free (scopes);
  return coro_sleep (1, error);
}

typedef struct
{
  int n_levels;
  gboolean fails;               /* the innermost does; else it waits */
  int n_entered;
  int n_left;
  int n_cancelled;
} Nest;

static gboolean level_cb (gpointer user_data, GValue *result, GError **error);

static gboolean
run_level (Nest    *self,
           GError **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, level_cb, self, NULL);
  return coro_nursery_join (&nursery);
}

/* A nursery in the member of a nursery, and so on. */
static gboolean
level_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Nest *self = user_data;
  gboolean ok;

  if (++self->n_entered < self->n_levels)
    ok = run_level (self, error);
  else if (self->fails)
    ok = fail_cb ("the innermost", result, error);
  else
    ok = coro_sleep (1000 * SECOND, error);

  self->n_left++;
  self->n_cancelled += g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  return ok;
}

static gboolean
cancel_nested_nurseries_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  Nest nest = { .n_levels = N_COROUTINES };
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  coro_task_group_spawn (group, level_cb, &nest, NULL);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (nest.n_entered, ==, nest.n_levels);
  coro_task_group_cancel (group);
  if (!coro_task_group_join (group, error))
    return FALSE;
  g_assert_cmpint (nest.n_left, ==, nest.n_levels);
  g_assert_cmpint (nest.n_cancelled, ==, nest.n_levels);
  return TRUE;
}

static gboolean
await_future_cb (gpointer   future,
                 GValue    *result,
                 GError   **error)
{
  return coro_await (future, result, error);
}

/* --- errors ------------------------------------------------------------------------ */

static gboolean
fail_in_nested_nurseries_cb (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  Nest nest = { .n_levels = N_COROUTINES, .fails = TRUE };
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GError) match = NULL;
  g_autoptr (GError) rest = NULL;
  const GError *part;
  int n_groups = 0;

  g_assert_false (run_level (&nest, &local_error));
  g_assert_cmpint (nest.n_left, ==, nest.n_levels);
  g_assert_cmpint (nest.n_cancelled, ==, 0);

  for (part = local_error; part->domain == CORO_GROUP_ERROR; part = coro_group_error_get_nth (part, 0))
    n_groups++;
  g_assert_cmpint (n_groups, ==, nest.n_levels);
  g_assert_error (part, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpstr (local_error->message, ==, "the innermost");

  g_assert_true (coro_group_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_FAILED));
  g_assert_false (coro_group_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_BUSY));
  g_assert_true (coro_group_error_split (local_error, G_IO_ERROR, G_IO_ERROR_FAILED, &match, &rest));
  g_assert_null (rest);
  n_groups = 0;
  for (part = match; part->domain == CORO_GROUP_ERROR; part = coro_group_error_get_nth (part, 0))
    n_groups++;
  g_assert_cmpint (n_groups, ==, nest.n_levels);
  return TRUE;
}

/* Both members of a group fail with the same error, and that group is what both members of
 * the next one fail with. */
static gboolean
share_errors_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GError) whole = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "busy");
  g_autoptr (GError) match = NULL;
  g_autoptr (GError) rest = NULL;

  for (int i = 0; i < 100; i++)
    {
      g_autoptr (GError) group_error = NULL;
      CoroFuture *future = coro_future_new_for_error (whole);
      g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_SUPERVISOR, &group_error);

      coro_task_group_spawn (nursery.group, await_future_cb, future, NULL);
      coro_task_group_spawn (nursery.group, await_future_cb, future, NULL);
      g_assert_false (coro_nursery_join (&nursery));
      g_clear_error (&whole);
      whole = g_steal_pointer (&group_error);
      g_object_unref (future);
    }
  g_assert_cmpuint (coro_group_error_get_size (whole), ==, 2);

  /* A visit to each member of each group would take 2¹⁰⁰ steps. */
  g_assert_false (coro_group_error_matches (whole, G_IO_ERROR, G_IO_ERROR_FAILED));
  g_assert_true (coro_group_error_split (whole, G_IO_ERROR, G_IO_ERROR_BUSY, &match, &rest));
  g_assert_cmpuint (coro_group_error_get_size (match), ==, 2);
  g_assert_null (rest);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/deep/cancel-nested-guards", cancel_nested_guards_cb);
  coro_test_add_func ("/deep/cancel-nested-nurseries", cancel_nested_nurseries_cb);
  coro_test_add_func ("/deep/fail-in-nested-nurseries", fail_in_nested_nurseries_cb);
  coro_test_add_func ("/deep/share-errors", share_errors_cb);

  return g_test_run ();
}
