/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "test-util.h"

/* What the bodies below are told, and what they tell. */
typedef struct
{
  int n;
  int freed;
  int cleaned;
} Plan;

static void
plan_free (gpointer plan)
{
  ((Plan *) plan)->freed++;
}

static gboolean
count_to_n (CoroGenerator  *generator,
            gpointer        user_data,
            GError        **error)
{
  Plan *plan = user_data;

  for (int i = 1; i <= plan->n; i++)
    {
      if (!coro_sleep (MILLISECOND, error))
        return FALSE;
      if (!coro_generator_produce_int (generator, i, error))
        return FALSE;
    }
  return TRUE;
}

/* Cleans up, which takes a while. */
static gboolean
careful (CoroGenerator  *generator,
         gpointer        user_data,
         GError        **error)
{
  Plan *plan = user_data;
  gboolean ok = count_to_n (generator, user_data, error);
  g_auto (CoroShield) shield = coro_shield_enter (0);

  g_assert_true (coro_sleep (5 * MILLISECOND, NULL));
  plan->cleaned++;
  return ok;
}

static CoroGenerator *
generator_new (CoroGeneratorFunc  func,
               Plan              *plan)
{
  return coro_generator_new (G_TYPE_INT, func, plan, plan_free);
}

/* The next value; 0 at the end. */
static int
next_int (CoroGenerator  *generator,
          GError        **error)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (!coro_iterator_next (generator, &value, error))
    return -1;
  return G_IS_VALUE (&value) ? g_value_get_int (&value) : 0;
}

static gboolean
test_values_then_end (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  Plan plan = { 3, 0, 0 };
  g_autoptr (CoroGenerator) generator = generator_new (count_to_n, &plan);

  g_assert_true (CORO_IS_ITERATOR (generator));
  for (int i = 1; i <= 3; i++)
    g_assert_cmpint (next_int (generator, error), ==, i);
  g_assert_cmpint (plan.freed, ==, 0);
  g_assert_cmpint (next_int (generator, error), ==, 0);
  g_assert_cmpint (plan.freed, ==, 1);
  g_assert_cmpint (next_int (generator, error), ==, 0);         /* and stays there */
  return TRUE;
}

static gboolean
test_nothing_runs_before (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  Plan plan = { 3, 0, 0 };
  CoroGenerator *generator = generator_new (careful, &plan);

  g_assert_true (coro_generator_close (generator, error));
  g_assert_true (coro_generator_close (generator, error));
  g_assert_cmpint (plan.freed, ==, 1);
  g_assert_cmpint (next_int (generator, error), ==, 0);
  g_object_unref (generator);
  g_assert_cmpint (plan.cleaned, ==, 0);
  return TRUE;
}

static gboolean
test_others_run_meanwhile (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  Plan a = { 2, 0, 0 }, b = { 2, 0, 0 };
  g_autoptr (CoroGenerator) first = generator_new (count_to_n, &a);
  g_autoptr (CoroGenerator) second = generator_new (count_to_n, &b);
  gint64 start = now ();

  /* One coroutine is in the middle of two generators. */
  g_assert_cmpint (next_int (first, error), ==, 1);
  g_assert_cmpint (next_int (second, error), ==, 1);
  g_assert_cmpint (next_int (first, error), ==, 2);
  g_assert_cmpint (next_int (second, error), ==, 2);
  g_assert_cmpint (now () - start, ==, 4 * MILLISECOND);
  g_assert_cmpint (next_int (first, error), ==, 0);
  g_assert_cmpint (next_int (second, error), ==, 0);
  return TRUE;
}

static gboolean
test_close_cleans_up (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  Plan plan = { 3, 0, 0 };
  g_autoptr (CoroGenerator) generator = generator_new (careful, &plan);
  gint64 start;

  g_assert_cmpint (next_int (generator, error), ==, 1);
  start = now ();
  g_assert_true (coro_generator_close (generator, error));
  g_assert_cmpint (now () - start, ==, 5 * MILLISECOND);
  g_assert_cmpint (plan.cleaned, ==, 1);
  g_assert_cmpint (plan.freed, ==, 1);
  g_assert_cmpint (next_int (generator, error), ==, 0);
  return TRUE;
}

static gboolean
test_break_closes_at_once (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  Plan plan = { 3, 0, 0 };
  g_autoptr (CoroGenerator) generator = generator_new (careful, &plan);

  {
    g_auto (CoroLoop) loop = coro_loop_enter (generator, error);
    g_auto (GValue) value = G_VALUE_INIT;

    while (coro_loop_next (&loop, &value))
      if (g_value_get_int (&value) == 2)
        break;
    g_assert_true (coro_loop_ok (&loop));
  }

  g_assert_cmpint (plan.cleaned, ==, 1);
  return TRUE;
}

static gboolean
test_dropped_closes_later (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  Plan plan = { 3, 0, 0 };
  CoroGenerator *generator = generator_new (careful, &plan);

  g_assert_cmpint (next_int (generator, error), ==, 1);
  g_object_add_weak_pointer (G_OBJECT (generator), (gpointer *) &generator);
  g_object_unref (generator);
  g_assert_cmpint (plan.cleaned, ==, 0);
  g_assert_true (coro_sleep (10 * MILLISECOND, error));
  g_assert_cmpint (plan.cleaned, ==, 1);
  g_assert_cmpint (plan.freed, ==, 1);
  g_assert_null (generator);
  return TRUE;
}

static gboolean
leave_open_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  CoroGenerator **generator = user_data;

  return next_int (*generator, error) == 1;
}

static void
test_run_end_closes (void)
{
  Plan plan = { 3, 0, 0 };
  g_autoptr (CoroGenerator) generator = generator_new (careful, &plan);
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_run (leave_open_cb, &generator, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (plan.cleaned, ==, 1);
  g_assert_cmpint (plan.freed, ==, 1);
}

static gboolean
echo (CoroGenerator  *generator,
      gpointer        user_data,
      GError        **error)
{
  int value = 0;

  while (coro_generator_produce_int (generator, value, error))
    {
      const GValue *sent = coro_generator_get_sent (generator);

      value = sent != NULL ? g_value_get_int (sent) : -1;
    }
  return FALSE;
}

static gboolean
test_send (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Plan plan = { 0, 0, 0 };
  g_autoptr (CoroGenerator) generator = generator_new (echo, &plan);
  g_auto (GValue) sent = G_VALUE_INIT;
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) local_error = NULL;

  g_value_init (&sent, G_TYPE_INT);
  g_value_set_int (&sent, 7);
  g_assert_false (coro_generator_send (generator, &sent, &value, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);

  g_assert_cmpint (next_int (generator, error), ==, 0);
  g_assert_true (coro_generator_send (generator, &sent, &value, error));
  g_assert_cmpint (g_value_get_int (&value), ==, 7);
  g_assert_cmpint (next_int (generator, error), ==, -1);
  return coro_generator_close (generator, error);
}

static gboolean
catcher (CoroGenerator  *generator,
         gpointer        user_data,
         GError        **error)
{
  g_autoptr (GError) local_error = NULL;

  if (!coro_generator_produce_int (generator, 1, &local_error) &&
      !g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_BUSY))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  return coro_generator_produce_int (generator, 9, error);
}

static gboolean
test_throw (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Plan plan = { 0, 0, 0 };
  g_autoptr (GError) busy = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "busy");
  g_autoptr (GError) full = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NO_SPACE, "full");
  g_autoptr (CoroGenerator) generator = generator_new (catcher, &plan);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) local_error = NULL;

  g_assert_cmpint (next_int (generator, error), ==, 1);
  g_assert_true (coro_generator_throw (generator, busy, &value, error));
  g_assert_cmpint (g_value_get_int (&value), ==, 9);
  g_value_unset (&value);

  g_assert_false (coro_generator_throw (generator, full, &value, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpint (next_int (generator, error), ==, 0);
  g_assert_cmpint (plan.freed, ==, 1);
  return TRUE;
}

static gboolean
stubborn (CoroGenerator  *generator,
          gpointer        user_data,
          GError        **error)
{
  coro_generator_produce_int (generator, 1, NULL);
  coro_generator_produce_int (generator, 2, NULL);
  return TRUE;
}

static gboolean
test_ignored_close (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  Plan plan = { 0, 0, 0 };
  g_autoptr (CoroGenerator) generator = generator_new (stubborn, &plan);
  g_autoptr (GError) local_error = NULL;

  g_assert_cmpint (next_int (generator, error), ==, 1);
  g_assert_false (coro_generator_close (generator, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_assert_true (coro_generator_close (generator, error));      /* at its end by now */
  return TRUE;
}

/* Goes on, closed or not. */
static gboolean
unmoved (CoroGenerator  *generator,
         gpointer        user_data,
         GError        **error)
{
  Plan *plan = user_data;

  for (int i = 1; i <= 100; i++)
    if (!coro_generator_produce_int (generator, i, NULL))
      plan->cleaned++;
  return TRUE;
}

static gboolean
test_goes_on_after_ignored_close (gpointer   user_data,
                                  GValue    *result,
                                  GError   **error)
{
  static Plan plan;
  CoroGenerator *generator = generator_new (unmoved, &plan);

  g_assert_cmpint (next_int (generator, error), ==, 1);
  for (int i = 1; i <= 2; i++)
    {
      g_autoptr (GError) local_error = NULL;

      g_assert_false (coro_generator_close (generator, &local_error));
      g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
      g_assert_cmpint (plan.cleaned, ==, i);
    }
  g_assert_cmpint (next_int (generator, error), ==, 4);
  g_assert_cmpint (next_int (generator, error), ==, 5);
  g_assert_cmpint (plan.cleaned, ==, 2);

  /* Below, its stack leaks, which a sanitizer would say. */
  if (is_slow ())
    {
      while (next_int (generator, error) > 0)
        continue;
      g_object_unref (generator);
      g_assert_cmpint (plan.freed, ==, 1);
      return TRUE;
    }

  /* Dropped, it is asked once more, and no more after that. */
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*The generator ignored that it was closed*");
  g_object_unref (generator);
  g_assert_true (coro_test_settle (error));
  g_test_assert_expected_messages ();
  g_assert_cmpint (plan.cleaned, ==, 3);
  g_assert_cmpint (plan.freed, ==, 1);
  return TRUE;
}

static gboolean
next_cb (gpointer   generator,
         GValue    *result,
         GError   **error)
{
  int value = next_int (generator, error);

  return value >= 0 && coro_return_int (result, value);
}

static gboolean
test_one_at_a_time (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  Plan plan = { 1, 0, 0 };
  g_autoptr (CoroGenerator) generator = generator_new (count_to_n, &plan);
  g_autoptr (CoroTask) first = coro_spawn_task (next_cb, generator, NULL);
  g_autoptr (CoroTask) second = NULL;
  g_autoptr (GError) local_error = NULL;

  g_assert_true (coro_test_settle (error));     /* the first waits when the second comes */
  second = coro_spawn_task (next_cb, generator, NULL);
  g_assert_false (coro_await (second, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_assert_cmpint (coro_await_int (first, error), ==, 1);
  return coro_generator_close (generator, error);
}

static gboolean
test_cancel_reaches_the_body (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  Plan plan = { 3, 0, 0 };
  g_autoptr (CoroGenerator) generator = generator_new (careful, &plan);
  g_autoptr (CoroTask) task = coro_spawn_task (next_cb, generator, NULL);

  g_assert_true (coro_test_settle (error));
  coro_task_cancel (task);
  g_assert_true (coro_join (task, error));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (plan.cleaned, ==, 1);
  g_assert_cmpint (next_int (generator, error), ==, 0);
  return TRUE;
}

static gboolean
test_time_limit_of_the_consumer (gpointer   user_data,
                                 GValue    *result,
                                 GError   **error)
{
  Plan plan = { 3, 0, 0 };
  g_autoptr (CoroGenerator) generator = generator_new (count_to_n, &plan);
  g_autoptr (GError) local_error = NULL;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (MILLISECOND / 2, &local_error);

    g_assert_cmpint (next_int (generator, &local_error), ==, -1);
  }
  assert_timed_out (local_error);
  g_assert_cmpint (next_int (generator, error), ==, 0);         /* a failure is the end */
  return TRUE;
}

static gboolean
guarded (CoroGenerator  *generator,
         gpointer        user_data,
         GError        **error)
{
  g_auto (CoroTimeout) timeout = coro_timeout_enter (SECOND, error);

  return coro_generator_produce_int (generator, 1, error);
}

static gboolean
test_no_value_inside_a_guard (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  Plan plan = { 0, 0, 0 };
  g_autoptr (CoroGenerator) generator = generator_new (guarded, &plan);
  g_autoptr (GError) local_error = NULL;

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*inside a timeout*");
  g_assert_cmpint (next_int (generator, &local_error), ==, -1);
  g_test_assert_expected_messages ();
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return TRUE;
}

static gboolean
lines (CoroGenerator  *generator,
       gpointer        inner,
       GError        **error)
{
  g_auto (CoroLoop) loop = coro_loop_enter (inner, error);
  g_auto (GValue) value = G_VALUE_INIT;

  while (coro_loop_next (&loop, &value))
    {
      g_autofree char *line = g_strdup_printf ("line %d", g_value_get_int (&value));

      if (!coro_generator_produce_string (generator, line, error))
        return FALSE;
    }
  return coro_loop_ok (&loop);
}

static gboolean
test_generators_compose (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  Plan plan = { 3, 0, 0 };
  CoroGenerator *inner = generator_new (careful, &plan);
  g_autoptr (CoroGenerator) outer = coro_generator_new (G_TYPE_STRING, lines, inner, g_object_unref);
  g_auto (CoroLoop) loop = coro_loop_enter (outer, error);
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_true (coro_loop_next (&loop, &value));
  g_assert_cmpstr (g_value_get_string (&value), ==, "line 1");
  coro_loop_exit (&loop);                                       /* closes both, the inner one first */
  g_assert_cmpint (plan.cleaned, ==, 1);
  return TRUE;
}

static gboolean
test_next_required_and_or (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  Plan plan = { 0, 0, 0 };
  g_autoptr (CoroGenerator) generator = generator_new (count_to_n, &plan);
  g_auto (GValue) fallback = G_VALUE_INIT;
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_iterator_next_required (generator, &value, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_EXHAUSTED);

  g_value_init (&fallback, G_TYPE_INT);
  g_value_set_int (&fallback, 42);
  g_assert_true (coro_iterator_next_or (generator, &fallback, &value, error));
  g_assert_cmpint (g_value_get_int (&value), ==, 42);
  return TRUE;
}

static gboolean
test_wrong_type (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  Plan plan = { 1, 0, 0 };
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_STRING, count_to_n, &plan, plan_free);
  g_autoptr (GError) local_error = NULL;

  g_assert_cmpint (next_int (generator, &local_error), ==, -1);
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_TYPE_MISMATCH);
  return TRUE;
}

/* --- the generator that a message names ------------------------------------------------- */

static gboolean
fail_to_close (CoroGenerator  *generator,
               gpointer        user_data,
               GError        **error)
{
  if (coro_generator_produce_int (generator, 1, NULL))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no");
  return FALSE;
}

static gboolean
begin_and_keep_cb (gpointer   generator,
                   GValue    *result,
                   GError   **error)
{
  g_assert_cmpint (next_int (generator, error), ==, 1);
  return TRUE;
}

static gboolean
begin_and_drop_cb (gpointer   generator,
                   GValue    *result,
                   GError   **error)
{
  g_assert_cmpint (next_int (generator, error), ==, 1);
  g_object_unref (generator);
  return coro_test_settle (error);
}

/* The generator is closed at the end of the main loop. */
static void
test_failure_to_close_is_named (void)
{
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, fail_to_close, NULL, NULL);

  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "fail_to_close (*test-generator.c:*) failed to close: no");
  g_assert_true (coro_run (begin_and_keep_cb, generator, NULL, NULL));
  g_test_assert_expected_messages ();
}

static void
test_nameless_has_a_word (void)
{
  g_autoptr (CoroGenerator) generator = coro_generator_new_at (G_TYPE_INT, fail_to_close, NULL, NULL, NULL);

  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "A generator failed to close: no");
  g_assert_true (coro_run (begin_and_keep_cb, generator, NULL, NULL));
  g_test_assert_expected_messages ();
}

/* A generator that was dropped is closed by a coroutine, and this coroutine has its name. */
static gboolean
test_dropped_one_is_named (gpointer   user_data,
                               GValue    *result,
                               GError   **error)
{
  CoroGenerator *generator = coro_generator_new (G_TYPE_INT, fail_to_close, NULL, NULL);

  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "fail_to_close failed, and its error was never retrieved*: no; spawned at fail_to_close (*test-generator.c:*)*");
  begin_and_drop_cb (generator, result, error);
  g_test_assert_expected_messages ();
  return TRUE;
}

/* Whatever the generator's stack holds is leaked. */
static void
test_survivor_of_its_loop_is_named (void)
{
  GMainContext *context;
  CoroGenerator *generator;

  if (is_slow ())
    {
      g_test_skip ("leaks");
      return;
    }

  context = g_main_context_new ();
  generator = coro_generator_new (G_TYPE_INT, fail_to_close, NULL, NULL);
  g_main_context_push_thread_default (context);
  coro_spawn (begin_and_keep_cb, generator, NULL);
  settle (context);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL,
                         "fail_to_close (*test-generator.c:*) was dropped after its main loop had ended*");
  g_object_unref (generator);
  g_test_assert_expected_messages ();
}

static gboolean
two_values_cb (CoroGenerator  *generator,
               gpointer        user_data,
               GError        **error)
{
  return coro_generator_produce_int (generator, 1, error) && coro_generator_produce_int (generator, 2, error);
}

static gboolean
step_elsewhere_cb (gpointer   generator,
                   GValue    *result,
                   GError   **error)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_iterator_next (generator, &value, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_clear_error (&local_error);
  g_assert_false (coro_generator_close (generator, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return TRUE;
}

static gpointer
step_thread (gpointer generator)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (context);
  coro_run (step_elsewhere_cb, generator, NULL, &error);
  g_assert_no_error (error);
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* Its stack belongs to the thread that has begun it. */
static gboolean
other_thread_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, two_values_cb, NULL, NULL);
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_true (coro_iterator_next (generator, &value, error));
  g_thread_join (g_thread_new ("other", step_thread, generator));
  return coro_generator_close (generator, error);
}

static gboolean
object_then_mute_cb (CoroGenerator  *generator,
                     gpointer        object,
                     GError        **error)
{
  coro_generator_produce_object (generator, object, error);
  return FALSE;
}

/* The consumer gets a reference of its own; a failure without an error gets one. */
static gboolean
test_object_then_mute_failure (gpointer   user_data,
                               GValue    *result,
                               GError   **error)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_OBJECT, object_then_mute_cb, object, NULL);
  g_autoptr (GObject) produced = NULL;
  gpointer none = NULL;
  g_autoptr (GError) local_error = NULL;

  g_assert_true (coro_iterator_next_object (generator, (gpointer *) &produced, error));
  g_assert_true (produced == object);
  g_assert_false (coro_iterator_next_object (generator, &none, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_NO_RESULT);
  g_assert_null (none);
  return TRUE;
}

/* An int is not an object. */
static gboolean
test_next_object_of_ints (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  Plan plan = { 1, 0, 0 };
  g_autoptr (CoroGenerator) generator = generator_new (count_to_n, &plan);
  g_autoptr (GError) local_error = NULL;
  gpointer none = NULL;

  g_assert_false (coro_iterator_next_object (generator, &none, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_TYPE_MISMATCH);
  g_assert_null (none);
  return coro_generator_close (generator, error);
}

typedef struct
{
  CoroGenerator *generator;
  gboolean asked;
} Nested;

static gboolean
ask_below_cb (gpointer user_data)
{
  Nested *self = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (next_int (self->generator, &error), ==, -1);
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NESTED_LOOP);
  self->asked = TRUE;
  return G_SOURCE_REMOVE;
}

/* The body could wait there, and nothing can.  It has not begun, and does so later. */
static gboolean
test_not_below_a_nested_loop (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  Plan plan = { 1, 0, 0 };
  g_autoptr (CoroGenerator) generator = generator_new (count_to_n, &plan);
  g_autoptr (GSource) source = g_idle_source_new ();
  Nested nested = { generator, FALSE };

  g_source_set_callback (source, ask_below_cb, &nested, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  while (!nested.asked)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
  g_assert_cmpint (next_int (generator, error), ==, 1);
  g_assert_cmpint (next_int (generator, error), ==, 0);
  g_assert_cmpint (plan.freed, ==, 1);
  return TRUE;
}

static gpointer
unref_thread (gpointer object)
{
  g_object_unref (object);
  return NULL;
}

/* Dropped by another thread: its own thread closes it. */
static gboolean
test_dropped_by_another_thread (gpointer   user_data,
                                GValue    *result,
                                GError   **error)
{
  Plan plan = { 3, 0, 0 };
  CoroGenerator *generator = generator_new (careful, &plan);

  g_assert_cmpint (next_int (generator, error), ==, 1);
  g_thread_join (g_thread_new ("drops", unref_thread, generator));
  g_assert_cmpint (plan.cleaned, ==, 0);
  g_assert_true (coro_sleep (10 * MILLISECOND, error));
  g_assert_cmpint (plan.cleaned, ==, 1);
  g_assert_cmpint (plan.freed, ==, 1);
  return TRUE;
}

/* A loop that is left early says what the iterator fails to close with: its block has succeeded. */
static gboolean
test_loop_says_failed_close (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  g_autoptr (CoroGenerator) generator = coro_generator_new (G_TYPE_INT, fail_to_close, NULL, NULL);

  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "An iterator failed to close: no");
  {
    g_auto (CoroLoop) loop = coro_loop_enter (generator, error);
    g_auto (GValue) value = G_VALUE_INIT;

    g_assert_true (coro_loop_next (&loop, &value));
    g_assert_cmpint (g_value_get_int (&value), ==, 1);
  }
  g_test_assert_expected_messages ();
  return TRUE;
}

static gboolean
begin_stubborn_cb (gpointer   generator,
                   GValue    *result,
                   GError   **error)
{
  return next_int (generator, error) == 1;
}

/* The end of the run does not ask for ever. */
static void
test_run_end_and_stubborn (void)
{
  Plan plan = { 0, 0, 0 };
  CoroGenerator *generator;
  g_autoptr (GError) error = NULL;

  if (is_slow ())
    {
      g_test_skip ("leaks");    /* its stack */
      return;
    }

  generator = generator_new (stubborn, &plan);
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*test-generator.c:*) failed to close: *ignored*");
  g_assert_true (coro_run (begin_stubborn_cb, generator, NULL, &error));
  g_test_assert_expected_messages ();
  g_assert_no_error (error);
  g_object_unref (generator);
  g_assert_cmpint (plan.freed, ==, 1);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/spec/S284-S285-S286-S322/values-then-the-end", test_values_then_end);
  coro_test_add_func ("/spec/S320/never-started-runs-nothing", test_nothing_runs_before);
  coro_test_add_func ("/flow/generator/two-in-one-coroutine", test_others_run_meanwhile);
  coro_test_add_func ("/spec/S319-S320/close-cleans-up", test_close_cleans_up);
  coro_test_add_func ("/flow/loop/break-closes-at-once", test_break_closes_at_once);
  coro_test_add_func ("/spec/S321/dropped-closes-later", test_dropped_closes_later);
  g_test_add_func ("/spec/S321/run-end-closes", test_run_end_closes);
  coro_test_add_func ("/spec/S323/send", test_send);
  coro_test_add_func ("/spec/S324/throw", test_throw);
  coro_test_add_func ("/spec/S325/ignored-close-is-an-error", test_ignored_close);
  coro_test_add_func ("/flow/generator/goes-on-after-ignored-close", test_goes_on_after_ignored_close);
  coro_test_add_func ("/spec/S327/one-at-a-time", test_one_at_a_time);
  coro_test_add_func ("/flow/generator/cancel-reaches-the-body", test_cancel_reaches_the_body);
  coro_test_add_func ("/flow/generator/time-limit-of-the-consumer", test_time_limit_of_the_consumer);
  coro_test_add_func ("/flow/generator/no-value-inside-a-guard", test_no_value_inside_a_guard);
  coro_test_add_func ("/spec/S283/generators-compose", test_generators_compose);
  coro_test_add_func ("/spec/S287-S288-S289/next-required-and-fallback", test_next_required_and_or);
  coro_test_add_func ("/flow/generator/wrong-type", test_wrong_type);
  g_test_add_func ("/flow/generator/failure-to-close-is-named", test_failure_to_close_is_named);
  g_test_add_func ("/flow/generator/nameless-has-a-word", test_nameless_has_a_word);
  coro_test_add_func ("/flow/generator/dropped-one-is-named", test_dropped_one_is_named);
  g_test_add_func ("/flow/generator/survivor-of-its-loop-is-named", test_survivor_of_its_loop_is_named);
  coro_test_add_func ("/generator/other-thread", other_thread_cb);
  coro_test_add_func ("/flow/generator/not-below-a-nested-loop", test_not_below_a_nested_loop);
  coro_test_add_func ("/flow/generator/dropped-by-another-thread", test_dropped_by_another_thread);
  coro_test_add_func ("/flow/loop/says-failed-close", test_loop_says_failed_close);
  g_test_add_func ("/flow/generator/run-end-and-stubborn", test_run_end_and_stubborn);
  coro_test_add_func ("/flow/generator/object-then-mute-failure", test_object_then_mute_failure);
  coro_test_add_func ("/flow/iterator/next-object-of-ints", test_next_object_of_ints);

  return g_test_run ();
}
