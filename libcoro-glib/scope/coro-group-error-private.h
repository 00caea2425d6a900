/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scope/coro-group-error.h"

G_BEGIN_DECLS

/* `index`, from 0, and `size`: which one of how many in its group; 0 and 0 for the first error
 * of all.  FALSE: no more. */
typedef gboolean (*CoroGroupErrorFunc) (const GError *error,
                                        guint         index,
                                        guint         size,
                                        gpointer      data);

GError   *coro_group_error_new     (GPtrArray           *errors);
gboolean  coro_group_error_foreach (const GError        *error,
                                    CoroGroupErrorFunc   func,
                                    gpointer             data);

G_END_DECLS
