/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What blocks runs in threads, and the loop stays free.
 */
#include "test-util.h"

typedef struct
{
  GThread *thread;
  GMutex mutex;
  GCond cond;
  int n_arrived;
  int n_wanted;
  int n_freed;
  GThread *freed_by;
} Meeting;

static void
meeting_init (Meeting *self,
              int      n_wanted)
{
  memset (self, 0, sizeof *self);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  self->n_wanted = n_wanted;
}

static void
meeting_clear (Meeting *self)
{
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
}

/* Returns when as many threads are in here: they run at the same time. */
static gpointer
meet (gpointer       user_data,
      GCancellable  *cancellable,
      GError       **error)
{
  Meeting *self = user_data;

  g_mutex_lock (&self->mutex);
  g_atomic_int_inc (&self->n_arrived);
  g_cond_broadcast (&self->cond);
  while (self->n_arrived < self->n_wanted)
    g_cond_wait (&self->cond, &self->mutex);
  g_mutex_unlock (&self->mutex);
  return g_strdup_printf ("%p", (gpointer) g_thread_self ());
}

static void
arrive (Meeting *self)
{
  g_mutex_lock (&self->mutex);
  g_atomic_int_inc (&self->n_arrived);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static void
freed_cb (gpointer user_data)
{
  Meeting *self = user_data;

  self->n_freed++;
  self->freed_by = g_thread_self ();
}

static gboolean
meet_cb (gpointer   meeting,
         GValue    *result,
         GError   **error)
{
  char *id = coro_run_in_thread (meet, meeting, NULL, error);

  return id != NULL && coro_return_take_string (result, id);
}

/* --- the loop is free ------------------------------------------------------------------ */

static gboolean
tick_cb (gpointer   n_ticks,
         GValue    *result,
         GError   **error)
{
  while (coro_yield (error))
    ++*(int *) n_ticks;
  return FALSE;
}

/* The thread returns only after the loop has gone round many times. */
static gboolean
test_loop_is_free (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  int n_ticks = 0;
  Meeting meeting;
  g_autoptr (CoroTask) ticker = NULL;
  g_autoptr (CoroTask) task = NULL;

  meeting_init (&meeting, 2);
  ticker = coro_spawn_task (tick_cb, &n_ticks, NULL);
  task = coro_spawn_task (meet_cb, &meeting, NULL);
  g_assert_true (CORO_IS_FUTURE (task));
  while (n_ticks < 100)
    {
      g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
      g_assert_true (coro_yield (error));
    }
  arrive (&meeting);
  g_assert_true (coro_await (task, NULL, error));
  coro_task_cancel (ticker);
  g_assert_true (coro_join (ticker, error));
  meeting_clear (&meeting);
  return TRUE;
}

static gboolean
test_parallel (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  Meeting meeting;
  g_autoptr (CoroTask) a = NULL;
  g_autoptr (CoroTask) b = NULL;
  g_autofree char *id_a = NULL;
  g_autofree char *id_b = NULL;

  meeting_init (&meeting, 2);
  a = coro_spawn_task (meet_cb, &meeting, NULL);
  b = coro_spawn_task (meet_cb, &meeting, NULL);
  id_a = coro_await_string (a, error);
  id_b = coro_await_string (b, error);
  g_assert_cmpstr (id_a, !=, id_b);             /* neither could return without the other */
  meeting_clear (&meeting);
  return TRUE;
}

/* As many at once as the pool has threads at the least. */
static gboolean
test_four_jobs (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  Meeting meeting;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  meeting_init (&meeting, 4);
  for (int i = 0; i < 4; i++)
    coro_task_group_spawn (nursery.group, meet_cb, &meeting, NULL);
  g_assert_true (coro_nursery_join (&nursery));
  meeting_clear (&meeting);
  return TRUE;
}

static gboolean
test_data_is_freed (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  Meeting meeting;
  g_autofree char *id = NULL;

  meeting_init (&meeting, 1);
  id = coro_run_in_thread (meet, &meeting, freed_cb, error);
  g_assert_nonnull (id);
  g_assert_cmpint (meeting.n_freed, ==, 1);
  g_assert_true (meeting.freed_by == g_thread_self ());
  meeting_clear (&meeting);
  return TRUE;
}

/* --- blocking, and not ----------------------------------------------------------------- */

static gboolean
count_sleeps_cb (gpointer   n_ticks,
                 GValue    *result,
                 GError   **error)
{
  while (coro_sleep (MILLISECOND, error))
    g_atomic_int_inc ((int *) n_ticks);
  return FALSE;
}

static gpointer
wait_for_ticks (gpointer       user_data,
                GCancellable  *cancellable,
                GError       **error)
{
  int *n_ticks = user_data;
  int before = g_atomic_int_get (n_ticks);

  while (g_atomic_int_get (n_ticks) < before + 3)
    g_usleep (MILLISECOND);
  return user_data;
}

/* On the real clock: a sleep without the library stops all coroutines, one in a thread stops none. */
static gboolean
blocking_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  int n_ticks = 0, before;
  g_autoptr (CoroTask) ticker = coro_spawn_task (count_sleeps_cb, &n_ticks, NULL);

  g_assert_true (coro_sleep (5 * MILLISECOND, error));
  before = n_ticks;
  g_usleep (50 * MILLISECOND);
  g_assert_cmpint (n_ticks, ==, before);
  g_assert_true (coro_run_in_thread (wait_for_ticks, &n_ticks, NULL, error) == &n_ticks);
  coro_task_cancel (ticker);
  return coro_join (ticker, error);
}

static void
test_blocking (void)
{
  g_assert_true (coro_run (blocking_cb, NULL, NULL, NULL));
}

/* --- the end of a run ------------------------------------------------------------------ */

static gpointer
finish_job (gpointer       user_data,
            GCancellable  *cancellable,
            GError       **error)
{
  Meeting *self = user_data;

  arrive (self);
  g_usleep (20 * MILLISECOND);
  g_atomic_int_inc (&self->n_freed);
  return self;
}

static gboolean
job_cb (gpointer   meeting,
        GValue    *result,
        GError   **error)
{
  return coro_run_in_thread (finish_job, meeting, NULL, error) != NULL;
}

static gboolean
leave_job_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  Meeting *self = user_data;

  coro_spawn (job_cb, self, NULL);
  while (g_atomic_int_get (&self->n_arrived) == 0)
    if (!coro_yield (error))
      return FALSE;
  return TRUE;
}

static void
test_run_waits_for_threads (void)
{
  Meeting meeting;

  meeting_init (&meeting, 1);
  g_assert_true (coro_run (leave_job_cb, &meeting, NULL, NULL));
  g_assert_cmpint (g_atomic_int_get (&meeting.n_freed), ==, 1);
  meeting_clear (&meeting);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("What blocks runs in threads, and the loop stays free");

  coro_test_add_func ("/spec/S164-S166/loop-is-free", test_loop_is_free);
  coro_test_add_func ("/spec/S167/parallel", test_parallel);
  coro_test_add_func ("/spec/S247/four-jobs", test_four_jobs);
  coro_test_add_func ("/spec/S168/data-is-freed", test_data_is_freed);
  g_test_add_func ("/spec/S141-S143-S144-S162/blocking", test_blocking);
  g_test_add_func ("/spec/S123-S170-S174/run-waits-for-threads", test_run_waits_for_threads);
  return g_test_run ();
}
