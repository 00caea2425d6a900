/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "demo-files-page.h"
#include "demo-frame-meter.h"
#include "demo-network-page.h"
#include "demo-study-page.h"

G_BEGIN_DECLS

#define DEMO_TYPE_WINDOW (demo_window_get_type ())
G_DECLARE_FINAL_TYPE (DemoWindow, demo_window, DEMO, WINDOW, GtkApplicationWindow)

DemoWindow      *demo_window_new              (GtkApplication *application);
DemoFilesPage   *demo_window_get_files_page   (DemoWindow     *self);
DemoNetworkPage *demo_window_get_network_page (DemoWindow     *self);
DemoStudyPage   *demo_window_get_study_page   (DemoWindow     *self);
DemoFrameMeter  *demo_window_get_meter        (DemoWindow     *self);
void             demo_window_show_page        (DemoWindow     *self,
                                               const char     *name);

G_END_DECLS
