/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "debug/debug-util.h"
#include "lib/no-threads.h"

#include <signal.h>

/* Blocks until the watchdog has said so, which it can do only while we block. */
NOT_MERGED static gboolean
hog_the_thread (const char *text)
{
  gint64 end = g_get_monotonic_time () + 20 * SECOND;

  while (count_logged (text) == 0 && g_get_monotonic_time () < end)
    g_usleep (1000);
  return count_logged (text) > 0;
}

static gboolean
hog_cb (gpointer   user_data,
        GValue    *result,
        GError   **error)
{
  g_assert_true (hog_the_thread ("has blocked its thread"));
  return TRUE;
}

static gboolean
watched_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  g_autoptr (CoroTask) task = NULL;

  coro_scheduler_set_watchdog_threshold (scheduler (), 20 * MILLISECOND);
  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_WATCHDOG);
  task = coro_spawn_task (hog_cb, NULL, NULL);
  coro_task_set_name (task, "bad");
  return coro_await (task, NULL, error);
}

G_GNUC_UNUSED static void
test_names_the_blocking_function (void)
{
  g_autoptr (GError) error = NULL;

  begin_log ();
  coro_run (watched_cb, NULL, NULL, &error);
  g_assert_no_error (error);

  assert_logged ("<CoroTask 'bad' spawned at hog_cb (", 1);
  assert_logged ("has blocked its thread", 1);
  assert_logged ("    hog_the_thread+0x", 1);
  assert_logged ("    hog_cb+0x", 1);
  end_log ();
}

typedef struct
{
  gboolean waits;               /* after it was busy */
  CoroTask *task;
  int cancelled;                /* (atomic) */
} Deaf;

/* Busy until it was named and cancelled, and some time after that. */
static gboolean
deaf_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Deaf *self = user_data;

  g_assert_true (hog_the_thread ("<CoroTask 'bad' spawned at deaf_cb ("));
  while (!g_atomic_int_get (&self->cancelled))
    spin (MILLISECOND);
  spin (20 * MILLISECOND);
  /* A coroutine that only yields may have another turn before the scheduler reads its messages. */
  if (self->waits && !coro_sleep (MILLISECOND, error))
    return FALSE;
  return coro_return_string (result, "to its end");
}

/* The request comes from another thread: in the thread of the busy coroutine nothing else gets a
 * turn. */
static gpointer
cancel_main (gpointer user_data)
{
  Deaf *self = user_data;

  while (count_logged ("<CoroTask 'bad' spawned at deaf_cb (") == 0)    /* a slow machine may have named its spawner */
    g_thread_yield ();
  g_assert_true (coro_task_cancel (self->task));
  g_atomic_int_set (&self->cancelled, TRUE);
  return NULL;
}

static gboolean
run_deaf_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Deaf *deaf = user_data;
  GThread *thread;

  coro_scheduler_set_watchdog_threshold (scheduler (), 20 * MILLISECOND);
  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_WATCHDOG);
  deaf->task = coro_spawn_task (deaf_cb, deaf, NULL);
  coro_task_set_name (deaf->task, "bad");
  thread = g_thread_new ("cancel", cancel_main, deaf);
  g_assert_true (coro_join (deaf->task, error));
  g_thread_join (thread);
  return TRUE;
}

/* Nothing can stop a coroutine that does not wait; it can only be named.  A request that
 * comes while it is busy has no effect on it, ever. */
static void
test_busy_coroutine_is_not_interrupted (void)
{
  Deaf deaf = { .waits = FALSE };
  g_autoptr (GError) error = NULL;

  begin_log ();
  coro_run (run_deaf_cb, &deaf, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (deaf.task)), ==, CORO_FUTURE_RESOLVED);
  assert_logged ("<CoroTask 'bad' spawned at deaf_cb (", 1);
  g_object_unref (deaf.task);
  end_log ();
}

/* The same request reaches the first wait. */
static void
test_busy_coroutine_is_cancelled_where_it_waits (void)
{
  Deaf deaf = { .waits = TRUE };
  g_autoptr (GError) error = NULL;

  begin_log ();
  coro_run (run_deaf_cb, &deaf, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (deaf.task)), ==, CORO_FUTURE_CANCELLED);
  g_object_unref (deaf.task);
  end_log ();
}

static gboolean
idle_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  coro_scheduler_set_watchdog_threshold (scheduler (), 20 * MILLISECOND);
  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_WATCHDOG);
  return coro_sleep (200 * MILLISECOND, error);
}

static void
test_waiting_is_not_blocking (void)
{
  g_autoptr (GError) error = NULL;

  begin_log ();
  coro_run (idle_cb, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_logged ("has blocked", 0);
  end_log ();
}

static gboolean
silent_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  sigset_t mask, old;

  sigfillset (&mask);
  g_assert_cmpint (pthread_sigmask (SIG_BLOCK, &mask, &old), ==, 0);
  g_assert_true (hog_the_thread ("has blocked its thread"));
  g_assert_cmpint (pthread_sigmask (SIG_SETMASK, &old, NULL), ==, 0);
  return TRUE;
}

static gboolean
run_silent_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (CoroTask) next = NULL;

  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_WATCHDOG);
  coro_scheduler_set_watchdog_threshold (scheduler (), 20 * MILLISECOND);
  task = coro_spawn_task (silent_cb, NULL, NULL);
  if (!coro_await (task, NULL, error))
    return FALSE;
  assert_logged ("and the thread does not say where", 1);

  /* The late answer is not taken for the next one. */
  g_string_truncate (log_text, 0);
  next = coro_spawn_task (hog_cb, NULL, NULL);
  coro_task_set_name (next, "next");
  if (!coro_await (next, NULL, error))
    return FALSE;
  assert_logged ("<CoroTask 'next' spawned at hog_cb (", 1);
  return TRUE;
}

/* A thread that has blocked all signals is not named, and not waited for. */
static void
test_thread_that_does_not_answer (void)
{
  g_autoptr (GError) error = NULL;

  begin_log ();
  coro_run (run_silent_cb, NULL, NULL, &error);
  g_assert_no_error (error);
  end_log ();
}

static gboolean
no_thread_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  forbid_threads (TRUE);
  coro_scheduler_set_debug (scheduler (), CORO_DEBUG_WATCHDOG);
  forbid_threads (FALSE);
  assert_logged ("No thread looks for coroutines that block: ", 1);

  /* It is tried again by the next call. */
  coro_scheduler_set_watchdog_threshold (scheduler (), 20 * MILLISECOND);
  assert_logged ("No thread looks for coroutines that block: ", 1);
  return hog_cb (NULL, NULL, NULL);
}

/* Whatever was watched before has ended with its thread. */
static void
test_no_thread (void)
{
  g_autoptr (GError) error = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }

  begin_log ();
  coro_run (no_thread_cb, NULL, NULL, &error);
  g_assert_no_error (error);
  end_log ();
}

/* The first one that is watched is the last one of the list. */
static void
test_several_schedulers (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContext) other_context = g_main_context_new ();
  g_autoptr (CoroScheduler) other = coro_scheduler_ref_for_context (other_context);
  CoroScheduler *first = coro_scheduler_ref_for_context (context);
  g_autoptr (GError) error = NULL;

  coro_scheduler_set_debug (first, CORO_DEBUG_WATCHDOG);
  coro_scheduler_set_debug (other, CORO_DEBUG_WATCHDOG);
  g_object_unref (first);
  g_clear_pointer (&context, g_main_context_unref);

  begin_log ();
  coro_run (watched_cb, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_logged ("<CoroTask 'bad' spawned at hog_cb (", 1);
  end_log ();
  coro_scheduler_set_debug (other, CORO_DEBUG_NONE);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("The watchdog shows where a thread is blocked while it is blocked");

  /* The thread sanitizer delivers signals when it likes, on a stack it does not unwind. */
#ifndef __SANITIZE_THREAD__
  g_test_add_func ("/spec/S139-S236/names-the-blocking-function", test_names_the_blocking_function);
#endif
  g_test_add_func ("/spec/S236/busy-coroutine-is-not-interrupted", test_busy_coroutine_is_not_interrupted);
  g_test_add_func ("/spec/S236/busy-coroutine-is-cancelled-where-it-waits", test_busy_coroutine_is_cancelled_where_it_waits);
  g_test_add_func ("/spec/S139/waiting-is-not-blocking", test_waiting_is_not_blocking);
  g_test_add_func ("/debug/watchdog/thread-that-does-not-answer", test_thread_that_does_not_answer);
  g_test_add_func ("/debug/watchdog/no-thread", test_no_thread);
  g_test_add_func ("/debug/watchdog/several-schedulers", test_several_schedulers);

  return g_test_run ();
}
