/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-debug-private.h"

#include "debug/coro-error-trace-private.h"

/* What debug mode does that belongs to no scheduler. */

/* Frames of ours and of GObject that are not worth telling. */
#define N_CAPTURED 12

static gpointer
global_capture (void)
{
  gpointer *frames;

  if ((coro_debug_get_flags () & CORO_DEBUG_CHECKS) == 0 &&
      (coro_scheduler_current == NULL || coro_scheduler_current->observer == NULL))
    return NULL;

  frames = g_new0 (gpointer, N_CAPTURED + 1);
  coro_backtrace_capture (frames, N_CAPTURED);
  return frames;
}

static char *
global_describe (gpointer captured)
{
  GString *string = g_string_new (NULL);
  gpointer *frames = captured;
  guint n_frames = 0;

  while (frames[n_frames] != NULL)
    n_frames++;
  coro_backtrace_append (string, frames, n_frames, "    ");
  return g_string_free (string, FALSE);
}

static void
global_check_thread (CoroJob    *waiting,
                     const char *object_name)
{
  CoroScheduler *scheduler = coro_job_get_scheduler (waiting);
  CoroDebug *debug = (CoroDebug *) scheduler->debug;

  if (coro_scheduler_is_mine (scheduler) || debug == NULL || (debug->flags & CORO_DEBUG_CHECKS) == 0)
    return;
  g_critical ("A %s was used in another thread than that of the coroutines which wait for it or hold it", object_name);
}

static void
global_scheduler_created (CoroScheduler *scheduler)
{
  CoroDebugFlags flags = coro_debug_get_flags ();

  if (flags != CORO_DEBUG_NONE)
    coro_scheduler_set_debug (scheduler, flags);
}

void
coro_debug_init_global (void)
{
  coro_global_observer.capture = global_capture;
  coro_global_observer.describe = global_describe;
  coro_global_observer.error_given = coro_error_trace_given;
  coro_global_observer.describe_error = coro_format_error_trace;
  coro_global_observer.check_thread = global_check_thread;
  coro_global_observer.scheduler_created = global_scheduler_created;
}
