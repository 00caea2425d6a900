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
 * CoroFunc:
 * @user_data: what was passed along
 * @result: the result; leave it alone where there is none
 * @error: return location for the reason of a failure
 *
 * The body of a coroutine.
 *
 * It may call anything that suspends. @result is never %NULL; a
 * function of the `coro_return_` family fills it and returns %TRUE.
 *
 * Returns: %TRUE on success; %FALSE with @error set on failure
 *
 * Since: 0.1
 */
typedef gboolean (*CoroFunc) (gpointer   user_data,
                              GValue    *result,
                              GError   **error);

CORO_AVAILABLE_IN_ALL
gboolean coro_return_boolean      (GValue      *result,
                                   gboolean     value);
CORO_AVAILABLE_IN_ALL
gboolean coro_return_int          (GValue      *result,
                                   int          value);
CORO_AVAILABLE_IN_ALL
gboolean coro_return_int64        (GValue      *result,
                                   gint64       value);
CORO_AVAILABLE_IN_ALL
gboolean coro_return_double       (GValue      *result,
                                   double       value);
CORO_AVAILABLE_IN_ALL
gboolean coro_return_string       (GValue      *result,
                                   const char  *value);
CORO_AVAILABLE_IN_ALL
gboolean coro_return_take_string  (GValue      *result,
                                   char        *value);
CORO_AVAILABLE_IN_ALL
gboolean coro_return_object       (GValue      *result,
                                   gpointer     object);
CORO_AVAILABLE_IN_ALL
gboolean coro_return_take_object  (GValue      *result,
                                   gpointer     object);
CORO_AVAILABLE_IN_ALL
gboolean coro_return_take_boxed   (GValue      *result,
                                   GType        type,
                                   gpointer     boxed);
CORO_AVAILABLE_IN_ALL
gboolean coro_return_take_variant (GValue      *result,
                                   GVariant    *variant);
CORO_AVAILABLE_IN_ALL
gboolean coro_return_pointer      (GValue      *result,
                                   gpointer     pointer);

G_END_DECLS
