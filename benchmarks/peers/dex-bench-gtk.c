/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dex-bench-cases.h"

#include "bench-window.h"

static DexFuture *
work_cb (gpointer user_data)
{
  BenchWork *work = user_data;

  while (bench_work_goes_on (work))
    {
      bench_work_compute (work);
      dex_bench_yield ();
    }
  return dex_future_new_true ();
}

static void
start_workers (BenchWork *work)
{
  dex_init ();
  for (guint i = 0; i < BENCH_WINDOW_N_WORKERS; i++)
    dex_future_disown (dex_scheduler_spawn (NULL, 0, work_cb, work, NULL));
}

static void
run_busy_frames (Bench *bench)
{
  bench_window_run (bench, start_workers);
}

static const BenchCase cases[] = {
  { "busy-frames", run_busy_frames },
  { NULL }
};

int
main (int    argc,
      char **argv)
{
  return bench_main (argc, argv, cases);
}
