/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

void coro_drop       (gpointer        data,
                      GDestroyNotify  destroy);
void coro_drop_value (GValue         *value);

G_END_DECLS
