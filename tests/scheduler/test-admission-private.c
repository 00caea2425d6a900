/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Many that are spawned at once: they start bit by bit.
 */
#include "lib/bodies.h"

#include "fiber/coro-stack-private.h"
#include "scheduler/coro-scheduler-private.h"

/* Far more than start at a time. */
#define MANY 5000
#define AT_A_TIME 1024

typedef struct
{
  guint n_started;
  guint n_ended;
  guint n_destroyed;
  guint most_stacks;            /* in use at a time */
  guint started_before;         /* how many had started when the sleeper woke up */
  gboolean over;
  CoroFuture *future;           /* (owned) (nullable) */
} Crowd;

static guint
count_stacks (void)
{
  return coro_stack_pool_count_in_use (coro_scheduler_get_running ()->stacks);
}

/* Lets all that can run do so.  After that no coroutine is in the admission queue, admitted from it, or
 * ready. */
static gboolean
settle_all (GError **error)
{
  CoroScheduler *scheduler = coro_scheduler_get_running ();

  if (!coro_test_settle (error))
    return FALSE;
  g_assert_null (scheduler->admission.head);
  g_assert_cmpuint (scheduler->admission.n_admitted, ==, 0);
  g_assert_cmpuint (scheduler->n_ready, ==, 0);
  return TRUE;
}

static void
destroyed_cb (gpointer user_data)
{
  ((Crowd *) user_data)->n_destroyed++;
}

static void
spawn_many (Crowd    *self,
            CoroFunc  func)
{
  for (guint i = 0; i < MANY; i++)
    coro_spawn (func, self, destroyed_cb);
}

typedef struct
{
  Crowd *crowd;
  guint number;
} Member;

static gboolean
in_order_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Member *self = user_data;

  g_assert_cmpuint (self->crowd->n_started, ==, self->number);
  self->crowd->n_started++;
  return TRUE;
}

static gboolean
start_in_order_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  Crowd crowd = { 0, };
  Member members[MANY];

  coro_test_keep_order (NULL);
  for (guint i = 0; i < MANY; i++)
    {
      members[i] = (Member) { &crowd, i };
      coro_spawn (in_order_cb, &members[i], NULL);
    }
  if (!settle_all (error))
    return FALSE;
  g_assert_cmpuint (crowd.n_started, ==, MANY);
  return TRUE;
}

/* So many coroutines wake up that there is room to start more of the new ones: the last of these
 * must not start before those in the admission queue. */
static gboolean
later_does_not_overtake_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  Crowd crowd = { 0, };
  Member members[MANY];

  for (guint i = 0; i < MANY; i++)
    coro_spawn (await_cb, future, NULL);
  if (!settle_all (error))
    return FALSE;

  coro_test_keep_order (NULL);
  for (guint i = 0; i < MANY; i++)
    {
      if (i == MANY - 1)
        coro_future_resolve (future, NULL);
      members[i] = (Member) { &crowd, i };
      coro_spawn (in_order_cb, &members[i], NULL);
    }
  if (!settle_all (error))
    return FALSE;
  g_assert_cmpuint (crowd.n_started, ==, MANY);
  return TRUE;
}

static gboolean
start_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Crowd *self = user_data;

  self->n_started++;
  self->most_stacks = MAX (self->most_stacks, count_stacks ());
  return TRUE;
}

static gboolean
wait_and_look_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Crowd *self = user_data;

  if (!coro_await (self->future, NULL, error))
    return FALSE;
  self->started_before = self->n_started;
  return TRUE;
}

static gboolean
woken_does_not_wait_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  Crowd crowd = { 0, };

  crowd.future = coro_future_new ();
  coro_spawn (wait_and_look_cb, &crowd, NULL);
  if (!settle_all (error))
    return FALSE;

  coro_test_keep_order (NULL);
  spawn_many (&crowd, start_cb);
  coro_future_resolve (crowd.future, NULL);
  if (!settle_all (error))
    return FALSE;
  g_assert_cmpuint (crowd.started_before, ==, AT_A_TIME);
  g_assert_cmpuint (crowd.n_started, ==, MANY);
  g_assert_cmpuint (crowd.n_destroyed, ==, MANY);
  g_object_unref (crowd.future);
  return TRUE;
}

static gboolean
yield_once_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  start_cb (user_data, result, error);
  if (!coro_yield (error))
    return FALSE;
  ((Crowd *) user_data)->n_ended++;
  return TRUE;
}

static gboolean
stacks_serve_again_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  Crowd crowd = { 0, };

  spawn_many (&crowd, yield_once_cb);
  if (!settle_all (error))
    return FALSE;
  g_assert_cmpuint (crowd.n_ended, ==, MANY);
  g_assert_cmpuint (crowd.most_stacks, <, 3 * AT_A_TIME);
  return TRUE;
}

static gboolean
never_rest_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  Crowd *self = user_data;

  self->n_started++;
  while (!self->over)
    if (!coro_yield (error))
      return FALSE;
  return TRUE;
}

/* In each turn at least as many start as go on running. */
static gboolean
busy_do_not_hold_up_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  Crowd crowd = { 0, };

  spawn_many (&crowd, never_rest_cb);
  for (guint i = 0; i < 4; i++)
    if (!coro_yield (error))
      return FALSE;
  g_assert_cmpuint (crowd.n_started, ==, MANY);

  crowd.over = TRUE;
  if (!settle_all (error))
    return FALSE;
  g_assert_cmpuint (crowd.n_destroyed, ==, MANY);
  return TRUE;
}

/* One is in the admission queue, one of those that have been admitted. */
static gboolean
other_priority_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (CoroTask) first = NULL, last = NULL, back = NULL;
  Crowd crowd = { 0, };

  coro_test_keep_order (NULL);
  first = coro_spawn_task (note_cb, "first", NULL);
  back = coro_spawn_task (note_cb, "back", NULL);
  spawn_many (&crowd, start_cb);
  last = coro_spawn_task (note_cb, "last", NULL);

  coro_task_set_priority (first, CORO_PRIORITY_LOW);
  coro_task_set_priority (last, CORO_PRIORITY_HIGH);
  coro_task_set_priority (back, CORO_PRIORITY_LOW);
  coro_task_set_priority (back, CORO_PRIORITY_DEFAULT);
  if (!settle_all (error))
    return FALSE;
  g_assert_cmpuint (crowd.n_started, ==, MANY);
  /* Now and then one of low priority has its turn before others. */
  g_assert_true (g_str_has_prefix (trace->str, "last "));
  g_assert_cmpuint (trace->len, ==, strlen ("last first back"));
  g_string_truncate (trace, 0);
  return TRUE;
}

static gboolean
cancelled_before_it_starts_cb (gpointer   user_data,
                               GValue    *result,
                               GError   **error)
{
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (GError) local_error = NULL;
  Crowd crowd = { 0, };

  spawn_many (&crowd, start_cb);
  task = coro_spawn_task (note_cb, "cancelled", NULL);
  coro_task_cancel (task);
  g_assert_false (coro_await (task, NULL, &local_error));
  assert_cancelled (local_error);
  if (!settle_all (error))
    return FALSE;
  assert_trace ("");
  g_assert_cmpuint (crowd.n_started, ==, MANY);
  return TRUE;
}

static gboolean
leave_many_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  spawn_many (user_data, never_rest_cb);
  return TRUE;
}

static void
test_shutdown (void)
{
  g_autoptr (GError) error = NULL;
  Crowd crowd = { 0, };

  g_assert_true (coro_run (leave_many_cb, &crowd, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (crowd.n_destroyed, ==, MANY);
}

/* A cancel ends the wait for a place in the group, and is taken back while the member stands
 * behind all that have not started: it waits for its place again. */
static gboolean
uncancelled_in_line_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (CoroTask) second = NULL;
  Crowd crowd = { 0, };

  coro_task_group_limit (group, 1);
  coro_task_group_spawn (group, await_cb, future, NULL);
  second = coro_task_group_spawn_task (group, note_cb, "second", NULL);
  spawn_many (&crowd, start_cb);
  g_assert_nonnull (coro_scheduler_get_running ()->admission.head);
  g_assert_true (coro_task_cancel (second));
  g_assert_cmpint (coro_task_uncancel (second), ==, 0);
  if (!settle_all (error))
    return FALSE;
  g_assert_cmpuint (crowd.n_started, ==, MANY);
  assert_trace ("");

  coro_future_resolve (future, NULL);
  if (!coro_task_group_join (group, error))
    return FALSE;
  assert_trace ("second");
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/scheduler/admission/starts-in-order", start_in_order_cb);
  coro_test_add_func ("/scheduler/admission/later-does-not-overtake", later_does_not_overtake_cb);
  coro_test_add_func ("/scheduler/admission/woken-does-not-wait-for-all", woken_does_not_wait_cb);
  coro_test_add_func ("/scheduler/admission/stacks-serve-again", stacks_serve_again_cb);
  coro_test_add_func ("/scheduler/admission/busy-do-not-hold-up-the-start", busy_do_not_hold_up_cb);
  coro_test_add_func ("/scheduler/admission/priority-before-the-start", other_priority_cb);
  coro_test_add_func ("/scheduler/admission/cancelled-before-it-starts", cancelled_before_it_starts_cb);
  coro_test_add_func ("/scheduler/admission/uncancelled-in-line", uncancelled_in_line_cb);
  g_test_add_func ("/scheduler/admission/ended-before-it-starts", test_shutdown);

  return g_test_run ();
}
