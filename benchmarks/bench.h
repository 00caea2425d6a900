/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What a case is handed: where its figures go, and how large it should be. */
typedef struct
{
  const char *name;             /* of the case */
  gboolean quick;               /* only look whether it works; the figures mean nothing */
} Bench;

typedef struct
{
  const char *name;
  void (*run) (Bench *bench);   /* (nullable): NULL: `program` measures it */
  const char *program;          /* (nullable): lies beside this program */
  gboolean needs_display;
} BenchCase;

/* Does something `n` times and returns how many ns that took. */
typedef gint64 (*BenchFunc) (guint    n,
                             gpointer data);

/* Measures something that is only true once in a process. */
#define BENCH_MAX_FIGURES 4
typedef void (*BenchFiguresFunc) (Bench   *bench,
                                  double  *figures);

int      bench_main          (int                argc,
                              char             **argv,
                              const BenchCase   *cases);
guint    bench_size          (const Bench       *self,
                              guint              full,
                              guint              quick);
double   bench_median        (const Bench       *self,
                              BenchFunc          func,
                              gpointer           data);
void     bench_fresh_medians (Bench             *self,
                              BenchFiguresFunc   func,
                              double            *figures);
void     bench_print         (const Bench       *self,
                              const char        *detail,
                              double             value,
                              const char        *unit);

double   bench_median_of     (double            *values,
                              guint              n_values);
gint64   bench_now           (void);

typedef struct
{
  gsize rss;                    /* bytes */
  gsize page_tables;            /* bytes */
} BenchMemory;

typedef struct
{
  double user;                  /* s */
  double sys;                   /* s */
} BenchCpu;

BenchMemory bench_get_memory (void);
BenchCpu    bench_get_cpu    (void);

G_END_DECLS
