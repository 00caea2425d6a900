/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-call.h"

G_BEGIN_DECLS

typedef struct _CoroCall CoroCall;

void coro_scheduler_withdraw_calls (CoroScheduler *self);

G_END_DECLS
