/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "bench.h"

#define MINICORO_IMPL
#include <minicoro.h>

/* The one case of coro-bench for minicoro, which is a switch and has no scheduler. */

static void
give_back (mco_coro *coroutine)
{
  for (;;)
    mco_yield (coroutine);
}

/* There and back are two switches. */
static gint64
switch_there_and_back (guint    n,
                       gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    mco_resume (data);
  return (bench_now () - start) / 2;
}

static void
bench_switch (Bench *bench)
{
  mco_desc description = mco_desc_init (give_back, 0);
  mco_coro *coroutine;

  if (mco_create (&coroutine, &description) != MCO_SUCCESS)
    g_error ("mco_create failed");
  bench_print (bench, NULL, bench_median (bench, switch_there_and_back, coroutine), "ns");
}

static const BenchCase cases[] = {
  { .name = "switch", .run = bench_switch },
  { .name = NULL }
};

int
main (int    argc,
      char **argv)
{
  return bench_main (argc, argv, cases);
}
