/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "thread/coro-executor.h"

#include "base/coro-container-private.h"
#include "base/coro-error.h"
#include "base/coro-fork-private.h"
#include "thread/coro-thread-job-private.h"
#include "thread/coro-work-private.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"

/**
 * CoroExecutor:
 *
 * A bounded number of threads for functions that block or compute.
 *
 * [func@run_in_thread] uses the default one, which belongs to the process and
 * has four threads more than there are processors, 32 at the most. Functions
 * in the default executor may wait for each other: if functions are queued and
 * none has begun for 100 ms, the executor adds a thread for as long as it is
 * needed. Make an executor to limit the use of a resource, a database that takes
 * three connections or a library that wants a single thread, and pass the executor
 * to [method@Executor.run]. Such an executor never has more threads than you gave
 * it, so a function must not wait for another function of its executor.
 * Threads are started when there is work, and end after 10 s without work.
 *
 * Functions begin in the order of submission. Each function is given a
 * [class@Gio.Cancellable] and sees the context variables of its submitter.
 *
 * An executor that is not needed any more is shut down by
 * [method@Executor.shut_down], or by a guard when a block of C is left:
 *
 * ```c
 * g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
 * g_auto (CoroExecutorGuard) guard = coro_executor_enter (executor);
 * ```
 *
 * Dropping the last reference does not wait: the submitted functions still run,
 * and then the threads end by themselves.
 *
 * Semantics: Python's `ThreadPoolExecutor`.
 *
 * Since: 0.1
 */
struct _CoroExecutor
{
  GObject parent_instance;

  CoroThreadPool *threads;      /* (owned) */
  CoroExecutorFlags flags;
};

G_DEFINE_FINAL_TYPE (CoroExecutor, coro_executor, G_TYPE_OBJECT)

CORO_FORK_LOCK (default_lock, CORO_FORK_FIRST)
static CoroExecutor *default_executor;  /* (nullable) (owned); guarded by default_lock */
static guint default_n_forks;           /* of the process that has its threads; guarded by default_lock */

/* --- waiting for one function ------------------------------------------------------ */

/* One function, on the stack of the coroutine that waits for it. */
typedef struct
{
  CoroThreadJob call;           /* first */
  CoroPendingWork pending;
  CoroWaiter waiter;
  CoroThreadFunc func;
  gpointer user_data;
  gpointer value;
} CoroExecutorCall;

static void
call_make (CoroThreadJob *call)
{
  CoroExecutorCall *self = (CoroExecutorCall *) call;

  self->value = self->func (self->user_data, call->cancellable, &call->error);
}

static void
call_ended (CoroThreadJob *call)
{
  coro_waiter_wake (&((CoroExecutorCall *) call)->waiter);
}

static const CoroThreadJobClass call_class = { call_make, call_ended };

static void
call_fork_child_cb (CoroPendingWork *pending)
{
  CoroExecutorCall *self = CORO_CONTAINER_OF (pending, CoroExecutorCall, pending);

  if (self->waiter.woken)
    return;

  self->value = NULL;           /* perhaps it has returned, and could not say so any more */
  coro_thread_job_fail_in_fork_child (&self->call);
}

static gboolean
call_wait_abort (gpointer    object,
                 CoroWaiter *waiter)
{
  CoroExecutorCall *self = object;

  if (coro_thread_job_withdraw (&self->call))
    return TRUE;
  coro_thread_job_cancel (&self->call);
  return FALSE;
}

static const CoroWaitClass call_wait_class = { call_wait_abort, NULL, FALSE, "a thread" };

static gboolean
call_wait (CoroExecutorCall  *self,
           GError           **error)
{
  CoroScheduler *scheduler = coro_scheduler_current;
  CoroJob *job = self->waiter.job;
  gboolean waited;

  if (!coro_thread_job_push (&self->call, error))
    return FALSE;

  coro_pending_work_begin (&self->pending, scheduler, call_fork_child_cb);
  g_object_ref (scheduler);     /* for the thread, should we be left behind */
  waited = coro_waiter_wait (&self->waiter, &call_wait_class, self, error);
  g_object_unref (scheduler);
  coro_pending_work_end (&self->pending, scheduler);

  if (error != NULL && coro_job_has_request (job) &&
      g_error_matches (self->call.error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    coro_job_consume_request (job);
  if (self->call.error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->call.error));
  return waited;
}

typedef struct
{
  GDestroyNotify destroy;
  gpointer user_data;
} CoroExecutorDestroy;

static void
destroy_cb (gpointer data)
{
  CoroExecutorDestroy *self = data;

  self->destroy (self->user_data);
}

/* --- object ------------------------------------------------------------------------ */

static void
coro_executor_finalize (GObject *object)
{
  CoroExecutor *self = CORO_EXECUTOR (object);

  coro_thread_pool_close (self->threads, NULL);
  coro_thread_pool_unref (self->threads);

  G_OBJECT_CLASS (coro_executor_parent_class)->finalize (object);
}

static void
coro_executor_class_init (CoroExecutorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = coro_executor_finalize;
}

static void
coro_executor_init (CoroExecutor *self)
{
}

static CoroExecutor *
executor_new (guint             max_threads,
              CoroExecutorFlags flags,
              gboolean          grows)
{
  CoroExecutor *self = g_object_new (CORO_TYPE_EXECUTOR, NULL);

  self->flags = flags;
  self->threads = coro_thread_pool_new (max_threads, grows);
  return self;
}

/* As many as asyncio has by default. */
static guint
get_default_max_threads (void)
{
  return MIN (32, g_get_num_processors () + 4);
}

/**
 * coro_executor_new:
 * @max_threads: how many threads it may have; 0: as many as the default one
 * @flags: how it ends what is under way
 *
 * Makes an executor; it has no threads until there is work.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): an executor
 *
 * Since: 0.1
 */
CoroExecutor *
coro_executor_new (guint             max_threads,
                   CoroExecutorFlags flags)
{
  return executor_new (max_threads > 0 ? max_threads : get_default_max_threads (), flags, FALSE);
}

/**
 * coro_executor_get_default:
 *
 * Gets the executor that [func@run_in_thread] uses.
 *
 * It cannot be shut down, but the end of a run waits for what was submitted
 * to it from there. A process that was forked has another one.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer none): the default executor
 *
 * Since: 0.1
 */
CoroExecutor *
coro_executor_get_default (void)
{
  CoroExecutor *self;

  g_mutex_lock (&default_lock);
  if (default_executor == NULL || default_n_forks != coro_n_forks)
    {
      /* The parent's cannot be freed: its locks may be held by threads that are not here. */
      default_executor = executor_new (get_default_max_threads (), CORO_EXECUTOR_NONE, TRUE);
      default_n_forks = coro_n_forks;
    }
  self = default_executor;
  g_mutex_unlock (&default_lock);
  return self;
}

/**
 * coro_executor_get_max_threads:
 * @self: an executor
 *
 * Gets how many threads the executor may have. The default executor may have more for a while,
 * when its functions wait for each other.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: a number of threads
 *
 * Since: 0.1
 */
guint
coro_executor_get_max_threads (CoroExecutor *self)
{
  g_return_val_if_fail (CORO_IS_EXECUTOR (self), 0);

  return coro_thread_pool_get_max (self->threads);
}

/**
 * coro_executor_count_threads:
 * @self: an executor
 *
 * Counts the threads that it has now, at work or not.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: a number of threads
 *
 * Since: 0.1
 */
guint
coro_executor_count_threads (CoroExecutor *self)
{
  g_return_val_if_fail (CORO_IS_EXECUTOR (self), 0);

  return coro_thread_pool_count (self->threads);
}

/**
 * coro_executor_run: (skip)
 * @self: an executor
 * @func: (scope async): what to run
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data, in the calling thread
 * @error: return location for an error
 *
 * Runs a function in one of the threads.
 *
 * Callable from a coroutine, which it suspends. Cancellation cancels the
 * function's cancellable and still waits until the function has returned, with
 * %CORO_EXECUTOR_ABANDON too, so the function may use data of the caller. A
 * function that has not begun never runs.
 *
 * @error can be set to what @func fails with, to %G_IO_ERROR_CANCELLED, to
 * [error@Coro.Error.CLOSED] after a shutdown and in a forked child, to
 * [error@Coro.Error.PROTOCOL] in the only thread of the executor, to the errors of
 * [ctor@GLib.Thread.try_new] and to the misuse errors of [func@await].
 *
 * Returns: (nullable) (transfer full): what @func returned; %NULL also
 *   with @error set
 *
 * Since: 0.1
 */
gpointer
coro_executor_run (CoroExecutor    *self,
                   CoroThreadFunc   func,
                   gpointer         user_data,
                   GDestroyNotify   destroy,
                   GError         **error)
{
  CoroExecutorDestroy destruction = { destroy, user_data };
  CoroExecutorCall call = { .func = func, .user_data = user_data };

  g_return_val_if_fail (CORO_IS_EXECUTOR (self), NULL);
  g_return_val_if_fail (func != NULL, NULL);

  if (coro_thread_pool_blocks_itself (self->threads))
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "An executor of one thread cannot wait for itself");
    }
  else if (coro_waiter_init (&call.waiter, error))
    {
      coro_thread_job_init (&call.call, &call_class, self->threads, call.waiter.job->context);
      call_wait (&call, error);
      coro_thread_job_clear (&call.call);
    }

  if (destroy != NULL)
    coro_call_on_thread_stack (destroy_cb, &destruction);
  return call.value;
}

/**
 * coro_executor_submit: (skip)
 * @self: an executor
 * @func: (scope notified) (closure user_data) (destroy destroy): what to run
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data, in the main context that is the
 *   thread-default one, when the function has returned
 *
 * Runs a function in one of the threads, and gives a future for its result.
 *
 * The end of a run, and [method@Scheduler.shut_down], wait until the function
 * has returned, even if the future has been dropped.
 *
 * Callable from any thread; never suspends. Cancelling the future cancels the
 * function's cancellable: the future is done when the function has returned,
 * or at once with %CORO_EXECUTOR_ABANDON. The result of an abandoned function is
 * freed in the main context, or in the function's thread if the main context has
 * ended meanwhile. A function that has not begun never runs.
 *
 * The future can fail with what @func fails with, with
 * [error@Coro.Error.CLOSED] after a shutdown and in a forked child, and with the errors of
 * [ctor@GLib.Thread.try_new].
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_executor_submit (CoroExecutor   *self,
                      CoroWorkFunc    func,
                      gpointer        user_data,
                      GDestroyNotify  destroy)
{
  g_return_val_if_fail (CORO_IS_EXECUTOR (self), NULL);
  g_return_val_if_fail (func != NULL, NULL);

  return coro_work_submit (self->threads, (self->flags & CORO_EXECUTOR_ABANDON) != 0, func, user_data, destroy);
}

/* --- the end ----------------------------------------------------------------------- */

static gboolean
executor_check_shut_down (CoroExecutor  *self,
                          GError       **error)
{
  gboolean is_default;

  g_mutex_lock (&default_lock);
  is_default = self == default_executor;
  g_mutex_unlock (&default_lock);

  if (is_default)
    g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "The default executor stays until the program ends");
  else if (coro_thread_pool_is_mine (self->threads))
    g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "An executor cannot wait for itself");
  else
    return TRUE;
  return FALSE;
}

/* Returns whether there is nothing to wait for. */
static gboolean
executor_close (CoroExecutor      *self,
                CoroThreadPoolEnd *end)
{
  gboolean abandon = (self->flags & CORO_EXECUTOR_ABANDON) != 0;
  gboolean ended = coro_thread_pool_close (self->threads, abandon ? NULL : end);

  if (abandon)
    coro_thread_pool_drop_queued (self->threads);
  return ended || abandon;
}

typedef struct
{
  CoroThreadPoolEnd end;        /* first */
  CoroWaiter waiter;
} CoroExecutorEnd;

static void
executor_end_cb (CoroThreadPoolEnd *end)
{
  coro_waiter_wake (&((CoroExecutorEnd *) end)->waiter);
}

/* Whatever has begun is waited for. */
static gboolean
end_wait_abort (gpointer    object,
                CoroWaiter *waiter)
{
  return FALSE;
}

static const CoroWaitClass end_wait_class = { end_wait_abort, NULL, FALSE, "an executor's threads" };

/**
 * coro_executor_shut_down: (skip)
 * @self: an executor
 * @error: return location for an error
 *
 * Takes nothing more, waits until all that was submitted is done, and joins
 * the threads. With %CORO_EXECUTOR_ABANDON, what has not begun fails with
 * [error@Coro.Error.CLOSED], and nothing is waited for.
 *
 * Shutting down twice is fine. Callable from any thread but its own. Suspends
 * a coroutine; elsewhere it blocks. Cancellation does not shorten it, and is
 * delivered at the next wait.
 *
 * @error can be set to [error@Coro.Error.PROTOCOL] for the default executor and
 * inside its own threads, and to the misuse errors of [func@await].
 *
 * Python and JavaScript: `await executor.shut_down()`.
 *
 * Returns: %TRUE once it is shut down; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_executor_shut_down (CoroExecutor  *self,
                         GError       **error)
{
  CoroExecutorEnd end = { .end.ended = executor_end_cb };
  gboolean in_coroutine = coro_job_get_running () != NULL;

  g_return_val_if_fail (CORO_IS_EXECUTOR (self), FALSE);

  if (!executor_check_shut_down (self, error))
    return FALSE;
  if (in_coroutine && !coro_waiter_init_uncancellable (&end.waiter, error))
    return FALSE;

  g_object_ref (self);          /* it may be dropped during the wait */
  if (!executor_close (self, in_coroutine ? &end.end : NULL) && in_coroutine)
    {
      coro_scheduler_current->n_external++;
      coro_waiter_wait (&end.waiter, &end_wait_class, self, NULL);
      coro_scheduler_current->n_external--;
    }
  if ((self->flags & CORO_EXECUTOR_ABANDON) == 0)
    coro_thread_pool_join (self->threads);
  coro_call_on_thread_stack (g_object_unref, self);
  return TRUE;
}

typedef struct
{
  CoroThreadPoolEnd end;        /* first */
  CoroFuture *future;           /* (owned) */
} CoroExecutorEndFuture;

static void
executor_end_future_cb (CoroThreadPoolEnd *end)
{
  CoroExecutorEndFuture *self = (CoroExecutorEndFuture *) end;

  coro_future_resolve_boolean (self->future, TRUE);
  g_object_unref (self->future);
  g_free (self);
}

/**
 * coro_executor_shut_down_future: (rename-to coro_executor_shut_down)
 * @self: an executor
 *
 * [method@Executor.shut_down] as a future, which is done when the last thread
 * is about to end.
 *
 * Callable from any thread; never suspends. Cancelling the future only stops
 * the waiting.
 *
 * Returns: (transfer full): a future of a boolean
 *
 * Since: 0.1
 */
CoroFuture *
coro_executor_shut_down_future (CoroExecutor *self)
{
  g_autoptr (CoroFuture) future = NULL;
  CoroExecutorEndFuture *end;
  GError *error = NULL;

  g_return_val_if_fail (CORO_IS_EXECUTOR (self), NULL);

  future = coro_future_new ();
  if (!executor_check_shut_down (self, &error))
    {
      coro_future_reject (future, error);
      return g_steal_pointer (&future);
    }

  end = g_new0 (CoroExecutorEndFuture, 1);
  end->end.ended = executor_end_future_cb;
  end->future = g_object_ref (future);
  if (executor_close (self, &end->end))
    executor_end_future_cb (&end->end);
  return g_steal_pointer (&future);
}

/**
 * coro_executor_enter: (skip)
 * @self: an executor
 *
 * Opens a guard, which shuts the executor down when its block of C is left, as
 * [method@Executor.shut_down] does. Declare it after what the functions use.
 *
 * Callable from any thread; never suspends, but leaving does.
 *
 * Returns: the guard, for a `g_auto (CoroExecutorGuard)`
 *
 * Since: 0.1
 */
CoroExecutorGuard
coro_executor_enter (CoroExecutor *self)
{
  g_return_val_if_fail (CORO_IS_EXECUTOR (self), ((CoroExecutorGuard) { NULL }));

  return (CoroExecutorGuard) { g_object_ref (self) };
}

/**
 * coro_executor_exit: (skip)
 * @guard: a guard
 *
 * Shuts the executor down; `g_auto` does it. Doing it twice is doing it once.
 *
 * Callable from a coroutine, which it suspends; elsewhere it blocks.
 *
 * Since: 0.1
 */
void
coro_executor_exit (CoroExecutorGuard *guard)
{
  g_autoptr (CoroExecutor) executor = g_steal_pointer (&guard->executor);
  g_autoptr (GError) error = NULL;

  if (executor != NULL && !coro_executor_shut_down (executor, &error))
    g_critical ("An executor's guard could not be closed: %s", error->message);
}
