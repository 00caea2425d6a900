/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-lock.h"

G_BEGIN_DECLS

#define CORO_TYPE_CONDITION (coro_condition_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroCondition, coro_condition, CORO, CONDITION, GObject)

CORO_AVAILABLE_IN_ALL
CoroCondition *coro_condition_new      (void);
CORO_AVAILABLE_IN_ALL
gboolean       coro_condition_wait     (CoroCondition  *self,
                                        CoroLock       *lock,
                                        GError        **error);
CORO_AVAILABLE_IN_ALL
void           coro_condition_wake     (CoroCondition  *self,
                                        guint           n_waiters);
CORO_AVAILABLE_IN_ALL
void           coro_condition_wake_all (CoroCondition  *self);

G_END_DECLS
