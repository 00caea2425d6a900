/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "bench-window.h"

#include <stdlib.h>
#include <time.h>

#define PIECE ((gint64) 200 * 1000)     /* ns */
#define BEAT 4                          /* ms */

/* --- what the workers do ---------------------------------------------------------- */

static gint64
get_thread_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * 1000 * 1000 * 1000 + time.tv_nsec;
}

/* Computes until this has taken 200 µs of processor time.  What others get of the
 * processor meanwhile does not count as work. */
void
bench_work_compute (BenchWork *self)
{
  static volatile guint sink;
  gint64 start = get_thread_time ();
  gint64 now = start;

  while (now - start < PIECE)
    {
      for (guint i = 0; i < 2000; i++)
        sink = sink * 1664525 + 1013904223;
      now = get_thread_time ();
    }
  self->computed += now - start;
}

/* --- what the window sees --------------------------------------------------------- */

typedef struct
{
  GArray *gaps;                 /* (owned) (element-type double): ms */
  gint64 start;                 /* ns */
  gint64 end;                   /* ns */
  gint64 last_frame;            /* ns */
  gint64 last_beat;             /* ns */
  gint64 worst_beat;            /* ns */
  gint64 used;                  /* ns of processor time of the main thread */
  guint n_frames;
} FrameMeter;

/* Xvfb never says when a frame was presented, so that the end of painting has to do. */
static void
after_paint_cb (GdkFrameClock *clock,
                FrameMeter    *self)
{
  gint64 now = bench_now ();
  double gap = (double) (now - self->last_frame) / 1e6;

  if (now >= self->end)
    return;
  g_array_append_val (self->gaps, gap);
  self->last_frame = now;
  self->n_frames++;
}

/* Frames that come in time do not prove a main loop that answers in time. */
static gboolean
beat_cb (gpointer data)
{
  FrameMeter *self = data;
  gint64 now = bench_now ();

  self->worst_beat = MAX (self->worst_beat, now - self->last_beat);
  self->last_beat = now;
  return G_SOURCE_CONTINUE;
}

static gboolean
quit_cb (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

/* Runs the main loop for `seconds` and counts.  A frame that is missing at the end is a
 * gap as well. */
static void
frame_meter_run (FrameMeter *self,
                 GtkWidget  *window,
                 double      seconds)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (window);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  gulong handler = g_signal_connect (clock, "after-paint", G_CALLBACK (after_paint_cb), self);
  guint beat = g_timeout_add (BEAT, beat_cb, self);
  double gap;

  self->gaps = g_array_new (FALSE, FALSE, sizeof (double));
  self->start = self->last_frame = self->last_beat = bench_now ();
  self->end = self->start + (gint64) (seconds * 1e9);
  self->used = -get_thread_time ();
  g_timeout_add ((guint) (seconds * 1000), quit_cb, loop);
  g_main_loop_run (loop);
  self->used += get_thread_time ();

  gap = (double) (MAX (bench_now (), self->end) - self->last_frame) / 1e6;
  g_array_append_val (self->gaps, gap);
  g_signal_handler_disconnect (clock, handler);
  g_source_remove (beat);
}

static int
compare_doubles (gconstpointer a,
                 gconstpointer b)
{
  double left = *(const double *) a;
  double right = *(const double *) b;

  return (left > right) - (left < right);
}

static double
frame_meter_get_gap (FrameMeter *self,
                     double      fraction)
{
  guint last = self->gaps->len - 1;

  g_array_sort (self->gaps, compare_doubles);
  return g_array_index (self->gaps, double, (guint) (last * fraction));
}

static void
frame_meter_clear (FrameMeter *self)
{
  g_array_unref (self->gaps);
}

/* --- the window ------------------------------------------------------------------- */

static void
draw_cb (GtkDrawingArea *area,
         cairo_t        *cr,
         int             width,
         int             height,
         gpointer        user_data)
{
  double phase = (double) (bench_now () % 1000000000) / 1e9;

  cairo_set_source_rgb (cr, phase, 0.5, 1 - phase);
  cairo_rectangle (cr, phase * width, 0, 8, height);
  cairo_fill (cr);
}

static gboolean
tick_cb (GtkWidget     *widget,
         GdkFrameClock *clock,
         gpointer       user_data)
{
  gtk_widget_queue_draw (widget);
  return G_SOURCE_CONTINUE;
}

static GtkWidget *
window_new (void)
{
  GtkWidget *window = gtk_window_new ();
  GtkWidget *area = gtk_drawing_area_new ();

  /* Small: to fill pixels is not what is asked. */
  gtk_widget_set_size_request (area, 64, 64);
  gtk_widget_set_halign (area, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (area, GTK_ALIGN_CENTER);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (area), draw_cb, NULL, NULL);
  gtk_widget_add_tick_callback (area, tick_cb, NULL, NULL);
  gtk_window_set_child (GTK_WINDOW (window), area);
  gtk_window_set_default_size (GTK_WINDOW (window), 400, 300);
  gtk_window_present (GTK_WINDOW (window));
  return window;
}

static double
get_percent (gint64 time,
             double seconds)
{
  return (double) time / (seconds * 1e9) * 100;
}

/* Other programs had the processor for the rest, up to 100 percent. */
static void
print_busy (Bench      *bench,
            FrameMeter *meter,
            BenchWork  *work,
            double      seconds)
{
  bench_print (bench, NULL, meter->n_frames, "frames");
  bench_print (bench, "worst-gap", frame_meter_get_gap (meter, 1), "ms");
  bench_print (bench, "p99-gap", frame_meter_get_gap (meter, 0.99), "ms");
  bench_print (bench, "worst-beat", (double) meter->worst_beat / 1e6, "ms");
  bench_print (bench, "share", get_percent (work->computed, seconds), "percent");
  bench_print (bench, "main-loop-share", get_percent (meter->used - work->computed, seconds), "percent");
}

static void
print_idle (Bench      *bench,
            FrameMeter *meter,
            double      seconds)
{
  bench_print (bench, "idle-frames", meter->n_frames, "frames");
  bench_print (bench, "idle-worst-gap", frame_meter_get_gap (meter, 1), "ms");
  bench_print (bench, "idle-main-loop-share", get_percent (meter->used, seconds), "percent");
}

/* First without workers, for reference, then with them. */
void
bench_window_run (Bench         *bench,
                  BenchWorkFunc  start_workers)
{
  double seconds = bench->quick ? 0.3 : 5;
  double warm_up = bench->quick ? 0.1 : 1;
  FrameMeter warming = { 0, }, idle = { 0, }, busy = { 0, };
  BenchWork work = { 0, };
  GtkWidget *window;

  if (!gtk_init_check ())
    {
      g_printerr ("%s: not measured: there is no display\n", bench->name);
      return;
    }

  window = window_new ();
  frame_meter_run (&warming, window, warm_up);
  frame_meter_run (&idle, window, seconds);

  work.end = bench_now () + (gint64) (seconds * 1e9);
  start_workers (&work);
  frame_meter_run (&busy, window, seconds);

  print_busy (bench, &busy, &work, seconds);
  print_idle (bench, &idle, seconds);

  frame_meter_clear (&warming);
  frame_meter_clear (&idle);
  frame_meter_clear (&busy);
  gtk_window_destroy (GTK_WINDOW (window));
}
