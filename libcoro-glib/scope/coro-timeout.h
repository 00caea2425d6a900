/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-awaitable.h"
#include "coro-cancel-scope.h"

G_BEGIN_DECLS

/**
 * CoroTimeout: (skip)
 *
 * A guard: what its block of C waits for must be over in time.
 *
 * Since: 0.1
 */
typedef struct
{
  /*< private >*/
  CoroCancelScope scope;
} CoroTimeout G_GNUC_UNUSED;

CORO_AVAILABLE_IN_ALL
CoroTimeout coro_timeout_enter      (GTimeSpan           duration,
                                     GError            **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
CoroTimeout coro_deadline_enter     (gint64              monotonic_time,
                                     GError            **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean    coro_timeout_reschedule (CoroTimeout        *self,
                                     GTimeSpan           duration);
CORO_AVAILABLE_IN_ALL
gint64      coro_timeout_get_deadline (const CoroTimeout *self);
CORO_AVAILABLE_IN_ALL
gboolean    coro_timeout_is_expired (const CoroTimeout  *self);
CORO_AVAILABLE_IN_ALL
void        coro_timeout_exit       (CoroTimeout        *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CoroTimeout, coro_timeout_exit)

CORO_AVAILABLE_IN_ALL
gboolean    coro_wait_for           (gpointer            awaitable,
                                     GTimeSpan           duration,
                                     GValue             *value,
                                     GError            **error);

G_END_DECLS
