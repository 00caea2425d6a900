/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Coroutines that never rest, and the other sources of the main loop.  A test ends when these have
 * had their turns; if they starve, it ends by a time limit and fails.
 */
#include "test-util.h"

#define REDRAW_PRIORITY 120     /* GDK_PRIORITY_REDRAW */
#define LIMIT (20 * G_TIME_SPAN_SECOND)

typedef struct
{
  int turns;                    /* that others have had */
  int wanted;
  guint64 steps;
  gint64 start;
  CoroFuture *done;
  CoroQueue *queue;
} Fairness;

static gboolean
is_over (Fairness *self)
{
  return self->turns >= self->wanted || g_get_monotonic_time () - self->start > LIMIT;
}

static gboolean
turn_cb (gpointer user_data)
{
  ((Fairness *) user_data)->turns++;
  return G_SOURCE_CONTINUE;
}

static gboolean
yield_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Fairness *self = user_data;

  for (; !is_over (self); self->steps++)
    if (!coro_yield (error))
      return FALSE;
  return TRUE;
}

static gboolean
await_ready_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  Fairness *self = user_data;

  for (; !is_over (self); self->steps++)
    if (!coro_await (self->done, NULL, error))
      return FALSE;
  return TRUE;
}

static gboolean
spawn_again_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  Fairness *self = user_data;

  self->steps++;
  if (!is_over (self))
    coro_spawn (spawn_again_cb, self, NULL);
  return TRUE;
}

static gboolean
compute_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Fairness *self = user_data;

  for (; !is_over (self); self->steps++)
    {
      gint64 end = g_get_monotonic_time () + 200;

      while (g_get_monotonic_time () < end)
        ;
      if (!coro_yield (error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
ping_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Fairness *self = user_data;

  for (; !is_over (self); self->steps++)
    {
      gpointer item;

      if (!coro_queue_put (self->queue, self, error) || !coro_queue_take (self->queue, &item, error))
        return FALSE;
    }
  return TRUE;
}

typedef struct
{
  CoroFunc func;
  int n_coroutines;
  int priority;
  gboolean timeout;
} FairnessCase;

static void
test_others_get_turns (gconstpointer data)
{
  const FairnessCase *test = data;
  Fairness self = { .wanted = 30, .start = g_get_monotonic_time () };
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  guint source_id;

  self.done = coro_future_new_for_value (NULL);
  self.queue = coro_queue_new (0, NULL);
  source_id = test->timeout ? g_timeout_add_full (test->priority, 2, turn_cb, &self, NULL)
                            : g_idle_add_full (test->priority, turn_cb, &self, NULL);
  for (int i = 0; i < test->n_coroutines; i++)
    coro_spawn (test->func, &self, NULL);

  do
    g_main_context_iteration (NULL, TRUE);
  while (coro_scheduler_count_coroutines (scheduler) > 0);

  g_assert_cmpint (self.turns, >=, self.wanted);
  g_assert_cmpint (self.steps, >=, (guint64) self.wanted / 3);  /* and so have coroutines */
  g_source_remove (source_id);
  g_object_unref (self.done);
  g_object_unref (self.queue);
}

/* --- by rounds ----------------------------------------------------------------------- */

/* Turns are counted, and no clock is read: each round of the main loop either runs coroutines for
 * a slice or leaves the turn to other sources. */
typedef struct
{
  gboolean stop;
  guint64 n_steps;
  CoroFuture *done;
} Endless;

static gboolean
endless_yield_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Endless *self = user_data;

  while (!self->stop)
    {
      self->n_steps++;
      if (!coro_yield (error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
endless_ready_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Endless *self = user_data;

  while (!self->stop)
    {
      self->n_steps++;
      if (!coro_await (self->done, NULL, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
count_turn_cb (gpointer counter)
{
  ++*(int *) counter;
  return G_SOURCE_CONTINUE;
}

/* Counts the rounds until another source has had `wanted` turns. */
static int
count_rounds (const int *turns,
              int        wanted)
{
  int n_rounds = 0;

  for (; *turns < wanted && n_rounds < 10000; n_rounds++)
    g_main_context_iteration (NULL, FALSE);
  return n_rounds;
}

/* Between two slices of the coroutines, other sources have a round at least, in which each of them
 * has its turn unless one of a higher priority is ready. */
static void
test_turns_in_rounds (gconstpointer data)
{
  const FairnessCase *test = data;
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  g_autoptr (CoroFuture) done = coro_future_new_for_value (NULL);
  Endless self = { .done = done };
  int n_timeouts = 0, n_idles = 0;
  guint timeout_id, idle_id;

  for (int i = 0; i < test->n_coroutines; i++)
    coro_spawn (test->func, &self, NULL);
  g_main_context_iteration (NULL, FALSE);

  timeout_id = g_timeout_add (0, count_turn_cb, &n_timeouts);
  g_assert_cmpint (count_rounds (&n_timeouts, 20), <=, 2 * 20);
  g_source_remove (timeout_id);

  idle_id = g_idle_add (count_turn_cb, &n_idles);
  g_assert_cmpint (count_rounds (&n_idles, 20), <=, 2 * 20);
  g_source_remove (idle_id);
  g_assert_cmpuint (self.n_steps, >, 20);

  self.stop = TRUE;
  while (coro_scheduler_count_coroutines (scheduler) > 0)
    g_main_context_iteration (NULL, TRUE);
}

/* A round of GLib serves one priority only: a timeout as frequent as our slices must not
 * take all the turns of a redraw. */
static void
test_timeout_lets_redraw_run (void)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  Fairness self = { .wanted = 30, .start = g_get_monotonic_time () };
  Fairness timeout = { 0, };
  guint timeout_id = g_timeout_add (1, turn_cb, &timeout);
  guint redraw_id = g_idle_add_full (REDRAW_PRIORITY, turn_cb, &self, NULL);

  coro_spawn (compute_cb, &self, NULL);
  do
    g_main_context_iteration (NULL, TRUE);
  while (coro_scheduler_count_coroutines (scheduler) > 0);

  g_assert_cmpint (self.turns, >=, self.wanted);
  g_assert_cmpint (timeout.turns, >, 0);
  g_source_remove (timeout_id);
  g_source_remove (redraw_id);
}

/* A source that is always ready, at the same priority and at a lower one, must not keep
 * coroutines from running either. */
static void
test_always_ready_source_shares (gconstpointer data)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  Fairness self = { .wanted = 50, .start = g_get_monotonic_time () };
  guint source_id = g_idle_add_full (GPOINTER_TO_INT (data), turn_cb, &self, NULL);

  coro_spawn (compute_cb, &self, NULL);
  do
    g_main_context_iteration (NULL, TRUE);
  while (coro_scheduler_count_coroutines (scheduler) > 0);

  g_assert_cmpint (self.turns, >=, self.wanted);
  g_assert_cmpint (self.steps, >=, (guint64) self.turns);       /* 4 ms of 200 µs each for a turn */
  g_source_remove (source_id);
}

/* One dispatch is over after the slice, not when the queue is empty. */
static void
test_dispatch_ends_after_slice (void)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  Fairness self = { .wanted = 1, .start = g_get_monotonic_time () };
  gint64 longest = 0;

  g_assert_cmpint (coro_scheduler_get_time_slice (scheduler), ==, 4000);
  coro_scheduler_set_time_slice (scheduler, 1000);
  for (int i = 0; i < 100; i++)
    coro_spawn (compute_cb, &self, NULL);

  for (int i = 0; i < 20; i++)
    {
      gint64 start = g_get_monotonic_time ();

      g_main_context_iteration (NULL, FALSE);
      longest = MAX (longest, g_get_monotonic_time () - start);
    }
  /* 100 × 200 µs would be 20 ms; what the machine adds is not ours. */
  g_test_message ("longest dispatch: %" G_GINT64_FORMAT " µs", longest);
  self.turns = self.wanted;
  settle (NULL);
  coro_scheduler_set_time_slice (scheduler, 4000);
}

static gboolean
quit_cb (gpointer application)
{
  g_application_quit (application);
  return G_SOURCE_REMOVE;
}

static void
activate_cb (GApplication *application,
             gpointer      user_data)
{
  g_application_hold (application);
  coro_spawn (yield_cb, user_data, NULL);
  g_idle_add (quit_cb, application);
}

/* g_application_run() iterates until nothing is ready; a source that always is would keep
 * it from ever returning. */
static void
test_application_returns (void)
{
  g_autoptr (GApplication) application = g_application_new (NULL, G_APPLICATION_NON_UNIQUE);
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  Fairness self = { .wanted = 1, .start = g_get_monotonic_time () };

  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), &self);
  g_assert_cmpint (g_application_run (application, 0, NULL), ==, 0);
  g_assert_cmpint (coro_scheduler_count_coroutines (scheduler), ==, 1);
  g_assert_false (is_over (&self));

  self.turns = 1;
  settle (NULL);
  g_assert_cmpint (coro_scheduler_count_coroutines (scheduler), ==, 0);
}

static const FairnessCase endless_yield = { endless_yield_cb, 1000, 0, FALSE };
static const FairnessCase endless_ready = { endless_ready_cb, 1, 0, FALSE };
static const FairnessCase yield_redraw = { yield_cb, 1, REDRAW_PRIORITY, FALSE };
static const FairnessCase yield_idle = { yield_cb, 100, G_PRIORITY_LOW, FALSE };
static const FairnessCase yield_timeout = { yield_cb, 1, G_PRIORITY_DEFAULT, TRUE };
static const FairnessCase compute_redraw = { compute_cb, 100, REDRAW_PRIORITY, FALSE };
static const FairnessCase compute_timeout = { compute_cb, 1000, G_PRIORITY_DEFAULT, TRUE };
static const FairnessCase ready_timeout = { await_ready_cb, 1, REDRAW_PRIORITY, TRUE };
static const FairnessCase spawn_redraw = { spawn_again_cb, 1, REDRAW_PRIORITY, FALSE };
static const FairnessCase queue_redraw = { ping_cb, 2, REDRAW_PRIORITY, FALSE };

/* --- loops that end when nothing is pending ---------------------------------------------- */

static gboolean
step_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  gint64 end = g_get_monotonic_time () + 10;

  for (int i = 0; i < 3; i++)
    {
      while (g_get_monotonic_time () < end)
        continue;
      if (!coro_yield (error))
        return FALSE;
    }
  ((Fairness *) user_data)->turns++;
  return TRUE;
}

/* All of them are ready all the time, and every slice is over at once. */
static void
test_pending_while_others_have_their_rounds (void)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  GTimeSpan time_slice = coro_scheduler_get_time_slice (scheduler);
  Fairness fairness = { 0, };

  coro_scheduler_set_time_slice (scheduler, 1);
  for (int i = 0; i < 200; i++)
    coro_spawn (step_cb, &fairness, NULL);
  while (g_main_context_pending (NULL))
    g_assert_true (g_main_context_iteration (NULL, FALSE));
  g_assert_cmpint (fairness.turns, ==, 200);
  coro_scheduler_set_time_slice (scheduler, time_slice);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/spec/S145/yield-lets-redraw-priority-run", &yield_redraw, test_others_get_turns);
  g_test_add_data_func ("/spec/S145/yield-lets-idle-run", &yield_idle, test_others_get_turns);
  g_test_add_data_func ("/spec/S003/plain-timeouts-fire", &yield_timeout, test_others_get_turns);
  g_test_add_data_func ("/scheduler/fairness/computing-lets-redraw-priority-run", &compute_redraw, test_others_get_turns);
  g_test_add_data_func ("/scheduler/fairness/a-thousand-computing-let-timeouts-fire", &compute_timeout, test_others_get_turns);
  g_test_add_data_func ("/scheduler/fairness/awaiting-what-is-ready-gives-way", &ready_timeout, test_others_get_turns);
  g_test_add_data_func ("/scheduler/fairness/rounds/one-awaiting-what-is-ready", &endless_ready, test_turns_in_rounds);
  g_test_add_data_func ("/scheduler/fairness/rounds/a-thousand-yielding", &endless_yield, test_turns_in_rounds);
  g_test_add_data_func ("/scheduler/fairness/endless-spawning-gives-way", &spawn_redraw, test_others_get_turns);
  g_test_add_data_func ("/scheduler/fairness/queue-ping-pong-gives-way", &queue_redraw, test_others_get_turns);
  g_test_add_data_func ("/scheduler/fairness/always-ready-redraw-shares", GINT_TO_POINTER (REDRAW_PRIORITY), test_always_ready_source_shares);
  g_test_add_data_func ("/scheduler/fairness/always-ready-default-shares", GINT_TO_POINTER (G_PRIORITY_DEFAULT), test_always_ready_source_shares);
  g_test_add_func ("/scheduler/fairness/frequent-timeout-lets-redraw-run", test_timeout_lets_redraw_run);
  g_test_add_func ("/scheduler/fairness/dispatch-ends-after-slice", test_dispatch_ends_after_slice);
  g_test_add_func ("/scheduler/fairness/application-run-returns", test_application_returns);
  g_test_add_func ("/scheduler/fairness/pending-while-others-have-their-rounds", test_pending_while_others_have_their_rounds);

  return g_test_run ();
}
