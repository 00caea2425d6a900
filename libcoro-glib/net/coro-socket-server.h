/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-future.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * CoroServeFunc: (skip)
 * @socket: a connection
 * @user_data: what was passed along
 * @error: return location for an error
 *
 * Serves one connection of [func@socket_serve], in a coroutine of its own.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 0.1
 */
typedef gboolean (*CoroServeFunc) (GSocket   *socket,
                                   gpointer   user_data,
                                   GError   **error);

CORO_AVAILABLE_IN_ALL
GSocket    *coro_socket_listen        (GSocketAddress  *address,
                                       GError         **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
GSocket    *coro_socket_accept        (GSocket         *socket,
                                       GError         **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
CoroFuture *coro_socket_accept_future (GSocket         *socket) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean    coro_socket_serve         (GSocket         *socket,
                                       CoroServeFunc    func,
                                       gpointer         user_data,
                                       GError         **error);
CORO_AVAILABLE_IN_ALL
GSocketConnection *coro_socket_listener_accept (GSocketListener  *listener,
                                                GObject         **source_object,
                                                GError          **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
