/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "demo-frame-meter.h"

#include <coro-gtk/coro-gtk.h>
#include <glib/gi18n.h>

#include <time.h>

#include "demo-busy-work.h"
#include "demo-frame-graph.h"

/* DemoFrameMeter: whether the window keeps moving, measured and not promised.
 *
 * A tick callback keeps the frame clock going and takes the time of every frame.  Beside it
 * a heartbeat of 4 ms watches the main loop: a compositor stops the frames of a window that
 * is hidden, and only the heartbeat tells such a pause from a freeze. */

#define HISTORY 300                                        /* five seconds at 60 Hz */
#define HEARTBEAT 4                                        /* ms */
#define LABEL_INTERVAL (125 * G_TIME_SPAN_MILLISECOND)     /* no eye reads faster */
#define WORK (250 * G_TIME_SPAN_MILLISECOND)

struct _DemoFrameMeter
{
  GtkBox parent_instance;

  /* The figures are inscriptions: their size does not depend on the text, so a new text needs no
   * layout of the window. */
  DemoFrameGraph *graph;
  GtkInscription *last;
  GtkInscription *p99;
  GtkInscription *worst;
  GtkInscription *verdict;
  GtkLabel *report;

  DemoFrameStats *stats;      /* (owned): what is shown */
  DemoFrameStats *gaps;       /* (not owned) (nullable): a record that another module reads */
  DemoFrameStats *work;       /* (not owned) (nullable): and of what this thread computed in each gap */
  guint tick_id;
  guint heartbeat_id;
  gint64 last_frame;          /* monotonic; 0: there was none yet */
  GTimeSpan last_cpu;         /* of this thread, at the last frame */
  gint64 last_beat;
  GTimeSpan worst_beat;       /* since the last frame */
  gint64 labelled_at;
  gboolean busy;
};

enum
{
  PROP_BUSY = 1,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (DemoFrameMeter, demo_frame_meter, GTK_TYPE_BOX)

/* --- figures ---------------------------------------------------------------------- */

static void
set_gap (GtkInscription *inscription, GTimeSpan gap)
{
  /* Translators: milliseconds. */
  g_autofree char *text = g_strdup_printf (_("%.1f ms"), gap / (double) G_TIME_SPAN_MILLISECOND);

  gtk_inscription_set_text (inscription, text);
}

/* The colour is never alone: the word says the same. */
static void
meter_set_verdict (DemoFrameMeter *self, GTimeSpan worst)
{
  static const char * const smooth[] = { "verdict", "smooth", NULL };
  static const char * const stutter[] = { "verdict", "stutter", NULL };
  static const char * const frozen[] = { "verdict", "frozen", NULL };
  GtkWidget *widget = GTK_WIDGET (self->verdict);

  if (worst >= DEMO_FROZEN_LIMIT)
    {
      gtk_inscription_set_text (self->verdict, C_("frame gaps", "Frozen"));
      gtk_widget_set_css_classes (widget, (const char **) frozen);
    }
  else if (worst >= DEMO_SMOOTH_LIMIT)
    {
      gtk_inscription_set_text (self->verdict, C_("frame gaps", "Stutter"));
      gtk_widget_set_css_classes (widget, (const char **) stutter);
    }
  else
    {
      gtk_inscription_set_text (self->verdict, C_("frame gaps", "Smooth"));
      gtk_widget_set_css_classes (widget, (const char **) smooth);
    }
}

static void
meter_update_labels (DemoFrameMeter *self, gint64 now)
{
  GTimeSpan worst = demo_frame_stats_get_percentile (self->stats, 100);

  self->labelled_at = now;
  set_gap (self->last, demo_frame_stats_get (self->stats, 0));
  set_gap (self->p99, demo_frame_stats_get_percentile (self->stats, 99));
  set_gap (self->worst, worst);
  meter_set_verdict (self, worst);
}

/* The processor time of this thread.  In a gap between frames this is the part that the program
 * causes; for the rest of a gap other processes may have used the machine. */
static GTimeSpan
get_cpu (void)
{
  struct timespec spent;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &spent);
  return spent.tv_sec * G_TIME_SPAN_SECOND + spent.tv_nsec / 1000;
}

static void
meter_add_gap (DemoFrameMeter *self, GTimeSpan gap, GTimeSpan work)
{
  if (self->work != NULL)
    demo_frame_stats_add (self->work, work);
  if (gap > G_TIME_SPAN_SECOND / 2 && self->worst_beat < gap / 2)
    return;                                /* the loop was well: the window was not shown */
  gap = MAX (gap, self->worst_beat);
  demo_frame_stats_add (self->stats, gap);
  if (self->gaps != NULL)
    demo_frame_stats_add (self->gaps, gap);
}

/* --- clocks ----------------------------------------------------------------------- */

/* The clock's frame time is when the frame should be; when it really came is what counts. */
static gboolean
meter_tick_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  DemoFrameMeter *self = DEMO_FRAME_METER (widget);
  gint64 now = g_get_monotonic_time ();
  GTimeSpan cpu = get_cpu ();

  if (self->last_frame != 0)
    meter_add_gap (self, now - self->last_frame, cpu - self->last_cpu);
  self->last_frame = now;
  self->last_cpu = cpu;
  self->worst_beat = 0;
  gtk_widget_queue_draw (GTK_WIDGET (self->graph));
  if (now - self->labelled_at >= LABEL_INTERVAL)
    meter_update_labels (self, now);
  return G_SOURCE_CONTINUE;
}

static gboolean
meter_heartbeat_cb (gpointer user_data)
{
  DemoFrameMeter *self = user_data;
  gint64 now = g_get_monotonic_time ();

  self->worst_beat = MAX (self->worst_beat, now - self->last_beat);
  self->last_beat = now;
  return G_SOURCE_CONTINUE;
}

static void
demo_frame_meter_map (GtkWidget *widget)
{
  DemoFrameMeter *self = DEMO_FRAME_METER (widget);

  GTK_WIDGET_CLASS (demo_frame_meter_parent_class)->map (widget);

  self->last_frame = 0;
  self->last_beat = g_get_monotonic_time ();
  self->worst_beat = 0;
  self->tick_id = gtk_widget_add_tick_callback (widget, meter_tick_cb, NULL, NULL);
  /* Less urgent than drawing: a main loop serves the most urgent sources only, and one that
   * is ready every 4 ms would often be the one that is served in place of a frame. */
  self->heartbeat_id = g_timeout_add_full (G_PRIORITY_DEFAULT_IDLE, HEARTBEAT, meter_heartbeat_cb, self, NULL);
}

static void
demo_frame_meter_unmap (GtkWidget *widget)
{
  DemoFrameMeter *self = DEMO_FRAME_METER (widget);

  gtk_widget_remove_tick_callback (widget, self->tick_id);
  self->tick_id = 0;
  g_clear_handle_id (&self->heartbeat_id, g_source_remove);

  GTK_WIDGET_CLASS (demo_frame_meter_parent_class)->unmap (widget);
}

/* --- the experiment --------------------------------------------------------------- */

static void
meter_set_busy (DemoFrameMeter *self, gboolean busy)
{
  self->busy = busy;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BUSY]);
}

static void
meter_report (DemoFrameMeter *self, const char *text)
{
  gtk_label_set_text (self->report, text);
}

/* What every program without coroutines or threads does.  The meter goes red. */
void
demo_frame_meter_block (DemoFrameMeter *self)
{
  g_autofree char *text = NULL;

  g_return_if_fail (DEMO_IS_FRAME_METER (self));

  demo_frame_stats_reset (self->stats);
  demo_busy_work (WORK);
  text = g_strdup_printf (_("%d ms of work in one go: the window stood still"), (int) (WORK / G_TIME_SPAN_MILLISECOND));
  meter_report (self, text);
}

static gboolean
meter_work (DemoFrameMeter *self, GError **error)
{
  gint64 start = g_get_monotonic_time ();
  g_autofree char *text = NULL;
  guint n_steps;

  demo_frame_stats_reset (self->stats);
  if (!demo_busy_work_yield (WORK, &n_steps, error))
    return FALSE;
  text = g_strdup_printf (_("%d ms of work in %u steps of a coroutine: done after %d ms, and the window kept moving"),
                          (int) (WORK / G_TIME_SPAN_MILLISECOND), n_steps,
                          (int) ((g_get_monotonic_time () - start) / G_TIME_SPAN_MILLISECOND));
  meter_report (self, text);
  return TRUE;
}

static gboolean
meter_work_cb (gpointer user_data, GValue *result, GError **error)
{
  DemoFrameMeter *self = user_data;        /* kept alive by its own group */

  if (!meter_work (self, error))
    return FALSE;                          /* cancelled: the window is gone, or a newer run came */
  meter_set_busy (self, FALSE);
  return TRUE;
}

/* The same work.  The meter stays green. */
void
demo_frame_meter_work (DemoFrameMeter *self)
{
  g_return_if_fail (DEMO_IS_FRAME_METER (self));

  meter_set_busy (self, TRUE);
  coro_gtk_widget_spawn_latest (self, "work", meter_work_cb, self, NULL);
}

/* --- the widget ------------------------------------------------------------------- */

static void
demo_frame_meter_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  DemoFrameMeter *self = DEMO_FRAME_METER (object);

  switch (prop_id)
    {
    case PROP_BUSY:
      g_value_set_boolean (value, self->busy);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
demo_frame_meter_dispose (GObject *object)
{
  DemoFrameMeter *self = DEMO_FRAME_METER (object);

  if (self->graph != NULL)
    demo_frame_graph_set_stats (self->graph, NULL);
  gtk_widget_dispose_template (GTK_WIDGET (self), DEMO_TYPE_FRAME_METER);

  G_OBJECT_CLASS (demo_frame_meter_parent_class)->dispose (object);
}

static void
demo_frame_meter_finalize (GObject *object)
{
  DemoFrameMeter *self = DEMO_FRAME_METER (object);

  demo_frame_stats_free (self->stats);

  G_OBJECT_CLASS (demo_frame_meter_parent_class)->finalize (object);
}

static void
demo_frame_meter_class_init (DemoFrameMeterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = demo_frame_meter_get_property;
  object_class->dispose = demo_frame_meter_dispose;
  object_class->finalize = demo_frame_meter_finalize;
  widget_class->map = demo_frame_meter_map;
  widget_class->unmap = demo_frame_meter_unmap;

  properties[PROP_BUSY] = g_param_spec_boolean ("busy", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  g_type_ensure (DEMO_TYPE_FRAME_GRAPH);
  gtk_widget_class_set_template_from_resource (widget_class, "/io/github/libcoro/Demo/demo-frame-meter.ui");
  gtk_widget_class_bind_template_child (widget_class, DemoFrameMeter, graph);
  gtk_widget_class_bind_template_child (widget_class, DemoFrameMeter, last);
  gtk_widget_class_bind_template_child (widget_class, DemoFrameMeter, p99);
  gtk_widget_class_bind_template_child (widget_class, DemoFrameMeter, worst);
  gtk_widget_class_bind_template_child (widget_class, DemoFrameMeter, verdict);
  gtk_widget_class_bind_template_child (widget_class, DemoFrameMeter, report);
  gtk_widget_class_set_css_name (widget_class, "framemeter");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
demo_frame_meter_init (DemoFrameMeter *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));

  self->stats = demo_frame_stats_new (HISTORY);
  demo_frame_graph_set_stats (self->graph, self->stats);
}

/* From now on @gaps gets every gap as well, and @work the time that this thread has computed in
 * it.  NULL ends this. */
void
demo_frame_meter_set_recorder (DemoFrameMeter *self, DemoFrameStats *gaps, DemoFrameStats *work)
{
  g_return_if_fail (DEMO_IS_FRAME_METER (self));

  self->gaps = gaps;
  self->work = work;
}
