/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Main loops inside coroutines, and the thread stack.
 */
#include "lib/bodies.h"

#include <pthread.h>

/* Whether the caller runs on the stack that the kernel or the thread library has made. */
static gboolean
on_thread_stack (void)
{
  pthread_attr_t attr;
  void *low;
  size_t size;
  char here;
  char *volatile address = &here;

  pthread_getattr_np (pthread_self (), &attr);
  pthread_attr_getstack (&attr, &low, &size);
  pthread_attr_destroy (&attr);
#if defined (__SANITIZE_ADDRESS__)
  address = __builtin_frame_address (0);        /* locals may live in a fake frame */
#endif
  return address >= (char *) low && address < (char *) low + size;
}

static gboolean
note_and_quit_cb (gpointer   loop,
                  GValue    *result,
                  GError   **error)
{
  note ("other");
  if (!coro_sleep (1000, error))
    return FALSE;
  note ("slept");
  g_main_loop_quit (loop);
  return TRUE;
}

/* --- nested loops ----------------------------------------------------------------- */

static gboolean
others_keep_running_cb (gpointer   run,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (g_main_context_get_thread_default (), FALSE);

  coro_spawn (note_and_quit_cb, loop, NULL);
  ((void (*) (GMainLoop *)) run) (loop);
  assert_trace ("other slept");
  return coro_yield (error);    /* and it may wait again */
}

typedef struct
{
  GMainLoop *loop;
  CoroFuture *future;
  GError *error;
  CoroTask *task;
} Below;

/* A callback below a coroutine's nested loop. */
static gboolean
wait_below_cb (gpointer user_data)
{
  Below *self = user_data;

  g_assert_false (on_thread_stack ());
  g_assert_false (coro_sleep (1000, &self->error));
  g_assert_error (self->error, CORO_ERROR, CORO_ERROR_NESTED_LOOP);
  g_clear_error (&self->error);
  g_assert_false (coro_yield (&self->error));
  g_assert_error (self->error, CORO_ERROR, CORO_ERROR_NESTED_LOOP);
  g_clear_error (&self->error);
  g_assert_false (coro_await (self->future, NULL, &self->error));
  g_assert_error (self->error, CORO_ERROR, CORO_ERROR_NESTED_LOOP);
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
cannot_wait_below_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  GMainContext *context = g_main_context_get_thread_default ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (GSource) source = g_idle_source_new ();
  Below self = { loop, future, NULL, NULL };

  g_source_set_callback (source, wait_below_cb, &self, NULL);
  g_source_attach (source, context);
  g_main_loop_run (loop);
  g_assert_error (self.error, CORO_ERROR, CORO_ERROR_NESTED_LOOP);
  g_error_free (self.error);
  return coro_sleep (1000, error);
}

/* The coroutine that runs the loop is RUNNING: it must not be resumed inside. */
static gboolean
step_the_owner_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  Below *self = user_data;

  g_assert_cmpint (coro_task_get_coroutine_state (self->task), ==, CORO_COROUTINE_RUNNING);
  coro_task_cancel (self->task);
  for (int i = 0; i < 5; i++)
    if (!coro_yield (error))
      return FALSE;
  note ("stepped");
  g_main_loop_quit (self->loop);
  return TRUE;
}

static gboolean
owner_is_not_stepped_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (g_main_context_get_thread_default (), FALSE);
  Below self = { loop, NULL, NULL, coro_task_get_current () };
  g_autoptr (GError) local_error = NULL;

  coro_spawn (step_the_owner_cb, &self, NULL);
  g_main_loop_run (loop);
  note ("back");
  assert_trace ("stepped back");
  g_assert_false (coro_yield (&local_error));
  assert_cancelled (local_error);
  coro_task_uncancel (self.task);
  return TRUE;
}

/* One coroutine is parked in an inner dispatch and goes on in the outer one. */
static gboolean
two_sleeps_cb (gpointer   loop,
               GValue    *result,
               GError   **error)
{
  if (!coro_sleep (1000, error))
    return FALSE;
  g_main_loop_quit (loop);
  if (!coro_sleep (1000, error))
    return FALSE;
  note ("outside");
  return TRUE;
}

static gboolean
goes_on_outside_cb (gpointer   run,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (g_main_context_get_thread_default (), FALSE);
  g_autoptr (CoroTask) task = coro_spawn_task (two_sleeps_cb, loop, NULL);

  ((void (*) (GMainLoop *)) run) (loop);
  assert_trace ("");
  if (!coro_await (task, NULL, error))
    return FALSE;
  assert_trace ("outside");
  return TRUE;
}

static gboolean
nest_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  int levels = GPOINTER_TO_INT (user_data);
  g_autoptr (GMainLoop) loop = NULL;
  g_autoptr (CoroTask) task = NULL;

  if (levels == 0)
    return coro_sleep (1000, error);

  loop = g_main_loop_new (g_main_context_get_thread_default (), FALSE);
  task = coro_spawn_task (nest_cb, GINT_TO_POINTER (levels - 1), NULL);
  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
  g_assert_false (on_thread_stack ());
  return coro_await (task, NULL, error);
}

static gboolean
yield_until_quit_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  Below *self = user_data;

  for (int i = 0; i < 20000; i++)
    if (!coro_yield (error))
      return FALSE;
  g_main_loop_quit (self->loop);
  return TRUE;
}

/* The inner dispatch uses up slices; the outer coroutine finds its own afterwards. */
static gboolean
slices_inside_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (g_main_context_get_thread_default (), FALSE);
  Below self = { loop, NULL, NULL, NULL };

  coro_scheduler_set_time_slice (coro_scheduler_get_running (), 100);
  coro_spawn (yield_until_quit_cb, &self, NULL);
  g_main_loop_run (loop);
  for (int i = 0; i < 1000; i++)
    if (!coro_yield (error))
      return FALSE;
  return TRUE;
}

/* --- the thread stack ------------------------------------------------------- */

static void
thread_stack_cb (gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (on_thread_stack ());
  g_assert_false (coro_sleep (1000, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  ++*(int *) user_data;
}

static void
thread_stack_twice_cb (gpointer user_data)
{
  coro_call_on_thread_stack (thread_stack_cb, user_data);
  thread_stack_cb (user_data);
}

static gboolean
thread_stack_source_cb (gpointer user_data)
{
  g_assert_false (on_thread_stack ());          /* below the coroutine's nested loop */
  coro_call_on_thread_stack (thread_stack_cb, user_data);
  g_assert_false (on_thread_stack ());
  return G_SOURCE_REMOVE;
}

static gboolean
thread_stack_from_coroutine_cb (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  int calls = 0;

  g_assert_false (on_thread_stack ());
  coro_call_on_thread_stack (thread_stack_cb, &calls);
  g_assert_cmpint (calls, ==, 1);
  coro_call_on_thread_stack (thread_stack_twice_cb, &calls);
  g_assert_cmpint (calls, ==, 3);
  g_assert_false (on_thread_stack ());
  return coro_yield (error);
}

typedef struct
{
  int levels;
  int calls;
} Levels;

/* Each level: a coroutine that runs a loop on its own stack, whose coroutine … */
static gboolean
thread_stack_levels_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  Levels *self = user_data;
  GMainContext *context = g_main_context_get_thread_default ();
  g_autoptr (GSource) source = g_idle_source_new ();
  g_autoptr (CoroTask) task = NULL;

  coro_call_on_thread_stack (thread_stack_cb, &self->calls);
  if (self->levels-- == 0)
    return TRUE;

  g_source_set_callback (source, thread_stack_source_cb, &self->calls, NULL);
  g_source_attach (source, context);
  task = coro_spawn_task (thread_stack_levels_cb, self, NULL);
  while (!coro_future_is_done (CORO_FUTURE (task)) || !g_source_is_destroyed (source))
    g_main_context_iteration (context, TRUE);
  coro_call_on_thread_stack (thread_stack_cb, &self->calls);
  return coro_await (task, NULL, error);
}

static gboolean
thread_stack_several_levels_cb (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  Levels self = { 4, 0 };
  g_autoptr (CoroTask) task = coro_spawn_task (thread_stack_levels_cb, &self, NULL);

  if (!coro_await (task, NULL, error))
    return FALSE;
  g_assert_cmpint (self.calls, ==, 5 + 4 + 4);
  return TRUE;
}

static void
destroy_on_thread_stack_cb (gpointer counter)
{
  g_assert_true (on_thread_stack ());
  ++*(int *) counter;
}

static void
done_on_thread_stack_cb (CoroFuture  *future,
                       gpointer     counter,
                       GError     **error)
{
  g_assert_true (on_thread_stack ());
  ++*(int *) counter;
}

/* Below a nested loop as well, whose dispatch frame is on the coroutine's stack. */
static gboolean
callbacks_on_thread_stack_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  int calls = 0;

  coro_future_on_done (future, done_on_thread_stack_cb, &calls, destroy_on_thread_stack_cb);
  coro_spawn (nothing_cb, &calls, destroy_on_thread_stack_cb);
  coro_future_resolve (future, NULL);
  while (calls < 3)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
  return TRUE;
}

static gboolean
on_thread_stack_source_cb (gpointer loop)
{
  g_assert_true (on_thread_stack ());
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static gboolean
loop_on_thread_stack_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  GMainContext *context = g_main_context_get_thread_default ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, on_thread_stack_source_cb, loop, NULL);
  g_source_attach (source, context);
  coro_main_loop_run (loop);
  return coro_yield (error);
}

static gboolean
other_context_member_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  int *calls = user_data;

  g_assert_false (on_thread_stack ());
  coro_call_on_thread_stack (thread_stack_cb, calls);
  if (!coro_yield (error))
    return FALSE;
  coro_call_on_thread_stack (thread_stack_cb, calls);
  return TRUE;
}

/* A coroutine iterates another context: the dispatcher of that one lives on a stack of
 * ours. */
static gboolean
thread_stack_two_schedulers_cb (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroTaskGroup) group = NULL;
  CoroScheduler *mine = coro_scheduler_get_running ();
  g_autoptr (CoroScheduler) theirs = coro_scheduler_ref_for_context (context);
  int calls = 0;

  g_main_context_push_thread_default (context);
  g_assert_true (coro_scheduler_get_running () == mine);
  g_main_context_pop_thread_default (context);
  g_assert_true (theirs != mine);

  coro_task_group_spawn (user_data, nothing_cb, NULL, NULL);
  group = g_object_ref (g_object_get_data (user_data, "other"));
  coro_task_group_spawn (group, other_context_member_cb, &calls, destroy_on_thread_stack_cb);
  while (calls < 3)
    g_main_context_iteration (g_object_get_data (user_data, "context"), TRUE);
  g_assert_true (coro_scheduler_get_running () == mine);
  g_assert_false (on_thread_stack ());
  return coro_yield (error);
}

static void
test_thread_stack_two_schedulers (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroTaskGroup) outer = coro_task_group_new (CORO_TASK_GROUP_NONE);
  g_autoptr (CoroTaskGroup) inner = NULL;
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (context);
  inner = coro_task_group_new (CORO_TASK_GROUP_NONE);
  g_main_context_pop_thread_default (context);
  g_object_set_data (G_OBJECT (outer), "other", inner);
  g_object_set_data (G_OBJECT (outer), "context", context);

  task = coro_task_group_spawn_task (outer, thread_stack_two_schedulers_cb, outer, NULL);
  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (NULL, TRUE);
  coro_future_get_result (CORO_FUTURE (task), NULL, &error);
  g_assert_no_error (error);
  settle (NULL);
}

static void
test_thread_stack_outside (void)
{
  int calls = 0;

  coro_call_on_thread_stack (thread_stack_cb, &calls);
  g_assert_cmpint (calls, ==, 1);
}

static gpointer
thread_cb (gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_run (thread_stack_several_levels_cb, NULL, NULL, &error));
  return NULL;
}

static void
test_thread_stack_in_thread (void)
{
  g_thread_join (g_thread_new ("levels", thread_cb, NULL));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  coro_test_add_data_func ("/scheduler/nested-loop/others-keep-running", others_keep_running_cb, (gpointer) g_main_loop_run, NULL);
  coro_test_add_data_func ("/scheduler/nested-loop/others-keep-running-on-thread-stack", others_keep_running_cb, (gpointer) coro_main_loop_run, NULL);
  coro_test_add_func ("/scheduler/nested-loop/cannot-wait-below", cannot_wait_below_cb);
  coro_test_add_func ("/scheduler/nested-loop/owner-is-not-stepped", owner_is_not_stepped_cb);
  coro_test_add_data_func ("/scheduler/nested-loop/goes-on-outside", goes_on_outside_cb, (gpointer) g_main_loop_run, NULL);
  coro_test_add_data_func ("/scheduler/nested-loop/goes-on-outside-on-thread-stack", goes_on_outside_cb, (gpointer) coro_main_loop_run, NULL);
  coro_test_add_data_func ("/scheduler/nested-loop/several-levels", nest_cb, GINT_TO_POINTER (5), NULL);
  coro_test_add_func ("/scheduler/nested-loop/slices-inside", slices_inside_cb);
  coro_test_add_func ("/scheduler/thread-stack/from-a-coroutine", thread_stack_from_coroutine_cb);
  coro_test_add_func ("/scheduler/thread-stack/from-several-levels", thread_stack_several_levels_cb);
  coro_test_add_func ("/scheduler/thread-stack/callbacks", callbacks_on_thread_stack_cb);
  coro_test_add_func ("/scheduler/thread-stack/loop", loop_on_thread_stack_cb);
  g_test_add_func ("/scheduler/thread-stack/from-another-scheduler", test_thread_stack_two_schedulers);
  g_test_add_func ("/scheduler/thread-stack/outside-a-coroutine", test_thread_stack_outside);
  g_test_add_func ("/scheduler/thread-stack/in-another-thread", test_thread_stack_in_thread);

  return g_test_run ();
}
