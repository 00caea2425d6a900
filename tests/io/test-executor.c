/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bounded threads: what they are given is done, dropped or abandoned, and nothing else.
 */
#include "lib/no-threads.h"
#include "lib/process.h"
#include "test-util.h"

#include <sys/wait.h>
#include <unistd.h>

/* A door that functions in threads stand before. */
typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean open;
  int n_arrived;                /* (atomic) */
  int n_done;                   /* (atomic) */
  int n_freed;
  int n_at_once;                /* (atomic) */
  gboolean crowded;             /* (atomic) */
  gboolean was_cancelled;       /* (atomic) */
  GThread *ran_in;
  GThread *freed_in;
} Door;

static void
door_init (Door *self)
{
  memset (self, 0, sizeof *self);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
}

static void
door_clear (Door *self)
{
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
}

static void
door_open (Door *self)
{
  g_mutex_lock (&self->mutex);
  self->open = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static void
door_pass (Door *self)
{
  g_mutex_lock (&self->mutex);
  self->ran_in = g_thread_self ();
  g_atomic_int_inc (&self->n_arrived);
  while (!self->open)
    g_cond_wait (&self->cond, &self->mutex);
  g_mutex_unlock (&self->mutex);
}

/* Until so many are in threads, at the door. */
static gboolean
door_await_arrival (Door    *self,
                    int      n_arrived,
                    GError **error)
{
  while (g_atomic_int_get (&self->n_arrived) < n_arrived)
    if (!coro_yield (error))
      return FALSE;
  return TRUE;
}

static gboolean
pass_door (gpointer       user_data,
           GCancellable  *cancellable,
           GValue        *result,
           GError       **error)
{
  Door *self = user_data;

  door_pass (self);
  if (g_cancellable_is_cancelled (cancellable))
    g_atomic_int_set (&self->was_cancelled, TRUE);
  g_atomic_int_inc (&self->n_done);
  return coro_return_string (result, "Blocking result after 1s");
}

static gpointer
run_door (gpointer       user_data,
          GCancellable  *cancellable,
          GError       **error)
{
  Door *self = user_data;

  door_pass (self);
  if (g_cancellable_is_cancelled (cancellable))
    g_atomic_int_set (&self->was_cancelled, TRUE);
  g_atomic_int_inc (&self->n_done);
  return self;
}

static void
door_freed_cb (gpointer user_data)
{
  Door *self = user_data;

  self->freed_in = g_thread_self ();
  g_atomic_int_inc (&self->n_freed);
}

static gboolean
open_door_cb (gpointer   door,
              GValue    *result,
              GError   **error)
{
  door_open (door);
  return TRUE;
}

/* --- what is given is done --------------------------------------------------------- */

static gpointer
nothing (gpointer user_data)
{
  return user_data;
}

/* None of the three has gone through the door when the block is left. */
static gboolean
test_guard (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  guint before;
  Door door;

  g_thread_join (g_thread_new ("first", nothing, NULL));       /* a sanitizer adds one of its own to it */
  before = count_threads ();
  door_init (&door);
  {
    g_autoptr (CoroExecutor) executor = coro_executor_new (2, CORO_EXECUTOR_NONE);
    g_auto (CoroExecutorGuard) guard = coro_executor_enter (executor);

    for (int i = 0; i < 3; i++)
      g_object_unref (coro_executor_submit (executor, pass_door, &door, door_freed_cb));
    g_assert_true (door_await_arrival (&door, 2, error));
    g_assert_cmpuint (coro_executor_count_threads (executor), ==, 2);
    g_assert_cmpint (door.n_done, ==, 0);
    coro_spawn (open_door_cb, &door, NULL);
  }
  g_assert_cmpint (door.n_done, ==, 3);
  while (count_threads () > before)     /* a thread that was joined is gone a little later */
    g_thread_yield ();
  while (g_atomic_int_get (&door.n_freed) < 3)
    g_assert_true (coro_yield (error));
  door_clear (&door);
  return TRUE;
}

static gboolean
enter_alone (gpointer       user_data,
             GCancellable  *cancellable,
             GValue        *result,
             GError       **error)
{
  Door *self = user_data;

  if (g_atomic_int_add (&self->n_at_once, 1) > 0)
    g_atomic_int_set (&self->crowded, TRUE);
  g_thread_yield ();
  g_atomic_int_add (&self->n_at_once, -1);
  return coro_return_int (result, g_atomic_int_add (&self->n_done, 1));
}

/* In the order of submission, one after the other. */
static gboolean
test_one_thread (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
  CoroFuture *futures[20];
  Door door;

  door_init (&door);
  g_assert_cmpuint (coro_executor_get_max_threads (executor), ==, 1);
  for (int i = 0; i < 20; i++)
    futures[i] = coro_executor_submit (executor, enter_alone, &door, NULL);
  for (int i = 0; i < 20; i++)
    {
      g_assert_cmpint (coro_await_int (futures[i], error), ==, i);
      g_object_unref (futures[i]);
    }
  g_assert_false (door.crowded);
  g_assert_cmpuint (coro_executor_count_threads (executor), ==, 1);
  g_assert_true (coro_executor_shut_down (executor, error));
  door_clear (&door);
  return TRUE;
}

static gboolean
test_results (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroFuture) a = NULL;
  g_autoptr (CoroFuture) b = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  Door door;

  door_init (&door);
  a = coro_executor_submit (coro_executor_get_default (), pass_door, &door, door_freed_cb);
  b = coro_executor_submit (coro_executor_get_default (), pass_door, &door, NULL);
  g_assert_true (CORO_IS_FUTURE (a));
  g_assert_true (door_await_arrival (&door, 2, error));         /* both at once */
  g_assert_false (coro_future_is_done (a));
  door_open (&door);
  first = coro_await_string (a, error);
  second = coro_await_string (b, error);
  g_assert_cmpstr (first, ==, "Blocking result after 1s");
  g_assert_cmpstr (second, ==, "Blocking result after 1s");
  g_assert_cmpint (door.n_freed, ==, 1);
  g_assert_true (door.freed_in == g_thread_self ());
  g_assert_true (door.ran_in != g_thread_self ());
  door_clear (&door);
  return TRUE;
}

static gboolean
fail_in_thread (gpointer       user_data,
                GCancellable  *cancellable,
                GValue        *result,
                GError       **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "in a thread");
  return FALSE;
}

static gboolean
say_nothing (gpointer       user_data,
             GCancellable  *cancellable,
             GValue        *result,
             GError       **error)
{
  return FALSE;
}

static gboolean
test_errors (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (CoroFuture) failed = coro_executor_submit (coro_executor_get_default (), fail_in_thread, NULL, NULL);
  g_autoptr (CoroFuture) silent = NULL;
  g_autoptr (GError) local = NULL;

  g_assert_false (coro_await (failed, NULL, &local));
  g_assert_error (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (local->message, ==, "in a thread");
  g_clear_error (&local);

  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*returned FALSE*");
  silent = coro_executor_submit (coro_executor_get_default (), say_nothing, NULL, NULL);
  g_assert_false (coro_await (silent, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_NO_RESULT);
  g_test_assert_expected_messages ();
  return TRUE;
}

static CoroContextVar *language;

static gboolean
speak (gpointer       user_data,
       GCancellable  *cancellable,
       GValue        *result,
       GError       **error)
{
  const char *before = coro_context_var_get_string (language);

  coro_return_string (result, before);
  coro_context_var_set_string (language, "vi");
  return TRUE;
}

static gboolean
test_context (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);

  language = coro_context_var_new ("language", G_TYPE_STRING, NULL);
  for (int i = 0; i < 3; i++)           /* the thread is the same, what was set there is gone */
    {
      g_auto (CoroContextToken) token = coro_context_var_set_string (language, "parrot");
      g_autoptr (CoroFuture) future = coro_executor_submit (executor, speak, NULL, NULL);
      g_autofree char *spoken = coro_await_string (future, error);

      g_assert_cmpstr (spoken, ==, "parrot");
      g_assert_cmpstr (coro_context_var_get_string (language), ==, "parrot");
    }
  g_assert_true (coro_executor_shut_down (executor, error));
  g_clear_pointer (&language, coro_context_var_free);
  return TRUE;
}

/* --- cancelling --------------------------------------------------------------------- */

typedef struct
{
  CoroExecutor *executor;
  Door *door;
  CoroTimeout *timeout;
} Call;

static gboolean
call_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Call *self = user_data;

  return coro_executor_run (self->executor, run_door, self->door, door_freed_cb, error) != NULL;
}

/* Behind one that stands at the door: it goes without having begun. */
static gboolean
test_cancel_queued_run (gpointer   user_data,
                        GValue    *result,
                        GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
  Door first, second;
  Call calls[] = { { executor, &first }, { executor, &second } };
  g_autoptr (CoroTask) a = NULL;
  g_autoptr (CoroTask) b = NULL;

  door_init (&first);
  door_init (&second);
  a = coro_spawn_task (call_cb, &calls[0], NULL);
  g_assert_true (door_await_arrival (&first, 1, error));
  b = coro_spawn_task (call_cb, &calls[1], NULL);
  g_assert_true (coro_test_settle (error));
  g_assert_true (coro_task_cancel (b));
  g_assert_true (coro_join (b, error));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (b)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (second.n_arrived, ==, 0);
  g_assert_cmpint (second.n_freed, ==, 1);
  g_assert_false (coro_future_is_done (CORO_FUTURE (a)));
  door_open (&first);
  g_assert_true (coro_await (a, NULL, error));
  g_assert_true (coro_executor_shut_down (executor, error));
  g_assert_cmpint (second.n_arrived, ==, 0);
  door_clear (&first);
  door_clear (&second);
  return TRUE;
}

/* The function does not look at its cancellable: its value is the answer, and the request is
 * heard at the next wait. */
static gboolean
await_submitted_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  Call *self = user_data;
  g_autoptr (CoroFuture) future = coro_executor_submit (self->executor, pass_door, self->door, door_freed_cb);

  g_assert_true (coro_await (future, NULL, error));
  note ("value");
  return coro_sleep (SECOND, error);
}

static gboolean
test_cancel_awaiter_of_submitted (gpointer   user_data,
                                  GValue    *result,
                                  GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
  Door door;
  Call call = { executor, &door };
  g_autoptr (CoroTask) task = NULL;

  door_init (&door);
  task = coro_spawn_task (await_submitted_cb, &call, NULL);
  g_assert_true (door_await_arrival (&door, 1, error));
  coro_task_cancel (task);
  g_assert_true (coro_test_settle (error));
  door_open (&door);
  g_assert_true (coro_join (task, error));
  g_assert_true (door.was_cancelled);
  assert_trace ("value");
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_true (coro_executor_shut_down (executor, error));
  door_clear (&door);
  return TRUE;
}

/* A time limit has begun to cancel the call, and then the request comes: the CANCELLED of the
 * function is that of the request, and not the time limit's. */
static gpointer
heed_door (gpointer       user_data,
           GCancellable  *cancellable,
           GError       **error)
{
  door_pass (user_data);
  g_cancellable_set_error_if_cancelled (cancellable, error);
  return NULL;
}

static gboolean
limited_call_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  Call *self = user_data;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (G_MAXINT64, error);

    self->timeout = &timeout;
    coro_executor_run (self->executor, heed_door, self->door, NULL, error);
  }
  assert_cancelled (*error);
  return FALSE;
}

static gboolean
test_cancel_after_time_limit (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
  Door door;
  Call call = { executor, &door };
  g_autoptr (CoroTask) task = NULL;

  door_init (&door);
  task = coro_spawn_task (limited_call_cb, &call, NULL);
  g_assert_true (door_await_arrival (&door, 1, error));
  coro_timeout_reschedule (call.timeout, 0);
  g_assert_true (coro_test_settle (error));
  coro_task_cancel (task);
  g_assert_true (coro_test_settle (error));
  door_open (&door);
  g_assert_true (coro_join (task, error));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_true (coro_executor_shut_down (executor, error));
  door_clear (&door);
  return TRUE;
}

static gboolean
test_cancel_running_run (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
  Door door;
  Call call = { executor, &door };
  g_autoptr (CoroTask) task = NULL;

  door_init (&door);
  task = coro_spawn_task (call_cb, &call, NULL);
  g_assert_true (door_await_arrival (&door, 1, error));
  coro_task_cancel (task);
  for (int i = 0; i < 10; i++)
    g_assert_true (coro_yield (error));
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  door_open (&door);
  g_assert_true (coro_join (task, error));
  g_assert_true (door.was_cancelled);
  g_assert_cmpint (door.n_freed, ==, 1);
  g_assert_true (coro_executor_shut_down (executor, error));
  door_clear (&door);
  return TRUE;
}

static gboolean
cancelled_call_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  Call *self = user_data;

  coro_task_cancel (coro_task_get_current ());
  return coro_executor_run (self->executor, run_door, self->door, door_freed_cb, error) != NULL;
}

static gboolean
test_cancelled_before_run (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
  Door door;
  Call call = { executor, &door };
  g_autoptr (CoroTask) task = NULL;

  door_init (&door);
  task = coro_spawn_task (cancelled_call_cb, &call, NULL);
  g_assert_true (coro_join (task, error));
  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpuint (coro_executor_count_threads (executor), ==, 0);
  g_assert_cmpint (door.n_freed, ==, 1);
  door_clear (&door);
  return TRUE;
}

static gboolean
test_cancel_queued_future (gpointer   user_data,
                           GValue    *result,
                           GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
  Door door;
  g_autoptr (CoroFuture) a = NULL;
  g_autoptr (CoroFuture) b = NULL;

  door_init (&door);
  a = coro_executor_submit (executor, pass_door, &door, NULL);
  b = coro_executor_submit (executor, pass_door, &door, door_freed_cb);
  g_assert_true (door_await_arrival (&door, 1, error));
  g_assert_true (coro_future_cancel (b));
  g_assert_cmpint (coro_future_get_state (b), ==, CORO_FUTURE_CANCELLED);
  g_assert_false (coro_future_cancel (b));
  door_open (&door);
  g_assert_true (coro_await (a, NULL, error));
  g_assert_false (coro_future_cancel (a));
  g_assert_true (coro_executor_shut_down (executor, error));
  g_assert_cmpint (door.n_done, ==, 1);
  g_assert_cmpint (door.n_freed, ==, 1);
  door_clear (&door);
  return TRUE;
}

/* The function decides what becomes of it. */
static gboolean
test_cancel_running_future (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
  Door door;
  g_autoptr (CoroFuture) future = NULL;
  g_autofree char *text = NULL;

  door_init (&door);
  future = coro_executor_submit (executor, pass_door, &door, NULL);
  g_assert_true (door_await_arrival (&door, 1, error));
  g_assert_true (coro_future_cancel (future));
  g_assert_false (coro_future_is_done (future));
  door_open (&door);
  text = coro_await_string (future, error);
  g_assert_nonnull (text);
  g_assert_true (door.was_cancelled);
  g_assert_true (coro_executor_shut_down (executor, error));
  door_clear (&door);
  return TRUE;
}

/* --- abandoning --------------------------------------------------------------------- */

static gboolean
test_abandon_running (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_ABANDON);
  Door door;
  g_autoptr (CoroFuture) running = NULL;
  g_autoptr (CoroFuture) queued = NULL;
  g_autoptr (GError) local = NULL;

  door_init (&door);
  running = coro_executor_submit (executor, pass_door, &door, door_freed_cb);
  queued = coro_executor_submit (executor, pass_door, &door, NULL);
  g_assert_true (door_await_arrival (&door, 1, error));
  g_assert_true (coro_future_cancel (running));
  g_assert_cmpint (coro_future_get_state (running), ==, CORO_FUTURE_CANCELLED);
  g_assert_cmpint (door.n_done, ==, 0);
  g_assert_true (coro_executor_shut_down (executor, error));   /* does not wait */
  g_assert_cmpint (door.n_done, ==, 0);
  g_assert_false (coro_await (queued, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_CLOSED);
  g_assert_cmpint (g_atomic_int_get (&door.n_freed), ==, 0);    /* still in use */
  door_open (&door);
  while (g_atomic_int_get (&door.n_freed) == 0)
    g_assert_true (coro_yield (error));
  g_assert_true (door.freed_in == g_thread_self ());
  g_assert_true (door.was_cancelled);
  while (coro_executor_count_threads (executor) > 0)            /* it has the lock of the door */
    g_assert_true (coro_yield (error));
  door_clear (&door);
  return TRUE;
}

typedef struct
{
  int ref_count;                /* (atomic) */
  GThread *freed_in;            /* (nullable) (unowned) */
} Result;

static gpointer
result_ref (gpointer result)
{
  g_atomic_int_inc (&((Result *) result)->ref_count);
  return result;
}

static void
result_unref (gpointer result)
{
  Result *self = result;

  if (g_atomic_int_dec_and_test (&self->ref_count))
    g_atomic_pointer_set (&self->freed_in, g_thread_self ());
}

typedef struct
{
  Door door;
  GType type;
  Result result;
} Abandoned;

static gboolean
make_result_cb (gpointer       user_data,
                GCancellable  *cancellable,
                GValue        *result,
                GError       **error)
{
  Abandoned *self = user_data;
  g_auto (GValue) passed = G_VALUE_INIT;

  if (!pass_door (&self->door, cancellable, &passed, error))
    return FALSE;
  return coro_return_take_boxed (result, self->type, &self->result);
}

/* The result of an abandoned function, an object of a binding say, is not freed in the thread. */
static gboolean
test_abandon_result (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_ABANDON);
  Abandoned abandoned = { .type = g_boxed_type_register_static ("TestResult", result_ref, result_unref),
                          .result = { 1, NULL } };
  CoroFuture *future;

  door_init (&abandoned.door);
  future = coro_executor_submit (executor, make_result_cb, &abandoned, NULL);
  g_assert_true (door_await_arrival (&abandoned.door, 1, error));
  g_assert_true (coro_future_cancel (future));
  g_object_unref (future);
  g_assert_true (coro_test_settle (error));
  door_open (&abandoned.door);
  while (g_atomic_pointer_get (&abandoned.result.freed_in) == NULL)
    g_assert_true (coro_yield (error));
  g_assert_true (abandoned.result.freed_in == g_thread_self ());
  while (coro_executor_count_threads (executor) > 0 && coro_executor_shut_down (executor, error))
    g_assert_true (coro_yield (error));
  door_clear (&abandoned.door);
  return TRUE;
}

/* --- threads that need others, or cannot be had ---------------------------------------- */

static gpointer
innermost_cb (gpointer       user_data,
              GCancellable  *cancellable,
              GError       **error)
{
  return user_data;
}

static gboolean
needs_a_thread_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  return coro_run_in_thread (innermost_cb, user_data, NULL, error) != NULL;
}

static gpointer
run_inside_cb (gpointer       user_data,
               GCancellable  *cancellable,
               GError       **error)
{
  return coro_run (needs_a_thread_cb, user_data, NULL, error) ? user_data : NULL;
}

static gboolean
run_outside_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  return coro_run_in_thread (run_inside_cb, user_data, NULL, error) != NULL;
}

/* All threads wait for what is behind them in the queue. */
static gboolean
test_nested (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  guint n_tasks = 2 * coro_executor_get_max_threads (coro_executor_get_default ());
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  for (guint i = 0; i < n_tasks; i++)
    coro_spawn_at (nursery.group, run_outside_cb, nursery.group, NULL, "here");
  return coro_nursery_join (&nursery);
}

static gboolean
needs_its_thread_cb (gpointer   executor,
                     GValue    *result,
                     GError   **error)
{
  return coro_executor_run (executor, innermost_cb, executor, NULL, error) != NULL;
}

static gpointer
run_in_itself_cb (gpointer       executor,
                  GCancellable  *cancellable,
                  GError       **error)
{
  return coro_run (needs_its_thread_cb, executor, NULL, error) ? executor : NULL;
}

/* Where that one thread is all there ever will be, it is an error. */
static gboolean
test_nested_in_one (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
  g_autoptr (GError) local = NULL;

  g_assert_null (coro_executor_run (executor, run_in_itself_cb, executor, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return coro_executor_shut_down (executor, error);
}

static gboolean
test_no_threads (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (2, CORO_EXECUTOR_NONE);
  g_autoptr (CoroFuture) future = NULL;
  g_autoptr (GError) local = NULL;
  int n_freed = 0;

  forbid_threads (TRUE);
  g_assert_null (coro_executor_run (executor, innermost_cb, &n_freed, count_cb, &local));
  g_assert_error (local, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN);
  g_assert_cmpint (n_freed, ==, 1);
  g_clear_error (&local);

  future = coro_executor_submit (executor, pass_door, &n_freed, count_cb);
  g_assert_false (coro_await (future, NULL, &local));
  g_assert_error (local, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (n_freed, ==, 2);

  forbid_threads (FALSE);
  g_assert_true (coro_executor_run (executor, innermost_cb, &n_freed, count_cb, error) == &n_freed);
  return coro_executor_shut_down (executor, error);
}

typedef struct
{
  CoroExecutor *executor;
  Door door;
} Left;

static gboolean
leave_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Left *self = user_data;

  g_object_unref (coro_executor_submit (self->executor, pass_door, &self->door, door_freed_cb));
  return door_await_arrival (&self->door, 1, error);
}

/* The run ends while the function stands at the door. */
static void
test_run_abandons (void)
{
  Left left = { coro_executor_new (1, CORO_EXECUTOR_ABANDON) };

  door_init (&left.door);
  g_assert_true (coro_run (leave_cb, &left, NULL, NULL));
  g_assert_cmpint (left.door.n_done, ==, 0);
  door_open (&left.door);
  while (g_atomic_int_get (&left.door.n_freed) == 0)
    g_thread_yield ();
  g_assert_true (coro_executor_shut_down (left.executor, NULL));
  while (coro_executor_count_threads (left.executor) > 0)
    g_thread_yield ();
  g_object_unref (left.executor);
  door_clear (&left.door);
}

static gboolean
finish_late (gpointer       user_data,
             GCancellable  *cancellable,
             GValue        *result,
             GError       **error)
{
  Door *self = user_data;

  door_pass (self);
  g_usleep (20 * MILLISECOND);
  g_atomic_int_inc (&self->n_done);
  return TRUE;
}

typedef struct
{
  Door door;
  CoroScheduler *scheduler;
  gboolean closed;
} Order;

static void
look_cb (gpointer user_data)
{
  Order *self = user_data;

  self->closed = coro_scheduler_is_closed (self->scheduler);
  self->door.n_freed++;
}

static gboolean
submit_and_return_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  Order *self = user_data;

  self->scheduler = g_object_ref (coro_scheduler_get_running ());
  g_object_unref (coro_executor_submit (coro_executor_get_default (), finish_late, &self->door, look_cb));
  door_open (&self->door);
  return TRUE;
}

/* No coroutine waits for the function, but the run does not end before it has returned. */
static void
test_run_waits (void)
{
  Order order = { 0, };

  door_init (&order.door);
  g_assert_true (coro_run (submit_and_return_cb, &order, NULL, NULL));
  g_assert_cmpint (order.door.n_done, ==, 1);
  g_assert_cmpint (order.door.n_freed, ==, 1);
  g_assert_false (order.closed);
  g_assert_true (coro_scheduler_is_closed (order.scheduler));
  g_object_unref (order.scheduler);
  door_clear (&order.door);
}

/* --- the end ------------------------------------------------------------------------ */

static gboolean
test_closed (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (3, CORO_EXECUTOR_NONE);
  g_autoptr (CoroFuture) future = NULL;
  g_autoptr (CoroFuture) end = NULL;
  g_autoptr (GError) local = NULL;
  Door door;

  door_init (&door);
  g_assert_true (coro_executor_shut_down (executor, error));
  g_assert_true (coro_executor_shut_down (executor, error));
  end = coro_executor_shut_down_future (executor);
  g_assert_true (coro_future_is_done (end));
  g_assert_true (coro_await (end, NULL, error));
  future = coro_executor_submit (executor, pass_door, &door, door_freed_cb);
  g_assert_cmpint (door.n_freed, ==, 1);
  g_assert_false (coro_await (future, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_CLOSED);
  g_clear_error (&local);
  g_assert_null (coro_executor_run (executor, run_door, &door, door_freed_cb, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_CLOSED);
  g_assert_cmpint (door.n_freed, ==, 2);
  g_assert_cmpint (door.n_arrived, ==, 0);
  door_clear (&door);
  return TRUE;
}

static gboolean
shut_down_cb (gpointer   executor,
              GValue    *result,
              GError   **error)
{
  return coro_executor_shut_down (executor, error);
}

/* A cancelled shutdown is one all the same. */
static gboolean
test_cancelled_shut_down (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
  g_autoptr (CoroFuture) future = NULL;
  g_autoptr (CoroFuture) end = NULL;
  g_autoptr (CoroTask) task = NULL;
  Door door;

  door_init (&door);
  future = coro_executor_submit (executor, pass_door, &door, NULL);
  g_assert_true (door_await_arrival (&door, 1, error));
  task = coro_spawn_task (shut_down_cb, executor, NULL);
  while (coro_task_get_coroutine_state (task) != CORO_COROUTINE_SUSPENDED)
    g_assert_true (coro_yield (error));
  coro_task_cancel (task);
  end = coro_executor_shut_down_future (executor);
  for (int i = 0; i < 10; i++)
    g_assert_true (coro_yield (error));
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  g_assert_false (coro_future_is_done (end));
  door_open (&door);
  g_assert_true (coro_join (task, error));
  g_assert_true (coro_await_boolean (end, error));
  g_assert_cmpint (door.n_done, ==, 1);
  g_assert_true (coro_await (future, NULL, error));
  g_assert_cmpuint (coro_executor_count_threads (executor), ==, 0);
  door_clear (&door);
  return TRUE;
}

static gboolean
shut_down_inside (gpointer       executor,
                  GCancellable  *cancellable,
                  GValue        *result,
                  GError       **error)
{
  return coro_executor_shut_down (executor, error);
}

static gboolean
test_misuse (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
  g_autoptr (CoroFuture) inside = coro_executor_submit (executor, shut_down_inside, executor, NULL);
  g_autoptr (CoroFuture) end = NULL;
  g_autoptr (GError) local = NULL;

  g_assert_false (coro_await (inside, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_clear_error (&local);
  g_assert_false (coro_executor_shut_down (coro_executor_get_default (), &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_PROTOCOL);
  g_clear_error (&local);
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "An executor's guard could not be closed*");
  {
    G_GNUC_UNUSED g_auto (CoroExecutorGuard) guard = coro_executor_enter (coro_executor_get_default ());
  }
  g_test_assert_expected_messages ();
  end = coro_executor_shut_down_future (coro_executor_get_default ());
  g_assert_false (coro_await (end, NULL, &local));
  g_assert_error (local, CORO_ERROR, CORO_ERROR_PROTOCOL);
  return coro_executor_shut_down (executor, error);
}

/* Outside coroutines: run needs one, submit and shutting down do not. */
static void
test_outside (void)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (2, CORO_EXECUTOR_NONE);
  g_autoptr (CoroFuture) future = NULL;
  g_autoptr (GError) error = NULL;
  Door door;

  door_init (&door);
  g_assert_null (coro_executor_run (executor, run_door, &door, door_freed_cb, &error));
  g_assert_error (error, CORO_ERROR, CORO_ERROR_NOT_IN_COROUTINE);
  g_assert_cmpint (door.n_freed, ==, 1);

  future = coro_executor_submit (executor, pass_door, &door, door_freed_cb);
  door_open (&door);
  g_assert_true (coro_executor_shut_down (executor, NULL));
  g_assert_cmpint (door.n_done, ==, 1);
  g_assert_false (coro_future_is_done (future));
  while (!coro_future_is_done (future))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (door.n_freed, ==, 2);
  door_clear (&door);
}

/* Dropping the last reference to an executor does not block, and the functions that were submitted
 * still run. */
static gboolean
test_dropped (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  CoroExecutor *executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
  g_autoptr (CoroFuture) a = NULL;
  g_autoptr (CoroFuture) b = NULL;
  Door door;

  door_init (&door);
  a = coro_executor_submit (executor, pass_door, &door, NULL);
  b = coro_executor_submit (executor, pass_door, &door, NULL);
  g_assert_true (door_await_arrival (&door, 1, error));
  g_object_unref (executor);
  door_open (&door);
  g_assert_true (coro_await (a, NULL, error));
  g_assert_true (coro_await (b, NULL, error));
  g_assert_cmpint (door.n_done, ==, 2);
  door_clear (&door);
  return TRUE;
}

/* --- fork ---------------------------------------------------------------------------- */

static gboolean
child_cb (gpointer   executor,
          GValue    *result,
          GError   **error)
{
  g_autoptr (CoroFuture) own = NULL;
  g_autoptr (CoroFuture) parents = NULL;
  g_autoptr (GError) local = NULL;
  Door door;

  door_init (&door);
  door_open (&door);
  own = coro_executor_submit (coro_executor_get_default (), pass_door, &door, NULL);
  parents = coro_executor_submit (executor, pass_door, &door, NULL);
  if (coro_await (parents, NULL, &local) || !g_error_matches (local, CORO_ERROR, CORO_ERROR_CLOSED))
    return FALSE;
  return coro_await (own, NULL, error) && door.n_done == 1;
}

/* The child has none of the parent's threads, but a default executor of its own. */
G_GNUC_UNUSED static void
test_fork (void)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_NONE);
  CoroFuture *future = coro_executor_submit (executor, fail_in_thread, NULL, NULL);
  Door door;
  int status;
  pid_t child;

  door_init (&door);
  door_open (&door);
  while (!coro_future_is_done (future))
    g_main_context_iteration (NULL, TRUE);
  g_assert_nonnull (coro_future_get_error (future));
  g_object_unref (future);
  future = coro_executor_submit (coro_executor_get_default (), pass_door, &door, NULL);
  while (!coro_future_is_done (future))
    g_main_context_iteration (NULL, TRUE);
  g_object_unref (future);

  child = fork ();
  if (child == 0)
    _exit (coro_run (child_cb, executor, NULL, NULL) ? 42 : 1);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 42);
  g_assert_true (coro_executor_shut_down (executor, NULL));
  door_clear (&door);
}

typedef struct
{
  CoroExecutor *executor;       /* (unowned) */
  Door *door;                   /* (unowned) */
} Run;

static gboolean
run_cb (gpointer   user_data,
        GValue    *result,
        GError   **error)
{
  Run *self = user_data;

  return coro_executor_run (self->executor, run_door, self->door, NULL, error) != NULL;
}

static gboolean
was_lost (gpointer future)
{
  return coro_join (future, NULL) && g_error_matches (coro_future_get_error (future), CORO_ERROR, CORO_ERROR_CLOSED);
}

static gboolean
ends_well (gpointer future)
{
  return coro_join (future, NULL) && coro_future_get_error (future) == NULL;
}

/* What threads of the parent do, or have not begun, ends there and fails in the child; what the
 * child has begun itself does not. */
G_GNUC_UNUSED static gboolean
test_fork_under_way (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  gboolean cancel = GPOINTER_TO_INT (user_data);
  g_autoptr (CoroExecutor) executor = coro_executor_new (2, CORO_EXECUTOR_NONE);
  g_autoptr (CoroTask) running = NULL;
  g_autoptr (CoroTask) queued = NULL;
  g_autoptr (CoroFuture) running_future = NULL;
  g_autoptr (CoroFuture) queued_future = NULL;
  int status = -1;
  Door door;
  Run run = { executor, &door };
  pid_t child;

  door_init (&door);
  running = coro_spawn_task (run_cb, &run, NULL);
  running_future = coro_executor_submit (executor, pass_door, &door, NULL);
  g_assert_true (door_await_arrival (&door, 2, error));
  queued = coro_spawn_task (run_cb, &run, NULL);
  queued_future = coro_executor_submit (executor, pass_door, &door, NULL);
  g_assert_true (coro_test_settle (error));

  child = fork ();
  if (child == 0)
    {
      Door own_door;
      g_autoptr (CoroFuture) own = NULL;

      alarm (20);
      door_init (&own_door);
      door_open (&own_door);
      own = coro_executor_submit (coro_executor_get_default (), pass_door, &own_door, NULL);
      if (cancel)
        {
          coro_task_cancel (running);
          coro_task_cancel (queued);
        }
      if (!was_lost (running) || !was_lost (queued) || !was_lost (running_future) || !was_lost (queued_future))
        _exit (1);
      if (!ends_well (own) || !coro_executor_shut_down (executor, NULL) || coro_executor_count_threads (executor) != 0)
        _exit (2);
      _exit (42);
    }

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 42);
  door_open (&door);
  g_assert_true (ends_well (running) && ends_well (queued) && ends_well (running_future) && ends_well (queued_future));
  g_assert_cmpint (door.n_done, ==, 4);
  g_assert_true (coro_executor_shut_down (executor, error));
  door_clear (&door);
  return TRUE;
}

static gboolean
note_cb (gpointer noted)
{
  *(gboolean *) noted = TRUE;
  return G_SOURCE_REMOVE;
}

/* Until the scheduler has let another source in: what it does in a child is queued behind us. */
static void
await_another_source (void)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  gboolean noted = FALSE;

  g_source_set_priority (source, G_PRIORITY_HIGH);
  g_source_set_callback (source, note_cb, &noted, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  while (!noted)
    coro_yield (NULL);
}

/* Abandoned in the child, just before that finds that the thread is lost: over only once. */
G_GNUC_UNUSED static gboolean
test_fork_abandoned (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (1, CORO_EXECUTOR_ABANDON);
  g_autoptr (CoroFuture) future = NULL;
  int status = -1;
  Door door;
  pid_t child;

  door_init (&door);
  future = coro_executor_submit (executor, pass_door, &door, NULL);
  g_assert_true (door_await_arrival (&door, 1, error));

  child = fork ();
  if (child == 0)
    {
      alarm (20);
      await_another_source ();
      coro_future_cancel (future);
      _exit (coro_test_settle (NULL) && coro_future_is_done (future) ? 42 : 1);
    }

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 42);
  door_open (&door);
  g_assert_true (ends_well (future));
  g_assert_true (coro_executor_shut_down (executor, error));
  door_clear (&door);
  return TRUE;
}

/* --- many ---------------------------------------------------------------------------- */

/* From several threads of the program at a time, with a cancel now and then. */
static gboolean
test_many (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  g_autoptr (CoroExecutor) executor = coro_executor_new (4, CORO_EXECUTOR_NONE);
  int n_rounds = is_slow () ? 20 : 200, n_ended = 0;
  Door door;

  door_init (&door);
  for (int round = 0; round < n_rounds; round++)
    {
      CoroFuture *futures[50];

      for (int i = 0; i < 50; i++)
        futures[i] = coro_executor_submit (executor, enter_alone, &door, door_freed_cb);
      for (int i = 0; i < 50; i += 7)
        coro_future_cancel (futures[i]);
      for (int i = 0; i < 50; i++)
        {
          g_autoptr (GError) local = NULL;

          n_ended += coro_await (futures[i], NULL, &local) || coro_error_is_cancelled (local);
          g_object_unref (futures[i]);
        }
    }
  g_assert_cmpint (n_ended, ==, 50 * n_rounds);
  g_assert_cmpuint (coro_executor_count_threads (executor), <=, 4);
  g_assert_true (coro_executor_shut_down (executor, error));
  while (g_atomic_int_get (&door.n_freed) < 50 * n_rounds)
    g_assert_true (coro_yield (error));
  g_assert_cmpint (door.n_freed, ==, 50 * n_rounds);
  door_clear (&door);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_summary ("Executors: what they are given is done, dropped or abandoned");

#ifndef __SANITIZE_THREAD__     /* which lets no child of several threads have one */
  if (g_getenv ("CORO_TEST_VALGRIND") == NULL)  /* which looks for leaks in the child */
    {
      g_test_add_func ("/io/executor/fork", test_fork);
      coro_test_add_data_func ("/io/executor/fork-under-way", test_fork_under_way, GINT_TO_POINTER (FALSE), NULL);
      coro_test_add_data_func ("/io/executor/fork-under-way-cancelled", test_fork_under_way, GINT_TO_POINTER (TRUE), NULL);
      coro_test_add_func ("/io/executor/fork-abandoned", test_fork_abandoned);
    }
#endif
  coro_test_add_func ("/spec/S169/guard", test_guard);
  g_test_add_func ("/spec/S123-S170-S174/run-waits", test_run_waits);
  g_test_add_func ("/spec/S170/run-abandons", test_run_abandons);
  coro_test_add_func ("/spec/S171/one-thread-serialises", test_one_thread);
  coro_test_add_func ("/spec/S161-S163-S164-S167-S168-S173/results", test_results);
  coro_test_add_func ("/spec/S310/errors-cross", test_errors);
  coro_test_add_func ("/spec/S343/context-is-copied", test_context);
  coro_test_add_func ("/io/executor/cancelled-before-run", test_cancelled_before_run);
  coro_test_add_func ("/io/executor/cancel-queued-run", test_cancel_queued_run);
  coro_test_add_func ("/executor/cancel/awaiter-of-submitted", test_cancel_awaiter_of_submitted);
  coro_test_add_func ("/executor/cancel/after-time-limit", test_cancel_after_time_limit);
  coro_test_add_func ("/io/executor/cancel-running-run", test_cancel_running_run);
  coro_test_add_func ("/io/executor/cancel-queued-future", test_cancel_queued_future);
  coro_test_add_func ("/io/executor/cancel-running-future", test_cancel_running_future);
  coro_test_add_func ("/io/executor/abandon-running", test_abandon_running);
  coro_test_add_func ("/io/executor/abandon-result", test_abandon_result);
  coro_test_add_func ("/io/executor/nested", test_nested);
  coro_test_add_func ("/io/executor/nested-in-one", test_nested_in_one);
  if (can_forbid_threads ())
    coro_test_add_func ("/io/executor/no-threads", test_no_threads);
  coro_test_add_func ("/io/executor/closed-takes-nothing", test_closed);
  coro_test_add_func ("/io/executor/cancelled-shut-down-waits", test_cancelled_shut_down);
  coro_test_add_func ("/io/executor/misuse", test_misuse);
  coro_test_add_func ("/io/executor/dropped-loses-nothing", test_dropped);
  coro_test_add_func ("/io/executor/many", test_many);
  g_test_add_func ("/io/executor/outside-coroutines", test_outside);
  return g_test_run ();
}
