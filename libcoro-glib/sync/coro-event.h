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

#define CORO_TYPE_EVENT (coro_event_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroEvent, coro_event, CORO, EVENT, GObject)

CORO_AVAILABLE_IN_ALL
CoroEvent *coro_event_new          (void);
CORO_AVAILABLE_IN_ALL
gboolean   coro_event_wait         (CoroEvent  *self,
                                    GError    **error);
CORO_AVAILABLE_IN_ALL
void       coro_event_trigger      (CoroEvent  *self);
CORO_AVAILABLE_IN_ALL
void       coro_event_reset        (CoroEvent  *self);
CORO_AVAILABLE_IN_ALL
gboolean   coro_event_is_triggered (CoroEvent  *self);

G_END_DECLS
