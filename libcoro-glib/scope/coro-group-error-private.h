/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scope/coro-group-error.h"

G_BEGIN_DECLS

/* `index` and `size`: the place of the error in its group, from 0, and the size of the group; both
 * are 0 for the outermost error.  Returns FALSE to stop the walk. */
typedef gboolean (*CoroGroupErrorFunc) (const GError *error,
                                        guint         index,
                                        guint         size,
                                        gpointer      data);

GError   *coro_group_error_new     (GPtrArray           *errors);
gboolean  coro_group_error_foreach (const GError        *error,
                                    CoroGroupErrorFunc   func,
                                    gpointer             data);

G_END_DECLS
