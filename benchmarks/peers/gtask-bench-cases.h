/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "bench.h"

void gtask_bench_echo_1    (Bench *bench);
void gtask_bench_echo_100  (Bench *bench);
void gtask_bench_echo_1000 (Bench *bench);
void gtask_bench_echo_4000 (Bench *bench);
