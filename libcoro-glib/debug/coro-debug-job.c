/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-debug-job-private.h"

#include "debug/coro-backtrace-private.h"
#include "future/coro-task-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"

#include <string.h>

/* What can be said of one coroutine: its name, its state, what it waits for, its stack. */

typedef struct
{
  gpointer frames[CORO_BACKTRACE_MAX_FRAMES];
  guint n_frames;
  guint max_frames;
} CoroStackTrace;

G_GNUC_NO_INLINE static void
capture_cb (gpointer data)
{
  CoroStackTrace *trace = data;

  trace->n_frames = coro_backtrace_capture (trace->frames, trace->max_frames);
}

/* In the job's thread. */
static void
capture_job (CoroJob        *job,
             CoroStackTrace *trace)
{
  trace->n_frames = 0;
  if (job->state == CORO_JOB_SUSPENDED)
    coro_job_call_on_stack (job, capture_cb, trace);
  else if (coro_job_get_running () == job)
    capture_cb (trace);
}

/* Link-time optimization appends to the names of functions: job_serve_stack_calls.lto_priv.0+0x151 */
static gboolean
is_frame_of (const char *line,
             const char *function)
{
  gsize length = strlen (function);

  return strncmp (line, function, length) == 0 && (line[length] == '+' || line[length] == '.');
}

/* Whether the frame belongs to our own way into the parked stack. */
static gboolean
is_our_frame (const char *line)
{
  return is_frame_of (line, "capture_cb") || is_frame_of (line, "capture_job") || is_frame_of (line, "job_serve_stack_calls");
}

void
coro_debug_append_stack (GString    *text,
                         CoroJob    *job,
                         guint       max_frames,
                         const char *indent)
{
  CoroStackTrace trace = { .max_frames = MIN (max_frames, CORO_BACKTRACE_MAX_FRAMES - 3) + 3 };
  guint n_lines = 0;

  capture_job (job, &trace);
  for (guint i = 0; i < trace.n_frames && n_lines < max_frames; i++)
    {
      g_autoptr (GString) line = g_string_new (NULL);

      coro_symbol_append (line, trace.frames[i]);
      if (n_lines == 0 && is_our_frame (line->str))
        continue;
      g_string_append_printf (text, "%s%s\n", indent, line->str);
      n_lines++;
    }
}

void
coro_debug_append_job_name (GString *text,
                            CoroJob *job)
{
  const char *site = job->site;
  const char *end = site != NULL ? strstr (site, " (") : NULL;

  g_string_append (text, "CoroTask '");
  if (job->task != NULL)
    g_string_append (text, coro_task_get_name (job->task));
  else if (site != NULL)
    g_string_append_len (text, site, end != NULL ? end - site : -1);
  else
    g_string_append (text, "unnamed");
  g_string_append_c (text, '\'');
}

const char *
coro_debug_get_state_name (CoroJob *job)
{
  switch ((CoroJobState) job->state)
    {
    case CORO_JOB_NEW:
      return "created";
    case CORO_JOB_RUNNING:
      return "running";
    case CORO_JOB_SUSPENDED:
      return job->queued ? "ready" : "suspended";
    case CORO_JOB_FREE:
    default:
      return "ended";
    }
}

/* What a parked job waits for, in words. */
void
coro_debug_append_awaited (GString *text,
                           CoroJob *job)
{
  CoroWaiter *waiter = job->waiter;

  if (job->state != CORO_JOB_SUSPENDED || waiter == NULL || waiter->klass == NULL)
    return;

  g_string_append (text, ", awaits ");
  if (waiter->klass->name != NULL)
    g_string_append (text, waiter->klass->name);
  else if (CORO_IS_TASK (waiter->object))
    g_string_append_printf (text, "CoroTask '%s'", coro_task_get_name (waiter->object));
  else if (G_IS_OBJECT (waiter->object))
    g_string_append_printf (text, "%s %p", G_OBJECT_TYPE_NAME (waiter->object), waiter->object);
  else
    g_string_append (text, "something");
}
