/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dex-bench-cases.h"

/* The cases of coro-bench, with the same work, for libdex.  There is no `switch`: libdex's is not to be had from outside. */
static const BenchCase cases[] = {
  { "yield-1", dex_bench_yield_1 },
  { "yield-1000", dex_bench_yield_1000 },
  { "spawn-join", dex_bench_spawn_join },
  { "spawn-await", dex_bench_spawn_await },
  { "await-ready", dex_bench_await_ready },
  { "await-pending", dex_bench_await_pending },
  { "parked-bytes", dex_bench_parked_bytes },
  { "sleep-100k", dex_bench_sleep_100k },
  { "timers-50k", dex_bench_timers_50k },
  { "echo-1", dex_bench_echo_1 },
  { "echo-100", dex_bench_echo_100 },
  { "echo-1000", dex_bench_echo_1000 },
  { "echo-4000", dex_bench_echo_4000 },
  { "busy-frames", NULL, "coro-bench-libdex-gtk", TRUE },
  { NULL }
};

int
main (int    argc,
      char **argv)
{
  return bench_main (argc, argv, cases);
}
