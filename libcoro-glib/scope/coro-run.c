/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-run.h"

#include "fiber/coro-error.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scope/coro-runner-private.h"
#include "scope/coro-spawn.h"
#include "scope/coro-task-group-private.h"

/* µs for which coroutines that are shut down may clean up; then every await of theirs
 * fails. */
#define GRACE (5 * G_TIME_SPAN_SECOND)

/* 128 + SIGINT: what a shell reports for it. */
#define EXIT_STATUS_INTERRUPTED 130

/* Once for each; again and again for those who had their time and are still here. */
static void
request_cancel_cb (CoroJob  *job,
                   gpointer  user_data)
{
  gboolean again = *(gboolean *) user_data;

  if (job->n_cancelling == 0 || again)
    coro_job_request_cancel (job);
}

static void
alarm_cb (CoroTimer *timer)
{
  /* It has woken the main loop. */
}

/* For how long, by the clock of the scheduler or by the real one: that of a test stands
 * still while somebody never rests. */
static gint64
get_spent (CoroScheduler *self,
           gint64         start,
           gint64         real_start)
{
  return MAX (coro_scheduler_now (self) - start, g_get_monotonic_time () - real_start);
}

/* Ends what a coroutine has to end, the latest first: generators that were not run to
 * their end. */
static gboolean
run_shutdowns_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  CoroScheduler *scheduler = user_data;

  while (scheduler->shutdowns != NULL)
    {
      CoroShutdown *shutdown = scheduler->shutdowns;

      shutdown->run (shutdown);
      if (scheduler->shutdowns == shutdown)
        coro_scheduler_remove_shutdown (scheduler, shutdown);   /* it could not be ended */
    }
  return TRUE;
}

/* Some that do not stop by any means are left to coro_scheduler_close(), which complains. */
static void
shut_down_jobs (CoroScheduler *self)
{
  gint64 start = coro_scheduler_now (self);
  gint64 real_start = g_get_monotonic_time ();
  CoroTimer alarm = { 0, };
  gboolean level = FALSE;

  self->autojump = TRUE;        /* where a test has a clock of its own: nobody moves it now */

  while (self->n_jobs > 0 || !coro_inbox_is_empty (&self->inbox) || self->ready_head != NULL)
    {
      gint64 spent = get_spent (self, start, real_start);

      if (spent >= 2 * GRACE)
        break;
      if (spent >= GRACE && !level)
        {
          level = TRUE;
          if (self->supervisor != NULL)
            coro_scope_cancel (&((CoroSupervisor *) self->supervisor)->scope);
        }
      if (!coro_timer_is_armed (&alarm))
        coro_scheduler_arm (self, &alarm, start + (level ? 2 * GRACE : GRACE), alarm_cb);

      coro_scheduler_foreach_job (self, request_cancel_cb, &level);
      g_main_context_iteration (self->context, TRUE);
    }

  coro_scheduler_disarm (self, &alarm);
}

/**
 * coro_scheduler_shut_down:
 * @self: a scheduler
 *
 * Cancels all coroutines and waits for them, also for those that their
 * cleanup spawns; then closes generators that were not run to their end.
 * [func@run] does so at its end, and an application that was given to
 * [func@application_attach].
 *
 * They have 5 s to clean up; from then on all that they wait for fails, and
 * after as long again those that still have not stopped are left alone.
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

  if (self->closed)
    return;

  shut_down_jobs (self);
  while (self->shutdowns != NULL && self->n_jobs == 0)
    {
      coro_spawn_at (coro_task_group_get_root (self), run_shutdowns_cb, self, NULL, "the shutdown");
      while (self->n_jobs > 0)
        g_main_context_iteration (self->context, TRUE);
    }
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
 * nobody else handles the signal.
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
 * SIGINT cancels the main coroutine, so that it can clean up, and then the
 * status is 130, as for a program that the signal has ended; a second SIGINT
 * ends the program at once.
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
    return EXIT_STATUS_INTERRUPTED;

  g_printerr ("%s\n", error->message);
  return 1;
}

static void
application_shutdown_cb (GApplication *application,
                         gpointer      scheduler)
{
  coro_scheduler_shut_down (scheduler);
}

static void
scheduler_unref_cb (gpointer  scheduler,
                    GClosure *closure)
{
  g_object_unref (scheduler);
}

/**
 * coro_application_attach:
 * @application: an application
 *
 * Ends coroutines with the application: on [signal@Gio.Application::shutdown]
 * those of the default main context are cancelled and waited for. They have
 * stacks of 1 MiB, because drawing and text layout recurse deep.
 *
 * Callable from the main thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_application_attach (GApplication *application)
{
  CoroScheduler *scheduler;

  g_return_if_fail (G_IS_APPLICATION (application));

  scheduler = coro_scheduler_ref_for_context (g_main_context_default ());
  coro_task_group_set_stack_size (coro_task_group_get_root (scheduler), CORO_STACK_SIZE_LARGE);
  g_signal_connect_data (application, "shutdown", G_CALLBACK (application_shutdown_cb), scheduler,
                         scheduler_unref_cb, 0);
}
