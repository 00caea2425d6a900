/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "fiber/coro-fiber-private.h"

#include <string.h>

#define N_RUNS   5
#define N_ROUNDS 20000000
#define N_LIVES  2000000
#define N_PARKED 100000

static CoroFiber native;
static CoroFiber fiber;
static CoroStackPool *pool;

/* Two fibers, of which one is the thread, hand each other the ball. */
static void
pong (gpointer data)
{
  coro_fiber_arrived (&fiber);
  for (;;)
    coro_fiber_switch (&fiber, &native);
}

static void
bench_switch (void)
{
  CoroStack *stack = coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, NULL);
  double best = G_MAXDOUBLE;

  coro_fiber_init (&fiber, stack, 0, pong, NULL);
  for (guint run = 0; run < N_RUNS; run++)
    {
      gint64 start = g_get_monotonic_time ();

      for (guint i = 0; i < N_ROUNDS; i++)
        coro_fiber_switch (&native, &fiber);
      best = MIN (best, (double) (g_get_monotonic_time () - start) * 1000 / (2.0 * N_ROUNDS));
    }

  g_print ("switch\t%.2f\tns\n", best);
  coro_fiber_clear (&fiber);
  coro_stack_pool_give (pool, stack);
}

/* The life of a fiber: a stack, a first frame, there, the end. */
static void
live (gpointer data)
{
  coro_fiber_arrived (&fiber);
  coro_stack_pool_give (pool, fiber.stack);
  coro_fiber_switch_last (&fiber, &native);
}

static void
bench_life (void)
{
  double best = G_MAXDOUBLE;

  for (guint run = 0; run < N_RUNS; run++)
    {
      gint64 start = g_get_monotonic_time ();

      for (guint i = 0; i < N_LIVES; i++)
        {
          coro_fiber_init (&fiber, coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, NULL), 0, live, NULL);
          coro_fiber_switch (&native, &fiber);
        }
      best = MIN (best, (double) (g_get_monotonic_time () - start) * 1000 / N_LIVES);
    }

  g_print ("life\t%.2f\tns\n", best);
}

/* What a parked fiber costs: pages and page tables, in KiB of /proc/self/status. */
static gsize
get_status (const char *key)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL) || (line = strstr (text, key)) == NULL)
    return 0;
  return (gsize) g_ascii_strtoull (line + strlen (key), NULL, 10) * 1024;
}

typedef struct
{
  CoroFiber fiber;
} Parked;

static void
park (gpointer data)
{
  Parked *self = data;

  coro_fiber_arrived (&self->fiber);
  coro_fiber_switch (&self->fiber, &native);
  coro_fiber_switch_last (&self->fiber, &native);
}

static void
bench_parked (void)
{
  g_autofree Parked *parked = g_new0 (Parked, N_PARKED);
  gsize before, pages, tables;
  guint n = 0;

  for (guint i = 0; i < N_PARKED; i++)
    parked[i].fiber.sp = &parked[i];            /* their own pages are not what we count */

  before = get_status ("VmRSS:");
  tables = get_status ("VmPTE:");
  for (; n < N_PARKED; n++)
    {
      CoroStack *stack = coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, NULL);

      if (stack == NULL)
        break;
      coro_fiber_init (&parked[n].fiber, stack, 0, park, &parked[n]);
      coro_fiber_switch (&native, &parked[n].fiber);
    }
  pages = get_status ("VmRSS:") - before;
  tables = get_status ("VmPTE:") - tables;

  g_print ("parked\t%.0f\tbytes\nparked.pages\t%.0f\tbytes\nparked.tables\t%.0f\tbytes\n",
           (double) (pages + tables) / n, (double) pages / n, (double) tables / n);

  for (guint i = 0; i < n; i++)
    {
      CoroStack *stack = parked[i].fiber.stack;

      coro_fiber_switch (&native, &parked[i].fiber);
      coro_stack_pool_give (pool, stack);
    }
}

int
main (void)
{
  gint64 start;

  pool = coro_stack_pool_new ();
  coro_fiber_init_thread (&native);
  bench_switch ();
  bench_life ();
  bench_parked ();

  start = g_get_monotonic_time ();
  while (coro_stack_pool_trim (pool))
    continue;
  g_print ("trim\t%.0f\tns\n", (double) (g_get_monotonic_time () - start) * 1000 / N_PARKED);
  coro_stack_pool_free (pool);
  return 0;
}
