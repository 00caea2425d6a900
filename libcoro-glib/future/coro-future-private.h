/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "future/coro-future.h"

#include "loop/coro-inbox-private.h"
#include "scheduler/coro-waiter-private.h"

#ifdef CORO_TSAN
# include <sanitizer/tsan_interface.h>
#endif

G_BEGIN_DECLS

/* At the beginning of a finalizer: what other threads did with the object came before they dropped
 * their references.  GLib counts these out of ThreadSanitizer's sight. */
static inline void
coro_future_acquire (gpointer object)
{
#ifdef CORO_TSAN
  __tsan_acquire (object);
#endif
}

/* What a pending future holds on to: a timer, a signal handler.  Let go of on the owner's
 * thread as soon as the future is not pending any more, or when it is dropped. */
typedef struct _CoroFutureResource CoroFutureResource;
struct _CoroFutureResource
{
  CoroMessage message;
  void (*release) (CoroFutureResource *self);   /* frees it as well */
};

/* While a value is being stored.  Never seen outside. */
#define CORO_FUTURE_CLAIMED 8

typedef struct _CoroFutureCallback CoroFutureCallback;
typedef struct _CoroOutside CoroOutside;

typedef struct
{
  CoroScheduler *scheduler;     /* (owned): whose thread the lists belong to */
  int state;                    /* (atomic): CoroFutureState or CORO_FUTURE_CLAIMED */
  int observed;                 /* (atomic): the result was asked for */
  GValue value;                 /* written before the state, read after it */
  GError *error;                /* (nullable) (owned): the same */
  CoroWaiterList waiters;       /* of the same main context */
  CoroOutside *outside;         /* (atomic) (nullable) (unowned): the first wait from outside it */
  CoroFutureCallback *callbacks;        /* (owned) */
  CoroFutureCallback *callbacks_last;
  GHashTable *callback_index;           /* (nullable) (owned): the callbacks, after a search among many */
  CoroFutureCallback *posted;           /* (nullable) (unowned): callbacks on their way to the owner's thread; guarded
                                         * by posted_lock */
  CoroFutureResource *resource; /* (nullable) (owned) */
} CoroFuturePrivate;

void     coro_future_set_resource     (CoroFuture         *self,
                                       CoroFutureResource *resource);
void     coro_future_release_resource (CoroFuturePrivate  *priv);
void     coro_future_set_scheduler    (CoroFuture         *self,
                                       CoroScheduler      *scheduler);
gboolean coro_future_take_result      (CoroFuture         *self,
                                       GValue             *value);
gboolean coro_future_set_cancelled    (CoroFuture         *self,
                                       GError             *error);
gboolean coro_future_real_cancel      (CoroFuture         *self);
gboolean coro_future_is_wanted        (CoroFuture         *self,
                                       CoroFutureFunc      func,
                                       gpointer            user_data);
void     coro_future_tell_outside     (CoroFuturePrivate  *priv);
gboolean coro_future_is_wanted_inside (CoroFuture         *self,
                                       CoroFutureFunc      func,
                                       gpointer            user_data);
gboolean coro_future_has_heard        (CoroFuture         *self);
gboolean coro_future_set_origin       (CoroFuture         *self,
                                       CoroFuture         *origin);
void     coro_future_foreach_awaited  (CoroFuture         *self,
                                       void              (*func) (gpointer future, gpointer data),
                                       gpointer            data);

extern int coro_future_private_offset G_GNUC_INTERNAL;

static inline CoroFuturePrivate *
coro_future_private (CoroFuture *self)
{
  return G_STRUCT_MEMBER_P (self, coro_future_private_offset);
}

static inline gboolean
coro_future_state_is_done (int state)
{
  return state != CORO_FUTURE_PENDING && state != CORO_FUTURE_CLAIMED;
}

static inline void
coro_future_observe (CoroFuture *self)
{
  CoroFuturePrivate *priv = coro_future_private (self);

  if (!g_atomic_int_get (&priv->observed))
    g_atomic_int_set (&priv->observed, TRUE);
}

void           coro_future_copy_error    (CoroFuture      *self,
                                          GError         **error);

/* The outcome of a future that is done. */
static inline gboolean
coro_future_copy_result (CoroFuture  *self,
                         GValue      *value,
                         GError     **error)
{
  CoroFuturePrivate *priv = coro_future_private (self);

  coro_future_observe (self);
  if (G_UNLIKELY (g_atomic_int_get (&priv->state) != CORO_FUTURE_RESOLVED))
    {
      coro_future_copy_error (self, error);
      return FALSE;
    }

  if (value != NULL && G_IS_VALUE (&priv->value))
    {
      g_value_init (value, G_VALUE_TYPE (&priv->value));
      g_value_copy (&priv->value, value);
    }
  return TRUE;
}

G_END_DECLS
