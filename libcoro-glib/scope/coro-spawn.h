/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-task-group.h"

G_BEGIN_DECLS

/* Where a coroutine was spawned, as debug output shows it. */
#define CORO_SPAWN_SITE(func) #func " (" G_STRLOC ")"

/**
 * coro_spawn: (skip)
 * @func: the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * Runs a coroutine in the thread-default context, without a handle.
 *
 * Since: 0.1
 */
#define coro_spawn(func, user_data, destroy) \
  coro_spawn_at (NULL, (func), (user_data), (destroy), CORO_SPAWN_SITE (func))

/**
 * coro_spawn_task: (skip)
 * @func: the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * Like [func@spawn], with a [class@Task] as the handle.
 *
 * Since: 0.1
 */
#define coro_spawn_task(func, user_data, destroy) \
  coro_spawn_task_at (NULL, (func), (user_data), (destroy), CORO_SPAWN_SITE (func))

#define coro_task_group_spawn(group, func, user_data, destroy) \
  coro_spawn_at ((group), (func), (user_data), (destroy), CORO_SPAWN_SITE (func))
#define coro_task_group_spawn_task(group, func, user_data, destroy) \
  coro_spawn_task_at ((group), (func), (user_data), (destroy), CORO_SPAWN_SITE (func))

CORO_AVAILABLE_IN_ALL
void       coro_spawn_at            (CoroTaskGroup   *group,
                                     CoroFunc         func,
                                     gpointer         user_data,
                                     GDestroyNotify   destroy,
                                     const char      *site);
CORO_AVAILABLE_IN_ALL
CoroTask  *coro_spawn_task_at       (CoroTaskGroup   *group,
                                     CoroFunc         func,
                                     gpointer         user_data,
                                     GDestroyNotify   destroy,
                                     const char      *site) G_GNUC_WARN_UNUSED_RESULT;
/**
 * coro_spawn_eager: (skip)
 * @func: the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * [func@spawn_eager_at] without a group.
 *
 * Since: 0.1
 */
#define coro_spawn_eager(func, user_data, destroy) \
  coro_spawn_eager_at (NULL, (func), (user_data), (destroy), CORO_SPAWN_SITE (func))

/**
 * coro_spawn_task_eager: (skip)
 * @func: the body
 * @user_data: what to pass to it
 * @destroy: (nullable): frees @user_data
 *
 * [func@spawn_task_eager_at] without a group.
 *
 * Returns: (transfer full): the handle
 *
 * Since: 0.1
 */
#define coro_spawn_task_eager(func, user_data, destroy) \
  coro_spawn_task_eager_at (NULL, (func), (user_data), (destroy), CORO_SPAWN_SITE (func))

CORO_AVAILABLE_IN_ALL
void       coro_spawn_eager_at      (CoroTaskGroup   *group,
                                     CoroFunc         func,
                                     gpointer         user_data,
                                     GDestroyNotify   destroy,
                                     const char      *site);
CORO_AVAILABLE_IN_ALL
CoroTask  *coro_spawn_task_eager_at (CoroTaskGroup   *group,
                                     CoroFunc         func,
                                     gpointer         user_data,
                                     GDestroyNotify   destroy,
                                     const char      *site) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
void       coro_spawn_copy          (CoroTaskGroup   *group,
                                     CoroFunc         func,
                                     gconstpointer    args,
                                     gsize            size,
                                     GDestroyNotify   clear,
                                     const char      *site);
CORO_AVAILABLE_IN_ALL
CoroTask  *coro_spawn_task_copy     (CoroTaskGroup   *group,
                                     CoroFunc         func,
                                     gconstpointer    args,
                                     gsize            size,
                                     GDestroyNotify   clear,
                                     const char      *site) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
CoroTask  *coro_spawn_coroutine     (CoroTaskGroup   *group,
                                     CoroCoroutine   *coroutine) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
CoroFuture *coro_ensure_future      (gpointer         awaitable,
                                     GError         **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
