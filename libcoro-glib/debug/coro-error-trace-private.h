/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "debug/coro-debug-private.h"
#include "debug/coro-error-trace.h"

G_BEGIN_DECLS

void coro_error_trace_waits    (CoroDebug    *debug,
                                CoroJob      *job);
void coro_error_trace_finished (CoroDebug    *debug,
                                CoroJob      *job,
                                const GError *error);
void coro_error_trace_given    (gpointer      awaitable,
                                const GError *error,
                                gboolean      awaited);

G_END_DECLS
