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
void        coro_debug_visit_awaited   (CoroJob        *job,
                                        void          (*func) (gpointer future, gpointer data),
                                        void          (*job_func) (CoroJob *job, gpointer data),
                                        gpointer        data);

G_END_DECLS
