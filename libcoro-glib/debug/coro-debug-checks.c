/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-debug-private.h"

#include "future/coro-task.h"

#include <fenv.h>

/* What a coroutine should not do, or not leave behind. */

/* More of them than this, by one coroutine, are not an oversight in its cleanup. */
#define MAX_IGNORED_CANCELS 3

CoroDebugJob *
coro_debug_get_job (CoroDebug *self,
                    CoroJob   *job)
{
  CoroDebugJob *record = g_hash_table_lookup (self->jobs, job);

  if (record == NULL)
    {
      record = g_new0 (CoroDebugJob, 1);
      g_hash_table_insert (self->jobs, job, record);
    }
  return record;
}

/* What to call a coroutine in a report. */
static const char *
get_job_name (CoroJob *job)
{
  return job->site != NULL ? job->site : job->task != NULL ? coro_task_get_name (job->task) : "A coroutine";
}

/* Coroutines that run meanwhile see the pushed context, GTask reports to the wrong one,
 * and the pops come in the wrong order. */
static void
check_context (CoroDebug *self,
               CoroJob   *job,
               gboolean   ended)
{
  CoroDebugJob *record;

  if (self->step.start == 0 || self->step.job != job || g_main_context_get_thread_default () == self->step.context)
    return;

  record = coro_debug_get_job (self, job);
  if (!record->has_pushed)
    coro_debug_report (self, "%s %s and has not popped the thread-default main context that it pushed", get_job_name (job),
                       ended ? "returned" : "waits");
  record->has_pushed = TRUE;
}

/* Other coroutines of the thread would run with this rounding mode. */
static void
check_rounding (CoroDebug *self,
                CoroJob   *job,
                gboolean   ended)
{
  CoroDebugJob *record;

  if (self->step.start == 0 || self->step.job != job || fegetround () == self->step.rounding)
    return;

  record = coro_debug_get_job (self, job);
  if (!record->has_rounded)
    coro_debug_report (self, "%s %s and has not put back the rounding mode that it changed", get_job_name (job),
                       ended ? "returned" : "waits");
  record->has_rounded = TRUE;
}

static void
check_locks (CoroDebug *self,
             CoroJob   *job)
{
  CoroDebugJob *record = g_hash_table_lookup (self->jobs, job);

  if (record != NULL && record->n_locks > 0)
    coro_debug_report (self, "%s returned and still holds %d %s", get_job_name (job), record->n_locks,
                       record->n_locks == 1 ? "lock" : "locks");
}

/* When the job is parked or has returned: what it should not have left behind. */
void
coro_debug_check_left (CoroDebug *self,
                       CoroJob   *job,
                       gboolean   ended)
{
  if ((self->flags & CORO_DEBUG_CHECKS) != 0)
    {
      check_context (self, job, ended);
      check_rounding (self, job, ended);
      if (ended)
        check_locks (self, job);
    }
  if (ended)
    g_hash_table_remove (self->jobs, job);
}

void
coro_debug_cancel_ignored (CoroObserver *observer,
                           CoroJob      *job)
{
  CoroDebug *self = (CoroDebug *) observer;

  if ((self->flags & CORO_DEBUG_CHECKS) == 0)
    return;
  if (++coro_debug_get_job (self, job)->n_ignored_cancels == MAX_IGNORED_CANCELS + 1)
    coro_debug_report (self, "%s has ignored more than %d cancellations: it passes no error to what it waits for",
                       get_job_name (job), MAX_IGNORED_CANCELS);
}

void
coro_debug_generator_dropped (CoroObserver *observer,
                              const char   *name)
{
  CoroDebug *self = (CoroDebug *) observer;

  if ((self->flags & CORO_DEBUG_CHECKS) != 0)
    coro_debug_report (self, "%s was dropped before its end: it cleans up later, in a coroutine of its own, where "
                       "a loop guard or coro_generator_close() waits for that", name);
}

void
coro_debug_lock_held (CoroObserver *observer,
                      CoroJob      *job,
                      int           change)
{
  CoroDebugJob *record = coro_debug_get_job ((CoroDebug *) observer, job);

  /* One that was acquired before debug mode was turned on is not counted. */
  record->n_locks = MAX (record->n_locks + change, 0);
}
