/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scope/coro-run.h"

G_BEGIN_DECLS

/* 128 + SIGINT: what a shell reports for it. */
#define CORO_EXIT_STATUS_INTERRUPTED 130

char *coro_scheduler_dup_job_names (CoroScheduler *self,
                                    gboolean       background,
                                    gsize         *n_jobs);

G_END_DECLS
