/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-call.h"

G_BEGIN_DECLS

typedef struct _CoroCall CoroCall;

void    coro_scheduler_withdraw_calls (CoroScheduler *self);
guint64 coro_call_new_id (void);

G_END_DECLS
