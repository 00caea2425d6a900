/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include <glib.h>

#include "../coro-version-macros.h"

G_BEGIN_DECLS

CORO_AVAILABLE_IN_ALL
void coro_debug_report_overflows (void);

G_END_DECLS
