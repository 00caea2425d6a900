/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-bench-cases.h"

#define N_PARKED_BEFORE 100

/* --- memory ----------------------------------------------------------------------- */

typedef struct
{
  CoroFuture *gate;             /* (owned) */
  guint n_coroutines;
  guint n_parked;
  double *figures;
} Parking;

static gboolean
park_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Parking *self = user_data;

  self->n_parked++;
  return coro_await (self->gate, NULL, error);
}

static void
park_more (Parking       *self,
           CoroTaskGroup *group,
           guint          n_more)
{
  guint n_wanted = self->n_parked + n_more;

  for (guint i = 0; i < n_more; i++)
    coro_task_group_spawn (group, park_cb, self, NULL);
  while (self->n_parked < n_wanted)
    coro_yield (NULL);
}

/* Some are there before, so that what a process needs once is not shared out. */
static gboolean
parking_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Parking *self = user_data;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  BenchMemory before, after;

  self->gate = coro_future_new ();
  park_more (self, nursery.group, N_PARKED_BEFORE);
  before = bench_get_memory ();
  park_more (self, nursery.group, self->n_coroutines);
  after = bench_get_memory ();

  self->figures[0] = (double) (after.rss - before.rss) / self->n_coroutines;
  self->figures[1] = (double) (after.page_tables - before.page_tables) / self->n_coroutines;

  coro_future_resolve_boolean (self->gate, TRUE);
  return coro_nursery_join (&nursery);
}

static void
measure_parked (guint   n_coroutines,
                double *figures)
{
  Parking parking = { .n_coroutines = n_coroutines, .figures = figures };

  coro_bench_run (parking_cb, &parking);
  g_object_unref (parking.gate);
}

static void
measure_parking (Bench  *bench,
                 double *figures)
{
  measure_parked (bench_size (bench, 100000, 1000), figures);
}

/* All at once, in one process: 4.9 GB of them. */
void
coro_bench_parked_1m (Bench *bench)
{
  guint n_coroutines = bench_size (bench, 1000000, 1000);
  double figures[BENCH_MAX_FIGURES];
  gint64 start = bench_now ();

  measure_parked (n_coroutines, figures);
  bench_print (bench, NULL, (double) (bench_now () - start) / 1e9, "s");
  bench_print (bench, "bytes", figures[0] + figures[1], "bytes");
}

void
coro_bench_parked_bytes (Bench *bench)
{
  double figures[BENCH_MAX_FIGURES];

  bench_fresh_medians (bench, measure_parking, figures);
  bench_print (bench, NULL, figures[0] + figures[1], "bytes");
  bench_print (bench, "rss", figures[0], "bytes");
  bench_print (bench, "page-tables", figures[1], "bytes");
}

/* --- coming and going ----------------------------------------------------------------- */

static gboolean
nothing_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return TRUE;
}

static gboolean
come_and_go (guint    n_coroutines,
             GError **error)
{
  for (guint i = 0; i < n_coroutines; i += 1000)
    {
      g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

      for (guint j = 0; j < 1000; j++)
        coro_task_group_spawn (nursery.group, nothing_cb, NULL, NULL);
      if (!coro_nursery_join (&nursery))
        return FALSE;
    }
  return TRUE;
}

static gboolean
growth_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Bench *bench = user_data;
  gint64 start;
  BenchMemory before, after;

  if (!come_and_go (bench_size (bench, 100000, 1000), error))
    return FALSE;
  before = bench_get_memory ();
  start = bench_now ();
  if (!come_and_go (bench_size (bench, 10000000, 1000), error))
    return FALSE;
  after = bench_get_memory ();

  bench_print (bench, NULL, (double) after.rss - (double) before.rss, "bytes");
  bench_print (bench, "wall", (double) (bench_now () - start) / 1e9, "s");
  return TRUE;
}

void
coro_bench_growth_10m (Bench *bench)
{
  coro_bench_run (growth_cb, bench);
}

/* --- sleeping --------------------------------------------------------------------- */

typedef struct
{
  GRand *random;                /* (owned): the same numbers every time */
  guint n_coroutines;
} Sleepers;

static gboolean
sleep_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Sleepers *self = user_data;

  return coro_sleep (g_rand_int_range (self->random, 1, G_TIME_SPAN_SECOND), error);
}

static gboolean
sleepers_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Sleepers *self = user_data;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (guint i = 0; i < self->n_coroutines; i++)
    coro_task_group_spawn (nursery.group, sleep_cb, self, NULL);
  return coro_nursery_join (&nursery);
}

/* All of it: new stacks, falling asleep, waking, ending. */
static void
measure_sleeping (guint   n_coroutines,
                  double *figures)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  Sleepers sleepers = { random, n_coroutines };
  BenchCpu before = bench_get_cpu ();
  gint64 start = bench_now ();
  BenchCpu after;

  coro_bench_run (sleepers_cb, &sleepers);

  after = bench_get_cpu ();
  figures[0] = after.user - before.user;
  figures[1] = after.sys - before.sys;
  figures[2] = (double) (bench_now () - start) / 1e9;
}

static void
measure_sleepers (Bench  *bench,
                  double *figures)
{
  measure_sleeping (bench_size (bench, 100000, 1000), figures);
}

void
coro_bench_sleep_1m (Bench *bench)
{
  double figures[BENCH_MAX_FIGURES];

  measure_sleeping (bench_size (bench, 1000000, 1000), figures);
  bench_print (bench, NULL, figures[0] + figures[1], "s");
  bench_print (bench, "sys", figures[1], "s");
  bench_print (bench, "wall", figures[2], "s");
}

void
coro_bench_sleep_100k (Bench *bench)
{
  double figures[BENCH_MAX_FIGURES];

  bench_fresh_medians (bench, measure_sleepers, figures);
  bench_print (bench, NULL, figures[0] + figures[1], "s");
  bench_print (bench, "user", figures[0], "s");
  bench_print (bench, "sys", figures[1], "s");
  bench_print (bench, "wall", figures[2], "s");
}

/* --- timers that nothing happens to ------------------------------------------------ */

static gboolean
sleep_long_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  (*(guint *) user_data)++;
  coro_sleep (G_TIME_SPAN_HOUR, NULL);
  return TRUE;
}

static gint64
iterate (guint    n,
         gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    g_main_context_iteration (NULL, FALSE);
  return bench_now () - start;
}

static gboolean
start_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  *(gboolean *) user_data = TRUE;
  return TRUE;
}

/* In the default context, as a program with a window would see it.  The scheduler is
 * there from the beginning: what itself costs is not what is asked. */
void
coro_bench_timers_50k (Bench *bench)
{
  guint n_sleepers = bench_size (bench, 50000, 500);
  guint n_asleep = 0;
  gboolean started = FALSE;
  double none, many;

  coro_spawn (start_cb, &started, NULL);
  while (!started)
    g_main_context_iteration (NULL, FALSE);
  none = bench_median (bench, iterate, NULL);

  for (guint i = 0; i < n_sleepers; i++)
    coro_spawn (sleep_long_cb, &n_asleep, NULL);
  while (n_asleep < n_sleepers)
    g_main_context_iteration (NULL, FALSE);
  many = bench_median (bench, iterate, NULL);

  bench_print (bench, NULL, many - none, "ns");
  bench_print (bench, "none", none, "ns");
  bench_print (bench, "with", many, "ns");
}
