/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-job-private.h"

G_BEGIN_DECLS

void        coro_debug_append_job_name (GString        *text,
                                        CoroJob        *job);
void        coro_debug_append_awaited  (GString        *text,
                                        CoroJob        *job);
void        coro_debug_append_stack    (GString        *text,
                                        CoroJob        *job,
                                        guint           max_frames,
                                        const char     *indent);
const char *coro_debug_get_state_name  (CoroJob        *job);

G_END_DECLS
