/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A child is forked while other threads hold locks of the library, and has the use of all of them.
 */
#include "config.h"

#include "test-util.h"

#include "base/coro-fork-private.h"
#include "scheduler/coro-scheduler-private.h"

#include <sys/wait.h>
#include <unistd.h>

#define N_FORKS 20
/* Calls that are on their way at the most. */
#define N_CALLS 1000

CORO_FORK_LOCK (lock, CORO_FORK_LAST)
static CoroObjectLock object_lock;
static int stop;                /* (atomic) */

/* Each child does `func`, and has to come to its end. */
static void
fork_often (int (*func) (void))
{
  for (int i = 0; i < N_FORKS; i++)
    {
      pid_t child = fork ();
      int status;

      g_assert_cmpint (child, >=, 0);
      if (child == 0)
        {
          alarm (10);
          _exit (func ());
        }
      g_assert_cmpint (waitpid (child, &status, 0), ==, child);
      g_assert_true (WIFEXITED (status));
      g_assert_cmpint (WEXITSTATUS (status), ==, 42);
    }
}

static gpointer
hold_thread (gpointer data)
{
  while (!g_atomic_int_get (&stop))
    {
      g_mutex_lock (&lock);
      coro_object_lock_take (&object_lock);
      for (int i = 0; i < 1000 && !g_atomic_int_get (&stop); i++)
        continue;
      coro_object_lock_release (&object_lock);
      g_mutex_unlock (&lock);
    }
  return NULL;
}

static int
take_locks (void)
{
  g_mutex_lock (&lock);
  coro_object_lock_take (&object_lock);
  coro_object_lock_release (&object_lock);
  coro_object_lock_clear (&object_lock);
  g_mutex_unlock (&lock);
  return 42;
}

/* A lock that is reset in the child is nearly always held; a lock that fork() takes never is. */
static void
test_locks_are_free (void)
{
  GThread *thread;

  g_atomic_int_set (&stop, FALSE);
  coro_object_lock_init (&object_lock);
  thread = g_thread_new ("holder", hold_thread, NULL);
  fork_often (take_locks);
  g_atomic_int_set (&stop, TRUE);
  g_thread_join (thread);
  coro_object_lock_clear (&object_lock);
}

static int n_calls;             /* (atomic): on their way */

static void
called_cb (gpointer user_data)
{
  g_atomic_int_add (&n_calls, -1);
}

static gpointer
call_thread (gpointer scheduler)
{
  while (!g_atomic_int_get (&stop))
    if (g_atomic_int_get (&n_calls) < N_CALLS)
      {
        g_atomic_int_inc (&n_calls);
        coro_scheduler_call_soon (scheduler, called_cb, NULL, NULL);
      }
  return NULL;
}

static GMainContext *context;
static CoroScheduler *target;

static int
call_myself (void)
{
  int n_before = g_atomic_int_get (&n_calls);

  for (int i = 0; i < 10; i++)
    {
      g_atomic_pointer_set (&target->thread, 0);        /* as another thread does: by the inbox */
      coro_scheduler_call_soon (target, called_cb, NULL, NULL);
    }
  settle (context);
  return g_atomic_int_get (&n_calls) < n_before ? 42 : 1;
}

/* Threads wake a scheduler all the time. */
static void
test_woken_by_threads (void)
{
  GThread *threads[2];

  g_atomic_int_set (&stop, FALSE);
  context = g_main_context_new ();
  target = coro_scheduler_ref_for_context (context);
  g_main_context_iteration (context, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("caller", call_thread, target);

  for (int i = 0; i < 10; i++)
    {
      g_main_context_iteration (context, FALSE);
      fork_often (call_myself);
    }

  g_atomic_int_set (&stop, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  settle (context);
  g_assert_cmpint (n_calls, ==, 0);
  g_object_unref (target);
  g_main_context_unref (context);
}

/* A thread acts for the scheduler, which has ended. */
static void
act_cb (CoroMessage *message)
{
  g_atomic_int_set (&n_calls, 1);
  while (!g_atomic_int_get (&stop))
    g_thread_yield ();
}

static gpointer
act_thread (gpointer data)
{
  CoroMessage message = { .handle = act_cb };

  coro_scheduler_post (target, &message);
  return NULL;
}

static void
handled_cb (CoroMessage *message)
{
  g_atomic_int_inc (&n_calls);
}

static int
post_to_ended (void)
{
  CoroMessage message = { .handle = handled_cb };

  coro_scheduler_post (target, &message);
  return g_atomic_int_get (&n_calls) == 2 ? 42 : 1;
}

/* The child does not have that thread, and acts by itself. */
static void
test_thread_that_acted (void)
{
  GThread *thread;

  g_atomic_int_set (&stop, FALSE);
  g_atomic_int_set (&n_calls, 0);
  context = g_main_context_new ();
  target = coro_scheduler_ref_for_context (context);
  g_main_context_unref (context);
  g_assert_true (coro_scheduler_is_closed (target));
  thread = g_thread_new ("actor", act_thread, NULL);
  while (g_atomic_int_get (&n_calls) == 0)
    g_thread_yield ();

  fork_often (post_to_ended);

  g_atomic_int_set (&stop, TRUE);
  g_thread_join (thread);
  g_object_unref (target);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#ifndef __SANITIZE_THREAD__     /* which lets no child of several threads have one */
  if (g_getenv ("CORO_TEST_VALGRIND") == NULL)  /* which looks for leaks in the child */
    {
      g_test_add_func ("/scheduler/fork/locks-are-free", test_locks_are_free);
      g_test_add_func ("/scheduler/fork/woken-by-threads", test_woken_by_threads);
      g_test_add_func ("/scheduler/fork/thread-that-acted-for-an-ended-scheduler", test_thread_that_acted);
    }
#endif
  return g_test_run ();
}
