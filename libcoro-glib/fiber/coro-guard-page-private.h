/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean coro_guard_page_install (char      *address,
                                  gsize      size,
                                  gboolean  *mprotected,
                                  GError   **error);
void     coro_guard_page_release (guint      count);

G_END_DECLS
