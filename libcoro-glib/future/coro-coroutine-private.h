/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "future/coro-coroutine.h"

#include "scheduler/coro-job-private.h"

G_BEGIN_DECLS

gboolean coro_coroutine_run          (CoroCoroutine  *self,
                                      GValue         *result,
                                      GError        **error);
void     coro_coroutine_mark_awaited (CoroCoroutine  *self);

G_END_DECLS
