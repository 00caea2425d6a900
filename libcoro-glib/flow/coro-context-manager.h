/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include <gio/gio.h>

#include "../coro-version-macros.h"

G_BEGIN_DECLS

#define CORO_TYPE_CONTEXT_MANAGER (coro_context_manager_get_type ())

CORO_AVAILABLE_IN_ALL
G_DECLARE_INTERFACE (CoroContextManager, coro_context_manager, CORO, CONTEXT_MANAGER, GObject)

/**
 * CoroContextManagerInterface:
 * @parent: the parent interface
 * @enter: (skip) (nullable): acquires, and gives what to work with; it may suspend
 * @exit: (skip): releases, told how the work has failed, which it may declare
 *   to be no failure; it may suspend
 *
 * What makes an object something that is entered, and left on every path.
 *
 * Since: 0.1
 */
struct _CoroContextManagerInterface
{
  GTypeInterface parent;

  gboolean (*enter) (CoroContextManager  *self,
                     GValue              *value,
                     GError             **error);
  gboolean (*exit)  (CoroContextManager  *self,
                     const GError        *body_error,
                     gboolean            *suppress,
                     GError             **error);

  /*< private >*/
  gpointer padding[4];
};

/**
 * CoroWithFunc:
 * @value: what the manager gave; empty if it gave nothing
 * @user_data: what was passed along
 * @error: return location for the reason of a failure
 *
 * What [func@with] runs between entering and leaving. It may suspend.
 *
 * Returns: %TRUE on success; %FALSE with @error set on failure
 *
 * Since: 0.1
 */
typedef gboolean (*CoroWithFunc) (const GValue  *value,
                                  gpointer       user_data,
                                  GError       **error);

CORO_AVAILABLE_IN_ALL
gboolean coro_context_manager_enter (gpointer        self,
                                     GValue         *value,
                                     GError        **error);
CORO_AVAILABLE_IN_ALL
gboolean coro_context_manager_exit  (gpointer        self,
                                     const GError   *body_error,
                                     gboolean       *suppress,
                                     GError        **error);

CORO_AVAILABLE_IN_ALL
gboolean coro_with                  (gpointer        manager,
                                     CoroWithFunc    func,
                                     gpointer        user_data,
                                     GError        **error);

G_END_DECLS
