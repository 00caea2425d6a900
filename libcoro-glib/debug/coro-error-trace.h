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
char *coro_format_error_trace (const GError *error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
