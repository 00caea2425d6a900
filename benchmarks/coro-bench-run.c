/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-bench-cases.h"

/* --- giving way ------------------------------------------------------------------- */

/* One coroutine yields although there is no other. */
static gint64
yield_alone (guint    n,
             gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    coro_yield (NULL);
  return bench_now () - start;
}

static gboolean
yield_1_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Bench *bench = user_data;

  bench_print (bench, NULL, bench_median (bench, yield_alone, NULL), "ns");
  return TRUE;
}

void
coro_bench_yield_1 (Bench *bench)
{
  coro_bench_run (yield_1_cb, bench);
}

typedef struct
{
  guint n_coroutines;
  guint n_yields;
  gint64 elapsed;
} YieldingCrowd;

static gboolean
yielding_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  YieldingCrowd *self = user_data;

  for (guint i = 0; i <= self->n_yields; i++)
    coro_yield (NULL);
  return TRUE;
}

/* The last coroutine to start has the stopwatch: in each of its rounds every coroutine has one
 * turn, and neither starting nor ending is measured. */
static gboolean
stopwatch_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  YieldingCrowd *self = user_data;
  gint64 start = bench_now ();

  for (guint i = 0; i < self->n_yields; i++)
    coro_yield (NULL);
  self->elapsed = bench_now () - start;
  return TRUE;
}

static gint64
yield_in_crowd (guint    n,
                gpointer data)
{
  YieldingCrowd *self = data;
  GError *error = NULL;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &error);

  self->n_yields = n;
  for (guint i = 1; i < self->n_coroutines; i++)
    coro_task_group_spawn (nursery.group, yielding_cb, self, NULL);
  coro_task_group_spawn (nursery.group, stopwatch_cb, self, NULL);

  coro_bench_check (coro_nursery_join (&nursery), error);
  return self->elapsed;
}

static gboolean
yield_1000_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  Bench *bench = user_data;
  YieldingCrowd crowd = { .n_coroutines = 1000 };

  bench_print (bench, NULL, bench_median (bench, yield_in_crowd, &crowd) / crowd.n_coroutines, "ns");
  return TRUE;
}

void
coro_bench_yield_1000 (Bench *bench)
{
  coro_bench_run (yield_1000_cb, bench);
}

/* --- spawning --------------------------------------------------------------------- */

static gboolean
empty_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  return TRUE;
}

/* `data` says how many members a group has. */
static gint64
spawn_members (guint    n,
               gpointer data)
{
  guint n_members = GPOINTER_TO_UINT (data);
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    {
      GError *error = NULL;
      g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &error);

      for (guint j = 0; j < n_members; j++)
        coro_task_group_spawn (nursery.group, empty_cb, NULL, NULL);
      coro_bench_check (coro_nursery_join (&nursery), error);
    }
  return bench_now () - start;
}

typedef struct
{
  guint n_at_once;
  guint n_ended;
} Detached;

static gboolean
count_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  ((Detached *) user_data)->n_ended++;
  return TRUE;
}

static gint64
spawn_detached (guint    n,
                gpointer data)
{
  Detached *self = data;
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    {
      self->n_ended = 0;
      for (guint j = 0; j < self->n_at_once; j++)
        coro_spawn (count_cb, self, NULL);
      while (self->n_ended < self->n_at_once)
        coro_yield (NULL);
    }
  return bench_now () - start;
}

static gboolean
spawn_join_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  Bench *bench = user_data;
  guint n_members = bench_size (bench, 1000, 10);
  Detached detached = { .n_at_once = n_members };

  bench_print (bench, NULL, bench_median (bench, spawn_members, GUINT_TO_POINTER (n_members)) / n_members, "ns");
  bench_print (bench, "detached", bench_median (bench, spawn_detached, &detached) / n_members, "ns");
  bench_print (bench, "group-of-one", bench_median (bench, spawn_members, GUINT_TO_POINTER (1)), "ns");
  return TRUE;
}

void
coro_bench_spawn_join (Bench *bench)
{
  coro_bench_run (spawn_join_cb, bench);
}

static gint64
spawn_and_await (guint    n,
                 gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (CoroTask) task = coro_spawn_task (empty_cb, NULL, NULL);
      GError *error = NULL;

      coro_bench_check (coro_await (task, NULL, &error), error);
    }
  return bench_now () - start;
}

static gboolean
spawn_await_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  Bench *bench = user_data;

  bench_print (bench, NULL, bench_median (bench, spawn_and_await, NULL), "ns");
  return TRUE;
}

void
coro_bench_spawn_await (Bench *bench)
{
  coro_bench_run (spawn_await_cb, bench);
}
