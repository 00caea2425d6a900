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

#define CORO_TYPE_LOCK (coro_lock_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroLock, coro_lock, CORO, LOCK, GObject)

CORO_AVAILABLE_IN_ALL
CoroLock   *coro_lock_new       (void);
CORO_AVAILABLE_IN_ALL
gboolean    coro_lock_acquire   (CoroLock          *self,
                                 GError           **error);
CORO_AVAILABLE_IN_ALL
void        coro_lock_release   (CoroLock          *self);
CORO_AVAILABLE_IN_ALL
gboolean    coro_lock_is_locked (CoroLock          *self);

/**
 * CoroLocker: (skip)
 * @lock: (nullable): the lock; %NULL if it was not acquired
 *
 * A guard: a lock is held until its block of C is left.
 *
 * Since: 0.1
 */
typedef struct
{
  CoroLock *lock;
} CoroLocker G_GNUC_UNUSED;

CORO_AVAILABLE_IN_ALL
CoroLocker  coro_locker_enter   (CoroLock          *lock,
                                 GError           **error) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
gboolean    coro_locker_ok      (const CoroLocker  *self);
CORO_AVAILABLE_IN_ALL
void        coro_locker_exit    (CoroLocker        *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CoroLocker, coro_locker_exit)

G_END_DECLS
