/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scope/coro-group-error.h"

G_BEGIN_DECLS

GError *coro_group_error_new (GPtrArray *errors);

G_END_DECLS
