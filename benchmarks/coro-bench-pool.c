/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-bench-cases.h"

#include <time.h>

/* --- a task in another thread ------------------------------------------------------- */

typedef struct
{
  Bench *bench;
  CoroWorkerPool *pool;
} Remote;

static gboolean
nothing_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return TRUE;
}

static gint64
spawn_await_one (guint    n,
                 gpointer data)
{
  Remote *self = data;
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    {
      CoroTask *task = coro_worker_pool_spawn_task (self->pool, nothing_cb, NULL, NULL);

      coro_await (task, NULL, NULL);
      g_object_unref (task);
    }
  return bench_now () - start;
}

/* A hundred under way at a time: neither thread waits for the other. */
static gint64
spawn_await_many (guint    n,
                  gpointer data)
{
  Remote *self = data;
  gint64 start = bench_now ();

  for (guint done = 0; done < n;)
    {
      CoroTask *tasks[100];
      guint n_tasks = MIN (n - done, G_N_ELEMENTS (tasks));

      for (guint i = 0; i < n_tasks; i++)
        tasks[i] = coro_worker_pool_spawn_task (self->pool, nothing_cb, NULL, NULL);
      for (guint i = 0; i < n_tasks; i++)
        {
          coro_await (tasks[i], NULL, NULL);
          g_object_unref (tasks[i]);
        }
      done += n_tasks;
    }
  return bench_now () - start;
}

static gboolean
pool_spawn_await_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroWorkerPool) pool = coro_worker_pool_new (1);
  Remote remote = { user_data, pool };

  bench_print (remote.bench, NULL, bench_median (remote.bench, spawn_await_one, &remote), "ns");
  bench_print (remote.bench, "in-hundreds", bench_median (remote.bench, spawn_await_many, &remote), "ns");
  return coro_worker_pool_shut_down (pool, error);
}

void
coro_bench_pool_spawn_await (Bench *bench)
{
  coro_bench_run (pool_spawn_await_cb, bench);
}

/* --- there and back ------------------------------------------------------------------ */

#define N_TRIPS 1000

/* Each completes a future of the other thread, which waits for it, and waits for its own. */
typedef struct
{
  CoroWorkerPool *pool;
  CoroFuture *there[N_TRIPS];   /* (owned): the worker's */
  CoroFuture *back[N_TRIPS];    /* (owned) */
} Trips;

static gboolean
make_there_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  Trips *self = user_data;

  for (guint i = 0; i < N_TRIPS; i++)
    self->there[i] = coro_future_new ();
  return TRUE;
}

static gboolean
answer_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  Trips *self = user_data;

  for (guint i = 0; i < N_TRIPS; i++)
    {
      if (!coro_await (self->there[i], NULL, error))
        return FALSE;
      coro_future_resolve (self->back[i], NULL);
    }
  return TRUE;
}

static gint64
travel (guint    n,
        gpointer data)
{
  Trips *self = data;
  gint64 elapsed = 0;

  for (guint round = 0; round < n; round++)
    {
      g_autoptr (CoroTask) made = coro_worker_pool_spawn_task (self->pool, make_there_cb, self, NULL);
      g_autoptr (CoroTask) answered = NULL;
      gint64 start;

      for (guint i = 0; i < N_TRIPS; i++)
        self->back[i] = coro_future_new ();
      coro_await (made, NULL, NULL);
      answered = coro_worker_pool_spawn_task (self->pool, answer_cb, self, NULL);

      start = bench_now ();
      for (guint i = 0; i < N_TRIPS; i++)
        {
          coro_future_resolve (self->there[i], NULL);
          coro_await (self->back[i], NULL, NULL);
        }
      elapsed += bench_now () - start;

      coro_await (answered, NULL, NULL);
      for (guint i = 0; i < N_TRIPS; i++)
        {
          g_object_unref (self->there[i]);
          g_object_unref (self->back[i]);
        }
    }
  return elapsed;
}

typedef struct
{
  Bench *bench;
  double ns;
} TripsRun;

static gboolean
trip_cross_thread_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  TripsRun *self = user_data;
  g_autoptr (CoroWorkerPool) pool = coro_worker_pool_new (1);
  g_autofree Trips *trips = g_new0 (Trips, 1);

  trips->pool = pool;
  self->ns = bench_median (self->bench, travel, trips) / N_TRIPS;
  return coro_worker_pool_shut_down (pool, error);
}

/* The same with the means of GLib: each thread invokes a function in the other one. */
typedef struct
{
  GMainContext *here;
  GMainContext *there;
  GMainLoop *loop;              /* of the other thread */
  guint n_left;
} Invokes;

static gboolean invoke_there_cb (gpointer user_data);

static gboolean
invoke_here_cb (gpointer user_data)
{
  Invokes *self = user_data;

  if (--self->n_left > 0)
    g_main_context_invoke (self->there, invoke_there_cb, self);
  return G_SOURCE_REMOVE;
}

static gboolean
invoke_there_cb (gpointer user_data)
{
  Invokes *self = user_data;

  g_main_context_invoke (self->here, invoke_here_cb, self);
  return G_SOURCE_REMOVE;
}

static gpointer
invoke_thread (gpointer loop)
{
  g_main_loop_run (loop);
  return NULL;
}

static gint64
invoke (guint    n,
        gpointer data)
{
  Invokes *self = data;
  gint64 start = bench_now ();

  self->n_left = n;
  g_main_context_invoke (self->there, invoke_there_cb, self);
  while (self->n_left > 0)
    g_main_context_iteration (self->here, TRUE);
  return bench_now () - start;
}

static double
measure_invoke (Bench *bench)
{
  Invokes invokes = { g_main_context_new (), g_main_context_new () };
  GThread *thread;
  double ns;

  invokes.loop = g_main_loop_new (invokes.there, FALSE);
  thread = g_thread_new ("invoke", invoke_thread, invokes.loop);
  while (!g_main_loop_is_running (invokes.loop))
    g_thread_yield ();
  g_main_context_acquire (invokes.here);
  ns = bench_median (bench, invoke, &invokes);
  g_main_context_release (invokes.here);
  g_main_loop_quit (invokes.loop);
  g_thread_join (thread);
  g_main_loop_unref (invokes.loop);
  g_main_context_unref (invokes.here);
  g_main_context_unref (invokes.there);
  return ns;
}

void
coro_bench_trip_cross_thread (Bench *bench)
{
  TripsRun run = { bench };
  double theirs;

  coro_bench_run (trip_cross_thread_cb, &run);
  theirs = measure_invoke (bench);
  bench_print (bench, NULL, run.ns, "ns");
  bench_print (bench, "invoke", theirs, "ns");
  bench_print (bench, "of-invoke", 100 * run.ns / theirs, "percent");
}

/* --- computing on all cores ------------------------------------------------------------ */

typedef struct
{
  Bench *bench;
  guint n_workers;
  guint n_tasks;
  double ms;
} Compute;

static gboolean
compute_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  guint64 state = 1;

  for (int i = 0; i < 1000000; i++)
    state = state * 6364136223846793005u + 1442695040888963407u;
  return coro_return_int (result, (int) (state >> 33));
}

static gboolean
cpu_pool_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Compute *self = user_data;
  g_autoptr (CoroWorkerPool) pool = coro_worker_pool_new (self->n_workers);
  g_autofree CoroTask **tasks = g_new (CoroTask *, self->n_tasks);
  gint64 start = bench_now ();

  for (guint i = 0; i < self->n_tasks; i++)
    tasks[i] = coro_worker_pool_spawn_task (pool, compute_cb, NULL, NULL);
  for (guint i = 0; i < self->n_tasks; i++)
    {
      if (!coro_await (tasks[i], NULL, error))
        return FALSE;
      g_object_unref (tasks[i]);
    }
  self->ms = (double) (bench_now () - start) / 1e6;
  return coro_worker_pool_shut_down (pool, error);
}

static double
measure_compute (Bench *bench,
                 guint  n_workers)
{
  double rounds[3];

  for (int i = 0; i < 3; i++)
    {
      Compute compute = { bench, n_workers, bench_size (bench, 400, 4) };

      coro_bench_run (cpu_pool_cb, &compute);
      rounds[i] = compute.ms;
    }
  return bench_median_of (rounds, 3);
}

void
coro_bench_cpu_pool (Bench *bench)
{
  double one = measure_compute (bench, 1);
  double all = measure_compute (bench, 0);

  bench_print (bench, NULL, all, "ms");
  bench_print (bench, "one-core", one, "ms");
  bench_print (bench, "ratio", 100 * one / all, "percent");
}

/* --- fairness ---------------------------------------------------------------------------- */

#define INTERVAL (8 * G_TIME_SPAN_MILLISECOND)

/* The times count only while this thread has the processor: what other programs do meanwhile
 * says nothing about when a source is served. */
typedef struct
{
  gint64 end;                   /* µs */
  gint64 due;                   /* µs: when the timeout is to be called */
  gint64 idle_since;            /* µs: from when on the idle source is ready */
  gint64 worst_timeout;
  gint64 worst_idle;
} Fairness;

static gint64
get_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static gboolean
busy_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Fairness *self = user_data;

  while (get_time () < self->end)
    {
      gint64 until = get_time () + G_TIME_SPAN_MILLISECOND;

      while (get_time () < until)
        continue;
      if (!coro_yield (error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
timeout_cb (gpointer user_data)
{
  Fairness *self = user_data;
  gint64 now = get_time ();

  self->worst_timeout = MAX (self->worst_timeout, now - self->due);
  self->due = now + INTERVAL;
  return G_SOURCE_CONTINUE;
}

static gboolean
idle_cb (gpointer user_data)
{
  Fairness *self = user_data;
  gint64 now = get_time ();

  self->worst_idle = MAX (self->worst_idle, now - self->idle_since);
  self->idle_since = now;
  return G_SOURCE_CONTINUE;
}

static void
add_source (GSource     *source,
            int          priority,
            GSourceFunc  func,
            gpointer     data)
{
  g_source_set_priority (source, priority);
  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

/* A timeout and what GTK draws with, while a thousand want 1 ms each. */
static gboolean
fairness_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Bench *bench = user_data;
  Fairness self = { 0, };
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  g_autoptr (GSource) timeout = g_timeout_source_new (INTERVAL / G_TIME_SPAN_MILLISECOND);
  g_autoptr (GSource) idle = g_idle_source_new ();
  gint64 now = get_time ();

  self.end = now + (bench->quick ? 50 : 3000) * G_TIME_SPAN_MILLISECOND;
  self.due = now + INTERVAL;
  self.idle_since = now;
  for (int i = 0; i < 1000; i++)
    coro_task_group_spawn (nursery.group, busy_cb, &self, NULL);
  add_source (timeout, G_PRIORITY_DEFAULT, timeout_cb, &self);
  add_source (idle, G_PRIORITY_HIGH_IDLE + 20, idle_cb, &self);
  if (!coro_nursery_join (&nursery))
    return FALSE;
  g_source_destroy (timeout);
  g_source_destroy (idle);

  bench_print (bench, NULL, (double) MAX (self.worst_timeout, self.worst_idle) / 1e3, "ms");
  bench_print (bench, "timeout", (double) self.worst_timeout / 1e3, "ms");
  bench_print (bench, "idle", (double) self.worst_idle / 1e3, "ms");
  return TRUE;
}

void
coro_bench_fairness (Bench *bench)
{
  coro_bench_run (fairness_cb, bench);
}
