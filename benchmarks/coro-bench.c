/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-bench-cases.h"

/* docs/performance.md says of each what it measures and why so. */
static const BenchCase cases[] = {
  { "switch", NULL, "coro-bench-switch" },
  { "yield-1", coro_bench_yield_1 },
  { "yield-1000", coro_bench_yield_1000 },
  { "spawn-join", coro_bench_spawn_join },
  { "spawn-await", coro_bench_spawn_await },
  { "await-ready", coro_bench_await_ready },
  { "await-pending", coro_bench_await_pending },
  { "queue-pingpong", coro_bench_queue_pingpong },
  { "parked-bytes", coro_bench_parked_bytes },
  { "parked-1m", coro_bench_parked_1m },
  { "growth-10m", coro_bench_growth_10m },
  { "sleep-100k", coro_bench_sleep_100k },
  { "sleep-1m", coro_bench_sleep_1m },
  { "timers-50k", coro_bench_timers_50k },
  { "flat", coro_bench_flat },
  { "files-20k", coro_bench_files_20k },
  { "copy-1g", coro_bench_copy_1g },
  { "echo-1", coro_bench_echo_1 },
  { "echo-100", coro_bench_echo_100 },
  { "echo-1000", coro_bench_echo_1000 },
  { "echo-4000", coro_bench_echo_4000 },
  { "idle-10k", coro_bench_idle_10k },
  { "timer-precision", coro_bench_timer_precision },
  { "wake-cross-thread", coro_bench_wake_cross_thread },
  { "fairness", coro_bench_fairness },
  { "trip-cross-thread", coro_bench_trip_cross_thread },
  { "pool-spawn-await", coro_bench_pool_spawn_await },
  { "cpu-pool", coro_bench_cpu_pool },
  { "echo-workers", coro_bench_echo_workers },
  { "busy-frames", NULL, "coro-bench-gtk", TRUE },
  { NULL }
};

/* A benchmark in which something fails measures nothing.  Takes `error`. */
void
coro_bench_check (gboolean  ok,
                  GError   *error)
{
  if (!ok)
    g_error ("%s", error != NULL ? error->message : "failed without an error");
}

void
coro_bench_run (CoroFunc func,
                gpointer data)
{
  GError *error = NULL;

  coro_bench_check (coro_run (func, data, NULL, &error), error);
}

int
main (int    argc,
      char **argv)
{
  return bench_main (argc, argv, cases);
}
