/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

char *demo_sha256sum (GFile   *file,
                      GError **error);

G_END_DECLS
