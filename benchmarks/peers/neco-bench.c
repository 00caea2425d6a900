/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "bench.h"

#include <neco.h>

/* The cases of coro-bench for neco, coroutines in C with a scheduler of their own. */

static gint64
yield_alone (guint    n,
             gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    neco_yield ();
  return bench_now () - start;
}

static void
yielding (int   argc,
          void *argv[])
{
  yield_alone (*(guint *) argv[0] + 1, NULL);
  neco_waitgroup_done (argv[1]);
}

static gint64
yield_in_crowd (guint    n,
                gpointer data)
{
  neco_waitgroup group;
  gint64 elapsed;

  neco_waitgroup_init (&group);
  neco_waitgroup_add (&group, 999);
  for (guint i = 0; i < 999; i++)
    neco_start (yielding, 2, &n, &group);
  elapsed = yield_alone (n, NULL);
  neco_waitgroup_wait (&group);
  return elapsed;
}

static void
nothing (int   argc,
         void *argv[])
{
  neco_waitgroup_done (argv[0]);
}

static gint64
spawn_members (guint    n,
               gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    {
      neco_waitgroup group;

      neco_waitgroup_init (&group);
      neco_waitgroup_add (&group, 1000);
      for (guint j = 0; j < 1000; j++)
        neco_start (nothing, 1, &group);
      neco_waitgroup_wait (&group);
    }
  return bench_now () - start;
}

typedef struct
{
  neco_chan *there;
  neco_chan *back;
  guint n;
} PingPong;

static void
pong (int   argc,
      void *argv[])
{
  PingPong *self = argv[0];
  int ball;

  for (guint i = 0; i < self->n; i++)
    {
      neco_chan_recv (self->there, &ball);
      neco_chan_send (self->back, &ball);
    }
}

static gint64
play (guint    n,
      gpointer data)
{
  gsize capacity = GPOINTER_TO_SIZE (data);
  PingPong self = { .n = n };
  int ball = 0;
  gint64 start;

  neco_chan_make (&self.there, sizeof ball, capacity);
  neco_chan_make (&self.back, sizeof ball, capacity);
  neco_start (pong, 1, &self);
  start = bench_now ();
  for (guint i = 0; i < n; i++)
    {
      neco_chan_send (self.there, &ball);
      neco_chan_recv (self.back, &ball);
    }
  start = bench_now () - start;
  neco_chan_release (self.there);
  neco_chan_release (self.back);
  return start;
}

/* --- the cases ----------------------------------------------------------------------- */

/* What a case does in neco's main coroutine, after which the process ends. */
static void
main_cb (int   argc,
         void *argv[])
{
  Bench *bench = argv[0];
  BenchFunc func = *(BenchFunc *) argv[1];

  bench_print (bench, NULL, bench_median (bench, func, argv[2]) / *(double *) argv[3], "ns");
}

static void
run_in_neco (Bench     *bench,
             BenchFunc  func,
             gpointer   data,
             double     divisor)
{
  neco_start (main_cb, 4, bench, &func, data, &divisor);
}

static void
bench_yield_1 (Bench *bench)
{
  run_in_neco (bench, yield_alone, NULL, 1);
}

static void
bench_yield_1000 (Bench *bench)
{
  run_in_neco (bench, yield_in_crowd, NULL, 1000);
}

static void
bench_spawn_join (Bench *bench)
{
  run_in_neco (bench, spawn_members, NULL, 1000);
}

/* One wake-up is half of a round trip. */
static void
bench_await_pending (Bench *bench)
{
  run_in_neco (bench, play, NULL, 2);
}

static void
bench_queue_pingpong (Bench *bench)
{
  run_in_neco (bench, play, GSIZE_TO_POINTER (1), 1);
}

static const BenchCase cases[] = {
  { .name = "yield-1", .run = bench_yield_1 },
  { .name = "yield-1000", .run = bench_yield_1000 },
  { .name = "spawn-join", .run = bench_spawn_join },
  { .name = "await-pending", .run = bench_await_pending },
  { .name = "queue-pingpong", .run = bench_queue_pingpong },
  { .name = NULL }
};

int
main (int    argc,
      char **argv)
{
  return bench_main (argc, argv, cases);
}
