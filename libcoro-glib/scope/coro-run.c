/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-run-private.h"

#include "base/coro-error.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scope/coro-runner-private.h"
#include "scope/coro-spawn.h"
#include "scope/coro-task-group-private.h"

/* µs for which coroutines that are shut down may clean up; then every await of theirs
 * fails, for as long again. */
#define GRACE (5 * G_TIME_SPAN_SECOND)

/* How many coroutines that did not stop are named. */
#define MAX_NAMED 10

/* µs for which the end waits for functions in threads, which nothing can stop. */
#define THREADS_TIME (300 * G_TIME_SPAN_SECOND)

/* µs after which new coroutines are asked to stop even if other coroutines are busy. */
#define ROUND_TIME (50 * G_TIME_SPAN_MILLISECOND)

/* Requests the cancel of each coroutine once.  After the grace time coroutines that are left get a
 * new request in each round, but not while the last request is pending: a shielded coroutine would
 * be woken in every round. */
static void
request_cancel_cb (CoroJob  *job,
                   gpointer  user_data)
{
  gboolean again = *(gboolean *) user_data;

  if (job->n_cancelling == 0 || (again && !job->cancel_pending))
    coro_job_request_cancel (job);
}

static void
alarm_cb (CoroTimer *timer)
{
  /* It has woken the main loop. */
}

/* How long the coroutines may take to end. */
typedef struct
{
  gint64 start;
  gint64 real_start;
  gint64 told;                  /* when all were last asked to stop, by the real clock */
  CoroTimer alarm;
  gboolean level;               /* the grace time is over: every await fails */
} CoroPatience;

static void
patience_init (CoroPatience  *self,
               CoroScheduler *scheduler)
{
  *self = (CoroPatience) { coro_scheduler_now (scheduler), g_get_monotonic_time (), };
}

/* One round of the main loop.  FALSE: their time is up.  `cancel`: they are told to stop
 * before the grace time is over.  Time goes by the clock of the scheduler or by the real one:
 * that of a test stands still while a coroutine never rests. */
static gboolean
patience_iterate (CoroPatience  *self,
                  CoroScheduler *scheduler,
                  gboolean       cancel)
{
  gint64 spent = MAX (coro_scheduler_now (scheduler) - self->start, g_get_monotonic_time () - self->real_start);

  if (spent >= 2 * GRACE)
    return FALSE;

  if (spent >= GRACE && !self->level)
    {
      self->level = TRUE;
      if (scheduler->supervisor != NULL)
        coro_scope_cancel_for (&((CoroSupervisor *) scheduler->supervisor)->scope, "the main loop ends");
    }
  if (!coro_timer_is_armed (&self->alarm))
    coro_scheduler_arm (scheduler, &self->alarm, self->start + (self->level ? 2 * GRACE : GRACE), alarm_cb);

  /* While coroutines are busy, new coroutines are rare; a search for them in each round would take
   * longer than the work itself. */
  if ((cancel || self->level) &&
      (scheduler->ready_head == NULL || g_get_monotonic_time () - self->told >= ROUND_TIME))
    {
      scheduler->ending = !self->level;
      coro_scheduler_foreach_job (scheduler, request_cancel_cb, &self->level);
      self->told = g_get_monotonic_time ();
    }
  g_main_context_iteration (scheduler->context, TRUE);
  return TRUE;
}

static void
shut_down_jobs (CoroScheduler *self)
{
  CoroPatience patience;

  patience_init (&patience, self);
  while (self->n_jobs > 0 || !coro_inbox_is_empty (&self->inbox) || self->ready_head != NULL)
    if (!patience_iterate (&patience, self, TRUE))
      break;
  self->ending = FALSE;
  coro_scheduler_disarm (self, &patience.alarm);
}

/* The coroutine that ends what only a coroutine can end: it may be left behind, too. */
typedef struct
{
  CoroScheduler *scheduler;     /* (nullable) (unowned): NULL once the shutdown does not wait for it */
  const char *current;          /* (nullable): what it is ending */
  gboolean ended;
} CoroClosing;

/* Generators that were not run to their end, the latest first. */
static gboolean
close_all_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  CoroClosing *self = user_data;

  while (self->scheduler != NULL && self->scheduler->shutdowns != NULL)
    {
      CoroShutdown *shutdown = self->scheduler->shutdowns;

      self->current = shutdown->name;
      shutdown->run (shutdown);
      if (self->scheduler != NULL && self->scheduler->shutdowns == shutdown)
        coro_scheduler_remove_shutdown (self->scheduler, shutdown);     /* it could not be ended */
    }
  return TRUE;
}

static void
closing_unref_cb (gpointer closing)
{
  ((CoroClosing *) closing)->ended = TRUE;
  g_rc_box_release (closing);
}

static void
run_shutdowns (CoroScheduler *self)
{
  CoroClosing *closing = g_rc_box_new0 (CoroClosing);
  CoroPatience patience;

  closing->scheduler = self;
  coro_spawn_at (coro_task_group_get_root (self), close_all_cb, g_rc_box_acquire (closing), closing_unref_cb,
                 "the shutdown");

  patience_init (&patience, self);
  while (!closing->ended && patience_iterate (&patience, self, FALSE))
    ;
  coro_scheduler_disarm (self, &patience.alarm);

  if (!closing->ended)
    g_warning ("The shutdown was over before %s was closed", closing->current);
  closing->scheduler = NULL;
  g_rc_box_release (closing);
}

typedef struct
{
  GString *names;               /* (owned) */
  gsize n_jobs;
  gboolean background;          /* background coroutines count as well */
} CoroJobNames;

static void
list_job_cb (CoroJob  *job,
             gpointer  user_data)
{
  CoroJobNames *self = user_data;
  GString *names = self->names;

  if (!self->background && ((CoroSupervisor *) job->supervisor)->background)
    return;

  if (self->n_jobs++ >= MAX_NAMED)
    return;
  if (names->len > 0)
    g_string_append (names, ", ");
  if (job->task != NULL)
    g_string_append_printf (names, "%s: ", coro_task_get_name (job->task));
  g_string_append (names, job->site != NULL ? job->site : "a coroutine");
}

/* The names of the coroutines that have not ended, for a message. */
char *
coro_scheduler_dup_job_names (CoroScheduler *self,
                              gboolean       background,
                              gsize         *n_jobs)
{
  CoroJobNames names = { g_string_new (NULL), 0, background };

  coro_scheduler_foreach_job (self, list_job_cb, &names);
  if (names.n_jobs > MAX_NAMED)
    g_string_append (names.names, ", …");
  *n_jobs = names.n_jobs;
  return g_string_free (names.names, FALSE);
}

/* Reports the coroutines that did not stop. */
static void
report_unfinished (CoroScheduler *self)
{
  gsize n_jobs;
  g_autofree char *names = coro_scheduler_dup_job_names (self, TRUE, &n_jobs);

  g_warning ("The shutdown leaves %" G_GSIZE_FORMAT " coroutines that did not stop: %s", n_jobs, names);
}

/* Functions in threads, for which perhaps nothing else waits. */
static void
wait_for_works (CoroScheduler *self)
{
  CoroTimer alarm = { 0, };
  gint64 deadline = g_get_monotonic_time () + THREADS_TIME;

  coro_scheduler_arm (self, &alarm, coro_scheduler_deadline (self, THREADS_TIME), alarm_cb);
  while ((self->n_works > 0 || self->ready_head != NULL) && g_get_monotonic_time () < deadline)
    g_main_context_iteration (self->context, TRUE);
  coro_scheduler_disarm (self, &alarm);

  if (self->n_works > 0)
    g_warning ("%u functions in threads have not returned; their main context ends without them", self->n_works);
}

/**
 * coro_scheduler_shut_down:
 * @self: a scheduler
 *
 * Cancels all coroutines and waits for them, also for those that their
 * cleanup spawns; then closes generators that were not run to their end, and
 * then waits for functions that were submitted to a [class@Executor].
 * [func@run] does so at its end, and an application that was given to
 * [func@application_attach].
 *
 * They have 5 s to clean up; from then on all that they wait for fails, and
 * after as long again those that still have not stopped are left alone, with
 * a warning that names them. The same goes for the generators.
 * Functions in threads have 300 s.
 *
 * Callable from the scheduler's thread, outside its coroutines and callbacks;
 * iterates the main context and returns when it is done.
 *
 * Since: 0.1
 */
void
coro_scheduler_shut_down (CoroScheduler *self)
{
  g_return_if_fail (CORO_IS_SCHEDULER (self));
  g_return_if_fail (self->dispatch == NULL);
  g_return_if_fail (!coro_scheduler_is_elsewhere (self));

  if (self->closed)
    return;

  self->shutting_down = TRUE;
  self->autojump = TRUE;        /* where a test has a clock of its own: the test does not move it now */
  shut_down_jobs (self);
  if (self->shutdowns != NULL)
    {
      gsize n_left = self->n_jobs;

      run_shutdowns (self);
      if (self->n_jobs > n_left)
        shut_down_jobs (self);  /* what closing has spawned */
    }
  if (self->n_works > 0)
    {
      wait_for_works (self);
      shut_down_jobs (self);    /* those that have waited for one */
    }
  if (self->n_jobs > 0)
    report_unfinished (self);
  self->shutting_down = FALSE;
}

/* One run of a runner of its own. */
static gboolean
run_once (CoroFunc    func,
          gpointer    user_data,
          GValue     *result,
          gboolean   *interrupted,
          GError    **error)
{
  g_autoptr (CoroRunner) runner = NULL;
  gboolean ok;

  *interrupted = FALSE;
  if (!coro_runner_check_thread (error))
    return FALSE;

  runner = coro_runner_new ();
  ok = coro_runner_run (runner, func, user_data, result, error);
  *interrupted = coro_runner_was_interrupted (runner);
  coro_runner_close (runner);
  return ok;
}

/**
 * coro_run: (skip)
 * @func: the body of the main coroutine
 * @user_data: what to pass to it
 * @result: (out caller-allocates) (optional): an empty value, %G_VALUE_INIT,
 *   to move the result into; stays empty if there is none
 * @error: return location for an error
 *
 * Runs a coroutine to its end, from code that is none.
 *
 * It has a main context of its own, which is the thread-default one
 * meanwhile. When the main coroutine has ended, coroutines that are left are
 * cancelled and waited for. A program with a [class@Gio.Application] does not
 * need it: there, [func@spawn] is enough. For several runs in one context
 * there is [class@Runner].
 *
 * Callable from any thread, which it blocks, outside coroutines. Cancellation
 * does not reach in; in the main thread SIGINT cancels the main coroutine, if
 * the signal has no other handler.
 *
 * @error can be set to what the body fails with, and to
 * [error@Coro.Error.NESTED_RUN]: the thread is running coroutines already.
 *
 * Semantics: asyncio's `run()`.
 *
 * Returns: %TRUE with the result; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_run (CoroFunc    func,
          gpointer    user_data,
          GValue     *result,
          GError    **error)
{
  gboolean interrupted;

  g_return_val_if_fail (func != NULL, FALSE);

  return run_once (func, user_data, result, &interrupted, error);
}

/**
 * coro_run_main: (skip)
 * @func: the body of the main coroutine
 * @user_data: what to pass to it
 *
 * [func@run] for a `main()` of one line. An error is printed.
 *
 * SIGINT cancels the main coroutine, so that it can clean up. Then the status is
 * 130, as for a program that the signal has ended, unless the coroutine was also
 * cancelled in another way. A second SIGINT ends the program at once.
 *
 * Callable from any thread, which it blocks, outside coroutines.
 *
 * Returns: an exit status
 *
 * Since: 0.1
 */
int
coro_run_main (CoroFunc func,
               gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean interrupted;

  if (run_once (func, user_data, NULL, &interrupted, &error))
    return 0;
  if (interrupted && coro_error_is_cancelled (error))
    return CORO_EXIT_STATUS_INTERRUPTED;

  g_printerr ("%s\n", error->message);
  return 1;
}
