/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "worker/coro-worker-pool-private.h"

#include "base/coro-error.h"
#include "base/coro-fork-private.h"
#include "future/coro-task-private.h"
#include "scheduler/coro-block-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scope/coro-run.h"
#include "scope/coro-shield.h"
#include "scope/coro-task-group-private.h"

/* For how long a worker may leave what it was given before others are preferred. */
#define PROMPT (10 * G_TIME_SPAN_MILLISECOND)

/**
 * CoroWorkerPool:
 *
 * Several threads that run coroutines, each with a main context and a
 * scheduler of its own: for work that one processor is not enough for.
 *
 * Coroutines are spawned into the pool from any thread. The worker with the
 * fewest coroutines takes a new one, which then stays there. A worker that has not
 * looked at its new coroutines for 10 ms is passed over as long as there are
 * others. The tasks are futures like any other: a coroutine of the user
 * interface's thread can await and cancel them, and if this coroutine is
 * cancelled during the await, the task is cancelled too.
 *
 * ```c
 * g_autoptr (CoroTask) task = coro_worker_pool_spawn_task (pool, compute_cb, data, free_data);
 *
 * if (!coro_await (task, &value, error))
 *   return FALSE;
 * ```
 *
 * A coroutine sees the context variables of the code that spawned it. Errors
 * that are not read are logged as warnings, unless [func@set_unhandled_func] has
 * set a function for the worker's context.
 *
 * A function that blocks is better placed in a [class@Executor]: here it stops
 * the other coroutines of its worker.
 *
 * If the thread of a worker cannot be started, the other workers do its work. If no worker has a
 * thread, spawning tries to start one again, and fails if this is impossible.
 *
 * [method@WorkerPool.serve] has all workers serve the connections of one listening
 * socket.
 *
 * A pool is shut down by [method@WorkerPool.shut_down]. Dropping the last
 * reference does the same and does not wait. A process that was forked has
 * none of the workers; spawning fails there.
 *
 * Since: 0.1
 */

/* The running workers of a pool; they may go on after the end of the pool. */
typedef struct
{
  int ref_count;                /* (atomic): the pool's and the threads' */
  CoroObjectLock lock;
  guint n_running;              /* guarded by lock */
  GSList *ends;                 /* (element-type CoroFuture) (owned): to be resolved when none runs; guarded by lock */
} CoroCrew;

typedef struct
{
  int ref_count;                /* (atomic): the pool, the thread, and what was spawned */
  CoroCrew *crew;               /* (owned) */
  GMainContext *context;        /* (owned) */
  CoroScheduler *scheduler;     /* (owned) */
  CoroTaskGroup *root;          /* (unowned): of all its coroutines, until it is told to quit */
  GThread *thread;              /* (owned) (nullable): until it is joined; guarded by the pool's lock while that is open */
  int n_coroutines;             /* (atomic): spawned and not ended */
  int n_taken;                  /* (atomic): begun, or ended without that */
  int n_given;                  /* spawned; guarded by the pool's lock */
  int n_taken_seen;             /* and when that changed; guarded by the pool's lock */
  gint64 taken_time;            /* µs */
  int quit;                     /* (atomic) */
} CoroWorker;

struct _CoroWorkerPool
{
  GObject parent_instance;

  CoroObjectLock lock;          /* so that no coroutine is spawned into a worker that was told to quit */
  GMutex join_lock;             /* a second caller waits for the end as well */
  gboolean closed;              /* guarded by lock */
  GSList *servers;              /* (element-type CoroWorkerServer) (owned): guarded by lock */
  guint next;                   /* where the search for an idle one begins; guarded by lock */
  guint n_workers;
  CoroWorker **workers;         /* (owned) */
  CoroCrew *crew;               /* (owned) */
  guint n_forks;                /* of the process whose threads they are */
};

G_DEFINE_FINAL_TYPE (CoroWorkerPool, coro_worker_pool, G_TYPE_OBJECT)

/* A body with the count of its worker. */
typedef struct
{
  CoroWorker *worker;           /* (owned) */
  CoroFunc func;
  gpointer user_data;
  GDestroyNotify destroy;       /* (nullable) */
  gboolean taken;
} CoroWorkerCall;

/* A call of coro_worker_pool_serve(). */
typedef struct
{
  CoroCancelScope *scope;       /* (unowned): around it */
  CoroFuture *ended;            /* (owned): what it waits for at last */
} CoroWorkerServer;

/* --- running workers --------------------------------------------------------------- */

static CoroCrew *
crew_new (void)
{
  CoroCrew *self = g_new0 (CoroCrew, 1);

  self->ref_count = 1;
  coro_object_lock_init (&self->lock);
  return self;
}

static CoroCrew *
crew_ref (CoroCrew *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

static void
crew_unref (CoroCrew *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  coro_object_lock_clear (&self->lock);
  g_free (self);
}

static void
crew_enter (CoroCrew *self)
{
  coro_object_lock_take (&self->lock);
  self->n_running++;
  coro_object_lock_release (&self->lock);
}

static void
resolve_end_cb (gpointer future)
{
  coro_future_resolve (future, NULL);
  g_object_unref (future);
}

/* The last worker tells that all have ended. */
static void
crew_leave (CoroCrew *self)
{
  GSList *ends = NULL;

  coro_object_lock_take (&self->lock);
  if (--self->n_running == 0)
    ends = g_steal_pointer (&self->ends);
  coro_object_lock_release (&self->lock);

  g_slist_free_full (ends, resolve_end_cb);
}

/* A future (transfer full) in the caller's context, which is done when all workers have ended. */
static CoroFuture *
crew_get_end (CoroCrew *self)
{
  CoroFuture *end = coro_future_new ();
  gboolean ended;

  coro_object_lock_take (&self->lock);
  ended = self->n_running == 0;
  if (!ended)
    self->ends = g_slist_prepend (self->ends, g_object_ref (end));
  coro_object_lock_release (&self->lock);

  if (ended)
    coro_future_resolve (end, NULL);
  return end;
}

/* --- a worker ---------------------------------------------------------------------- */

static void
worker_unref (CoroWorker *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  crew_unref (self->crew);
  g_object_unref (self->scheduler);
  g_main_context_unref (self->context);
  g_free (self);
}

/* Until it is told to quit; then what is left is cancelled and waited for. */
static gpointer
worker_main (gpointer data)
{
  CoroWorker *self = data;

  g_main_context_push_thread_default (self->context);
  while (!g_atomic_int_get (&self->quit))
    g_main_context_iteration (self->context, TRUE);

  coro_scheduler_shut_down (self->scheduler);
  coro_scheduler_close (self->scheduler);
  g_main_context_pop_thread_default (self->context);
  crew_leave (self->crew);
  worker_unref (self);
  return NULL;
}

/* FALSE with an error of g_thread_try_new(). */
static gboolean
worker_start (CoroWorker  *self,
              GError     **error)
{
  g_atomic_int_inc (&self->ref_count);
  crew_enter (self->crew);
  self->thread = g_thread_try_new ("coro-worker", worker_main, self, error);
  if (self->thread != NULL)
    return TRUE;

  crew_leave (self->crew);
  worker_unref (self);
  return FALSE;
}

static CoroWorker *
worker_new (CoroCrew *crew)
{
  CoroWorker *self = g_new0 (CoroWorker, 1);

  self->ref_count = 1;
  self->crew = crew_ref (crew);
  self->context = g_main_context_new ();
  self->scheduler = coro_scheduler_ref_for_context (self->context);
  self->root = coro_task_group_get_root (self->scheduler);
  worker_start (self, NULL);    /* if this fails, it is tried again when the thread is needed */
  return self;
}

static void
worker_quit (CoroWorker *self)
{
  g_atomic_int_set (&self->quit, TRUE);
  g_main_context_wakeup (self->context);
}

static void
call_take (CoroWorkerCall *self)
{
  if (!self->taken)
    g_atomic_int_inc (&self->worker->n_taken);
  self->taken = TRUE;
}

static gboolean
call_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  CoroWorkerCall *self = user_data;

  call_take (self);
  return self->func (self->user_data, result, error);
}

static void
call_free (gpointer data)
{
  CoroWorkerCall *self = data;

  call_take (self);
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_atomic_int_add (&self->worker->n_coroutines, -1);
  worker_unref (self->worker);
  g_free (self);
}

/* --- object ------------------------------------------------------------------------ */

/* Whether its threads are those of the parent process. */
gboolean
coro_worker_pool_is_foreign (CoroWorkerPool *self)
{
  return self->n_forks != coro_n_forks;
}

static void
pool_close (CoroWorkerPool *self)
{
  coro_object_lock_take (&self->lock);
  self->closed = TRUE;
  for (GSList *link = self->servers; link != NULL; link = link->next)
    coro_cancel_scope_cancel (((CoroWorkerServer *) link->data)->scope, "The pool was shut down");
  coro_object_lock_release (&self->lock);

  if (coro_worker_pool_is_foreign (self))
    return;                     /* there is no worker to stop, and contexts may be locked for ever */
  for (guint i = 0; i < self->n_workers; i++)
    worker_quit (self->workers[i]);
}

static void
coro_worker_pool_finalize (GObject *object)
{
  CoroWorkerPool *self = CORO_WORKER_POOL (object);

  pool_close (self);
  for (guint i = 0; i < self->n_workers; i++)
    {
      g_clear_pointer (&self->workers[i]->thread, g_thread_unref);
      worker_unref (self->workers[i]);
    }
  g_free (self->workers);
  crew_unref (self->crew);
  coro_object_lock_clear (&self->lock);
  if (!coro_worker_pool_is_foreign (self))
    g_mutex_clear (&self->join_lock);

  G_OBJECT_CLASS (coro_worker_pool_parent_class)->finalize (object);
}

static void
coro_worker_pool_class_init (CoroWorkerPoolClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = coro_worker_pool_finalize;
}

static void
coro_worker_pool_init (CoroWorkerPool *self)
{
  coro_object_lock_init (&self->lock);
  g_mutex_init (&self->join_lock);
  self->crew = crew_new ();
  self->n_forks = coro_n_forks;
}

/**
 * coro_worker_pool_new:
 * @n_workers: how many threads; 0: as many as there are processors
 *
 * Makes a pool and its threads.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a pool
 *
 * Since: 0.1
 */
CoroWorkerPool *
coro_worker_pool_new (guint n_workers)
{
  CoroWorkerPool *self = g_object_new (CORO_TYPE_WORKER_POOL, NULL);

  self->n_workers = n_workers > 0 ? n_workers : g_get_num_processors ();
  self->workers = g_new (CoroWorker *, self->n_workers);
  for (guint i = 0; i < self->n_workers; i++)
    self->workers[i] = worker_new (self->crew);
  return self;
}

/**
 * coro_worker_pool_get_n_workers:
 * @self: a pool
 *
 * Gets how many threads it has.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: a number of threads
 *
 * Since: 0.1
 */
guint
coro_worker_pool_get_n_workers (CoroWorkerPool *self)
{
  g_return_val_if_fail (CORO_IS_WORKER_POOL (self), 0);

  return self->n_workers;
}

/**
 * coro_worker_pool_get_scheduler:
 * @self: a pool
 * @worker: the number of a worker, from 0
 *
 * Gets the scheduler of a worker.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer none): the scheduler
 *
 * Since: 0.1
 */
CoroScheduler *
coro_worker_pool_get_scheduler (CoroWorkerPool *self,
                                guint           worker)
{
  g_return_val_if_fail (CORO_IS_WORKER_POOL (self), NULL);
  g_return_val_if_fail (worker < self->n_workers, NULL);

  return self->workers[worker]->scheduler;
}

/**
 * coro_worker_pool_count_coroutines:
 * @self: a pool
 * @worker: the number of a worker, from 0; below 0: all of them
 *
 * Counts the coroutines that were spawned into the pool and have not ended.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: how many there are
 *
 * Since: 0.1
 */
guint
coro_worker_pool_count_coroutines (CoroWorkerPool *self,
                                   int             worker)
{
  guint n_coroutines = 0;

  g_return_val_if_fail (CORO_IS_WORKER_POOL (self), 0);
  g_return_val_if_fail (worker < (int) self->n_workers, 0);

  if (worker >= 0)
    return (guint) g_atomic_int_get (&self->workers[worker]->n_coroutines);
  for (guint i = 0; i < self->n_workers; i++)
    n_coroutines += (guint) g_atomic_int_get (&self->workers[i]->n_coroutines);
  return n_coroutines;
}

/* Whether it is slow to take what it was given: some coroutine there computes and computes.
 * With the lock. */
static gboolean
worker_is_stuck (CoroWorker *self,
                 gint64      now)
{
  int n_taken = g_atomic_int_get (&self->n_taken);

  if (n_taken != self->n_taken_seen || n_taken == self->n_given)
    {
      self->n_taken_seen = n_taken;
      self->taken_time = now;
    }
  return now - self->taken_time > PROMPT;
}

/* The worker with the fewest coroutines; workers that are stuck or have no thread come last.  Workers
 * with equally many coroutines take turns.  Called with the lock held. */
static CoroWorker *
pool_pick (CoroWorkerPool *self,
           gint64          now)
{
  CoroWorker *best = self->workers[0];
  gboolean running = FALSE;
  gboolean stuck = TRUE;
  int fewest = G_MAXINT;

  self->next = (self->next + 1) % self->n_workers;
  for (guint i = 0; i < self->n_workers; i++)
    {
      CoroWorker *worker = self->workers[(self->next + i) % self->n_workers];
      gboolean is_stuck = worker_is_stuck (worker, now);
      int n_coroutines = g_atomic_int_get (&worker->n_coroutines);

      if (worker->thread == NULL)
        continue;
      if (!running || is_stuck < stuck || (is_stuck == stuck && n_coroutines < fewest))
        {
          best = worker;
          running = TRUE;
          stuck = is_stuck;
          fewest = n_coroutines;
        }
    }
  return best;
}

/* A worker that runs, by its number or any; NULL with an error.  Called with the lock held. */
static CoroWorker *
pool_choose (CoroWorkerPool  *self,
             int              number,
             GError         **error)
{
  gint64 now = g_get_monotonic_time ();
  CoroWorker *worker;

  if (self->closed)
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_CLOSED, "The pool has no workers any more");
      return NULL;
    }

  worker = number >= 0 ? self->workers[number] : pool_pick (self, now);
  worker_is_stuck (worker, now);        /* notes whether the worker had taken all its coroutines */
  return worker->thread != NULL || worker_start (worker, error) ? worker : NULL;
}

/* FALSE with CORO_ERROR_CLOSED or an error of g_thread_try_new(): nothing was spawned, and
 * @user_data still belongs to the caller.  `task` (nullable) is for the handle. */
gboolean
coro_worker_pool_try_spawn (CoroWorkerPool  *self,
                            int              number,
                            CoroFunc         func,
                            gpointer         user_data,
                            GDestroyNotify   destroy,
                            const char      *site,
                            CoroTask       **task,
                            GError         **error)
{
  CoroWorker *worker;

  if (coro_worker_pool_is_foreign (self))
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_CLOSED, "The pool's workers are in the parent process");
      return FALSE;
    }

  coro_object_lock_take (&self->lock);
  worker = pool_choose (self, number, error);
  if (worker != NULL)
    {
      CoroWorkerCall *call = g_new (CoroWorkerCall, 1);

      *call = (CoroWorkerCall) { worker, func, user_data, destroy, FALSE };
      g_atomic_int_inc (&worker->ref_count);
      g_atomic_int_inc (&worker->n_coroutines);
      worker->n_given++;
      if (task != NULL)
        *task = coro_spawn_task_at (worker->root, call_cb, call, call_free, site);
      else
        coro_spawn_at (worker->root, call_cb, call, call_free, site);
    }
  coro_object_lock_release (&self->lock);
  return worker != NULL;
}

/* Whether the pool takes coroutines. */
gboolean
coro_worker_pool_is_open (CoroWorkerPool *self)
{
  gboolean open;

  if (coro_worker_pool_is_foreign (self))
    return FALSE;

  coro_object_lock_take (&self->lock);
  open = !self->closed;
  coro_object_lock_release (&self->lock);
  return open;
}

/* `scope` is cancelled when the pool is shut down, and `ended` is resolved when the workers have
 * gone, whatever they have left behind.  FALSE: it was. */
gboolean
coro_worker_pool_add_server (CoroWorkerPool  *self,
                             CoroCancelScope *scope,
                             CoroFuture      *ended)
{
  gboolean open;

  if (coro_worker_pool_is_foreign (self))
    return FALSE;

  coro_object_lock_take (&self->lock);
  open = !self->closed;
  if (open)
    {
      CoroWorkerServer *server = g_new (CoroWorkerServer, 1);

      *server = (CoroWorkerServer) { scope, g_object_ref (ended) };
      self->servers = g_slist_prepend (self->servers, server);
    }
  coro_object_lock_release (&self->lock);
  return open;
}

void
coro_worker_pool_remove_server (CoroWorkerPool  *self,
                                CoroCancelScope *scope)
{
  GSList **link = &self->servers;
  GSList *removed;
  CoroWorkerServer *server;

  coro_object_lock_take (&self->lock);
  while (((CoroWorkerServer *) (*link)->data)->scope != scope)
    link = &(*link)->next;
  removed = *link;
  *link = removed->next;
  coro_object_lock_release (&self->lock);

  server = removed->data;
  g_slist_free_1 (removed);
  g_object_unref (server->ended);
  g_free (server);
}

/* What was to be spawned goes the way that it goes everywhere: on the thread stack. */
static void
drop_data (gpointer       user_data,
           GDestroyNotify destroy)
{
  if (destroy != NULL)
    coro_call_on_thread_stack (destroy, user_data);
}

/**
 * coro_worker_pool_spawn_at: (skip)
 * @self: a pool
 * @worker: the number of a worker, or %CORO_WORKER_ANY
 * @func: (scope notified) (closure user_data) (destroy destroy): the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data, in the worker
 * @site: (nullable): where this is, a static string; see %CORO_SPAWN_SITE
 *
 * Runs a coroutine in a worker, without a handle.
 * [func@worker_pool_spawn] is the short form.
 *
 * If the pool was shut down, the coroutine does not run, and a critical is logged. If the pool
 * has no thread and none can be started, the coroutine does not run either, and a warning is
 * logged.
 *
 * Callable from any thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_worker_pool_spawn_at (CoroWorkerPool *self,
                           int             worker,
                           CoroFunc        func,
                           gpointer        user_data,
                           GDestroyNotify  destroy,
                           const char     *site)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (CORO_IS_WORKER_POOL (self));
  g_return_if_fail (worker < (int) self->n_workers);
  g_return_if_fail (func != NULL);

  if (coro_worker_pool_try_spawn (self, worker, func, user_data, destroy, site, NULL, &error))
    return;

  if (g_error_matches (error, CORO_ERROR, CORO_ERROR_CLOSED))
    g_critical ("A coroutine was spawned into a pool that was shut down; it does not run");
  else
    g_warning ("A coroutine was spawned into a pool that has no thread; it does not run: %s", error->message);
  drop_data (user_data, destroy);
}

/**
 * coro_worker_pool_spawn_task_at: (skip)
 * @self: a pool
 * @worker: the number of a worker, or %CORO_WORKER_ANY
 * @func: (scope notified) (closure user_data) (destroy destroy): the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data, in the worker
 * @site: (nullable): where this is, a static string; see %CORO_SPAWN_SITE
 *
 * [method@WorkerPool.spawn_at] with a handle.
 *
 * The task fails with [error@Coro.Error.CLOSED] if the pool was shut down or belongs
 * to the parent process, and with an error of [ctor@GLib.Thread.try_new] if no thread
 * can be started; then @user_data is freed in the calling thread.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): the handle
 *
 * Since: 0.1
 */
CoroTask *
coro_worker_pool_spawn_task_at (CoroWorkerPool *self,
                                int             worker,
                                CoroFunc        func,
                                gpointer        user_data,
                                GDestroyNotify  destroy,
                                const char     *site)
{
  CoroTask *task = NULL;
  GError *error = NULL;

  g_return_val_if_fail (CORO_IS_WORKER_POOL (self), NULL);
  g_return_val_if_fail (worker < (int) self->n_workers, NULL);
  g_return_val_if_fail (func != NULL, NULL);

  if (coro_worker_pool_try_spawn (self, worker, func, user_data, destroy, site, &task, &error))
    return task;

  drop_data (user_data, destroy);
  task = coro_task_new (coro_scheduler_get_current ());
  coro_future_reject (CORO_FUTURE (task), error);
  return task;
}

/* --- the end ----------------------------------------------------------------------- */

static gboolean
pool_is_mine (CoroWorkerPool *self)
{
  for (guint i = 0; i < self->n_workers; i++)
    if (coro_scheduler_is_mine (self->workers[i]->scheduler))
      return TRUE;
  return FALSE;
}

/* A server need not wait for connections that no thread goes on with. */
static void
pool_end_servers (CoroWorkerPool *self)
{
  coro_object_lock_take (&self->lock);
  for (GSList *link = self->servers; link != NULL; link = link->next)
    coro_future_resolve (((CoroWorkerServer *) link->data)->ended, NULL);
  coro_object_lock_release (&self->lock);
}

static gboolean
is_done (gpointer future)
{
  return coro_future_is_done (future);
}

/* Waits for `ended`, even if the caller is cancelled. */
static gboolean
wait_for_end (CoroFuture  *ended,
              GError     **error)
{
  gboolean ok;

  if (coro_job_get_running () == NULL)
    {
      coro_block_until (is_done, ended);
      return TRUE;
    }

  g_auto (CoroShield) shield = coro_shield_enter (0);

  coro_scheduler_current->n_external++; /* the clock of a test stands still */
  ok = coro_await (ended, NULL, error);
  coro_scheduler_current->n_external--;
  return ok;
}

/* Joins the threads, which have nothing more to do, so this takes no time. */
static void
pool_join (CoroWorkerPool *self)
{
  g_mutex_lock (&self->join_lock);
  for (guint i = 0; i < self->n_workers; i++)
    g_clear_pointer (&self->workers[i]->thread, g_thread_join);
  g_mutex_unlock (&self->join_lock);
  pool_end_servers (self);
}

/**
 * coro_worker_pool_shut_down: (skip)
 * @self: a pool
 * @error: return location for an error
 *
 * Cancels all coroutines of the pool, waits for them as
 * [method@Scheduler.shut_down] says, and joins the threads. Spawning fails
 * from now on.
 *
 * Shutting down twice is fine. Callable from any thread but its own. Suspends
 * a coroutine; elsewhere it iterates the thread-default main context, because
 * coroutines of the pool may have to hear from there before they can end. If another
 * thread iterates that context, it only waits.
 * Cancellation does not shorten it.
 *
 * @error can be set to [error@Coro.Error.PROTOCOL] inside the pool and to the
 * misuse errors of [func@await].
 *
 * Returns: %TRUE once it is shut down; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_worker_pool_shut_down (CoroWorkerPool  *self,
                            GError         **error)
{
  g_autoptr (CoroWorkerPool) pool = NULL;
  g_autoptr (CoroFuture) ended = NULL;

  g_return_val_if_fail (CORO_IS_WORKER_POOL (self), FALSE);

  if (pool_is_mine (self))
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "A pool cannot wait for itself");
      return FALSE;
    }

  pool_close (self);
  if (coro_worker_pool_is_foreign (self))
    return TRUE;                /* this process has no threads to wait for */

  /* No executor thread is used for this wait: the workers may need that thread before they can end. */
  pool = g_object_ref (self);
  ended = crew_get_end (self->crew);
  if (!wait_for_end (ended, error))
    return FALSE;
  pool_join (self);
  return TRUE;
}
