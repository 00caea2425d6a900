/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-future-private.h"

#include "fiber/coro-error.h"

/* What a pending shield holds on to. */
typedef struct
{
  CoroFutureHook hook;          /* first */
  CoroFuture *inner;            /* (owned) */
  GWeakRef outer;               /* whose hook this is */
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

  if (coro_future_get_result (inner, &value, &inner_error))
    coro_future_take_result (outer, &value);
  else if (coro_error_is_cancelled (inner_error))
    coro_future_set_cancelled (outer, inner_error);
  else
    coro_future_reject (outer, inner_error);
}

static void
shield_free (gpointer data)
{
  CoroFutureShield *self = data;

  g_weak_ref_clear (&self->outer);
  g_object_unref (self->inner);
  g_free (self);
}

static void
shield_hook_release (CoroFutureHook *hook)
{
  CoroFutureShield *self = (CoroFutureShield *) hook;

  /* Cancelled or dropped: leave no trace with the inner future, and its error to it.
   * Removing frees us; else the call that is under way does. */
  coro_future_remove_on_done (self->inner, shield_inner_cb, self);
}

/* Calls `func` for the futures whose outcome decides that of a pending one, as far as it
 * knows any. */
void
coro_future_visit_awaited (CoroFuture  *self,
                           void       (*func) (gpointer future, gpointer data),
                           gpointer     data)
{
  CoroFutureHook *hook = coro_future_private (self)->hook;
  GListModel *futures = coro_gather_get_futures (self);

  if (hook != NULL && hook->release == shield_hook_release)
    func (((CoroFutureShield *) hook)->inner, data);

  for (guint i = 0; futures != NULL && i < g_list_model_get_n_items (futures); i++)
    {
      g_autoptr (CoroFuture) future = g_list_model_get_item (futures, i);

      func (future, data);
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
  shield->hook.release = shield_hook_release;
  shield->inner = g_object_ref (self);
  g_weak_ref_init (&shield->outer, outer);
  coro_future_set_hook (outer, &shield->hook);

  /* It is observed once the outcome has come through. */
  observed = coro_future_is_observed (self);
  coro_future_on_done (self, shield_inner_cb, shield, shield_free);
  if (!observed)
    g_atomic_int_set (&coro_future_private (self)->observed, FALSE);
  return outer;
}
