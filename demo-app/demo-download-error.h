/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The server answered, with a status that is no success.  Codes are HTTP's. */
#define DEMO_HTTP_ERROR (demo_http_error_quark ())

GQuark    demo_http_error_quark            (void);
gboolean  demo_download_error_is_transient (const GError *error);
char     *demo_download_error_describe     (const GError *error,
                                            GTimeSpan     timeout);

G_END_DECLS
