/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "fiber/coro-fiber-private.h"

/* Two fibers, of which one is the thread, hand each other the ball. */

#define N_ROUNDS 20000000
#define N_RUNS   5

static CoroFiber native;
static CoroFiber fiber;

static void
pong (gpointer data)
{
  coro_fiber_arrived (&fiber);
  for (;;)
    coro_fiber_switch (&fiber, &native);
}

int
main (void)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stack = coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, NULL);
  double best = G_MAXDOUBLE;

  coro_fiber_init_native (&native);
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
  coro_stack_pool_free (pool);
  return 0;
}
