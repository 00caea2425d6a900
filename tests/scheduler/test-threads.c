/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What other threads hand over.
 */
#include "test-util.h"

#include <unistd.h>

#define N_THREADS 4

typedef struct
{
  CoroTaskGroup *group;
  GThread *owner;
  int n_ran;
  int last[N_THREADS];
  gboolean in_order;
} Spawns;

typedef struct
{
  Spawns *spawns;
  int thread;
  int number;
} Spawn;

static gboolean
spawned_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  Spawn *self = user_data;

  g_assert_true (g_thread_self () == self->spawns->owner);
  if (self->number != self->spawns->last[self->thread] + 1)
    self->spawns->in_order = FALSE;
  self->spawns->last[self->thread] = self->number;
  self->spawns->n_ran++;
  return TRUE;
}

static gpointer
spawner_thread (gpointer data)
{
  Spawn *first = data;

  for (int i = 1; i <= 1000; i++)
    {
      Spawn *spawn = g_new (Spawn, 1);

      *spawn = *first;
      spawn->number = i;
      coro_task_group_spawn (first->spawns->group, spawned_cb, spawn, g_free);
    }
  return NULL;
}

static void
test_spawn_from_threads (void)
{
  Spawns self = { .owner = g_thread_self (), .in_order = TRUE };
  Spawn first[N_THREADS];
  GThread *threads[N_THREADS];
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  self.group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  g_main_context_pop_thread_default (context);
  for (int i = 0; i < N_THREADS; i++)
    {
      first[i] = (Spawn) { &self, i, 0 };
      threads[i] = g_thread_new ("spawner", spawner_thread, &first[i]);
    }
  while (self.n_ran < N_THREADS * 1000)
    g_main_context_iteration (context, TRUE);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  settle (context);
  g_assert_cmpint (self.n_ran, ==, N_THREADS * 1000);
  g_assert_true (self.in_order);
  g_object_unref (self.group);
}

typedef struct
{
  CoroFuture *future;
  int value;
} Resolve;

static gpointer
resolver_thread (gpointer data)
{
  Resolve *self = data;

  coro_future_resolve_int (self->future, self->value);
  return NULL;
}

/* The loop blocks in poll without any timer; only the other thread can wake it. */
static gboolean
wakes_blocked_loop_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  for (int i = 0; i < 100; i++)
    {
      g_autoptr (CoroFuture) future = coro_future_new ();
      Resolve resolve = { future, i };
      GThread *thread = g_thread_new ("resolver", resolver_thread, &resolve);
      int value = coro_await_int (future, error);

      g_thread_join (thread);
      g_assert_cmpint (value, ==, i);
    }
  return TRUE;
}

static void
test_wakes_blocked_loop (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_run (wakes_blocked_loop_cb, NULL, NULL, &error));
  g_assert_no_error (error);
}

static gboolean
own_current_task_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  CoroTask *task = coro_task_get_current ();
  CoroScheduler *scheduler = coro_scheduler_get_running ();

  for (int i = 0; i < 200; i++)
    {
      if (!coro_sleep (100, error))
        return FALSE;
      g_assert_true (coro_task_get_current () == task);
      g_assert_true (coro_scheduler_get_running () == scheduler);
    }
  return coro_return_int (result, GPOINTER_TO_INT (user_data));
}

static gpointer
runner_thread (gpointer data)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_run (own_current_task_cb, data, &value, &error));
  g_assert_null (coro_scheduler_get_running ());
  return GINT_TO_POINTER (g_value_get_int (&value));
}

static void
test_a_loop_per_thread (void)
{
  GThread *threads[N_THREADS];

  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("runner", runner_thread, GINT_TO_POINTER (i));
  for (int i = 0; i < N_THREADS; i++)
    g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (threads[i])), ==, i);
}

/* A thread starts and ends a loop again and again while another one spawns into it. */
static gboolean
wait_for_message_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  CoroFuture *future = coro_future_new ();
  Resolve resolve = { future, 1 };
  GThread *thread = g_thread_new ("resolver", resolver_thread, &resolve);
  gboolean ok = coro_await (future, NULL, error);

  g_thread_join (thread);
  g_object_unref (future);
  return ok;
}

static void
test_loop_ends_as_message_comes (void)
{
  for (int i = 0; i < 200; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_true (coro_run (wait_for_message_cb, NULL, NULL, &error));
    }
}

/* --- a context that another thread iterates ----------------------------------------- */

typedef struct
{
  GMainContext *context;        /* (owned) */
  GMutex lock;
  GCond changed;
  gboolean rests;               /* the owner; guarded by lock */
  gboolean goes_on;             /* that; guarded by lock */
  gboolean ended;               /* the coroutine */
} Moved;

static gboolean
moved_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Moved *self = user_data;

  if (!coro_sleep (1000, error))
    return FALSE;
  self->ended = TRUE;
  return TRUE;
}

static gpointer
moved_thread (gpointer data)
{
  Moved *self = data;

  g_main_context_push_thread_default (self->context);
  coro_spawn (moved_cb, self, NULL);
  g_main_context_iteration (self->context, FALSE);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

/* The thread has ended.  Another thread that iterates its context gets one warning, and does not
 * spin because of a timer that it cannot serve. */
static void
test_moved_from_ended_thread (void)
{
  Moved self = { g_main_context_new (), };

  if (!g_test_subprocess ())
    {
      g_main_context_unref (self.context);
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }

  g_thread_join (g_thread_new ("owner", moved_thread, &self));
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*context with 1 coroutines has moved to another thread*");
  g_main_context_iteration (self.context, FALSE);
  g_test_assert_expected_messages ();
  g_usleep (2000);              /* it is due by now */
  for (int i = 0; i < 100; i++)
    g_assert_false (g_main_context_iteration (self.context, FALSE));
  g_assert_false (g_main_context_pending (self.context));
  g_assert_false (self.ended);

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*ended with 1 unfinished coroutines*");
  g_main_context_unref (self.context);
  g_test_assert_expected_messages ();
  _exit (0);                    /* what it holds is leaked */
}

static gpointer
resting_thread (gpointer data)
{
  Moved *self = data;

  moved_thread (self);
  g_mutex_lock (&self->lock);
  self->rests = TRUE;
  g_cond_signal (&self->changed);
  while (!self->goes_on)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);

  while (!self->ended)
    g_main_context_iteration (self->context, TRUE);
  return NULL;
}

/* They go on when their own thread iterates again, and elsewhere once they have ended. */
static void
test_moved_and_back (void)
{
  Moved self = { g_main_context_new (), };
  GThread *thread;

  g_mutex_init (&self.lock);
  g_cond_init (&self.changed);
  thread = g_thread_new ("owner", resting_thread, &self);
  g_mutex_lock (&self.lock);
  while (!self.rests)
    g_cond_wait (&self.changed, &self.lock);
  g_mutex_unlock (&self.lock);

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*context with 1 coroutines has moved to another thread*");
  for (int i = 0; i < 10; i++)
    g_main_context_iteration (self.context, FALSE);
  g_test_assert_expected_messages ();
  g_assert_false (self.ended);

  g_mutex_lock (&self.lock);
  self.goes_on = TRUE;
  g_cond_signal (&self.changed);
  g_mutex_unlock (&self.lock);
  g_thread_join (thread);

  self.ended = FALSE;
  g_main_context_push_thread_default (self.context);
  coro_spawn (moved_cb, &self, NULL);
  g_main_context_pop_thread_default (self.context);
  while (!self.ended)
    g_main_context_iteration (self.context, TRUE);
  settle (self.context);
  g_main_context_unref (self.context);
  g_mutex_clear (&self.lock);
  g_cond_clear (&self.changed);
}

static gboolean
nothing_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return TRUE;
}

static gpointer
use_runner_thread (gpointer runner)
{
  g_autoptr (GError) error = NULL;

  coro_runner_run (runner, nothing_cb, NULL, NULL, &error);
  return g_steal_pointer (&error);
}

/* The second thread most likely has the addresses of the first one, and is another all the same. */
static void
test_thread_is_not_its_address (void)
{
  g_autoptr (CoroRunner) runner = coro_runner_new ();
  g_autoptr (GError) error = NULL;

  g_assert_null (g_thread_join (g_thread_new ("first", use_runner_thread, runner)));
  error = g_thread_join (g_thread_new ("second", use_runner_thread, runner));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_PROTOCOL);
  coro_runner_close (runner);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/spec/S104/spawned-from-threads-run-on-the-owner", test_spawn_from_threads);
  g_test_add_func ("/spec/S165/wakes-a-blocked-loop", test_wakes_blocked_loop);
  g_test_add_func ("/spec/S238/a-loop-per-thread", test_a_loop_per_thread);
  g_test_add_func ("/scheduler/threads/loop-ends-as-message-comes", test_loop_ends_as_message_comes);

  g_test_add_func ("/scheduler/threads/moved-from-ended-thread", test_moved_from_ended_thread);
  g_test_add_func ("/scheduler/threads/moved-and-back", test_moved_and_back);
  g_test_add_func ("/scheduler/threads/thread-is-not-its-address", test_thread_is_not_its_address);
  return g_test_run ();
}
