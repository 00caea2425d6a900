/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-scheduler.h"

G_BEGIN_DECLS

/**
 * CoroCallFunc:
 * @user_data: what was passed along
 *
 * A function that the scheduler calls, on the thread stack. It cannot
 * suspend; it can spawn.
 *
 * Since: 0.1
 */
typedef void (*CoroCallFunc) (gpointer user_data);

CORO_AVAILABLE_IN_ALL
guint64  coro_call_soon            (CoroCallFunc    func,
                                    gpointer        user_data,
                                    GDestroyNotify  destroy);
CORO_AVAILABLE_IN_ALL
guint64  coro_call_later           (GTimeSpan       delay,
                                    CoroCallFunc    func,
                                    gpointer        user_data,
                                    GDestroyNotify  destroy);
CORO_AVAILABLE_IN_ALL
guint64  coro_call_at              (gint64          time,
                                    CoroCallFunc    func,
                                    gpointer        user_data,
                                    GDestroyNotify  destroy);
CORO_AVAILABLE_IN_ALL
gboolean coro_call_cancel          (guint64         id);

CORO_AVAILABLE_IN_ALL
guint64  coro_scheduler_call_soon  (CoroScheduler  *self,
                                    CoroCallFunc    func,
                                    gpointer        user_data,
                                    GDestroyNotify  destroy);
CORO_AVAILABLE_IN_ALL
guint64  coro_scheduler_call_later (CoroScheduler  *self,
                                    GTimeSpan       delay,
                                    CoroCallFunc    func,
                                    gpointer        user_data,
                                    GDestroyNotify  destroy);
CORO_AVAILABLE_IN_ALL
guint64  coro_scheduler_call_at    (CoroScheduler  *self,
                                    gint64          time,
                                    CoroCallFunc    func,
                                    gpointer        user_data,
                                    GDestroyNotify  destroy);

G_END_DECLS
