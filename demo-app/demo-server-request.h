/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct _DemoServerRequest DemoServerRequest;

DemoServerRequest *demo_server_request_new   (SoupServerMessage  *msg,
                                              GSocket            *socket,
                                              GHashTable         *query,
                                              GFile              *file,
                                              guint               count);
void               demo_server_request_free  (DemoServerRequest  *request);
gboolean           demo_server_request_serve (DemoServerRequest  *request,
                                              gboolean           *resumed,
                                              GError            **error);

G_END_DECLS
