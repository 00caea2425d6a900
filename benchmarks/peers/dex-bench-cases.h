/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <libdex.h>

#include "bench.h"

void dex_bench_run           (DexFiberFunc  func,
                              gpointer      data);
void dex_bench_yield         (void);

void dex_bench_yield_1       (Bench        *bench);
void dex_bench_yield_1000    (Bench        *bench);
void dex_bench_spawn_join    (Bench        *bench);
void dex_bench_spawn_await   (Bench        *bench);
void dex_bench_await_ready   (Bench        *bench);
void dex_bench_await_pending (Bench        *bench);
void dex_bench_parked_bytes  (Bench        *bench);
void dex_bench_sleep_100k    (Bench        *bench);
void dex_bench_timers_50k    (Bench        *bench);
void dex_bench_echo_1        (Bench        *bench);
void dex_bench_echo_100      (Bench        *bench);
void dex_bench_echo_1000     (Bench        *bench);
void dex_bench_echo_4000     (Bench        *bench);
