/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What another thread has asked for counts from the moment in which its call has returned,
 * although the message is still on its way.
 */
#include "test-util.h"

/* Does something in another thread, and returns when that is done. */
static gpointer
elsewhere (GThreadFunc func,
           gpointer    user_data)
{
  return g_thread_join (g_thread_new ("elsewhere", func, user_data));
}

static gpointer
spawn_sleeper_cb (gpointer group)
{
  return coro_task_group_spawn_task (group, forever_cb, NULL, NULL);
}

static gpointer
cancel_cb (gpointer future)
{
  return GINT_TO_POINTER (coro_future_cancel (future));
}

/* --- sleeps ----------------------------------------------------------------------- */

/* A thread without a context of its own has the default one. */
static gpointer
sleep_cb (gpointer user_data)
{
  return coro_sleep_future (SECOND);
}

static gboolean
sleep_cancelled_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  CoroFuture *future = elsewhere (sleep_cb, NULL);

  g_assert_true (coro_future_cancel (future));
  g_object_unref (future);
  return coro_sleep (2 * SECOND, error);
}

static gboolean
sleep_dropped_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_object_unref (elsewhere (sleep_cb, NULL));
  return coro_sleep (2 * SECOND, error);
}

static gboolean
sleep_awaited_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  gint64 start = now ();
  g_autoptr (CoroFuture) future = elsewhere (sleep_cb, NULL);

  g_assert_true (coro_await (future, NULL, error));
  g_assert_cmpint (now () - start, ==, SECOND);
  return TRUE;
}

static void
done_cb (CoroFuture  *future,
         gpointer     loop,
         GError     **error)
{
  g_assert_no_error (coro_future_get_error (future));
  g_main_loop_quit (loop);
}

/* In the default main context. */
static void
test_in_default (gconstpointer func)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (NULL);
  g_autoptr (CoroTask) task = NULL;

  coro_test_clock_start (scheduler, TRUE);
  task = coro_spawn_task ((CoroFunc) func, NULL, NULL);
  coro_future_on_done (CORO_FUTURE (task), done_cb, loop, NULL);
  g_main_loop_run (loop);
  coro_test_clock_stop (scheduler);
}

/* What another thread lets go of. */
typedef struct
{
  GMutex lock;
  GCond changed;
  GQueue futures;               /* (element-type CoroFuture) (owned); guarded by lock */
  gboolean ended;               /* guarded by lock */
} Dropper;

static gpointer
drop_all_cb (gpointer user_data)
{
  Dropper *self = user_data;
  gpointer future;

  g_mutex_lock (&self->lock);
  while (!self->ended || self->futures.length > 0)
    {
      future = g_queue_pop_head (&self->futures);
      if (future == NULL)
        {
          g_cond_wait (&self->changed, &self->lock);
          continue;
        }
      g_mutex_unlock (&self->lock);
      g_object_unref (future);
      g_mutex_lock (&self->lock);
    }
  g_mutex_unlock (&self->lock);
  return NULL;
}

static void
drop_elsewhere (Dropper    *self,
                CoroFuture *future)
{
  g_mutex_lock (&self->lock);
  if (future != NULL)
    g_queue_push_tail (&self->futures, future);
  else
    self->ended = TRUE;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* At about the time at which the timer fires. */
static gboolean
sleeps_dropped_elsewhere_cb (gpointer   user_data,
                             GValue    *result,
                             GError   **error)
{
  Dropper dropper = { .futures = G_QUEUE_INIT };
  GThread *thread = g_thread_new ("dropper", drop_all_cb, &dropper);
  int n_rounds = is_slow () ? 20 : 200;

  for (int round = 0; round < n_rounds; round++)
    {
      for (int i = 0; i < 100; i++)
        drop_elsewhere (&dropper, coro_sleep_future (i));
      g_assert_true (coro_sleep (100, error));
    }
  drop_elsewhere (&dropper, NULL);
  g_thread_join (thread);
  return TRUE;
}

/* --- members ---------------------------------------------------------------------- */

typedef struct
{
  CoroTaskGroup *group;
  int n_run;
} Members;

static gboolean
member_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  ((Members *) user_data)->n_run++;
  return TRUE;
}

static gpointer
spawn_member_cb (gpointer user_data)
{
  coro_task_group_spawn (((Members *) user_data)->group, member_cb, user_data, NULL);
  return NULL;
}

static gboolean
nursery_waits_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Members members = { NULL, 0 };

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

    members.group = nursery.group;
    elsewhere (spawn_member_cb, &members);
    g_assert_cmpuint (coro_task_group_get_n_members (nursery.group), ==, 1);
    g_assert_true (coro_nursery_join (&nursery));
    g_assert_cmpint (members.n_run, ==, 1);
    g_assert_cmpuint (coro_task_group_get_n_members (nursery.group), ==, 0);
  }
  return TRUE;
}

/* Left by an early return, which cancels: the member makes its first step, and has ended. */
static gboolean
nursery_left_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  Members members = { NULL, 0 };

  {
    g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

    members.group = nursery.group;
    elsewhere (spawn_member_cb, &members);
  }
  g_assert_cmpint (members.n_run, ==, 1);
  members.n_run = -1000;
  g_assert_true (coro_sleep (SECOND, error));
  g_assert_cmpint (members.n_run, ==, -1000);
  return TRUE;
}

static gboolean
join_waits_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_NONE);
  Members members = { group, 0 };

  for (int i = 1; i <= 3; i++)
    {
      elsewhere (spawn_member_cb, &members);
      g_assert_true (coro_task_group_join (group, error));
      g_assert_cmpint (members.n_run, ==, i);
    }
  return TRUE;
}

static gpointer
spawn_late_cb (gpointer group)
{
  return coro_task_group_spawn_task (group, forever_cb, NULL, NULL);
}

/* It is too late in whatever thread. */
static gboolean
joined_nursery_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (GError) local_error = NULL;

  g_assert_true (coro_nursery_join (&nursery));
  g_test_expect_message ("Coro", G_LOG_LEVEL_CRITICAL, "*has been joined*");
  task = elsewhere (spawn_late_cb, nursery.group);
  g_test_assert_expected_messages ();
  g_assert_false (coro_await (task, NULL, &local_error));
  g_assert_error (local_error, CORO_ERROR, CORO_ERROR_CLOSED);
  return TRUE;
}

static gboolean
never_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  g_assert_not_reached ();
}

static gpointer
cancel_group_cb (gpointer group)
{
  coro_task_group_cancel (group);
  return NULL;
}

static gboolean
spawn_into_cancelled_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_UNJOINED);
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (GError) local_error = NULL;

  elsewhere (cancel_group_cb, group);
  task = coro_task_group_spawn_task (group, never_cb, NULL, NULL);
  g_assert_false (coro_await (task, NULL, &local_error));
  assert_cancelled (local_error);
  return TRUE;
}

static gboolean
has_task (CoroTask *task)
{
  g_autolist (CoroTask) tasks = coro_all_tasks (NULL);

  return g_list_find (tasks, task) != NULL;
}

static gboolean
all_tasks_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_UNJOINED);
  g_autoptr (CoroTask) task = elsewhere (spawn_sleeper_cb, group);

  g_assert_true (has_task (task));
  coro_task_cancel (task);
  return coro_task_group_join (group, error);
}

/* --- requests --------------------------------------------------------------------- */

static gpointer
spawn_never_cb (gpointer group)
{
  return coro_task_group_spawn_task (group, never_cb, NULL, NULL);
}

/* The task is here before its coroutine is. */
static gboolean
cancelled_on_its_way_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);
  g_autoptr (CoroTask) task = elsewhere (spawn_never_cb, group);
  g_autoptr (GError) local_error = NULL;

  g_assert_true (coro_task_cancel (task));
  g_assert_cmpuint (coro_task_get_cancelling (task), ==, 1);
  g_assert_false (coro_await (task, NULL, &local_error));
  assert_cancelled (local_error);
  g_assert_cmpuint (coro_task_get_cancelling (task), ==, 0);
  return coro_task_group_join (group, error);
}

static gboolean
taken_back_on_its_way_cb (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);
  g_autoptr (CoroTask) task = elsewhere (spawn_sleeper_cb, group);

  elsewhere (cancel_cb, task);
  g_assert_true (coro_task_cancel (task));
  g_assert_cmpuint (coro_task_get_cancelling (task), ==, 2);
  g_assert_cmpuint (coro_task_uncancel (task), ==, 1);
  g_assert_cmpuint (coro_task_uncancel (task), ==, 0);
  g_assert_cmpuint (coro_task_uncancel (task), ==, 0);
  g_assert_true (coro_test_settle (error));
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  g_assert_cmpuint (coro_task_get_cancelling (task), ==, 0);

  coro_task_cancel (task);
  return coro_task_group_join (group, error);
}

static gpointer
cancel_scope_cb (gpointer scope)
{
  coro_cancel_scope_cancel (scope, "enough");
  return NULL;
}

static gboolean
scope_cancelled_cb (gpointer   user_data,
                    GValue    *result,
                    GError   **error)
{
  CoroCancelScope scope = coro_cancel_scope_enter (G_MAXINT64, error);

  elsewhere (cancel_scope_cb, &scope);
  g_assert_true (coro_cancel_scope_is_cancelled (&scope));
  coro_cancel_scope_exit (&scope);

  scope = coro_cancel_scope_enter (G_MAXINT64, error);
  elsewhere (cancel_scope_cb, &scope);
  coro_cancel_scope_exit (&scope);
  g_assert_true (coro_cancel_scope_is_cancelled (&scope));
  return TRUE;
}

/* --- priorities ------------------------------------------------------------------- */

static gpointer
set_high_cb (gpointer task)
{
  coro_task_set_priority (task, CORO_PRIORITY_HIGH);
  return NULL;
}

static gboolean
priority_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  g_autoptr (CoroTaskGroup) group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR);
  g_autoptr (CoroTask) task = elsewhere (spawn_sleeper_cb, group);

  coro_task_set_priority (task, CORO_PRIORITY_LOW);
  g_assert_cmpint (coro_task_get_priority (task), ==, CORO_PRIORITY_LOW);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (coro_task_get_priority (task), ==, CORO_PRIORITY_LOW);

  elsewhere (set_high_cb, task);
  g_assert_cmpint (coro_task_get_priority (task), ==, CORO_PRIORITY_HIGH);
  coro_task_cancel (task);
  return coro_task_group_join (group, error);
}

/* What was set last counts, whichever way it goes. */
static gboolean
last_priority_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  g_autoptr (CoroTask) task = coro_spawn_task (forever_cb, NULL, NULL);

  g_assert_true (coro_test_settle (error));
  elsewhere (set_high_cb, task);
  coro_task_set_priority (task, CORO_PRIORITY_LOW);
  g_assert_cmpint (coro_task_get_priority (task), ==, CORO_PRIORITY_LOW);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (coro_task_get_priority (task), ==, CORO_PRIORITY_LOW);
  coro_task_cancel (task);
  return TRUE;
}

/* --- callbacks -------------------------------------------------------------------- */

typedef struct
{
  CoroFuture *future;
  int n_freed;
} Callback;

static void
never_done_cb (CoroFuture  *future,
               gpointer     user_data,
               GError     **error)
{
  g_assert_not_reached ();
}

static void
callback_freed_cb (gpointer user_data)
{
  ((Callback *) user_data)->n_freed++;
}

static gpointer
on_done_cb (gpointer user_data)
{
  Callback *self = user_data;

  coro_future_on_done (self->future, never_done_cb, self, callback_freed_cb);
  return NULL;
}

static gboolean
callback_removed_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  Callback callback = { future, 0 };

  elsewhere (on_done_cb, &callback);
  elsewhere (on_done_cb, &callback);
  on_done_cb (&callback);
  g_assert_cmpuint (coro_future_remove_on_done (future, never_done_cb, &callback), ==, 3);
  g_assert_cmpuint (coro_future_remove_on_done (future, never_done_cb, &callback), ==, 0);
  g_assert_cmpint (callback.n_freed, ==, 0);
  coro_future_resolve (future, NULL);
  g_assert_true (coro_test_settle (error));
  g_assert_cmpint (callback.n_freed, ==, 3);
  return TRUE;
}

/* A context that was never iterated belongs to no thread. */
static void
test_callback_removed_before (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroFuture) future = NULL;
  Callback callback = { NULL, 0 };

  g_main_context_push_thread_default (context);
  callback.future = future = coro_future_new ();
  on_done_cb (&callback);
  on_done_cb (&callback);
  g_assert_cmpuint (coro_future_remove_on_done (future, never_done_cb, &callback), ==, 2);
  coro_future_resolve (future, NULL);
  settle (context);
  g_assert_cmpint (callback.n_freed, ==, 2);
  g_main_context_pop_thread_default (context);
}

static void
test_task_before (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CoroTaskGroup) group = NULL;
  g_autoptr (CoroTask) task = NULL;

  g_main_context_push_thread_default (context);
  group = coro_task_group_new (CORO_TASK_GROUP_UNJOINED);
  task = coro_task_group_spawn_task (group, forever_cb, NULL, NULL);
  g_assert_cmpuint (coro_task_group_get_n_members (group), ==, 1);
  coro_task_cancel (task);
  g_assert_cmpuint (coro_task_get_cancelling (task), ==, 1);
  g_assert_cmpuint (coro_task_uncancel (task), ==, 0);
  coro_task_set_priority (task, CORO_PRIORITY_HIGH);
  g_assert_cmpint (coro_task_get_priority (task), ==, CORO_PRIORITY_HIGH);

  settle (context);
  g_assert_false (coro_future_is_done (CORO_FUTURE (task)));
  g_assert_cmpint (coro_task_get_priority (task), ==, CORO_PRIORITY_HIGH);
  coro_task_cancel (task);
  settle (context);
  g_assert_true (coro_future_is_done (CORO_FUTURE (task)));
  g_assert_cmpuint (coro_task_group_get_n_members (group), ==, 0);
  g_main_context_pop_thread_default (context);
}

/* A context ends and a member is on its way: the group is let go of. */
static void
test_ended_on_its_way (void)
{
  GMainContext *context = g_main_context_new ();
  CoroTaskGroup *group;
  g_autoptr (CoroTask) task = NULL;

  g_main_context_push_thread_default (context);
  group = coro_task_group_new (CORO_TASK_GROUP_UNJOINED);
  g_object_add_weak_pointer (G_OBJECT (group), (gpointer *) &group);
  task = coro_task_group_spawn_task (group, never_cb, NULL, NULL);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);

  g_assert_cmpint (coro_future_get_state (CORO_FUTURE (task)), ==, CORO_FUTURE_CANCELLED);
  g_object_unref (group);
  g_assert_null (group);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/inbox/sleep/cancelled", sleep_cancelled_cb, test_in_default);
  g_test_add_data_func ("/inbox/sleep/dropped", sleep_dropped_cb, test_in_default);
  g_test_add_data_func ("/inbox/sleep/awaited", sleep_awaited_cb, test_in_default);
  coro_test_add_func ("/inbox/sleep/dropped-elsewhere", sleeps_dropped_elsewhere_cb);
  coro_test_add_func ("/inbox/nursery/waits-for-members", nursery_waits_cb);
  coro_test_add_func ("/inbox/nursery/left-with-members", nursery_left_cb);
  coro_test_add_func ("/inbox/nursery/joined-takes-none", joined_nursery_cb);
  coro_test_add_func ("/inbox/group/join-waits-for-members", join_waits_cb);
  coro_test_add_func ("/inbox/group/spawn-into-cancelled", spawn_into_cancelled_cb);
  coro_test_add_func ("/inbox/all-tasks", all_tasks_cb);
  coro_test_add_func ("/inbox/cancel/on-its-way", cancelled_on_its_way_cb);
  coro_test_add_func ("/inbox/cancel/taken-back", taken_back_on_its_way_cb);
  coro_test_add_func ("/inbox/cancel/scope", scope_cancelled_cb);
  coro_test_add_func ("/inbox/priority/on-its-way", priority_cb);
  coro_test_add_func ("/inbox/priority/last-counts", last_priority_cb);
  coro_test_add_func ("/inbox/callback/removed", callback_removed_cb);
  g_test_add_func ("/inbox/callback/removed-before-first-dispatch", test_callback_removed_before);
  g_test_add_func ("/inbox/task/before-first-dispatch", test_task_before);
  g_test_add_func ("/inbox/group/context-ended", test_ended_on_its_way);

  return g_test_run ();
}
