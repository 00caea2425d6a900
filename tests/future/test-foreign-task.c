/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What overrides for languages are made of. */
#include "lib/context.h"

#define TEST_TYPE_TASK (test_task_get_type ())
G_DECLARE_FINAL_TYPE (TestTask, test_task, TEST, TASK, CoroForeignTask)

struct _TestTask
{
  CoroForeignTask parent_instance;

  guint n_wakes;
  guint n_cancelled;
  guint64 last;
};

G_DEFINE_FINAL_TYPE (TestTask, test_task, CORO_TYPE_FOREIGN_TASK)

static void
test_task_wake (CoroForeignTask  *task,
                guint64           wait,
                gboolean          cancelled,
                GError          **error)
{
  TestTask *self = TEST_TASK (task);

  g_assert_null (coro_task_get_current ());     /* it is the thread stack */
  self->n_wakes++;
  self->n_cancelled += cancelled ? 1 : 0;
  self->last = wait;
}

static void
test_task_class_init (TestTaskClass *klass)
{
  CORO_FOREIGN_TASK_CLASS (klass)->wake = test_task_wake;
}

static void
test_task_init (TestTask *self)
{
}

static TestTask *
task_that_awaits (gpointer future)
{
  TestTask *self = g_object_new (TEST_TYPE_TASK, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (coro_foreign_task_begin_await (CORO_FOREIGN_TASK (self), future, &error), >, 0);
  g_assert_no_error (error);
  return self;
}

static void
assert_woken (TestTask *self,
              guint     n_wakes,
              guint     n_cancelled)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_test_settle (&error));
  g_assert_no_error (error);
  g_assert_cmpuint (self->n_wakes, ==, n_wakes);
  g_assert_cmpuint (self->n_cancelled, ==, n_cancelled);
}

static gboolean
test_wake (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (TestTask) pending = task_that_awaits (future);
  g_autoptr (TestTask) yielding = task_that_awaits (NULL);

  g_assert_cmpuint (yielding->n_wakes, ==, 0);
  assert_woken (yielding, 1, 0);
  assert_woken (pending, 0, 0);
  g_assert_true (coro_foreign_task_is_awaiting (CORO_FOREIGN_TASK (pending)));
  coro_future_resolve_int (future, 1);
  assert_woken (pending, 1, 0);
  g_assert_false (coro_foreign_task_is_awaiting (CORO_FOREIGN_TASK (pending)));
  return TRUE;
}

/* A cancel of the last waiter, and only of the last, cancels the future. */
static gboolean
test_shared (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (TestTask) a = task_that_awaits (future);
  g_autoptr (TestTask) b = task_that_awaits (future);

  coro_future_cancel (CORO_FUTURE (a));
  assert_woken (a, 1, 1);
  assert_woken (b, 0, 0);
  g_assert_false (coro_future_is_done (future));

  coro_future_cancel (CORO_FUTURE (b));
  assert_woken (b, 1, 1);
  g_assert_cmpint (coro_future_get_state (future), ==, CORO_FUTURE_CANCELLED);
  return TRUE;
}

static gboolean
test_same_turn (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (TestTask) task = task_that_awaits (future);

  coro_future_resolve_int (future, 1);
  coro_future_cancel (CORO_FUTURE (task));
  assert_woken (task, 1, 1);
  g_assert_false (coro_foreign_task_is_cancel_pending (CORO_FOREIGN_TASK (task)));
  return TRUE;
}

/* A request of between two awaits is the next one's, and can be taken back. */
static gboolean
test_pending (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  g_autoptr (TestTask) task = g_object_new (TEST_TYPE_TASK, NULL);
  CoroForeignTask *foreign = CORO_FOREIGN_TASK (task);

  coro_future_cancel (CORO_FUTURE (task));
  g_assert_cmpuint (coro_foreign_task_get_cancelling (foreign), ==, 1);
  g_assert_true (coro_foreign_task_is_cancel_pending (foreign));
  g_assert_cmpuint (coro_foreign_task_uncancel (foreign), ==, 0);
  g_assert_false (coro_foreign_task_is_cancel_pending (foreign));

  coro_future_cancel (CORO_FUTURE (task));
  g_assert_cmpuint (coro_foreign_task_begin_await (foreign, future, error), >, 0);
  assert_woken (task, 1, 1);

  coro_future_cancel (CORO_FUTURE (task));
  g_assert_true (coro_foreign_task_take_cancel (foreign));
  g_assert_false (coro_foreign_task_take_cancel (foreign));
  g_assert_true (coro_foreign_task_end_cancelled (foreign));
  g_assert_false (coro_future_cancel (CORO_FUTURE (task)));
  return TRUE;
}

static gboolean
stubborn_cb (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (GError) cancelled = NULL;

  g_assert_false (coro_sleep (G_TIME_SPAN_SECOND, &cancelled));
  return coro_return_int (result, 7);
}

/* The answer of a task counts; what others say in spite of a request leaves it pending. */
static gboolean
test_answer (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (CoroTask) stubborn = coro_spawn_task (stubborn_cb, NULL, NULL);
  g_autoptr (TestTask) task = task_that_awaits (stubborn);

  g_assert_true (coro_test_settle (error));
  coro_future_cancel (CORO_FUTURE (task));
  g_assert_true (coro_await (stubborn, NULL, error));
  assert_woken (task, 1, 0);
  g_assert_false (coro_foreign_task_is_cancel_pending (CORO_FOREIGN_TASK (task)));
  return TRUE;
}

/* Code that has gone on may not wait for its earlier awaits any more. */
static gboolean
test_earlier_awaits (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (CoroFuture) stop = coro_future_new ();
  g_autoptr (CoroFuture) later = coro_future_new ();
  g_autoptr (TestTask) task = task_that_awaits (stop);

  g_assert_cmpuint (coro_foreign_task_begin_await (CORO_FOREIGN_TASK (task), NULL, error), >, 0);
  assert_woken (task, 1, 0);
  g_assert_cmpuint (coro_foreign_task_begin_await (CORO_FOREIGN_TASK (task), later, error), >, 0);
  coro_future_cancel (CORO_FUTURE (task));
  assert_woken (task, 3, 2);
  g_assert_false (coro_future_is_done (stop));
  g_assert_true (coro_future_is_done (later));
  return TRUE;
}

/* With nothing but an abandoned await the request is the next await's. */
static gboolean
test_abandoned_await (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (CoroFuture) stop = coro_future_new ();
  g_autoptr (CoroFuture) later = coro_future_new ();
  g_autoptr (TestTask) task = task_that_awaits (stop);
  CoroForeignTask *foreign = CORO_FOREIGN_TASK (task);

  g_assert_cmpuint (coro_foreign_task_begin_await (foreign, NULL, error), >, 0);
  assert_woken (task, 1, 0);
  coro_future_cancel (CORO_FUTURE (task));
  assert_woken (task, 2, 1);
  g_assert_false (coro_future_is_done (stop));
  g_assert_true (coro_foreign_task_is_cancel_pending (foreign));

  g_assert_cmpuint (coro_foreign_task_begin_await (foreign, later, error), >, 0);
  assert_woken (task, 3, 2);
  g_assert_cmpint (coro_future_get_state (later), ==, CORO_FUTURE_CANCELLED);
  g_assert_false (coro_foreign_task_is_cancel_pending (foreign));
  return TRUE;
}

/* A future that counts requests, and goes on in spite of them. */
#define TEST_TYPE_STUBBORN (test_stubborn_get_type ())
G_DECLARE_FINAL_TYPE (TestStubborn, test_stubborn, TEST, STUBBORN, CoroFuture)

struct _TestStubborn
{
  CoroFuture parent_instance;

  guint n_requests;
};

G_DEFINE_FINAL_TYPE (TestStubborn, test_stubborn, CORO_TYPE_FUTURE)

static gboolean
test_stubborn_cancel (CoroFuture *future)
{
  g_assert_null (coro_task_get_current ());     /* it is the thread stack */
  TEST_STUBBORN (future)->n_requests++;
  return !coro_future_is_done (future);
}

static void
test_stubborn_class_init (TestStubbornClass *klass)
{
  CORO_FUTURE_CLASS (klass)->cancel = test_stubborn_cancel;
}

static void
test_stubborn_init (TestStubborn *self)
{
}

/* The future gets every request; if it succeeds in spite of them, they stay pending. */
static gboolean
test_success_in_spite (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (TestStubborn) future = g_object_new (TEST_TYPE_STUBBORN, NULL);
  g_autoptr (TestStubborn) other = g_object_new (TEST_TYPE_STUBBORN, NULL);
  g_autoptr (TestTask) task = task_that_awaits (future);
  g_autoptr (TestTask) forgiven = task_that_awaits (other);

  g_assert_true (coro_future_cancel (CORO_FUTURE (task)));
  g_assert_true (coro_future_cancel (CORO_FUTURE (task)));
  g_assert_cmpuint (future->n_requests, ==, 2);
  g_assert_cmpuint (coro_foreign_task_get_cancelling (CORO_FOREIGN_TASK (task)), ==, 2);
  coro_future_resolve_int (CORO_FUTURE (future), 1);
  assert_woken (task, 1, 0);
  g_assert_true (coro_foreign_task_is_cancel_pending (CORO_FOREIGN_TASK (task)));
  g_assert_cmpuint (coro_foreign_task_uncancel (CORO_FOREIGN_TASK (task)), ==, 1);
  g_assert_true (coro_foreign_task_is_cancel_pending (CORO_FOREIGN_TASK (task)));
  g_assert_cmpuint (coro_foreign_task_uncancel (CORO_FOREIGN_TASK (task)), ==, 0);
  g_assert_false (coro_foreign_task_is_cancel_pending (CORO_FOREIGN_TASK (task)));
  g_assert_cmpuint (coro_foreign_task_uncancel (CORO_FOREIGN_TASK (task)), ==, 0);

  /* A request that was taken back is not pending afterwards. */
  g_assert_true (coro_future_cancel (CORO_FUTURE (forgiven)));
  g_assert_cmpuint (coro_foreign_task_uncancel (CORO_FOREIGN_TASK (forgiven)), ==, 0);
  coro_future_resolve_int (CORO_FUTURE (other), 1);
  assert_woken (forgiven, 1, 0);
  g_assert_false (coro_foreign_task_is_cancel_pending (CORO_FOREIGN_TASK (forgiven)));
  return TRUE;
}

/* Two awaits at a time: the last that ends decides whether the request stays pending. */
static gboolean
test_last_answer_decides (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (TestStubborn) a = g_object_new (TEST_TYPE_STUBBORN, NULL);
  g_autoptr (TestStubborn) b = g_object_new (TEST_TYPE_STUBBORN, NULL);
  g_autoptr (TestTask) task = task_that_awaits (a);
  CoroForeignTask *foreign = CORO_FOREIGN_TASK (task);

  g_assert_cmpuint (coro_foreign_task_begin_await (foreign, CORO_FUTURE (b), error), >, 0);
  g_assert_true (coro_future_cancel (CORO_FUTURE (task)));
  g_assert_cmpuint (a->n_requests, ==, 1);
  g_assert_cmpuint (b->n_requests, ==, 1);
  coro_future_resolve_int (CORO_FUTURE (a), 1);
  assert_woken (task, 1, 0);
  g_assert_false (coro_foreign_task_is_cancel_pending (foreign));
  coro_future_resolve_int (CORO_FUTURE (b), 1);
  assert_woken (task, 2, 0);
  g_assert_true (coro_foreign_task_is_cancel_pending (foreign));
  return TRUE;
}

static gpointer
cancel_thread (gpointer future)
{
  return GINT_TO_POINTER (coro_future_cancel (future));
}

/* Another thread asks; what the request means runs in the thread of the future. */
static gboolean
test_cancel_from_other_thread (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (TestStubborn) future = g_object_new (TEST_TYPE_STUBBORN, NULL);
  g_autoptr (CoroFuture) plain = coro_future_new ();
  g_autoptr (TestTask) task = task_that_awaits (plain);
  g_autoptr (TestTask) ended = g_object_new (TEST_TYPE_TASK, NULL);

  g_assert_true (GPOINTER_TO_INT (g_thread_join (g_thread_new ("cancel", cancel_thread, future))));
  g_assert_cmpuint (future->n_requests, ==, 0);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpuint (future->n_requests, ==, 1);

  g_assert_true (GPOINTER_TO_INT (g_thread_join (g_thread_new ("cancel", cancel_thread, task))));
  assert_woken (task, 1, 1);
  g_assert_true (coro_future_is_done (plain));

  /* Done before the request arrives. */
  g_assert_true (GPOINTER_TO_INT (g_thread_join (g_thread_new ("cancel", cancel_thread, ended))));
  coro_foreign_task_end_cancelled (CORO_FOREIGN_TASK (ended));
  g_assert_true (coro_test_settle (error));
  g_assert_cmpuint (coro_foreign_task_get_cancelling (CORO_FOREIGN_TASK (ended)), ==, 0);
  return TRUE;
}

/* The main context ends before the turn of the tasks: they are not woken, and not leaked. */
static gboolean
leave_behind_cb (gpointer tasks, GValue *result, GError **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  TestTask *inner = task_that_awaits (NULL);
  TestTask *outer = task_that_awaits (inner);

  coro_future_resolve_int (future, 1);
  g_assert_cmpuint (coro_foreign_task_begin_await (CORO_FOREIGN_TASK (inner), future, error), >, 0);
  coro_future_cancel (CORO_FUTURE (outer));
  g_ptr_array_add (tasks, inner);
  g_ptr_array_add (tasks, outer);
  return TRUE;
}

static gpointer
leave_behind_thread (gpointer tasks)
{
  g_autoptr (GError) error = NULL;

  coro_run (leave_behind_cb, tasks, NULL, &error);
  g_assert_no_error (error);
  return NULL;
}

static void
test_ended_context (void)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new ();
  gpointer inner, outer;

  g_thread_join (g_thread_new ("ends", leave_behind_thread, tasks));
  inner = tasks->pdata[0];
  outer = tasks->pdata[1];
  g_object_add_weak_pointer (inner, &inner);
  g_object_add_weak_pointer (outer, &outer);
  coro_foreign_task_end_cancelled (inner);
  coro_foreign_task_end_cancelled (outer);
  g_object_unref (inner);
  g_object_unref (outer);
  g_assert_null (inner);
  g_assert_null (outer);
}

static gboolean
test_cycle (gpointer user_data, GValue *result, GError **error)
{
  g_autoptr (TestTask) a = g_object_new (TEST_TYPE_TASK, NULL);
  g_autoptr (TestTask) b = task_that_awaits (a);
  g_autoptr (CoroFuture) both = coro_gather ((CoroFuture *[]) { CORO_FUTURE (b) }, 1);
  g_autoptr (GError) failure = NULL;

  g_assert_cmpuint (coro_foreign_task_begin_await (CORO_FOREIGN_TASK (a), both, &failure), ==, 0);
  g_assert_error (failure, CORO_ERROR, CORO_ERROR_PROTOCOL);
  coro_foreign_task_end_cancelled (CORO_FOREIGN_TASK (a));
  assert_woken (b, 1, 0);
  coro_foreign_task_end_cancelled (CORO_FOREIGN_TASK (b));
  return TRUE;
}

/* 100 000 tasks, each of which awaits the next. */
static gboolean
test_long_chain (gpointer user_data, GValue *result, GError **error)
{
  const guint n = 100000;
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (CoroFuture) end = coro_future_new ();

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (tasks, task_that_awaits (i > 0 ? tasks->pdata[i - 1] : (gpointer) end));
  coro_future_cancel (tasks->pdata[n - 1]);
  g_assert_true (coro_test_settle (error));
  g_assert_true (coro_future_is_done (end));

  for (guint i = 0; i < n; i++)
    coro_foreign_task_end_cancelled (tasks->pdata[i]);
  assert_woken (tasks->pdata[n - 1], 1, 0);
  return TRUE;
}

/* A future that its thread hands over. */
typedef struct
{
  GMutex lock;
  GCond changed;
  CoroFuture *future;           /* (owned) (nullable); guarded by lock */
} Served;

static gboolean
serve_cb (gpointer user_data, GValue *result, GError **error)
{
  Served *self = user_data;
  CoroFuture *future = coro_future_new ();
  gboolean ok;

  g_mutex_lock (&self->lock);
  self->future = g_object_ref (future);
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
  ok = coro_await (future, NULL, error);
  g_object_unref (future);
  return ok;
}

static gpointer
serve_thread (gpointer served)
{
  g_autoptr (GError) error = NULL;

  coro_run (serve_cb, served, NULL, &error);
  g_assert_no_error (error);
  return NULL;
}

/* A future of another thread, which completes it. */
static void
test_other_thread (void)
{
  Served served = { .future = NULL };
  GThread *thread = g_thread_new ("owner", serve_thread, &served);
  g_autoptr (CoroFuture) future = NULL;
  g_autoptr (TestTask) cancelled = NULL;
  g_autoptr (TestTask) woken = NULL;

  g_mutex_lock (&served.lock);
  while (served.future == NULL)
    g_cond_wait (&served.changed, &served.lock);
  future = g_steal_pointer (&served.future);
  g_mutex_unlock (&served.lock);
  cancelled = task_that_awaits (future);
  woken = task_that_awaits (future);

  coro_future_cancel (CORO_FUTURE (cancelled));
  while (cancelled->n_wakes == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (cancelled->n_cancelled, ==, 1);
  g_assert_false (coro_future_is_done (future));

  coro_future_resolve_int (future, 1);
  while (woken->n_wakes == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (woken->n_cancelled, ==, 0);
  g_thread_join (thread);
}

/* A task of another thread, which waits until it is cancelled. */
typedef struct
{
  GMutex lock;
  GCond changed;
  CoroFuture *task;             /* (owned) (nullable); guarded by lock */
  CoroFuture *stop;             /* (owned) (nullable); guarded by lock */
} ServedTask;

static gboolean
served_task_cb (gpointer user_data, GValue *result, GError **error)
{
  return coro_sleep (G_TIME_SPAN_DAY, error);
}

static gboolean
serve_task_cb (gpointer user_data, GValue *result, GError **error)
{
  ServedTask *self = user_data;
  CoroFuture *stop = coro_future_new ();
  gboolean ok;

  g_mutex_lock (&self->lock);
  self->task = CORO_FUTURE (coro_spawn_task (served_task_cb, NULL, NULL));
  self->stop = g_object_ref (stop);
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
  ok = coro_await (stop, NULL, error);
  g_object_unref (stop);
  return ok;
}

static gpointer
serve_task_thread (gpointer served)
{
  g_autoptr (GError) error = NULL;

  coro_run (serve_task_cb, served, NULL, &error);
  g_assert_no_error (error);
  return NULL;
}

/* The thread of the awaited task decides whether the request ends the task or only the await. */
static void
test_task_of_other_thread (void)
{
  ServedTask served = { .task = NULL };
  GThread *thread = g_thread_new ("owner", serve_task_thread, &served);
  g_autoptr (CoroFuture) future = NULL;
  g_autoptr (CoroFuture) stop = NULL;
  g_autoptr (TestTask) first = NULL;
  g_autoptr (TestTask) last = NULL;

  g_mutex_lock (&served.lock);
  while (served.task == NULL)
    g_cond_wait (&served.changed, &served.lock);
  future = g_steal_pointer (&served.task);
  stop = g_steal_pointer (&served.stop);
  g_mutex_unlock (&served.lock);
  first = task_that_awaits (future);
  last = task_that_awaits (future);
  g_assert_true (coro_foreign_task_is_awaiting (CORO_FOREIGN_TASK (first)));

  /* Another waits for it too: only the await ends. */
  coro_future_cancel (CORO_FUTURE (first));
  while (first->n_wakes == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (first->n_cancelled, ==, 1);
  g_assert_false (coro_future_is_done (future));
  g_assert_cmpuint (last->n_wakes, ==, 0);

  /* The last: the task is cancelled, and its outcome decides. */
  coro_future_cancel (CORO_FUTURE (last));
  g_assert_false (coro_foreign_task_is_awaiting (CORO_FOREIGN_TASK (last)));
  while (last->n_wakes == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (last->n_cancelled, ==, 0);
  g_assert_cmpint (coro_future_get_state (future), ==, CORO_FUTURE_CANCELLED);
  g_assert_false (coro_foreign_task_is_cancel_pending (CORO_FOREIGN_TASK (last)));

  coro_future_resolve_int (stop, 1);
  g_thread_join (thread);
}

static gpointer
resolve_thread (gpointer future)
{
  coro_future_resolve_int (future, 1);
  return NULL;
}

/* A future of a main context that nothing iterates: no answer of that is needed. */
static void
test_idle_context (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroFuture) future = future_new_in (context);
  g_autoptr (TestTask) cancelled = NULL;
  g_autoptr (TestTask) woken = NULL;

  cancelled = task_that_awaits (future);
  woken = task_that_awaits (future);

  coro_future_cancel (CORO_FUTURE (cancelled));
  while (cancelled->n_wakes == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (cancelled->n_cancelled, ==, 1);

  g_thread_join (g_thread_new ("resolve", resolve_thread, future));
  while (woken->n_wakes == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (woken->n_cancelled, ==, 0);
}

/* The future belongs to another main context of the same thread: no answer of that is needed. */
static void
test_other_context (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroFuture) future = future_new_in (context);
  g_autoptr (TestTask) first = NULL;
  g_autoptr (TestTask) last = NULL;

  claim_context (context);
  first = task_that_awaits (future);
  last = task_that_awaits (future);
  while (g_main_context_iteration (NULL, FALSE))
    continue;

  coro_future_cancel (CORO_FUTURE (first));
  g_assert_cmpuint (first->n_wakes, ==, 0);
  while (first->n_wakes == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (first->n_cancelled, ==, 1);
  g_assert_false (coro_future_is_done (future));
  g_assert_cmpuint (last->n_wakes, ==, 0);

  coro_future_cancel (CORO_FUTURE (last));
  while (last->n_wakes == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (coro_future_get_state (future), ==, CORO_FUTURE_CANCELLED);
  g_assert_false (coro_foreign_task_is_cancel_pending (CORO_FOREIGN_TASK (last)));
  g_assert_cmpuint (first->n_wakes + last->n_wakes, ==, 2);
}

/* The main context ends while a request is on its way along a chain of tasks. */
static void
test_ended_in_a_chain (void)
{
  GMainContext *context = g_main_context_new ();
  gpointer tasks[3];

  claim_context (context);
  g_main_context_push_thread_default (context);
  for (int i = 0; i < 3; i++)
    {
      tasks[i] = i > 0 ? task_that_awaits (tasks[i - 1]) : g_object_new (TEST_TYPE_TASK, NULL);
      g_object_add_weak_pointer (tasks[i], &tasks[i]);
    }
  while (g_main_context_iteration (context, FALSE))
    continue;
  coro_future_cancel (tasks[2]);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);

  for (int i = 3; i-- > 0;)
    coro_foreign_task_end_cancelled (tasks[i]);
  for (int i = 3; i-- > 0;)
    {
      g_assert_cmpuint (((TestTask *) tasks[i])->n_wakes, ==, 0);
      g_object_unref (tasks[i]);
    }
  for (int i = 0; i < 3; i++)
    g_assert_null (tasks[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  coro_test_add_func ("/foreign-task/wake", test_wake);
  coro_test_add_func ("/foreign-task/shared", test_shared);
  coro_test_add_func ("/foreign-task/same-turn", test_same_turn);
  coro_test_add_func ("/foreign-task/pending", test_pending);
  coro_test_add_func ("/foreign-task/answer", test_answer);
  coro_test_add_func ("/foreign-task/earlier-awaits", test_earlier_awaits);
  coro_test_add_func ("/foreign-task/cycle", test_cycle);
  coro_test_add_func ("/foreign-task/long-chain", test_long_chain);
  coro_test_add_func ("/foreign-task/abandoned-await", test_abandoned_await);
  coro_test_add_func ("/foreign-task/success-in-spite", test_success_in_spite);
  coro_test_add_func ("/foreign-task/last-answer-decides", test_last_answer_decides);
  coro_test_add_func ("/foreign-task/cancel-from-other-thread", test_cancel_from_other_thread);
  g_test_add_func ("/foreign-task/ended-context", test_ended_context);
  g_test_add_func ("/foreign-task/other-context", test_other_context);
  g_test_add_func ("/foreign-task/ended-in-a-chain", test_ended_in_a_chain);
  g_test_add_func ("/foreign-task/task-of-other-thread", test_task_of_other_thread);
  g_test_add_func ("/foreign-task/other-thread", test_other_thread);
  g_test_add_func ("/foreign-task/idle-context", test_idle_context);
  return g_test_run ();
}
