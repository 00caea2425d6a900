/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-context-manager.h"

G_BEGIN_DECLS

/**
 * CoroDeferFunc:
 * @user_data: what was passed along
 * @error: return location for the reason of a failure
 *
 * What `coro_exit_stack_defer()` runs as the block is left. It may suspend.
 *
 * Returns: %TRUE on success; %FALSE with @error set on failure
 *
 * Since: 0.1
 */
typedef gboolean (*CoroDeferFunc) (gpointer   user_data,
                                   GError   **error);

/**
 * CoroExitStack: (skip)
 *
 * A guard: what was deferred, and what was entered, is undone when its block
 * of C is left.
 *
 * Since: 0.1
 */
typedef struct
{
  /*< private >*/
  GArray *entries;
  GError **error;
} CoroExitStack G_GNUC_UNUSED;

CORO_AVAILABLE_IN_ALL
CoroExitStack coro_exit_stack_enter (GError         **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
void          coro_exit_stack_defer (CoroExitStack   *self,
                                     CoroDeferFunc    func,
                                     gpointer         user_data);
CORO_AVAILABLE_IN_ALL
gboolean      coro_exit_stack_push  (CoroExitStack   *self,
                                     gpointer         manager,
                                     GValue          *value);
CORO_AVAILABLE_IN_ALL
gboolean      coro_exit_stack_close (CoroExitStack   *self);
CORO_AVAILABLE_IN_ALL
void          coro_exit_stack_exit  (CoroExitStack   *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CoroExitStack, coro_exit_stack_exit)

G_END_DECLS
