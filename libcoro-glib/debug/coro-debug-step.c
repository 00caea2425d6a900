/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-debug-private.h"

#include <fenv.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A step is what a coroutine does between two waits, or a callback. */

void
coro_debug_step_set_name (CoroDebugStep *self)
{
  self->site = self->job != NULL ? self->job->site : NULL;
  self->name[0] = '\0';
  if (self->job != NULL)
    coro_job_copy_name (self->job, self->name, sizeof self->name);
}

/* NULL: a callback. */
void
coro_debug_step_begin (CoroDebug *self,
                       CoroJob   *job)
{
  CoroDebugStep *step = &self->step;

  /* It may have been made before its thread was known, or have moved since. */
  if (G_UNLIKELY (self->thread != coro_thread_self ()))
    {
      self->thread = coro_thread_self ();
      g_atomic_int_set (&self->thread_id, (int) syscall (SYS_gettid));
    }

  if (step->start != 0)
    {
      step->callback = self->scheduler->callback;
      g_array_append_val (self->outer_steps, *step);
      __atomic_store_n (&step->start, 0, __ATOMIC_RELEASE);
    }

  g_atomic_int_inc (&self->step.serial);
  step->job = job;
  self->scheduler->callback = NULL;
  step->context = g_main_context_get_thread_default ();
  step->rounding = fegetround ();
  coro_debug_step_set_name (step);
  __atomic_store_n (&step->start, g_get_monotonic_time (), __ATOMIC_RELEASE);
}

/* No values of arguments in here: they may be secrets. */
void
coro_debug_describe (GString    *string,
                     gboolean    is_callback,
                     gpointer    callback,
                     const char *name,
                     const char *site)
{
  if (!is_callback)
    {
      g_string_append_printf (string, "<CoroTask '%s' spawned at %s>", name[0] != '\0' ? name : "unnamed",
                              site != NULL ? site : "an unknown place");
      return;
    }

  g_string_append (string, "<callback");
  if (callback != NULL)
    {
      g_string_append_c (string, ' ');
      coro_symbol_append (string, callback);
    }
  g_string_append_c (string, '>');
}

/* Goes on with the step in whose midst the last one was.  What that took counts. */
static void
step_return (CoroDebug *self)
{
  CoroDebugStep outer;

  if (self->outer_steps->len == 0)
    return;

  outer = g_array_index (self->outer_steps, CoroDebugStep, self->outer_steps->len - 1);
  g_array_set_size (self->outer_steps, self->outer_steps->len - 1);
  self->step.job = outer.job;
  self->step.context = outer.context;
  self->step.site = outer.site;
  memcpy (self->step.name, outer.name, sizeof outer.name);
  self->scheduler->callback = outer.callback;
  g_atomic_int_inc (&self->step.serial);
  __atomic_store_n (&self->step.start, outer.start, __ATOMIC_RELEASE);
}

static void
step_report (CoroDebug *self,
             gint64     duration)
{
  g_autoptr (GString) executed = g_string_new (NULL);
  CoroDebugStep *step = &self->step;

  coro_debug_describe (executed, step->job == NULL, self->scheduler->callback, step->name, step->site);
  coro_debug_report (self, "Executing %s took %.3f seconds; what blocks belongs into coro_run_in_thread()",
                     executed->str, (double) duration / G_TIME_SPAN_SECOND);
}

void
coro_debug_step_end (CoroDebug *self)
{
  gint64 start = self->step.start;
  gint64 duration = g_get_monotonic_time () - start;

  __atomic_store_n (&self->step.start, 0, __ATOMIC_RELEASE);

  /* 0: it was not watched from its beginning. */
  if (start == 0)
    return;
  if ((self->flags & CORO_DEBUG_SLOW) != 0 && duration >= self->slow && !self->reporting)
    step_report (self, duration);
  self->reporting = FALSE;
  step_return (self);
}
