/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../future/coro-future.h"

G_BEGIN_DECLS

#define CORO_TYPE_QUEUE (coro_queue_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (CoroQueue, coro_queue, CORO, QUEUE, GObject)

CORO_AVAILABLE_IN_ALL
CoroQueue  *coro_queue_new              (guint            capacity,
                                         GDestroyNotify   item_free);
CORO_AVAILABLE_IN_ALL
CoroQueue  *coro_queue_new_lifo         (guint            capacity,
                                         GDestroyNotify   item_free);
CORO_AVAILABLE_IN_ALL
CoroQueue  *coro_queue_new_priority     (guint            capacity,
                                         GDestroyNotify   item_free,
                                         GCompareFunc     compare);
CORO_AVAILABLE_IN_ALL
gboolean    coro_queue_put              (CoroQueue       *self,
                                         gpointer         item,
                                         GError         **error);
CORO_AVAILABLE_IN_ALL
gboolean    coro_queue_take             (CoroQueue       *self,
                                         gpointer        *out_item,
                                         GError         **error);
CORO_AVAILABLE_IN_ALL
gboolean    coro_queue_try_put          (CoroQueue       *self,
                                         gpointer         item,
                                         GError         **error);
CORO_AVAILABLE_IN_ALL
gboolean    coro_queue_try_take         (CoroQueue       *self,
                                         gpointer        *out_item,
                                         GError         **error);
CORO_AVAILABLE_IN_ALL
gboolean    coro_queue_task_done        (CoroQueue       *self,
                                         GError         **error);
CORO_AVAILABLE_IN_ALL
gboolean    coro_queue_join             (CoroQueue       *self,
                                         GError         **error);
CORO_AVAILABLE_IN_ALL
guint       coro_queue_get_n_unfinished (CoroQueue       *self);
CORO_AVAILABLE_IN_ALL
guint       coro_queue_get_length       (CoroQueue       *self);
CORO_AVAILABLE_IN_ALL
void        coro_queue_close            (CoroQueue       *self);
CORO_AVAILABLE_IN_ALL
void        coro_queue_close_now        (CoroQueue       *self);
CORO_AVAILABLE_IN_ALL
gboolean    coro_queue_is_closed        (CoroQueue       *self);

G_END_DECLS
