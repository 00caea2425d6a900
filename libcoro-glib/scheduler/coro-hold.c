/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-hold-private.h"

#include "scheduler/coro-scheduler-private.h"

/* Not on the stack of the coroutine, which may be too small for what frees the object's data. */
void
coro_hold_release (CoroHold *self,
                   gpointer  object)
{
  self->is_kept = FALSE;
  coro_call_on_thread_stack (g_object_unref, object);
}
