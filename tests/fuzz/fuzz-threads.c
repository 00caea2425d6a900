/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#define G_LOG_USE_STRUCTURED

#include <coro-glib/coro-glib.h>

#include "draw.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Several threads run, await, complete, cancel and drop each other's futures:
 *     fuzz-threads SEED SECONDS [THREADS]
 * Each thread runs one main context after the other, so that futures outlive theirs.  At the
 * end all user data has been freed.  Prints TAP. */

#define N_FUTURES 64
#define MAX_THREADS 16

typedef gboolean (*Operation) (guint age, GError **error);

static GMutex lock;
static CoroFuture *futures[N_FUTURES];          /* guarded by lock */
static CoroScheduler *schedulers[MAX_THREADS];  /* guarded by lock */
static CoroWorkerPool *workers;
static CoroExecutor *executor;
static guint n_threads = 3;
static guint seed;
static gint64 end;
static int last_age;            /* (atomic) */
static int n_data;              /* (atomic) */
static int n_operations;        /* (atomic) */
static int n_drawing;           /* (atomic) */
static __thread Draw draws;

static guint
pick (guint n)
{
  if (draws.state == 0)
    draws = draw_from_seed (seed * 1000 + (guint) g_atomic_int_add (&n_drawing, 1));
  return draw (&draws, n);
}

static GQuark
age_quark (void)
{
  return g_quark_from_static_string ("fuzz-age");
}

static gpointer
data_new (guint *age)
{
  guint *data = g_new (guint, 1);

  g_atomic_int_inc (&n_data);
  *data = (guint) g_atomic_int_add (&last_age, 1) + 1;
  if (age != NULL)
    *age = *data;
  return data;
}

static void
data_free (gpointer data)
{
  g_atomic_int_add (&n_data, -1);
  g_free (data);
}

/* A coroutine waits only for younger coroutines, because a circle of waits would never end. */
static gpointer
set_age (gpointer future,
         guint    age)
{
  g_object_set_qdata (future, age_quark (), GUINT_TO_POINTER (age));
  return future;
}

static guint
get_age (CoroFuture *future)
{
  gpointer age = g_object_get_qdata (G_OBJECT (future), age_quark ());

  return age != NULL ? GPOINTER_TO_UINT (age) : G_MAXUINT;
}

/* Transfer full, nullable. */
static CoroFuture *
pick_future (void)
{
  guint i = pick (N_FUTURES);
  CoroFuture *future;

  g_mutex_lock (&lock);
  future = futures[i] != NULL ? g_object_ref (futures[i]) : NULL;
  g_mutex_unlock (&lock);
  return future;
}

static void
keep (gpointer future)
{
  guint i = pick (N_FUTURES);
  CoroFuture *old;

  g_mutex_lock (&lock);
  old = futures[i];
  futures[i] = future;
  g_mutex_unlock (&lock);
  g_clear_object (&old);
}

/* --- operations ------------------------------------------------------------------------ */

static gboolean task_cb (gpointer user_data, GValue *result, GError **error);

static gboolean
future_op (guint    age,
           GError **error)
{
  keep (pick (2) ? coro_future_new () : coro_sleep_future (pick (500)));
  return TRUE;
}

static gboolean
spawn_op (guint    age,
          GError **error)
{
  gpointer data = data_new (&age);

  keep (set_age (coro_spawn_task (task_cb, data, data_free), age));
  return TRUE;
}

static gboolean
worker_op (guint    age,
           GError **error)
{
  gpointer data = data_new (&age);

  keep (set_age (coro_worker_pool_spawn_task (workers, task_cb, data, data_free), age));
  return TRUE;
}

static gboolean
await_op (guint    age,
          GError **error)
{
  g_autoptr (CoroFuture) future = pick_future ();
  g_autoptr (GError) failure = NULL;
  g_auto (GValue) value = G_VALUE_INIT;

  if (future == NULL || get_age (future) <= age)
    return TRUE;
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (pick (500), &failure);

    if (pick (2))
      coro_await (future, &value, &failure);
    else
      coro_join (future, &failure);
  }
  return TRUE;
}

static gboolean
complete_op (guint    age,
             GError **error)
{
  g_autoptr (CoroFuture) future = pick_future ();

  if (future == NULL || CORO_IS_TASK (future))
    return TRUE;
  if (pick (2))
    coro_future_resolve_int (future, 1);
  else
    coro_future_reject (future, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "no"));
  return TRUE;
}

static gboolean
cancel_op (guint    age,
           GError **error)
{
  g_autoptr (CoroFuture) future = pick_future ();

  if (future != NULL)
    coro_future_cancel (future);
  return TRUE;
}

static void
call_cb (gpointer user_data)
{
  *(guint *) user_data = 0;
}

static gboolean
call_op (guint    age,
         GError **error)
{
  g_autoptr (CoroScheduler) scheduler = NULL;
  guint i = pick (n_threads);
  guint64 call;

  g_mutex_lock (&lock);
  g_set_object (&scheduler, schedulers[i]);
  g_mutex_unlock (&lock);
  if (scheduler == NULL)
    return TRUE;

  if (pick (2))
    call = coro_scheduler_call_soon (scheduler, call_cb, data_new (NULL), data_free);
  else
    call = coro_scheduler_call_later (scheduler, pick (500), call_cb, data_new (NULL), data_free);
  if (pick (2))
    coro_call_cancel (call);
  return TRUE;
}

static void
done_cb (CoroFuture  *future,
         gpointer     user_data,
         GError     **error)
{
  g_assert_true (coro_future_is_done (future));
  *(guint *) user_data = 0;
}

static gboolean
on_done_op (guint    age,
            GError **error)
{
  g_autoptr (CoroFuture) future = pick_future ();

  if (future != NULL)
    coro_future_on_done (future, done_cb, data_new (NULL), data_free);
  return TRUE;
}

static gboolean
combine_op (guint    age,
            GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GPtrArray) some = g_ptr_array_new_with_free_func (g_object_unref);
  CoroFuture **all;
  guint youngest = G_MAXUINT;

  for (int i = 0; i < 3; i++)
    {
      CoroFuture *future = pick_future ();

      if (future != NULL)
        {
          g_ptr_array_add (some, future);
          youngest = MIN (youngest, get_age (future));
        }
    }
  if (some->len == 0 || youngest <= age)
    return TRUE;

  all = (CoroFuture **) some->pdata;
  switch (pick (4))
    {
    case 0:
      keep (set_age (coro_gather_full (all, some->len, (CoroGatherFlags) pick (8)), youngest));
      break;
    case 1:
      keep (set_age (coro_race (all, some->len), youngest));
      break;
    case 2:
      coro_wait (all, some->len, (CoroWaitWhen) pick (3), pick (400), &failure);
      break;
    default:
      {
        g_auto (CoroTimeout) timeout = coro_timeout_enter (pick (500), &failure);
        coro_selectv (all, some->len, &failure);
      }
    }
  return TRUE;
}

static gboolean
work_cb (gpointer       user_data,
         GCancellable  *cancellable,
         GValue        *result,
         GError       **error)
{
  g_usleep (pick (4) * 30);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

static gboolean
executor_op (guint    age,
             GError **error)
{
  keep (coro_executor_submit (executor, work_cb, data_new (NULL), data_free));
  return TRUE;
}

static gpointer
thread_cb (gpointer       user_data,
           GCancellable  *cancellable,
           GError       **error)
{
  g_autoptr (CoroFuture) future = pick_future ();

  g_usleep (pick (3) * 20);
  if (future != NULL && !CORO_IS_TASK (future))
    coro_future_resolve_int (future, 3);
  return NULL;
}

static gboolean
thread_op (guint    age,
           GError **error)
{
  g_autoptr (GError) failure = NULL;

  coro_run_in_thread (thread_cb, data_new (NULL), data_free, &failure);
  return TRUE;
}

static gboolean
own_cancel_op (guint    age,
               GError **error)
{
  coro_task_cancel (coro_task_get_current ());
  return TRUE;
}

static gboolean
sleep_op (guint    age,
          GError **error)
{
  return pick (2) ? coro_sleep (pick (300), error) : coro_yield (error);
}

static const Operation operations[] = {
  future_op, future_op, spawn_op, spawn_op, worker_op, await_op, await_op, await_op,
  complete_op, complete_op, cancel_op, cancel_op, call_op, on_done_op, combine_op, executor_op,
  thread_op, own_cancel_op, sleep_op, sleep_op,
};

static gboolean
run_operation (guint    age,
               GError **error)
{
  g_atomic_int_inc (&n_operations);
  return operations[pick (G_N_ELEMENTS (operations))] (age, error);
}

static gboolean
task_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  guint age = *(guint *) user_data;

  for (guint i = pick (10); i > 0; i--)
    if (!run_operation (age, error))
      return FALSE;
  return TRUE;
}

/* --- the threads ------------------------------------------------------------------------ */

static void
unread_error_cb (const GError  *failure,
                 const char    *name,
                 const char    *site,
                 gpointer       user_data,
                 GError       **error)
{
}

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  CoroScheduler **place = &schedulers[GPOINTER_TO_UINT (user_data)];
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  coro_set_unhandled_func (context, unread_error_cb, NULL, NULL);
  g_mutex_lock (&lock);
  g_set_object (place, coro_scheduler_get_running ());
  g_mutex_unlock (&lock);

  for (guint i = 1 + pick (30); i > 0 && g_get_monotonic_time () < end; i--)
    {
      g_autoptr (GError) failure = NULL;
      run_operation (0, &failure);
    }
  return TRUE;
}

/* Makes every class before there are threads: GLib then reads it without a lock, which a checker
 * for races that does not see into GLib takes for one. */
static gboolean
warm_up_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  coro_set_unhandled_func (context, unread_error_cb, NULL, NULL);
  for (int round = 0; round < 4; round++)
    for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
      {
        g_autoptr (GError) failure = NULL;

        if (operations[i] != worker_op)         /* its threads would join in */
          operations[i] (0, &failure);
      }
  return TRUE;
}

static gpointer
thread_main (gpointer index)
{
  while (g_get_monotonic_time () < end)
    {
      g_autoptr (GError) error = NULL;
      coro_run (main_cb, index, NULL, &error);
    }
  return NULL;
}

static GLogWriterOutput
log_cb (GLogLevelFlags   level,
        const GLogField *fields,
        gsize            n_fields,
        gpointer         user_data)
{
  const char *message = "";

  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      message = fields[i].value;

  if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) ||
      ((level & G_LOG_LEVEL_WARNING) && strstr (message, "never retrieved") == NULL))
    {
      fprintf (stderr, "seed %u: %s\n", seed, message);
      abort ();
    }
  return G_LOG_WRITER_HANDLED;
}

/* In a signal handler, of a process that is about to end. */
static void
alarm_cb (int signum)
{
  fprintf (stderr, "seed %u: hangs\n", seed);
  for (guint i = 0; i < n_threads; i++)
    if (schedulers[i] != NULL && !coro_scheduler_is_closed (schedulers[i]))
      fprintf (stderr, "thread %u:\n%s\n", i, coro_format_call_graph (schedulers[i]));
  abort ();
}

/* What other threads have posted to the default context is freed in its turn. */
static gboolean
wait_for_data (void)
{
  for (int i = 0; i < 500 && g_atomic_int_get (&n_data) != 0; i++)
    {
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_usleep (10000);
    }
  return g_atomic_int_get (&n_data) == 0;
}

int
main (int    argc,
      char **argv)
{
  GThread *threads[MAX_THREADS];
  g_autoptr (GError) error = NULL;
  guint seconds = argc > 2 ? (guint) atoi (argv[2]) : 3;

  seed = argc > 1 ? (guint) atoi (argv[1]) : 1;
  if (argc > 3)
    n_threads = CLAMP ((guint) atoi (argv[3]), 1, MAX_THREADS);
  g_log_set_writer_func (log_cb, NULL, NULL);
  signal (SIGALRM, alarm_cb);
  alarm (seconds + 120);
  end = g_get_monotonic_time () + (gint64) seconds * G_USEC_PER_SEC;

  printf ("1..1\n");
  workers = coro_worker_pool_new (2);
  executor = coro_executor_new (3, seed % 2 ? CORO_EXECUTOR_NONE : CORO_EXECUTOR_ABANDON);
  coro_run (warm_up_cb, NULL, NULL, NULL);
  for (guint i = 0; i < n_threads; i++)
    threads[i] = g_thread_new ("fuzz", thread_main, GUINT_TO_POINTER (i));
  for (guint i = 0; i < n_threads; i++)
    g_thread_join (threads[i]);

  if (!coro_worker_pool_shut_down (workers, &error) || !coro_executor_shut_down (executor, &error))
    g_error ("%s", error->message);
  for (guint i = 0; i < N_FUTURES; i++)
    g_clear_object (&futures[i]);
  for (guint i = 0; i < n_threads; i++)
    g_clear_object (&schedulers[i]);
  g_clear_object (&workers);
  g_clear_object (&executor);

  printf ("%s 1 - seed %u: %d operations in %u threads, %d of their data left\n",
          wait_for_data () ? "ok" : "not ok", seed, n_operations, n_threads, n_data);
  return n_data != 0;
}
