/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Coroutines on many cores: spawned, awaited and cancelled across threads, and none is lost.
 */
#include "lib/bodies.h"
#include "lib/no-threads.h"

#include <sys/wait.h>
#include <unistd.h>

static CoroWorkerPool *pool;

static gboolean
thread_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  return coro_return_boolean (result, g_thread_self () != user_data);
}

static gboolean
double_cb (gpointer   number,
           GValue    *result,
           GError   **error)
{
  return coro_yield (error) && coro_return_int (result, 2 * (gint64) GPOINTER_TO_INT (number));
}

static void
count_atomic_cb (gpointer counter)
{
  g_atomic_int_inc ((int *) counter);
}

/* --- where it runs ------------------------------------------------------------------- */

static gboolean
where_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  CoroScheduler *mine = coro_scheduler_get_running ();

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (CoroTask) task = NULL;

      task = coro_worker_pool_spawn_task_at (pool, i, thread_cb, g_thread_self (), NULL, "here");
      g_assert_true (coro_task_get_scheduler (task) == coro_worker_pool_get_scheduler (pool, (guint) i));
      g_assert_true (coro_task_get_scheduler (task) != mine);
      g_assert_true (coro_await_boolean (task, error));
    }
  return TRUE;
}

static gboolean
arrive_and_wait_cb (gpointer   arrived,
                    GValue    *result,
                    GError   **error)
{
  g_atomic_int_set ((int *) arrived, TRUE);
  return coro_sleep (1000 * SECOND, error);
}

/* Three that never end are in three workers, and the fourth is the second of one. */
static gboolean
least_loaded_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  CoroTask *tasks[6];
  int arrived[6] = { FALSE, };

  for (int i = 0; i < 6; i++)
    {
      tasks[i] = coro_worker_pool_spawn_task (pool, arrive_and_wait_cb, &arrived[i], NULL);
      while (!g_atomic_int_get (&arrived[i]))
        if (!coro_yield (error))
          return FALSE;
      if (i == 2)
        for (int k = 0; k < 3; k++)
          g_assert_cmpuint (coro_worker_pool_count_coroutines (pool, k), ==, 1);
    }
  for (int k = 0; k < 3; k++)
    g_assert_cmpuint (coro_worker_pool_count_coroutines (pool, k), ==, 2);
  g_assert_cmpuint (coro_worker_pool_count_coroutines (pool, CORO_WORKER_ANY), ==, 6);
  for (int i = 0; i < 6; i++)
    {
      g_assert_true (coro_task_cancel (tasks[i]));
      if (!coro_join (tasks[i], error))
        return FALSE;
      g_object_unref (tasks[i]);
    }
  g_assert_cmpuint (coro_worker_pool_count_coroutines (pool, CORO_WORKER_ANY), ==, 0);
  return TRUE;
}

static gboolean
results_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (CoroTask) good = coro_worker_pool_spawn_task (pool, double_cb, GINT_TO_POINTER (21), NULL);
  g_autoptr (CoroTask) bad = coro_worker_pool_spawn_task (pool, fail_cb, (gpointer) "over there", NULL);

  g_assert_cmpint (coro_await_int (good, error), ==, 42);
  g_assert_false (coro_await (bad, NULL, &local));
  g_assert_error (local, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpstr (local->message, ==, "over there");
  return TRUE;
}

static CoroContextVar *language;

static gboolean
speak_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_assert_cmpstr (coro_context_var_get_string (language), ==, "parrot");
  coro_context_var_set_string (language, "vi");
  return TRUE;
}

static gboolean
context_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_auto (CoroContextToken) token = { 0, };
  g_autoptr (CoroTask) task = NULL;

  language = coro_context_var_new ("language", G_TYPE_STRING, NULL);
  token = coro_context_var_set_string (language, "parrot");
  task = coro_worker_pool_spawn_task (pool, speak_cb, NULL, NULL);
  if (!coro_await (task, NULL, error))
    return FALSE;
  g_assert_cmpstr (coro_context_var_get_string (language), ==, "parrot");
  return TRUE;
}

/* The error of a coroutine without a handle remains unread: the worker reports it. */
static gboolean
unhandled_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*fail_cb*failed, and its error was never retrieved: alone*");
  coro_worker_pool_spawn (pool, fail_cb, (gpointer) "alone", NULL);
  while (coro_worker_pool_count_coroutines (pool, CORO_WORKER_ANY) > 0)
    if (!coro_yield (error))
      return FALSE;
  return coro_worker_pool_shut_down (pool, error);
}

/* --- many ---------------------------------------------------------------------------- */

static gboolean
many_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  int n_rounds = is_slow () ? 20 : 1000;
  gint64 sum = 0;
  int n_freed = 0;

  for (int round = 0; round < n_rounds; round++)
    {
      CoroTask *tasks[100];

      for (int i = 0; i < 100; i++)
        tasks[i] = coro_worker_pool_spawn_task_at (pool, CORO_WORKER_ANY, double_cb, GINT_TO_POINTER (i), NULL, "here");
      for (int i = 0; i < 50; i++)
        coro_worker_pool_spawn (pool, double_cb, &n_freed, count_atomic_cb);
      for (int i = 0; i < 100; i++)
        {
          sum += coro_await_int (tasks[i], error);
          g_object_unref (tasks[i]);
        }
    }
  g_assert_cmpint (sum, ==, (gint64) n_rounds * 9900);
  if (!coro_worker_pool_shut_down (pool, error))
    return FALSE;
  g_assert_cmpint (g_atomic_int_get (&n_freed), ==, 50 * n_rounds);
  return TRUE;
}

/* --- cancelling ------------------------------------------------------------------------ */

static gboolean
cancel_before_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  int n_freed = 0;

  for (int i = 0; i < 100; i++)
    {
      g_autoptr (CoroTask) task = coro_worker_pool_spawn_task (pool, forever_cb, &n_freed, count_atomic_cb);

      g_assert_true (coro_task_cancel (task));
      if (!coro_join (task, error))
        return FALSE;
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
      g_assert_cmpint (g_atomic_int_get (&n_freed), ==, i + 1);
    }
  return TRUE;
}

static gboolean
cancel_during_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  for (int i = 0; i < 100; i++)
    {
      int arrived = FALSE;
      g_autoptr (CoroTask) task = coro_worker_pool_spawn_task (pool, arrive_and_wait_cb, &arrived, NULL);

      while (!g_atomic_int_get (&arrived))
        if (!coro_yield (error))
          return FALSE;
      g_assert_true (coro_task_cancel (task));
      if (!coro_join (task, error))
        return FALSE;
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
      g_assert_false (coro_task_cancel (task));         /* after */
    }
  return TRUE;
}

/* A waiter in this thread that is cancelled also cancels the task that it awaits in the worker. */
static gboolean
cancel_goes_along_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  for (int i = 0; i < 100; i++)
    {
      int arrived = FALSE;
      g_autoptr (CoroTask) task = coro_worker_pool_spawn_task (pool, arrive_and_wait_cb, &arrived, NULL);
      g_autoptr (CoroTask) waiter = coro_spawn_task (await_cb, task, NULL);

      do
        if (!coro_yield (error))
          return FALSE;
      while (!g_atomic_int_get (&arrived));
      coro_task_cancel (waiter);
      if (!coro_join (waiter, error))
        return FALSE;
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
    }
  return TRUE;
}

static gboolean
cancel_other_cb (gpointer   task,
                 GValue    *result,
                 GError   **error)
{
  coro_task_cancel (task);
  return TRUE;
}

/* The other way: a worker cancels what runs here. */
static gboolean
cancel_back_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  for (int i = 0; i < 100; i++)
    {
      g_autoptr (CoroTask) mine = coro_spawn_task (forever_cb, NULL, NULL);
      g_autoptr (CoroTask) theirs = coro_worker_pool_spawn_task (pool, cancel_other_cb, mine, NULL);

      if (!coro_join (mine, error) || !coro_await (theirs, NULL, error))
        return FALSE;
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (mine)), ==, CORO_FUTURE_CANCELLED);
    }
  return TRUE;
}

/* --- the end ----------------------------------------------------------------------------- */

typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean open;
  int arrived;                  /* (atomic) */
} Block;

static gboolean
block_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Block *self = user_data;

  g_mutex_lock (&self->mutex);
  g_atomic_int_set (&self->arrived, TRUE);
  while (!self->open)
    g_cond_wait (&self->cond, &self->mutex);
  g_mutex_unlock (&self->mutex);
  return TRUE;
}

/* One worker is blocked: others go on, and nothing is lost in it. */
static gboolean
blocked_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Block block = { .open = FALSE };
  g_autoptr (CoroTask) blocked = NULL;
  g_autoptr (CoroTask) behind = NULL;
  g_autoptr (CoroTask) beside = NULL;

  g_mutex_init (&block.mutex);
  g_cond_init (&block.cond);
  blocked = coro_worker_pool_spawn_task_at (pool, 0, block_cb, &block, NULL, "here");
  while (!g_atomic_int_get (&block.arrived))
    if (!coro_yield (error))
      return FALSE;
  behind = coro_worker_pool_spawn_task_at (pool, 0, double_cb, GINT_TO_POINTER (1), NULL, "here");
  beside = coro_worker_pool_spawn_task_at (pool, 1, double_cb, GINT_TO_POINTER (2), NULL, "here");
  g_assert_cmpint (coro_await_int (beside, error), ==, 4);
  g_assert_false (coro_future_is_done (CORO_FUTURE (behind)));
  g_mutex_lock (&block.mutex);
  block.open = TRUE;
  g_cond_broadcast (&block.cond);
  g_mutex_unlock (&block.mutex);
  g_assert_cmpint (coro_await_int (behind, error), ==, 2);
  if (!coro_await (blocked, NULL, error) || !coro_worker_pool_shut_down (pool, error))
    return FALSE;
  g_mutex_clear (&block.mutex);
  g_cond_clear (&block.cond);
  return TRUE;
}

static gboolean
await_future_cb (gpointer   future,
                 GValue    *result,
                 GError   **error)
{
  return coro_await (future, NULL, error);
}

/* What is parked there is cancelled, also where it waits for something of ours. */
static gboolean
shut_down_pending_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  CoroTask *tasks[40];
  g_autoptr (CoroTask) late = NULL;
  g_autoptr (GError) local = NULL;
  int n_freed = 0;

  for (int i = 0; i < 40; i++)
    tasks[i] = i % 2 == 0 ? coro_worker_pool_spawn_task (pool, await_future_cb, future, NULL)
                          : coro_worker_pool_spawn_task (pool, forever_cb, NULL, NULL);
  if (!coro_worker_pool_shut_down (pool, error) || !coro_worker_pool_shut_down (pool, error))
    return FALSE;
  for (int i = 0; i < 40; i++)
    {
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (tasks[i])), ==, CORO_FUTURE_CANCELLED);
      g_object_unref (tasks[i]);
    }

  late = coro_worker_pool_spawn_task (pool, forever_cb, &n_freed, count_atomic_cb);
  g_assert_cmpint (n_freed, ==, 1);
  g_assert_false (coro_await (late, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_CLOSED);
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*was shut down; it does not run*");
  coro_worker_pool_spawn (pool, forever_cb, &n_freed, count_atomic_cb);
  g_test_assert_expected_messages ();
  g_assert_cmpint (n_freed, ==, 2);
  return TRUE;
}

/* A pool is dropped without being shut down: its tasks end all the same, as cancelled. */
static gboolean
dropped_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  int n_rounds = is_slow () ? 10 : 100;

  for (int round = 0; round < n_rounds; round++)
    {
      g_autoptr (CoroWorkerPool) own = coro_worker_pool_new (2);
      CoroTask *tasks[10];

      for (int i = 0; i < 10; i++)
        tasks[i] = coro_worker_pool_spawn_task (own, forever_cb, NULL, NULL);
      g_clear_object (&own);
      for (int i = 0; i < 10; i++)
        {
          if (!coro_join (tasks[i], error))
            return FALSE;
          g_assert_cmpint (coro_future_get_state (CORO_FUTURE (tasks[i])), ==, CORO_FUTURE_CANCELLED);
          g_object_unref (tasks[i]);
        }
    }
  return TRUE;
}

static gboolean
shut_down_inside_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  return coro_worker_pool_shut_down (pool, error);
}

static gboolean
inside_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroTask) task = coro_worker_pool_spawn_task (pool, shut_down_inside_cb, NULL, NULL);
  g_autoptr (GError) local = NULL;

  g_assert_false (coro_await (task, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return TRUE;
}

static gboolean
child_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_autoptr (CoroTask) task = coro_worker_pool_spawn_task (pool, double_cb, NULL, NULL);
  g_autoptr (GError) local = NULL;

  return !coro_await (task, NULL, &local) && g_error_matches (local, CORO_ERROR, CORO_ERROR_CLOSED) &&
         coro_worker_pool_shut_down (pool, error);
}

/* --- many at once ------------------------------------------------------------------------- */

typedef struct
{
  GPtrArray *pools;             /* (owned) */
  guint n_shut_down;            /* for so many that was called */
  int all;                      /* (atomic): for all */
  int n_saved;                  /* (atomic) */
} Many;

static gpointer
save_cb (gpointer       many,
         GCancellable  *cancellable,
         GError       **error)
{
  g_atomic_int_inc (&((Many *) many)->n_saved);
  return many;
}

/* Needs a thread before it can end, when all are waited for. */
static gboolean
save_at_end_cb (gpointer   many,
                GValue    *result,
                GError   **error)
{
  coro_sleep (1000 * SECOND, error);

  g_auto (CoroShield) shield = coro_shield_enter (0);

  while (!g_atomic_int_get (&((Many *) many)->all))
    coro_yield (NULL);
  g_assert_nonnull (coro_run_in_thread (save_cb, many, NULL, NULL));
  return FALSE;
}

static gboolean
shut_down_next_cb (gpointer   many,
                   GValue    *result,
                   GError   **error)
{
  Many *self = many;

  return coro_worker_pool_shut_down (self->pools->pdata[self->n_shut_down++], error);
}

/* More than the default executor has threads: none of them may wait for a pool. */
static gboolean
shut_down_many_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  guint n_pools = coro_executor_get_max_threads (coro_executor_get_default ()) + 2;
  g_autoptr (GPtrArray) pools = g_ptr_array_new_with_free_func (g_object_unref);
  Many many = { .pools = pools };

  for (guint i = 0; i < n_pools; i++)
    {
      CoroWorkerPool *one = coro_worker_pool_new (1);
      g_autoptr (CoroTask) task = NULL;

      g_ptr_array_add (pools, one);
      coro_worker_pool_spawn (one, save_at_end_cb, &many, NULL);
      task = coro_worker_pool_spawn_task (one, double_cb, NULL, NULL);
      if (!coro_await (task, NULL, error))      /* the other one has begun by then */
        return FALSE;
    }

  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (guint i = 0; i < n_pools; i++)
    coro_spawn_at (nursery.group, shut_down_next_cb, &many, NULL, "here");
  while (many.n_shut_down < n_pools)
    if (!coro_yield (error))
      return FALSE;
  g_atomic_int_set (&many.all, TRUE);
  if (!coro_nursery_join (&nursery))
    return FALSE;
  g_assert_cmpint (many.n_saved, ==, (int) n_pools);
  return TRUE;
}

/* A plain thread shuts a pool down while another thread has the default main context. */
static gpointer
loop_cb (gpointer loop)
{
  g_main_loop_run (loop);
  return NULL;
}

static void
test_shut_down_beside_loop (void)
{
  GMainLoop *loop;
  GThread *thread;
  int arrived = FALSE;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }

  alarm (20);
  loop = g_main_loop_new (NULL, FALSE);
  thread = g_thread_new ("loop", loop_cb, loop);
  while (g_main_context_acquire (NULL))         /* until the loop has it */
    {
      g_main_context_release (NULL);
      g_thread_yield ();
    }
  pool = coro_worker_pool_new (2);
  coro_worker_pool_spawn (pool, arrive_and_wait_cb, &arrived, NULL);
  while (!g_atomic_int_get (&arrived))
    g_thread_yield ();
  g_assert_true (coro_worker_pool_shut_down (pool, NULL));
  g_assert_finalize_object (g_steal_pointer (&pool));
  g_main_loop_quit (loop);
  g_thread_join (thread);
  g_main_loop_unref (loop);
}

/* --- threads that cannot be had ----------------------------------------------------------- */

static gboolean
no_threads_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (CoroWorkerPool) own = NULL;
  g_autoptr (CoroTask) refused = NULL;
  g_autoptr (CoroTask) late = NULL;
  g_autoptr (GError) local = NULL;
  int n_freed = 0;

  forbid_threads (TRUE);
  own = coro_worker_pool_new (2);
  refused = coro_worker_pool_spawn_task (own, double_cb, &n_freed, count_cb);
  g_assert_false (coro_await (refused, NULL, &local));
  g_assert_error (local, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN);
  g_assert_cmpint (n_freed, ==, 1);
  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*pool that has no thread; it does not run*");
  coro_worker_pool_spawn (own, double_cb, &n_freed, count_cb);
  g_test_assert_expected_messages ();
  g_assert_cmpint (n_freed, ==, 2);

  /* One has a thread now, and does all of the work; the other one is tried when it is meant. */
  forbid_threads (FALSE);
  late = coro_worker_pool_spawn_task (own, double_cb, GINT_TO_POINTER (21), NULL);
  forbid_threads (TRUE);
  g_assert_cmpint (coro_await_int (late, error), ==, 42);
  for (int i = 0; i < 10; i++)
    {
      g_autoptr (CoroTask) task = coro_worker_pool_spawn_task (own, double_cb, GINT_TO_POINTER (i), NULL);

      g_assert_true (coro_task_get_scheduler (task) == coro_task_get_scheduler (late));
      g_assert_cmpint (coro_await_int (task, error), ==, 2 * i);
    }
  forbid_threads (FALSE);
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (CoroTask) task = coro_worker_pool_spawn_task_at (own, i, double_cb, GINT_TO_POINTER (i), NULL, "here");

      g_assert_cmpint (coro_await_int (task, error), ==, 2 * i);
    }
  return coro_worker_pool_shut_down (own, error);
}

/* Without a thread at all there is nothing to wait for. */
static gboolean
never_a_thread_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (CoroWorkerPool) own = NULL;

  forbid_threads (TRUE);
  own = coro_worker_pool_new (2);
  forbid_threads (FALSE);
  return coro_worker_pool_shut_down (own, error);
}

static gboolean
on_both_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (CoroTask) task = coro_worker_pool_spawn_task_at (pool, (int) i, double_cb, NULL, NULL, "here");

      if (!coro_await (task, NULL, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
is_asleep (const char *thread)
{
  g_autofree char *path = g_build_filename ("/proc/self/task", thread, "stat", NULL);
  g_autofree char *line = NULL;
  const char *name_end;

  return g_file_get_contents (path, &line, NULL, NULL) &&
         (name_end = strrchr (line, ')')) != NULL && name_end[2] == 'S';
}

/* What a thread has locked, inside GLib too, stays locked in a child: they have to be asleep,
 * and that for a while, not only because one waits for the other. */
G_GNUC_UNUSED static void
wait_until_asleep (void)
{
  g_autofree char *own = g_strdup_printf ("%d", (int) getpid ());

  for (guint n_quiet = 0; n_quiet < 100; n_quiet++)
    {
      g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
      const char *thread;

      while ((thread = g_dir_read_name (dir)) != NULL)
        if (strcmp (thread, own) != 0 && !is_asleep (thread))
          n_quiet = 0;
      g_thread_yield ();
    }
}

G_GNUC_UNUSED static void
test_fork (void)
{
  int status;
  pid_t child;

  pool = coro_worker_pool_new (2);
  g_assert_true (coro_run (on_both_cb, NULL, NULL, NULL));
  wait_until_asleep ();
  child = fork ();
  if (child == 0)
    _exit (coro_run (child_cb, NULL, NULL, NULL) ? 42 : 1);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 42);
  g_assert_true (coro_worker_pool_shut_down (pool, NULL));      /* outside coroutines */
  g_clear_object (&pool);
}

/* --- running ------------------------------------------------------------------------------ */

/* On the real clock, which is the one of the workers. */
static void
run_cb (gconstpointer func)
{
  g_autoptr (GError) error = NULL;

  pool = coro_worker_pool_new (3);
  g_assert_cmpuint (coro_worker_pool_get_n_workers (pool), ==, 3);
  coro_run ((CoroFunc) func, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (coro_worker_pool_shut_down (pool, NULL));
  g_test_assert_expected_messages ();
  g_assert_finalize_object (g_steal_pointer (&pool));
  g_clear_pointer (&language, coro_context_var_free);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Pools of workers: coroutines on many cores, and none is lost");

#ifndef __SANITIZE_THREAD__     /* which lets no child of several threads have one */
  if (g_getenv ("CORO_TEST_VALGRIND") == NULL)  /* which looks for leaks in the child */
    g_test_add_func ("/io/worker-pool/fork", test_fork);
#endif
  g_test_add_data_func ("/io/worker-pool/each-worker-by-number", where_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/fewest-coroutines", least_loaded_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/results-and-errors", results_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/context-is-copied", context_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/unhandled-is-reported", unhandled_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/many-none-lost", many_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/cancel-before", cancel_before_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/cancel-during-and-after", cancel_during_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/cancel-goes-along", cancel_goes_along_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/cancel-comes-back", cancel_back_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/blocked-worker", blocked_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/shut-down-with-pending", shut_down_pending_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/dropped-with-pending", dropped_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/no-shut-down-inside", inside_cb, run_cb);
  g_test_add_data_func ("/io/worker-pool/shut-down-many", shut_down_many_cb, run_cb);
  g_test_add_func ("/io/worker-pool/shut-down-beside-loop", test_shut_down_beside_loop);
  if (can_forbid_threads ())
    {
      g_test_add_data_func ("/io/worker-pool/no-threads", no_threads_cb, run_cb);
      g_test_add_data_func ("/io/worker-pool/never-a-thread", never_a_thread_cb, run_cb);
    }
  return g_test_run ();
}
