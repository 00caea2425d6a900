/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dex-bench-cases.h"

/* --- giving way ------------------------------------------------------------------- */

static gint64
yield_alone (guint    n,
             gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    dex_bench_yield ();
  return bench_now () - start;
}

static DexFuture *
yield_1_cb (gpointer user_data)
{
  Bench *bench = user_data;

  bench_print (bench, NULL, bench_median (bench, yield_alone, NULL), "ns");
  return dex_future_new_true ();
}

void
dex_bench_yield_1 (Bench *bench)
{
  dex_bench_run (yield_1_cb, bench);
}

typedef struct
{
  guint n_fibers;
  guint n_yields;
  gint64 elapsed;
} YieldingCrowd;

static DexFuture *
yielding_cb (gpointer user_data)
{
  YieldingCrowd *self = user_data;

  for (guint i = 0; i <= self->n_yields; i++)
    dex_bench_yield ();
  return dex_future_new_true ();
}

static DexFuture *
stopwatch_cb (gpointer user_data)
{
  YieldingCrowd *self = user_data;
  gint64 start = bench_now ();

  for (guint i = 0; i < self->n_yields; i++)
    dex_bench_yield ();
  self->elapsed = bench_now () - start;
  return dex_future_new_true ();
}

static void
await_all (GPtrArray *futures)
{
  dex_await (dex_future_allv ((DexFuture **) futures->pdata, futures->len), NULL);
  g_ptr_array_set_size (futures, 0);
}

static gint64
yield_in_crowd (guint    n,
                gpointer data)
{
  YieldingCrowd *self = data;
  g_autoptr (GPtrArray) fibers = g_ptr_array_new_with_free_func (dex_unref);

  self->n_yields = n;
  for (guint i = 1; i < self->n_fibers; i++)
    g_ptr_array_add (fibers, dex_scheduler_spawn (NULL, 0, yielding_cb, self, NULL));
  g_ptr_array_add (fibers, dex_scheduler_spawn (NULL, 0, stopwatch_cb, self, NULL));

  await_all (fibers);
  return self->elapsed;
}

static DexFuture *
yield_1000_cb (gpointer user_data)
{
  Bench *bench = user_data;
  YieldingCrowd crowd = { .n_fibers = 1000 };

  bench_print (bench, NULL, bench_median (bench, yield_in_crowd, &crowd) / crowd.n_fibers, "ns");
  return dex_future_new_true ();
}

void
dex_bench_yield_1000 (Bench *bench)
{
  dex_bench_run (yield_1000_cb, bench);
}

/* --- spawning --------------------------------------------------------------------- */

static DexFuture *
empty_cb (gpointer user_data)
{
  return dex_future_new_true ();
}

/* `data` says how many are joined at once. */
static gint64
spawn_members (guint    n,
               gpointer data)
{
  guint n_members = GPOINTER_TO_UINT (data);
  g_autoptr (GPtrArray) fibers = g_ptr_array_new_with_free_func (dex_unref);
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    {
      for (guint j = 0; j < n_members; j++)
        g_ptr_array_add (fibers, dex_scheduler_spawn (NULL, 0, empty_cb, NULL, NULL));
      await_all (fibers);
    }
  return bench_now () - start;
}

typedef struct
{
  guint n_at_once;
  guint n_ended;
} Detached;

static DexFuture *
count_cb (gpointer user_data)
{
  ((Detached *) user_data)->n_ended++;
  return dex_future_new_true ();
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
        dex_future_disown (dex_scheduler_spawn (NULL, 0, count_cb, self, NULL));
      while (self->n_ended < self->n_at_once)
        dex_bench_yield ();
    }
  return bench_now () - start;
}

static DexFuture *
spawn_join_cb (gpointer user_data)
{
  Bench *bench = user_data;
  guint n_members = bench_size (bench, 1000, 10);
  Detached detached = { .n_at_once = n_members };

  bench_print (bench, NULL, bench_median (bench, spawn_members, GUINT_TO_POINTER (n_members)) / n_members, "ns");
  bench_print (bench, "detached", bench_median (bench, spawn_detached, &detached) / n_members, "ns");
  bench_print (bench, "group-of-one", bench_median (bench, spawn_members, GUINT_TO_POINTER (1)), "ns");
  return dex_future_new_true ();
}

void
dex_bench_spawn_join (Bench *bench)
{
  dex_bench_run (spawn_join_cb, bench);
}

static gint64
spawn_and_await (guint    n,
                 gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    dex_await (dex_scheduler_spawn (NULL, 0, empty_cb, NULL, NULL), NULL);
  return bench_now () - start;
}

static DexFuture *
spawn_await_cb (gpointer user_data)
{
  Bench *bench = user_data;

  bench_print (bench, NULL, bench_median (bench, spawn_and_await, NULL), "ns");
  return dex_future_new_true ();
}

void
dex_bench_spawn_await (Bench *bench)
{
  dex_bench_run (spawn_await_cb, bench);
}
