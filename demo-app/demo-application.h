/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define DEMO_APPLICATION_ID "io.github.libcoro.Demo"

#define DEMO_TYPE_APPLICATION (demo_application_get_type ())
G_DECLARE_FINAL_TYPE (DemoApplication, demo_application, DEMO, APPLICATION, GtkApplication)

DemoApplication *demo_application_new        (void);
int              demo_application_get_status (DemoApplication *self);

G_END_DECLS
