/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-job-private.h"

G_BEGIN_DECLS

/* The jobs of default priority that have no stack yet, beyond those that the ready queue takes.
 * The first to come starts first, and while jobs wait for admission the run queue has its share of them. */
typedef struct
{
  CoroReady *head;              /* (nullable) */
  CoroReady **tail;
  guint n_admitted;             /* how many such jobs are in the ready queue */
} CoroAdmission;

void coro_admission_init       (CoroAdmission *self);
void coro_admission_add        (CoroJob       *job);
void coro_admission_admit_next (CoroScheduler *scheduler);
void coro_admission_remove     (CoroJob       *job);

G_END_DECLS
