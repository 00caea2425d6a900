/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Nurseries, groups and loops over arrays.
 */
#include "test-util.h"

typedef struct
{
  const char *name;
  GTimeSpan duration;
  GTimeSpan cleanup;            /* when cancelled, this long */
  gboolean fails;
  int started;
  int ended;
  int cancelled;
} Child;

static gboolean
child_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Child *self = user_data;

  self->started++;
  if (!coro_sleep (self->duration, error))
    {
      self->cancelled++;
      if (self->cleanup > 0)
        {
          g_auto (CoroShield) shield = coro_shield_enter (0);

          coro_sleep (self->cleanup, NULL);
        }
      self->ended++;
      return FALSE;
    }
  self->ended++;
  if (self->name != NULL)
    note (self->name);
  if (!self->fails)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", self->name);
  return FALSE;
}

static void
assert_group_error (const GError *error,
                    const char   *messages)
{
  g_autoptr (GString) all = g_string_new (NULL);

  g_assert_error (error, CORO_GROUP_ERROR, CORO_GROUP_ERROR_FAILED);
  for (guint i = 0; i < coro_group_error_get_size (error); i++)
    g_string_append_printf (all, "%s%s", i > 0 ? " " : "", coro_group_error_get_nth (error, i)->message);
  g_assert_cmpstr (all->str, ==, messages);
}

/* --- joining ---------------------------------------------------------------------- */

static gboolean
run_children (Child    *children,
              int       n_children,
              GError  **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < n_children; i++)
    coro_task_group_spawn (nursery.group, child_cb, &children[i], NULL);
  return coro_nursery_join (&nursery);
}

static gboolean
waits_for_all_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Child children[] = { { "b", 50 }, { "a", 10 } };
  gint64 start = now ();

  if (!run_children (children, 2, error))
    return FALSE;
  assert_trace ("a b");
  g_assert_cmpint (now () - start, ==, 50);
  return TRUE;
}

static gboolean
no_members_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  return run_children (NULL, 0, error);
}

static gboolean
failure_cancels_siblings_cb (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  Child children[] = { { "bad", 10, 0, TRUE }, { "slow", 10 * SECOND, 5 }, { "quick", 3 } };
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();

  g_assert_false (run_children (children, 3, &local_error));
  assert_group_error (local_error, "bad");
  g_assert_true (coro_group_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_FAILED));
  g_assert_false (coro_group_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_assert_cmpint (children[1].cancelled, ==, 1);
  g_assert_cmpint (children[1].ended, ==, 1);           /* never before the last child has stopped */
  g_assert_cmpint (now () - start, ==, 15);
  assert_trace ("quick bad");
  return coro_yield (error);                            /* its cancel does not leak out */
}

static gboolean
errors_in_completion_order_cb (gpointer   user_data,
                               GValue    *result,
                               GError   **error)
{
  Child children[] = { { "3", 30, 0, TRUE }, { "1", 10, 0, TRUE }, { "2", 20, 0, TRUE } };
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GError) copy = NULL;

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_SUPERVISOR, &local_error);

    for (int i = 0; i < 3; i++)
      coro_task_group_spawn (nursery.group, child_cb, &children[i], NULL);
    g_assert_false (coro_nursery_join (&nursery));
  }
  assert_group_error (local_error, "1 2 3");
  assert_trace ("1 2 3");
  copy = g_error_copy (local_error);
  assert_group_error (copy, "1 2 3");
  return TRUE;
}

static gboolean
fail_at_once_cb (gpointer   name,
                 GValue    *result,
                 GError   **error)
{
  note (name);
  return fail_cb (name, result, error);
}

/* None of them waits: the failure of the first finds the second on its way. */
static gboolean
same_turn_failures_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *order = NULL;

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &local_error);

    coro_task_group_spawn (nursery.group, fail_at_once_cb, "1", NULL);
    coro_task_group_spawn (nursery.group, fail_at_once_cb, "2", NULL);
    g_assert_false (coro_nursery_join (&nursery));
  }
  g_assert_cmpuint (coro_group_error_get_size (local_error), ==, 2);
  order = g_string_free (g_steal_pointer (&trace), FALSE);
  assert_group_error (local_error, order);
  return TRUE;
}

/* Both timers have fired before the first child runs.  But the other one is cancelled before it
 * goes on, and so its wait fails. */
static gboolean
woken_is_cancelled_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  Child children[] = { { "1", 10, 0, TRUE }, { "2", 10, 0, TRUE } };
  g_autoptr (GError) local_error = NULL;
  g_autofree char *first = NULL;

  g_assert_false (run_children (children, 2, &local_error));
  first = g_string_free (g_steal_pointer (&trace), FALSE);
  assert_group_error (local_error, first);
  g_assert_cmpint (children[0].cancelled + children[1].cancelled, ==, 1);
  return TRUE;
}

/* --- leaving early ---------------------------------------------------------------- */

static gboolean
leave (Child    *children,
       int       n_children,
       gboolean  with_error,
       GError  **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < n_children; i++)
    coro_task_group_spawn (nursery.group, child_cb, &children[i], NULL);
  if (!coro_sleep (20, NULL))
    return FALSE;
  if (!with_error)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "body");
  return FALSE;
}

static gboolean
leaving_cancels_and_joins_cb (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  Child children[] = { { "done", 10 }, { "slow", SECOND, 100 } };
  gint64 start = now ();

  if (!leave (children, 2, FALSE, error))
    return FALSE;
  g_assert_no_error (*error);
  g_assert_cmpint (children[1].cancelled, ==, 1);
  g_assert_cmpint (children[1].ended, ==, 1);
  g_assert_cmpint (now () - start, ==, 120);
  assert_trace ("done");
  return coro_yield (error);
}

static gboolean
body_error_alone_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  Child children[] = { { "slow", SECOND } };
  g_autoptr (GError) local_error = NULL;

  g_assert_false (leave (children, 1, TRUE, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpint (children[0].ended, ==, 1);
  return TRUE;
}

/* Fails when it is cancelled, as cleanup may. */
static gboolean
fail_when_cancelled_cb (gpointer   message,
                        GValue    *result,
                        GError   **error)
{
  coro_sleep (SECOND, NULL);
  return fail_cb (message, result, error);
}

static gboolean
leave_with (const char  *message,
            GError     **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, fail_when_cancelled_cb, "child", NULL);
  if (!coro_yield (error))
    return FALSE;
  if (message == NULL)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, message);
  return FALSE;
}

static gboolean
body_error_is_last_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (leave_with ("body", &local_error));
  assert_group_error (local_error, "child body");
  return TRUE;
}

static gboolean
success_stays_success_cb (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*child*");
  g_assert_true (leave_with (NULL, error));
  g_test_assert_expected_messages ();
  g_assert_no_error (*error);
  return TRUE;
}

/* The failure of a child stops the body; what the body sees is no failure of its own. */
static gboolean
failing_child_stops_body (GError **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, fail_cb, "child", NULL);
  if (!coro_sleep (SECOND, error))
    {
      assert_cancelled (*error);
      return FALSE;
    }
  return coro_nursery_join (&nursery);
}

static gboolean
failing_child_stops_body_cb (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();

  g_assert_false (failing_child_stops_body (&local_error));
  assert_group_error (local_error, "child");
  g_assert_cmpint (now (), ==, start);
  g_assert_cmpint (coro_task_get_cancelling (coro_task_get_current ()), ==, 0);
  return coro_yield (error);
}

static gboolean
two_nurseries (GError **error)
{
  g_auto (CoroNursery) outer = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  g_autoptr (GError) inner_error = NULL;

  g_assert_false (failing_child_stops_body (&inner_error));
  assert_group_error (inner_error, "child");
  if (!coro_sleep (10, error))
    return FALSE;
  coro_task_group_spawn (outer.group, fail_cb, "outer", NULL);
  g_propagate_error (error, g_steal_pointer (&inner_error));
  return FALSE;
}

static gboolean
nested_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (two_nurseries (&local_error));
  /* "outer" was spawned into a group that was cancelled before its first await: it ran. */
  g_assert_error (local_error, CORO_GROUP_ERROR, CORO_GROUP_ERROR_FAILED);
  g_assert_true (coro_group_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_FAILED));
  g_assert_cmpint (coro_group_error_get_size (local_error), ==, 2);
  g_assert_cmpstr (coro_group_error_get_nth (local_error, 0)->message, ==, "outer");
  assert_group_error (coro_group_error_get_nth (local_error, 1), "child");
  return TRUE;
}

/* --- cancelling ------------------------------------------------------------------- */

static gboolean
run_children_cb (gpointer   children,
                 GValue    *result,
                 GError   **error)
{
  return run_children (children, 2, error);
}

static gboolean
external_cancel_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  Child children[] = { { "a", SECOND, 100 }, { "b", SECOND } };
  g_autoptr (CoroTask) task = coro_spawn_task (run_children_cb, children, NULL);
  gint64 start = now ();

  if (!coro_sleep (10, error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (children[0].ended, ==, 1);
  g_assert_cmpint (children[1].ended, ==, 1);
  g_assert_cmpint (now () - start, ==, 110);
  return TRUE;
}

static gboolean
run_failing_child_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &local_error);

    coro_task_group_spawn (nursery.group, fail_when_cancelled_cb, "child", NULL);
    g_assert_false (coro_nursery_join (&nursery));
  }
  assert_group_error (local_error, "child");
  g_assert_cmpint (coro_task_get_cancelling (coro_task_get_current ()), ==, 1);
  return coro_sleep (SECOND, error);            /* the request survives the group */
}

/* The same where the request finds the coroutine in the body of the nursery. */
static gboolean
leave_with_failing_child (GError **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, fail_when_cancelled_cb, "child", NULL);
  return coro_sleep (SECOND, error);
}

static gboolean
leave_failing_child_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (leave_with_failing_child (&local_error));
  assert_group_error (local_error, "child");
  return coro_sleep (SECOND, error);
}

static gboolean
external_cancel_of_body_with_failure_cb (gpointer   user_data,
                                         GValue    *result,
                                         GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (leave_failing_child_cb, NULL, NULL);

  if (!coro_sleep (10, error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

/* A failing member cancels the body: that is no request for the coroutine, also where one
 * has come before and was heard. */
static gboolean
fail_below_body (GError **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, fail_cb, "child", NULL);
  return coro_sleep (SECOND, error);
}

static gboolean
heard_before_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GError) group_error = NULL;

  g_assert_false (coro_sleep (SECOND, &local_error));
  assert_cancelled (local_error);
  g_assert_false (fail_below_body (&group_error));
  assert_group_error (group_error, "child");
  return coro_sleep (SECOND, error);
}

static gboolean
failure_is_no_request_cb (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (heard_before_cb, NULL, NULL);

  if (!coro_sleep (10, error))
    return FALSE;
  coro_task_cancel (task);
  return coro_await (task, NULL, error);
}

static gboolean
external_cancel_with_failure_cb (gpointer   user_data,
                                 GValue    *result,
                                 GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (run_failing_child_cb, NULL, NULL);

  if (!coro_sleep (10, error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
cancelled_by_hand_is_no_failure_cb (gpointer   user_data,
                                    GValue    *result,
                                    GError   **error)
{
  Child child = { "a", SECOND };
  Child other = { "b", 100 };
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  g_autoptr (CoroTask) task = coro_task_group_spawn_task (nursery.group, child_cb, &child, NULL);

  coro_task_group_spawn (nursery.group, child_cb, &other, NULL);
  if (!coro_sleep (10, error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_nursery_join (&nursery))
    return FALSE;
  assert_trace ("b");
  return TRUE;
}

static gboolean
cancel_group_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  Child children[] = { { "a", SECOND }, { "b", SECOND } };
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  for (int i = 0; i < 2; i++)
    coro_task_group_spawn (group, child_cb, &children[i], NULL);
  if (!coro_yield (error))
    return FALSE;
  g_assert_cmpint (coro_task_group_get_n_members (group), ==, 2);
  coro_task_group_cancel (group);
  coro_task_group_cancel (group);
  if (!coro_task_group_join (group, error))
    return FALSE;
  g_assert_cmpint (coro_task_group_get_n_members (group), ==, 0);
  g_assert_cmpint (children[0].cancelled + children[1].cancelled, ==, 2);

  /* Those that come later run, to their first await. */
  coro_task_group_spawn (group, child_cb, &children[0], NULL);
  if (!coro_task_group_join (group, error))
    return FALSE;
  g_assert_cmpint (children[0].started, ==, 2);
  g_assert_cmpint (children[0].cancelled, ==, 2);
  return TRUE;
}

static gboolean
timeout_reaches_members_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  Child children[] = { { "a", SECOND, 7 }, { "b", 5 } };
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, &local_error);

    g_assert_false (run_children (children, 2, &local_error));
  }
  assert_timed_out (local_error);
  assert_trace ("b");
  g_assert_cmpint (now () - start, ==, 17);
  return TRUE;
}

static gboolean
failure_in_timeout_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, &local_error);
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &local_error);

    coro_task_group_spawn (nursery.group, fail_when_cancelled_cb, "child", NULL);
    g_assert_false (coro_nursery_join (&nursery));
  }
  assert_group_error (local_error, "child");
  return TRUE;
}

/* --- supervising ------------------------------------------------------------------ */

static gboolean
supervisor_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  Child children[] = { { "bad", 10, 0, TRUE }, { "good", 100 } };
  g_autoptr (GError) local_error = NULL;
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);

  for (int i = 0; i < 2; i++)
    coro_task_group_spawn (group, child_cb, &children[i], NULL);
  g_assert_false (coro_task_group_join (group, &local_error));
  assert_group_error (local_error, "bad");
  assert_trace ("bad good");
  return coro_task_group_join (group, error);   /* they were given once */
}

static gboolean
two_joiners_cb (gpointer   group,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  if (!coro_task_group_join (group, &local_error))
    {
      assert_group_error (local_error, "bad");
      note ("failed");
      return TRUE;
    }
  note ("joined");
  return TRUE;
}

static gboolean
joined_twice_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  Child child = { "bad", 10, 0, TRUE };
  g_autoptr (CoroTask) one = coro_spawn_task (two_joiners_cb, group, NULL);
  g_autoptr (CoroTask) two = coro_spawn_task (two_joiners_cb, group, NULL);

  coro_task_group_spawn (group, child_cb, &child, NULL);
  if (!coro_join (one, error) || !coro_join (two, error))
    return FALSE;
  assert_trace ("bad failed joined");
  return TRUE;
}

/* The owner drops the group; its last member ends, and with it the last reference. */
static gboolean
dropped_while_joined_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  CoroTaskGroup *group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  Child child = { "member", 10 };
  g_autoptr (CoroTask) task = NULL;
  GWeakRef ref;

  g_weak_ref_init (&ref, group);
  coro_task_group_spawn (group, child_cb, &child, NULL);
  task = coro_spawn_task (two_joiners_cb, group, NULL);
  if (!coro_test_settle (error))
    return FALSE;
  g_object_unref (group);
  if (!coro_await (task, NULL, error))
    return FALSE;
  assert_trace ("member joined");
  g_assert_null (g_weak_ref_get (&ref));
  g_weak_ref_clear (&ref);
  return TRUE;
}

static gboolean
member_spawns_sibling_cb (gpointer   group,
                          GValue    *result,
                          GError   **error)
{
  static Child child = { "sibling", 50 };

  if (!coro_sleep (10, error))
    return FALSE;
  coro_task_group_spawn (group, child_cb, &child, NULL);
  return TRUE;
}

static gboolean
siblings_are_joined_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, member_spawns_sibling_cb, nursery.group, NULL);
  if (!coro_nursery_join (&nursery))
    return FALSE;
  assert_trace ("sibling");
  return TRUE;
}

static gboolean
handle_in_group_is_reported_once_cb (gpointer   user_data,
                                     GValue    *result,
                                     GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &local_error);
    G_GNUC_UNUSED g_autoptr (CoroTask) task = coro_task_group_spawn_task (nursery.group, fail_cb, "once", NULL);

    g_assert_false (coro_nursery_join (&nursery));
  }
  assert_group_error (local_error, "once");
  return coro_sleep (1, error);                 /* and no warning */
}

static gboolean
nursery_joined_twice_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &local_error);

    g_assert_true (coro_nursery_join (&nursery));
    g_assert_false (coro_nursery_join (&nursery));
  }
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return coro_yield (error);
}

typedef struct
{
  CoroNursery nursery;
  gboolean left;
} LeftNursery;

static gboolean
leave_nursery_cb (gpointer user_data)
{
  LeftNursery *self = user_data;

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "A nursery was left with 2 members*nested*");
  coro_nursery_exit (&self->nursery);
  g_test_assert_expected_messages ();
  self->left = TRUE;
  return G_SOURCE_REMOVE;
}

/* Nothing can wait below a nested loop: the members are cancelled, and end later.  The coroutine
 * goes on without the nursery. */
static gboolean
nursery_left_below_loop_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  Child children[] = { { "a", SECOND }, { "b", SECOND, .cleanup = MILLISECOND } };
  g_autoptr (GSource) source = g_idle_source_new ();
  LeftNursery self = { coro_nursery_enter (CORO_TASK_GROUP_NONE, error), FALSE };
  g_autoptr (CoroTaskGroup) group = g_object_ref (self.nursery.group);

  for (guint i = 0; i < G_N_ELEMENTS (children); i++)
    coro_task_group_spawn (self.nursery.group, child_cb, &children[i], NULL);
  if (!coro_yield (error))
    return FALSE;

  g_source_set_callback (source, leave_nursery_cb, &self, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  while (!self.left)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);

  g_assert_null (self.nursery.group);
  g_assert_true (coro_sleep (2 * MILLISECOND, error));
  for (guint i = 0; i < G_N_ELEMENTS (children); i++)
    {
      g_assert_cmpint (children[i].cancelled, ==, 1);
      g_assert_cmpint (children[i].ended, ==, 1);
    }
  g_assert_cmpuint (coro_task_group_get_n_members (group), ==, 0);
  return TRUE;
}

static gboolean
finished_group_refuses_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  CoroTaskGroup *group;
  int destroyed = 0;

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

    group = g_object_ref (nursery.group);
    if (!coro_nursery_join (&nursery))
      return FALSE;
    g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*joined*");
    coro_task_group_spawn (group, forever_cb, &destroyed, count_cb);
    g_test_assert_expected_messages ();
    g_assert_cmpint (destroyed, ==, 1);

    g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*joined*");
    {
      g_autoptr (CoroTask) task = coro_task_group_spawn_task (group, forever_cb, &destroyed, count_cb);
      g_autoptr (GError) local_error = NULL;

      g_test_assert_expected_messages ();
      g_assert_cmpint (destroyed, ==, 2);
      g_assert_false (coro_await (task, NULL, &local_error));
      g_assert_error (local_error, CORO_ERROR, CORO_ERROR_CLOSED);
    }

    /* The guard's own pointer must not mean "any group" now. */
    g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*");
    coro_task_group_spawn (nursery.group, forever_cb, &destroyed, count_cb);
    g_test_assert_expected_messages ();
    g_assert_cmpint (destroyed, ==, 3);
  }
  g_object_unref (group);
  return TRUE;
}

typedef struct
{
  int n_begun;
  int n_cancelled;
  int n_freed;
} Begun;

static gboolean
begin_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Begun *self = user_data;
  gboolean ok;

  self->n_begun++;
  ok = coro_sleep (SECOND, error);
  if (!ok && coro_error_is_cancelled (*error))
    self->n_cancelled++;
  return ok;
}

static void
begun_freed_cb (gpointer user_data)
{
  ((Begun *) user_data)->n_freed++;
}

/* What has not begun when a group is cancelled that is not joined never does; when it is wound
 * up, it does. */
static gboolean
unjoined_unbegun_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroTaskGroup) cancelled = coro_task_group_new (CORO_TASK_GROUP_UNJOINED);
  g_autoptr (CoroTaskGroup) wound_up = coro_task_group_new (CORO_TASK_GROUP_UNJOINED);
  Begun dropped = { 0, };
  Begun begun = { 0, };

  coro_task_group_spawn (cancelled, begin_cb, &dropped, begun_freed_cb);
  coro_task_group_spawn (wound_up, begin_cb, &begun, begun_freed_cb);
  coro_task_group_cancel (cancelled);
  coro_task_group_wind_up (wound_up);
  coro_task_group_spawn (cancelled, begin_cb, &dropped, begun_freed_cb);
  coro_task_group_spawn (wound_up, begin_cb, &begun, begun_freed_cb);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (dropped.n_begun, ==, 0);
  g_assert_cmpint (dropped.n_freed, ==, 2);
  g_assert_cmpint (begun.n_begun, ==, 2);
  g_assert_cmpint (begun.n_cancelled, ==, 2);
  g_assert_cmpint (begun.n_freed, ==, 2);

  coro_task_group_cancel (wound_up);            /* what it is for is gone by now */
  coro_task_group_spawn (wound_up, begin_cb, &begun, begun_freed_cb);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (begun.n_begun, ==, 2);
  g_assert_cmpint (begun.n_freed, ==, 3);
  return TRUE;
}

static gboolean
stubborn_cb (gpointer   event,
             GValue    *result,
             GError   **error)
{
  g_auto (CoroShield) shield = coro_shield_enter (0);

  return coro_event_wait (event, error);
}

/* Members above the limit wait for their places and begin as well, unless they are cancelled
 * themselves; a cancel of the group drops them. */
static gboolean
wind_up_above_limit_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_UNJOINED);
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (CoroEvent) event = coro_event_new ();
  Begun begun = { 0, };
  Begun dropped = { 0, };

  coro_task_group_limit (group, 1);
  for (int i = 0; i < 3; i++)
    coro_task_group_spawn (group, begin_cb, &begun, begun_freed_cb);
  task = coro_task_group_spawn_task (group, begin_cb, &dropped, begun_freed_cb);
  coro_task_group_wind_up (group);
  coro_task_cancel (task);
  coro_task_group_spawn (group, begin_cb, &begun, begun_freed_cb);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (begun.n_begun, ==, 4);
  g_assert_cmpint (begun.n_cancelled, ==, 4);
  g_assert_cmpint (begun.n_freed, ==, 4);
  g_assert_cmpint (dropped.n_begun, ==, 0);
  g_assert_cmpint (dropped.n_freed, ==, 1);

  coro_task_group_spawn (group, stubborn_cb, event, NULL);
  for (int i = 0; i < 3; i++)
    coro_task_group_spawn (group, begin_cb, &dropped, begun_freed_cb);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (dropped.n_freed, ==, 1);
  coro_task_group_cancel (group);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (dropped.n_begun, ==, 0);
  g_assert_cmpint (dropped.n_freed, ==, 4);
  coro_event_trigger (event);
  return coro_test_settle (error);
}

static gboolean
unjoined_failure_is_said_cb (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  CoroTaskGroup *group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  coro_task_group_spawn (group, fail_cb, "unseen", NULL);
  g_object_unref (group);                       /* its members keep it */
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*not joined*unseen*");
  if (!coro_sleep (1, error))
    return FALSE;
  g_test_assert_expected_messages ();
  return TRUE;
}

/* --- limits ----------------------------------------------------------------------- */

typedef struct
{
  int n_running;
  int most;
  int order;
} Limited;

static gboolean
limited_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Limited *self = user_data;
  int number = self->order++;

  self->n_running++;
  self->most = MAX (self->most, self->n_running);
  if (!coro_sleep (10 + number % 3, error))
    return FALSE;
  self->n_running--;
  return TRUE;
}

static gboolean
limit_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Limited self = { 0, };
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_limit (nursery.group, 3);
  for (int i = 0; i < 20; i++)
    coro_task_group_spawn (nursery.group, limited_cb, &self, NULL);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (self.n_running, ==, 3);
  if (!coro_sleep (11, error))
    return FALSE;
  coro_task_group_limit (nursery.group, 5);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (self.n_running, ==, 5);
  coro_task_group_limit (nursery.group, 1);
  if (!coro_nursery_join (&nursery))
    return FALSE;
  g_assert_cmpint (self.order, ==, 20);
  g_assert_cmpint (self.most, ==, 5);
  g_assert_cmpint (self.n_running, ==, 0);
  return TRUE;
}

static gboolean
limit_and_failure_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  Child children[6] = { { "bad", 10, 0, TRUE }, };
  g_autoptr (GError) local_error = NULL;

  for (int i = 1; i < 6; i++)
    children[i] = (Child) { NULL, SECOND };
  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &local_error);

    coro_task_group_limit (nursery.group, 2);
    for (int i = 0; i < 6; i++)
      coro_task_group_spawn (nursery.group, child_cb, &children[i], NULL);
    g_assert_false (coro_nursery_join (&nursery));
  }
  assert_group_error (local_error, "bad");
  for (int i = 1; i < 6; i++)
    {
      /* To its first await, as in Trio; those that have no place yet wait for that, and the
       * wait fails. */
      g_assert_cmpint (children[i].started, ==, i < 2);
      g_assert_cmpint (children[i].cancelled, ==, i < 2);
    }
  assert_trace ("bad");
  return TRUE;
}

/* A body that holds its place until an event is set, whatever happens. */
static gboolean
never_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_assert_not_reached ();
}

static gboolean
cancel_ends_a_wait_for_room_cb (gpointer   user_data,
                                   GValue    *result,
                                   GError   **error)
{
  g_autoptr (CoroEvent) event = coro_event_new ();
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  CoroTask *tasks[5];
  Child last = { NULL, 1 };
  int n_freed = 0;

  coro_task_group_limit (group, 1);
  coro_task_group_spawn (group, stubborn_cb, event, NULL);
  for (int i = 0; i < 5; i++)
    tasks[i] = coro_task_group_spawn_task (group, never_cb, &n_freed, count_cb);
  coro_task_group_spawn (group, child_cb, &last, NULL);

  /* In the middle, at both ends of these, and taken back in between. */
  for (int i = 0; i < 5; i++)
    {
      CoroTask *task = tasks[(i + 2) % 5];

      g_assert_true (coro_task_cancel (task));
      g_assert_cmpint (n_freed, ==, i);           /* nothing of others runs inside the call */
      if (i == 1)
        {
          g_assert_cmpint (coro_task_uncancel (task), ==, 0);
          g_assert_true (coro_task_cancel (task));
        }
      if (!coro_join (task, error))
        return FALSE;
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
      g_assert_cmpint (n_freed, ==, i + 1);
      g_object_unref (task);
    }
  g_assert_cmpint (coro_task_group_get_n_members (group), ==, 2);
  g_assert_cmpint (last.started, ==, 0);

  coro_event_trigger (event);
  if (!coro_task_group_join (group, error))
    return FALSE;
  g_assert_cmpint (last.started, ==, 1);
  return TRUE;
}

static gboolean
cancelled_group_keeps_no_line_cb (gpointer   user_data,
                                  GValue    *result,
                                  GError   **error)
{
  g_autoptr (CoroEvent) event = coro_event_new ();
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  int n_freed = 0;

  coro_task_group_limit (group, 1);
  coro_task_group_spawn (group, stubborn_cb, event, NULL);
  for (int i = 0; i < 10; i++)
    coro_task_group_spawn (group, never_cb, &n_freed, count_cb);
  if (!coro_test_settle (error))
    return FALSE;

  coro_task_group_cancel (group);
  coro_task_group_spawn (group, never_cb, &n_freed, count_cb);  /* one that comes later */
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (n_freed, ==, 11);
  g_assert_cmpint (coro_task_group_get_n_members (group), ==, 1);
  coro_event_trigger (event);
  return coro_task_group_join (group, error);
}

/* The member that has the only place waits for a member that needs this place. */
static gboolean
waits_for_next_in_line_cb (gpointer   next,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_wait_for (*(CoroTask **) next, 10, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  return TRUE;
}

static gboolean
member_waits_for_next_in_line_cb (gpointer   user_data,
                                  GValue    *result,
                                  GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  g_autoptr (CoroTask) next = NULL;

  coro_task_group_limit (nursery.group, 1);
  coro_task_group_spawn (nursery.group, waits_for_next_in_line_cb, &next, NULL);
  next = coro_task_group_spawn_task (nursery.group, never_cb, NULL, NULL);
  return coro_nursery_join (&nursery);
}

/* Three members for a group with room for one.  Returns the second, which waits for its place. */
static CoroTask *
spawn_in_line (CoroTaskGroup *group,
               Child         *children)
{
  CoroTask *second;

  coro_task_group_limit (group, 1);
  coro_task_group_spawn (group, child_cb, &children[0], NULL);
  second = coro_task_group_spawn_task (group, child_cb, &children[1], NULL);
  coro_task_group_spawn (group, child_cb, &children[2], NULL);
  return second;
}

static gboolean
cancel_while_waiting_for_room_cb (gpointer   user_data,
                                  GValue    *result,
                                  GError   **error)
{
  Child children[] = { { "a", 100 }, { "b", 100 }, { "c", 100 } };
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  g_autoptr (CoroTask) second = NULL;

  second = spawn_in_line (group, children);
  if (!coro_yield (error))
    return FALSE;
  coro_task_cancel (second);
  if (!coro_task_group_join (group, error))
    return FALSE;
  assert_trace ("a c");
  g_assert_cmpint (children[1].started, ==, 0);
  return TRUE;
}

static gboolean
uncancelled_waits_for_room_again_cb (gpointer   user_data,
                                     GValue    *result,
                                     GError   **error)
{
  Child children[] = { { "a", 10 }, { "b", 10 }, { "c", 10 } };
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  g_autoptr (CoroTask) second = NULL;

  second = spawn_in_line (group, children);
  if (!coro_yield (error))
    return FALSE;
  g_assert_true (coro_task_cancel (second));
  g_assert_cmpint (coro_task_uncancel (second), ==, 0);
  if (!coro_yield (error))
    return FALSE;
  g_assert_cmpint (children[1].started, ==, 0);         /* there is no room yet */
  if (!coro_task_group_join (group, error))
    return FALSE;
  assert_trace ("a c b");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (second)), ==, CORO_FUTURE_RESOLVED);

  /* There is room by then. */
  coro_task_group_spawn (group, child_cb, &children[0], NULL);
  g_object_unref (second);
  second = coro_task_group_spawn_task (group, child_cb, &children[1], NULL);
  g_assert_true (coro_task_cancel (second));
  coro_task_group_limit (group, 2);
  g_assert_cmpint (coro_task_uncancel (second), ==, 0);
  if (!coro_task_group_join (group, error))
    return FALSE;
  assert_trace_in_any_order ("a b");
  return TRUE;
}

/* --- arrays ----------------------------------------------------------------------- */

static gboolean
each_cb (Child    *self,
         gpointer  user_data,
         GError  **error)
{
  int *n_running = user_data;
  gboolean ok;

  ++*n_running;
  g_assert_cmpint (*n_running, <=, 2);
  ok = child_cb (self, NULL, error);
  --*n_running;
  return ok;
}

static gboolean
each_runs_all_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Child children[] = { { "a", 30 }, { "b", 10 }, { "c", 10 }, { "d", 5 } };
  int n_running = 0;

  if (!CORO_EACH (children, 2, each_cb, &n_running, error))
    return FALSE;
  assert_trace ("b c d a");
  return coro_each (children, 0, sizeof (Child), 2, (CoroEachFunc) each_cb, NULL, error);
}

static gboolean
each_gives_the_failure_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  Child children[] = { { "a", 5 }, { "bad", 10, 0, TRUE }, { "c", SECOND } };
  g_autoptr (GError) local_error = NULL;
  int n_running = -1;

  g_assert_false (CORO_EACH (children, 0, each_cb, &n_running, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpstr (local_error->message, ==, "bad");
  g_assert_cmpint (children[2].cancelled, ==, 1);
  assert_trace ("a bad");
  return TRUE;
}

static gboolean
each_in_timeout_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  Child children[] = { { "a", 5 }, { "b", 100 } };
  g_autoptr (GError) local_error = NULL;
  int n_running = 0;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, &local_error);

    g_assert_false (CORO_EACH (children, 0, each_cb, &n_running, &local_error));
  }
  assert_timed_out (local_error);
  assert_trace ("a");
  return TRUE;
}

static void
test_outside (void)
{
  Child children[] = { { "a", 5 } };
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) nursery_error = NULL;
  int n_running = 0, destroyed = 0;

  g_assert_false (CORO_EACH (children, 0, each_cb, &n_running, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  g_assert_cmpint (children[0].started, ==, 0);

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*nursery needs a coroutine*");
  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &nursery_error);

    g_test_assert_expected_messages ();
    g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*");
    coro_task_group_spawn (nursery.group, forever_cb, &destroyed, count_cb);
    g_test_assert_expected_messages ();
    g_assert_cmpint (destroyed, ==, 1);
    g_assert_false (coro_nursery_join (&nursery));
  }
  g_assert_error (nursery_error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  settle (NULL);
}

/* Touches more stack than a coroutine of the library has. */
G_NO_INLINE static int
recurse (int depth)
{
  volatile char frame[4096];

  frame[0] = (char) depth;
  return depth > 0 ? recurse (depth - 1) + frame[0] : 0;
}

static gboolean
deep_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  recurse (100);
  return TRUE;
}

static gboolean
deep_nursery_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_spawn (nursery.group, deep_cb, NULL, NULL);
  return coro_nursery_join (&nursery);
}

static gboolean
test_nursery_inherits_stack_size (gpointer   user_data,
                                  GValue    *result,
                                  GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);

  coro_task_group_set_stack_size (group, 1024 * 1024);
  coro_task_group_spawn (group, deep_nursery_cb, NULL, NULL);
  return coro_task_group_join (group, error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/scope/nursery/inherits-stack-size", test_nursery_inherits_stack_size);
  coro_test_add_func ("/spec/S128/waits-for-all", waits_for_all_cb);
  coro_test_add_func ("/nursery/no-members", no_members_cb);
  coro_test_add_func ("/spec/S313/failure-cancels-siblings", failure_cancels_siblings_cb);
  coro_test_add_func ("/nursery/errors-in-completion-order", errors_in_completion_order_cb);
  coro_test_add_func ("/spec/S316/same-turn", same_turn_failures_cb);
  coro_test_add_func ("/scope/group/woken-in-the-turn-of-a-failure-is-cancelled", woken_is_cancelled_cb);
  coro_test_add_func ("/nursery/leaving-cancels-and-joins", leaving_cancels_and_joins_cb);
  coro_test_add_func ("/nursery/body-error-alone", body_error_alone_cb);
  coro_test_add_func ("/nursery/body-error-is-last", body_error_is_last_cb);
  coro_test_add_func ("/nursery/success-stays-success", success_stays_success_cb);
  coro_test_add_func ("/nursery/failing-child-stops-body", failing_child_stops_body_cb);
  coro_test_add_func ("/nursery/nested", nested_cb);
  coro_test_add_func ("/nursery/external-cancel", external_cancel_cb);
  coro_test_add_func ("/nursery/external-cancel-with-failure", external_cancel_with_failure_cb);
  coro_test_add_func ("/nursery/external-cancel-of-body-with-failure", external_cancel_of_body_with_failure_cb);
  coro_test_add_func ("/nursery/failure-is-no-request", failure_is_no_request_cb);
  coro_test_add_func ("/nursery/cancelled-by-hand-is-no-failure", cancelled_by_hand_is_no_failure_cb);
  coro_test_add_func ("/nursery/timeout-reaches-members", timeout_reaches_members_cb);
  coro_test_add_func ("/nursery/failure-in-timeout", failure_in_timeout_cb);
  coro_test_add_func ("/nursery/siblings-are-joined", siblings_are_joined_cb);
  coro_test_add_func ("/nursery/handle-is-reported-once", handle_in_group_is_reported_once_cb);
  coro_test_add_func ("/nursery/finished-refuses", finished_group_refuses_cb);
  coro_test_add_func ("/nursery/joined-twice", nursery_joined_twice_cb);
  coro_test_add_func ("/nursery/left-below-a-nested-loop", nursery_left_below_loop_cb);
  coro_test_add_func ("/group/cancel", cancel_group_cb);
  coro_test_add_func ("/group/supervisor", supervisor_cb);
  coro_test_add_func ("/group/two-joiners", joined_twice_cb);
  coro_test_add_func ("/group/dropped-while-joined", dropped_while_joined_cb);
  coro_test_add_func ("/group/unjoined-unbegun", unjoined_unbegun_cb);
  coro_test_add_func ("/group/wind-up-above-limit", wind_up_above_limit_cb);
  coro_test_add_func ("/group/unjoined-failure-is-said", unjoined_failure_is_said_cb);
  coro_test_add_func ("/group/limit", limit_cb);
  coro_test_add_func ("/group/limit-and-failure", limit_and_failure_cb);
  coro_test_add_func ("/group/cancel-ends-a-wait-for-room", cancel_ends_a_wait_for_room_cb);
  coro_test_add_func ("/group/cancelled-group-keeps-no-line", cancelled_group_keeps_no_line_cb);
  coro_test_add_func ("/group/member-waits-for-next-in-line", member_waits_for_next_in_line_cb);
  coro_test_add_func ("/group/cancel-while-waiting-for-room", cancel_while_waiting_for_room_cb);
  coro_test_add_func ("/group/uncancelled-waits-for-room-again", uncancelled_waits_for_room_again_cb);
  coro_test_add_func ("/each/runs-all", each_runs_all_cb);
  coro_test_add_func ("/each/gives-the-failure", each_gives_the_failure_cb);
  coro_test_add_func ("/each/in-timeout", each_in_timeout_cb);
  g_test_add_func ("/nursery/outside", test_outside);

  return g_test_run ();
}
