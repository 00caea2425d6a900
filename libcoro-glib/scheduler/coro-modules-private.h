/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (atomic): whether the process has loaded GTK; once TRUE it stays so. */
extern gboolean coro_modules_have_gtk G_GNUC_INTERNAL;

void coro_modules_refresh (void);

G_END_DECLS
