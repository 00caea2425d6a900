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

/**
 * CoroEachFunc:
 * @element: the element
 * @user_data: what was passed along
 * @error: return location for the reason of a failure
 *
 * What [func@each] runs for one element. It may suspend.
 *
 * Returns: %TRUE on success; %FALSE with @error set on failure
 *
 * Since: 0.1
 */
typedef gboolean (*CoroEachFunc) (gpointer   element,
                                  gpointer   user_data,
                                  GError   **error);

CORO_AVAILABLE_IN_ALL
gboolean coro_each (gpointer       elements,
                    gsize          n_elements,
                    gsize          element_size,
                    guint          limit,
                    CoroEachFunc   func,
                    gpointer       user_data,
                    GError       **error);

/**
 * CORO_EACH: (skip)
 * @array: an array of structs, of a size the compiler knows
 * @limit: how many may run at once; 0: all
 * @func: a function of a pointer to such a struct, user data and an error
 * @data: what to pass to it
 * @error: return location for an error
 *
 * [func@each] over a whole array.
 *
 * Since: 0.1
 */
#define CORO_EACH(array, limit, func, data, error) \
  coro_each ((array), G_N_ELEMENTS (array), sizeof (array)[0], (limit), (CoroEachFunc) (func), (data), (error))

G_END_DECLS
