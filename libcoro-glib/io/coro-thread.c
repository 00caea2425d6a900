/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-thread.h"

#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-context-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"

/* One job of the pool, on the stack of the coroutine that waits for it. */
typedef struct
{
  CoroWaiter waiter;
  CoroThreadFunc func;
  gpointer user_data;
  CoroBinding *context;         /* (nullable) (unowned): the caller's, who waits */
  GCancellable *cancellable;    /* (owned) */
  gpointer value;
  GError *error;                /* (nullable) (owned) */
} CoroThreadCall;

static void
thread_call_cb (gpointer data)
{
  CoroThreadCall *call = data;

  call->value = call->func (call->user_data, call->cancellable, &call->error);
}

static void
thread_pool_cb (gpointer data,
                gpointer user_data)
{
  CoroThreadCall *call = data;

  /* A call that was cancelled while it waited for a thread is not made. */
  if (!g_cancellable_set_error_if_cancelled (call->cancellable, &call->error))
    coro_context_call (call->context, thread_call_cb, call);
  coro_waiter_signal (&call->waiter);
}

/* As many threads as asyncio has by default, shared by the process. */
static GThreadPool *
get_thread_pool (void)
{
  static GThreadPool *pool;

  if (g_once_init_enter (&pool))
    {
      int n_threads = MIN (32, (int) g_get_num_processors () + 4);

      g_once_init_leave (&pool, g_thread_pool_new (thread_pool_cb, NULL, n_threads, FALSE, NULL));
    }
  return pool;
}

static void
cancel_cb (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

/* Whoever is connected to the cancellable runs on the thread's own stack. */
static gboolean
thread_wait_abort (gpointer    object,
                   CoroWaiter *waiter)
{
  coro_call_natively (cancel_cb, ((CoroThreadCall *) object)->cancellable);
  return FALSE;
}

static const CoroWaitClass thread_wait_class = { thread_wait_abort, NULL, FALSE, "a thread" };

typedef struct
{
  GDestroyNotify destroy;
  gpointer user_data;
} CoroThreadDestroy;

static void
destroy_cb (gpointer data)
{
  CoroThreadDestroy *call = data;

  call->destroy (call->user_data);
}

/**
 * coro_run_in_thread: (skip)
 * @func: (scope async): what to run
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data, in the calling thread
 * @error: return location for an error
 *
 * Runs a function that blocks or computes in a thread of a pool.
 *
 * The pool is shared by the process and has four threads more than there are
 * processors, 32 at the most; calls beyond wait for their turn.
 *
 * Callable from a coroutine, which it suspends. Cancellation cancels the
 * function's cancellable and still waits until it has returned, so that it
 * may use what belongs to the caller; a call that has not begun is not made.
 *
 * @error can be set to what @func fails with, to %G_IO_ERROR_CANCELLED and
 * to the misuse errors of [func@await].
 *
 * Returns: (nullable) (transfer full): what @func returned; %NULL also
 *   with @error set
 *
 * Since: 0.1
 */
gpointer
coro_run_in_thread (CoroThreadFunc   func,
                    gpointer         user_data,
                    GDestroyNotify   destroy,
                    GError         **error)
{
  CoroThreadDestroy destruction = { destroy, user_data };
  CoroThreadCall call = { .func = func, .user_data = user_data };
  CoroScheduler *scheduler = coro_scheduler_current;

  g_return_val_if_fail (func != NULL, NULL);

  if (coro_waiter_init (&call.waiter, error))
    {
      CoroJob *job = call.waiter.job;

      call.cancellable = g_cancellable_new ();
      call.context = job->context;
      scheduler->n_external++;
      g_thread_pool_push (get_thread_pool (), &call, NULL);
      coro_waiter_wait (&call.waiter, &thread_wait_class, &call, NULL);
      scheduler->n_external--;

      if (coro_job_has_request (job) && g_error_matches (call.error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        job->cancel_pending = FALSE;
      g_object_unref (call.cancellable);
      if (call.error != NULL)
        g_propagate_error (error, call.error);
    }

  if (destroy != NULL)
    coro_call_natively (destroy_cb, &destruction);
  return call.value;
}
