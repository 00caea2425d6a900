/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * In which order coroutines run.
 */
#include "lib/bodies.h"

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

static gboolean
resolve_cb (gpointer   future,
            GValue    *result,
            GError   **error)
{
  note ("resolve");
  coro_future_resolve (future, NULL);
  return TRUE;
}

static gboolean
spawned_later_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  coro_spawn (note_cb, "a", NULL);
  note ("spawned");
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("spawned a");
  return TRUE;
}

static gboolean
in_order_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  coro_test_keep_order (NULL);
  coro_spawn (note_twice_cb, "a", NULL);
  coro_spawn (note_twice_cb, "b", NULL);
  coro_spawn (note_twice_cb, "c", NULL);
  for (int i = 0; i < 3; i++)
    if (!coro_test_settle (error))
      return FALSE;
  assert_trace ("a b c a b c");
  return TRUE;
}

static gboolean
yield_lets_each_run_once_cb (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  coro_test_keep_order (NULL);
  for (const char *name = "12345"; *name != '\0'; name++)
    {
      g_autofree char *one = g_strndup (name, 1);

      coro_spawn (note_twice_cb, (gpointer) g_intern_string (one), NULL);
    }
  if (!coro_yield (error))
    return FALSE;
  assert_trace ("1 2 3 4 5");
  if (!coro_yield (error))
    return FALSE;
  assert_trace ("1 2 3 4 5");
  return TRUE;
}

static gboolean
wait_and_note_cb (gpointer   future,
                  GValue    *result,
                  GError   **error)
{
  int number = GPOINTER_TO_INT (g_object_get_data (future, "next")) + 1;
  char text[8];

  g_object_set_data (future, "next", GINT_TO_POINTER (number));
  if (!coro_await (future, NULL, error))
    return FALSE;
  g_snprintf (text, sizeof text, "%d", number);
  note (text);
  return TRUE;
}

/* libdex wakes five waiters in the order 5 4 3 2 1. */
static gboolean
waiters_wake_in_order_cb (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_test_keep_order (NULL);
  for (int i = 0; i < 5; i++)
    coro_spawn (wait_and_note_cb, g_object_ref (future), g_object_unref);
  if (!coro_test_settle (error))
    return FALSE;
  coro_future_resolve_int (future, 1);
  note ("resolved");
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("resolved 1 2 3 4 5");
  return TRUE;
}

/* A awaits; B and C, which are ready, run before A does, although what A waits for is
 * done by then. */
static gboolean
suspended_goes_last_cb (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_test_keep_order (NULL);
  coro_spawn (resolve_cb, g_object_ref (future), g_object_unref);
  coro_spawn (note_cb, "b", NULL);
  coro_spawn (note_cb, "c", NULL);
  if (!coro_await (future, NULL, error))
    return FALSE;
  note ("a");
  assert_trace ("resolve b c a");
  return TRUE;
}

typedef struct
{
  int log[2000];
  int n;
} Interleaving;

static gboolean
append_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Interleaving *self = user_data;
  int me = self->n == 0 ? 1 : 2;

  for (int i = 0; i < 1000; i++)
    self->log[self->n++] = me;
  return TRUE;
}

static gboolean
no_switch_without_await_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autofree Interleaving *self = g_new0 (Interleaving, 1);
  g_autoptr (CoroTask) one = coro_spawn_task (append_cb, self, NULL);
  g_autoptr (CoroTask) two = coro_spawn_task (append_cb, self, NULL);

  if (!coro_await (one, NULL, error) || !coro_await (two, NULL, error))
    return FALSE;
  for (int i = 0; i < 2000; i++)
    g_assert_cmpint (self->log[i], ==, i < 1000 ? 1 : 2);
  return TRUE;
}

static gboolean
stack_survives_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  volatile int n = 0;
  volatile int *address = &n;

  for (int i = 0; i < 3; i++)
    {
      n++;
      if (!coro_yield (error))
        return FALSE;
      g_assert_true (address == &n);
    }
  g_assert_cmpint (n, ==, 3);
  return TRUE;
}

static gboolean
three_statements_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  note ("1");
  note ("2");
  note ("3");
  if (!coro_sleep (SECOND, error))
    return FALSE;
  note ("4");
  return TRUE;
}

static gboolean
runs_until_it_awaits_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  coro_spawn (three_statements_cb, NULL, NULL);
  if (!coro_test_settle (error))
    return FALSE;
  assert_trace ("1 2 3");
  if (!coro_sleep (2 * SECOND, error))
    return FALSE;
  assert_trace ("4");
  return TRUE;
}

typedef struct
{
  GThread *thread;
  int running;
  int runs;
} OneThread;

static gboolean
one_at_a_time_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  OneThread *self = user_data;

  for (int i = 0; i < 10; i++)
    {
      g_assert_true (g_thread_self () == self->thread);
      g_assert_cmpint (++self->running, ==, 1);
      self->runs++;
      self->running--;
      if (!coro_yield (error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
one_thread_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  OneThread self = { g_thread_self (), 0, 0 };
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 100; i++)
    coro_task_group_spawn (nursery.group, one_at_a_time_cb, &self, NULL);
  if (!coro_nursery_join (&nursery))
    return FALSE;
  g_assert_cmpint (self.runs, ==, 1000);
  return TRUE;
}

static gboolean
yields_are_quick_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  gint64 before = now ();

  for (int i = 0; i < 1000; i++)
    if (!coro_yield (error))
      return FALSE;
  g_assert_cmpint (now () - before, ==, 0);     /* the clock jumps only when all coroutines wait */
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/spec/S001/stack-survives", stack_survives_cb);
  coro_test_add_func ("/spec/S033/no-switch-without-await", no_switch_without_await_cb);
  coro_test_add_func ("/spec/S056/one-thread", one_thread_cb);
  coro_test_add_func ("/spec/S067/runs-until-it-awaits", runs_until_it_awaits_cb);
  coro_test_add_func ("/spec/S078/spawn-does-not-run", spawned_later_cb);
  coro_test_add_func ("/spec/S111/suspended-goes-last", suspended_goes_last_cb);
  coro_test_add_func ("/spec/S147/yield-takes-no-time", yields_are_quick_cb);
  coro_test_add_func ("/spec/S150/first-steps-in-order", in_order_cb);
  coro_test_add_func ("/spec/S178/yield-lets-each-run-once", yield_lets_each_run_once_cb);
  coro_test_add_func ("/spec/S221/waiters-wake-in-order", waiters_wake_in_order_cb);

  return g_test_run ();
}
