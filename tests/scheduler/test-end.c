/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What becomes of that which is still to be done when a main context ends. */

#include "lib/context.h"

#include <unistd.h>

static void
note_future_cb (CoroFuture  *future,
                gpointer     text,
                GError     **error)
{
  note (text);
}

static void
note_free_cb (gpointer text)
{
  g_autofree char *line = g_strdup_printf ("~%s", (const char *) text);

  note (line);
}

/* A future of `context`, which is this thread's from now on. */
static CoroFuture *
future_new_in_claimed (GMainContext *context)
{
  claim_context (context);
  return future_new_in (context);
}

static void
test_ready_callbacks_are_freed (void)
{
  GMainContext *context = g_main_context_new ();
  CoroFuture *future = future_new_in_claimed (context);
  gpointer weak = future;

  g_object_add_weak_pointer (G_OBJECT (future), &weak);
  coro_future_on_done (future, note_future_cb, "a", note_free_cb);
  coro_future_on_done (future, note_future_cb, "b", note_free_cb);
  g_assert_true (coro_future_resolve_int (future, 1));
  assert_trace ("");

  g_main_context_unref (context);
  assert_trace ("~a ~b");
  g_object_unref (future);
  g_assert_null (weak);
}

static void
test_callbacks_taken_back_are_freed (void)
{
  GMainContext *context = g_main_context_new ();
  g_autoptr (CoroFuture) future = future_new_in_claimed (context);
  char text[] = "a";

  coro_future_on_done (future, note_future_cb, text, note_free_cb);
  g_assert_cmpuint (coro_future_remove_on_done (future, note_future_cb, text), ==, 1);
  assert_trace ("");

  g_main_context_unref (context);
  assert_trace ("~a");
}

/* The context was never iterated: all callbacks are still in the inbox. */
static void
test_callbacks_under_way_are_freed (void)
{
  GMainContext *context = g_main_context_new ();
  g_autoptr (CoroFuture) future = future_new_in (context);

  coro_future_on_done (future, note_future_cb, "a", note_free_cb);
  g_assert_true (coro_future_resolve_int (future, 1));
  coro_future_on_done (future, note_future_cb, "b", note_free_cb);

  g_main_context_unref (context);
  assert_trace ("~a ~b");
}

static void
test_late_callbacks_are_freed (void)
{
  GMainContext *context = g_main_context_new ();
  g_autoptr (CoroFuture) future = future_new_in_claimed (context);

  g_main_context_unref (context);
  coro_future_on_done (future, note_future_cb, "a", note_free_cb);
  assert_trace ("");
  g_assert_true (coro_future_resolve_int (future, 1));
  assert_trace ("~a");
  coro_future_on_done (future, note_future_cb, "b", note_free_cb);
  assert_trace ("~b");
}

static void
watch_again_cb (gpointer future)
{
  note ("~again");
  coro_future_on_done (future, note_future_cb, "late", note_free_cb);
}

static void
test_freeing_may_ask_again (void)
{
  GMainContext *context = g_main_context_new ();
  g_autoptr (CoroFuture) future = future_new_in_claimed (context);

  coro_future_on_done (future, note_future_cb, future, watch_again_cb);
  coro_future_on_done (future, note_future_cb, "b", note_free_cb);
  g_assert_true (coro_future_resolve_int (future, 1));

  g_main_context_unref (context);
  assert_trace ("~again ~b ~late");
}

static void
no_coroutine_free_cb (gpointer unused)
{
  note (coro_task_get_current () == NULL ? "~native" : "~coroutine");
}

/* A coroutine drops the last reference to the context.  The callbacks of others are freed on the
 * main stack, not on that of the coroutine. */
static gboolean
drop_context_cb (gpointer   context,
                 GValue    *result,
                 GError   **error)
{
  g_main_context_unref (context);
  return TRUE;
}

static void
test_frees_on_the_thread_stack (void)
{
  GMainContext *context = g_main_context_new ();
  g_autoptr (CoroFuture) future = future_new_in_claimed (context);
  g_autoptr (GError) error = NULL;

  coro_future_on_done (future, note_future_cb, NULL, no_coroutine_free_cb);
  g_assert_true (coro_future_resolve_int (future, 1));
  g_assert_true (coro_run (drop_context_cb, context, NULL, &error));
  g_assert_no_error (error);
  assert_trace ("~native");
}

/* No other thread holds a future that is dropped after the end: it is gone at once. */
static void
test_dropped_after_the_end (void)
{
  GMainContext *context = g_main_context_new ();
  CoroFuture *future = future_new_in_claimed (context);

  coro_future_on_done (future, note_future_cb, "callback", note_free_cb);
  g_object_set_data_full (G_OBJECT (future), "end", "future", note_free_cb);
  g_main_context_unref (context);
  assert_trace ("");
  g_object_unref (future);
  assert_trace ("~callback ~future");
}

/* An error that was not read before the end is reported after all. */
static void
test_unread_errors_are_said (void)
{
  GMainContext *context = g_main_context_new ();
  CoroTask *task;

  g_main_context_push_thread_default (context);
  task = coro_spawn_task (fail_cb, "alone", NULL);
  g_main_context_pop_thread_default (context);
  settle (context);
  g_object_unref (task);

  g_test_expect_message ("Coro", G_LOG_LEVEL_WARNING, "*failed, and its error was never retrieved: alone*");
  g_main_context_unref (context);
  g_test_assert_expected_messages ();
}

/* --- unfinished coroutines -------------------------------------------------------------- */

static gboolean
await_cb (gpointer   future,
          GValue    *result,
          GError   **error)
{
  return coro_await (future, NULL, error);
}

static gpointer
resolve_thread (gpointer future)
{
  g_assert_true (coro_future_resolve (future, NULL));
  return NULL;
}

/* A coroutine that will never run again waits for a future of another main context, which knows
 * nothing of that. */
static void
test_waits_for_future_of_another (void)
{
  GMainContext *context;
  g_autoptr (CoroFuture) here = NULL, there = NULL;
  gpointer scheduler;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }

  context = g_main_context_new ();
  here = coro_future_new ();
  there = coro_future_new ();
  g_main_context_push_thread_default (context);
  coro_spawn (await_cb, here, NULL);
  coro_spawn (await_cb, there, NULL);
  scheduler = coro_scheduler_ref_for_context (context);
  g_main_context_pop_thread_default (context);
  settle (context);
  g_object_add_weak_pointer (scheduler, &scheduler);
  g_object_unref (scheduler);

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*ended with 2 unfinished coroutines*");
  g_main_context_unref (context);
  g_test_assert_expected_messages ();
  g_assert_nonnull (scheduler);
  g_assert_true (coro_future_resolve (here, NULL));
  g_thread_join (g_thread_new ("resolves", resolve_thread, there));
  g_assert_true (coro_scheduler_is_closed (scheduler));
  _exit (0);                    /* what they hold is leaked */
}

#define N_LOST 20

typedef struct
{
  CoroTask *tasks[N_LOST];
  int ready;                    /* (atomic) */
} Lost;

static gboolean
wait_for_ever_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  return coro_sleep (G_TIME_SPAN_DAY, error);
}

static gpointer
ask_thread (gpointer user_data)
{
  Lost *lost = user_data;

  g_atomic_int_set (&lost->ready, TRUE);
  while (TRUE)
    {
      guint n_done = 0;

      for (guint i = 0; i < N_LOST; i++)
        {
          coro_task_cancel (lost->tasks[i]);
          coro_task_set_priority (lost->tasks[i], CORO_PRIORITY_LOW);
          n_done += coro_future_is_done (CORO_FUTURE (lost->tasks[i])) ? 1 : 0;
        }
      if (n_done == N_LOST)
        return NULL;
    }
}

/* While the context ends another thread asks for something that concerns the coroutines, which are
 * no more. */
static void
test_asked_while_jobs_are_lost (void)
{
  GMainContext *context;
  Lost lost = { { NULL, }, };
  GThread *thread;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }

  for (guint round = 0; round < 20; round++)
    {
      context = g_main_context_new ();
      lost.ready = FALSE;
      g_main_context_push_thread_default (context);
      for (guint i = 0; i < N_LOST; i++)
        lost.tasks[i] = coro_spawn_task (wait_for_ever_cb, NULL, NULL);
      g_main_context_pop_thread_default (context);
      settle (context);

      g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*ended with 20 unfinished coroutines*");
      thread = g_thread_new ("asks", ask_thread, &lost);
      while (!g_atomic_int_get (&lost.ready))
        g_thread_yield ();
      g_main_context_unref (context);
      g_thread_join (thread);
      g_test_assert_expected_messages ();
      for (guint i = 0; i < N_LOST; i++)
        {
          g_assert_true (coro_future_get_state (CORO_FUTURE (lost.tasks[i])) == CORO_FUTURE_CANCELLED);
          g_object_unref (lost.tasks[i]);
        }
    }
  _exit (0);                    /* what they hold is leaked */
}

/* --- between the last reference and the end ------------------------------------------- */

/* Sources before and after that of the scheduler, whose ends are in the midst of the context's. */
typedef struct
{
  GSource source;
  CoroScheduler *scheduler;
} LastSource;

static gpointer
after_close_thread (gpointer scheduler)
{
  coro_scheduler_call_soon (scheduler, call_nothing_cb, "late", note_free_cb);
  return NULL;
}

static void
last_source_finalize (GSource *source)
{
  note ("source");
  g_thread_join (g_thread_new ("late", after_close_thread, ((LastSource *) source)->scheduler));
}

static GSourceFuncs last_source_funcs = { .finalize = last_source_finalize };

static GSource *
last_source_attach (GMainContext *context)
{
  g_autoptr (GSource) source = g_source_new (&last_source_funcs, sizeof (LastSource));

  g_source_attach (source, context);
  return source;
}

/* Another thread asks for something when the context has no references any more and the scheduler
 * does not know: GLib would say that it must not be woken. */
static void
test_asked_in_the_midst_of_the_end (void)
{
  GMainContext *context = g_main_context_new ();
  LastSource *before = (LastSource *) last_source_attach (context);
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (context);
  LastSource *after = (LastSource *) last_source_attach (context);

  before->scheduler = after->scheduler = scheduler;
  settle (context);
  g_main_context_unref (context);
  g_assert_true (coro_scheduler_is_closed (scheduler));
  assert_trace ("source ~late source ~late");
}

/* A context that is this thread's, and has a scheduler. */
static CoroScheduler *
scheduler_new_in (GMainContext *context)
{
  CoroScheduler *scheduler;

  g_main_context_push_thread_default (context);
  scheduler = coro_scheduler_ref_for_context (context);
  settle (context);
  g_main_context_pop_thread_default (context);
  return scheduler;
}

static gpointer
ask_late_cb (gpointer scheduler)
{
  coro_scheduler_call_soon (scheduler, call_nothing_cb, NULL, NULL);
  return NULL;
}

static void
join_late_member_cb (gpointer scheduler)
{
  g_thread_join (g_thread_new ("late", ask_late_cb, scheduler));
  note ("joined");
}

/* What is freed at the end of one context may wait for a thread that asks for a call in another
 * context, which has ended already. */
static void
test_freeing_may_wait_after_the_close (void)
{
  GMainContext *contexts[] = { g_main_context_new (), g_main_context_new () };
  g_autoptr (CoroScheduler) ended = scheduler_new_in (contexts[0]);
  g_autoptr (CoroScheduler) ending = scheduler_new_in (contexts[1]);

  g_main_context_unref (contexts[0]);
  g_assert_true (coro_scheduler_is_closed (ended));
  coro_scheduler_call_later (ending, SECOND, call_nothing_cb, ended, join_late_member_cb);
  settle (contexts[1]);
  g_main_context_unref (contexts[1]);
  assert_trace ("joined");
}

static gpointer
ask_as_soon_as_it_ends_cb (gpointer scheduler)
{
  while (!coro_scheduler_is_closed (scheduler))
    ;
  for (int i = 0; i < 100; i++)
    ask_late_cb (scheduler);
  return NULL;
}

/* Calls that were to come are given up by the thread that ends the context and by no other. */
static void
test_calls_to_come_among_threads (void)
{
  for (int i = 0; i < (is_slow () ? 3 : 20); i++)
    {
      GMainContext *context = g_main_context_new ();
      g_autoptr (CoroScheduler) scheduler = scheduler_new_in (context);
      int n_freed = 0;
      GThread *thread;

      for (int k = 0; k < 2000; k++)
        coro_scheduler_call_later (scheduler, 1000 * SECOND, call_nothing_cb, &n_freed, count_cb);
      settle (context);
      thread = g_thread_new ("asks", ask_as_soon_as_it_ends_cb, scheduler);
      g_main_context_unref (context);
      g_thread_join (thread);
      g_assert_cmpint (n_freed, ==, 2000);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/scheduler/end/ready-callbacks-are-freed", test_ready_callbacks_are_freed);
  g_test_add_func ("/scheduler/end/callbacks-taken-back-are-freed", test_callbacks_taken_back_are_freed);
  g_test_add_func ("/scheduler/end/callbacks-under-way-are-freed", test_callbacks_under_way_are_freed);
  g_test_add_func ("/scheduler/end/late-callbacks-are-freed", test_late_callbacks_are_freed);
  g_test_add_func ("/scheduler/end/freeing-may-ask-again", test_freeing_may_ask_again);
  g_test_add_func ("/scheduler/end/frees-on-the-thread-stack", test_frees_on_the_thread_stack);
  g_test_add_func ("/scheduler/end/dropped-after-the-end", test_dropped_after_the_end);
  g_test_add_func ("/scheduler/end/unread-errors-are-said", test_unread_errors_are_said);
  g_test_add_func ("/scheduler/end/waits-for-future-of-another", test_waits_for_future_of_another);
  g_test_add_func ("/scheduler/end/asked-while-jobs-are-lost", test_asked_while_jobs_are_lost);
  g_test_add_func ("/scheduler/end/asked-in-the-midst-of-it", test_asked_in_the_midst_of_the_end);
  g_test_add_func ("/scheduler/end/freeing-may-wait-after-the-close", test_freeing_may_wait_after_the_close);
  g_test_add_func ("/scheduler/end/calls-to-come-among-threads", test_calls_to_come_among_threads);

  return g_test_run ();
}
