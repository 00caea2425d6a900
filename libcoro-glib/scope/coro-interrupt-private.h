/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "future/coro-task.h"

G_BEGIN_DECLS

/* What SIGINT does while a main coroutine runs: it cancels that. */
typedef struct
{
  CoroTask *task;               /* (nullable) (unowned): NULL while none of ours is in place */
  GSource *source;              /* (nullable) (owned) */
  gboolean interrupted;
} CoroInterrupt;

void coro_interrupt_begin (CoroInterrupt *self,
                           GMainContext  *context,
                           CoroTask      *task);
void coro_interrupt_end   (CoroInterrupt *self);

G_END_DECLS
