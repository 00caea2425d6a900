/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-study-page.h"

#include <glib/gi18n.h>

/* DemoStudyPage: nine pages to study by, a topic each. */

struct _DemoStudyPage
{
  GtkBox parent_instance;

  GtkStack *stack;
};

G_DEFINE_FINAL_TYPE (DemoStudyPage, demo_study_page, GTK_TYPE_BOX)

static void
study_page_forward_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  gtk_widget_activate_action (gtk_stack_get_visible_child (DEMO_STUDY_PAGE (widget)->stack), name, NULL);
}

static void
demo_study_page_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), DEMO_TYPE_STUDY_PAGE);

  G_OBJECT_CLASS (demo_study_page_parent_class)->dispose (object);
}

static void
demo_study_page_class_init (DemoStudyPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = demo_study_page_dispose;

  gtk_widget_class_install_action (widget_class, "page.start", NULL, study_page_forward_action);
  gtk_widget_class_install_action (widget_class, "page.cancel", NULL, study_page_forward_action);

  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/libcoro/Demo/demo-study-page.ui");
  gtk_widget_class_bind_template_child (widget_class, DemoStudyPage, stack);
}

static void
demo_study_page_init (DemoStudyPage *self)
{
  const DemoStudyProgram *programs = demo_study_get_programs ();

  gtk_widget_init_template (GTK_WIDGET (self));

  for (int i = 0; i < DEMO_STUDY_N_PROGRAMS; i++)
    gtk_stack_add_titled (self->stack, GTK_WIDGET (demo_study_topic_new (&programs[i])), programs[i].name,
                          _(programs[i].title));
}

/* Returns the page of that topic, from now on the one that is shown. */
DemoStudyTopic *
demo_study_page_show_topic (DemoStudyPage *self, const char *name)
{
  g_return_val_if_fail (DEMO_IS_STUDY_PAGE (self), NULL);

  gtk_stack_set_visible_child_name (self->stack, name);
  return DEMO_STUDY_TOPIC (gtk_stack_get_visible_child (self->stack));
}
