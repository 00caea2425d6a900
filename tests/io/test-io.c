/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files, threads and signals.
 */
#include "test-util.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>

/* --- files ------------------------------------------------------------------------ */

static gboolean
load_file_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "coro-test-XXXXXX", NULL);
  int fd = g_mkstemp (path);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *etag = NULL;

  g_assert_cmpint (write (fd, "contents", 8), ==, 8);
  close (fd);
  bytes = coro_file_load_bytes (file, &etag, error);
  g_unlink (path);
  if (bytes == NULL)
    return FALSE;
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "contents", 8);
  g_assert_nonnull (etag);
  return TRUE;
}

static gboolean
missing_file_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (GFile) file = g_file_new_for_path ("/nonexistent/file");
  g_autoptr (GFile) folder = g_file_new_for_path ("/usr");
  g_autoptr (GError) local_error = NULL;

  g_assert_null (coro_file_load_bytes (file, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&local_error);
  g_assert_null (coro_file_load_bytes (folder, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY);
  return TRUE;
}

static gboolean
load_cb (gpointer   file,
         GValue    *result,
         GError   **error)
{
  GBytes *bytes = coro_file_load_bytes (file, NULL, error);

  return bytes != NULL && coro_return_take_boxed (result, G_TYPE_BYTES, bytes);
}

/* Wherever the cancel strikes, it ends, and nothing leaks. */
static gboolean
cancel_load_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (GFile) file = g_file_new_for_path ("/proc/self/maps");

  for (int i = 0; i < 40; i++)
    {
      g_autoptr (CoroTask) task = coro_spawn_task (load_cb, file, NULL);

      for (int k = 0; k < i; k++)
        if (!coro_yield (error))
          return FALSE;
      coro_task_cancel (task);
      if (!coro_join (task, error))
        return FALSE;
      if (coro_future_get_error (CORO_FUTURE (task)) != NULL)
        assert_cancelled (coro_future_get_error (CORO_FUTURE (task)));
    }
  return TRUE;
}

static gboolean
many_loads_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (GFile) file = g_file_new_for_path ("/etc/passwd");
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (int i = 0; i < 100; i++)
    coro_task_group_spawn (nursery.group, load_cb, file, NULL);
  return coro_nursery_join (&nursery);
}

/* --- threads ---------------------------------------------------------------------- */

typedef struct
{
  GMutex lock;
  GCond cond;
  gboolean open;
  int n_inside;
  int most;
  int n_ran;
  int n_destroyed;
  GThread *loop_thread;
} Pool;

static void
pool_init (Pool *self)
{
  *self = (Pool) { .loop_thread = g_thread_self () };
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
}

static void
pool_open (Pool *self)
{
  g_mutex_lock (&self->lock);
  self->open = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

static int
pool_get_n_inside (Pool *self)
{
  int n_inside;

  g_mutex_lock (&self->lock);
  n_inside = self->n_inside;
  g_mutex_unlock (&self->lock);
  return n_inside;
}

static void
pool_clear (Pool *self)
{
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
}

static gpointer
blocking_cb (gpointer       user_data,
             GCancellable  *cancellable,
             GError       **error)
{
  Pool *self = user_data;

  g_assert_true (g_thread_self () != self->loop_thread);
  g_mutex_lock (&self->lock);
  self->n_ran++;
  self->n_inside++;
  self->most = MAX (self->most, self->n_inside);
  g_cond_broadcast (&self->cond);
  while (!self->open && !g_cancellable_is_cancelled (cancellable))
    g_cond_wait_until (&self->cond, &self->lock, g_get_monotonic_time () + 10000);
  self->n_inside--;
  g_mutex_unlock (&self->lock);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  return self;
}

static void
pool_destroyed_cb (gpointer user_data)
{
  Pool *self = user_data;

  g_assert_true (g_thread_self () == self->loop_thread);
  self->n_destroyed++;
}

static gboolean
in_thread_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  gpointer value = coro_run_in_thread (blocking_cb, user_data, pool_destroyed_cb, error);

  return *error == NULL && coro_return_pointer (result, value);
}

static gboolean
runs_in_thread_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  Pool pool;

  pool_init (&pool);
  pool_open (&pool);
  g_assert_true (coro_run_in_thread (blocking_cb, &pool, pool_destroyed_cb, error) == &pool);
  g_assert_cmpint (pool.n_destroyed, ==, 1);
  pool_clear (&pool);
  return TRUE;
}

static gpointer
failing_thread_cb (gpointer       user_data,
                   GCancellable  *cancellable,
                   GError       **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "full");
  return NULL;
}

static gboolean
error_from_thread_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_null (coro_run_in_thread (failing_thread_cb, NULL, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_null (coro_run_in_thread (failing_thread_cb, NULL, NULL, NULL));
  return TRUE;
}

static gboolean
bounded_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  guint most = MIN (32, g_get_num_processors () + 4);
  gint64 start = g_get_monotonic_time ();
  int n_stalls;
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  Pool pool;

  pool_init (&pool);
  for (guint i = 0; i < most + 10; i++)
    coro_task_group_spawn (group, in_thread_cb, &pool, NULL);
  while (pool_get_n_inside (&pool) < (int) most)
    if (!coro_yield (error))
      return FALSE;
  pool_open (&pool);
  if (!coro_task_group_join (group, error))
    return FALSE;
  /* While all of them stall, as these do, and on a busy machine for long, one is added every 100 ms. */
  n_stalls = (int) ((g_get_monotonic_time () - start) / (100 * MILLISECOND));
  g_assert_cmpint (pool.most, >=, (int) most);
  g_assert_cmpint (pool.most, <=, (int) most + n_stalls);
  g_assert_cmpint (pool.n_ran, ==, (int) most + 10);
  g_assert_cmpint (pool.n_destroyed, ==, (int) most + 10);
  pool_clear (&pool);
  return TRUE;
}

static gboolean
cancelled_while_running_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (CoroTask) task = NULL;
  Pool pool;

  pool_init (&pool);
  task = coro_spawn_task (in_thread_cb, &pool, NULL);
  while (pool_get_n_inside (&pool) == 0)
    if (!coro_yield (error))
      return FALSE;
  coro_task_cancel (task);
  if (!coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (pool.n_inside, ==, 0);       /* it has returned before we went on */
  g_assert_cmpint (pool.n_destroyed, ==, 1);
  pool_clear (&pool);
  return TRUE;
}

static gboolean
cancelled_while_queued_cb (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  guint most = MIN (32, g_get_num_processors () + 4);
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  g_autoptr (CoroTask) task = NULL;
  Pool pool;

  pool_init (&pool);
  for (guint i = 0; i < most; i++)
    coro_task_group_spawn (group, in_thread_cb, &pool, NULL);
  while (pool_get_n_inside (&pool) < (int) most)
    if (!coro_test_settle (error))
      return FALSE;
  task = coro_spawn_task (in_thread_cb, &pool, NULL);
  if (!coro_test_settle (error))
    return FALSE;
  coro_task_cancel (task);
  if (!coro_test_settle (error))
    return FALSE;
  pool_open (&pool);
  if (!coro_task_group_join (group, error) || !coro_join (task, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (pool.n_ran, ==, (int) most);         /* its call was not made */
  g_assert_cmpint (pool.n_destroyed, ==, (int) most + 1);
  pool_clear (&pool);
  return TRUE;
}

static gboolean
cancelled_before_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  Pool pool;

  pool_init (&pool);
  coro_task_cancel (coro_task_get_current ());
  g_assert_null (coro_run_in_thread (blocking_cb, &pool, pool_destroyed_cb, &local_error));
  assert_cancelled (local_error);
  g_assert_cmpint (pool.n_ran, ==, 0);
  g_assert_cmpint (pool.n_destroyed, ==, 1);
  coro_task_uncancel (coro_task_get_current ());
  pool_clear (&pool);
  return TRUE;
}

static void
test_thread_outside (void)
{
  g_autoptr (GError) error = NULL;
  int destroyed = 0;

  g_assert_null (coro_run_in_thread (failing_thread_cb, &destroyed, count_cb, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  g_assert_cmpint (destroyed, ==, 1);
}

static gpointer
no_await_thread_cb (gpointer       user_data,
                    GCancellable  *cancellable,
                    GError       **error)
{
  coro_sleep (1, error);
  return NULL;
}

static gboolean
no_await_in_thread_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  coro_run_in_thread (no_await_thread_cb, NULL, NULL, &local_error);
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  return TRUE;
}

static gboolean
quick_threads_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  coro_run_in_thread (failing_thread_cb, NULL, NULL, NULL);
  return TRUE;
}

/* The thread's last word races with the end of the loop. */
static void
test_loop_ends_as_thread_does (void)
{
  for (int i = 0; i < 300; i++)
    g_assert_true (coro_run (quick_threads_cb, NULL, NULL, NULL));
}

/* --- signals ---------------------------------------------------------------------- */

static gboolean
signal_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroFuture) one = coro_unix_signal_future (SIGUSR1);
  g_autoptr (CoroFuture) two = coro_unix_signal_future (SIGUSR1);
  g_autoptr (CoroFuture) other = coro_unix_signal_future (SIGUSR2);

  coro_test_clock_start (coro_scheduler_get_running (), FALSE);
  kill (getpid (), SIGUSR1);
  g_assert_cmpint (coro_await_int (one, error), ==, SIGUSR1);
  g_assert_cmpint (coro_await_int (two, error), ==, SIGUSR1);
  g_assert_false (coro_future_is_done (other));
  g_assert_true (coro_future_cancel (other));
  return *error == NULL;
}

static gboolean
dropped_signal_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  for (int i = 0; i < 10; i++)
    g_object_unref (coro_unix_signal_future (SIGUSR1));
  return coro_sleep (1, error);
}

static gboolean
load_and_note_cb (gpointer   file,
                  GValue    *result,
                  GError   **error)
{
  if (!load_cb (file, result, error))
    return FALSE;
  note ("loaded");
  return TRUE;
}

static gboolean
future_cancel_from_source_cb (gpointer task)
{
  coro_task_cancel (task);
  return G_SOURCE_REMOVE;
}

static gboolean
cancel_from_source_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (forever_cb, NULL, NULL);
  g_autoptr (CoroTask) loader = NULL;
  g_autoptr (GFile) file = g_file_new_for_path ("/etc/passwd");
  g_autoptr (GSource) source = g_idle_source_new ();

  loader = coro_spawn_task (load_and_note_cb, file, NULL);
  g_source_set_callback (source, future_cancel_from_source_cb, task, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  if (!coro_join (task, error) || !coro_await (loader, NULL, error))
    return FALSE;
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  assert_trace ("loaded");
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/io/file/load", load_file_cb);
  coro_test_add_func ("/io/file/missing", missing_file_cb);
  coro_test_add_func ("/io/file/cancel-anywhere", cancel_load_cb);
  coro_test_add_func ("/io/file/a-hundred", many_loads_cb);
  coro_test_add_func ("/io/file/cancel-from-a-source", cancel_from_source_cb);
  coro_test_add_func ("/spec/S161/runs-in-a-thread", runs_in_thread_cb);
  coro_test_add_func ("/spec/S310/error-from-a-thread", error_from_thread_cb);
  coro_test_add_func ("/io/thread/bounded", bounded_cb);
  coro_test_add_func ("/io/thread/cancelled-while-running", cancelled_while_running_cb);
  coro_test_add_func ("/io/thread/cancelled-while-queued", cancelled_while_queued_cb);
  coro_test_add_func ("/io/thread/cancelled-before", cancelled_before_cb);
  g_test_add_func ("/io/thread/outside", test_thread_outside);
  coro_test_add_func ("/io/thread/no-await-inside", no_await_in_thread_cb);
  g_test_add_func ("/io/thread/loop-ends-as-thread-does", test_loop_ends_as_thread_does);
  coro_test_add_func ("/io/signal/every-future", signal_cb);
  coro_test_add_func ("/io/signal/dropped", dropped_signal_cb);

  return g_test_run ();
}
