/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-future.h"

G_BEGIN_DECLS

/**
 * CoroWaitWhen:
 * @CORO_WAIT_ALL: until all are done
 * @CORO_WAIT_FIRST_DONE: until one is done
 * @CORO_WAIT_FIRST_ERROR: until one has failed, or all are done; one that was
 *   cancelled has not failed
 *
 * What [func@wait] waits for.
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_WAIT_ALL,
  CORO_WAIT_FIRST_DONE,
  CORO_WAIT_FIRST_ERROR
} CoroWaitWhen;

CORO_AVAILABLE_IN_ALL
gboolean    coro_wait     (CoroFuture * const  *futures,
                           gsize                n_futures,
                           CoroWaitWhen         when,
                           GTimeSpan            timeout,
                           GError             **error);
CORO_AVAILABLE_IN_ALL
CoroFuture *coro_select   (GError             **error,
                           ...) G_GNUC_NULL_TERMINATED;
CORO_AVAILABLE_IN_ALL
CoroFuture *coro_selectv  (CoroFuture * const  *futures,
                           gsize                n_futures,
                           GError             **error);

G_END_DECLS
