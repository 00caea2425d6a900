/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-debug-private.h"

#include "debug/coro-overflow.h"
#include "future/coro-task.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Debug mode looks over the shoulder of a scheduler.  It is asked for by the environment
 * variable CORO_DEBUG or by a call, and costs one branch a switch while it is off.
 *
 * What it has to say is said on the thread's own stack, a little later: a handler of log
 * messages is code of others, which may end in a language binding. */

#define DEFAULT_SLOW        (100 * G_TIME_SPAN_MILLISECOND)
#define DEFAULT_BLOCKED     (1 * G_TIME_SPAN_SECOND)
/* More of them than this, by one coroutine, are not an oversight in its cleanup. */
#define MAX_IGNORED_CANCELS 3

/* What is wrong with one coroutine so far. */
typedef struct
{
  guint n_ignored_cancels;
  int n_locks;
  gboolean has_pushed;          /* it was reported */
} CoroDebugJob;

static int default_flags;       /* (atomic): CoroDebugFlags of new schedulers */

/* --- reports ---------------------------------------------------------------------- */

static void
debug_flush (CoroDebug *self)
{
  char *report;

  while ((report = g_queue_pop_head (&self->reports)) != NULL)
    {
      g_warning ("%s", report);
      g_free (report);
    }
}

static void
debug_flush_cb (CoroReady *ready)
{
  CoroDebug *self = (CoroDebug *) ((char *) ready - offsetof (CoroDebug, flush));

  self->flushing = FALSE;
  debug_flush (self);
  self->reporting = TRUE;       /* this step is not the program's doing */
}

static void G_GNUC_PRINTF (2, 3)
debug_report (CoroDebug  *self,
              const char *format,
              ...)
{
  va_list args;

  va_start (args, format);
  g_queue_push_tail (&self->reports, g_strdup_vprintf (format, args));
  va_end (args);

  if (self->flushing)
    return;
  self->flushing = TRUE;
  self->flush.call = debug_flush_cb;
  coro_scheduler_push (self->scheduler, &self->flush);
}

/* --- steps ------------------------------------------------------------------------ */

static void
step_set_name (CoroDebugStep *self)
{
  self->site = self->job != NULL ? self->job->site : NULL;
  self->name[0] = '\0';
  if (self->job != NULL)
    coro_job_copy_name (self->job, self->name, sizeof self->name);
}

static void
step_begin (CoroDebug *self,
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
  step_set_name (step);
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
  g_autoptr (GString) who = g_string_new (NULL);
  CoroDebugStep *step = &self->step;

  coro_debug_describe (who, step->job == NULL, self->scheduler->callback, step->name, step->site);
  debug_report (self, "Executing %s took %.3f seconds; what blocks belongs into coro_run_in_thread()", who->str,
                (double) duration / G_TIME_SPAN_SECOND);
}

static void
step_end (CoroDebug *self)
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

/* --- hooks ------------------------------------------------------------------------ */

static CoroDebugJob *
debug_get_job (CoroDebug *self,
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

static void
debug_created (CoroHooks *hooks,
               CoroJob   *job)
{
  coro_debug_trace ((CoroDebug *) hooks, CORO_TRACE_CREATED, job, NULL);
}

static void
debug_entered (CoroHooks *hooks,
               CoroJob   *job)
{
  CoroDebug *self = (CoroDebug *) hooks;

  if (job != NULL)
    coro_debug_trace (self, job->state == CORO_JOB_NEW ? CORO_TRACE_STARTED : CORO_TRACE_RESUMED, job, NULL);
  step_begin (self, job);
}

/* Coroutines that run meanwhile see the pushed context, GTask reports to the wrong one,
 * and the pops come in the wrong order. */
static void
debug_check_context (CoroDebug *self,
                     CoroJob   *job,
                     gboolean   ended)
{
  CoroDebugJob *record;

  if (self->step.start == 0 || self->step.job != job || g_main_context_get_thread_default () == self->step.context)
    return;

  record = debug_get_job (self, job);
  if (!record->has_pushed)
    debug_report (self, "%s %s and has not popped the thread-default main context that it pushed", get_job_name (job),
                  ended ? "returned" : "waits");
  record->has_pushed = TRUE;
}

static void
debug_left (CoroHooks *hooks,
            CoroJob   *job,
            gboolean   ended)
{
  CoroDebug *self = (CoroDebug *) hooks;

  if (job != NULL && (self->flags & CORO_DEBUG_CHECKS) != 0)
    {
      debug_check_context (self, job, ended);
      if (ended)
        {
          CoroDebugJob *record = g_hash_table_lookup (self->jobs, job);

          if (record != NULL && record->n_locks > 0)
            debug_report (self, "%s returned and still holds %d %s", get_job_name (job), record->n_locks,
                          record->n_locks == 1 ? "lock" : "locks");
        }
    }
  if (ended && job != NULL)
    g_hash_table_remove (self->jobs, job);
  if (job != NULL)
    coro_debug_trace (self, ended ? CORO_TRACE_FREED : CORO_TRACE_SUSPENDED, job, NULL);

  step_end (self);
}

static void
debug_finished (CoroHooks    *hooks,
                CoroJob      *job,
                const GError *error)
{
  CoroDebug *self = (CoroDebug *) hooks;

  coro_debug_trace (self, coro_trace_event_for_error (error), job, error);
  /* The last chance: its handle goes away before it has left. */
  if (self->step.job == job)
    step_set_name (&self->step);
}

static void
debug_cancel_ignored (CoroHooks *hooks,
                      CoroJob   *job)
{
  CoroDebug *self = (CoroDebug *) hooks;

  if ((self->flags & CORO_DEBUG_CHECKS) == 0)
    return;
  if (++debug_get_job (self, job)->n_ignored_cancels == MAX_IGNORED_CANCELS + 1)
    debug_report (self, "%s has ignored more than %d cancellations: it passes no error to what it waits for",
                  get_job_name (job), MAX_IGNORED_CANCELS);
}

static void
debug_lock_held (CoroHooks *hooks,
                 CoroJob   *job,
                 int        change)
{
  CoroDebugJob *record = debug_get_job ((CoroDebug *) hooks, job);

  /* One that was acquired before debug mode was turned on is not counted. */
  record->n_locks = MAX (record->n_locks + change, 0);
}

static void
debug_free (CoroHooks *hooks)
{
  CoroDebug *self = (CoroDebug *) hooks;

  coro_watchdog_remove (self);
  debug_flush (self);
  if (self->trace_destroy != NULL)
    self->trace_destroy (self->trace_data);
  g_hash_table_unref (self->jobs);
  g_array_unref (self->outer_steps);
  g_free (self);
}

static const CoroHooks debug_hooks = {
  debug_created,
  debug_entered,
  debug_left,
  debug_finished,
  debug_cancel_ignored,
  debug_lock_held,
  debug_free,
};

/* Belongs to the scheduler from then on, also while it is off. */
CoroDebug *
coro_debug_get (CoroScheduler *scheduler)
{
  CoroDebug *self = (CoroDebug *) scheduler->debug;

  if (self != NULL)
    return self;

  self = g_new0 (CoroDebug, 1);
  self->hooks = debug_hooks;
  self->scheduler = scheduler;
  self->slow = DEFAULT_SLOW;
  self->blocked = DEFAULT_BLOCKED;
  self->jobs = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  g_queue_init (&self->reports);
  self->outer_steps = g_array_new (FALSE, FALSE, sizeof (CoroDebugStep));
  scheduler->debug = &self->hooks;
  return self;
}

/* Puts the hooks in place while somebody wants them. */
void
coro_debug_update (CoroDebug *self)
{
  CoroScheduler *scheduler = self->scheduler;

  if (self->flags == CORO_DEBUG_NONE && self->trace == NULL)
    {
      scheduler->hooks = NULL;
      __atomic_store_n (&self->step.start, 0, __ATOMIC_RELEASE);
      g_array_set_size (self->outer_steps, 0);
    }
  else if (scheduler->hooks == NULL)
    {
      scheduler->hooks = &self->hooks;
      if (scheduler->running != NULL)
        step_begin (self, scheduler->running);
    }
}

/* --- what belongs to no scheduler ------------------------------------------------- */

/* Frames of ours and of GObject that are not worth telling. */
#define N_CAPTURED 12

static gpointer
global_capture (void)
{
  gpointer *frames;

  if ((g_atomic_int_get (&default_flags) & CORO_DEBUG_CHECKS) == 0 &&
      (coro_scheduler_current == NULL || coro_scheduler_current->hooks == NULL))
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
  g_critical ("A %s was used in another thread than that of the coroutines which wait for it", object_name);
}

static void
global_scheduler_created (CoroScheduler *scheduler)
{
  CoroDebugFlags flags = coro_debug_get_flags ();

  if (flags != CORO_DEBUG_NONE)
    coro_scheduler_set_debug (scheduler, flags);
}

static void
global_hooks_init (void)
{
  coro_global_hooks.capture = global_capture;
  coro_global_hooks.describe = global_describe;
  coro_global_hooks.check_thread = global_check_thread;
  coro_global_hooks.scheduler_created = global_scheduler_created;
}

__attribute__ ((constructor)) static void
read_environment (void)
{
  static const GDebugKey keys[] = {
    { "1", CORO_DEBUG_ALL },
    { "slow", CORO_DEBUG_SLOW },
    { "watchdog", CORO_DEBUG_WATCHDOG },
    { "checks", CORO_DEBUG_CHECKS },
    { "overflow", 0 },          /* coro-overflow.c reads it */
  };
  CoroDebugFlags flags = g_parse_debug_string (g_getenv ("CORO_DEBUG"), keys, G_N_ELEMENTS (keys));

  if (flags != CORO_DEBUG_NONE)
    coro_debug_set_flags (flags);
}

/**
 * coro_debug_set_flags:
 * @flags: what to watch
 *
 * Sets what debug mode watches in schedulers that are made from now on.
 *
 * At first it is what the environment variable `CORO_DEBUG` says: a list of
 * `slow`, `watchdog` and `checks`, or `1` for all of them; `overflow` stands
 * for [func@debug_report_overflows], and `all` for that as well.
 *
 * Callable from any thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_debug_set_flags (CoroDebugFlags flags)
{
  g_atomic_int_set (&default_flags, (int) (flags & CORO_DEBUG_ALL));
  if (flags != CORO_DEBUG_NONE)
    global_hooks_init ();
}

/**
 * coro_debug_get_flags:
 *
 * Gets what debug mode watches in schedulers that are made from now on.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: the flags
 *
 * Since: 0.1
 */
CoroDebugFlags
coro_debug_get_flags (void)
{
  return (CoroDebugFlags) g_atomic_int_get (&default_flags);
}

/**
 * coro_scheduler_set_debug:
 * @self: a scheduler
 * @flags: what to watch
 *
 * Turns debug mode on or off for one scheduler, whatever `CORO_DEBUG` says.
 *
 * Everything it finds is a warning in the log domain `Coro`. A step, which is
 * what a coroutine does between two waits, is slow if it takes as long as the
 * threshold or longer. The watchdog sends a signal (`SIGRTMIN` + 5) to a thread
 * that is blocked, to find out where; some system calls return `EINTR` then.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_scheduler_set_debug (CoroScheduler  *self,
                          CoroDebugFlags  flags)
{
  CoroDebug *debug;

  g_return_if_fail (CORO_IS_SCHEDULER (self));

  debug = coro_debug_get (self);
  debug->flags = flags & CORO_DEBUG_ALL;
  if (debug->flags != CORO_DEBUG_NONE)
    global_hooks_init ();

  coro_debug_update (debug);

  if ((debug->flags & CORO_DEBUG_WATCHDOG) != 0)
    coro_watchdog_add (debug);
  else
    coro_watchdog_remove (debug);
}

/**
 * coro_scheduler_get_debug:
 * @self: a scheduler
 *
 * Gets what debug mode watches.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Returns: the flags
 *
 * Since: 0.1
 */
CoroDebugFlags
coro_scheduler_get_debug (CoroScheduler *self)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), CORO_DEBUG_NONE);

  return self->debug != NULL ? ((CoroDebug *) self->debug)->flags : CORO_DEBUG_NONE;
}

/**
 * coro_scheduler_set_slow_threshold:
 * @self: a scheduler
 * @threshold: a time in µs
 *
 * Sets how long a step must take to be called slow: 100 ms at first.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_scheduler_set_slow_threshold (CoroScheduler *self,
                                   GTimeSpan      threshold)
{
  g_return_if_fail (CORO_IS_SCHEDULER (self));
  g_return_if_fail (threshold >= 0);

  coro_debug_get (self)->slow = threshold;
}

/**
 * coro_scheduler_get_slow_threshold:
 * @self: a scheduler
 *
 * Gets how long a step must take to be called slow.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Returns: a time in µs
 *
 * Since: 0.1
 */
GTimeSpan
coro_scheduler_get_slow_threshold (CoroScheduler *self)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), 0);

  return coro_debug_get (self)->slow;
}

/**
 * coro_scheduler_set_watchdog_threshold:
 * @self: a scheduler
 * @threshold: a time in µs, above 0
 *
 * Sets after how long the watchdog shows what blocks the thread: 1 s at first.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_scheduler_set_watchdog_threshold (CoroScheduler *self,
                                       GTimeSpan      threshold)
{
  CoroDebug *debug;

  g_return_if_fail (CORO_IS_SCHEDULER (self));
  g_return_if_fail (threshold > 0);

  debug = coro_debug_get (self);
  __atomic_store_n (&debug->blocked, threshold, __ATOMIC_RELAXED);
  if (debug->watched)
    coro_watchdog_add (debug);  /* it may have to look more often */
}

/**
 * coro_scheduler_get_watchdog_threshold:
 * @self: a scheduler
 *
 * Gets after how long the watchdog shows what blocks the thread.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Returns: a time in µs
 *
 * Since: 0.1
 */
GTimeSpan
coro_scheduler_get_watchdog_threshold (CoroScheduler *self)
{
  g_return_val_if_fail (CORO_IS_SCHEDULER (self), 0);

  return coro_debug_get (self)->blocked;
}
