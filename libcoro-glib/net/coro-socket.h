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

CORO_AVAILABLE_IN_ALL
gboolean coro_socket_connect      (GSocket              *socket,
                                   GSocketAddress       *address,
                                   GError              **error);
CORO_AVAILABLE_IN_ALL
gssize   coro_socket_receive      (GSocket              *socket,
                                   void                 *buffer,
                                   gsize                 size,
                                   GError              **error);
CORO_AVAILABLE_IN_ALL
gboolean coro_socket_receive_all  (GSocket              *socket,
                                   void                 *buffer,
                                   gsize                 size,
                                   gsize                *bytes_received,
                                   GError              **error);
CORO_AVAILABLE_IN_ALL
gssize   coro_socket_receive_from (GSocket              *socket,
                                   GSocketAddress      **address,
                                   void                 *buffer,
                                   gsize                 size,
                                   GError              **error);
CORO_AVAILABLE_IN_ALL
gssize   coro_socket_send         (GSocket              *socket,
                                   const void           *buffer,
                                   gsize                 size,
                                   GError              **error);
CORO_AVAILABLE_IN_ALL
gboolean coro_socket_send_all     (GSocket              *socket,
                                   const void           *buffer,
                                   gsize                 size,
                                   gsize                *bytes_sent,
                                   GError              **error);
CORO_AVAILABLE_IN_ALL
gboolean coro_socket_send_vectors (GSocket              *socket,
                                   const GOutputVector  *vectors,
                                   gsize                 n_vectors,
                                   gsize                *bytes_sent,
                                   GError              **error);
CORO_AVAILABLE_IN_ALL
gssize   coro_socket_send_to      (GSocket              *socket,
                                   GSocketAddress       *address,
                                   const void           *buffer,
                                   gsize                 size,
                                   GError              **error);
CORO_AVAILABLE_IN_ALL
gboolean coro_socket_send_file    (GSocket              *socket,
                                   int                   fd,
                                   goffset              *offset,
                                   gsize                 size,
                                   gsize                *bytes_sent,
                                   GError              **error);
CORO_AVAILABLE_IN_ALL
GIOCondition coro_socket_wait     (GSocket              *socket,
                                   GIOCondition          condition,
                                   GError              **error);
CORO_AVAILABLE_IN_ALL
gboolean coro_socket_close        (GSocket              *socket,
                                   GError              **error);

CORO_AVAILABLE_IN_ALL
CoroFuture *coro_socket_connect_future (GSocket         *socket,
                                        GSocketAddress  *address) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
CoroFuture *coro_socket_receive_future (GSocket         *socket,
                                        gsize            size) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
CoroFuture *coro_socket_send_future    (GSocket         *socket,
                                        GBytes          *bytes) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
