/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Blocks that can be cancelled by themselves.
 */
#include "test-util.h"

#define NEVER G_MAXINT64

/* When the test began, and what the clock says since then. */
static gint64 epoch;

static gint64
elapsed (void)
{
  return now () - epoch;
}

typedef void (*ScopeFunc) (CoroCancelScope *scope);

/* Does something to a scope from another coroutine, after a while. */
typedef struct
{
  CoroCancelScope *scope;
  ScopeFunc func;
  GTimeSpan delay;
} Other;

static gboolean
other_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Other *other = user_data;

  if (!coro_sleep (other->delay, error))
    return FALSE;
  other->func (other->scope);
  return TRUE;
}

static void
cancel (CoroCancelScope *scope)
{
  coro_cancel_scope_cancel (scope, "enough");
}

static void
put_shield_up (CoroCancelScope *scope)
{
  coro_cancel_scope_set_shield (scope, TRUE);
}

static void
take_shield_down (CoroCancelScope *scope)
{
  coro_cancel_scope_set_shield (scope, FALSE);
}

static void
take_limit_away (CoroCancelScope *scope)
{
  coro_cancel_scope_set_deadline (scope, NEVER);
}

static gboolean
cancel_task_cb (gpointer   task,
                GValue    *result,
                GError   **error)
{
  if (!coro_sleep (10, error))
    return FALSE;
  coro_task_cancel (task);
  return TRUE;
}

/* --- by a call ------------------------------------------------------------------------ */

static gboolean
before_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (NEVER, error);

  epoch = now ();
  g_assert_false (coro_cancel_scope_is_cancelled (&scope));
  coro_cancel_scope_cancel (&scope, NULL);
  g_assert_true (coro_cancel_scope_is_cancelled (&scope));
  g_assert_false (coro_sleep (SECOND, error));
  assert_cancelled (*error);
  g_assert_cmpint (elapsed (), ==, 0);
  g_assert_true (coro_cancel_scope_catch (&scope));
  g_assert_no_error (*error);
  g_assert_true (coro_cancel_scope_was_caught (&scope));
  g_assert_false (coro_cancel_scope_is_expired (&scope));
  return coro_sleep (1, error);
}

static gboolean
during_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (NEVER, error);
  Other other = { &scope, cancel, 10 };

  epoch = now ();
  coro_spawn (other_cb, &other, NULL);
  g_assert_false (coro_sleep (SECOND, error));
  g_assert_error (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_nonnull (strstr ((*error)->message, "enough"));
  g_assert_cmpint (elapsed (), ==, 10);
  g_assert_true (coro_cancel_scope_catch (&scope));
  return coro_sleep (1, error);
}

/* Every wait fails until it is left, and then none. */
static gboolean
level_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (NEVER, error);

  coro_cancel_scope_cancel (&scope, NULL);
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (GError) local_error = NULL;

      g_assert_false (coro_sleep (1, &local_error));
      assert_cancelled (local_error);
      g_assert_false (coro_yield (NULL));
      g_assert_false (coro_check_cancelled (NULL));
    }
  g_assert_false (coro_cancel_scope_catch (&scope));    /* nothing that it could catch is there */
  g_assert_true (coro_cancel_scope_is_cancelled (&scope));
  return coro_sleep (1, error);
}

static gboolean
after_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (NEVER, error);

  g_assert_true (coro_sleep (1, error));
  g_assert_false (coro_cancel_scope_catch (&scope));
  coro_cancel_scope_cancel (&scope, NULL);
  g_assert_false (coro_cancel_scope_is_cancelled (&scope));
  g_assert_false (coro_cancel_scope_catch (&scope));
  g_assert_false (coro_cancel_scope_was_caught (&scope));
  return coro_sleep (1, error);
}

/* The request came after the last wait, so no call has failed by it. */
static gboolean
too_late_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (NEVER, error);

  g_assert_true (coro_sleep (1, error));
  coro_cancel_scope_cancel (&scope, NULL);
  g_assert_false (coro_cancel_scope_catch (&scope));
  g_assert_true (coro_cancel_scope_is_cancelled (&scope));
  g_assert_false (coro_cancel_scope_was_caught (&scope));
  return coro_sleep (1, error);
}

static gboolean
first_reason_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (NEVER, &local_error);

  coro_cancel_scope_cancel (&scope, "first");
  coro_cancel_scope_cancel (&scope, "second");
  g_assert_false (coro_yield (&local_error));
  g_assert_nonnull (strstr (local_error->message, "first"));
  g_assert_null (strstr (local_error->message, "second"));
  return TRUE;
}

/* --- which way out -------------------------------------------------------------------- */

static gboolean
leave_early (GError **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (10, error);

  if (!coro_sleep (SECOND, error))
    return FALSE;
  coro_cancel_scope_catch (&scope);
  return TRUE;
}

static gboolean
early_return_says_why_cb (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (leave_early (&local_error));
  assert_cancelled (local_error);
  return coro_sleep (1, error);
}

static gboolean
other_error_stays_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (NEVER, &local_error);

  coro_cancel_scope_cancel (&scope, NULL);
  g_assert_false (coro_yield (NULL));
  fail_cb (NULL, NULL, &local_error);
  g_assert_false (coro_cancel_scope_catch (&scope));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_FAILED);
  return TRUE;
}

/* A CANCELLED error that comes from an awaited task is not the scope's to catch. */
static gboolean
foreign_cancelled_stays_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (CoroTask) task = coro_spawn_task (forever_cb, NULL, NULL);
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (NEVER, &local_error);

  coro_task_cancel (task);
  g_assert_false (coro_await (task, NULL, &local_error));
  coro_cancel_scope_cancel (&scope, NULL);
  g_assert_false (coro_cancel_scope_catch (&scope));
  assert_cancelled (local_error);
  return TRUE;
}

static gboolean
without_location_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (10, NULL);

  g_assert_false (coro_sleep (SECOND, NULL));
  g_assert_true (coro_cancel_scope_catch (&scope));
  return coro_sleep (1, error);
}

/* --- from outside --------------------------------------------------------------------- */

static gboolean
outer_wins_cb (gpointer   cancel_outer_first,
               GValue    *result,
               GError   **error)
{
  g_auto (CoroCancelScope) outer = coro_cancel_scope_enter (NEVER, error);
  g_auto (CoroCancelScope) inner = coro_cancel_scope_enter (NEVER, error);

  coro_cancel_scope_cancel (cancel_outer_first != NULL ? &outer : &inner, NULL);
  coro_cancel_scope_cancel (cancel_outer_first != NULL ? &inner : &outer, NULL);
  g_assert_false (coro_yield (error));
  g_assert_false (coro_cancel_scope_catch (&inner));
  assert_cancelled (*error);
  g_assert_true (coro_cancel_scope_catch (&outer));
  g_assert_no_error (*error);
  return coro_sleep (1, error);
}

static gboolean
inner_alone_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_auto (CoroCancelScope) outer = coro_cancel_scope_enter (NEVER, error);
  g_auto (CoroCancelScope) inner = coro_cancel_scope_enter (NEVER, error);

  coro_cancel_scope_cancel (&inner, NULL);
  g_assert_false (coro_yield (error));
  g_assert_true (coro_cancel_scope_catch (&inner));
  g_assert_true (coro_yield (error));
  g_assert_false (coro_cancel_scope_catch (&outer));
  g_assert_false (coro_cancel_scope_is_cancelled (&outer));
  return TRUE;
}

/* The inner one has stopped the block when the outer one is cancelled: each has its own. */
static gboolean
outer_after_delivery_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_auto (CoroCancelScope) outer = coro_cancel_scope_enter (NEVER, error);
  g_auto (CoroCancelScope) inner = coro_cancel_scope_enter (NEVER, error);

  coro_cancel_scope_cancel (&inner, NULL);
  g_assert_false (coro_yield (error));
  coro_cancel_scope_cancel (&outer, NULL);
  g_assert_true (coro_cancel_scope_catch (&inner));
  g_assert_false (coro_yield (error));
  g_assert_true (coro_cancel_scope_catch (&outer));
  return TRUE;
}

/* A timeout around it keeps its TIMED_OUT, also when both come in the same instant. */
static gboolean
timeout_around_cb (gpointer   inner_duration,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  epoch = now ();
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (10, &local_error);
    g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (GPOINTER_TO_INT (inner_duration), &local_error);

    g_assert_false (coro_sleep (SECOND, &local_error));
    g_assert_cmpint (coro_cancel_scope_catch (&scope), ==, GPOINTER_TO_INT (inner_duration) < 10);
    if (coro_cancel_scope_was_caught (&scope))
      g_assert_false (coro_sleep (SECOND, &local_error));
  }
  assert_timed_out (local_error);
  g_assert_cmpint (elapsed (), ==, 10);
  return TRUE;
}

static gboolean
in_scope_cb (gpointer   caught,
             GValue    *result,
             GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (10, error);
  gboolean ok = coro_sleep (SECOND, error);

  *(gboolean *) caught = coro_cancel_scope_catch (&scope);
  return ok;
}

static gboolean
cancel_later_cb (gpointer   task,
                 GValue    *result,
                 GError   **error)
{
  return cancel_task_cb (*(gpointer *) task, result, error);
}

/* The scope's time is over and another coroutine cancels the task in the same turn: the scope
 * does not catch that request. */
static gboolean
task_cancel_wins_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  gboolean caught = TRUE;
  g_autoptr (CoroTask) task = NULL;

  coro_test_keep_order (NULL);
  epoch = now ();
  coro_spawn (cancel_later_cb, &task, NULL);            /* spawned first: runs before the task */
  task = coro_spawn_task (in_scope_cb, &caught, NULL);
  g_assert_true (coro_join (task, error));
  g_assert_cmpint (elapsed (), ==, 10);
  g_assert_false (caught);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
reaches_members_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  int freed = 0;
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (10, error);

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

    for (int i = 0; i < 3; i++)
      coro_task_group_spawn (nursery.group, forever_cb, &freed, count_cb);
    g_assert_false (coro_nursery_join (&nursery));
  }
  g_assert_cmpint (freed, ==, 3);
  g_assert_true (coro_cancel_scope_catch (&scope));
  return coro_sleep (1, error);
}

/* --- what is ready is not lost --------------------------------------------------------- */

typedef struct
{
  CoroQueue *queue;
  CoroCancelScope *scope;
} Race;

/* The item is there before the block is cancelled, in the same turn. */
static gboolean
put_and_cancel_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  Race *race = user_data;

  g_assert_true (coro_queue_put (race->queue, (gpointer) "item", error));
  coro_cancel_scope_cancel (race->scope, NULL);
  return TRUE;
}

static gboolean
item_goes_back_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (CoroQueue) queue = coro_queue_new (0, NULL);
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (NEVER, error);
  Race race = { queue, &scope };
  gpointer item = NULL;

  coro_spawn (put_and_cancel_cb, &race, NULL);
  g_assert_false (coro_queue_take (queue, &item, error));
  g_assert_true (coro_cancel_scope_catch (&scope));
  g_assert_true (coro_queue_take (queue, &item, error));
  g_assert_cmpstr (item, ==, "item");
  return TRUE;
}

typedef struct
{
  CoroFuture *future;
  CoroCancelScope *scope;
  gboolean value_first;
} Finish;

/* The value comes and the time is up in one turn. */
static gboolean
finish_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Finish *finish = user_data;
  g_auto (GValue) value = G_VALUE_INIT;

  if (!finish->value_first)
    coro_cancel_scope_set_timeout (finish->scope, 0);
  coro_return_int (&value, 42);
  g_assert_true (coro_future_resolve (finish->future, &value));
  if (finish->value_first)
    coro_cancel_scope_set_timeout (finish->scope, 0);
  return TRUE;
}

static gboolean
value_or_time_cb (gpointer   value_first,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (NEVER, error);
  Finish finish = { future, &scope, value_first != NULL };

  coro_spawn (finish_cb, &finish, NULL);
  g_assert_cmpint (coro_await_int (future, error), ==, value_first != NULL ? 42 : 0);
  g_assert_true (coro_cancel_scope_is_expired (&scope));
  g_assert_cmpint (coro_cancel_scope_catch (&scope), ==, value_first == NULL);
  g_assert_cmpint (coro_await_int (future, error), ==, 42);     /* it is still there */
  return TRUE;
}

/* --- its time ------------------------------------------------------------------------- */

static gboolean
time_is_up_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (10, error);

  epoch = now ();
  g_assert_cmpint (coro_cancel_scope_get_deadline (&scope), ==, epoch + 10);
  g_assert_false (coro_sleep (SECOND, error));
  g_assert_true (coro_cancel_scope_is_expired (&scope));
  g_assert_true (coro_cancel_scope_catch (&scope));
  g_assert_true (coro_cancel_scope_is_expired (&scope));
  g_assert_true (coro_cancel_scope_is_cancelled (&scope));
  g_assert_cmpint (coro_cancel_scope_get_deadline (&scope), ==, NEVER);
  g_assert_cmpint (elapsed (), ==, 10);
  return TRUE;
}

static gboolean
moved_cb (gpointer   to,
          GValue    *result,
          GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (20, error);

  epoch = now ();
  coro_cancel_scope_set_deadline (&scope, epoch + GPOINTER_TO_INT (to));
  g_assert_cmpint (coro_cancel_scope_get_deadline (&scope), ==, epoch + GPOINTER_TO_INT (to));
  g_assert_false (coro_sleep (SECOND, error));
  g_assert_cmpint (elapsed (), ==, MAX (GPOINTER_TO_INT (to), 0));
  g_assert_true (coro_cancel_scope_catch (&scope));
  return TRUE;
}

/* Also by another coroutine, while the block waits. */
static gboolean
never_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (20, error);
  Other other = { &scope, take_limit_away, 10 };

  coro_spawn (other_cb, &other, NULL);
  g_assert_true (coro_sleep (SECOND, error));
  g_assert_false (coro_cancel_scope_is_cancelled (&scope));
  return TRUE;
}

static gboolean
too_late_to_move_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (10, error);

  epoch = now ();
  g_assert_false (coro_sleep (SECOND, NULL));
  coro_cancel_scope_set_deadline (&scope, NEVER);
  coro_cancel_scope_set_timeout (&scope, SECOND);
  g_assert_cmpint (coro_cancel_scope_get_deadline (&scope), ==, epoch + 10);
  g_assert_false (coro_sleep (1, error));
  g_assert_true (coro_cancel_scope_catch (&scope));
  return TRUE;
}

static gboolean
effective_deadline_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  epoch = now ();
  g_assert_cmpint (coro_get_effective_deadline (), ==, NEVER);
  {
    g_auto (CoroCancelScope) outer = coro_cancel_scope_enter (10, error);
    g_auto (CoroTimeout) timeout = coro_timeout_enter (30, error);

    g_assert_cmpint (coro_get_effective_deadline (), ==, epoch + 10);
    g_assert_cmpint (coro_timeout_get_deadline (&timeout), ==, epoch + 30);
    {
      g_auto (CoroShield) shield = coro_shield_enter (50);

      g_assert_cmpint (coro_get_effective_deadline (), ==, epoch + 50);
    }
    g_assert_false (coro_sleep (SECOND, NULL));
    g_assert_cmpint (coro_get_effective_deadline (), ==, G_MININT64);
  }
  g_assert_cmpint (coro_get_effective_deadline (), ==, NEVER);
  return TRUE;
}

/* --- shields -------------------------------------------------------------------------- */

/* A shield does not stop what is its own. */
static gboolean
own_reaches_in_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (10, error);

  g_assert_false (coro_cancel_scope_get_shield (&scope));
  coro_cancel_scope_set_shield (&scope, TRUE);
  g_assert_true (coro_cancel_scope_get_shield (&scope));
  g_assert_false (coro_sleep (SECOND, error));
  g_assert_true (coro_cancel_scope_catch (&scope));
  return TRUE;
}

static gboolean
outer_held_back_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_auto (CoroCancelScope) outer = coro_cancel_scope_enter (NEVER, error);

  coro_cancel_scope_cancel (&outer, NULL);
  {
    g_auto (CoroCancelScope) inner = coro_cancel_scope_enter (NEVER, error);

    coro_cancel_scope_set_shield (&inner, TRUE);
    g_assert_true (coro_sleep (5, error));
    coro_cancel_scope_set_shield (&inner, FALSE);
    g_assert_false (coro_sleep (5, NULL));
    coro_cancel_scope_set_shield (&inner, TRUE);
    g_assert_true (coro_sleep (5, error));
  }
  g_assert_false (coro_sleep (5, error));
  g_assert_true (coro_cancel_scope_catch (&outer));
  return TRUE;
}

/* Taken down while the block waits: what was held back arrives there. */
static gboolean
taken_down_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_auto (CoroCancelScope) outer = coro_cancel_scope_enter (NEVER, error);
  g_auto (CoroCancelScope) inner = coro_cancel_scope_enter (NEVER, error);
  Other other = { &inner, take_shield_down, 10 };

  epoch = now ();
  coro_cancel_scope_set_shield (&inner, TRUE);
  coro_cancel_scope_cancel (&outer, NULL);
  coro_spawn (other_cb, &other, NULL);
  g_assert_false (coro_sleep (SECOND, error));
  g_assert_cmpint (elapsed (), ==, 10);
  g_assert_false (coro_cancel_scope_catch (&inner));
  g_assert_true (coro_cancel_scope_catch (&outer));
  return TRUE;
}

typedef struct
{
  CoroCancelScope *outer;
  CoroCancelScope *inner;
} Pair;

/* Cancelled and shielded in one turn, before the block noticed. */
static gboolean
cancel_and_shield_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  Pair *pair = user_data;

  coro_cancel_scope_cancel (pair->outer, NULL);
  put_shield_up (pair->inner);
  return TRUE;
}

static gboolean
put_up_in_time_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (CoroCancelScope) outer = coro_cancel_scope_enter (NEVER, error);

  {
    g_auto (CoroCancelScope) inner = coro_cancel_scope_enter (NEVER, error);
    Pair pair = { &outer, &inner };

    coro_spawn (cancel_and_shield_cb, &pair, NULL);
    g_assert_true (coro_sleep (SECOND, error));
  }
  g_assert_false (coro_yield (error));
  g_assert_true (coro_cancel_scope_catch (&outer));
  return TRUE;
}

/* What the task itself was told waits, too, whichever shield it is that goes. */
static gboolean
shielded_task_cb (gpointer   outer_shield,
                  GValue    *result,
                  GError   **error)
{
  g_auto (CoroCancelScope) outer = coro_cancel_scope_enter (NEVER, error);
  g_auto (CoroCancelScope) inner = coro_cancel_scope_enter (NEVER, error);
  CoroCancelScope *shielded = outer_shield != NULL ? &outer : &inner;
  Other other = { shielded, take_shield_down, 20 };

  epoch = now ();
  coro_cancel_scope_set_shield (shielded, TRUE);
  coro_spawn (other_cb, &other, NULL);
  g_assert_true (coro_sleep (15, error));
  note ("shielded");
  g_assert_false (coro_sleep (SECOND, error));
  g_assert_cmpint (elapsed (), ==, 20);
  g_assert_false (coro_cancel_scope_catch (&inner));
  g_assert_false (coro_cancel_scope_catch (&outer));
  return FALSE;
}

static gboolean
request_held_back_cb (gpointer   outer_shield,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (shielded_task_cb, outer_shield, NULL);

  coro_spawn (cancel_task_cb, task, NULL);
  g_assert_true (coro_join (task, error));
  assert_trace ("shielded");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

/* Nor does a time limit inside of the shield that is up take it along. */
static gboolean
cleans_up_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  gboolean ok = coro_sleep (SECOND, error);

  coro_sleep (5, NULL);
  return ok;
}

static gboolean
limited_in_shield_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  {
    g_auto (CoroShield) shield = coro_shield_enter (0);
    g_autoptr (CoroTask) task = coro_spawn_task (cleans_up_cb, NULL, NULL);

    g_assert_false (coro_wait_for (task, 10, NULL, &local_error));
    assert_timed_out (local_error);
    note ("timed-out");
  }
  return coro_sleep (SECOND, error);
}

static gboolean
request_outlives_time_limit_cb (gpointer   user_data,
                                GValue    *result,
                                GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (limited_in_shield_cb, NULL, NULL);

  if (!coro_sleep (2, error))
    return FALSE;
  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  assert_trace ("timed-out");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

/* A shield that is left below one that was put up later does not take it away. */
static gboolean
shield_outlives_inner_cb (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_auto (CoroCancelScope) outer = coro_cancel_scope_enter (NEVER, error);

  {
    g_auto (CoroCancelScope) inner = coro_cancel_scope_enter (NEVER, error);

    coro_cancel_scope_set_shield (&outer, TRUE);
  }
  g_assert_true (coro_sleep (20, error));
  note ("shielded");
  coro_cancel_scope_exit (&outer);
  return coro_sleep (1, error);
}

static gboolean
shield_order_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (shield_outlives_inner_cb, NULL, NULL);

  coro_spawn (cancel_task_cb, task, NULL);
  g_assert_true (coro_join (task, error));
  assert_trace ("shielded");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

/* --- from another thread --------------------------------------------------------------- */

static gpointer
thread_cb (gpointer scope)
{
  coro_cancel_scope_cancel (scope, "from afar");
  return NULL;
}

static gboolean
from_thread_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (NEVER, error);
  GThread *thread = g_thread_new ("cancel", thread_cb, &scope);

  g_assert_false (forever_cb (NULL, NULL, error));
  g_assert_nonnull (strstr ((*error)->message, "from afar"));
  g_thread_join (thread);
  g_assert_true (coro_cancel_scope_catch (&scope));
  return TRUE;
}

/* On its way when the block asks, and is left. */
static gboolean
from_thread_too_late_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  {
    g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (NEVER, error);

    g_thread_join (g_thread_new ("cancel", thread_cb, &scope));
    g_assert_true (coro_cancel_scope_is_cancelled (&scope));
  }
  for (int i = 0; i < 3; i++)
    g_assert_true (coro_sleep (1, error));
  return TRUE;
}

static void
test_from_thread (void)
{
  g_assert_true (coro_run (from_thread_cb, NULL, NULL, NULL));
  g_assert_true (coro_run (from_thread_too_late_cb, NULL, NULL, NULL));
}

/* --- misuse --------------------------------------------------------------------------- */

static gboolean
close_of_another_cb (gpointer   scope,
                     GValue    *result,
                     GError   **error)
{
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*in the coroutine that opened them*");
  coro_cancel_scope_exit (scope);
  g_test_assert_expected_messages ();
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*in the coroutine that opened them*");
  g_assert_false (coro_cancel_scope_catch (scope));
  g_test_assert_expected_messages ();
  return TRUE;
}

static gboolean
closed_by_another_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (10, error);

  coro_spawn (close_of_another_cb, &scope, NULL);
  g_assert_false (coro_sleep (SECOND, error));          /* it works on */
  g_assert_true (coro_cancel_scope_catch (&scope));
  return coro_sleep (1, error);
}

static gboolean
out_of_order_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_auto (CoroCancelScope) outer = coro_cancel_scope_enter (NEVER, error);
  g_auto (CoroCancelScope) inner = coro_cancel_scope_enter (NEVER, error);

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*the last one first*");
  g_assert_false (coro_cancel_scope_catch (&outer));
  g_test_assert_expected_messages ();
  coro_cancel_scope_cancel (&outer, NULL);
  g_assert_false (coro_yield (error));
  g_assert_false (coro_cancel_scope_catch (&inner));
  g_assert_true (coro_cancel_scope_catch (&outer));
  return coro_sleep (1, error);
}

static CoroCancelScope left_open;

static gboolean
leave_open_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  left_open = coro_cancel_scope_enter (NEVER, NULL);
  coro_cancel_scope_cancel (&left_open, "for no reason");
  return TRUE;
}

static gboolean
left_open_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (leave_open_cb, NULL, NULL);

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*leave_open_cb*open guard*");
  g_assert_true (coro_join (task, error));
  g_test_assert_expected_messages ();

  coro_cancel_scope_cancel (&left_open, NULL);
  coro_cancel_scope_set_shield (&left_open, TRUE);
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*had ended*");
  coro_cancel_scope_exit (&left_open);
  g_test_assert_expected_messages ();
  return coro_sleep (1, error);
}

static void
test_outside (void)
{
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*cancel scope needs a coroutine*");
  {
    g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (10, NULL);

    coro_cancel_scope_cancel (&scope, NULL);
    g_assert_false (coro_cancel_scope_is_cancelled (&scope));
    g_assert_cmpint (coro_cancel_scope_get_deadline (&scope), ==, NEVER);
    g_assert_false (coro_cancel_scope_catch (&scope));
  }
  g_test_assert_expected_messages ();
  g_assert_cmpint (coro_get_effective_deadline (), ==, NEVER);
}

static gboolean
closed_for_setters_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  CoroCancelScope scope = coro_cancel_scope_enter (10, error);

  coro_cancel_scope_exit (&scope);
  coro_cancel_scope_exit (&scope);
  for (int i = 0; i < 3; i++)
    g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*scope*");
  coro_cancel_scope_set_deadline (&scope, 1);
  coro_cancel_scope_set_timeout (&scope, 1);
  coro_cancel_scope_set_shield (&scope, TRUE);
  g_test_assert_expected_messages ();
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Blocks that can be cancelled by themselves");

  coro_test_add_func ("/cancel-scope/cancelled/before", before_cb);
  coro_test_add_func ("/cancel-scope/cancelled/during", during_cb);
  coro_test_add_func ("/cancel-scope/cancelled/after", after_cb);
  coro_test_add_func ("/cancel-scope/cancelled/too-late", too_late_cb);
  coro_test_add_func ("/cancel-scope/cancelled/all-waits", level_cb);
  coro_test_add_func ("/cancel-scope/cancelled/first-reason", first_reason_cb);
  coro_test_add_func ("/cancel-scope/out/early-return-says-why", early_return_says_why_cb);
  coro_test_add_func ("/cancel-scope/out/other-error-stays", other_error_stays_cb);
  coro_test_add_func ("/cancel-scope/out/foreign-cancelled-stays", foreign_cancelled_stays_cb);
  coro_test_add_func ("/cancel-scope/out/without-location", without_location_cb);
  coro_test_add_data_func ("/cancel-scope/outside/outer-first", outer_wins_cb, GINT_TO_POINTER (1), NULL);
  coro_test_add_data_func ("/cancel-scope/outside/inner-first", outer_wins_cb, NULL, NULL);
  coro_test_add_func ("/cancel-scope/outside/inner-alone", inner_alone_cb);
  coro_test_add_func ("/cancel-scope/outside/outer-after-delivery", outer_after_delivery_cb);
  coro_test_add_data_func ("/cancel-scope/outside/timeout-later", timeout_around_cb, GINT_TO_POINTER (5), NULL);
  coro_test_add_data_func ("/cancel-scope/outside/timeout-equal", timeout_around_cb, GINT_TO_POINTER (10), NULL);
  coro_test_add_data_func ("/cancel-scope/outside/timeout-earlier", timeout_around_cb, GINT_TO_POINTER (15), NULL);
  coro_test_add_func ("/cancel-scope/outside/task-cancel-wins", task_cancel_wins_cb);
  coro_test_add_func ("/cancel-scope/reaches-members", reaches_members_cb);
  coro_test_add_func ("/cancel-scope/ready/item-goes-back", item_goes_back_cb);
  coro_test_add_data_func ("/cancel-scope/ready/value-before-time", value_or_time_cb, GINT_TO_POINTER (1), NULL);
  coro_test_add_data_func ("/cancel-scope/ready/time-before-value", value_or_time_cb, NULL, NULL);
  coro_test_add_func ("/cancel-scope/time/up", time_is_up_cb);
  coro_test_add_data_func ("/cancel-scope/time/earlier", moved_cb, GINT_TO_POINTER (5), NULL);
  coro_test_add_data_func ("/cancel-scope/time/later", moved_cb, GINT_TO_POINTER (50), NULL);
  coro_test_add_data_func ("/cancel-scope/time/past", moved_cb, GINT_TO_POINTER (-1), NULL);
  coro_test_add_func ("/cancel-scope/time/never", never_cb);
  coro_test_add_func ("/cancel-scope/time/too-late-to-move", too_late_to_move_cb);
  coro_test_add_func ("/cancel-scope/time/effective", effective_deadline_cb);
  coro_test_add_func ("/cancel-scope/shield/own-reaches-in", own_reaches_in_cb);
  coro_test_add_func ("/cancel-scope/shield/outer-held-back", outer_held_back_cb);
  coro_test_add_func ("/cancel-scope/shield/taken-down", taken_down_cb);
  coro_test_add_func ("/cancel-scope/shield/put-up-in-time", put_up_in_time_cb);
  coro_test_add_data_func ("/cancel-scope/shield/request-inner", request_held_back_cb, NULL, NULL);
  coro_test_add_func ("/cancel-scope/shield/request-outlives-time-limit", request_outlives_time_limit_cb);
  coro_test_add_data_func ("/cancel-scope/shield/request-outer", request_held_back_cb, GINT_TO_POINTER (1), NULL);
  coro_test_add_func ("/cancel-scope/shield/outlives-inner", shield_order_cb);
  g_test_add_func ("/cancel-scope/from-thread", test_from_thread);
  coro_test_add_func ("/cancel-scope/misuse/closed-by-another", closed_by_another_cb);
  coro_test_add_func ("/cancel-scope/misuse/out-of-order", out_of_order_cb);
  coro_test_add_func ("/cancel-scope/misuse/left-open", left_open_cb);
  coro_test_add_func ("/cancel-scope/misuse/setters-of-closed", closed_for_setters_cb);
  g_test_add_func ("/cancel-scope/misuse/outside", test_outside);

  return g_test_run ();
}
