/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#if !defined (CORO_GLIB_INSIDE) && !defined (CORO_COMPILATION)
# error "Include <coro-glib/coro-glib.h>, not its parts."
#endif

#include "../scheduler/coro-scheduler.h"
#include "coro-awaitable.h"

G_BEGIN_DECLS

/**
 * CoroFutureState:
 * @CORO_FUTURE_PENDING: not done
 * @CORO_FUTURE_RESOLVED: done, with a value
 * @CORO_FUTURE_REJECTED: done, with an error
 * @CORO_FUTURE_CANCELLED: done, by cancellation
 *
 * The states of a [class@Future]. They change once, from pending to another.
 *
 * Since: 0.1
 */
typedef enum
{
  CORO_FUTURE_PENDING,
  CORO_FUTURE_RESOLVED,
  CORO_FUTURE_REJECTED,
  CORO_FUTURE_CANCELLED
} CoroFutureState;

#define CORO_TYPE_FUTURE (coro_future_get_type ())
CORO_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (CoroFuture, coro_future, CORO, FUTURE, GObject)

/**
 * CoroFutureClass:
 * @parent_class: the parent class
 * @cancel: what cancelling means for this kind of future
 *
 * Since: 0.1
 */
struct _CoroFutureClass
{
  GObjectClass parent_class;

  gboolean (*cancel) (CoroFuture *self);

  /*< private >*/
  gpointer cancel_anywhere;     /* what cancel is, where it is the library's own */
  gpointer padding[6];
};

/**
 * CoroFutureFunc:
 * @future: the future, which is done
 * @user_data: what was passed along
 * @error: return location for an error, which is reported
 *
 * Called when a future is done.
 *
 * Since: 0.1
 */
typedef void (*CoroFutureFunc) (CoroFuture  *future,
                                gpointer     user_data,
                                GError     **error);

CORO_AVAILABLE_IN_ALL
CoroFuture      *coro_future_new             (void);
CORO_AVAILABLE_IN_ALL
CoroFuture      *coro_future_new_for_value   (const GValue    *value);
CORO_AVAILABLE_IN_ALL
CoroFuture      *coro_future_new_for_error   (const GError    *error);
CORO_AVAILABLE_IN_ALL
gboolean         coro_future_resolve         (CoroFuture      *self,
                                              const GValue    *value);
CORO_AVAILABLE_IN_ALL
gboolean         coro_future_resolve_eager   (CoroFuture      *self,
                                              const GValue    *value);
CORO_AVAILABLE_IN_ALL
gboolean         coro_future_resolve_boolean (CoroFuture      *self,
                                              gboolean         value);
CORO_AVAILABLE_IN_ALL
gboolean         coro_future_resolve_int     (CoroFuture      *self,
                                              int              value);
CORO_AVAILABLE_IN_ALL
gboolean         coro_future_resolve_string  (CoroFuture      *self,
                                              const char      *value);
CORO_AVAILABLE_IN_ALL
gboolean         coro_future_resolve_object  (CoroFuture      *self,
                                              gpointer         object);
CORO_AVAILABLE_IN_ALL
gboolean         coro_future_reject          (CoroFuture      *self,
                                              GError          *error);
CORO_AVAILABLE_IN_ALL
gboolean         coro_future_cancel          (CoroFuture      *self);
CORO_AVAILABLE_IN_ALL
CoroScheduler   *coro_future_get_scheduler   (CoroFuture      *self);
CORO_AVAILABLE_IN_ALL
CoroFutureState  coro_future_get_state       (CoroFuture      *self);
CORO_AVAILABLE_IN_ALL
gboolean         coro_future_is_done         (CoroFuture      *self);
CORO_AVAILABLE_IN_ALL
const GValue    *coro_future_get_value       (CoroFuture      *self);
CORO_AVAILABLE_IN_ALL
const GError    *coro_future_get_error       (CoroFuture      *self);
CORO_AVAILABLE_IN_ALL
gboolean         coro_future_get_result      (CoroFuture      *self,
                                              GValue          *value,
                                              GError         **error);
CORO_AVAILABLE_IN_ALL
gboolean         coro_future_is_observed     (CoroFuture      *self);
CORO_AVAILABLE_IN_ALL
void             coro_future_on_done         (CoroFuture      *self,
                                              CoroFutureFunc   func,
                                              gpointer         user_data,
                                              GDestroyNotify   destroy);

CORO_AVAILABLE_IN_ALL
guint            coro_future_remove_on_done  (CoroFuture      *self,
                                              CoroFutureFunc   func,
                                              gpointer         user_data);
CORO_AVAILABLE_IN_ALL
CoroFuture      *coro_future_shield          (CoroFuture      *self) G_GNUC_WARN_UNUSED_RESULT;
CORO_AVAILABLE_IN_ALL
CoroFuture      *coro_future_take_origin     (CoroFuture      *self);

G_END_DECLS
