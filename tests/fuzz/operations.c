/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "world.h"

#include <unistd.h>

#define MAX_DEPTH 6

/* Where an operation runs: the age of its coroutine, and how deep the blocks are nested. */
typedef struct
{
  World *world;
  guint age;
  int depth;
} Place;

typedef gboolean (*Operation) (Place *place, GError **error);

static gboolean
run_block (Place   *place,
           GError **error)
{
  return place->depth >= MAX_DEPTH || operations_run (place->world, place->age, place->depth + 1, error);
}

/* What fails for a reason of its own is no failure of the program; a cancel is passed on. */
static gboolean
forgive (Place     *place,
         gboolean   ok,
         GError    *failure,
         GError   **error)
{
  world_check (place->world, ok == (failure == NULL));
  if (!ok && coro_error_is_cancelled (failure))
    {
      g_propagate_error (error, failure);
      return FALSE;
    }
  g_clear_error (&failure);
  return TRUE;
}

/* --- coroutines ------------------------------------------------------------------------ */

static gboolean
task_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Token *token = user_data;
  World *world = token->world;
  gboolean ok;

  world->n_bodies++;
  {
    g_auto (CoroTimeout) limit = coro_timeout_enter (20000, error);
    ok = operations_run (world, token->age, token->depth, error);
  }
  world->n_bodies--;
  if (ok && world_draw (world, 3) == 0)
    return coro_return_int (result, 1);
  return ok;
}

/* Transfer full, nullable: some have no handle. */
CoroTask *
operations_spawn (World         *world,
                  CoroTaskGroup *group,
                  int            depth)
{
  Token *token = world_token_new (world, depth);
  guint age = token->age;
  g_autoptr (CoroCoroutine) coroutine = NULL;
  CoroTask *task;

  world->budget--;
  switch (world_draw (world, 4))
    {
    case 0:
      coro_spawn_at (group, task_cb, token, world_token_free, "plain");
      return NULL;
    case 1:
      task = coro_spawn_task_eager_at (group, task_cb, token, world_token_free, "eager");
      break;
    case 2:
      coroutine = world_track (world, coro_coroutine_new (task_cb, token, world_token_free));
      task = coro_spawn_coroutine (group, coroutine);
      break;
    default:
      task = coro_spawn_task_at (group, task_cb, token, world_token_free, "task");
    }
  world_track (world, task);
  world_set_age (task, age);
  return task;
}

static void
spawn_and_keep (World         *world,
                CoroTaskGroup *group,
                int            depth,
                gboolean       keep)
{
  CoroTask *task;

  if (world->budget <= 0)
    return;
  task = operations_spawn (world, group, depth);
  if (task != NULL && keep)
    world_keep (world, CORO_FUTURE (task));
  else
    g_clear_object (&task);
}

static gboolean
spawn_op (Place   *place,
          GError **error)
{
  spawn_and_keep (place->world, NULL, place->depth + 1, TRUE);
  return TRUE;
}

static gboolean
yield_op (Place   *place,
          GError **error)
{
  return coro_yield (error);
}

static gboolean
sleep_op (Place   *place,
          GError **error)
{
  return coro_sleep (world_draw (place->world, 300), error);
}

static gboolean
nursery_op (Place   *place,
            GError **error)
{
  World *world = place->world;
  g_auto (CoroNursery) nursery =
    coro_nursery_enter (world_draw (world, 2) ? CORO_TASK_GROUP_NONE : CORO_TASK_GROUP_SUPERVISOR, error);
  gboolean limited = world_draw (world, 4) == 0;

  if (limited)
    coro_task_group_limit (nursery.group, 1 + world_draw (world, 2));
  for (guint i = world_draw (world, 4); i > 0; i--)
    spawn_and_keep (world, nursery.group, place->depth + 1, !limited);
  if (!run_block (place, error))
    return FALSE;
  if (world_draw (world, 4) == 0)
    coro_task_group_cancel (nursery.group);
  if (world_draw (world, 4) == 0)
    return TRUE;
  return coro_nursery_join (&nursery);
}

static gboolean
own_cancel_op (Place   *place,
               GError **error)
{
  CoroTask *task = coro_task_get_current ();

  if (world_draw (place->world, 2) == 0)
    coro_task_cancel (task);
  else
    coro_task_uncancel (task);
  return TRUE;
}

/* Outside a shield a request is heard by the next await. */
static gboolean
heard_cancel_op (Place   *place,
                 GError **error)
{
  g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (G_MAXINT64, error);
  g_autoptr (GError) failure = NULL;

  coro_cancel_scope_cancel (&scope, "fuzz");
  world_check (place->world, !coro_yield (&failure));
  world_check (place->world, coro_error_is_cancelled (failure));
  if (coro_cancel_scope_catch (&scope))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static gboolean
priority_op (Place   *place,
             GError **error)
{
  g_autoptr (CoroFuture) future = world_pick (place->world);
  CoroPriority priority = (CoroPriority) world_draw (place->world, 3);

  if (future == NULL || !CORO_IS_TASK (future))
    coro_set_priority (priority);
  else if (world_draw (place->world, 2))
    coro_task_set_priority (CORO_TASK (future), priority);
  else
    coro_task_uncancel (CORO_TASK (future));
  return TRUE;
}

static gboolean
hand_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  for (int i = 0; i < 3; i++)
    if (!coro_suspend (NULL, NULL, error))
      return FALSE;
  return TRUE;
}

static gboolean
by_hand_op (Place   *place,
            GError **error)
{
  World *world = place->world;
  Token *token = world_token_new (world, place->depth);
  g_autoptr (CoroCoroutine) coroutine = world_track (world, coro_coroutine_new (hand_cb, token, world_token_free));

  for (guint i = 1 + world_draw (world, 5); i > 0; i--)
    coro_coroutine_resume (coroutine, NULL, NULL, NULL);
  return TRUE;
}

/* --- guards ---------------------------------------------------------------------------- */

static gboolean
timeout_op (Place   *place,
            GError **error)
{
  World *world = place->world;
  g_auto (CoroTimeout) timeout = coro_timeout_enter (world_draw (world, 400), error);

  if (world_draw (world, 4) == 0)
    coro_timeout_reschedule (&timeout, world_draw (world, 400));
  return run_block (place, error);
}

static gboolean
scope_op (Place   *place,
          GError **error)
{
  World *world = place->world;
  GError *failure = NULL;
  gboolean ok;

  {
    g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (world_draw (world, 2) ? G_MAXINT64 : world_draw (world, 300),
                                                              &failure);

    if (world_draw (world, 3) == 0)
      coro_cancel_scope_cancel (&scope, "fuzz");
    if (world_draw (world, 5) == 0)
      {
        coro_cancel_scope_set_timeout (&scope, world_draw (world, 400));
        coro_cancel_scope_set_shield (&scope, TRUE);
      }
    ok = run_block (place, &failure);
    if (coro_cancel_scope_catch (&scope))
      ok = TRUE;
  }
  world_check (world, ok == (failure == NULL));
  if (!ok)
    g_propagate_error (error, failure);
  return ok;
}

static gboolean
shield_op (Place   *place,
           GError **error)
{
  World *world = place->world;
  g_auto (CoroShield) shield = coro_shield_enter (world_draw (world, 2) ? 1 + world_draw (world, 500)
                                                                        : G_TIME_SPAN_SECOND);

  return run_block (place, error);
}

/* --- between coroutines ----------------------------------------------------------------- */

static gboolean
put_op (Place   *place,
        GError **error)
{
  World *world = place->world;
  GError *failure = NULL;
  gboolean ok = coro_queue_put (world->queues[world_draw (world, N_EACH)], world_item_new (world), &failure);

  return forgive (place, ok, failure, error);
}

static gboolean
take_op (Place   *place,
         GError **error)
{
  World *world = place->world;
  CoroQueue *queue = world->queues[world_draw (world, N_EACH)];
  GError *failure = NULL;
  gpointer item = NULL;
  gboolean ok;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (world_draw (world, 300), &failure);
    ok = coro_queue_take (queue, &item, &failure);
  }
  if (item != NULL)
    {
      world_item_free (item);
      if (world_draw (world, 2))
        coro_queue_task_done (queue, NULL);
    }
  return forgive (place, ok && failure == NULL, failure, error);
}

static gboolean
try_op (Place   *place,
        GError **error)
{
  World *world = place->world;
  CoroQueue *queue = world->queues[world_draw (world, N_EACH)];
  gpointer item = NULL;

  coro_queue_try_take (queue, &item, NULL);
  g_clear_pointer (&item, world_item_free);
  coro_queue_try_put (queue, world_item_new (world), NULL);
  return TRUE;
}

static gboolean
close_op (Place   *place,
          GError **error)
{
  World *world = place->world;
  CoroQueue *queue = world->queues[world_draw (world, N_EACH)];

  if (world_draw (world, 40) != 1)
    return TRUE;
  if (world_draw (world, 2))
    coro_queue_close (queue);
  else
    coro_queue_close_now (queue);
  return TRUE;
}

static gboolean
lock_op (Place   *place,
         GError **error)
{
  World *world = place->world;
  guint i = world_draw (world, N_EACH);
  g_auto (CoroLocker) locker = coro_locker_enter (world->locks[i], error);
  gboolean ok;

  if (!coro_locker_ok (&locker))
    return FALSE;
  world_check (world, world->n_inside[i]++ == 0);
  ok = coro_sleep (world_draw (world, 100), error);
  world_check (world, --world->n_inside[i] == 0);
  return ok;
}

static gboolean
semaphore_op (Place   *place,
              GError **error)
{
  World *world = place->world;
  guint i = world_draw (world, N_EACH);
  gboolean ok;

  if (!coro_semaphore_acquire (world->semaphores[i], error))
    return FALSE;
  world_check (world, world->n_permits[i]++ < 2);
  ok = coro_sleep (world_draw (world, 100), error);
  world->n_permits[i]--;
  world_check (world, coro_semaphore_release (world->semaphores[i], NULL));
  return ok;
}

static gboolean
condition_op (Place   *place,
              GError **error)
{
  World *world = place->world;
  guint i = world_draw (world, N_EACH);
  g_auto (CoroLocker) locker = coro_locker_enter (world->locks[i], error);
  GError *failure = NULL;
  gboolean ok;

  if (!coro_locker_ok (&locker))
    return FALSE;
  world_check (world, world->n_inside[i] == 0);
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (world_draw (world, 300), &failure);
    ok = coro_condition_wait (world->conditions[i], world->locks[i], &failure);
  }
  world_check (world, world->n_inside[i] == 0);
  return forgive (place, ok && failure == NULL, failure, error);
}

static gboolean
wake_op (Place   *place,
         GError **error)
{
  World *world = place->world;
  guint i = world_draw (world, N_EACH);

  coro_condition_wake (world->conditions[i], world_draw (world, 3));
  coro_event_trigger (world->events[i]);
  if (world_draw (world, 2))
    coro_event_reset (world->events[i]);
  return TRUE;
}

static gboolean
event_op (Place   *place,
          GError **error)
{
  World *world = place->world;
  GError *failure = NULL;
  gboolean ok;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (world_draw (world, 300), &failure);
    ok = coro_event_wait (world->events[world_draw (world, N_EACH)], &failure);
  }
  return forgive (place, ok && failure == NULL, failure, error);
}

static gboolean
barrier_op (Place   *place,
            GError **error)
{
  World *world = place->world;
  CoroBarrier *barrier = world->barriers[world_draw (world, N_EACH)];
  GError *failure = NULL;
  guint index = 99;
  gboolean ok;

  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (world_draw (world, 300), &failure);
    ok = coro_barrier_wait (barrier, &index, &failure);
  }
  world_check (world, !ok || index < 3);
  if (world_draw (world, 10) == 1)
    coro_barrier_reset (barrier);
  return forgive (place, ok && failure == NULL, failure, error);
}

/* --- futures --------------------------------------------------------------------------- */

static gboolean
future_op (Place   *place,
           GError **error)
{
  World *world = place->world;

  world_keep (world, world_track (world, coro_future_new ()));
  world_keep (world, world_track (world, coro_sleep_future (world_draw (world, 300))));
  return TRUE;
}

static gboolean
complete_op (Place   *place,
             GError **error)
{
  g_autoptr (CoroFuture) future = world_pick (place->world);

  if (future == NULL || CORO_IS_TASK (future))
    return TRUE;
  if (world_draw (place->world, 2))
    coro_future_resolve_int (future, 1);
  else
    coro_future_reject (future, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "no"));
  return TRUE;
}

static gboolean
cancel_op (Place   *place,
           GError **error)
{
  g_autoptr (CoroFuture) future = world_pick (place->world);

  if (future != NULL)
    coro_future_cancel (future);
  return TRUE;
}

static gboolean
await_op (Place   *place,
          GError **error)
{
  World *world = place->world;
  g_autoptr (CoroFuture) future = world_pick (world);
  g_auto (GValue) value = G_VALUE_INIT;
  GError *failure = NULL;

  if (future == NULL || world_get_age (future) <= place->age)
    return TRUE;
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (world_draw (world, 500), &failure);

    if (world_draw (world, 3))
      coro_await (future, &value, &failure);
    else
      coro_join (future, &failure);
  }
  g_clear_error (&failure);
  return coro_check_cancelled (error);
}

static CoroFuture *
combine (World       *world,
         CoroFuture **futures,
         gsize        n)
{
  GError *failure = NULL;

  switch (world_draw (world, 6))
    {
    case 0:
      return coro_gather (futures, n);
    case 1:
      return coro_gather_full (futures, n, (CoroGatherFlags) world_draw (world, 8));
    case 2:
      return coro_race (futures, n);
    case 3:
      return coro_future_shield (futures[0]);
    case 4:
      coro_wait (futures, n, (CoroWaitWhen) world_draw (world, 3), world_draw (world, 300), &failure);
      break;
    default:
      {
        g_auto (CoroTimeout) timeout = coro_timeout_enter (world_draw (world, 300), &failure);
        coro_selectv (futures, n, &failure);
      }
    }
  g_clear_error (&failure);
  return NULL;
}

static gboolean
combine_op (Place   *place,
            GError **error)
{
  World *world = place->world;
  g_autoptr (GPtrArray) futures = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (CoroFuture) combined = NULL;
  guint age = G_MAXUINT;
  GError *failure = NULL;

  for (int i = 0; i < 5; i++)
    {
      CoroFuture *future = world_pick (world);

      if (future != NULL)
        {
          g_ptr_array_add (futures, future);
          age = MIN (age, world_get_age (future));
        }
    }
  if (futures->len == 0 || age <= place->age)
    return TRUE;

  combined = combine (world, (CoroFuture **) futures->pdata, futures->len);
  if (combined == NULL)
    return coro_check_cancelled (error);

  world_track (world, combined);
  world_set_age (combined, age);
  if (world_draw (world, 2))
    {
      world_keep (world, g_steal_pointer (&combined));
      return TRUE;
    }
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (world_draw (world, 300), &failure);
    coro_await (combined, NULL, &failure);
  }
  g_clear_error (&failure);
  return coro_check_cancelled (error);
}

static gboolean
as_completed_op (Place   *place,
                 GError **error)
{
  World *world = place->world;
  CoroFuture *futures[4];
  gsize n = 0;
  GError *failure = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (futures); i++)
    {
      futures[n] = world_pick (world);
      if (futures[n] != NULL)
        n++;
    }
  if (n > 0)
    {
      g_autoptr (CoroIterator) iterator = world_track (world, coro_as_completed (futures, n));
      g_auto (CoroTimeout) timeout = coro_timeout_enter (world_draw (world, 200), &failure);
      g_auto (GValue) value = G_VALUE_INIT;

      while (failure == NULL && coro_iterator_next (iterator, &value, &failure) && G_IS_VALUE (&value))
        g_value_unset (&value);
    }
  for (gsize i = 0; i < n; i++)
    g_object_unref (futures[i]);
  g_clear_error (&failure);
  return coro_check_cancelled (error);
}

static void
done_cb (CoroFuture  *future,
         gpointer     user_data,
         GError     **error)
{
  Token *token = user_data;
  World *world = token->world;

  world_check (world, coro_future_is_done (future));
  if (world_draw (world, 10) == 1)
    coro_future_cancel (future);
  if (world_draw (world, 10) == 1)
    spawn_and_keep (world, NULL, MAX_DEPTH - 1, TRUE);
}

static gboolean
on_done_op (Place   *place,
            GError **error)
{
  World *world = place->world;
  g_autoptr (CoroFuture) future = world_pick (world);
  Token *token;

  if (future == NULL)
    return TRUE;
  token = world_token_new (world, place->depth);
  coro_future_on_done (future, done_cb, token, world_token_free);
  if (world_draw (world, 4) == 0)
    coro_future_remove_on_done (future, done_cb, token);
  return TRUE;
}

/* --- iterators ------------------------------------------------------------------------- */

static gboolean
generator_cb (CoroGenerator *self,
              gpointer       user_data,
              GError       **error)
{
  World *world = ((Token *) user_data)->world;

  for (guint i = world_draw (world, 5); i > 0; i--)
    {
      if (world_draw (world, 2) && !coro_sleep (world_draw (world, 50), error))
        return FALSE;
      if (!coro_generator_produce_int (self, (int) i, error))
        {
          if (world_draw (world, 3) == 0)
            {
              g_auto (CoroShield) shield = coro_shield_enter (G_TIME_SPAN_SECOND);
              coro_sleep (world_draw (world, 20), NULL);
            }
          return FALSE;
        }
    }
  if (world_draw (world, 6) == 1)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "generator");
      return FALSE;
    }
  return TRUE;
}

static gboolean
generator_op (Place   *place,
              GError **error)
{
  World *world = place->world;
  Token *token = world_token_new (world, place->depth);
  g_autoptr (CoroGenerator) generator =
    world_track (world, coro_generator_new (G_TYPE_INT, generator_cb, token, world_token_free));
  g_auto (GValue) value = G_VALUE_INIT;
  GError *failure = NULL;

  for (guint i = world_draw (world, 6); i > 0 && failure == NULL; i--)
    {
      coro_iterator_next (generator, &value, &failure);
      g_value_unset (&value);
    }
  if (failure == NULL && world_draw (world, 4) == 0)
    {
      g_autoptr (GError) thrown = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "thrown");
      coro_generator_throw (generator, thrown, &value, &failure);
    }
  if (failure == NULL && world_draw (world, 3) == 0)
    coro_generator_close (generator, &failure);
  return forgive (place, failure == NULL, failure, error);
}

static gboolean
each_cb (gpointer   element,
         gpointer   user_data,
         GError   **error)
{
  return operations_run (((Place *) user_data)->world, ((Place *) user_data)->age, MAX_DEPTH, error);
}

static gboolean
each_op (Place   *place,
         GError **error)
{
  int elements[3] = { 0 };
  GError *failure = NULL;
  gboolean ok = CORO_EACH (elements, 2, each_cb, place, &failure);

  return forgive (place, ok, failure, error);
}

/* --- outside --------------------------------------------------------------------------- */

static void
nothing_cb (gpointer user_data)
{
}

static gboolean
call_op (Place   *place,
         GError **error)
{
  World *world = place->world;
  guint64 *call = &world->calls[world_draw (world, N_CALLS)];
  Token *token = world_token_new (world, place->depth);

  if (world_draw (world, 2))
    coro_call_cancel (*call);
  *call = world_draw (world, 2) ? coro_call_soon (nothing_cb, token, world_token_free)
                                : coro_call_later (world_draw (world, 300), nothing_cb, token, world_token_free);
  return TRUE;
}

static gpointer
thread_cb (gpointer       user_data,
           GCancellable  *cancellable,
           GError       **error)
{
  g_usleep ((gulong) ((Token *) user_data)->depth * 20);
  g_cancellable_set_error_if_cancelled (cancellable, error);
  return NULL;
}

static gboolean
thread_op (Place   *place,
           GError **error)
{
  GError *failure = NULL;

  coro_run_in_thread (thread_cb, world_token_new (place->world, place->depth), world_token_free, &failure);
  return forgive (place, failure == NULL, failure, error);
}

static gboolean
iterate_op (Place   *place,
            GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  for (guint i = world_draw (place->world, 3); i > 0; i--)
    g_main_context_iteration (context, FALSE);
  return TRUE;
}

static void
on_thread_stack_cb (gpointer user_data)
{
  World *world = user_data;
  g_autoptr (GError) failure = NULL;

  world_check (world, !coro_sleep (10, &failure) && failure != NULL);
  if (world_draw (world, 3) == 0)
    spawn_and_keep (world, NULL, MAX_DEPTH - 1, TRUE);
}

static gboolean
thread_stack_op (Place   *place,
                 GError **error)
{
  coro_call_on_thread_stack (on_thread_stack_cb, place->world);
  return TRUE;
}

static gboolean
fd_op (Place   *place,
       GError **error)
{
  World *world = place->world;
  GError *failure = NULL;
  char byte = 'x';

  if (world_draw (world, 2) && write (world->pipe[1], &byte, 1) < 0)
    return TRUE;
  {
    g_auto (CoroTimeout) timeout = coro_timeout_enter (world_draw (world, 200), &failure);

    if (world_draw (world, 2))
      coro_fd_read (world->pipe[0], &byte, 1, &failure);
    else
      coro_fd_wait (world->pipe[0], G_IO_IN, world_draw (world, 200), &failure);
  }
  return forgive (place, failure == NULL, failure, error);
}

/* The frequent ones more than once. */
static const Operation operations[] = {
  yield_op, sleep_op, sleep_op, spawn_op, spawn_op, spawn_op, nursery_op, nursery_op,
  timeout_op, timeout_op, scope_op, shield_op, put_op, put_op, put_op, take_op,
  take_op, take_op, try_op, close_op, lock_op, lock_op, semaphore_op, semaphore_op,
  condition_op, wake_op, event_op, barrier_op, future_op, complete_op, cancel_op, cancel_op,
  await_op, await_op, combine_op, combine_op, generator_op, by_hand_op, on_done_op, call_op,
  thread_op, iterate_op, thread_stack_op, own_cancel_op, heard_cancel_op, priority_op, fd_op, as_completed_op,
  each_op,
};

/* Runs some operations.  A failure ends the block, or is ignored. */
gboolean
operations_run (World   *self,
                guint    age,
                int      depth,
                GError **error)
{
  Place place = { self, age, depth };

  for (guint i = world_draw (self, depth == 0 ? 40 : 8); i > 0; i--)
    {
      Operation operation = operations[world_draw (self, G_N_ELEMENTS (operations))];
      GError *failure = NULL;
      gboolean ok = operation (&place, &failure);

      self->n_operations++;
      world_check (self, ok == (failure == NULL));
      if (!ok && world_draw (self, 3) == 0)
        g_clear_error (&failure);
      if (failure != NULL)
        {
          g_propagate_error (error, failure);
          return FALSE;
        }
    }
  if (world_draw (self, 12) == 1)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "block");
      return FALSE;
    }
  return TRUE;
}
