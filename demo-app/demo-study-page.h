/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "demo-study-topic.h"

G_BEGIN_DECLS

#define DEMO_TYPE_STUDY_PAGE (demo_study_page_get_type ())
G_DECLARE_FINAL_TYPE (DemoStudyPage, demo_study_page, DEMO, STUDY_PAGE, GtkBox)

DemoStudyTopic *demo_study_page_show_topic (DemoStudyPage *self,
                                            const char    *name);

G_END_DECLS
