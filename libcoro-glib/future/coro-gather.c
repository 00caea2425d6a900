/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-gather.h"

#include "future/coro-future-private.h"

#define CORO_TYPE_GATHER (coro_gather_get_type ())
G_DECLARE_FINAL_TYPE (CoroGather, coro_gather, CORO, GATHER, CoroFuture)

struct _CoroGather
{
  CoroFuture parent_instance;

  CoroGatherFlags flags;
  GListStore *futures;          /* (owned) */
  int n_pending;                /* (atomic) */
  int cancelling;               /* (atomic): somebody has asked */
  GMutex failure_lock;
  GError *failure;              /* (nullable) (owned); guarded by failure_lock: kept until all are done */
};

G_DEFINE_FINAL_TYPE (CoroGather, coro_gather, CORO_TYPE_FUTURE)

static gboolean
gather_cancel_children (CoroGather *self)
{
  guint n_futures = g_list_model_get_n_items (G_LIST_MODEL (self->futures));
  gboolean any = FALSE;

  for (guint i = 0; i < n_futures; i++)
    {
      g_autoptr (CoroFuture) child = g_list_model_get_item (G_LIST_MODEL (self->futures), i);

      any |= coro_future_cancel (child);
    }
  return any;
}

/* All children are done. */
static void
gather_finish (CoroGather *self)
{
  if (self->failure != NULL)
    coro_future_reject (CORO_FUTURE (self), g_steal_pointer (&self->failure));
  else if (g_atomic_int_get (&self->cancelling))
    coro_future_set_cancelled (CORO_FUTURE (self),
                               g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The gathering was cancelled"));
  else
    coro_future_resolve_object (CORO_FUTURE (self), self->futures);
}

/* The first failure is the outcome.  A child that was cancelled has failed, but that does
 * not make us cancelled. */
static void
gather_fail (CoroGather   *self,
             const GError *error)
{
  if ((self->flags & CORO_GATHER_CANCEL_ON_ERROR) == 0)
    {
      /* At once; the others go on and are read by nobody. */
      coro_future_reject (CORO_FUTURE (self), g_error_copy (error));
      return;
    }

  g_mutex_lock (&self->failure_lock);
  if (self->failure != NULL)
    {
      g_mutex_unlock (&self->failure_lock);
      return;
    }
  self->failure = g_error_copy (error);
  g_mutex_unlock (&self->failure_lock);
  gather_cancel_children (self);
}

static void
gather_child_cb (CoroFuture  *future,
                 gpointer     user_data,
                 GError     **error)
{
  CoroGather *self = user_data;
  const GError *child_error = coro_future_get_error (future);

  if (child_error != NULL && (self->flags & CORO_GATHER_RETURN_ERRORS) == 0 &&
      !g_atomic_int_get (&self->cancelling) && !coro_future_is_done (CORO_FUTURE (self)))
    gather_fail (self, child_error);

  if (g_atomic_int_dec_and_test (&self->n_pending) && !coro_future_is_done (CORO_FUTURE (self)))
    gather_finish (self);
}

/* Cancels the children; it is done when they are. */
static gboolean
coro_gather_cancel (CoroFuture *future)
{
  CoroGather *self = CORO_GATHER (future);
  gboolean first;

  if (coro_future_is_done (future))
    return FALSE;

  first = g_atomic_int_compare_and_exchange (&self->cancelling, FALSE, TRUE);
  if (gather_cancel_children (self))
    return TRUE;

  if (first)
    g_atomic_int_set (&self->cancelling, FALSE);
  return FALSE;                 /* all children are done, and about to say so */
}

static void
coro_gather_finalize (GObject *object)
{
  CoroGather *self = CORO_GATHER (object);

  g_clear_object (&self->futures);
  g_clear_error (&self->failure);
  g_mutex_clear (&self->failure_lock);

  G_OBJECT_CLASS (coro_gather_parent_class)->finalize (object);
}

static void
coro_gather_class_init (CoroGatherClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = coro_gather_finalize;
  CORO_FUTURE_CLASS (klass)->cancel = coro_gather_cancel;
  CORO_FUTURE_CLASS (klass)->cancel_anywhere = coro_gather_cancel;
}

static void
coro_gather_init (CoroGather *self)
{
  self->futures = g_list_store_new (CORO_TYPE_FUTURE);
  g_mutex_init (&self->failure_lock);
}

/* (nullable): NULL where it is not the future of a gather. */
GListModel *
coro_gather_get_futures (CoroFuture *self)
{
  return CORO_IS_GATHER (self) ? G_LIST_MODEL (CORO_GATHER (self)->futures) : NULL;
}

/**
 * coro_gather:
 * @futures: (array length=n_futures): futures; one may stand there twice
 * @n_futures: how many
 *
 * Makes a future for the results of several.
 *
 * Its value is a [iface@Gio.ListModel] of @futures themselves, all done, in
 * the order given; without any it is done at once. The first failure is the
 * failure of the whole, at once, while the others go on: in C, a
 * [struct@Nursery] or [func@each] usually serves better.
 *
 * Cancelling the future cancels all of @futures; it is done when they are.
 *
 * Callable from any thread; never suspends. Takes no ownership: the futures
 * are referenced.
 *
 * Semantics: asyncio's `gather()`.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_gather (CoroFuture * const *futures,
             gsize               n_futures)
{
  return coro_gather_full (futures, n_futures, CORO_GATHER_NONE);
}

/**
 * coro_gather_full:
 * @futures: (array length=n_futures): futures; one may stand there twice
 * @n_futures: how many
 * @flags: what a failure does
 *
 * [func@gather] with a say in what a failure does.
 *
 * With %CORO_GATHER_RETURN_ERRORS the whole does not fail: ask each of the
 * futures. With %CORO_GATHER_CANCEL_ON_ERROR the first failure cancels the
 * others, and the whole is done when they are: nothing is left running.
 *
 * Callable from any thread; never suspends. Takes no ownership: the futures
 * are referenced.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_gather_full (CoroFuture * const *futures,
                  gsize               n_futures,
                  CoroGatherFlags     flags)
{
  CoroGather *self = g_object_new (CORO_TYPE_GATHER, NULL);

  self->flags = flags;
  self->n_pending = (int) n_futures;
  for (gsize i = 0; i < n_futures; i++)
    g_list_store_append (self->futures, futures[i]);

  if (n_futures == 0)
    gather_finish (self);
  for (gsize i = 0; i < n_futures; i++)
    coro_future_on_done (futures[i], gather_child_cb, g_object_ref (self), g_object_unref);

  return CORO_FUTURE (self);
}
