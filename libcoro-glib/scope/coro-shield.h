/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-cancel-scope.h"

G_BEGIN_DECLS

/**
 * CoroShield: (skip)
 *
 * A guard: its block of C can wait although the coroutine is cancelled.
 *
 * Since: 0.1
 */
typedef struct
{
  /*< private >*/
  CoroCancelScope scope;
} CoroShield G_GNUC_UNUSED;

CORO_AVAILABLE_IN_ALL
CoroShield coro_shield_enter (GTimeSpan    grace) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
void       coro_shield_exit  (CoroShield  *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CoroShield, coro_shield_exit)

G_END_DECLS
