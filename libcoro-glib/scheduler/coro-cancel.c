/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-cancel-private.h"

#include "base/coro-container-private.h"
#include "scheduler/coro-scheduler-private.h"

static void
job_set_level (CoroJob  *self,
               gboolean  level)
{
  self->cancel_level = level;
  if (level)
    coro_job_wake (self);
}

/* Whether a shield that the host has entered holds cancel requests back inside the scope. */
static gboolean
scope_compute_held (CoroScope *self)
{
  CoroScope *parent = self->parent;

  return self->shield || (parent != NULL && parent->host == self->host && parent->held);
}

/* Notes whether a shield that the job has entered holds its cancel requests back. */
static void
job_refresh_held (CoroJob *self)
{
  CoroScope *scope = self->scope;

  self->cancel_held = scope != NULL && scope->host == self && scope->held;
}

static gboolean
scope_compute_effective (CoroScope *self)
{
  return self->cancelled || self->expired || (!self->shield && self->parent != NULL && self->parent->effective);
}

/* Tells the jobs whose innermost scope it is. */
static void
scope_set_effective (CoroScope *self,
                     gboolean   effective)
{
  self->effective = effective;

  if (self->host != NULL && self->host->scope == self)
    job_set_level (self->host, effective);
  for (CoroJob *job = self->members; job != NULL; job = job->next_member)
    if (job->scope == self)
      job_set_level (job, effective);
}

/* The scope after `self` in the tree below `root`, parents first.  Skips the scopes below `self`
 * unless `descend` is TRUE. */
static CoroScope *
scope_next (CoroScope *self,
            CoroScope *root,
            gboolean   descend)
{
  if (descend && self->children != NULL)
    return self->children;

  while (self != root && self->next == NULL)
    self = self->parent;
  return self != root ? self->next : NULL;
}

/* Recomputes whether the scope and the scopes below it are cancelled.  A loop, no recursion: the
 * tree may be deeper than the stack. */
static void
scope_refresh (CoroScope *self)
{
  CoroScope *scope;
  gboolean changed = TRUE;

  scope_set_effective (self, scope_compute_effective (self));
  for (scope = scope_next (self, self, TRUE); scope != NULL; scope = scope_next (scope, self, changed))
    {
      gboolean effective = scope_compute_effective (scope);

      changed = scope->effective != effective;
      if (changed)
        scope_set_effective (scope, effective);
    }
}

/* Makes all cached `above` pointers invalid, because a way up is cut at this scope. */
static void
scope_cut (CoroScope *self)
{
  if (self->children != NULL)
    self->scheduler->scope_epoch++;
}

static void
scope_timer_cb (CoroTimer *timer)
{
  CoroScope *self = CORO_CONTAINER_OF (timer, CoroScope, timer);

  self->expired = TRUE;
  scope_refresh (self);
}

void
coro_scope_init (CoroScope     *self,
                 CoroScheduler *scheduler,
                 CoroScope     *parent)
{
  *self = (CoroScope) { .scheduler = scheduler, .parent = parent, .timer.deadline = G_MAXINT64 };

  if (parent != NULL)
    {
      self->effective = parent->effective;
      self->next = parent->children;
      if (self->next != NULL)
        self->next->previous = self;
      parent->children = self;
    }
}

/* Takes the scope, with all that is below it, out of the tree. */
void
coro_scope_detach (CoroScope *self)
{
  if (self->parent == NULL)
    return;

  scope_cut (self);
  if (self->previous != NULL)
    self->previous->next = self->next;
  else
    self->parent->children = self->next;
  if (self->next != NULL)
    self->next->previous = self->previous;
  self->parent = self->previous = self->next = NULL;
}

/* Nothing may be below it any more. */
void
coro_scope_clear (CoroScope *self)
{
  g_assert (self->children == NULL && self->members == NULL && self->host == NULL);

  coro_scheduler_disarm (self->scheduler, &self->timer);
  coro_scope_detach (self);
  g_clear_pointer (&self->reason, g_free);
}

/* Makes it the innermost scope of the running job. */
void
coro_scope_enter (CoroScope *self,
                  CoroJob   *host,
                  gboolean   shield)
{
  g_assert (host->scope == self->parent);

  self->host = host;
  self->shield = shield;
  self->held = scope_compute_held (self);
  host->scope = self;
  job_refresh_held (host);
  scope_refresh (self);
}

/* Whether the running job may leave the scope.  A guard that is closed out of order, or by
 * another coroutine, is a mistake of the program, and no reason to end it. */
gboolean
coro_scope_check_exit (CoroScope *self)
{
  if (G_LIKELY (self->host != NULL && self->host == coro_job_get_running () && self->host->scope == self))
    return TRUE;

  g_critical (self->host == NULL ? "A guard was closed after its coroutine had ended"
                                 : "Guards must be closed in the coroutine that opened them, the last one first");
  return FALSE;
}

/* For a scope whose guard is lost: leaves it, and stops what is below it. */
void
coro_scope_abandon (CoroScope *self)
{
  coro_scope_exit (self);
  coro_scope_cancel (self);
  coro_scheduler_disarm (self->scheduler, &self->timer);
  coro_scope_detach (self);
}

/* The opposite.  Scopes are left in the reverse order of entering. */
void
coro_scope_exit (CoroScope *self)
{
  CoroJob *host = self->host;

  g_assert (host != NULL && host->scope == self);

  self->host = NULL;
  host->scope = self->parent;
  job_refresh_held (host);
  host->cancel_level = host->scope != NULL && host->scope->effective;
}

void
coro_scope_cancel (CoroScope *self)
{
  if (self->cancelled)
    return;

  self->cancelled = TRUE;
  scope_refresh (self);
}

/* Cancels with a reason, which is in the message of CANCELLED. */
void
coro_scope_cancel_for (CoroScope  *self,
                       const char *reason)
{
  if (!self->cancelled)
    self->reason = g_strdup (reason);
  coro_scope_cancel (self);
}

/* Recomputes `held` of the host's scopes, from `self` inwards.  Scopes only point outwards, so the
 * way from the innermost scope to `self` is collected first. */
static void
scope_refresh_held (CoroScope *self)
{
  CoroJob *host = self->host;
  g_autoptr (GPtrArray) inner = g_ptr_array_new ();

  for (CoroScope *scope = host->scope; scope != self; scope = scope->parent)
    g_ptr_array_add (inner, scope);
  self->held = scope_compute_held (self);
  for (guint i = inner->len; i-- > 0;)
    ((CoroScope *) inner->pdata[i])->held = scope_compute_held (inner->pdata[i]);
  job_refresh_held (host);
}

/* Puts a shield up or takes it down while the scope is open. */
void
coro_scope_set_shield (CoroScope *self,
                       gboolean   shield)
{
  CoroJob *host = self->host;

  if (self->shield == (shield != FALSE))
    return;

  self->shield = shield != FALSE;
  scope_cut (self);
  scope_refresh (self);
  if (host == NULL)
    return;

  scope_refresh_held (self);
  if (coro_job_has_request (host))
    coro_job_wake (host);
}

/* `deadline` is in the scheduler's time; G_MAXINT64: none. */
void
coro_scope_set_deadline (CoroScope *self,
                         gint64     deadline)
{
  coro_scheduler_disarm (self->scheduler, &self->timer);
  self->timer.deadline = deadline;

  if (deadline == G_MAXINT64)
    return;
  if (deadline <= coro_scheduler_now (self->scheduler))
    scope_timer_cb (&self->timer);
  else
    coro_scheduler_arm (self->scheduler, &self->timer, deadline, scope_timer_cb);
}

void
coro_scope_add_member (CoroScope *self,
                       CoroJob   *job)
{
  job->previous_member = NULL;
  job->next_member = self->members;
  if (job->next_member != NULL)
    job->next_member->previous_member = job;
  self->members = job;

  job->scope = self;
  job->cancel_level = self->effective;
}

void
coro_scope_remove_member (CoroScope *self,
                          CoroJob   *job)
{
  g_assert (job->scope == self);

  if (job->previous_member != NULL)
    job->previous_member->next_member = job->next_member;
  else
    self->members = job->next_member;
  if (job->next_member != NULL)
    job->next_member->previous_member = job->previous_member;
  job->scope = NULL;
}

/* One request for one job (edge): its next await, or the one it is in, fails once. */
void
coro_job_request_cancel (CoroJob *self)
{
  if (self->n_cancelling < G_MAXUINT16)
    self->n_cancelling++;
  self->cancel_pending = TRUE;
  coro_job_wake (self);
}

/* The next scope further out that cancels an effective scope; NULL if there is none. */
static CoroScope *
scope_get_above (CoroScope *self)
{
  if (self->shield || self->parent == NULL || !self->parent->effective)
    return NULL;
  if (self->above == NULL || self->above_epoch != self->scheduler->scope_epoch)
    {
      self->above = self->parent;
      self->above_epoch = self->scheduler->scope_epoch;
    }
  return self->above;
}

/* The outermost scope that cancels an effective one.
 *
 * Each scope on the way notes the scope two steps further out, so the next walk is half as long:
 * when a thousand nested scopes end, all of their coroutines walk this way.  A scope outlives the
 * scopes below it and stays cancelled, so a noted step is right until a shield is put in between
 * or a part of the tree is taken out. */
static CoroScope *
scope_get_top (CoroScope *self)
{
  CoroScope *above;

  while ((above = scope_get_above (self)) != NULL)
    {
      CoroScope *further = scope_get_above (above);

      if (further != NULL)
        self->above = further;
      self = further != NULL ? further : above;
    }
  return self;
}

static void
job_mark (CoroJob         *self,
          const CoroScope *cause,
          gboolean         requested)
{
  for (CoroScope *scope = self->scope; scope != NULL && scope->host == self; scope = scope->parent)
    {
      scope->delivered = scope == cause;
      scope->requested = requested;
    }
}

/* The cancel request of the coroutine counts as delivered: its wait has failed with CANCELLED, or
 * has given the answer of a task that got the request.  If a scope cancelled the wait as well, the
 * CANCELLED does not belong to this scope. */
void
coro_job_consume_request (CoroJob *self)
{
  CoroObserver *observer = coro_job_get_scheduler (self)->observer;

  job_mark (self, NULL, TRUE);
  self->cancel_pending = FALSE;
  if (G_UNLIKELY (observer != NULL) && observer->cancel_heard != NULL)
    observer->cancel_heard (observer, self);
}

/* The request was not delivered after all and is pending again, unless it was taken back
 * meanwhile. */
void
coro_job_restore_request (CoroJob *self)
{
  if (self->n_cancelling > 0)
    self->cancel_pending = TRUE;
}

/* The outermost cancelled scope that reaches the job.  This scope owns the CANCELLED, as in
 * Trio. */
static CoroScope *
job_get_cause (CoroJob *self)
{
  return self->scope != NULL && self->scope->effective ? scope_get_top (self->scope) : NULL;
}

/* Whether the cancellation of the job undoes a wait that has just finished: a call does,
 * a deadline does not. */
gboolean
coro_job_cancel_preempts (CoroJob *self)
{
  CoroScope *cause;

  if (coro_job_has_request (self))
    return TRUE;
  cause = job_get_cause (self);
  return cause != NULL && cause->cancelled;
}

/* Notes whose the CANCELLED is that the job is about to see. */
void
coro_job_mark_cancel (CoroJob *self)
{
  if (coro_job_has_request (self))
    job_mark (self, NULL, TRUE);
  else
    job_mark (self, job_get_cause (self), FALSE);
}

/* Sets CANCELLED.  A request for the job itself is consumed by it, unless the error is ignored:
 * `while (TRUE) coro_sleep (t, NULL)` hears it again at the next await. */
void
coro_job_deliver_cancel (CoroJob  *self,
                         GError  **error)
{
  CoroObserver *observer = coro_job_get_scheduler (self)->observer;
  const char *message = "The coroutine was cancelled";
  const char *reason = NULL;

  if (G_UNLIKELY (observer != NULL) && error == NULL)
    observer->cancel_ignored (observer, self);
  coro_job_mark_cancel (self);

  if (coro_job_has_request (self))
    {
      if (error != NULL)
        coro_job_consume_request (self);
    }
  else
    {
      CoroScope *cause = job_get_cause (self);

      if (cause != NULL)
        {
          message = cause->cancelled ? "The coroutine's scope was cancelled"
                                     : "The time of the coroutine's scope is up";
          reason = cause->reason;
        }
    }

  if (reason != NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s: %s", message, reason);
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, message);
}
