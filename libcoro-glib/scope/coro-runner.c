/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-runner-private.h"

#include "base/coro-error.h"
#include "future/coro-coroutine-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scope/coro-interrupt-private.h"
#include "scope/coro-run.h"
#include "scope/coro-spawn.h"

/**
 * CoroRunner:
 *
 * Runs one main coroutine after another, from code that is none.
 *
 * It has a main context of its own, which stays from run to run: what one
 * main coroutine leaves behind is suspended until the next one runs. Closing
 * it cancels what is left and waits for that. [func@run] does it all for a
 * single coroutine.
 *
 * While it runs in the main thread, SIGINT cancels the main coroutine, if
 * the signal has no other handler; a second SIGINT has its default action.
 *
 * It belongs to the thread that first runs it.
 *
 * Semantics: asyncio's `Runner`.
 *
 * Since: 0.1
 */
struct _CoroRunner
{
  GObject parent_instance;

  GMainContext *context;        /* (nullable) (owned) */
  CoroScheduler *scheduler;     /* (owned) */
  CoroRunnerState state;
  gboolean has_run;
  CoroInterrupt interrupt;
};

G_DEFINE_FINAL_TYPE (CoroRunner, coro_runner, G_TYPE_OBJECT)

/* The one that runs in this thread, also in the callbacks of its context. */
static __thread CoroRunner *running_runner;

/* No code of others runs in here: what was left is leaked, and that is said. */
static void
coro_runner_finalize (GObject *object)
{
  CoroRunner *self = CORO_RUNNER (object);

  if (self->state != CORO_RUNNER_CLOSED && self->has_run)
    g_warning ("An unclosed runner was dropped: what its coroutines had to clean up was not done");

  coro_scheduler_close (self->scheduler);
  g_object_unref (self->scheduler);
  g_clear_pointer (&self->context, g_main_context_unref);

  G_OBJECT_CLASS (coro_runner_parent_class)->finalize (object);
}

static void
coro_runner_class_init (CoroRunnerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = coro_runner_finalize;
}

static void
coro_runner_init (CoroRunner *self)
{
  self->context = g_main_context_new ();
  self->scheduler = coro_scheduler_ref_for_context (self->context);
}

/**
 * coro_runner_new:
 *
 * Makes a runner, with a main context of its own.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a runner; close it in the end, or it warns
 *
 * Since: 0.1
 */
CoroRunner *
coro_runner_new (void)
{
  return g_object_new (CORO_TYPE_RUNNER, NULL);
}

/* Whether the calling thread is free to run something: it is not in a callback of any main
 * context, nor below g_application_run(), which owns the default one. */
gboolean
coro_runner_check_thread (GError **error)
{
  if (coro_scheduler_current == NULL && running_runner == NULL &&
      g_main_depth () == 0 && !g_main_context_is_owner (g_main_context_default ()))
    return TRUE;

  g_set_error_literal (error, CORO_ERROR, CORO_ERROR_NESTED_RUN,
                       "coro_run() cannot be called from a running event loop");
  return FALSE;
}

static gboolean
runner_check (CoroRunner  *self,
              GError     **error)
{
  gsize thread = coro_scheduler_get_thread (self->scheduler);

  if (!coro_runner_check_thread (error))
    return FALSE;
  if (thread != 0 && thread != coro_thread_self ())
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "The runner belongs to another thread");
      return FALSE;
    }
  if (self->state != CORO_RUNNER_CREATED)
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_CLOSED, "The runner is closed");
      return FALSE;
    }
  return TRUE;
}

/* Makes the runner the thread's own, until runner_leave(). */
static void
runner_enter (CoroRunner      *self,
              CoroRunnerState  state)
{
  running_runner = self;
  self->state = state;
  g_main_context_push_thread_default (self->context);
}

static void
runner_leave (CoroRunner      *self,
              CoroRunnerState  state)
{
  g_main_context_pop_thread_default (self->context);
  self->state = state;
  running_runner = NULL;
}

static void
cancel_task_cb (gpointer task)
{
  coro_task_cancel (task);
}

typedef struct
{
  CoroFunc func;
  gpointer user_data;
  guint n_cancelling;           /* requests that were not taken back, when it ended */
} CoroMain;

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  CoroMain *main = user_data;
  gboolean ok = main->func (main->user_data, result, error);

  main->n_cancelling = coro_task_get_cancelling (coro_task_get_current ());
  return ok;
}

/**
 * coro_runner_run: (skip)
 * @self: a runner
 * @func: the body of the main coroutine
 * @user_data: what to pass to it
 * @result: (out caller-allocates) (optional): an empty value, %G_VALUE_INIT,
 *   to move the result into; stays empty if there is none
 * @error: return location for an error
 *
 * Runs a coroutine to its end. Others that are left then go on in the next
 * run.
 *
 * Callable from the runner's thread, which it blocks, outside coroutines.
 * Cancellation does not reach in, but SIGINT does.
 *
 * @error can be set to what the body fails with, to
 * [error@Coro.Error.NESTED_RUN]: the thread is running coroutines already, to
 * [error@Coro.Error.CLOSED], and to [error@Coro.Error.PROTOCOL]: the runner
 * belongs to another thread.
 *
 * Returns: %TRUE with the result; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_runner_run (CoroRunner  *self,
                 CoroFunc     func,
                 gpointer     user_data,
                 GValue      *result,
                 GError     **error)
{
  g_autoptr (CoroTask) task = NULL;
  CoroMain main = { func, user_data, 0 };
  gboolean ok;

  g_return_val_if_fail (CORO_IS_RUNNER (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  if (!runner_check (self, error))
    return FALSE;

  g_object_ref (self);
  self->has_run = TRUE;
  runner_enter (self, CORO_RUNNER_RUNNING);
  task = coro_spawn_task_at (NULL, main_cb, &main, NULL, "the main coroutine");
  coro_interrupt_begin (&self->interrupt, self->context, cancel_task_cb, task);

  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (self->context, TRUE);

  coro_interrupt_end (&self->interrupt);
  if (main.n_cancelling > 1)
    self->interrupt.interrupted = FALSE;        /* not by SIGINT alone */
  ok = coro_future_get_result (CORO_FUTURE (task), result, error);
  g_clear_object (&task);
  runner_leave (self, CORO_RUNNER_CREATED);
  g_object_unref (self);
  return ok;
}

static gboolean
await_cb (gpointer   awaitable,
          GValue    *result,
          GError   **error)
{
  return coro_await (awaitable, result, error);
}

/**
 * coro_runner_run_coroutine: (skip)
 * @self: a runner
 * @coroutine: a coroutine that has not run
 * @result: (out caller-allocates) (optional): an empty value, %G_VALUE_INIT,
 *   to move the result into; stays empty if there is none
 * @error: return location for an error
 *
 * [method@Runner.run] for a coroutine object. One that cannot be run is
 * closed.
 *
 * Callable from the runner's thread, which it blocks, outside coroutines.
 * Cancellation does not reach in, but SIGINT does.
 *
 * @error can be set to what [method@Runner.run] sets it to.
 *
 * Returns: %TRUE with the result; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_runner_run_coroutine (CoroRunner     *self,
                           CoroCoroutine  *coroutine,
                           GValue         *result,
                           GError        **error)
{
  g_return_val_if_fail (CORO_IS_RUNNER (self), FALSE);
  g_return_val_if_fail (CORO_IS_COROUTINE (coroutine), FALSE);

  if (!runner_check (self, error))
    {
      coro_coroutine_close (coroutine, NULL);
      return FALSE;
    }
  return coro_runner_run (self, await_cb, coroutine, result, error);
}

/**
 * coro_runner_was_interrupted:
 * @self: a runner
 *
 * Whether SIGINT alone has cancelled the main coroutine of the last run.
 *
 * Callable from the runner's thread; never suspends.
 *
 * Returns: %TRUE if it has
 *
 * Since: 0.1
 */
gboolean
coro_runner_was_interrupted (CoroRunner *self)
{
  g_return_val_if_fail (CORO_IS_RUNNER (self), FALSE);

  return self->interrupt.interrupted;
}

/**
 * coro_runner_get_state:
 * @self: a runner
 *
 * Gets what the runner is doing.
 *
 * Callable from the runner's thread; never suspends.
 *
 * Returns: the state
 *
 * Since: 0.1
 */
CoroRunnerState
coro_runner_get_state (CoroRunner *self)
{
  g_return_val_if_fail (CORO_IS_RUNNER (self), CORO_RUNNER_CLOSED);

  return self->state;
}

/**
 * coro_runner_get_scheduler:
 * @self: a runner
 *
 * Gets the scheduler that runs the coroutines, the same one in all runs.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer none): the scheduler
 *
 * Since: 0.1
 */
CoroScheduler *
coro_runner_get_scheduler (CoroRunner *self)
{
  g_return_val_if_fail (CORO_IS_RUNNER (self), NULL);

  return self->scheduler;
}

/**
 * coro_runner_close:
 * @self: a runner
 *
 * Cancels all coroutines that are left and waits for them, as
 * [method@Scheduler.shut_down] says. A runner that is closed stays so.
 *
 * Callable from the runner's thread, which it blocks, outside coroutines and
 * runs.
 *
 * Since: 0.1
 */
void
coro_runner_close (CoroRunner *self)
{
  g_return_if_fail (CORO_IS_RUNNER (self));
  g_return_if_fail (self->state == CORO_RUNNER_CREATED || self->state == CORO_RUNNER_CLOSED);

  if (self->state == CORO_RUNNER_CLOSED)
    return;

  g_return_if_fail (coro_runner_check_thread (NULL));

  g_object_ref (self);
  runner_enter (self, CORO_RUNNER_SHUTTING_DOWN);
  coro_scheduler_shut_down (self->scheduler);
  coro_scheduler_close (self->scheduler);
  runner_leave (self, CORO_RUNNER_CLOSED);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_object_unref (self);
}
