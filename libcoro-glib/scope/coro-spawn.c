/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-spawn.h"

#include "base/coro-error.h"
#include "future/coro-coroutine-private.h"
#include "future/coro-task-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scope/coro-task-group-private.h"

/* The supervisor to spawn into; NULL if it takes no more members. */
static G_ALWAYS_INLINE inline CoroSupervisor *
get_supervisor (CoroTaskGroup *group)
{
  if (group == NULL)
    return &coro_task_group_get_root (coro_scheduler_get_current ())->supervisor;

  /* Another thread may have cancelled the group, or spawned into it, before. */
  coro_scheduler_catch_up (coro_supervisor_get_scheduler (&group->supervisor));
  return coro_supervisor_is_finished (&group->supervisor) ? NULL : &group->supervisor;
}

static void
reject_spec (const CoroTaskSpec *spec)
{
  g_critical ("A coroutine was spawned into a group that has been joined; it does not run");
  coro_task_reject_spec (spec);
}

static void
spawn (CoroTaskGroup      *group,
       const CoroTaskSpec *spec)
{
  CoroSupervisor *supervisor = get_supervisor (group);

  if (G_UNLIKELY (supervisor == NULL || !coro_task_spawn (supervisor, spec)))
    reject_spec (spec);
}

static CoroTask *
spawn_task (CoroTaskGroup      *group,
            const CoroTaskSpec *spec)
{
  CoroSupervisor *supervisor = get_supervisor (group);
  CoroTask *task = supervisor != NULL ? coro_task_spawn_task (supervisor, spec) : NULL;

  if (G_LIKELY (task != NULL))
    return task;

  reject_spec (spec);
  task = coro_task_new (coro_supervisor_get_scheduler (&group->supervisor));
  coro_future_reject (CORO_FUTURE (task), g_error_new_literal (CORO_ERROR, CORO_ERROR_CLOSED,
                                                               "The group has been joined"));
  return task;
}

/**
 * coro_spawn_at: (skip)
 * @group: (nullable): a group; %NULL: the one of all that have no other
 * @func: (scope notified) (closure user_data) (destroy destroy): the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data, once, on the thread stack,
 *   whether the body runs or not
 * @site: (nullable): where this is, a static string; see %CORO_SPAWN_SITE
 *
 * Runs a coroutine without a handle. [func@spawn] is the short form.
 *
 * It starts later, in the order of spawning, not inside this call. Without a
 * group, in the thread-default main context, it has no parent: it ends by
 * itself or when the program's main loop is shut down, and a failure is
 * reported by [func@set_unhandled_func].
 *
 * Callable from any thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_spawn_at (CoroTaskGroup  *group,
               CoroFunc        func,
               gpointer        user_data,
               GDestroyNotify  destroy,
               const char     *site)
{
  CoroTaskSpec spec = { func, user_data, destroy, 0, site, FALSE };

  g_return_if_fail (group == NULL || CORO_IS_TASK_GROUP (group));
  g_return_if_fail (func != NULL);

  spawn (group, &spec);
}

/**
 * coro_spawn_task_at: (skip)
 * @group: (nullable): a group; %NULL: the one of all that have no other
 * @func: (scope notified) (closure user_data) (destroy destroy): the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data, once, on the thread stack,
 *   whether the body runs or not
 * @site: (nullable): where this is, a static string; see %CORO_SPAWN_SITE
 *
 * [func@spawn_at] with a handle.
 *
 * Dropping the handle neither cancels nor detaches. A failure that is not read
 * from it is reported as it goes away.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): the handle
 *
 * Since: 0.1
 */
CoroTask *
coro_spawn_task_at (CoroTaskGroup  *group,
                    CoroFunc        func,
                    gpointer        user_data,
                    GDestroyNotify  destroy,
                    const char     *site)
{
  CoroTaskSpec spec = { func, user_data, destroy, 0, site, FALSE };

  g_return_val_if_fail (group == NULL || CORO_IS_TASK_GROUP (group), NULL);
  g_return_val_if_fail (func != NULL, NULL);

  return spawn_task (group, &spec);
}

/**
 * coro_spawn_eager_at: (skip)
 * @group: (nullable): a group; %NULL: the one of all that have no other
 * @func: (scope notified) (closure user_data) (destroy destroy): the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data, once, on the thread stack,
 *   whether the body runs or not
 * @site: (nullable): where this is, a static string; see %CORO_SPAWN_SITE
 *
 * [func@spawn_at], but the coroutine starts inside this call and runs until it
 * waits for the first time: a handler of a user interface shows that something
 * is going on before it returns, and a coroutine that never waits never enters
 * the queue.
 *
 * The coroutine starts later, like other coroutines, if the caller is in another
 * thread than the group, if the group has as many running members as its limit,
 * or if 64 coroutines have started inside each other; also before the first
 * iteration of the main context, which has no thread until then.
 *
 * Callable from any thread, but not from a finaliser, because foreign code runs
 * inside. Never suspends.
 *
 * Since: 0.1
 */
void
coro_spawn_eager_at (CoroTaskGroup  *group,
                     CoroFunc        func,
                     gpointer        user_data,
                     GDestroyNotify  destroy,
                     const char     *site)
{
  CoroTaskSpec spec = { func, user_data, destroy, 0, site, TRUE };

  g_return_if_fail (group == NULL || CORO_IS_TASK_GROUP (group));
  g_return_if_fail (func != NULL);

  spawn (group, &spec);
}

/**
 * coro_spawn_task_eager_at: (skip)
 * @group: (nullable): a group; %NULL: the one of all that have no other
 * @func: (scope notified) (closure user_data) (destroy destroy): the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data, once, on the thread stack,
 *   whether the body runs or not
 * @site: (nullable): where this is, a static string; see %CORO_SPAWN_SITE
 *
 * [func@spawn_eager_at] with a handle, which may be done already.
 *
 * Callable from any thread, but not from a finaliser: code of others runs
 * inside. Never suspends.
 *
 * Returns: (transfer full): the handle
 *
 * Since: 0.1
 */
CoroTask *
coro_spawn_task_eager_at (CoroTaskGroup  *group,
                          CoroFunc        func,
                          gpointer        user_data,
                          GDestroyNotify  destroy,
                          const char     *site)
{
  CoroTaskSpec spec = { func, user_data, destroy, 0, site, TRUE };

  g_return_val_if_fail (group == NULL || CORO_IS_TASK_GROUP (group), NULL);
  g_return_val_if_fail (func != NULL, NULL);

  return spawn_task (group, &spec);
}

/**
 * coro_spawn_copy: (skip)
 * @group: (nullable): a group; %NULL: the one of all that have no other
 * @func: the body
 * @args: what to pass to it
 * @size: how many bytes at @args
 * @clear: (nullable): frees what @args holds, but not @args
 * @site: (nullable): where this is, a static string; see %CORO_SPAWN_SITE
 *
 * [func@spawn_at] with arguments that are moved to the top of the new stack:
 * @args itself may go away when the function returns. %CORO_DEFINE_SPAWN makes
 * typed functions of it.
 *
 * Callable from any thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_spawn_copy (CoroTaskGroup  *group,
                 CoroFunc        func,
                 gconstpointer   args,
                 gsize           size,
                 GDestroyNotify  clear,
                 const char     *site)
{
  CoroTaskSpec spec = { func, (gpointer) args, clear, size, site, FALSE };

  g_return_if_fail (group == NULL || CORO_IS_TASK_GROUP (group));
  g_return_if_fail (func != NULL);
  g_return_if_fail (size > 0 && size <= 4096);

  spawn (group, &spec);
}

/**
 * coro_spawn_task_copy: (skip)
 * @group: (nullable): a group; %NULL: the one of all that have no other
 * @func: the body
 * @args: what to pass to it
 * @size: how many bytes at @args
 * @clear: (nullable): frees what @args holds, but not @args
 * @site: (nullable): where this is, a static string; see %CORO_SPAWN_SITE
 *
 * [func@spawn_copy] with a handle.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): the handle
 *
 * Since: 0.1
 */
CoroTask *
coro_spawn_task_copy (CoroTaskGroup  *group,
                      CoroFunc        func,
                      gconstpointer   args,
                      gsize           size,
                      GDestroyNotify  clear,
                      const char     *site)
{
  CoroTaskSpec spec = { func, (gpointer) args, clear, size, site, FALSE };

  g_return_val_if_fail (group == NULL || CORO_IS_TASK_GROUP (group), NULL);
  g_return_val_if_fail (func != NULL, NULL);
  g_return_val_if_fail (size > 0 && size <= 4096, NULL);

  return spawn_task (group, &spec);
}

static gboolean
coroutine_cb (gpointer   user_data,
              GValue    *result,
              GError   **error)
{
  return coro_coroutine_run (CORO_COROUTINE (user_data), result, error);
}

static void
coroutine_unref_cb (gpointer coroutine)
{
  coro_coroutine_mark_awaited (coroutine);
  g_object_unref (coroutine);
}

/**
 * coro_spawn_coroutine: (skip)
 * @group: (nullable): a group; %NULL: the one of all that have no other
 * @coroutine: a coroutine that has not run
 *
 * Makes a task of a coroutine object, which is referenced.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): the handle
 *
 * Since: 0.1
 */
CoroTask *
coro_spawn_coroutine (CoroTaskGroup *group,
                      CoroCoroutine *coroutine)
{
  CoroTask *task;

  g_return_val_if_fail (group == NULL || CORO_IS_TASK_GROUP (group), NULL);
  g_return_val_if_fail (CORO_IS_COROUTINE (coroutine), NULL);

  task = coro_spawn_task_at (group, coroutine_cb, g_object_ref (coroutine), coroutine_unref_cb, NULL);
  coro_task_set_name (task, coro_coroutine_get_name (coroutine));
  return task;
}

static gboolean
await_cb (gpointer   awaitable,
          GValue    *result,
          GError   **error)
{
  return coro_await (awaitable, result, error);
}

/**
 * coro_ensure_future: (skip)
 * @awaitable: (type Coro.Awaitable): what to wait for
 * @error: return location for an error
 *
 * Makes a future of whatever can be awaited: a future is its own, a coroutine
 * object and anything else are awaited by a new task.
 *
 * Callable from any thread; never suspends.
 *
 * @error can be set to %G_IO_ERROR_INVALID_ARGUMENT.
 *
 * Returns: (transfer full) (nullable): a future; %NULL with @error set
 *
 * Since: 0.1
 */
CoroFuture *
coro_ensure_future (gpointer   awaitable,
                    GError   **error)
{
  if (CORO_IS_FUTURE (awaitable))
    return g_object_ref (awaitable);
  if (CORO_IS_COROUTINE (awaitable))
    return CORO_FUTURE (coro_spawn_coroutine (NULL, awaitable));
  if (CORO_IS_AWAITABLE (awaitable))
    return CORO_FUTURE (coro_spawn_task (await_cb, g_object_ref (awaitable), g_object_unref));

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s cannot be awaited",
               awaitable != NULL ? "This" : "NULL");
  return NULL;
}
