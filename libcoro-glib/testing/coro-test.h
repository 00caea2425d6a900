/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-return.h"

G_BEGIN_DECLS

CORO_AVAILABLE_IN_ALL
void coro_test_add_func      (const char     *path,
                              CoroFunc        func);
CORO_AVAILABLE_IN_ALL
void coro_test_add_data_func (const char     *path,
                              CoroFunc        func,
                              gpointer        user_data,
                              GDestroyNotify  destroy);

G_END_DECLS
