/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-tracer.h"

#include "debug/coro-debug-private.h"
#include "base/coro-error.h"
#include "future/coro-task.h"
#include "scheduler/coro-waiter-private.h"

#include <string.h>

/* The name is copied: a signal handler or the end of the task may come before it is read. */
void
coro_job_copy_name (CoroJob *self,
                    char    *name,
                    gsize    size)
{
  const char *end;

  name[0] = '\0';
  if (self->task != NULL)
    {
      g_strlcpy (name, coro_task_get_name (self->task), size);
    }
  else if (self->site != NULL)
    {
      /* The function's name: see CORO_SPAWN_SITE. */
      end = strstr (self->site, " (");
      g_strlcpy (name, self->site, end != NULL ? MIN (size, (gsize) (end - self->site) + 1) : size);
    }
}

static GObject *
get_awaited (CoroJob *job)
{
  CoroWaiter *waiter = job->waiter;

  if (waiter == NULL || waiter->klass == NULL || waiter->klass->name != NULL || !G_IS_OBJECT (waiter->object))
    return NULL;
  return waiter->object;
}

void
coro_debug_trace (CoroDebug      *debug,
                  CoroTraceEvent  event,
                  CoroJob        *job,
                  const GError   *error)
{
  char name[CORO_DEBUG_MAX_NAME];
  CoroTraceRecord record = { .event = event, .coroutine = job, .site = job->site, .error = error };

  if (debug->trace == NULL)
    return;

  coro_job_copy_name (job, name, sizeof name);
  if (name[0] != '\0')
    record.name = name;
  if (event == CORO_TRACE_AWAITING || event == CORO_TRACE_SUSPENDED)
    record.awaited = get_awaited (job);
  debug->trace (&record, debug->trace_data);
}

/* How the body of a job has ended. */
CoroTraceEvent
coro_trace_event_for_error (const GError *error)
{
  if (error == NULL)
    return CORO_TRACE_RETURNED;
  return coro_error_is_cancelled (error) ? CORO_TRACE_CANCELLED : CORO_TRACE_FAILED;
}

/**
 * coro_scheduler_set_tracer: (skip)
 * @self: a scheduler
 * @func: (nullable) (scope notified) (closure user_data) (destroy destroy):
 *   what to call; %NULL to stop
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * Has everything told that happens to coroutines: for profilers, for tests, or
 * to see how it all works. There is one tracer at a time.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_scheduler_set_tracer (CoroScheduler  *self,
                           CoroTraceFunc   func,
                           gpointer        user_data,
                           GDestroyNotify  destroy)
{
  CoroDebug *debug;

  g_return_if_fail (CORO_IS_SCHEDULER (self));

  debug = coro_debug_get (self);
  if (debug->trace_destroy != NULL)
    debug->trace_destroy (debug->trace_data);
  debug->trace = func;
  debug->trace_data = user_data;
  debug->trace_destroy = destroy;
  coro_debug_update (debug);
}
