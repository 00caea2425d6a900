/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

#include "../coro-version-macros.h"

G_BEGIN_DECLS

CORO_AVAILABLE_IN_ALL
void coro_debug_report_overflows (void);

G_END_DECLS
