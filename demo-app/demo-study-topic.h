/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <gtk/gtk.h>

#include "demo-study-programs.h"

G_BEGIN_DECLS

#define DEMO_TYPE_STUDY_TOPIC (demo_study_topic_get_type ())
G_DECLARE_FINAL_TYPE (DemoStudyTopic, demo_study_topic, DEMO, STUDY_TOPIC, GtkBox)

DemoStudyTopic *demo_study_topic_new        (const DemoStudyProgram *program);
void            demo_study_topic_start      (DemoStudyTopic         *self);
void            demo_study_topic_cancel     (DemoStudyTopic         *self);
gboolean        demo_study_topic_is_busy    (DemoStudyTopic         *self);
char           *demo_study_topic_dup_output (DemoStudyTopic         *self);
char           *demo_study_topic_dup_source (DemoStudyTopic         *self);

G_END_DECLS
