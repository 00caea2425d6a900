/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "sync/coro-lock.h"

#include "scheduler/coro-job-private.h"

G_BEGIN_DECLS

gboolean coro_lock_is_mine   (CoroLock *self);
void     coro_lock_lend      (CoroLock *self);
void     coro_lock_take_back (CoroLock *self);

G_END_DECLS
