/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scheduler/coro-job-private.h"
#include "loop/coro-timer-private.h"

G_BEGIN_DECLS

/* A node of the cancellation tree.  Cancelling a scope is level-triggered: every await
 * below it fails until it is left, except below a shield.  Guards have theirs on the
 * stack, groups embed one.  Belongs to its scheduler's thread. */
struct _CoroScope
{
  CoroScope *parent;            /* (nullable) */
  CoroScope *children;          /* (nullable) */
  CoroScope *previous;          /* (nullable): siblings */
  CoroScope *next;
  CoroScheduler *scheduler;     /* (unowned) */
  CoroJob *host;                /* (nullable): the job that entered it and has not left */
  CoroJob *members;             /* (nullable): jobs that were born in it, by next_member */
  CoroTimer timer;              /* its deadline is set also while it is not armed */
  char *reason;                 /* (nullable) (owned): of the first call that cancelled it */
  CoroScope *above;             /* (nullable) (unowned): a scope further out that cancels it too; see
                                 * scope_get_top() */
  guint above_epoch;            /* the scheduler's scope_epoch when `above` was found */
  guint cancelled : 1;          /* by a call */
  guint expired : 1;            /* by its deadline */
  guint shield : 1;             /* the parents do not reach in */
  guint effective : 1;          /* cancelled, or a parent is and no shield between */
  guint held : 1;               /* it is a shield, or inside a shield that its host has entered */
  guint delivered : 1;          /* the last CANCELLED that its host saw came from this scope */
  guint requested : 1;          /* the last CANCELLED was a cancel request for the host itself */
};

void     coro_scope_init          (CoroScope      *self,
                                   CoroScheduler  *scheduler,
                                   CoroScope      *parent);
void     coro_scope_clear         (CoroScope      *self);
void     coro_scope_enter         (CoroScope      *self,
                                   CoroJob        *host,
                                   gboolean        shield);
gboolean coro_scope_check_exit    (CoroScope      *self);
void     coro_scope_exit          (CoroScope      *self);
void     coro_scope_abandon       (CoroScope      *self);
void     coro_scope_detach        (CoroScope      *self);
void     coro_scope_cancel        (CoroScope      *self);
void     coro_scope_cancel_for    (CoroScope      *self,
                                   const char     *reason);
void     coro_scope_set_shield    (CoroScope      *self,
                                   gboolean        shield);
void     coro_scope_set_deadline  (CoroScope      *self,
                                   gint64          deadline);
void     coro_scope_add_member    (CoroScope      *self,
                                   CoroJob        *job);
void     coro_scope_remove_member (CoroScope      *self,
                                   CoroJob        *job);

void     coro_job_request_cancel  (CoroJob  *self);
void     coro_job_consume_request (CoroJob  *self);
void     coro_job_restore_request (CoroJob  *self);
gboolean coro_job_cancel_preempts (CoroJob  *self);
void     coro_job_mark_cancel     (CoroJob  *self);
void     coro_job_deliver_cancel  (CoroJob  *self,
                                   GError  **error);

G_END_DECLS
