/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-study-topic.h"

#include <coro-gtk/coro-gtk.h>
#include <glib/gi18n.h>

/* DemoStudyTopic: one of the nine pages of the Study page: a small program, its source, and
 * what it says while it runs. */

#define SOURCE "/io/github/libcoro/Demo/demo-study-programs.c"

struct _DemoStudyTopic
{
  GtkBox parent_instance;

  GtkLabel *title;
  GtkLabel *description;
  GtkSpinner *spinner;
  GtkTextView *source;
  GtkTextView *output;

  const DemoStudyProgram *program;
  gboolean busy;
};

enum
{
  PROP_BUSY = 1,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DemoStudyTopic, demo_study_topic, GTK_TYPE_BOX)

/* --- a run ------------------------------------------------------------------------ */

/* Lives until the program has ended, which may be after the page: closing the window cancels
 * it, and it may have something to say about that. */
typedef struct
{
  DemoStudyOutput output;    /* first */
  DemoStudyTopic *topic;     /* (weak pointer) */
} Run;

static void
run_free (gpointer data)
{
  Run *self = data;

  g_clear_weak_pointer (&self->topic);
  g_free (self);
}

static void
topic_append (DemoStudyTopic *self, const char *line)
{
  GtkTextBuffer *buffer;
  GtkTextIter end;

  if (self->output == NULL)
    return;                                /* disposed of */
  buffer = gtk_text_view_get_buffer (self->output);
  gtk_text_buffer_get_end_iter (buffer, &end);
  gtk_text_buffer_insert (buffer, &end, line, -1);
  gtk_text_buffer_insert (buffer, &end, "\n", 1);
}

static void
run_print (const char *line, gpointer data)
{
  Run *self = data;

  if (self->topic != NULL)
    topic_append (self->topic, line);
}

static void
topic_set_busy (DemoStudyTopic *self, gboolean busy)
{
  if (self->busy == busy)
    return;
  self->busy = busy;
  if (self->output != NULL)
    {
      gtk_widget_action_set_enabled (GTK_WIDGET (self), "page.cancel", busy);
      gtk_spinner_set_spinning (self->spinner, busy);
    }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BUSY]);
}

static gboolean
run_cb (gpointer user_data, GValue *result, GError **error)
{
  Run *self = user_data;
  g_autoptr (GError) local_error = NULL;

  if (self->topic == NULL)
    return TRUE;
  if (!self->topic->program->func (&self->output, NULL, &local_error) &&
      !coro_error_is_cancelled (local_error))
    run_print (local_error->message, self);
  if (local_error != NULL && coro_error_is_cancelled (local_error))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;                        /* the coroutine in its place goes on, or reports the end */
    }
  if (self->topic != NULL)
    topic_set_busy (self->topic, FALSE);
  return TRUE;
}

static gboolean
stop_cb (gpointer topic, GValue *result, GError **error)
{
  topic_set_busy (topic, FALSE);
  return TRUE;
}

/* --- the widget ------------------------------------------------------------------- */

static void
topic_start_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  demo_study_topic_start (DEMO_STUDY_TOPIC (widget));
}

static void
topic_cancel_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  demo_study_topic_cancel (DEMO_STUDY_TOPIC (widget));
}

static void
demo_study_topic_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_BUSY:
      g_value_set_boolean (value, DEMO_STUDY_TOPIC (object)->busy);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
demo_study_topic_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), DEMO_TYPE_STUDY_TOPIC);

  G_OBJECT_CLASS (demo_study_topic_parent_class)->dispose (object);
}

static void
demo_study_topic_class_init (DemoStudyTopicClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = demo_study_topic_get_property;
  object_class->dispose = demo_study_topic_dispose;

  properties[PROP_BUSY] = g_param_spec_boolean ("busy", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_install_action (widget_class, "page.start", NULL, topic_start_action);
  gtk_widget_class_install_action (widget_class, "page.cancel", NULL, topic_cancel_action);

  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/libcoro/Demo/demo-study-topic.ui");
  gtk_widget_class_bind_template_child (widget_class, DemoStudyTopic, title);
  gtk_widget_class_bind_template_child (widget_class, DemoStudyTopic, description);
  gtk_widget_class_bind_template_child (widget_class, DemoStudyTopic, spinner);
  gtk_widget_class_bind_template_child (widget_class, DemoStudyTopic, source);
  gtk_widget_class_bind_template_child (widget_class, DemoStudyTopic, output);
}

static void
demo_study_topic_init (DemoStudyTopic *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "page.cancel", FALSE);
}

DemoStudyTopic *
demo_study_topic_new (const DemoStudyProgram *program)
{
  DemoStudyTopic *self = g_object_new (DEMO_TYPE_STUDY_TOPIC, NULL);
  g_autoptr (GBytes) file = g_resources_lookup_data (SOURCE, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_autofree char *source = demo_study_extract_source (g_bytes_get_data (file, NULL), program->name);

  self->program = program;
  gtk_label_set_label (self->title, _(program->title));
  gtk_label_set_label (self->description, _(program->description));
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->source), source, -1);
  return self;
}

/* Runs the program, from its beginning if it is running. */
void
demo_study_topic_start (DemoStudyTopic *self)
{
  Run *run;

  g_return_if_fail (DEMO_IS_STUDY_TOPIC (self));

  run = g_new0 (Run, 1);
  run->output = (DemoStudyOutput) { run_print, run };
  g_set_weak_pointer (&run->topic, self);
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->output), "", 0);
  topic_set_busy (self, TRUE);
  coro_gtk_widget_spawn_latest (self, "run", run_cb, run, run_free);
}

void
demo_study_topic_cancel (DemoStudyTopic *self)
{
  g_return_if_fail (DEMO_IS_STUDY_TOPIC (self));

  /* The latest takes the place of the one before, which is cancelled. */
  if (self->busy)
    coro_gtk_widget_spawn_latest (self, "run", stop_cb, self, NULL);
}

gboolean
demo_study_topic_is_busy (DemoStudyTopic *self)
{
  g_return_val_if_fail (DEMO_IS_STUDY_TOPIC (self), FALSE);

  return self->busy;
}

static char *
dup_text (GtkTextView *view)
{
  char *text;

  g_object_get (gtk_text_view_get_buffer (view), "text", &text, NULL);
  return text;
}

char *
demo_study_topic_dup_output (DemoStudyTopic *self)
{
  g_return_val_if_fail (DEMO_IS_STUDY_TOPIC (self), NULL);

  return dup_text (self->output);
}

char *
demo_study_topic_dup_source (DemoStudyTopic *self)
{
  g_return_val_if_fail (DEMO_IS_STUDY_TOPIC (self), NULL);

  return dup_text (self->source);
}
