/* libcoro-gtk: coroutines for GTK 4
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <coro-glib/coro-glib.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

CORO_AVAILABLE_IN_ALL
CoroTaskGroup *coro_gtk_widget_get_group          (gpointer            widget);
CORO_AVAILABLE_IN_ALL
void           coro_gtk_widget_set_unhandled_func (gpointer            widget,
                                                   CoroUnhandledFunc   func,
                                                   gpointer            user_data,
                                                   GDestroyNotify      destroy);

#define coro_gtk_widget_spawn(widget, func, user_data, destroy) \
  coro_spawn_at (coro_gtk_widget_get_group (widget), (func), (user_data), (destroy), CORO_SPAWN_SITE (func))
#define coro_gtk_widget_spawn_task(widget, func, user_data, destroy) \
  coro_spawn_task_at (coro_gtk_widget_get_group (widget), (func), (user_data), (destroy), CORO_SPAWN_SITE (func))
#define coro_gtk_widget_spawn_latest(widget, key, func, user_data, destroy) \
  coro_gtk_widget_spawn_latest_at ((widget), (key), (func), (user_data), (destroy), CORO_SPAWN_SITE (func))

CORO_AVAILABLE_IN_ALL
void           coro_gtk_widget_spawn_latest_at    (gpointer            widget,
                                                   const char         *key,
                                                   CoroFunc            func,
                                                   gpointer            user_data,
                                                   GDestroyNotify      destroy,
                                                   const char         *site);

/**
 * CoroGtkBusy: (skip)
 *
 * A guard: a spinner turns while at least one of them is open.
 *
 * Since: 0.1
 */
typedef struct
{
  /*< private >*/
  GtkWidget *spinner;
} CoroGtkBusy G_GNUC_UNUSED;

CORO_AVAILABLE_IN_ALL
CoroGtkBusy    coro_gtk_busy_enter                (gpointer            spinner) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
void           coro_gtk_busy_exit                 (CoroGtkBusy        *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CoroGtkBusy, coro_gtk_busy_exit)

CORO_AVAILABLE_IN_ALL
gboolean       coro_gtk_next_frame                (gpointer            widget,
                                                   gint64             *frame_time,
                                                   GError            **error);
CORO_AVAILABLE_IN_ALL
gboolean       coro_gtk_after_paint               (gpointer            widget,
                                                   GError            **error);

G_END_DECLS
