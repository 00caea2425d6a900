/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "io/coro-socket.h"

G_BEGIN_DECLS

/* A system call that does not block; sets errno. */
typedef gssize (*CoroSocketFunc) (int      fd,
                                  gpointer args);

gssize coro_socket_perform (GSocket         *socket,
                            guint32          direction,
                            CoroSocketFunc   func,
                            gpointer         args,
                            gsize            size,
                            const char      *what,
                            GError         **error);

G_END_DECLS
