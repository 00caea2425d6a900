/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "scope/coro-runner.h"

G_BEGIN_DECLS

gboolean coro_runner_check_thread (GError **error);

G_END_DECLS
