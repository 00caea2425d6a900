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

/**
 * CoroCancelScope: (skip)
 *
 * A guard: what its block of C waits for can be cancelled, without the rest
 * of the coroutine.
 *
 * Since: 0.1
 */
typedef struct
{
  /*< private >*/
  gpointer scope;
  GError **error;
  guint outcome;
} CoroCancelScope G_GNUC_UNUSED;

CORO_AVAILABLE_IN_ALL
CoroCancelScope coro_cancel_scope_enter        (GTimeSpan               duration,
                                                GError                **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
void            coro_cancel_scope_cancel       (CoroCancelScope        *self,
                                                const char             *reason);
CORO_AVAILABLE_IN_ALL
gint64          coro_cancel_scope_get_deadline (const CoroCancelScope  *self);
CORO_AVAILABLE_IN_ALL
gboolean        coro_cancel_scope_set_deadline (CoroCancelScope        *self,
                                                gint64                  monotonic_time);
CORO_AVAILABLE_IN_ALL
gboolean        coro_cancel_scope_set_timeout  (CoroCancelScope        *self,
                                                GTimeSpan               duration);
CORO_AVAILABLE_IN_ALL
gboolean        coro_cancel_scope_get_shield   (const CoroCancelScope  *self);
CORO_AVAILABLE_IN_ALL
void            coro_cancel_scope_set_shield   (CoroCancelScope        *self,
                                                gboolean                shield);
CORO_AVAILABLE_IN_ALL
gboolean        coro_cancel_scope_is_cancelled (const CoroCancelScope  *self);
CORO_AVAILABLE_IN_ALL
gboolean        coro_cancel_scope_is_expired   (const CoroCancelScope  *self);
CORO_AVAILABLE_IN_ALL
gboolean        coro_cancel_scope_catch        (CoroCancelScope        *self);
CORO_AVAILABLE_IN_ALL
gboolean        coro_cancel_scope_was_caught   (const CoroCancelScope  *self);
CORO_AVAILABLE_IN_ALL
void            coro_cancel_scope_exit         (CoroCancelScope        *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CoroCancelScope, coro_cancel_scope_exit)

CORO_AVAILABLE_IN_ALL
gint64          coro_get_effective_deadline    (void);

G_END_DECLS
