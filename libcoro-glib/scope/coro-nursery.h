/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "coro-spawn.h"

G_BEGIN_DECLS

/**
 * CoroNursery: (skip)
 * @group: the group; spawn into it
 *
 * A guard: the coroutines of its block of C have ended when the block is left.
 *
 * Since: 0.1
 */
typedef struct
{
  CoroTaskGroup *group;

  /*< private >*/
  GError **error;
} CoroNursery G_GNUC_UNUSED;

CORO_AVAILABLE_IN_ALL
CoroNursery coro_nursery_enter (CoroTaskGroupFlags   flags,
                                GError             **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean    coro_nursery_join  (CoroNursery         *self);
CORO_AVAILABLE_IN_ALL
void        coro_nursery_exit  (CoroNursery         *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CoroNursery, coro_nursery_exit)

G_END_DECLS
