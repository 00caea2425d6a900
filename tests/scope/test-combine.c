/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is made of several futures: wait, race, as_completed, shield, the flags of gather.
 */
#include "test-util.h"

#include <unistd.h>

/* Ends after so many ms, with that number. */
static gboolean
after_cb (gpointer   ms,
          GValue    *result,
          GError   **error)
{
  if (!coro_sleep (GPOINTER_TO_INT (ms) * MILLISECOND, error))
    return FALSE;
  return coro_return_int (result, GPOINTER_TO_INT (ms));
}

static gboolean
fail_after_cb (gpointer   ms,
               GValue    *result,
               GError   **error)
{
  if (!coro_sleep (GPOINTER_TO_INT (ms) * MILLISECOND, error))
    return FALSE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "busy %d", GPOINTER_TO_INT (ms));
  return FALSE;
}

/* Cleans up for 5 ms when it is cancelled. */
static gboolean
careful_cb (gpointer   ms,
            GValue    *result,
            GError   **error)
{
  gboolean ok = after_cb (ms, result, error);

  if (!ok)
    {
      g_assert_true (coro_sleep (5 * MILLISECOND, NULL));
      note ("cleaned");
    }
  return ok;
}

static CoroFuture *
after (int ms)
{
  return CORO_FUTURE (coro_spawn_task (after_cb, GINT_TO_POINTER (ms), NULL));
}

static CoroFuture *
fail_after (int ms)
{
  return CORO_FUTURE (coro_spawn_task (fail_after_cb, GINT_TO_POINTER (ms), NULL));
}

static CoroFuture *
careful (int ms)
{
  return CORO_FUTURE (coro_spawn_task (careful_cb, GINT_TO_POINTER (ms), NULL));
}

static void
drop (CoroFuture **futures,
      gsize        n_futures)
{
  for (gsize i = 0; i < n_futures; i++)
    {
      coro_future_get_error (futures[i]);
      g_object_unref (futures[i]);
    }
}

static gboolean
test_wait_all (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  CoroFuture *futures[] = { after (30), fail_after (10), after (20) };
  gint64 start = now ();

  g_assert_true (coro_wait (futures, 3, CORO_WAIT_ALL, -1, error));
  g_assert_cmpint (now () - start, ==, 30 * MILLISECOND);
  g_assert_cmpint (coro_future_get_state (futures[1]), ==, CORO_FUTURE_REJECTED);
  drop (futures, 3);
  return TRUE;
}

static gboolean
test_wait_first (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  CoroFuture *futures[] = { after (30), fail_after (20), after (10) };
  gint64 start = now ();

  g_assert_true (coro_wait (futures, 3, CORO_WAIT_FIRST_DONE, -1, error));
  g_assert_cmpint (now () - start, ==, 10 * MILLISECOND);
  g_assert_true (coro_wait (futures, 3, CORO_WAIT_FIRST_ERROR, -1, error));
  g_assert_cmpint (now () - start, ==, 20 * MILLISECOND);
  g_assert_false (coro_future_is_done (futures[0]));
  g_assert_true (coro_wait (futures, 3, CORO_WAIT_ALL, -1, error));
  drop (futures, 3);
  return TRUE;
}

static gboolean
test_wait_timeout (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  CoroFuture *futures[] = { after (30), after (10) };
  gint64 start = now ();

  /* Neither an error nor a cancellation. */
  g_assert_true (coro_wait (futures, 2, CORO_WAIT_ALL, 20 * MILLISECOND, error));
  g_assert_cmpint (now () - start, ==, 20 * MILLISECOND);
  g_assert_false (coro_future_is_done (futures[0]));
  g_assert_true (coro_wait (futures, 2, CORO_WAIT_ALL, -1, error));
  drop (futures, 2);
  return TRUE;
}

static gboolean
test_wait_for_ever (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroFuture) future = after (10);

  /* The longest time there is does not wrap around to none. */
  g_assert_true (coro_wait (&future, 1, CORO_WAIT_ALL, G_MAXINT64, error));
  g_assert_true (coro_future_is_done (future));
  return TRUE;
}

static gboolean
wait_cb (gpointer   future,
         GValue    *result,
         GError   **error)
{
  CoroFuture *futures[] = { future };

  return coro_wait (futures, 1, CORO_WAIT_ALL, 500 * MILLISECOND, error);
}

static gboolean
test_wait_cancelled (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroFuture) future = after (30);
  g_autoptr (CoroTask) waiting = coro_spawn_task (wait_cb, future, NULL);
  g_autoptr (GError) local_error = NULL;

  g_assert_true (coro_sleep (10 * MILLISECOND, error));
  coro_task_cancel (waiting);
  g_assert_false (coro_await (waiting, NULL, &local_error));
  assert_cancelled (local_error);
  g_assert_cmpint (coro_await_int (future, error), ==, 30);     /* left alone */
  return TRUE;
}

static gboolean
test_wait_nothing (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_wait (NULL, 0, CORO_WAIT_ALL, -1, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return TRUE;
}

static gboolean
test_as_completed (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  CoroFuture *futures[] = { after (30), fail_after (10), after (20) };
  g_autoptr (CoroIterator) completed = coro_as_completed (futures, 3);
  static const int order[] = { 1, 2, 0 };

  for (int i = 0; i < 3; i++)
    {
      g_autoptr (CoroFuture) future = NULL;

      g_assert_true (coro_iterator_next_object (completed, (gpointer *) &future, error));
      g_assert_true (future == futures[order[i]]);
    }
  {
    g_autoptr (CoroFuture) future = NULL;

    g_assert_true (coro_iterator_next_object (completed, (gpointer *) &future, error));
    g_assert_null (future);
  }
  drop (futures, 3);
  return TRUE;
}

/* The future is done, and the time is up before the waiter runs: the first event counts. */
static void
time_is_up_cb (CoroFuture  *future,
               gpointer     scope,
               GError     **error)
{
  coro_cancel_scope_set_timeout (scope, 0);
}

static gboolean
test_as_completed_in_time (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroFuture) future = coro_sleep_future (10);
  g_autoptr (CoroIterator) completed = coro_as_completed (&future, 1);
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (SECOND, error);
  g_auto (GValue) value = G_VALUE_INIT;

  coro_test_keep_order (NULL);
  coro_future_on_done (future, time_is_up_cb, &scope, NULL);
  g_assert_true (coro_iterator_next (completed, &value, error));
  g_assert_true (g_value_get_object (&value) == future);
  g_assert_false (coro_check_cancelled (error));
  g_assert_true (coro_cancel_scope_catch (&scope));
  return TRUE;
}

static gboolean
test_as_completed_abandoned (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  CoroFuture *futures[] = { after (10), after (20) };
  CoroIterator *completed = coro_as_completed (futures, 2);
  g_autoptr (CoroFuture) future = NULL;

  g_assert_true (coro_iterator_next_object (completed, (gpointer *) &future, error));
  g_object_unref (completed);
  g_assert_cmpint (coro_await_int (futures[1], error), ==, 20);

  /* Also between the end of a future and the call that tells of it. */
  completed = coro_as_completed (futures, 2);
  g_object_unref (completed);
  g_assert_true (coro_yield (error));
  drop (futures, 2);
  return TRUE;
}

static gboolean
next_future_cb (gpointer   completed,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroFuture) future = NULL;

  return coro_iterator_next_object (completed, (gpointer *) &future, error);
}

/* The owner cancels the coroutine that waits for the next one and drops the iterator. */
static gboolean
test_as_completed_dropped (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  CoroIterator *completed = coro_as_completed (&future, 1);
  g_autoptr (CoroTask) task = coro_spawn_task (next_future_cb, completed, NULL);
  gpointer there = completed;

  g_object_add_weak_pointer (there, &there);
  g_assert_true (coro_test_settle (error));
  coro_task_cancel (task);
  g_object_unref (completed);
  g_assert_nonnull (there);     /* it lasts as long as the wait */
  g_assert_true (coro_join (task, error));
  g_assert_null (there);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
test_race (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  CoroFuture *futures[] = { careful (30), fail_after (10), after (20) };
  g_autoptr (CoroFuture) race = coro_race (futures, 3);
  gint64 start = now ();

  g_assert_cmpint (coro_await_int (race, error), ==, 20);
  g_assert_cmpint (now () - start, ==, 25 * MILLISECOND);       /* the loser has cleaned up */
  assert_trace ("cleaned");
  drop (futures, 3);
  return TRUE;
}

static gboolean
test_race_all_fail (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  CoroFuture *futures[] = { fail_after (20), fail_after (10) };
  g_autoptr (CoroFuture) race = coro_race (futures, 2);
  g_autoptr (GError) local_error = NULL;

  g_assert_false (coro_await (race, NULL, &local_error));
  g_assert_error (local_error, CORO_GROUP_ERROR, CORO_GROUP_ERROR_FAILED);
  g_assert_cmpuint (coro_group_error_get_size (local_error), ==, 2);
  g_assert_cmpstr (coro_group_error_get_nth (local_error, 0)->message, ==, "busy 10");
  drop (futures, 2);
  return TRUE;
}

static gboolean
test_race_cancelled (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  CoroFuture *futures[] = { careful (30), careful (20) };
  g_autoptr (CoroFuture) race = coro_race (futures, 2);
  g_autoptr (GError) local_error = NULL;

  g_assert_true (coro_test_settle (error));
  g_assert_true (coro_future_cancel (race));
  g_assert_false (coro_future_is_done (race));
  g_assert_false (coro_await (race, NULL, &local_error));
  assert_cancelled (local_error);
  assert_trace ("cleaned cleaned");
  g_assert_false (coro_future_cancel (race));
  drop (futures, 2);
  return TRUE;
}

static gboolean
test_shield_cancelled (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroFuture) inner = after (10);
  g_autoptr (CoroFuture) outer = coro_future_shield (inner);
  g_autoptr (GError) local_error = NULL;

  g_assert_true (coro_future_cancel (outer));
  g_assert_false (coro_await (outer, NULL, &local_error));
  assert_cancelled (local_error);
  g_assert_cmpint (coro_await_int (inner, error), ==, 10);
  return TRUE;
}

static gboolean
test_shield_passes_on (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroFuture) good = after (10);
  g_autoptr (CoroFuture) bad = fail_after (10);
  g_autoptr (CoroFuture) good_shield = coro_future_shield (good);
  g_autoptr (CoroFuture) bad_shield = coro_future_shield (bad);
  g_autoptr (GError) local_error = NULL;

  g_assert_cmpint (coro_await_int (good_shield, error), ==, 10);
  g_assert_false (coro_await (bad_shield, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_BUSY);
  return TRUE;
}

static void
unhandled_cb (const GError  *error,
              const char    *name,
              const char    *spawned_at,
              gpointer       user_data,
              GError       **error_out)
{
  note (error->message);
}

/* A cancelled shield does not read the error that comes later: it is reported as unread. */
static gboolean
test_shield_error_is_reported (gpointer   user_data,
                               GValue    *result,
                               GError   **error)
{
  CoroFuture *inner = fail_after (10);
  g_autoptr (CoroFuture) outer = coro_future_shield (inner);

  coro_set_unhandled_func (NULL, unhandled_cb, NULL, NULL);
  coro_future_cancel (outer);
  g_object_unref (inner);
  g_assert_true (coro_sleep (20 * MILLISECOND, error));
  assert_trace ("busy 10");
  coro_set_unhandled_func (NULL, NULL, NULL, NULL);
  return TRUE;
}

static gboolean
test_gather_returns_errors (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  CoroFuture *futures[] = { after (10), fail_after (5), after (20) };
  g_autoptr (CoroFuture) gather = coro_gather_full (futures, 3, CORO_GATHER_RETURN_ERRORS);
  gint64 start = now ();

  g_assert_true (coro_await (gather, NULL, error));
  g_assert_cmpint (now () - start, ==, 20 * MILLISECOND);
  g_assert_nonnull (coro_future_get_error (futures[1]));
  g_assert_null (coro_future_get_error (futures[2]));
  drop (futures, 3);
  return TRUE;
}

static gboolean
test_gather_cancels_on_error (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  CoroFuture *futures[] = { careful (100), fail_after (5), after (200) };
  g_autoptr (CoroFuture) gather = coro_gather_full (futures, 3, CORO_GATHER_CANCEL_ON_ERROR);
  g_autoptr (GError) local_error = NULL;
  gint64 start = now ();

  g_assert_false (coro_await (gather, NULL, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_cmpint (now () - start, ==, 10 * MILLISECOND);
  assert_trace ("cleaned");
  g_assert_true (coro_future_is_done (futures[2]));
  drop (futures, 3);
  return TRUE;
}

static gboolean
nested_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_SUPERVISOR, error);

  coro_task_group_spawn (nursery.group, fail_after_cb, GINT_TO_POINTER (1), NULL);
  coro_task_group_spawn (nursery.group, fail_cb, "other", NULL);
  return coro_nursery_join (&nursery);
}

static gboolean
test_split (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GError) busy = NULL;
  g_autoptr (GError) rest = NULL;
  g_autoptr (GError) none = NULL;

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_SUPERVISOR, &local_error);

    coro_task_group_spawn (nursery.group, nested_cb, NULL, NULL);
    coro_task_group_spawn (nursery.group, fail_after_cb, GINT_TO_POINTER (5), NULL);
    g_assert_false (coro_nursery_join (&nursery));
  }

  g_assert_true (coro_group_error_split (local_error, G_IO_ERROR, G_IO_ERROR_BUSY, &busy, &rest));
  g_assert_cmpuint (coro_group_error_get_size (busy), ==, 2);                                           /* the nested one and busy 5 */
  g_assert_cmpuint (coro_group_error_get_size (coro_group_error_get_nth (busy, 0)), ==, 1);
  g_assert_cmpuint (coro_group_error_get_size (rest), ==, 1);
  g_assert_true (coro_group_error_matches (rest, G_IO_ERROR, G_IO_ERROR_FAILED));
  g_assert_false (coro_group_error_matches (rest, G_IO_ERROR, G_IO_ERROR_BUSY));

  g_assert_false (coro_group_error_split (rest, G_IO_ERROR, G_IO_ERROR_BUSY, &none, NULL));
  g_assert_null (none);
  return TRUE;
}

/* --- a context that has ended ------------------------------------------------------ */

typedef struct
{
  CoroFuture *done;             /* before its context has ended */
  CoroFuture *pending;          /* until afterwards */
} Orphans;

static gboolean
return_42_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  return coro_return_int (result, 42);
}

static gboolean
make_orphans_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  Orphans *self = user_data;

  self->done = CORO_FUTURE (coro_spawn_task (return_42_cb, NULL, NULL));
  self->pending = coro_future_new ();
  return coro_await (self->done, NULL, error);
}

static gpointer
orphans_thread (gpointer orphans)
{
  g_assert_true (coro_run (make_orphans_cb, orphans, NULL, NULL));
  return NULL;
}

static CoroFuture *
gather_one (CoroFuture *future)
{
  return coro_gather (&future, 1);
}

static CoroFuture *
race_one (CoroFuture *future)
{
  return coro_race (&future, 1);
}

static gpointer
complete_thread (gpointer orphans)
{
  Orphans *self = orphans;

  coro_future_resolve_int (self->pending, 43);
  g_object_unref (self->pending);
  return NULL;
}

static gboolean
await_orphans (CoroFuture *(*combine) (CoroFuture *future),
               GError     **error)
{
  Orphans orphans = { NULL, };
  g_autoptr (CoroFuture) done = NULL;
  g_autoptr (CoroFuture) pending = NULL;

  g_thread_join (g_thread_new ("orphans", orphans_thread, &orphans));
  done = combine (orphans.done);
  pending = combine (orphans.pending);
  if (!coro_wait_for (done, SECOND, NULL, error))
    return FALSE;

  g_thread_join (g_thread_new ("complete", complete_thread, &orphans));
  if (!coro_wait_for (pending, SECOND, NULL, error))
    return FALSE;
  g_object_unref (orphans.done);
  return TRUE;
}

static gboolean
test_orphans (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  return await_orphans (gather_one, error) && await_orphans (race_one, error) &&
         await_orphans (coro_future_shield, error);
}

static gboolean
test_as_completed_orphans (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  Orphans orphans = { NULL, };
  g_autoptr (CoroIterator) iterator = NULL;
  g_autoptr (GArray) values = NULL;
  GThread *thread;

  g_thread_join (g_thread_new ("orphans", orphans_thread, &orphans));
  iterator = coro_as_completed ((CoroFuture *[]) { orphans.done, orphans.pending }, 2);
  g_object_ref (orphans.pending);
  thread = g_thread_new ("complete", complete_thread, &orphans);
  values = coro_iterator_collect (iterator, error);
  g_thread_join (thread);
  if (values == NULL)
    return FALSE;

  g_assert_cmpuint (values->len, ==, 2);
  g_assert_true (g_value_get_object (&g_array_index (values, GValue, 0)) == orphans.done);
  g_object_unref (orphans.done);
  g_object_unref (orphans.pending);
  return TRUE;
}

/* A context is never iterated, and ends; what was made in it does not. */
static void
test_never_iterated (void)
{
  GMainContext *context = g_main_context_new ();
  g_autoptr (CoroFuture) inner = NULL;
  g_autoptr (CoroFuture) shield = NULL;
  g_autoptr (CoroFuture) gather = NULL;

  g_main_context_push_thread_default (context);
  inner = coro_future_new ();
  shield = coro_future_shield (inner);
  gather = coro_gather (&inner, 1);
  coro_future_resolve_int (inner, 1);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
  g_assert_cmpint (coro_future_get_state (shield), ==, CORO_FUTURE_RESOLVED);
  g_assert_cmpint (coro_future_get_state (gather), ==, CORO_FUTURE_RESOLVED);
}

typedef struct
{
  GMutex lock;
  GCond cond;
  CoroTask *task;               /* (nullable): it runs; guarded by lock */
  gboolean awaited;             /* guarded by lock */
} Lost;

static gpointer
lose_thread (gpointer user_data)
{
  Lost *self = user_data;
  GMainContext *context = g_main_context_new ();
  CoroTask *task;

  g_main_context_push_thread_default (context);
  task = coro_spawn_task (forever_cb, NULL, NULL);
  settle (context);
  g_mutex_lock (&self->lock);
  self->task = task;
  g_cond_signal (&self->cond);
  while (!self->awaited)
    g_cond_wait (&self->cond, &self->lock);
  g_mutex_unlock (&self->lock);

  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
  return NULL;
}

static void
let_end_cb (gpointer user_data)
{
  Lost *self = user_data;

  g_mutex_lock (&self->lock);
  self->awaited = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* A context ends with a coroutine that has not: what waits for that elsewhere is told. */
static void
test_lost_coroutine (void)
{
  if (g_test_subprocess ())
    {
      g_autoptr (GMainContext) context = g_main_context_new ();
      g_autoptr (CoroFuture) gather = NULL;
      Lost lost = { 0, };
      GThread *thread = g_thread_new ("lost", lose_thread, &lost);

      g_log_set_always_fatal (G_LOG_FATAL_MASK);        /* it is a critical, and the program goes on */
      g_mutex_lock (&lost.lock);
      while (lost.task == NULL)
        g_cond_wait (&lost.cond, &lost.lock);
      g_mutex_unlock (&lost.lock);

      g_main_context_push_thread_default (context);
      gather = coro_gather ((CoroFuture **) &lost.task, 1);
      coro_call_later (0, let_end_cb, &lost, NULL);
      while (!coro_future_is_done (gather))
        g_main_context_iteration (context, TRUE);
      g_main_context_pop_thread_default (context);
      g_thread_join (thread);
      g_assert_cmpstr (coro_future_get_error (gather)->message, ==,
                       "The main context has ended before the coroutine has");
      _exit (0);                /* what the coroutine holds is leaked */
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

/* --- what is dropped --------------------------------------------------------------- */

static CoroFuture *
cancel_on_error_one (CoroFuture *future)
{
  return coro_gather_full (&future, 1, CORO_GATHER_CANCEL_ON_ERROR);
}

static gboolean
test_dropped_leaves_nothing (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  CoroFuture *(*const combine[]) (CoroFuture *future) = { gather_one, cancel_on_error_one, race_one, coro_future_shield };

  for (guint i = 0; i < G_N_ELEMENTS (combine); i++)
    {
      CoroFuture *inner = coro_future_new ();
      CoroFuture *outer = combine[i] (inner);

      g_object_add_weak_pointer (G_OBJECT (inner), (gpointer *) &inner);
      g_object_add_weak_pointer (G_OBJECT (outer), (gpointer *) &outer);
      g_object_unref (inner);
      g_object_unref (outer);
      if (!coro_test_settle (error))
        return FALSE;
      g_assert_null (outer);
      g_assert_null (inner);
    }
  return TRUE;
}

/* A race and such a gather stop the others, also when their futures were dropped. */
static gboolean
test_dropped_goes_on (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  CoroFuture *racers[] = { careful (30), after (10) };
  CoroFuture *gathered[] = { careful (30), fail_after (10) };

  g_object_unref (coro_race (racers, 2));
  g_object_unref (coro_gather_full (gathered, 2, CORO_GATHER_CANCEL_ON_ERROR));
  if (!coro_sleep (20 * MILLISECOND, error))
    return FALSE;
  assert_trace ("cleaned cleaned");
  g_assert_cmpint (coro_future_get_state (racers[0]), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (coro_future_get_state (gathered[0]), ==, CORO_FUTURE_CANCELLED);
  g_assert_nonnull (coro_future_get_error (gathered[1]));
  drop (racers, 2);
  drop (gathered, 2);
  return TRUE;
}

/* Two combinations that share a member are both cancelled with what they belong to. */
static gboolean
test_cancel_shared (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  CoroFuture *pending = coro_future_new ();
  CoroFuture *shared = coro_gather (&pending, 1);
  CoroFuture *parts[] = { coro_gather (&shared, 1), coro_gather (&shared, 1) };
  CoroFuture *whole = coro_gather (parts, 2);

  g_assert_true (coro_future_cancel (whole));
  g_assert_true (coro_join (whole, error));
  g_assert_cmpint (coro_future_get_state (whole), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (coro_future_get_state (shared), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (coro_future_get_state (parts[0]), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (coro_future_get_state (parts[1]), ==, CORO_FUTURE_CANCELLED);
  drop (parts, 2);
  g_object_unref (whole);
  g_object_unref (shared);
  g_object_unref (pending);
  return TRUE;
}

static void
cancel_task_cb (CoroFuture  *future,
                gpointer     task,
                GError     **error)
{
  coro_task_cancel (task);
}

/* The one that is woken is cancelled in the same turn: the next in line gets the future. */
static gboolean
test_as_completed_goes_to_the_next (gpointer   user_data,
                                    GValue    *result,
                                    GError   **error)
{
  CoroFuture *futures[] = { coro_future_new (), coro_future_new () };
  g_autoptr (CoroIterator) completed = coro_as_completed (futures, 2);
  g_autoptr (CoroTask) first = NULL;
  g_autoptr (CoroTask) second = NULL;
  g_autoptr (CoroFuture) last = NULL;

  coro_test_keep_order (NULL);
  first = coro_spawn_task (next_future_cb, completed, NULL);
  second = coro_spawn_task (next_future_cb, completed, NULL);
  g_assert_true (coro_test_settle (error));
  coro_future_on_done (futures[1], cancel_task_cb, first, NULL);
  coro_future_resolve (futures[1], NULL);
  g_assert_true (coro_join (first, error));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (first)), ==, CORO_FUTURE_CANCELLED);
  g_assert_true (coro_await (second, NULL, error));

  coro_future_resolve (futures[0], NULL);
  g_assert_true (coro_iterator_next_object (completed, (gpointer *) &last, error));
  g_assert_true (last == futures[0]);
  drop (futures, 2);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_func ("/scope/wait/all", test_wait_all);
  coro_test_add_func ("/scope/wait/first-done-and-first-error", test_wait_first);
  coro_test_add_func ("/scope/wait/timeout-is-no-error", test_wait_timeout);
  coro_test_add_func ("/scope/wait/longest-timeout", test_wait_for_ever);
  coro_test_add_func ("/scope/wait/cancelled-leaves-them-alone", test_wait_cancelled);
  coro_test_add_func ("/scope/wait/nothing-is-an-error", test_wait_nothing);
  coro_test_add_func ("/scope/as-completed/order", test_as_completed);
  coro_test_add_func ("/scope/as-completed/done-in-time", test_as_completed_in_time);
  coro_test_add_func ("/scope/as-completed/abandoned", test_as_completed_abandoned);
  coro_test_add_func ("/as-completed/goes-to-the-next", test_as_completed_goes_to_the_next);
  coro_test_add_func ("/scope/as-completed/dropped-while-waiting", test_as_completed_dropped);
  coro_test_add_func ("/scope/race/first-success-and-losers-joined", test_race);
  coro_test_add_func ("/scope/race/all-fail", test_race_all_fail);
  coro_test_add_func ("/scope/race/cancelled", test_race_cancelled);
  coro_test_add_func ("/scope/shield-future/cancelled", test_shield_cancelled);
  coro_test_add_func ("/scope/shield-future/passes-on", test_shield_passes_on);
  coro_test_add_func ("/scope/shield-future/error-is-reported", test_shield_error_is_reported);
  coro_test_add_func ("/spec/S053-S054/gather-returns-errors", test_gather_returns_errors);
  coro_test_add_func ("/scope/gather/cancels-on-error", test_gather_cancels_on_error);
  coro_test_add_func ("/scope/gather/cancel-with-shared-member", test_cancel_shared);
  coro_test_add_func ("/scope/group-error/split-keeps-shape", test_split);
  coro_test_add_func ("/scope/ended-context/gather-race-shield", test_orphans);
  coro_test_add_func ("/scope/ended-context/as-completed", test_as_completed_orphans);
  g_test_add_func ("/scope/ended-context/never-iterated", test_never_iterated);
  g_test_add_func ("/scope/ended-context/lost-coroutine", test_lost_coroutine);
  coro_test_add_func ("/scope/dropped/leaves-nothing", test_dropped_leaves_nothing);
  coro_test_add_func ("/scope/dropped/goes-on", test_dropped_goes_on);

  return g_test_run ();
}
