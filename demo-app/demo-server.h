/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <coro-glib/coro-glib.h>

G_BEGIN_DECLS

#define DEMO_TYPE_SERVER (demo_server_get_type ())
G_DECLARE_FINAL_TYPE (DemoServer, demo_server, DEMO, SERVER, GObject)

DemoServer *demo_server_new             (GFile          *root,
                                         CoroTaskGroup  *group,
                                         GError        **error);
GFile      *demo_server_get_root        (DemoServer     *self);
char       *demo_server_dup_url         (DemoServer     *self,
                                         const char     *path,
                                         const char     *query);
char       *demo_server_dup_refused_url (DemoServer     *self);
guint       demo_server_get_n_requests  (DemoServer     *self);
guint       demo_server_get_n_resumed   (DemoServer     *self);

G_END_DECLS
