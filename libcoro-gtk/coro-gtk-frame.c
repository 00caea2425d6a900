/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "coro-gtk.h"

static gboolean
tick_cb (GtkWidget     *widget,
         GdkFrameClock *frame_clock,
         gpointer       future)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT64);
  g_value_set_int64 (&value, gdk_frame_clock_get_frame_time (frame_clock));
  coro_future_resolve (future, &value);
  return G_SOURCE_REMOVE;
}

/* The widget is gone, or the frame has come. */
static void
tick_destroy_cb (gpointer future)
{
  coro_future_cancel (future);
  g_object_unref (future);
}

/**
 * coro_gtk_next_frame: (skip)
 * @widget: (type Gtk.Widget): a widget
 * @frame_time: (out) (optional): the time of the frame, in µs
 * @error: return location for an error
 *
 * Waits for the next frame that is drawn for a widget.
 *
 * While the widget is not shown there are none.
 *
 * Callable from a coroutine in the main thread, which it suspends.
 *
 * @error can be set to %G_IO_ERROR_CANCELLED, also when the widget goes away,
 * and to the misuse errors of [func@Coro.await].
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
  g_autoptr (CoroFuture) future = NULL;
  g_autoptr (GtkWidget) kept = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  guint id;

  g_return_val_if_fail (GTK_IS_WIDGET (widget), FALSE);

  kept = g_object_ref (widget);
  future = coro_future_new ();
  id = gtk_widget_add_tick_callback (widget, tick_cb, g_object_ref (future), tick_destroy_cb);

  if (!coro_await (future, &value, error))
    {
      /* Cancelled, and the future with us; else the callback is gone already. */
      if (coro_future_get_state (future) != CORO_FUTURE_RESOLVED)
        gtk_widget_remove_tick_callback (widget, id);
      return FALSE;
    }

  if (frame_time != NULL)
    *frame_time = g_value_get_int64 (&value);
  return TRUE;
}
