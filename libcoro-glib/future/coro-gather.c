/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-gather.h"

#include "future/coro-combination-private.h"

#define CORO_TYPE_GATHER (coro_gather_get_type ())
G_DECLARE_FINAL_TYPE (CoroGather, coro_gather, CORO, GATHER, CoroCombination)

/* The first of the members' errors is kept until all members are done. */
struct _CoroGather
{
  CoroCombination parent_instance;
};

G_DEFINE_FINAL_TYPE (CoroGather, coro_gather, CORO_TYPE_COMBINATION)

static gboolean
members_take_failure (CoroMembers  *members,
                      const GError *error)
{
  gboolean first;

  coro_object_lock_take (&members->lock);
  first = members->errors == NULL;
  if (first)
    {
      members->errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
      g_ptr_array_add (members->errors, g_error_copy (error));
    }
  coro_object_lock_release (&members->lock);
  return first;
}

/* The first failure is the outcome.  A cancelled member has failed, but does not make the gather
 * cancelled. */
static void
gather_member_done (CoroMembers     *members,
                    CoroFuture      *member,
                    CoroCombination *outer)
{
  const GError *error = coro_future_get_error (member);

  if (error == NULL || (members->flags & CORO_GATHER_RETURN_ERRORS) != 0 ||
      g_atomic_int_get (&members->cancelling) || (outer != NULL && coro_future_is_done (CORO_FUTURE (outer))))
    return;

  if ((members->flags & CORO_GATHER_CANCEL_ON_ERROR) != 0)
    {
      if (members_take_failure (members, error))
        {
          if (outer != NULL)
            coro_future_set_origin (CORO_FUTURE (outer), member);
          coro_members_cancel (members);
        }
    }
  else if (outer != NULL)
    {
      /* The gather fails at once; the other members go on, and their outcomes are dropped. */
      if (coro_future_set_origin (CORO_FUTURE (outer), member))
        coro_future_reject (CORO_FUTURE (outer), g_error_copy (error));
    }
}

static void
gather_resolve (CoroMembers *members,
                CoroFuture  *outer)
{
  g_autoptr (GListStore) futures = g_list_store_new (CORO_TYPE_FUTURE);

  g_list_store_splice (futures, 0, 0, (gpointer *) members->futures, (guint) members->n_futures);
  coro_future_resolve_object (outer, futures);
}

static void
gather_all_done (CoroMembers     *members,
                 CoroCombination *outer)
{
  if (outer == NULL || coro_future_is_done (CORO_FUTURE (outer)))
    return;

  if (members->errors != NULL)
    coro_future_reject (CORO_FUTURE (outer), g_error_copy (members->errors->pdata[0]));
  else if (g_atomic_int_get (&members->cancelling))
    coro_future_set_cancelled (CORO_FUTURE (outer),
                               g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The gathering was cancelled"));
  else
    gather_resolve (members, CORO_FUTURE (outer));
}

static void
coro_gather_class_init (CoroGatherClass *klass)
{
  CORO_COMBINATION_CLASS (klass)->member_done = gather_member_done;
  CORO_COMBINATION_CLASS (klass)->all_done = gather_all_done;
  CORO_COMBINATION_CLASS (klass)->needs_all = TRUE;
}

static void
coro_gather_init (CoroGather *self)
{
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
  CoroCombination *self = g_object_new (CORO_TYPE_GATHER, NULL);

  coro_combination_set_futures (self, futures, n_futures, flags, (flags & CORO_GATHER_CANCEL_ON_ERROR) != 0);
  return CORO_FUTURE (self);
}
