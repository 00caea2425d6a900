/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-future.h"

G_BEGIN_DECLS

#define CORO_TYPE_FOREIGN_TASK (coro_foreign_task_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (CoroForeignTask, coro_foreign_task, CORO, FOREIGN_TASK, CoroFuture)

/**
 * CoroForeignTaskClass:
 * @parent_class: the parent class
 * @wake: goes on after an await. @wait is what [method@ForeignTask.begin_await]
 *   returned. If @cancelled is %TRUE the await fails with
 *   %G_IO_ERROR_CANCELLED, whatever has become of the future; else with the
 *   outcome of the future. An error that is set is reported.
 *
 * Since: 0.1
 */
struct _CoroForeignTaskClass
{
  CoroFutureClass parent_class;

  void (*wake) (CoroForeignTask  *self,
                guint64           wait,
                gboolean          cancelled,
                GError          **error);

  /*< private >*/
  gpointer padding[6];
};

CORO_AVAILABLE_IN_ALL
guint64   coro_foreign_task_begin_await    (CoroForeignTask  *self,
                                            CoroFuture       *future,
                                            GError          **error);
CORO_AVAILABLE_IN_ALL
gboolean  coro_foreign_task_is_awaiting    (CoroForeignTask  *self);
CORO_AVAILABLE_IN_ALL
gboolean  coro_foreign_task_is_cancel_pending (CoroForeignTask *self);
CORO_AVAILABLE_IN_ALL
gboolean  coro_foreign_task_take_cancel    (CoroForeignTask  *self);
CORO_AVAILABLE_IN_ALL
guint     coro_foreign_task_get_cancelling (CoroForeignTask  *self);
CORO_AVAILABLE_IN_ALL
guint     coro_foreign_task_uncancel       (CoroForeignTask  *self);
CORO_AVAILABLE_IN_ALL
gboolean  coro_foreign_task_end_cancelled  (CoroForeignTask  *self);

G_END_DECLS
