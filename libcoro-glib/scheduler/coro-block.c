/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-block-private.h"

/* Nothing tells that another thread has let go of a main context. */
#define LOOK_PERIOD G_TIME_SPAN_MILLISECOND

/* The context may be the default one and another thread may run it: g_main_context_iteration() would
 * wait until that thread has left its loop.  The condition is tested while the context is ours, since
 * the other thread takes the wake-up along. */
void
coro_block_until (gboolean (*is_done) (gpointer data),
                  gpointer   data)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  while (!is_done (data))
    {
      if (!g_main_context_acquire (context))
        {
          g_usleep (LOOK_PERIOD);
          continue;
        }
      if (!is_done (data))
        g_main_context_iteration (context, TRUE);
      g_main_context_release (context);
    }
}
