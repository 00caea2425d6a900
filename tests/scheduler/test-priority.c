/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Priorities: which of the ready coroutines runs first, and that every one of them runs at last.
 */
#include "lib/bodies.h"

#define HIGH CORO_PRIORITY_HIGH
#define LOW CORO_PRIORITY_LOW
#define DEFAULT CORO_PRIORITY_DEFAULT

static gboolean
note_twice_cb (gpointer   name,
               GValue    *result,
               GError   **error)
{
  note (name);
  if (!coro_yield (error))
    return FALSE;
  note (name);
  return TRUE;
}

static CoroTask *
spawn_with (CoroFunc      func,
            gpointer      data,
            CoroPriority  priority)
{
  CoroTask *task = coro_spawn_task (func, data, NULL);

  coro_task_set_priority (task, priority);
  return task;
}

static void
spawn_note (CoroFunc      func,
            const char   *name,
            CoroPriority  priority)
{
  g_object_unref (spawn_with (func, (gpointer) name, priority));
}

/* --- the order ----------------------------------------------------------------------- */

static gboolean
among_priority_lists_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  coro_test_keep_order (NULL);
  spawn_note (note_twice_cb, "l1", LOW);
  spawn_note (note_twice_cb, "d1", DEFAULT);
  spawn_note (note_twice_cb, "h1", HIGH);
  spawn_note (note_twice_cb, "l2", LOW);
  spawn_note (note_twice_cb, "d2", DEFAULT);
  spawn_note (note_twice_cb, "h2", HIGH);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("h1 h2 h1 h2 d1 d2 d1 d2 l1 l2 l1 l2");
  return TRUE;
}

static gboolean
spawn_high_cb (gpointer   name,
               GValue    *result,
               GError   **error)
{
  note ("spawner");
  spawn_note (note_cb, name, HIGH);
  return TRUE;
}

/* One that becomes ready while others of its priority are waiting is behind them, and
 * before all that are below. */
static gboolean
arrives_meanwhile_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  coro_test_keep_order (NULL);
  spawn_note (spawn_high_cb, "h3", HIGH);
  spawn_note (note_cb, "h2", HIGH);
  spawn_note (spawn_high_cb, "h4", DEFAULT);
  spawn_note (note_cb, "d2", DEFAULT);
  spawn_note (spawn_high_cb, "h5", LOW);
  spawn_note (note_cb, "l2", LOW);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("spawner h2 h3 spawner h4 d2 spawner h5 l2");
  return TRUE;
}

static gboolean
resolve_cb (gpointer   future,
            GValue    *result,
            GError   **error)
{
  note ("resolve");
  coro_future_resolve (future, NULL);
  return TRUE;
}

static void
note_future_cb (CoroFuture  *future,
                gpointer     name,
                GError     **error)
{
  note (name);
}

typedef struct
{
  CoroFuture *future;
  const char *name;
} Wait;

static gboolean
await_and_note_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  Wait *self = user_data;

  if (!coro_await (self->future, NULL, error))
    return FALSE;
  note (self->name);
  return TRUE;
}

/* Woken, it goes to its own place again; callbacks stand among the default ones. */
static gboolean
woken_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  Wait waits[] = { { future, "low" }, { future, "default" }, { future, "high" } };

  coro_test_keep_order (NULL);
  g_object_unref (spawn_with (await_and_note_cb, &waits[0], LOW));
  g_object_unref (spawn_with (await_and_note_cb, &waits[1], DEFAULT));
  g_object_unref (spawn_with (await_and_note_cb, &waits[2], HIGH));
  if (!coro_test_settle (error))
    return FALSE;
  coro_future_on_done (future, note_future_cb, "callback", NULL);
  coro_spawn (resolve_cb, future, NULL);
  coro_spawn (note_cb, "other", NULL);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("resolve high other default callback low");
  return TRUE;
}

/* --- no coroutine starves ------------------------------------------------------------ */

typedef struct
{
  gboolean over;
  guint n_turns;
} Crowd;

static gboolean
yield_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Crowd *self = user_data;

  while (!self->over)
    {
      self->n_turns++;
      if (!coro_yield (error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
count_down_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  int *left = user_data;

  while (--*left > 0)
    if (!coro_yield (error))
      return FALSE;
  return TRUE;
}

/* Each of the two has as many turns as it wants, while other coroutines never rest. */
static gboolean
no_starvation_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  CoroPriority busy = GPOINTER_TO_INT (user_data);
  Crowd crowd = { FALSE };
  int low_left = 5, default_left = 5;
  g_autoptr (CoroTask) low = NULL;
  g_autoptr (CoroTask) other = NULL;

  for (int i = 0; i < 3; i++)
    g_object_unref (spawn_with (yield_cb, &crowd, busy));
  g_object_unref (spawn_with (yield_cb, &crowd, DEFAULT));
  g_object_unref (spawn_with (yield_cb, &crowd, LOW));
  low = spawn_with (count_down_cb, &low_left, LOW);
  other = spawn_with (count_down_cb, &default_left, DEFAULT);
  coro_set_priority (LOW);
  if (!coro_await (low, NULL, error) || !coro_await (other, NULL, error))
    return FALSE;

  g_assert_cmpint (low_left, ==, 0);
  g_assert_cmpint (default_left, ==, 0);
  /* There was something to wait for: the other coroutines were busy. */
  g_assert_cmpuint (crowd.n_turns, >, 1000);
  crowd.over = TRUE;
  return coro_test_settle (error);
}

/* --- changes ------------------------------------------------------------------------- */

static gboolean
while_queued_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
  CoroTask *tasks[G_N_ELEMENTS (names)];

  coro_test_keep_order (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    tasks[i] = spawn_with (note_cb, (gpointer) names[i], DEFAULT);
  coro_task_set_priority (tasks[5], HIGH);      /* from the end */
  coro_task_set_priority (tasks[0], LOW);       /* from the beginning */
  coro_task_set_priority (tasks[2], LOW);
  coro_task_set_priority (tasks[1], HIGH);
  coro_task_set_priority (tasks[5], LOW);       /* down again: last of them */
  coro_task_set_priority (tasks[0], DEFAULT);   /* up again: last of them */
  coro_task_set_priority (tasks[3], DEFAULT);   /* no change: keeps its place */
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("b d e a c f");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_object_unref (tasks[i]);
  return TRUE;
}

/* As if each was moved at once: what is queued in between keeps its place among them. */
static gboolean
queued_in_between_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  static const char *const names[] = { "a", "b", "c", "d", "e" };
  CoroTask *tasks[G_N_ELEMENTS (names)];

  coro_test_keep_order (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    tasks[i] = spawn_with (note_twice_cb, (gpointer) names[i], DEFAULT);
  if (!coro_yield (error))
    return FALSE;
  assert_trace ("a b c d e");

  coro_task_set_priority (tasks[4], HIGH);
  spawn_note (note_cb, "x", HIGH);
  coro_task_set_priority (tasks[0], HIGH);
  coro_task_set_priority (tasks[1], LOW);
  spawn_note (note_cb, "y", LOW);
  coro_task_set_priority (tasks[2], LOW);
  coro_task_set_priority (tasks[2], DEFAULT);   /* there and back: behind d */
  coro_task_set_priority (tasks[0], LOW);       /* and the last of these */
  coro_task_cancel (tasks[1]);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("e x d c y a");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_object_unref (tasks[i]);
  return TRUE;
}

/* A priority list that is empty again leaves nothing behind. */
static gboolean
lane_emptied_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroTask) up = spawn_with (note_cb, "up", HIGH);
  g_autoptr (CoroTask) down = spawn_with (note_cb, "down", LOW);

  coro_task_set_priority (up, DEFAULT);
  coro_task_set_priority (down, DEFAULT);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace_in_any_order ("down up");
  spawn_note (note_cb, "l", LOW);
  spawn_note (note_cb, "h", HIGH);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("h l");
  return TRUE;
}

static gboolean
running_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  coro_test_keep_order (NULL);
  g_assert_cmpint (coro_get_priority (), ==, DEFAULT);
  coro_spawn (note_cb, "d", NULL);
  coro_set_priority (HIGH);
  g_assert_cmpint (coro_get_priority (), ==, HIGH);
  if (!coro_yield (error))
    return FALSE;
  assert_trace ("");                            /* no other coroutine has a high priority */
  coro_set_priority (LOW);
  if (!coro_yield (error))
    return FALSE;
  assert_trace ("d");
  g_assert_cmpint (coro_task_get_priority (coro_task_get_current ()), ==, LOW);
  return TRUE;
}

static gboolean
note_inherited_cb (gpointer   expected,
                   GValue    *result,
                   GError   **error)
{
  g_assert_cmpint (coro_get_priority (), ==, GPOINTER_TO_INT (expected));
  note ("checked");
  return TRUE;
}

static void
spawn_on_thread_stack_cb (gpointer expected)
{
  g_assert_cmpint (coro_get_priority (), ==, GPOINTER_TO_INT (expected));
  coro_spawn (note_inherited_cb, expected, NULL);
}

static gpointer
spawn_in_thread_cb (gpointer group)
{
  coro_task_group_spawn (group, note_inherited_cb, GINT_TO_POINTER (DEFAULT), NULL);
  return NULL;
}

static gboolean
inherited_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  CoroPriority priority = GPOINTER_TO_INT (user_data);

  coro_set_priority (priority);
  coro_spawn (note_inherited_cb, user_data, NULL);
  coro_spawn_eager (note_inherited_cb, user_data, NULL);
  coro_call_on_thread_stack (spawn_on_thread_stack_cb, user_data);
  g_assert_cmpint (coro_get_priority (), ==, priority);
  g_thread_join (g_thread_new ("spawner", spawn_in_thread_cb, nursery.group));
  coro_set_priority (DEFAULT);                  /* the spawned coroutines keep theirs */
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("checked checked checked checked");
  return coro_nursery_join (&nursery);
}

static void
check_default_cb (CoroFuture  *future,
                  gpointer     user_data,
                  GError     **error)
{
  g_assert_cmpint (coro_get_priority (), ==, DEFAULT);
  note ("checked");
}

/* What is dispatched in a main loop below a coroutine is not done on its behalf. */
static gboolean
nested_loop_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_set_priority (HIGH);
  coro_future_on_done (future, check_default_cb, NULL, NULL);
  coro_future_resolve (future, NULL);
  coro_call_on_thread_stack ((CoroThreadStackFunc) settle, g_main_context_get_thread_default ());
  assert_trace ("checked");
  g_assert_cmpint (coro_get_priority (), ==, HIGH);
  return TRUE;
}

/* --- handles ------------------------------------------------------------------------- */

static gboolean
after_end_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroTask) task = spawn_with (note_cb, "x", HIGH);
  int n_notified = 0;

  if (!coro_await (task, NULL, error))
    return FALSE;
  g_signal_connect_swapped (task, "notify::priority", G_CALLBACK (count_cb), &n_notified);
  coro_task_set_priority (task, LOW);
  g_assert_cmpint (coro_task_get_priority (task), ==, HIGH);
  g_assert_cmpint (n_notified, ==, 0);
  assert_trace ("x");
  return TRUE;
}

static gboolean
property_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (note_cb, "x", NULL);
  int n_notified = 0;
  CoroPriority priority;

  g_signal_connect_swapped (task, "notify::priority", G_CALLBACK (count_cb), &n_notified);
  g_object_get (task, "priority", &priority, NULL);
  g_assert_cmpint (priority, ==, DEFAULT);
  g_object_set (task, "priority", HIGH, NULL);
  g_object_get (task, "priority", &priority, NULL);
  g_assert_cmpint (priority, ==, HIGH);
  g_assert_cmpint (n_notified, ==, 1);
  coro_task_set_priority (task, HIGH);
  g_assert_cmpint (n_notified, ==, 1);
  coro_task_set_priority (task, LOW);
  g_assert_cmpint (n_notified, ==, 2);
  if (!coro_await (task, NULL, error))
    return FALSE;
  assert_trace ("x");
  return TRUE;
}

typedef struct
{
  CoroTask *task;
  CoroPriority priority;
} Setting;

static gpointer
set_in_thread_cb (gpointer data)
{
  Setting *self = data;

  coro_task_set_priority (self->task, self->priority);
  return NULL;
}

static gboolean
other_thread_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroTask) a = coro_spawn_task (forever_cb, NULL, NULL);
  Setting setting = { a, HIGH };
  int n_notified = 0;

  g_signal_connect_swapped (a, "notify::priority", G_CALLBACK (count_cb), &n_notified);
  g_thread_join (g_thread_new ("setter", set_in_thread_cb, &setting));
  g_assert_cmpint (coro_task_get_priority (a), ==, HIGH);       /* on its way */
  g_assert_cmpint (n_notified, ==, 0);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_cmpint (coro_task_get_priority (a), ==, HIGH);
  g_assert_cmpint (n_notified, ==, 1);

  /* What comes after the end is dropped. */
  setting.priority = LOW;
  g_thread_join (g_thread_new ("setter", set_in_thread_cb, &setting));
  coro_task_cancel (a);
  if (!coro_test_settle (error))
    return FALSE;
  g_assert_true (coro_future_is_done (CORO_FUTURE (a)));
  return TRUE;
}

typedef struct
{
  CoroTaskGroup *group;
  CoroTask *task;               /* (owned) */
  CoroPriority seen;
} Remote;

static gboolean
see_cb (gpointer   user_data,
        GValue    *result,
        GError   **error)
{
  ((Remote *) user_data)->seen = coro_get_priority ();
  return TRUE;
}

static gpointer
spawn_remote_cb (gpointer data)
{
  Remote *self = data;

  self->task = coro_task_group_spawn_task (self->group, see_cb, self, NULL);
  coro_task_set_priority (self->task, LOW);
  return NULL;
}

/* Set before the coroutine exists in its thread. */
static gboolean
before_start_elsewhere_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  Remote remote = { nursery.group };

  g_thread_join (g_thread_new ("spawner", spawn_remote_cb, &remote));
  if (!coro_await (remote.task, NULL, error))
    return FALSE;
  g_assert_cmpint (remote.seen, ==, LOW);
  g_object_unref (remote.task);
  return coro_nursery_join (&nursery);
}

static void
test_outside (void)
{
  g_assert_cmpint (coro_get_priority (), ==, DEFAULT);

  if (g_test_subprocess ())
    {
      coro_set_priority (HIGH);
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*coro_set_priority*job != NULL*");
}

/* Members of a group that is full start in the order of spawning. */
static gboolean
limited_group_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  g_autoptr (CoroTask) last = NULL;

  coro_task_group_limit (nursery.group, 1);
  coro_task_group_spawn (nursery.group, note_twice_cb, "1", NULL);
  coro_task_group_spawn (nursery.group, note_twice_cb, "2", NULL);
  last = coro_task_group_spawn_task (nursery.group, note_twice_cb, "3", NULL);
  coro_task_set_priority (last, HIGH);
  if (!coro_nursery_join (&nursery))
    return FALSE;
  assert_trace ("1 1 2 2 3 3");
  return TRUE;
}

/* --- seeds --------------------------------------------------------------------------- */

static gboolean
seeded_cb (gpointer   order,
           GValue    *result,
           GError   **error)
{
  g_autofree char *found = NULL;

  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  spawn_note (note_twice_cb, "l", LOW);
  spawn_note (note_twice_cb, "d", DEFAULT);
  spawn_note (note_twice_cb, "h", HIGH);
  spawn_note (note_twice_cb, "L", LOW);
  spawn_note (note_twice_cb, "D", DEFAULT);
  spawn_note (note_twice_cb, "H", HIGH);
  if (!coro_test_settle (error))
    return FALSE;
  found = g_string_free (g_steal_pointer (&trace), FALSE);
  g_assert_true (g_regex_match_simple ("^([hH] ){4}([dD] ){4}[lL]( [lL]){3}$", found, 0, 0));
  g_string_append_printf (order, "%s;", found);
  return TRUE;
}

static char *
run_seeds (void)
{
  GString *orders = g_string_new (NULL);
  guint outer = coro_test_get_seed ();

  for (guint seed = 1; seed <= 8; seed++)
    {
      g_autoptr (GError) error = NULL;

      coro_test_set_seed (seed);
      coro_run (seeded_cb, orders, NULL, &error);
      g_assert_no_error (error);
    }
  coro_test_set_seed (outer);
  return g_string_free (orders, FALSE);
}

/* Chance decides within a priority, in each of them, and in the same way each time. */
static void
test_seeds (void)
{
  g_autofree char *first = run_seeds ();
  g_autofree char *second = run_seeds ();
  g_auto (GStrv) orders = g_strsplit (first, ";", 8);

  g_assert_cmpstr (first, ==, second);
  for (guint lane = 0; lane < 3; lane++)
    {
      guint n_other = 0;

      for (guint i = 0; i < 8; i++)
        n_other += strncmp (orders[i] + 8 * lane, orders[0] + 8 * lane, 7) != 0;
      g_assert_cmpuint (n_other, >, 0);
    }
}

static gboolean
seeded_starvation_cb (gpointer   busy,
                      GValue    *result,
                      GError   **error)
{
  coro_test_clock_start (coro_scheduler_get_running (), TRUE);
  return no_starvation_cb (busy, result, error);
}

static void
test_starvation_under_seeds (void)
{
  guint outer = coro_test_get_seed ();

  for (guint seed = 1; seed <= 8; seed++)
    {
      g_autoptr (GError) error = NULL;

      coro_test_set_seed (seed);
      coro_run (seeded_starvation_cb, GINT_TO_POINTER (HIGH), NULL, &error);
      g_assert_no_error (error);
    }
  coro_test_set_seed (outer);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/priority/order-among-priority-lists", among_priority_lists_cb);
  coro_test_add_func ("/priority/arrives-meanwhile", arrives_meanwhile_cb);
  coro_test_add_func ("/priority/woken-into-its-list", woken_cb);
  coro_test_add_data_func ("/priority/no-starvation/below-high", no_starvation_cb, GINT_TO_POINTER (HIGH), NULL);
  coro_test_add_data_func ("/priority/no-starvation/below-default", no_starvation_cb, GINT_TO_POINTER (DEFAULT), NULL);
  coro_test_add_func ("/priority/change-while-queued", while_queued_cb);
  coro_test_add_func ("/priority/queued-in-between", queued_in_between_cb);
  coro_test_add_func ("/priority/list-emptied", lane_emptied_cb);
  coro_test_add_func ("/priority/of-the-running", running_cb);
  coro_test_add_data_func ("/priority/inherited/high", inherited_cb, GINT_TO_POINTER (HIGH), NULL);
  coro_test_add_data_func ("/priority/inherited/low", inherited_cb, GINT_TO_POINTER (LOW), NULL);
  coro_test_add_func ("/priority/nested-loop", nested_loop_cb);
  coro_test_add_func ("/priority/after-the-end", after_end_cb);
  coro_test_add_func ("/priority/property", property_cb);
  coro_test_add_func ("/priority/other-thread", other_thread_cb);
  coro_test_add_func ("/priority/before-start-elsewhere", before_start_elsewhere_cb);
  coro_test_add_func ("/priority/limited-group", limited_group_cb);
  g_test_add_func ("/priority/outside", test_outside);
  g_test_add_func ("/priority/seeds", test_seeds);
  g_test_add_func ("/priority/no-starvation/under-seeds", test_starvation_under_seeds);

  return g_test_run ();
}
