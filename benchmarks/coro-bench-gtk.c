/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <coro-glib/coro-glib.h>

#include "bench-window.h"

/* A program of its own: what GTK brings along would be in the figures of the others. */

static gboolean
work_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  BenchWork *work = user_data;

  while (bench_work_goes_on (work))
    {
      bench_work_compute (work);
      if (!coro_yield (error))
        return FALSE;
    }
  return TRUE;
}

static void
start_workers (BenchWork *work)
{
  for (guint i = 0; i < BENCH_WINDOW_N_WORKERS; i++)
    coro_spawn (work_cb, work, NULL);
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
