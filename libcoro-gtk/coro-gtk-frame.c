/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-gtk-private.h"

/* A wait for a moment of a frame, on the stack of the waiting coroutine.  It holds no reference to
 * the widget, because the wait would then keep the widget, and so itself, alive. */
typedef struct _CoroGtkFrameWait CoroGtkFrameWait;
struct _CoroGtkFrameWait
{
  GtkWidget *widget;            /* (nullable) (weak pointer) */
  CoroFuture *future;           /* (owned) */
  void (*start) (CoroGtkFrameWait *self);       /* the widget is shown */
  void (*stop)  (CoroGtkFrameWait *self);       /* the widget is hidden, or the wait is over */
  gulong map_id;
  gulong unmap_id;
  gulong destroy_id;
  guint tick_id;                /* 0: none */
  GdkFrameClock *clock;         /* (nullable) (owned): while it is listened to */
  gulong paint_id;
  gboolean empty;               /* the last frame found the widget without a size */
};

/* --- the update phase ------------------------------------------------------------- */

static gboolean
tick_cb (GtkWidget     *widget,
         GdkFrameClock *clock,
         gpointer       user_data)
{
  CoroGtkFrameWait *self = user_data;
  g_auto (GValue) value = G_VALUE_INIT;

  self->tick_id = 0;
  g_value_init (&value, G_TYPE_INT64);
  g_value_set_int64 (&value, gdk_frame_clock_get_frame_time (clock));
  /* The coroutine goes on inside this call, in time for the layout and the paint of this frame.
   * Afterwards the wait is over, and its memory is gone. */
  coro_future_resolve_eager (self->future, &value);
  return G_SOURCE_REMOVE;
}

static void
tick_start (CoroGtkFrameWait *self)
{
  if (self->tick_id == 0)
    self->tick_id = gtk_widget_add_tick_callback (self->widget, tick_cb, self, NULL);
}

static void
tick_stop (CoroGtkFrameWait *self)
{
  if (self->tick_id != 0)
    gtk_widget_remove_tick_callback (self->widget, self->tick_id);
  self->tick_id = 0;
}

/* --- after the paint -------------------------------------------------------------- */

/* Requests a draw, so that the frame is painted. */
static void
request_paint (CoroGtkFrameWait *self)
{
  gtk_widget_queue_draw (self->widget);
  gdk_frame_clock_request_phase (self->clock, GDK_FRAME_CLOCK_PHASE_PAINT);
}

static void
after_paint_cb (GdkFrameClock    *clock,
                CoroGtkFrameWait *self)
{
  gboolean was_empty = self->empty;

  /* A window that was mapped a moment ago may not have a size yet, and some widgets never get one.
   * A new size comes with a frame, so it is not necessary to request frames until then. */
  self->empty = gtk_widget_get_width (self->widget) <= 0 || gtk_widget_get_height (self->widget) <= 0;
  if (self->empty)
    return;
  if (was_empty)
    request_paint (self);       /* the frame may have been one without a paint */
  else
    coro_future_resolve_eager (self->future, NULL);     /* the wait is over then */
}

static void
paint_start (CoroGtkFrameWait *self)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (self->widget);

  if (clock == NULL || self->clock != NULL)
    return;

  self->clock = g_object_ref (clock);
  self->empty = FALSE;
  self->paint_id = g_signal_connect (clock, "after-paint", G_CALLBACK (after_paint_cb), self);
  request_paint (self);
}

static void
paint_stop (CoroGtkFrameWait *self)
{
  if (self->clock != NULL)
    g_signal_handler_disconnect (self->clock, self->paint_id);
  g_clear_object (&self->clock);
}

/* --- waiting ---------------------------------------------------------------------- */

static void
widget_map_cb (GtkWidget        *widget,
               CoroGtkFrameWait *self)
{
  self->start (self);
}

static void
widget_unmap_cb (GtkWidget        *widget,
                 CoroGtkFrameWait *self)
{
  self->stop (self);
}

static void
widget_destroy_cb (GtkWidget        *widget,
                   CoroGtkFrameWait *self)
{
  self->stop (self);
  coro_future_cancel (self->future);
}

/* Runs on the thread stack: signal handlers of the widget, and code that the first tick callback
 * triggers, may be in any language. */
static void
wait_begin_cb (gpointer data)
{
  CoroGtkFrameWait *self = data;

  g_object_add_weak_pointer (G_OBJECT (self->widget), (gpointer *) &self->widget);
  self->map_id = g_signal_connect_after (self->widget, "map", G_CALLBACK (widget_map_cb), self);
  self->unmap_id = g_signal_connect (self->widget, "unmap", G_CALLBACK (widget_unmap_cb), self);
  self->destroy_id = g_signal_connect (self->widget, "destroy", G_CALLBACK (widget_destroy_cb), self);
  if (gtk_widget_get_mapped (self->widget))
    self->start (self);
}

static void
wait_end_cb (gpointer data)
{
  CoroGtkFrameWait *self = data;

  if (self->widget != NULL)
    {
      self->stop (self);
      g_signal_handler_disconnect (self->widget, self->map_id);
      g_signal_handler_disconnect (self->widget, self->unmap_id);
      g_signal_handler_disconnect (self->widget, self->destroy_id);
      g_clear_weak_pointer (&self->widget);
    }
  g_object_unref (self->future);
}

static gboolean
wait_for (CoroGtkFrameWait  *self,
          GValue            *value,
          GError           **error)
{
  gboolean ok;

  coro_gtk_attach ();
  self->future = coro_future_new ();
  coro_call_on_thread_stack (wait_begin_cb, self);
  ok = coro_await (self->future, value, error);
  coro_call_on_thread_stack (wait_end_cb, self);
  return ok;
}

/**
 * coro_gtk_next_frame: (skip)
 * @widget: (type Gtk.Widget): a widget
 * @frame_time: (out) (optional): the time of the frame, in µs
 * @error: return location for an error
 *
 * Waits for the next frame of a widget.
 *
 * It returns in the frame's update phase: changes before the next wait are laid
 * out and painted with this frame. While the widget is not mapped, on a hidden
 * page of a stack say, there are no frames, and none are requested.
 * [func@CoroGtk.after_paint] returns when a frame has been painted.
 *
 * The widget is not kept. Callable from a coroutine in the main thread, which
 * it suspends.
 *
 * @error can be set to %G_IO_ERROR_CANCELLED, also when the widget is disposed
 * of, and to the misuse errors of [func@Coro.await].
 *
 * Returns: %TRUE with the frame; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_gtk_next_frame (gpointer   widget,
                     gint64    *frame_time,
                     GError   **error)
{
  CoroGtkFrameWait wait = { .widget = widget, .start = tick_start, .stop = tick_stop };
  g_auto (GValue) value = G_VALUE_INIT;

  g_return_val_if_fail (GTK_IS_WIDGET (widget), FALSE);

  if (!wait_for (&wait, &value, error))
    return FALSE;

  if (frame_time != NULL)
    *frame_time = g_value_get_int64 (&value);
  return TRUE;
}

/**
 * coro_gtk_after_paint: (skip)
 * @widget: (type Gtk.Widget): a widget
 * @error: return location for an error
 *
 * Waits until a widget has been painted as it is now: it is mapped, has an
 * allocation, and a frame has been drawn since.
 *
 * It returns after the paint, before any other code runs. At this moment the
 * widget has its size, and a picture, from a [class@Gtk.WidgetPaintable] say,
 * shows its contents. A change that needs a redraw makes such a picture empty
 * until the next paint. While the widget has no width or no height, the wait
 * goes on, and no frames are requested.
 *
 * The widget is not kept. Callable from a coroutine in the main thread, which
 * it suspends.
 *
 * @error can be set to %G_IO_ERROR_CANCELLED, also when the widget is disposed
 * of, and to the misuse errors of [func@Coro.await].
 *
 * Returns: %TRUE after the paint; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_gtk_after_paint (gpointer   widget,
                      GError   **error)
{
  CoroGtkFrameWait wait = { .widget = widget, .start = paint_start, .stop = paint_stop };

  g_return_val_if_fail (GTK_IS_WIDGET (widget), FALSE);

  return wait_for (&wait, NULL, error);
}
