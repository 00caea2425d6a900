/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scope/coro-cancel-scope.h"

G_BEGIN_DECLS

CoroCancelScope coro_cancel_scope_enter_at (gint64        deadline,
                                            gboolean      shield,
                                            const char   *what,
                                            GError      **error);
gint64          coro_cancel_scope_time     (GTimeSpan     duration);

G_END_DECLS
