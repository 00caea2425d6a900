/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <coro-glib/coro-glib.h>

#include "bench.h"

void coro_bench_run          (CoroFunc  func,
                              gpointer  data);
void coro_bench_check        (gboolean  ok,
                              GError   *error);

void coro_bench_yield_1      (Bench    *bench);
void coro_bench_yield_1000   (Bench    *bench);
void coro_bench_spawn_join   (Bench    *bench);
void coro_bench_spawn_await  (Bench    *bench);

void coro_bench_await_ready   (Bench   *bench);
void coro_bench_await_pending (Bench   *bench);

void coro_bench_parked_bytes (Bench    *bench);
void coro_bench_sleep_100k   (Bench    *bench);
void coro_bench_timers_50k   (Bench    *bench);

void coro_bench_files_20k    (Bench    *bench);
void coro_bench_copy_1g      (Bench    *bench);
void coro_bench_echo_1             (Bench *bench);
void coro_bench_echo_100           (Bench *bench);
void coro_bench_echo_1000          (Bench *bench);
void coro_bench_echo_4000          (Bench *bench);
void coro_bench_idle_10k           (Bench *bench);
void coro_bench_timer_precision    (Bench *bench);
void coro_bench_wake_cross_thread  (Bench *bench);

void coro_bench_flat              (Bench *bench);
void coro_bench_parked_1m         (Bench *bench);
void coro_bench_growth_10m        (Bench *bench);
void coro_bench_sleep_1m          (Bench *bench);
void coro_bench_queue_pingpong    (Bench *bench);

void coro_bench_pool_spawn_await  (Bench *bench);
void coro_bench_trip_cross_thread (Bench *bench);
void coro_bench_cpu_pool          (Bench *bench);
void coro_bench_echo_workers      (Bench *bench);
void coro_bench_fairness          (Bench *bench);
