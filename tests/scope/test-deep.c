/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is nested deeper than a stack: the walks through it are loops.  The coroutines in here
 * have the usual stacks, which a call for each level would overflow several times.
 */
#include "test-util.h"

/* Levels that are guards, futures and coroutines.  The walks used to end at 750 and 6300. */
#define N_GUARDS (is_slow () ? 20000 : 100000)
#define N_FUTURES (is_slow () ? 5000 : 30000)
#define N_COROUTINES (is_slow () ? 2000 : 10000)

/* --- scopes ------------------------------------------------------------------------ */

/* A shield in the middle comes and goes; what is cancelled is above it. */
static gboolean
cancel_nested_guards_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  int n = N_GUARDS;
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

/* --- futures of futures ------------------------------------------------------------ */

static CoroFuture *
gather_two (CoroFuture *future)
{
  return coro_gather ((CoroFuture *[]) { future, future }, 2);
}

static CoroFuture *
race_two (CoroFuture *future)
{
  return coro_race ((CoroFuture *[]) { future, future }, 2);
}

static CoroFuture *
hold (CoroFuture *future)
{
  CoroFuture *self = coro_future_new ();

  coro_future_resolve_object (self, future);
  return self;
}

/* Each is made of the one before, which stands in it twice: a walk that takes every way
 * never ends.  Takes `first`. */
static CoroFuture *
nest_futures (CoroFuture  *first,
              CoroFuture *(*combine) (CoroFuture *future))
{
  CoroFuture *future = first;

  for (int i = 0; i < N_FUTURES; i++)
    {
      CoroFuture *outer = combine (future);

      g_object_unref (future);
      future = outer;
    }
  return future;
}

static CoroFuture *(*const combinations[]) (CoroFuture *future) = { gather_two, race_two, coro_future_shield };

static gboolean
cancel_nested_futures_cb (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (CoroTask) innermost = coro_spawn_task (forever_cb, NULL, NULL);
      g_autoptr (CoroFuture) outermost = nest_futures (CORO_FUTURE (g_object_ref (innermost)), combinations[i]);

      if (!coro_yield (error))
        return FALSE;
      g_assert_true (coro_future_cancel (outermost));
      g_assert_cmpuint (coro_task_get_cancelling (innermost), ==, 2);   /* it stands there twice */
      if (!coro_join (outermost, error))
        return FALSE;
      g_assert_cmpint (coro_future_get_state (outermost), ==, CORO_FUTURE_CANCELLED);
      g_assert_false (coro_future_cancel (outermost));
    }
  return TRUE;
}

/* On the stack of the coroutine, which is the smaller one. */
static gboolean
drop_nested_futures_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (combinations); i++)
    for (int done = 0; done < 2; done++)
      {
        CoroFuture *innermost = coro_future_new ();
        CoroFuture *outermost = nest_futures (g_object_ref (innermost), combinations[i]);

        g_object_add_weak_pointer (G_OBJECT (innermost), (gpointer *) &innermost);
        if (done)
          coro_future_resolve_int (innermost, 1);
        if (done && !coro_await (outermost, NULL, error))
          return FALSE;
        g_object_unref (innermost);
        g_object_unref (outermost);
        if (!coro_test_settle (error))
          return FALSE;
        g_assert_null (innermost);
      }

  g_object_unref (nest_futures (coro_future_new (), hold));
  return TRUE;
}

static gboolean
describe_nested_futures_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (CoroTask) innermost = coro_spawn_task (forever_cb, NULL, NULL);
  g_autoptr (CoroFuture) outermost = nest_futures (CORO_FUTURE (g_object_ref (innermost)), gather_two);
  g_autoptr (CoroTask) waiting = NULL;
  g_autofree char *graph = NULL;
  g_autofree char *stack = NULL;

  waiting = coro_spawn_task (await_future_cb, outermost, NULL);
  if (!coro_test_settle (error))
    return FALSE;
  graph = coro_format_call_graph (NULL);
  g_assert_nonnull (strstr (graph, "forever_cb"));
  stack = coro_task_format_stack (innermost, 0);
  g_assert_nonnull (strstr (stack, "awaited by"));
  coro_task_cancel (innermost);
  return coro_join (waiting, error);
}

/* --- how many steps ---------------------------------------------------------------- */

typedef enum
{
  CHAIN_SPAWNS,                 /* each spawns the one that it waits for */
  CHAIN_SPAWNED,                /* each is spawned with the one before to wait for */
  CHAIN_GATHERS                 /* every other by way of a gather */
} ChainKind;

typedef struct
{
  ChainKind kind;
  int n_tasks;
  int n_parked;
  int n_resumed;
} Chain;

static void
count_resumed_cb (const CoroTraceRecord *record,
                  gpointer               user_data)
{
  ((Chain *) user_data)->n_resumed += record->event == CORO_TRACE_RESUMED;
}

static Chain *chain;            /* (unowned): of the case that runs */

static gboolean
await_before_cb (gpointer   before,
                 GValue    *result,
                 GError   **error)
{
  chain->n_parked++;
  return before != NULL ? coro_await (before, NULL, error) : coro_sleep (1000 * SECOND, error);
}

/* Spawns what it waits for. */
static gboolean
await_after_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroTask) after = NULL;

  if (++chain->n_parked == chain->n_tasks)
    return coro_sleep (1000 * SECOND, error);
  after = coro_spawn_task (await_after_cb, NULL, NULL);
  return coro_await (after, NULL, error);
}

static CoroFuture *
spawn_before (CoroFuture *before,
              gboolean    gathered)
{
  CoroFuture *task = CORO_FUTURE (coro_spawn_task (await_before_cb, before, before != NULL ? g_object_unref : NULL));
  CoroFuture *gather;

  if (!gathered)
    return task;

  gather = coro_gather (&task, 1);
  g_object_unref (task);
  return gather;
}

static gboolean
leave_chain_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  CoroFuture *before = NULL;

  coro_test_clock_start (scheduler, TRUE);
  if (chain->kind == CHAIN_SPAWNS)
    coro_spawn (await_after_cb, NULL, NULL);
  else
    for (int i = 0; i < chain->n_tasks; i++)
      before = spawn_before (before, chain->kind == CHAIN_GATHERS && i % 2 == 1);
  g_clear_object (&before);

  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (chain->n_parked, ==, chain->n_tasks);
  coro_scheduler_set_tracer (scheduler, count_resumed_cb, chain, NULL);
  return TRUE;
}

/* The program ends while each of many tasks waits for the next: each is told once, and once
 * more by the one that waits for it. */
static void
test_shut_down_chain (void)
{
  for (int kind = CHAIN_SPAWNS; kind <= CHAIN_GATHERS; kind++)
    {
      Chain self = { .kind = kind, .n_tasks = N_COROUTINES };

      chain = &self;
      g_assert_true (coro_run (leave_chain_cb, NULL, NULL, NULL));
      g_assert_cmpint (self.n_resumed, >=, self.n_tasks);
      g_assert_cmpint (self.n_resumed, <=, 4 * self.n_tasks);
    }
}

static void
not_called_cb (CoroFuture  *future,
               gpointer     user_data,
               GError     **error)
{
  g_assert_not_reached ();
}

/* Some are registered twice, some while there is an index. */
static gboolean
remove_callbacks_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  int n = 2000;
  int *counters = g_new0 (int, n);

  for (int i = 0; i < n; i++)
    coro_future_on_done (future, not_called_cb, &counters[i], count_cb);
  for (int i = n - 1; i >= n / 2; i--)
    g_assert_cmpuint (coro_future_remove_on_done (future, not_called_cb, &counters[i]), ==, 1);
  for (int i = 0; i < n; i++)
    coro_future_on_done (future, not_called_cb, &counters[i], count_cb);
  for (int i = n - 1; i >= 0; i--)
    {
      g_assert_cmpuint (coro_future_remove_on_done (future, not_called_cb, &counters[i]), ==, i < n / 2 ? 2 : 1);
      g_assert_cmpuint (coro_future_remove_on_done (future, not_called_cb, &counters[i]), ==, 0);
    }
  coro_future_resolve (future, NULL);
  if (!coro_test_settle (error))
    return FALSE;
  for (int i = 0; i < n; i++)
    g_assert_cmpint (counters[i], ==, 2);
  g_free (counters);
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
  coro_test_add_func ("/deep/cancel-nested-futures", cancel_nested_futures_cb);
  coro_test_add_func ("/deep/drop-nested-futures", drop_nested_futures_cb);
  coro_test_add_func ("/deep/describe-nested-futures", describe_nested_futures_cb);
  g_test_add_func ("/deep/shut-down-chain", test_shut_down_chain);
  coro_test_add_func ("/deep/remove-callbacks", remove_callbacks_cb);

  return g_test_run ();
}
