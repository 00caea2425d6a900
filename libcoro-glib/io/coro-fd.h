/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-future.h"

G_BEGIN_DECLS

CORO_AVAILABLE_IN_ALL
GIOCondition coro_fd_wait        (int            fd,
                                  GIOCondition   condition,
                                  GTimeSpan      timeout,
                                  GError       **error);
CORO_AVAILABLE_IN_ALL
CoroFuture  *coro_fd_wait_future (int            fd,
                                  GIOCondition   condition,
                                  GTimeSpan      timeout) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gssize       coro_fd_read        (int            fd,
                                  void          *buffer,
                                  gsize          size,
                                  GError       **error);
CORO_AVAILABLE_IN_ALL
gboolean     coro_fd_write_all   (int            fd,
                                  const void    *buffer,
                                  gsize          size,
                                  gsize         *bytes_written,
                                  GError       **error);
CORO_AVAILABLE_IN_ALL
gboolean     coro_fd_close       (int            fd,
                                  GError       **error);

G_END_DECLS
