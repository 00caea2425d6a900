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

#define CORO_TYPE_SEMAPHORE (coro_semaphore_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroSemaphore, coro_semaphore, CORO, SEMAPHORE, GObject)

CORO_AVAILABLE_IN_ALL
CoroSemaphore *coro_semaphore_new         (guint           value);
CORO_AVAILABLE_IN_ALL
CoroSemaphore *coro_semaphore_new_bounded (guint           value);
CORO_AVAILABLE_IN_ALL
gboolean       coro_semaphore_acquire     (CoroSemaphore  *self,
                                           GError        **error);
CORO_AVAILABLE_IN_ALL
gboolean       coro_semaphore_release     (CoroSemaphore  *self,
                                           GError        **error);
CORO_AVAILABLE_IN_ALL
guint          coro_semaphore_get_value   (CoroSemaphore  *self);

G_END_DECLS
