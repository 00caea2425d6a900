/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-task.h"

G_BEGIN_DECLS

/**
 * CoroTaskGroupFlags:
 * @CORO_TASK_GROUP_NONE: the first failure cancels the other members
 * @CORO_TASK_GROUP_SUPERVISOR: failures leave the other members alone
 * @CORO_TASK_GROUP_UNJOINED: the group is not joined; failures are reported as they come
 * @CORO_TASK_GROUP_BACKGROUND: an application ends without waiting for members,
 *   see [func@application_attach]
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_TASK_GROUP_NONE = 0,
  CORO_TASK_GROUP_SUPERVISOR = 1 << 0,
  CORO_TASK_GROUP_UNJOINED = 1 << 1,
  CORO_TASK_GROUP_BACKGROUND = 1 << 2
} CoroTaskGroupFlags;

/**
 * CoroUnhandledFunc:
 * @error: the unread error
 * @name: the coroutine's name
 * @spawned_at: where it was spawned
 * @user_data: what was passed along
 * @error_out: return location for an error, which is logged
 *
 * Called for a coroutine whose failure is not read.
 *
 * Since: 0.1
 */
typedef void (*CoroUnhandledFunc) (const GError  *error,
                                   const char    *name,
                                   const char    *spawned_at,
                                   gpointer       user_data,
                                   GError       **error_out);

#define CORO_TYPE_TASK_GROUP (coro_task_group_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroTaskGroup, coro_task_group, CORO, TASK_GROUP, GObject)

CORO_AVAILABLE_IN_ALL
CoroTaskGroup *coro_task_group_new                (CoroTaskGroupFlags   flags);
CORO_AVAILABLE_IN_ALL
void           coro_task_group_limit              (CoroTaskGroup       *self,
                                                   guint                max_running);
CORO_AVAILABLE_IN_ALL
void           coro_task_group_set_stack_size     (CoroTaskGroup       *self,
                                                   gsize                stack_size);
CORO_AVAILABLE_IN_ALL
void           coro_task_group_set_unhandled_func (CoroTaskGroup       *self,
                                                   CoroUnhandledFunc    func,
                                                   gpointer             user_data,
                                                   GDestroyNotify       destroy);
CORO_AVAILABLE_IN_ALL
guint          coro_task_group_get_n_members      (CoroTaskGroup       *self);
CORO_AVAILABLE_IN_ALL
void           coro_task_group_cancel             (CoroTaskGroup       *self);
CORO_AVAILABLE_IN_ALL
void           coro_task_group_wind_up            (CoroTaskGroup       *self);
CORO_AVAILABLE_IN_ALL
gboolean       coro_task_group_join               (CoroTaskGroup       *self,
                                                   GError             **error);
CORO_AVAILABLE_IN_ALL
void           coro_set_unhandled_func            (GMainContext        *context,
                                                   CoroUnhandledFunc    func,
                                                   gpointer             user_data,
                                                   GDestroyNotify       destroy);

G_END_DECLS
