/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Coroutines whose first step is made inside the call that spawns them.
 */
#include "test-util.h"

static gboolean
note_cb (gpointer   text,
         GValue    *result,
         GError   **error)
{
  note (text);
  return coro_return_string (result, text);
}

/* Notes a text before and after a sleep. */
static gboolean
steps_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  note ("begins");
  if (!coro_sleep (10 * MILLISECOND, error))
    {
      note ("cancelled");
      return FALSE;
    }
  note ("ends");
  return TRUE;
}

static gboolean
test_runs_inside (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (CoroTask) task = NULL;

  coro_spawn (note_cb, "lazy", NULL);
  note ("before");
  task = coro_spawn_task_eager (steps_cb, NULL, NULL);
  note ("after");
  g_assert_cmpint (coro_task_get_coroutine_state (task), ==, CORO_COROUTINE_SUSPENDED);
  assert_trace ("before begins after");

  g_assert_true (coro_await (task, NULL, error));
  assert_trace ("lazy ends");
  return TRUE;
}

static gboolean
test_done_at_once (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  int freed = 0;
  g_autoptr (CoroTask) task = coro_spawn_task_eager (note_cb, "x", NULL);
  g_autofree char *text = NULL;

  g_assert_true (coro_future_is_done (CORO_FUTURE (task)));
  text = coro_await_string (task, error);
  g_assert_cmpstr (text, ==, "x");

  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*failed*");
  coro_spawn_eager (fail_cb, NULL, NULL);
  g_assert_true (coro_yield (error));

  coro_spawn_eager (steps_cb, &freed, count_cb);
  g_assert_cmpint (freed, ==, 0);
  g_assert_true (coro_sleep (SECOND, error));
  g_assert_cmpint (freed, ==, 1);
  g_test_assert_expected_messages ();
  assert_trace ("x begins ends");
  return TRUE;
}

typedef struct
{
  CoroTaskGroup *group;
  CoroTask *seen;
} Glance;

static gboolean
glance_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Glance *self = user_data;

  self->seen = g_object_ref (coro_task_get_current ());
  g_assert_cmpuint (coro_task_group_get_n_members (self->group), ==, 1);
  return coro_yield (error);
}

static gboolean
test_current_and_member (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  CoroTask *me = coro_task_get_current ();
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  Glance glance = { nursery.group, NULL };
  g_autoptr (CoroTask) task = NULL;

  task = coro_spawn_task_eager_at (nursery.group, glance_cb, &glance, NULL, "glance");
  g_assert_true (glance.seen == task);
  g_assert_true (coro_task_get_current () == me);
  g_clear_object (&glance.seen);
  return coro_nursery_join (&nursery);
}

/* What it wakes does not run before the caller goes on. */
static gboolean
resolve_cb (gpointer   future,
            GValue    *result,
            GError   **error)
{
  coro_future_resolve_int (future, 1);
  coro_spawn (note_cb, "spawned", NULL);
  if (!coro_yield (error))
    return FALSE;
  note ("goes on");
  return TRUE;
}

static gboolean
await_cb (gpointer   future,
          GValue    *result,
          GError   **error)
{
  if (!coro_await (future, NULL, error))
    return FALSE;
  note ("woken");
  return TRUE;
}

static gboolean
test_no_other_runs (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_test_keep_order (NULL);
  coro_spawn (await_cb, future, NULL);
  g_assert_true (coro_test_settle (error));
  coro_spawn_eager (resolve_cb, future, NULL);
  note ("caller");
  for (int i = 0; i < 3; i++)
    g_assert_true (coro_test_settle (error));
  assert_trace ("caller woken spawned goes on");
  return TRUE;
}

static gboolean
await_twice_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  CoroFuture **futures = user_data;

  note ("begun");
  if (!coro_await (futures[0], NULL, error))
    return FALSE;
  note ("goes on");
  if (!coro_await (futures[1], NULL, error))
    return FALSE;
  note ("ends");
  return TRUE;
}

static gboolean
await_first_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  CoroFuture **futures = user_data;

  if (!coro_await (futures[0], NULL, error))
    return FALSE;
  note ("second");
  return TRUE;
}

/* The coroutine that has waited longest goes on inside the call, up to its next wait; whatever
 * priority it has, and whatever else is ready. */
static gboolean
test_resolve (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  for (CoroPriority priority = CORO_PRIORITY_DEFAULT; priority <= CORO_PRIORITY_LOW; priority++)
    {
      CoroFuture *futures[] = { coro_future_new (), coro_future_new () };
      g_autoptr (CoroTask) task = coro_spawn_task (await_twice_cb, futures, NULL);

      coro_task_set_priority (task, priority);
      g_assert_true (coro_test_settle (error));
      coro_spawn (await_first_cb, futures, NULL);
      g_assert_true (coro_test_settle (error));
      coro_spawn (note_cb, "other", NULL);
      assert_trace ("begun");

      g_assert_true (coro_future_resolve_eager (futures[0], NULL));
      assert_trace ("goes on");
      g_assert_false (coro_future_resolve_eager (futures[0], NULL));
      g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
      g_assert_true (coro_future_resolve_eager (futures[1], NULL));
      assert_trace ("ends");
      g_assert_true (coro_future_is_done (CORO_FUTURE (task)));
      g_assert_true (coro_test_settle (error));
      assert_trace_in_any_order ("other second");
      for (int i = 0; i < 2; i++)
        g_object_unref (futures[i]);
    }
  return TRUE;
}

static gboolean
await_cancelled_cb (gpointer   future,
                    GValue    *result,
                    GError   **error)
{
  GError *local_error = NULL;

  g_assert_false (coro_await (future, NULL, &local_error));
  assert_cancelled (local_error);
  note ("cancelled");
  g_propagate_error (error, local_error);
  return FALSE;
}

/* A cancel that came first decides here too. */
static gboolean
test_resolve_cancelled (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  G_GNUC_UNUSED g_autoptr (CoroFuture) kept = coro_future_shield (future);
  g_autoptr (CoroTask) task = coro_spawn_task (await_cancelled_cb, future, NULL);

  g_assert_true (coro_test_settle (error));
  coro_task_cancel (task);
  coro_future_resolve_eager (future, NULL);
  note ("caller");
  g_assert_true (coro_test_settle (error));
  sort_trace ();
  assert_trace ("caller cancelled");
  return TRUE;
}

/* Waiting for what is there does not end the first step. */
static gboolean
await_ready_cb (gpointer   future,
                GValue    *result,
                GError   **error)
{
  for (int i = 0; i < 100; i++)
    g_assert_cmpint (coro_await_int (future, NULL), ==, 7);
  note ("done");
  return TRUE;
}

static gboolean
test_ready_awaits (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_future_resolve_int (future, 7);
  coro_spawn_eager (await_ready_cb, future, NULL);
  assert_trace ("done");
  return TRUE;
}

static gboolean
nest_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  int *depth = user_data;

  if (++*depth < 200)
    coro_spawn_eager (nest_cb, depth, NULL);
  return TRUE;
}

static gboolean
test_depth (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  int depth = 0;

  coro_spawn_eager (nest_cb, &depth, NULL);
  g_assert_cmpint (depth, ==, 64);
  for (int i = 0; i < 10; i++)
    g_assert_true (coro_test_settle (error));
  g_assert_cmpint (depth, ==, 200);
  return TRUE;
}

/* One failure cancels the others and the body, which is still in its own block. */
static gboolean
test_failure_cancels_group (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (GError) local = NULL;

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &local);

    coro_spawn_eager_at (nursery.group, steps_cb, NULL, NULL, "steps");
    coro_spawn_eager_at (nursery.group, fail_cb, "at once", NULL, "fail");
    assert_trace ("begins");
    g_assert_false (coro_nursery_join (&nursery));
  }
  assert_trace ("cancelled");
  g_assert_error (local, CORO_GROUP_ERROR, CORO_GROUP_ERROR_FAILED);
  g_assert_cmpuint (coro_group_error_get_size (local), ==, 1);
  return TRUE;
}

static gboolean
test_cancel_after_first_step (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task_eager (steps_cb, NULL, NULL);

  g_assert_true (coro_task_cancel (task));
  g_assert_true (coro_join (task, error));
  assert_trace ("begins cancelled");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
test_limit (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_limit (nursery.group, 1);
  coro_spawn_eager_at (nursery.group, steps_cb, NULL, NULL, "first");
  coro_spawn_eager_at (nursery.group, steps_cb, NULL, NULL, "second");
  assert_trace ("begins");
  g_assert_true (coro_nursery_join (&nursery));
  assert_trace ("ends begins ends");
  return TRUE;
}

static CoroContextVar *var;

static gboolean
read_var_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_assert_cmpint (coro_context_var_get_int (var), ==, 5);
  coro_context_var_set_int (var, 6);
  if (!coro_yield (error))
    return FALSE;
  g_assert_cmpint (coro_context_var_get_int (var), ==, 6);
  return TRUE;
}

static gboolean
test_context (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroTask) task = NULL;

  var = coro_context_var_new ("var", G_TYPE_INT, NULL);
  coro_context_var_set_int (var, 5);
  task = coro_spawn_task_eager (read_var_cb, NULL, NULL);
  g_assert_cmpint (coro_context_var_get_int (var), ==, 5);
  if (!coro_await (task, NULL, error))
    return FALSE;
  g_assert_cmpint (coro_context_var_get_int (var), ==, 5);
  return TRUE;
}

static gboolean
nested_loop_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  /* Whatever is ready runs in here, and then the first step still belongs to the caller. */
  while (g_main_context_iteration (g_main_context_get_thread_default (), FALSE))
    ;
  note ("iterated");
  if (!coro_yield (error))
    return FALSE;
  note ("ends");
  return TRUE;
}

static gboolean
test_nested_loop (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (CoroTask) task = NULL;

  coro_test_keep_order (NULL);
  coro_spawn (note_cb, "a", NULL);
  task = coro_spawn_task_eager (nested_loop_cb, NULL, NULL);
  coro_spawn (note_cb, "b", NULL);
  note ("caller");
  g_assert_true (coro_await (task, NULL, error));
  assert_trace ("a iterated caller ends b");
  return TRUE;
}

/* --- from a callback of the main loop ------------------------------------------------ */

static gboolean
clicked_cb (gpointer loop)
{
  note ("handler");
  coro_spawn_eager (steps_cb, loop, (GDestroyNotify) g_main_loop_quit);
  note ("returns");
  return G_SOURCE_REMOVE;
}

/* A program whose first coroutine this is. */
static void
test_from_callback (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  g_autoptr (GSource) source = g_idle_source_new ();

  g_main_context_push_thread_default (context);
  g_source_set_callback (source, clicked_cb, loop, NULL);
  g_source_attach (source, context);
  g_main_loop_run (loop);
  assert_trace ("handler begins returns ends");
  g_main_context_pop_thread_default (context);
}

/* The main context belongs to no thread yet: it starts later. */
static void
test_before_the_loop (void)
{
  coro_spawn_eager (note_cb, "later", NULL);
  assert_trace ("");
  settle (NULL);
  assert_trace ("later");
}

static gboolean
await_and_look_cb (gpointer   future,
                   GValue    *result,
                   GError   **error)
{
  GMainContext *before = g_main_context_get_thread_default ();

  if (!coro_await (future, NULL, error))
    return FALSE;
  note (g_main_context_get_thread_default () == before ? "own context" : "another context");
  return coro_yield (error);
}

/* From code that is in no main context: the coroutine has its own context all the same, as
 * thread-default, and only as long as it runs. */
static void
test_resolve_from_outside (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroFuture) future = NULL;
  g_autoptr (CoroTask) task = NULL;

  g_main_context_push_thread_default (context);
  future = coro_future_new ();
  task = coro_spawn_task (await_and_look_cb, future, NULL);
  settle (context);
  g_main_context_pop_thread_default (context);

  assert_trace ("");
  g_assert_true (coro_future_resolve_eager (future, NULL));
  assert_trace ("own context");
  g_assert_null (g_main_context_get_thread_default ());
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  settle (context);
  g_assert_true (coro_future_is_done (CORO_FUTURE (task)));
}

#define N_LINKS 100

typedef struct
{
  CoroFuture *futures[N_LINKS + 1];
  int n_passed;
} Chain;

typedef struct
{
  Chain *chain;
  int index;
} Link;

static gboolean
pass_on_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Link *self = user_data;

  if (!coro_await (self->chain->futures[self->index], NULL, error))
    return FALSE;
  self->chain->n_passed++;
  return coro_future_resolve_eager (self->chain->futures[self->index + 1], NULL);
}

/* Each goes on inside the one before, up to 64; the rest follows by turns. */
static gboolean
test_resolve_depth (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  Chain chain = { { NULL, }, 0 };
  Link links[N_LINKS];

  for (int i = 0; i <= N_LINKS; i++)
    chain.futures[i] = coro_future_new ();
  for (int i = 0; i < N_LINKS; i++)
    {
      links[i] = (Link) { &chain, i };
      coro_spawn (pass_on_cb, &links[i], NULL);
    }
  g_assert_true (coro_test_settle (error));
  g_assert_true (coro_future_resolve_eager (chain.futures[0], NULL));
  g_assert_cmpint (chain.n_passed, ==, 64);
  g_assert_true (coro_await (chain.futures[N_LINKS], NULL, error));
  g_assert_cmpint (chain.n_passed, ==, N_LINKS);
  for (int i = 0; i <= N_LINKS; i++)
    g_object_unref (chain.futures[i]);
  return TRUE;
}

/* The scheduler was there before its loop: the callback shows whose it is. */
static void
test_from_first_callback (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (context);
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  g_autoptr (GSource) source = g_idle_source_new ();

  g_main_context_push_thread_default (context);
  g_source_set_priority (source, G_PRIORITY_HIGH);
  g_source_set_callback (source, clicked_cb, loop, NULL);
  g_source_attach (source, context);
  g_main_loop_run (loop);
  assert_trace ("handler begins returns ends");
  g_assert_false (coro_scheduler_is_closed (scheduler));
  g_main_context_pop_thread_default (context);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("A first step inside the call changes nothing but when it is made");

  coro_test_add_func ("/eager/runs-inside-the-call", test_runs_inside);
  coro_test_add_func ("/eager/done-at-once", test_done_at_once);
  coro_test_add_func ("/eager/current-and-member-from-the-start", test_current_and_member);
  coro_test_add_func ("/eager/no-other-runs", test_no_other_runs);
  coro_test_add_func ("/eager/resolve", test_resolve);
  coro_test_add_func ("/eager/resolve-cancelled", test_resolve_cancelled);
  coro_test_add_func ("/eager/ready-awaits-go-on", test_ready_awaits);
  coro_test_add_func ("/eager/depth-is-limited", test_depth);
  coro_test_add_func ("/eager/resolve-depth-is-limited", test_resolve_depth);
  coro_test_add_func ("/eager/failure-cancels-the-group", test_failure_cancels_group);
  coro_test_add_func ("/eager/cancel-after-the-first-step", test_cancel_after_first_step);
  coro_test_add_func ("/eager/limit-of-the-group", test_limit);
  coro_test_add_func ("/eager/context-is-a-copy", test_context);
  coro_test_add_func ("/eager/nested-loop", test_nested_loop);
  g_test_add_func ("/eager/from-a-callback", test_from_callback);
  g_test_add_func ("/eager/from-the-first-callback", test_from_first_callback);
  g_test_add_func ("/eager/resolve-from-outside", test_resolve_from_outside);
  g_test_add_func ("/eager/before-the-loop", test_before_the_loop);
  return g_test_run ();
}
