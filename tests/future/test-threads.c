/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Futures of one thread in the hands of another.
 */
#include "lib/bodies.h"
#include "lib/context.h"

/* A thread that iterates a context until it is told to stop. */
typedef struct
{
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
  CoroTaskGroup *group;         /* of coroutines that run there */
} Owner;

static Owner owner;

static gpointer
owner_thread (gpointer data)
{
  Owner *self = data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  settle (self->context);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static void
owner_start (Owner *self)
{
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  g_main_context_push_thread_default (self->context);
  self->group = coro_task_group_new (CORO_TASK_GROUP_SUPERVISOR | CORO_TASK_GROUP_UNJOINED);
  g_main_context_pop_thread_default (self->context);
  self->thread = g_thread_new ("owner", owner_thread, self);
}

static gboolean
quit_cb (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static void
owner_stop (Owner *self)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, quit_cb, self->loop, NULL);
  g_source_attach (source, self->context);
  g_thread_join (self->thread);
  g_object_unref (self->group);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
}

static gboolean
new_future_cb (gpointer   future,
               GValue    *result,
               GError   **error)
{
  g_autoptr (CoroFuture) made = coro_future_new ();

  coro_future_resolve_object (future, made);
  return TRUE;
}

/* A future that belongs to the owner's thread. */
static CoroFuture *
owner_new_future (Owner   *self,
                  GError **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();

  coro_task_group_spawn (self->group, new_future_cb, g_object_ref (future), g_object_unref);
  return coro_await_object (future, error);
}

typedef enum
{
  RESOLVE,
  REJECT,
  CANCEL,
} Ending;

typedef struct
{
  CoroFuture *future;
  Ending ending;
  GThread *thread;
} End;

static void
end_future (CoroFuture *future,
            Ending      ending)
{
  if (ending == RESOLVE)
    coro_future_resolve_int (future, 42);
  else if (ending == REJECT)
    coro_future_reject (future, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "bad"));
  else
    coro_future_cancel (future);
}

static gboolean
end_cb (gpointer   user_data,
        GValue    *result,
        GError   **error)
{
  End *self = user_data;

  end_future (self->future, self->ending);
  return TRUE;
}

static void
end_free (gpointer user_data)
{
  End *self = user_data;

  g_object_unref (self->future);
  g_free (self);
}

static void
owner_end_future (Owner      *self,
                  CoroFuture *future,
                  Ending      ending)
{
  End *end = g_new0 (End, 1);

  end->future = g_object_ref (future);
  end->ending = ending;
  coro_task_group_spawn (self->group, end_cb, end, end_free);
}

static void
assert_ended (CoroFuture *future,
              Ending      ending)
{
  g_autoptr (GError) error = NULL;
  int value = coro_await_int (future, &error);

  if (ending == RESOLVE)
    {
      g_assert_no_error (error);
      g_assert_cmpint (value, ==, 42);
    }
  else if (ending == REJECT)
    {
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
    }
  else
    {
      assert_cancelled (error);
    }
}

/* --- completing ------------------------------------------------------------------- */

static gpointer
end_thread (gpointer user_data)
{
  End *self = user_data;

  end_future (self->future, self->ending);
  return NULL;
}

static gboolean
ended_elsewhere_cb (gpointer   ending,
                    GValue    *result,
                    GError   **error)
{
  for (int i = 0; i < 50; i++)
    {
      g_autoptr (CoroFuture) future = coro_future_new ();
      End end = { future, GPOINTER_TO_INT (ending), NULL };
      GThread *thread = g_thread_new ("end", end_thread, &end);

      assert_ended (future, end.ending);
      g_thread_join (thread);
    }
  return TRUE;
}

static gpointer
race_thread (gpointer user_data)
{
  End *self = user_data;

  return GINT_TO_POINTER (coro_future_resolve_int (self->future, self->ending));
}

static gboolean
one_wins_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  for (int round = 0; round < 50; round++)
    {
      g_autoptr (CoroFuture) future = coro_future_new ();
      End ends[4];
      int n_winners = 0, winner = -1, value;

      for (int i = 0; i < 4; i++)
        {
          ends[i] = (End) { future, i, NULL };
          ends[i].thread = g_thread_new ("race", race_thread, &ends[i]);
        }
      value = coro_await_int (future, error);
      for (int i = 0; i < 4; i++)
        if (g_thread_join (ends[i].thread))
          {
            n_winners++;
            winner = i;
          }
      g_assert_cmpint (n_winners, ==, 1);
      g_assert_cmpint (value, ==, winner);
    }
  return *error == NULL;
}

static void
check_thread_cb (CoroFuture  *future,
                 gpointer     user_data,
                 GError     **error)
{
  End *self = user_data;

  g_assert_true (g_thread_self () == self->thread);
  self->ending++;
}

static gpointer
watch_and_end_thread (gpointer user_data)
{
  End *self = user_data;

  coro_future_on_done (self->future, check_thread_cb, self, NULL);
  coro_future_resolve (self->future, NULL);
  coro_future_on_done (self->future, check_thread_cb, self, NULL);
  return NULL;
}

static gboolean
callbacks_on_owner_cb (gpointer   user_data,
                       GValue    *result,
                       GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  End end = { future, 0, g_thread_self () };
  GThread *thread = g_thread_new ("watch", watch_and_end_thread, &end);

  if (!coro_await (future, NULL, error))
    return FALSE;
  g_thread_join (thread);
  while (end.ending < 2)
    if (!coro_yield (error))
      return FALSE;
  return TRUE;
}

/* --- awaiting --------------------------------------------------------------------- */

static gboolean
await_theirs_cb (gpointer   ending,
                 GValue    *result,
                 GError   **error)
{
  for (int i = 0; i < 50; i++)
    {
      g_autoptr (CoroFuture) future = owner_new_future (&owner, error);

      if (future == NULL)
        return FALSE;
      owner_end_future (&owner, future, GPOINTER_TO_INT (ending));
      assert_ended (future, GPOINTER_TO_INT (ending));
      assert_ended (future, GPOINTER_TO_INT (ending));
    }
  return TRUE;
}

static gboolean
join_cb (gpointer   awaitable,
         GValue    *result,
         GError   **error)
{
  return coro_join (awaitable, error);
}

/* The waiter is cancelled: the future of the other thread goes along soon. */
static gboolean
cancel_takes_theirs_along_cb (gpointer   user_data,
                              GValue    *result,
                              GError   **error)
{
  for (int i = 0; i < 50; i++)
    {
      g_autoptr (CoroFuture) future = owner_new_future (&owner, error);
      g_autoptr (CoroFuture) left_alone = owner_new_future (&owner, error);
      g_autoptr (CoroTask) waiter = coro_spawn_task (await_cb, future, NULL);
      g_autoptr (CoroTask) joiner = coro_spawn_task (join_cb, left_alone, NULL);

      if (!coro_yield (error))
        return FALSE;
      coro_task_cancel (waiter);
      coro_task_cancel (joiner);
      if (!coro_join (waiter, error) || !coro_join (joiner, error))
        return FALSE;
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (waiter)), ==, CORO_FUTURE_CANCELLED);
      if (!coro_join (CORO_AWAITABLE (future), error))
        return FALSE;
      g_assert_cmpint (coro_future_get_state (future), ==, CORO_FUTURE_CANCELLED);
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (joiner)), ==, CORO_FUTURE_CANCELLED);
      g_assert_false (coro_future_is_done (left_alone));
    }
  return TRUE;
}

/* Cancelled while the completion is on its way: never lost, never late, nothing of the
 * waiter's stack is touched afterwards. */
static gboolean
cancel_races_completion_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  int n_rounds = is_slow () ? 200 : 2000;
  int n_cancelled = 0;
  for (int i = 0; i < n_rounds; i++)
    {
      g_autoptr (CoroFuture) future = owner_new_future (&owner, error);
      g_autoptr (CoroTask) waiter = coro_spawn_task (await_cb, future, NULL);
      CoroFutureState state;

      if (i % 2 == 0 && !coro_yield (error))
        return FALSE;
      owner_end_future (&owner, future, RESOLVE);
      for (int k = g_test_rand_int_range (0, 6); k > 0; k--)
        if (!coro_yield (error))
          return FALSE;
      coro_task_cancel (waiter);
      if (!coro_join (waiter, error))
        return FALSE;
      state = coro_future_get_state (CORO_FUTURE (waiter));
      g_assert_true (state == CORO_FUTURE_CANCELLED || state == CORO_FUTURE_RESOLVED);
      n_cancelled += state == CORO_FUTURE_CANCELLED;
    }
  g_test_message ("%d of %d were cancelled", n_cancelled, n_rounds);
  return TRUE;
}

/* A request that came too late for the wait is still there for the next one. */
static gboolean
await_then_sleep_cb (gpointer   future,
                     GValue    *result,
                     GError   **error)
{
  return coro_await (future, NULL, error) && coro_sleep (1000 * SECOND, error);
}

static gboolean
request_is_never_lost_cb (gpointer   user_data,
                          GValue    *result,
                          GError   **error)
{
  int n_rounds = is_slow () ? 200 : 2000;
  for (int i = 0; i < n_rounds; i++)
    {
      g_autoptr (CoroFuture) future = owner_new_future (&owner, error);
      g_autoptr (CoroTask) waiter = coro_spawn_task (await_then_sleep_cb, future, NULL);

      if (!coro_yield (error))
        return FALSE;
      owner_end_future (&owner, future, RESOLVE);
      for (int k = g_test_rand_int_range (0, 6); k > 0; k--)
        if (!coro_yield (error))
          return FALSE;
      coro_task_cancel (waiter);
      if (!coro_join (waiter, error))
        return FALSE;
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (waiter)), ==, CORO_FUTURE_CANCELLED);
    }
  return TRUE;
}

/* --- tasks ------------------------------------------------------------------------ */

typedef struct
{
  CoroFuture *started;
  int cleaned_up;               /* (atomic) */
} CleanUp;

static gboolean
clean_up_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  CleanUp *self = user_data;

  coro_future_resolve (self->started, NULL);
  if (coro_sleep (1000 * SECOND, error))
    return TRUE;
  if (coro_sleep (2000, NULL))
    g_atomic_int_set (&self->cleaned_up, TRUE);
  return FALSE;
}

/* A coroutine that is cancelled while it awaits a task of another thread waits for that task's
 * cleanup too. */
static gboolean
waits_for_their_cleanup_cb (gpointer   user_data,
                            GValue    *result,
                            GError   **error)
{
  for (int i = 0; i < 10; i++)
    {
      CleanUp self = { coro_future_new (), FALSE };
      g_autoptr (CoroTask) task = coro_task_group_spawn_task (owner.group, clean_up_cb, &self, NULL);
      g_autoptr (CoroTask) waiter = coro_spawn_task (await_cb, task, NULL);

      if (!coro_yield (error) || !coro_await (self.started, NULL, error))
        return FALSE;
      coro_task_cancel (waiter);
      if (!coro_join (waiter, error))
        return FALSE;
      g_assert_cmpint (coro_future_get_state (CORO_FUTURE (waiter)), ==, CORO_FUTURE_CANCELLED);
      g_assert_true (coro_future_is_done (CORO_FUTURE (task)));
      g_assert_true (g_atomic_int_get (&self.cleaned_up));
      g_object_unref (self.started);
    }
  return TRUE;
}

static gboolean
number_cb (gpointer   user_data,
           GValue    *result,
           GError   **error)
{
  if (!coro_yield (error))
    return FALSE;
  return coro_return_int (result, GPOINTER_TO_INT (user_data));
}

static gboolean
await_their_tasks_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  for (int i = 0; i < 200; i++)
    {
      g_autoptr (CoroTask) task = coro_task_group_spawn_task (owner.group, number_cb, GINT_TO_POINTER (i), NULL);

      g_assert_cmpint (coro_await_int (task, error), ==, i);
    }
  return *error == NULL;
}

static gboolean
cancel_their_task_cb (gpointer   user_data,
                      GValue    *result,
                      GError   **error)
{
  for (int i = 0; i < 100; i++)
    {
      int destroyed = 0;
      g_autoptr (CoroTask) task = coro_task_group_spawn_task (owner.group, forever_cb, &destroyed, count_cb);
      g_autoptr (GError) local_error = NULL;

      g_assert_true (coro_task_cancel (task));
      g_assert_false (coro_await (task, NULL, &local_error));
      assert_cancelled (local_error);
      g_assert_cmpint (destroyed, ==, 1);
      g_assert_false (coro_task_cancel (task));
    }
  return TRUE;
}

/* --- several ---------------------------------------------------------------------- */

static gboolean
select_theirs_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  int n_rounds = is_slow () ? 100 : 1000;
  for (int i = 0; i < n_rounds; i++)
    {
      g_autoptr (CoroFuture) theirs = owner_new_future (&owner, error);
      g_autoptr (CoroFuture) also = owner_new_future (&owner, error);
      g_autoptr (CoroFuture) mine = coro_future_new ();
      CoroFuture *winner;

      owner_end_future (&owner, theirs, RESOLVE);
      owner_end_future (&owner, also, RESOLVE);
      if (i % 3 == 0)
        coro_future_resolve (mine, NULL);
      winner = coro_select (error, mine, also, theirs, NULL);
      g_assert_nonnull (winner);
      g_assert_true (coro_future_is_done (winner));
      g_assert_true (winner == mine || i % 3 != 0);
    }
  return TRUE;
}

static gboolean
select_cb (gpointer   futures,
           GValue    *result,
           GError   **error)
{
  CoroFuture **both = futures;

  return coro_selectv (both, 2, error) != NULL;
}

static gboolean
cancel_select_theirs_cb (gpointer   user_data,
                         GValue    *result,
                         GError   **error)
{
  int n_rounds = is_slow () ? 100 : 1000;
  for (int i = 0; i < n_rounds; i++)
    {
      g_autoptr (CoroFuture) theirs = owner_new_future (&owner, error);
      g_autoptr (CoroFuture) also = owner_new_future (&owner, error);
      CoroFuture *both[] = { theirs, also };
      g_autoptr (CoroTask) task = coro_spawn_task (select_cb, both, NULL);

      if (!coro_yield (error))
        return FALSE;
      owner_end_future (&owner, theirs, RESOLVE);
      for (int k = g_test_rand_int_range (0, 6); k > 0; k--)
        if (!coro_yield (error))
          return FALSE;
      coro_task_cancel (task);
      if (!coro_join (task, error))
        return FALSE;
      g_assert_false (coro_future_is_done (also));      /* losers are left alone */
    }
  return TRUE;
}

static gboolean
gather_theirs_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  for (int round = 0; round < 20; round++)
    {
      CoroFuture *futures[10];
      g_autoptr (CoroFuture) all = NULL;
      g_autoptr (GListModel) list = NULL;

      for (int i = 0; i < 10; i++)
        futures[i] = i % 2 == 0 ? CORO_FUTURE (coro_task_group_spawn_task (owner.group, number_cb, GINT_TO_POINTER (i), NULL))
                                : CORO_FUTURE (coro_spawn_task (number_cb, GINT_TO_POINTER (i), NULL));
      all = coro_gather (futures, 10);
      list = coro_await_object (all, error);
      if (list == NULL)
        return FALSE;
      for (guint i = 0; i < 10; i++)
        {
          g_autoptr (CoroFuture) future = g_list_model_get_item (list, i);

          g_assert_true (future == futures[i]);
          g_assert_cmpint (coro_await_int (future, error), ==, (int) i);
          g_object_unref (futures[i]);
        }
    }
  return TRUE;
}

static gboolean
drop_sleeps_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  CoroFuture *future = user_data;

  for (int i = 0; i < 10; i++)
    {
      g_autoptr (CoroFuture) sleep = coro_sleep_future (SECOND);

      g_object_set_data_full (G_OBJECT (future), g_intern_string ("sleep"), g_steal_pointer (&sleep), g_object_unref);
    }
  coro_future_resolve (future, NULL);
  return TRUE;
}

/* A future with a timer, dropped in another thread than its own. */
static gboolean
drop_theirs_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  for (int i = 0; i < 50; i++)
    {
      g_autoptr (CoroFuture) future = coro_future_new ();

      coro_task_group_spawn (owner.group, drop_sleeps_cb, g_object_ref (future), g_object_unref);
      if (!coro_await (future, NULL, error))
        return FALSE;
      g_object_set_data (G_OBJECT (future), "sleep", NULL);
    }
  return TRUE;
}

/* --- last references ------------------------------------------------------------------ */

static const char *native_place;        /* on the thread stack */

static void
dropped_cb (gpointer  distance,
            GObject  *where_it_was)
{
  const char *here = __builtin_frame_address (0);

  *(gsize *) distance = (gsize) (native_place > here ? native_place - here : here - native_place);
}

static gpointer
resolve_and_drop_thread (gpointer future)
{
  coro_future_resolve (future, NULL);
  g_object_unref (future);
  return NULL;
}

/* A coroutine that asks for state of its thread reads the messages of other threads.  What they drop
 * is dropped on the thread stack. */
static gboolean
dropped_on_thread_stack_cb (gpointer   user_data,
                     GValue    *result,
                     GError   **error)
{
  CoroFuture *future = coro_future_new ();
  gsize distance = 0;

  g_object_weak_ref (G_OBJECT (future), dropped_cb, &distance);
  g_thread_join (g_thread_new ("end", resolve_and_drop_thread, future));
  g_assert_cmpuint (distance, ==, 0);   /* the message has the last reference */
  g_list_free_full (coro_all_tasks (NULL), g_object_unref);
  g_assert_cmpuint (distance, >, 0);
  g_assert_cmpuint (distance, <, 1 << 20);
  return TRUE;
}

static void
test_dropped_on_thread_stack (void)
{
  g_autoptr (GError) error = NULL;

  native_place = __builtin_frame_address (0);
  coro_run (dropped_on_thread_stack_cb, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* --- main contexts that nothing iterates ---------------------------------------------- */

/* The wait has begun, and does not need a turn of the future's context. */
static void
await_of_idle_context (CoroFuture *future,
                       Ending      ending)
{
  End end = { future, ending, NULL };
  g_autoptr (CoroTask) waiter = coro_spawn_task (await_cb, future, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (coro_yield (NULL));
  end.thread = g_thread_new ("end", end_thread, &end);
  coro_await (waiter, NULL, &error);
  g_thread_join (end.thread);
  if (ending == RESOLVE)
    g_assert_no_error (error);
  else if (ending == REJECT)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  else
    assert_cancelled (error);
}

typedef struct
{
  CoroFuture *future;
  int i;
} Idle;

static gboolean
owner_is_idle_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Idle *self = user_data;
  g_autoptr (GError) late = NULL;

  if (self->i % 4 < 3)
    {
      await_of_idle_context (self->future, self->i % 4);
      return TRUE;
    }

  g_assert_false (coro_wait_for (self->future, 1000, NULL, &late));
  g_assert_error (late, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_false (coro_future_is_done (self->future));
  return TRUE;
}

/* In the thread of the context, which is never iterated. */
static void
test_owner_is_idle (void)
{
  for (int i = 0; i < 60; i++)
    {
      g_autoptr (GMainContext) context = g_main_context_new ();
      g_autoptr (CoroFuture) future = future_new_in (context);
      g_autoptr (GError) error = NULL;
      Idle self = { future, i };

      coro_run (owner_is_idle_cb, &self, NULL, &error);
      g_assert_no_error (error);
    }
}

/* --- what is made of such futures ------------------------------------------------------- */

typedef enum
{
  GATHER,
  RACE,
  SHIELD,
  AS_COMPLETED,
  N_COMBINATIONS
} Combination;

typedef struct
{
  Combination combination;
  GMainContext *idle;
  gboolean is_outer;            /* the idle context is that of the combination, not that of the members */
  gboolean is_pending;          /* the members are not done before */
  CoroFuture *futures[2];       /* (owned) */
  gpointer combined;            /* (owned) */
} Combined;

static void
combine (Combined *self)
{
  switch (self->combination)
    {
    case GATHER:
      self->combined = coro_gather (self->futures, 2);
      break;
    case RACE:
      self->combined = coro_race (self->futures, 2);
      break;
    case SHIELD:
      self->combined = coro_future_shield (self->futures[0]);
      break;
    default:
      self->combined = coro_as_completed (self->futures, 2);
    }
}

static gpointer
combine_thread (gpointer combined)
{
  Combined *self = combined;

  g_main_context_push_thread_default (self->idle);
  combine (self);
  g_main_context_pop_thread_default (self->idle);
  return NULL;
}

static gboolean
combined_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  Combined *self = user_data;
  End end = { NULL, RESOLVE, NULL };
  gboolean ok = TRUE;

  for (int i = 0; i < 2 && self->is_outer; i++)
    self->futures[i] = coro_future_new ();
  end.future = self->futures[0];
  if (self->combination != RACE)
    g_assert_true (coro_future_resolve (self->futures[1], NULL));
  if (!self->is_pending)
    end_future (self->futures[0], RESOLVE);

  if (self->is_outer)
    g_thread_join (g_thread_new ("combine", combine_thread, self));
  else
    combine (self);
  g_assert_true (coro_yield (NULL));
  if (self->is_pending)
    end.thread = g_thread_new ("end", end_thread, &end);

  if (self->combination == AS_COMPLETED)
    for (int i = 0; i < 2 && ok; i++)
      {
        g_auto (GValue) value = G_VALUE_INIT;

        ok = coro_iterator_next (self->combined, &value, error);
      }
  else
    ok = coro_await (self->combined, NULL, error);

  g_clear_pointer (&end.thread, g_thread_join);
  return ok;
}

/* Neither needs the combination a turn of its members' context, nor an await of it one of its own. */
static void
test_combination_is_idle (gconstpointer data)
{
  for (int i = 0; i < 60; i++)
    {
      g_autoptr (GMainContext) idle = g_main_context_new ();
      Combined self = { GPOINTER_TO_INT (data), idle, i % 3 == 2, i % 2 == 1, };
      g_autoptr (GError) error = NULL;

      if (self.combination == SHIELD || self.combination == AS_COMPLETED)
        self.is_outer = FALSE;  /* these are used in their own thread */
      for (int j = 0; j < 2 && !self.is_outer; j++)
        self.futures[j] = future_new_in (idle);
      coro_run (combined_cb, &self, NULL, &error);
      g_assert_no_error (error);
      g_object_unref (self.combined);
      g_object_unref (self.futures[0]);
      g_object_unref (self.futures[1]);
    }
}

/* In another thread than that of the context, which is blocked meanwhile. */
typedef struct
{
  CoroFunc func;
  CoroFuture *future;
} Blocked;

static gpointer
run_blocked_thread (gpointer data)
{
  Blocked *self = data;
  g_autoptr (GError) error = NULL;

  coro_run (self->func, self->future, NULL, &error);
  g_assert_no_error (error);
  return NULL;
}

static void
test_owner_is_blocked (gconstpointer func)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Blocked self = { NULL, NULL };

  self.future = future_new_in (context);
  self.func = *(const CoroFunc *) func;
  g_main_context_push_thread_default (context);
  g_thread_join (g_thread_new ("other", run_blocked_thread, &self));
  settle (context);
  g_assert_true (coro_future_is_done (self.future));
  g_object_unref (self.future);
  g_main_context_pop_thread_default (context);
}

static gboolean
await_blocked_cb (gpointer   future,
                  GValue    *result,
                  GError   **error)
{
  await_of_idle_context (future, RESOLVE);
  return TRUE;
}

static gboolean
select_blocked_cb (gpointer   future,
                   GValue    *result,
                   GError   **error)
{
  g_autoptr (CoroFuture) mine = coro_future_new ();
  CoroFuture *both[] = { mine, future };
  g_autoptr (CoroTask) waiter = coro_spawn_task (select_cb, both, NULL);
  End end = { future, RESOLVE, NULL };
  CoroFuture *theirs_first[] = { future, mine };

  if (!coro_yield (error))
    return FALSE;
  end.thread = g_thread_new ("end", end_thread, &end);
  coro_await (waiter, NULL, error);
  g_thread_join (end.thread);
  return *error == NULL && coro_selectv (theirs_first, 2, error) == future;
}

/* A time limit ends at once; the future is cancelled when its thread comes to that. */
static gboolean
time_limit_cb (gpointer   future,
               GValue    *result,
               GError   **error)
{
  g_autoptr (GError) late = NULL;
  CoroFuture *one[] = { future };

  if (!coro_wait (one, 1, CORO_WAIT_ALL, 1000, error))
    return FALSE;
  g_assert_false (coro_wait_for (future, 1000, NULL, &late));
  g_assert_error (late, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_false (coro_future_is_done (future));
  return TRUE;
}

static const CoroFunc await_blocked = await_blocked_cb;
static const CoroFunc select_blocked = select_blocked_cb;
static const CoroFunc time_limit = time_limit_cb;

/* --- running ---------------------------------------------------------------------- */

typedef struct
{
  CoroFunc func;
  gpointer data;
} Real;

static void
run_real_cb (gconstpointer data)
{
  const Real *self = data;
  g_autoptr (GError) error = NULL;

  owner_start (&owner);         /* in a coroutine, a group would be the running scheduler's */
  coro_run (self->func, self->data, NULL, &error);
  g_assert_no_error (error);
  owner_stop (&owner);
}

/* On the real clock: what other threads do does not count as rest on the other one. */
static void
add_real (const char *path,
          CoroFunc    func,
          gpointer    data)
{
  Real *self = g_new (Real, 1);

  *self = (Real) { func, data };
  g_test_add_data_func_full (path, self, run_real_cb, g_free);
}

/* --- busy, and cancelled from elsewhere ---------------------------------------------- */

typedef struct
{
  CoroTask *task;
  int asked;                    /* (atomic) */
} BusyTask;

static gpointer
cancel_thread (gpointer data)
{
  BusyTask *self = data;

  g_assert_true (coro_task_cancel (self->task));
  g_atomic_int_set (&self->asked, TRUE);
  return NULL;
}

static gboolean
compute_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  BusyTask *self = user_data;
  int n_yields = 0;
  GThread *thread;

  self->task = coro_task_get_current ();
  thread = g_thread_new ("cancel", cancel_thread, self);
  while (!g_atomic_int_get (&self->asked))
    g_thread_yield ();
  g_thread_join (thread);

  g_assert_true (coro_check_cancelled (error));
  while (coro_yield_if_needed (error))
    g_assert_cmpint (++n_yields, <, 16);
  return FALSE;
}

/* A request of another thread waits until the coroutine gives way. */
static void
test_cancelled_while_busy (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  BusyTask self = { NULL, FALSE };
  g_autoptr (CoroTask) task = NULL;

  g_main_context_push_thread_default (context);
  task = coro_spawn_task (compute_cb, &self, NULL);
  while (!coro_future_is_done (CORO_FUTURE (task)))
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  assert_cancelled (coro_future_get_error (CORO_FUTURE (task)));
}

/* --- dropped in another thread ------------------------------------------------------------ */

typedef struct
{
  CoroFuture *future;           /* (owned) (atomic): of the owner's thread */
  int n_told;                   /* (atomic) */
  int n_rounds;                 /* (atomic): of the owner's loop since then */
  int n_freed;                  /* (atomic) */
} Dropped;

static void
dropped_freed_cb (gpointer dropped)
{
  g_assert_true (g_thread_self () != owner.thread);
  g_atomic_int_inc (&((Dropped *) dropped)->n_freed);
}

static void
count_round_cb (gpointer dropped)
{
  g_atomic_int_inc (&((Dropped *) dropped)->n_rounds);
}

static void
dropped_told_cb (CoroFuture  *future,
                 gpointer     user_data,
                 GError     **error)
{
  Dropped *self = user_data;

  coro_call_soon (count_round_cb, self, NULL);
  g_atomic_int_inc (&self->n_told);
}

static void
make_future_cb (gpointer user_data)
{
  Dropped *self = user_data;
  CoroFuture *future = coro_future_new ();

  g_object_set_data_full (G_OBJECT (future), "dropped", self, dropped_freed_cb);
  coro_future_on_done (future, dropped_told_cb, self, NULL);
  g_atomic_pointer_set (&self->future, future);
}

/* The owner is through with it while g_object_unref() may still run in this thread, which frees it. */
static void
drop_and_wait (Dropped *self)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (owner.context);

  coro_scheduler_call_soon (scheduler, make_future_cb, self, NULL);
  while (g_atomic_pointer_get (&self->future) == NULL)
    g_thread_yield ();
  g_object_unref (self->future);
  while (g_atomic_int_get (&self->n_rounds) == 0)
    g_thread_yield ();
  g_assert_cmpint (g_atomic_int_get (&self->n_told), ==, 1);
}

static gpointer
drop_thread (gpointer dropped)
{
  drop_and_wait (dropped);
  return NULL;
}

static gboolean
drop_cb (gpointer dropped)
{
  drop_and_wait (dropped);
  return G_SOURCE_REMOVE;
}

/* In GLib 2.74 g_object_unref() touches what its dispose() has revived once more at its end. */
static void
test_kept_while_it_is_dropped (void)
{
  owner_start (&owner);
  for (guint i = 0; i < 100; i++)
    {
      Dropped dropped = { NULL, };

      g_thread_join (g_thread_new ("drops", drop_thread, &dropped));
      g_assert_cmpint (dropped.n_freed, ==, 1);

      dropped = (Dropped) { NULL, };
      g_idle_add (drop_cb, &dropped);
      while (dropped.n_freed == 0)
        g_main_context_iteration (NULL, TRUE);
    }
  owner_stop (&owner);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add_real ("/future/threads/resolved-elsewhere", ended_elsewhere_cb, GINT_TO_POINTER (RESOLVE));
  add_real ("/future/threads/rejected-elsewhere", ended_elsewhere_cb, GINT_TO_POINTER (REJECT));
  add_real ("/future/threads/cancelled-elsewhere", ended_elsewhere_cb, GINT_TO_POINTER (CANCEL));
  add_real ("/future/threads/one-of-four-wins", one_wins_cb, NULL);
  add_real ("/spec/S344/callbacks-on-the-owner", callbacks_on_owner_cb, NULL);
  add_real ("/future/threads/await-theirs-resolved", await_theirs_cb, GINT_TO_POINTER (RESOLVE));
  add_real ("/future/threads/await-theirs-rejected", await_theirs_cb, GINT_TO_POINTER (REJECT));
  add_real ("/future/threads/await-theirs-cancelled", await_theirs_cb, GINT_TO_POINTER (CANCEL));
  add_real ("/future/threads/cancel-takes-theirs-along", cancel_takes_theirs_along_cb, NULL);
  add_real ("/future/threads/cancel-races-completion", cancel_races_completion_cb, NULL);
  add_real ("/future/threads/request-is-never-lost", request_is_never_lost_cb, NULL);
  add_real ("/future/threads/waits-for-their-cleanup", waits_for_their_cleanup_cb, NULL);
  add_real ("/future/threads/await-their-tasks", await_their_tasks_cb, NULL);
  add_real ("/future/threads/cancel-their-task", cancel_their_task_cb, NULL);
  add_real ("/future/threads/select-theirs", select_theirs_cb, NULL);
  add_real ("/future/threads/cancel-select-of-theirs", cancel_select_theirs_cb, NULL);
  add_real ("/future/threads/gather-theirs", gather_theirs_cb, NULL);
  add_real ("/future/threads/drop-theirs", drop_theirs_cb, NULL);
  g_test_add_func ("/future/threads/dropped-on-the-thread-stack", test_dropped_on_thread_stack);
  g_test_add_func ("/future/threads/kept-while-it-is-dropped", test_kept_while_it_is_dropped);
  g_test_add_func ("/future/threads/owner-is-idle", test_owner_is_idle);
  for (int i = 0; i < N_COMBINATIONS; i++)
    {
      static const char *const names[N_COMBINATIONS] = { "gather", "race", "shield", "as-completed" };
      g_autofree char *path = g_strconcat ("/future/threads/owner-is-idle/", names[i], NULL);

      g_test_add_data_func (path, GINT_TO_POINTER (i), test_combination_is_idle);
    }
  g_test_add_data_func ("/future/threads/owner-is-blocked", &await_blocked, test_owner_is_blocked);
  g_test_add_data_func ("/future/threads/select-owner-is-blocked", &select_blocked, test_owner_is_blocked);
  g_test_add_data_func ("/future/threads/time-limit-owner-is-blocked", &time_limit, test_owner_is_blocked);
  g_test_add_func ("/future/threads/cancelled-while-busy", test_cancelled_while_busy);

  return g_test_run ();
}
