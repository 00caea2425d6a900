/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "dex-bench-cases.h"

#ifndef HAVE_DEX_FIBER_YIELD
static void
resolve_cb (gpointer promise)
{
  dex_promise_resolve_boolean (promise, TRUE);
  dex_unref (promise);
}
#endif

/* Before libdex 1.2 a fiber yields by waiting for a promise that the scheduler resolves in
 * its next turn. */
void
dex_bench_yield (void)
{
#ifdef HAVE_DEX_FIBER_YIELD
  gboolean yielded G_GNUC_UNUSED = dex_fiber_yield (NULL);
#else
  DexPromise *promise = dex_promise_new ();

  dex_scheduler_push (dex_scheduler_get_thread_default (), resolve_cb, dex_ref (promise));
  dex_await (DEX_FUTURE (promise), NULL);
#endif
}

/* Runs a fiber to its end in the default context. */
void
dex_bench_run (DexFiberFunc func,
               gpointer     data)
{
  DexFuture *fiber;

  dex_init ();
  fiber = dex_scheduler_spawn (NULL, 0, func, data, NULL);
  while (dex_future_is_pending (fiber))
    g_main_context_iteration (NULL, TRUE);
  if (dex_future_is_rejected (fiber))
    g_error ("the fiber has failed");
  dex_unref (fiber);
}
