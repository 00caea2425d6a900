/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-nursery.h"

#include "base/coro-error.h"
#include "future/coro-sleep.h"
#include "scheduler/coro-scheduler-private.h"
#include "scope/coro-task-group-private.h"

/* Waits for the members and leaves the scope.  Returns what they failed with.  The group
 * stays, finished: a pointer that became NULL would mean the group of coroutines without one. */
static GError *
nursery_close (CoroNursery *self,
               GError      *body_error)
{
  CoroTaskGroup *group = self->group;
  CoroScope *scope = &group->supervisor.scope;
  GError *error = NULL;

  while (coro_task_group_wait (group, &error))
    if (coro_supervisor_finish (&group->supervisor))
      break;
  if (error != NULL)
    {
      /* The block is left below a nested loop or a binding: nothing can wait there. */
      g_critical ("A nursery was left with %u members: %s", coro_task_group_get_n_members (group), error->message);
      g_clear_error (&error);
      coro_scope_cancel (scope);
      coro_supervisor_finish_anyway (&group->supervisor);
    }

  if (coro_scope_check_exit (scope))
    {
      coro_scope_exit (scope);
      coro_scope_detach (scope);
    }
  else
    {
      g_object_ref (group);     /* the coroutine still has its scope */
    }
  return coro_task_group_take_failures (group, body_error);
}

/**
 * coro_nursery_enter: (skip)
 * @flags: what a failure does
 * @error: (nullable): the caller's own error location
 *
 * Opens a guard: coroutines that are spawned into its group have ended when
 * the block is left.
 *
 * ```c
 * g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
 * ```
 *
 * On the good path end with `return coro_nursery_join (&nursery)`. If the block
 * is left in another way, the members are cancelled and waited for. If @error is
 * set by then, their errors are added to it; otherwise their errors are reported
 * as unread: leaving a block never turns success into failure. If the members'
 * errors replace the %G_IO_ERROR_CANCELLED of a cancel request for the coroutine
 * ([method@Task.cancel]), the request is delivered again at the next wait.
 *
 * The first member to fail cancels the others and the body of the block. So
 * does a cancellation of the coroutine.
 *
 * Declare the nursery last: locals that are declared below it are freed
 * before its members, which may use them, have ended.
 *
 * Callable from a coroutine; never suspends.
 *
 * Semantics: Trio's nursery, with the grouped errors of asyncio's `TaskGroup`.
 *
 * Returns: the guard, for a `g_auto (CoroNursery)`
 *
 * Since: 0.1
 */
CoroNursery
coro_nursery_enter (CoroTaskGroupFlags   flags,
                    GError             **error)
{
  CoroJob *job = coro_job_get_running ();
  CoroTaskGroup *group;

  if (job == NULL)
    {
      g_critical ("A nursery needs a coroutine to be in");
      group = coro_task_group_new_below (coro_scheduler_get_current (), NULL, flags);
      coro_supervisor_finish (&group->supervisor);
      return (CoroNursery) { group, error };
    }

  group = coro_task_group_new_below (coro_scheduler_current, job->scope, flags & ~CORO_TASK_GROUP_UNJOINED);
  group->supervisor.stack_size = job->automatic ? 0 : (gsize) job->stack_size * 1024;   /* the members inherit it */
  group->supervisor.background |= ((CoroSupervisor *) job->supervisor)->background;
  coro_scope_enter (&group->supervisor.scope, job, FALSE);
  return (CoroNursery) { group, error };
}

/**
 * coro_nursery_join: (skip)
 * @self: an open guard
 *
 * Waits until all members have ended. The group takes no more of them.
 *
 * Callable from the coroutine that opened it, which it suspends. Cancellation
 * of the coroutine cancels the members, and the coroutine still waits for
 * them all.
 *
 * The guard's error location is set to a [error@Coro.GroupError] if members
 * have failed, and to %G_IO_ERROR_CANCELLED if the coroutine was cancelled.
 *
 * Returns: %TRUE if no member has failed; %FALSE with the error set
 *
 * Since: 0.1
 */
gboolean
coro_nursery_join (CoroNursery *self)
{
  GError *failures;

  g_return_val_if_fail (self->group != NULL, FALSE);

  if (coro_supervisor_is_finished (&self->group->supervisor))
    {
      if (coro_job_require (self->error) != NULL)
        g_set_error_literal (self->error, CORO_ERROR, CORO_ERROR_PROTOCOL, "The nursery has been joined already");
      return FALSE;
    }

  failures = nursery_close (self, NULL);
  if (failures != NULL)
    {
      g_propagate_error (self->error, failures);
      return FALSE;
    }
  return coro_check_cancelled (self->error);
}

/* Closes the nursery with the error of its block.  Errors of members may replace this error.  If the
 * replaced error was the CANCELLED of a cancel request, the request becomes pending again. */
static void
nursery_exit_failed (CoroNursery *self)
{
  CoroScope *scope = &self->group->supervisor.scope;
  CoroJob *host = coro_error_is_cancelled (*self->error) && scope->requested ? scope->host : NULL;

  *self->error = nursery_close (self, g_steal_pointer (self->error));
  if (host != NULL && !coro_error_is_cancelled (*self->error))
    coro_job_restore_request (host);
}

typedef struct
{
  CoroScheduler *scheduler;
  GError *error;
} CoroNurseryReport;

static void
nursery_report_cb (gpointer data)
{
  CoroNurseryReport *report = data;
  CoroTaskGroup *root = coro_task_group_get_root (report->scheduler);

  root->supervisor.klass->report (&root->supervisor, report->error, "A nursery's member", NULL);
}

/**
 * coro_nursery_exit: (skip)
 * @self: a guard
 *
 * Closes the guard; `g_auto` does it. Unless it was joined, the members are
 * cancelled and waited for.
 *
 * Callable from the coroutine that opened it, which it may suspend.
 *
 * Since: 0.1
 */
void
coro_nursery_exit (CoroNursery *self)
{
  CoroNurseryReport report = { coro_scheduler_current, NULL };

  if (self->group == NULL)
    return;

  if (coro_supervisor_is_finished (&self->group->supervisor))
    {
      g_clear_object (&self->group);
      return;
    }

  coro_scope_cancel (&self->group->supervisor.scope);

  if (self->error != NULL && *self->error != NULL)
    {
      nursery_exit_failed (self);
      g_clear_object (&self->group);
      return;
    }

  report.error = nursery_close (self, NULL);
  g_clear_object (&self->group);
  if (report.error != NULL)
    {
      coro_call_on_thread_stack (nursery_report_cb, &report);
      g_error_free (report.error);
    }
}
