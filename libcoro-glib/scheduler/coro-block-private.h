/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* For callers that cannot be parked: returns when `is_done` says so, and iterates the thread-default
 * main context until then.  What makes it true has to wake this context. */
void coro_block_until (gboolean (*is_done) (gpointer data),
                       gpointer   data);

G_END_DECLS
