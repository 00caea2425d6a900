/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gtk/gtk.h>

#include "bench.h"

G_BEGIN_DECLS

#define BENCH_WINDOW_N_WORKERS 100

/* A window that draws itself anew in every frame, and what may disturb it: a hundred
 * workers that compute for 200 µs at a time, on the main thread. */
typedef struct
{
  gint64 end;                   /* ns: when the workers shall stop */
  gint64 computed;              /* ns of processor time that they got */
} BenchWork;

/* Makes the workers, which stop by themselves.  Called in a running main loop. */
typedef void (*BenchWorkFunc) (BenchWork *work);

void bench_window_run   (Bench         *bench,
                         BenchWorkFunc  start_workers);
void bench_work_compute (BenchWork     *self);

static inline gboolean
bench_work_goes_on (const BenchWork *self)
{
  return bench_now () < self->end;
}

G_END_DECLS
