/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Functions that the scheduler calls, and those that are called off.
 */
#include "lib/bodies.h"

#include <string.h>

static int n_freed;

static void
note_call_cb (gpointer name)
{
  note (name);
}

static void
note_free_cb (gpointer name)
{
  g_autofree char *text = g_strconcat ("~", name, NULL);

  note (text);
  n_freed++;
}

static void
note_time_cb (gpointer started)
{
  g_autofree char *text = g_strdup_printf ("%d", (int) ((now () - *(gint64 *) started) / MILLISECOND));

  note (text);
}

/* --- order and time ------------------------------------------------------------------ */

static void
ask_for_d_cb (gpointer name)
{
  note (name);
  coro_call_soon (note_call_cb, "d", NULL);
}

static gboolean
test_in_order (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  coro_call_soon (ask_for_d_cb, "a", note_free_cb);
  coro_call_soon (note_call_cb, "b", note_free_cb);
  coro_call_soon (note_call_cb, "c", note_free_cb);
  assert_trace ("");
  g_assert_true (coro_test_settle (error));
  assert_trace ("a ~a b ~b c ~c d");
  return TRUE;
}

static gboolean
test_at_their_times (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  gint64 started = now ();

  coro_call_later (30 * MILLISECOND, note_time_cb, &started, NULL);
  coro_call_at (started + 20 * MILLISECOND, note_time_cb, &started, NULL);
  coro_call_later (10 * MILLISECOND, note_time_cb, &started, NULL);
  coro_call_later (-SECOND, note_time_cb, &started, NULL);
  coro_call_at (started - SECOND, note_time_cb, &started, NULL);
  g_assert_true (coro_test_settle (error));
  assert_trace ("0 0");
  g_assert_true (coro_sleep (SECOND, error));
  assert_trace ("10 20 30");
  return TRUE;
}

static gboolean
test_equal_times (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  gint64 started = now ();

  coro_call_later (10 * MILLISECOND, note_call_cb, "a", NULL);
  coro_call_at (started + 10 * MILLISECOND, note_call_cb, "b", NULL);
  coro_call_later (10 * MILLISECOND, note_call_cb, "c", NULL);
  g_assert_true (coro_sleep (SECOND, error));
  assert_trace ("a b c");
  return TRUE;
}

static void
test_never (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  CoroScheduler *scheduler = coro_scheduler_ref_for_context (context);

  n_freed = 0;
  coro_scheduler_call_later (scheduler, G_MAXINT64, note_call_cb, "a", note_free_cb);
  coro_scheduler_call_at (scheduler, G_MAXINT64, note_call_cb, "b", note_free_cb);
  settle (context);
  assert_trace ("");
  g_object_unref (scheduler);
  g_clear_pointer (&context, g_main_context_unref);
  g_assert_cmpint (n_freed, ==, 2);
  assert_trace ("~b ~a");
}

/* --- what a call may do -------------------------------------------------------------- */

static void
spawn_call_cb (gpointer name)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (coro_sleep (SECOND, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  coro_spawn (note_cb, name, NULL);
  note ("spawned");
}

static gboolean
test_spawns_and_cannot_wait (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  coro_call_soon (spawn_call_cb, "a", NULL);
  g_assert_true (coro_test_settle (error));
  assert_trace ("spawned a");
  return TRUE;
}

static CoroContextVar *variable;

static void
note_and_set_variable_cb (gpointer user_data)
{
  note (coro_context_var_get_string (variable));
  coro_context_var_set_string (variable, "in the call");
}

static gboolean
test_context_of_the_asker (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_auto (GValue) fallback = G_VALUE_INIT;

  g_value_init (&fallback, G_TYPE_STRING);
  g_value_set_static_string (&fallback, "fallback");
  variable = coro_context_var_new ("variable", G_TYPE_STRING, &fallback);
  coro_call_soon (note_and_set_variable_cb, NULL, NULL);
  coro_context_var_set_string (variable, "1");
  coro_call_later (MILLISECOND, note_and_set_variable_cb, NULL, NULL);
  coro_context_var_set_string (variable, "2");
  g_assert_true (coro_sleep (SECOND, error));
  assert_trace ("fallback 1");
  g_assert_cmpstr (coro_context_var_get_string (variable), ==, "2");
  coro_context_var_free (variable);
  return TRUE;
}

/* --- called off ---------------------------------------------------------------------- */

static gboolean
test_cancelled_handle (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  guint64 id = coro_call_later (50 * MILLISECOND, note_call_cb, "a", note_free_cb);

  g_assert_true (coro_sleep (10 * MILLISECOND, error));
  g_assert_true (coro_call_cancel (id));
  assert_trace ("");
  g_assert_true (coro_test_settle (error));
  assert_trace ("~a");
  g_assert_true (coro_sleep (SECOND, error));
  g_assert_false (coro_call_cancel (id));
  assert_trace ("");
  return TRUE;
}

static gboolean
test_cancelled_while_ready (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  guint64 id = coro_call_soon (note_call_cb, "a", note_free_cb);

  coro_call_soon (note_call_cb, "b", NULL);
  g_assert_true (coro_call_cancel (id));
  g_assert_false (coro_call_cancel (id));
  assert_trace ("");
  g_assert_true (coro_test_settle (error));
  assert_trace ("~a b");
  return TRUE;
}

static void
cancel_call_cb (gpointer id)
{
  note (coro_call_cancel (*(guint64 *) id) ? "cancelled" : "late");
}

static gboolean
test_cancelled_by_itself_and_others (gpointer   user_data,
                                     GValue    *result,
                                     GError   **error)
{
  guint64 id, next;

  id = coro_call_soon (cancel_call_cb, &id, NULL);
  coro_call_soon (cancel_call_cb, &next, NULL);
  next = coro_call_soon (note_call_cb, "a", note_free_cb);
  g_assert_true (coro_test_settle (error));
  assert_trace ("late cancelled ~a");
  g_assert_false (coro_call_cancel (id));
  g_assert_false (coro_call_cancel (next));
  g_assert_false (coro_call_cancel (0));
  g_assert_false (coro_call_cancel (G_MAXUINT64));
  return TRUE;
}

/* Before its context was iterated for the first time, a call is a message. */
static void
test_cancelled_before_the_loop (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (context);
  guint64 id = coro_scheduler_call_soon (scheduler, note_call_cb, "a", note_free_cb);
  guint64 later = coro_scheduler_call_later (scheduler, SECOND * 1000, note_call_cb, "b", note_free_cb);

  g_assert_true (coro_call_cancel (id));
  g_assert_true (coro_call_cancel (later));
  g_assert_false (coro_call_cancel (id));
  assert_trace ("");
  settle (context);
  assert_trace ("~a ~b");
}

/* --- the end ------------------------------------------------------------------------- */

static void
ask_again_cb (gpointer scheduler)
{
  note ("~again");
  coro_scheduler_call_soon (scheduler, note_call_cb, "late", note_free_cb);
}

/* Timed, ready, on their way and called off: none is called any more, all are freed. */
static void
test_end_frees (void)
{
  GMainContext *context = g_main_context_new ();
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (context);
  guint64 id, timed;

  n_freed = 0;
  timed = coro_scheduler_call_later (scheduler, 1000 * SECOND, note_call_cb, "timed", note_free_cb);
  coro_scheduler_call_later (scheduler, 1000 * SECOND, note_call_cb, "timed", note_free_cb);
  settle (context);
  coro_scheduler_call_soon (scheduler, note_call_cb, "ready", note_free_cb);
  coro_scheduler_call_soon (scheduler, note_call_cb, scheduler, ask_again_cb);
  id = coro_scheduler_call_soon (scheduler, note_call_cb, "cancelled", note_free_cb);
  g_assert_true (coro_call_cancel (id));
  g_assert_true (coro_call_cancel (timed));
  assert_trace ("");

  g_main_context_unref (context);
  g_assert_cmpint (n_freed, ==, 5);
  assert_trace ("~ready ~again ~cancelled ~timed ~timed ~late");

  id = coro_scheduler_call_soon (scheduler, note_call_cb, "late", note_free_cb);
  assert_trace ("~late");
  g_assert_false (coro_call_cancel (id));
}

static void
test_end_frees_unseen (void)
{
  GMainContext *context = g_main_context_new ();
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (context);
  guint64 id;

  n_freed = 0;
  coro_scheduler_call_soon (scheduler, note_call_cb, "a", note_free_cb);
  id = coro_scheduler_call_at (scheduler, 0, note_call_cb, "b", note_free_cb);
  g_assert_true (coro_call_cancel (id));
  g_main_context_unref (context);
  g_assert_cmpint (n_freed, ==, 2);
  assert_trace ("~a ~b");
}

/* --- threads ------------------------------------------------------------------------- */

#define N_THREADS 4
#define N_CALLS 500

typedef struct
{
  CoroScheduler *scheduler;
  GThread *owner;               /* (nullable): NULL: any thread may free */
  int n_called;
  int n_freed;                  /* (atomic) */
  int n_cancelled;              /* (atomic) */
  int n_done;                   /* (atomic): threads */
} Crowd;

static void
count_call_cb (gpointer data)
{
  Crowd *self = data;

  g_assert_true (self->owner == NULL || g_thread_self () == self->owner);
  self->n_called++;
}

static void
count_free_cb (gpointer data)
{
  Crowd *self = data;

  g_assert_true (self->owner == NULL || g_thread_self () == self->owner);
  g_atomic_int_inc (&self->n_freed);
}

static gpointer
crowd_thread (gpointer data)
{
  Crowd *self = data;
  guint64 ids[N_CALLS];

  for (int i = 0; i < N_CALLS; i++)
    ids[i] = coro_scheduler_call_later (self->scheduler, i % 3 == 0 ? 1000 * SECOND : i % 3, count_call_cb, self, count_free_cb);
  for (int i = 0; i < N_CALLS; i++)
    if (coro_call_cancel (ids[i]))
      g_atomic_int_inc (&self->n_cancelled);
  g_atomic_int_inc (&self->n_done);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
test_threads_ask_and_cancel (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (context);
  Crowd self = { .scheduler = scheduler, .owner = g_thread_self () };
  GThread *threads[N_THREADS];

  settle (context);
  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("asker", crowd_thread, &self);
  while (g_atomic_int_get (&self.n_done) < N_THREADS)
    g_main_context_iteration (context, FALSE);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  settle (context);

  g_assert_cmpint (self.n_called + self.n_cancelled, ==, N_THREADS * N_CALLS);
  g_assert_cmpint (self.n_freed, ==, N_THREADS * N_CALLS);
  g_assert_cmpint (self.n_cancelled, >=, N_THREADS * (N_CALLS / 3));
}

/* The context is freed while other threads still ask and cancel.  A thread that is to wake it
 * after its last reference has gone, but before the scheduler knows, must leave it alone: GLib
 * would report a critical. */
static void
test_end_among_threads (void)
{
  GMainContext *context = g_main_context_new ();
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (context);
  Crowd self = { .scheduler = scheduler };
  GThread *threads[N_THREADS];

  settle (context);
  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("asker", crowd_thread, &self);
  while (self.n_called < 10 && g_atomic_int_get (&self.n_done) < N_THREADS)
    g_main_context_iteration (context, FALSE);
  g_main_context_unref (context);
  for (int i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);

  g_assert_cmpint (self.n_freed, ==, N_THREADS * N_CALLS);
  g_assert_cmpint (self.n_called + self.n_cancelled, <=, N_THREADS * N_CALLS);
}

static gpointer
cancel_in_thread (gpointer id)
{
  g_assert_true (coro_call_cancel (*(guint64 *) id));
  return NULL;
}

/* Another thread calls it off, and its turn comes before that thread's message. */
static gboolean
test_cancelled_in_its_turn (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  guint64 id = coro_call_soon (note_call_cb, "a", note_free_cb);

  coro_test_keep_order (NULL);
  coro_call_soon (note_call_cb, "b", NULL);
  g_thread_join (g_thread_new ("cancel", cancel_in_thread, &id));
  g_assert_false (coro_call_cancel (id));
  assert_trace ("");
  g_assert_true (coro_test_settle (error));
  assert_trace_in_any_order ("b ~a");
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  coro_test_add_func ("/spec/S108-S222/callbacks-in-order", test_in_order);
  coro_test_add_func ("/spec/S222/at-their-times", test_at_their_times);
  coro_test_add_func ("/scheduler/call/equal-times-in-order", test_equal_times);
  g_test_add_func ("/scheduler/call/never", test_never);
  coro_test_add_func ("/scheduler/call/spawns-and-cannot-wait", test_spawns_and_cannot_wait);
  coro_test_add_func ("/scheduler/call/context-of-the-asker", test_context_of_the_asker);
  coro_test_add_func ("/spec/S222/cancelled-handle", test_cancelled_handle);
  coro_test_add_func ("/scheduler/call/cancelled-while-ready", test_cancelled_while_ready);
  coro_test_add_func ("/scheduler/call/cancelled-in-its-turn", test_cancelled_in_its_turn);
  coro_test_add_func ("/scheduler/call/cancelled-by-itself-and-others", test_cancelled_by_itself_and_others);
  g_test_add_func ("/scheduler/call/cancelled-before-the-loop", test_cancelled_before_the_loop);
  g_test_add_func ("/scheduler/call/end-frees", test_end_frees);
  g_test_add_func ("/scheduler/call/end-frees-unseen", test_end_frees_unseen);
  g_test_add_func ("/scheduler/call/threads-ask-and-cancel", test_threads_ask_and_cancel);
  g_test_add_func ("/scheduler/call/end-among-threads", test_end_among_threads);
  return g_test_run ();
}
