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

#define CORO_TYPE_BARRIER (coro_barrier_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroBarrier, coro_barrier, CORO, BARRIER, GObject)

CORO_AVAILABLE_IN_ALL
CoroBarrier *coro_barrier_new           (guint         n_parties);
CORO_AVAILABLE_IN_ALL
gboolean     coro_barrier_wait          (CoroBarrier  *self,
                                         guint        *index,
                                         GError      **error);
CORO_AVAILABLE_IN_ALL
void         coro_barrier_reset         (CoroBarrier  *self);
CORO_AVAILABLE_IN_ALL
void         coro_barrier_abort         (CoroBarrier  *self);
CORO_AVAILABLE_IN_ALL
guint        coro_barrier_get_n_waiting (CoroBarrier  *self);
CORO_AVAILABLE_IN_ALL
gboolean     coro_barrier_is_broken     (CoroBarrier  *self);

G_END_DECLS
