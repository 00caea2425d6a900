/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dex-bench-cases.h"

/* A fiber takes two mappings, and libdex aborts where they run out: near 32 000 fibers
 * with the kernel's default.  Where a case wants more, these are as many as there can be
 * and the figures are per fiber. */
#define MAX_FIBERS 30000
#define N_PARKED_BEFORE 100

/* --- memory ----------------------------------------------------------------------- */

typedef struct
{
  DexPromise *gate;             /* (owned) */
  guint n_parked;
} Parking;

static DexFuture *
park_cb (gpointer user_data)
{
  Parking *self = user_data;

  self->n_parked++;
  dex_await (dex_ref (DEX_FUTURE (self->gate)), NULL);
  return dex_future_new_true ();
}

static void
park_more (Parking *self,
           guint    n_more)
{
  guint n_wanted = self->n_parked + n_more;

  for (guint i = 0; i < n_more; i++)
    dex_future_disown (dex_scheduler_spawn (NULL, 0, park_cb, self, NULL));
  while (self->n_parked < n_wanted)
    g_main_context_iteration (NULL, FALSE);
}

/* The fibers are still there when the process ends: to wake them is not measured. */
static void
measure_parking (Bench  *bench,
                 double *figures)
{
  guint n_fibers = bench_size (bench, MAX_FIBERS, 1000);
  Parking parking = { 0, };
  BenchMemory before, after;

  dex_init ();
  parking.gate = dex_promise_new ();
  park_more (&parking, N_PARKED_BEFORE);
  before = bench_get_memory ();
  park_more (&parking, n_fibers);
  after = bench_get_memory ();

  figures[0] = (double) (after.rss - before.rss) / n_fibers;
  figures[1] = (double) (after.page_tables - before.page_tables) / n_fibers;
}

void
dex_bench_parked_bytes (Bench *bench)
{
  double figures[BENCH_MAX_FIGURES];

  bench_fresh_medians (bench, measure_parking, figures);
  bench_print (bench, NULL, figures[0] + figures[1], "bytes");
  bench_print (bench, "rss", figures[0], "bytes");
  bench_print (bench, "page-tables", figures[1], "bytes");
}

/* --- sleeping --------------------------------------------------------------------- */

typedef struct
{
  GRand *random;                /* (owned): the same numbers every time */
  guint n_ended;
} Sleepers;

static DexFuture *
sleep_cb (gpointer user_data)
{
  Sleepers *self = user_data;

  dex_await (dex_timeout_new_usec (g_rand_int_range (self->random, 1, G_USEC_PER_SEC)), NULL);
  self->n_ended++;
  return dex_future_new_true ();
}

/* In batches, one after the other: CPU time for as many sleeps, if not all at once. */
static void
measure_sleepers (Bench  *bench,
                  double *figures)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  guint n_fibers = bench_size (bench, 25000, 250);
  Sleepers sleepers = { random, 0 };
  BenchCpu before = bench_get_cpu ();
  gint64 start = bench_now ();
  BenchCpu after;

  dex_init ();
  for (guint batch = 0; batch < 4; batch++)
    {
      sleepers.n_ended = 0;
      for (guint i = 0; i < n_fibers; i++)
        dex_future_disown (dex_scheduler_spawn (NULL, 0, sleep_cb, &sleepers, NULL));
      while (sleepers.n_ended < n_fibers)
        g_main_context_iteration (NULL, TRUE);
    }

  after = bench_get_cpu ();
  figures[0] = after.user - before.user;
  figures[1] = after.sys - before.sys;
  figures[2] = (double) (bench_now () - start) / 1e9;
}

void
dex_bench_sleep_100k (Bench *bench)
{
  double figures[BENCH_MAX_FIGURES];

  bench_fresh_medians (bench, measure_sleepers, figures);
  bench_print (bench, NULL, figures[0] + figures[1], "s");
  bench_print (bench, "user", figures[0], "s");
  bench_print (bench, "sys", figures[1], "s");
  bench_print (bench, "wall", figures[2], "s");
}

/* --- timers that nothing happens to ------------------------------------------------ */

static gint64
iterate (guint    n,
         gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    g_main_context_iteration (NULL, FALSE);
  return bench_now () - start;
}

/* Without fibers, of which there cannot be so many. */
void
dex_bench_timers_50k (Bench *bench)
{
  guint n_timers = bench_size (bench, 50000, 500);
  g_autofree DexFuture **timers = g_new (DexFuture *, n_timers);
  double none, many;

  dex_init ();
  none = bench_median (bench, iterate, NULL);

  for (guint i = 0; i < n_timers; i++)
    timers[i] = dex_timeout_new_seconds (3600);
  many = bench_median (bench, iterate, NULL);

  bench_print (bench, NULL, many - none, "ns");
  bench_print (bench, "none", none, "ns");
  bench_print (bench, "with", many, "ns");
}
