/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-future-private.h"

#include "base/coro-drop-private.h"
#include "base/coro-error.h"
#include "future/coro-combination-private.h"
#include "future/coro-future-callback-private.h"
#include "scheduler/coro-scheduler-private.h"

/* The state of a pending shield.  The callback on the inner future holds a reference as well. */
typedef struct
{
  CoroFutureResource resource;  /* first */
  gatomicrefcount ref_count;
  CoroFuture *inner;            /* (owned) */
  GWeakRef outer;               /* whose resource this is */
} CoroFutureShield;

static void
shield_inner_cb (CoroFuture  *inner,
                 gpointer     user_data,
                 GError     **error)
{
  g_autoptr (CoroFuture) outer = g_weak_ref_get (&((CoroFutureShield *) user_data)->outer);
  GValue value = G_VALUE_INIT;
  GError *inner_error = NULL;

  if (outer == NULL)
    return;

  coro_future_set_origin (outer, inner);
  if (coro_future_get_result (inner, &value, &inner_error))
    coro_future_take_result (outer, &value);
  else if (coro_error_is_cancelled (inner_error))
    coro_future_set_cancelled (outer, inner_error);
  else
    coro_future_reject (outer, inner_error);
}

static void
shield_unref (gpointer data)
{
  CoroFutureShield *self = data;

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_weak_ref_clear (&self->outer);
  coro_drop (self->inner, g_object_unref);
  g_free (self);
}

/* The shield is done, cancelled or dropped.  Removes the callback from the inner future if the
 * future is of this thread; the inner future keeps its own error. */
static void
shield_resource_release (CoroFutureResource *resource)
{
  CoroFutureShield *self = (CoroFutureShield *) resource;

  if (!coro_future_is_done (self->inner) && coro_scheduler_is_mine (coro_future_get_scheduler (self->inner)))
    coro_future_remove_on_done (self->inner, shield_inner_cb, self);
  shield_unref (self);
}

/* Calls `func` for the futures whose outcome decides that of a pending one, as far as it
 * knows any.  The inner future of a shield of another thread is left out, because that thread may
 * release the resource at any time; a combination keeps its members. */
void
coro_future_foreach_awaited (CoroFuture *self,
                             void      (*func) (gpointer future, gpointer data),
                             gpointer    data)
{
  CoroFuturePrivate *priv = coro_future_private (self);
  CoroFutureResource *resource = coro_scheduler_is_mine (priv->scheduler) ? priv->resource : NULL;

  if (resource != NULL && resource->release == shield_resource_release)
    func (((CoroFutureShield *) resource)->inner, data);

  if (CORO_IS_COMBINATION (self))
    {
      CoroMembers *members = coro_combination_get_members (CORO_COMBINATION (self));

      for (gsize i = 0; i < members->n_futures; i++)
        func (members->futures[i], data);
    }
}

/**
 * coro_future_shield:
 * @self: a future
 *
 * Makes a future with the outcome of @self that can be cancelled without
 * @self being cancelled.
 *
 * Cancelling it says: I do not wait any more. It is for work that must go on,
 * such as saving.
 *
 * Callable from the thread of the future's context; never suspends.
 *
 * Semantics: asyncio's `shield()`.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_future_shield (CoroFuture *self)
{
  CoroFuture *outer;
  CoroFutureShield *shield;
  gboolean observed;

  g_return_val_if_fail (CORO_IS_FUTURE (self), NULL);

  outer = coro_future_new ();
  shield = g_new0 (CoroFutureShield, 1);
  shield->resource.release = shield_resource_release;
  g_atomic_ref_count_init (&shield->ref_count);
  g_atomic_ref_count_inc (&shield->ref_count);  /* the resource's, and the call's */
  shield->inner = g_object_ref (self);
  g_weak_ref_init (&shield->outer, outer);
  coro_future_set_resource (outer, &shield->resource);

  /* It is observed once the outcome has come through. */
  observed = coro_future_is_observed (self);
  coro_future_watch (self, shield_inner_cb, shield, shield_unref);
  if (!observed)
    g_atomic_int_set (&coro_future_private (self)->observed, FALSE);
  return outer;
}
