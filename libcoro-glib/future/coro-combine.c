/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-combine.h"

#include "future/coro-future-private.h"
#include "scheduler/coro-cancel-private.h"

#include <stdarg.h>

/* --- gather ----------------------------------------------------------------------- */

#define CORO_TYPE_GATHER (coro_gather_get_type ())
G_DECLARE_FINAL_TYPE (CoroGather, coro_gather, CORO, GATHER, CoroFuture)

struct _CoroGather
{
  CoroFuture parent_instance;

  GListStore *futures;          /* (owned) */
  int n_pending;                /* (atomic) */
  int cancelling;               /* (atomic): somebody has asked */
};

G_DEFINE_FINAL_TYPE (CoroGather, coro_gather, CORO_TYPE_FUTURE)

static void
gather_finish (CoroGather *self)
{
  if (g_atomic_int_get (&self->cancelling))
    coro_future_set_cancelled (CORO_FUTURE (self),
                               g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The gathering was cancelled"));
  else
    coro_future_resolve_object (CORO_FUTURE (self), self->futures);
}

static void
gather_child_cb (CoroFuture  *future,
                 gpointer     user_data,
                 GError     **error)
{
  CoroGather *self = user_data;
  const GError *child_error = coro_future_get_error (future);

  /* The first failure is the outcome; the others go on and are read by nobody.  A child
   * that was cancelled has failed, but that does not make us cancelled. */
  if (child_error != NULL && !g_atomic_int_get (&self->cancelling) &&
      !coro_future_is_done (CORO_FUTURE (self)))
    coro_future_reject (CORO_FUTURE (self), g_error_copy (child_error));

  if (g_atomic_int_dec_and_test (&self->n_pending) && !coro_future_is_done (CORO_FUTURE (self)))
    gather_finish (self);
}

/* Cancels the children; it is done when they are. */
static gboolean
coro_gather_cancel (CoroFuture *future)
{
  CoroGather *self = CORO_GATHER (future);
  guint n_futures = g_list_model_get_n_items (G_LIST_MODEL (self->futures));
  gboolean any = FALSE;

  if (coro_future_is_done (future))
    return FALSE;

  for (guint i = 0; i < n_futures; i++)
    {
      g_autoptr (CoroFuture) child = g_list_model_get_item (G_LIST_MODEL (self->futures), i);

      any |= coro_future_cancel (child);
    }

  if (any)
    g_atomic_int_set (&self->cancelling, TRUE);
  return any;
}

static void
coro_gather_finalize (GObject *object)
{
  CoroGather *self = CORO_GATHER (object);

  g_clear_object (&self->futures);

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
  CoroGather *self = g_object_new (CORO_TYPE_GATHER, NULL);

  self->n_pending = (int) n_futures;
  for (gsize i = 0; i < n_futures; i++)
    g_list_store_append (self->futures, futures[i]);

  if (n_futures == 0)
    gather_finish (self);
  for (gsize i = 0; i < n_futures; i++)
    coro_future_on_done (futures[i], gather_child_cb, g_object_ref (self), g_object_unref);

  return CORO_FUTURE (self);
}

/* --- select ----------------------------------------------------------------------- */

static CoroFuture *
find_done (CoroFuture * const *futures,
           gsize               n_futures)
{
  for (gsize i = 0; i < n_futures; i++)
    if (coro_future_is_done (futures[i]))
      return futures[i];
  return NULL;
}

/* Waits on all links until one is woken.  FALSE: cancelled. */
static gboolean
links_wait (CoroFutureLink *links,
            gsize           n_links,
            GError        **error)
{
  CoroJob *job = links[0].waiter.job;

  while (TRUE)
    {
      for (gsize i = 0; i < n_links; i++)
        if (links[i].waiter.woken)
          return TRUE;

      if (coro_job_is_cancelled (job))
        return FALSE;

      job->waiter = &links[0].waiter;
      coro_job_suspend (job);
      job->waiter = NULL;
    }
}

/**
 * coro_selectv: (skip)
 * @futures: (array length=n_futures): futures
 * @n_futures: how many, at least one
 * @error: return location for an error
 *
 * Waits until one of several futures is done.
 *
 * If several are, the first in the order given is the winner. The others are
 * left alone: they are neither consumed nor cancelled.
 *
 * Callable from a coroutine, which it suspends unless one is done.
 * Cancellation: see [iface@Awaitable]; it does not reach @futures.
 *
 * @error can be set to %G_IO_ERROR_CANCELLED and to the misuse errors of
 * [func@await], but never to the winner's own: ask the winner.
 *
 * Returns: (nullable) (transfer none): the winner; %NULL with @error set
 *
 * Since: 0.1
 */
CoroFuture *
coro_selectv (CoroFuture * const  *futures,
              gsize                n_futures,
              GError             **error)
{
  g_autofree CoroFutureLink *links = NULL;
  CoroFuture *winner;
  gsize n_links = 0;
  gboolean woken;

  g_return_val_if_fail (n_futures > 0, NULL);

  winner = find_done (futures, n_futures);
  if (winner != NULL)
    return coro_future_wait (winner, FALSE, error) ? winner : NULL;

  links = g_new0 (CoroFutureLink, n_futures);
  for (gsize i = 0; i < n_futures; i++)
    {
      if (!coro_waiter_init (&links[i].waiter, error))
        return NULL;            /* only the first can fail */
    }
  while (n_links < n_futures && coro_future_link (&links[n_links], futures[n_links], FALSE))
    n_links++;

  /* Another thread may have completed one in the meantime. */
  woken = n_links < n_futures || links_wait (links, n_links, error);
  while (n_links > 0)
    coro_future_unlink (&links[--n_links]);

  if (!woken)
    {
      coro_job_deliver_cancel (links[0].waiter.job, error);
      return NULL;
    }
  return find_done (futures, n_futures);
}

/**
 * coro_select: (skip)
 * @error: return location for an error
 * @...: futures, and %NULL
 *
 * [func@selectv] for a few futures: `winner = coro_select (error, a, b, NULL)`.
 *
 * Returns: (nullable) (transfer none): the winner; %NULL with @error set
 *
 * Since: 0.1
 */
CoroFuture *
coro_select (GError **error,
             ...)
{
  CoroFuture *futures[32];
  gsize n_futures = 0;
  CoroFuture *future;
  va_list args;

  va_start (args, error);
  while ((future = va_arg (args, CoroFuture *)) != NULL)
    {
      if (n_futures == G_N_ELEMENTS (futures))
        {
          g_critical ("coro_select() takes %u futures at the most; use coro_selectv()", (guint) n_futures);
          break;
        }
      futures[n_futures++] = future;
    }
  va_end (args);

  return coro_selectv (futures, n_futures, error);
}
