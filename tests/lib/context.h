/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "test-util.h"

/* Main contexts beside the one that a test iterates. */

G_GNUC_UNUSED static void
call_nothing_cb (gpointer unused)
{
}

/* From now on the context belongs to this thread. */
G_GNUC_UNUSED static void
claim_context (GMainContext *context)
{
  g_main_context_push_thread_default (context);
  coro_call_soon (call_nothing_cb, NULL, NULL);
  g_main_context_pop_thread_default (context);
  settle (context);
}

/* A pending future that belongs to the context. */
G_GNUC_UNUSED static CoroFuture *
future_new_in (GMainContext *context)
{
  CoroFuture *future;

  g_main_context_push_thread_default (context);
  future = coro_future_new ();
  g_main_context_pop_thread_default (context);
  return future;
}
