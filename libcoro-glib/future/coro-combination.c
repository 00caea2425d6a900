/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-combination-private.h"

#include "base/coro-drop-private.h"
#include "future/coro-future-callback-private.h"
#include "scheduler/coro-scheduler-private.h"

typedef struct
{
  CoroMembers *members;         /* (owned) */
} CoroCombinationPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CoroCombination, coro_combination, CORO_TYPE_FUTURE)

static int last_pass = 1;       /* (atomic) */

/* --- members ---------------------------------------------------------------------- */

static void
members_unref (gpointer data)
{
  CoroMembers *self = data;

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  for (gsize i = 0; self->dropped != NULL && i < self->n_futures; i++)
    g_weak_ref_clear (&self->dropped[i]);
  g_free (self->dropped);
  g_weak_ref_clear (&self->outer);
  if (self->winner != NULL)
    coro_drop (self->winner, g_object_unref);
  g_clear_pointer (&self->errors, g_ptr_array_unref);
  coro_object_lock_clear (&self->lock);
  g_free (self);
}

static void
futures_free (gpointer data)
{
  CoroFuture **futures = data;

  for (gsize i = 0; futures[i] != NULL; i++)
    g_object_unref (futures[i]);
  g_free (futures);
}

static void
member_done_cb (CoroFuture  *future,
                gpointer     user_data,
                GError     **error)
{
  CoroMembers *self = user_data;
  g_autoptr (CoroCombination) outer = g_weak_ref_get (&self->outer);

  self->klass->member_done (self, future, outer);
  if (g_atomic_int_dec_and_test (&self->n_pending))
    self->klass->all_done (self, outer);
}

/* Removes the callbacks from the pending futures of this thread. */
static void
members_forget (CoroMembers  *self,
                CoroFuture  **futures)
{
  for (gsize i = 0; i < self->n_futures; i++)
    if (!coro_future_is_done (futures[i]) && coro_scheduler_is_mine (coro_future_get_scheduler (futures[i])))
      coro_future_remove_on_done (futures[i], member_done_cb, self);
}

/* The outer future is gone.  The references to the member futures are dropped, because a chain of
 * references could otherwise keep pending futures for ever.  Called once, by the finalizer of the
 * outer. */
static void
members_forget_outer (CoroMembers *self)
{
  CoroFuture **futures;

  coro_object_lock_take (&self->lock);
  futures = g_steal_pointer (&self->futures);
  if (futures != NULL && self->lasts && g_atomic_int_get (&self->n_pending) > 0)
    {
      self->dropped = g_new0 (GWeakRef, self->n_futures);
      for (gsize i = 0; i < self->n_futures; i++)
        g_weak_ref_init (&self->dropped[i], coro_future_is_done (futures[i]) ? NULL : futures[i]);
    }
  coro_object_lock_release (&self->lock);

  if (futures == NULL)
    return;
  if (!self->lasts)
    members_forget (self, futures);
  coro_drop (futures, futures_free);
}

/* Returns: (transfer full) (array zero-terminated=1): the members that still exist */
static CoroFuture **
members_dup_futures (CoroMembers *self)
{
  CoroFuture **futures = g_new0 (CoroFuture *, self->n_futures + 1);
  gsize n = 0;

  coro_object_lock_take (&self->lock);
  for (gsize i = 0; i < self->n_futures; i++)
    {
      if (self->futures != NULL)
        futures[n] = g_object_ref (self->futures[i]);
      else if (self->dropped != NULL)
        futures[n] = g_weak_ref_get (&self->dropped[i]);
      if (futures[n] != NULL)
        n++;
    }
  coro_object_lock_release (&self->lock);
  return futures;
}

/* Cancels all members.  Returns whether a member was not done. */
gboolean
coro_members_cancel (CoroMembers *self)
{
  CoroFuture **futures = members_dup_futures (self);
  gboolean any = FALSE;

  for (gsize i = 0; futures[i] != NULL; i++)
    any |= coro_future_cancel (futures[i]);
  futures_free (futures);
  return any;
}

/* --- cancelling ------------------------------------------------------------------- */

/* A combination on the way down to futures that are no combinations. */
typedef struct
{
  CoroCombination *combination; /* (owned) */
  CoroMembers *members;         /* (unowned): the combination's */
  gsize next;
  gboolean first;               /* it was not cancelled before */
  gboolean any;                 /* a future below was not done */
} CoroCancelLevel;

/* Pushes a combination unless it is done, or this pass has been there: a future may be a member of
 * several combinations.  Then returns what was found below it. */
static gboolean
push_level (GArray          *levels,
            CoroCombination *combination,
            int              pass)
{
  CoroCancelLevel level = { combination, coro_combination_get_members (combination), };

  if (coro_future_is_done (CORO_FUTURE (combination)))
    return FALSE;
  if (g_atomic_int_get (&level.members->cancel_pass) == pass)
    return g_atomic_int_get (&level.members->cancel_any);

  g_object_ref (combination);
  g_atomic_int_set (&level.members->cancel_pass, pass);
  level.first = g_atomic_int_compare_and_exchange (&level.members->cancelling, FALSE, TRUE);
  g_array_append_val (levels, level);
  return FALSE;
}

/* If all futures below are done, and their callbacks are on their way, the cancel is too late. */
static gboolean
pop_level (GArray *levels)
{
  CoroCancelLevel level = g_array_index (levels, CoroCancelLevel, levels->len - 1);

  g_array_set_size (levels, levels->len - 1);
  g_atomic_int_set (&level.members->cancel_any, level.any);
  if (level.first && !level.any)
    g_atomic_int_set (&level.members->cancelling, FALSE);
  if (levels->len > 0)
    g_array_index (levels, CoroCancelLevel, levels->len - 1).any |= level.any;
  coro_drop (level.combination, g_object_unref);
  return level.any;
}

/* Cancels the members; the combination is done when they are.  A loop, no recursion: nested
 * combinations may be deeper than the stack. */
static gboolean
coro_combination_cancel (CoroFuture *future)
{
  g_autoptr (GArray) levels = g_array_new (FALSE, FALSE, sizeof (CoroCancelLevel));
  int pass = g_atomic_int_add (&last_pass, 1);
  gboolean any = FALSE;

  push_level (levels, CORO_COMBINATION (future), pass);
  while (levels->len > 0)
    {
      CoroCancelLevel *level = &g_array_index (levels, CoroCancelLevel, levels->len - 1);
      CoroFuture *member;

      if (level->next == level->members->n_futures)
        {
          any = pop_level (levels);
          continue;
        }

      member = level->members->futures[level->next++];
      if (!CORO_IS_COMBINATION (member))
        level->any |= coro_future_cancel (member);
      else if (push_level (levels, CORO_COMBINATION (member), pass))
        level->any = TRUE;      /* nothing was pushed, so the level has not moved */
    }
  return any;
}

/* --- object ----------------------------------------------------------------------- */

static void
coro_combination_finalize (GObject *object)
{
  CoroCombinationPrivate *priv = coro_combination_get_instance_private (CORO_COMBINATION (object));

  coro_future_acquire (object);
  members_forget_outer (priv->members);
  members_unref (priv->members);

  G_OBJECT_CLASS (coro_combination_parent_class)->finalize (object);
}

static void
coro_combination_class_init (CoroCombinationClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = coro_combination_finalize;
  CORO_FUTURE_CLASS (klass)->cancel = coro_combination_cancel;
  CORO_FUTURE_CLASS (klass)->cancel_anywhere = coro_combination_cancel;
}

static void
coro_combination_init (CoroCombination *self)
{
  CoroCombinationPrivate *priv = coro_combination_get_instance_private (self);

  priv->members = g_new0 (CoroMembers, 1);
  g_atomic_ref_count_init (&priv->members->ref_count);
  g_weak_ref_init (&priv->members->outer, self);
  coro_object_lock_init (&priv->members->lock);
}

CoroMembers *
coro_combination_get_members (CoroCombination *self)
{
  CoroCombinationPrivate *priv = coro_combination_get_instance_private (self);

  return priv->members;
}

/* Called once, before any other code knows the combination. */
void
coro_combination_set_futures (CoroCombination    *self,
                              CoroFuture * const *futures,
                              gsize               n_futures,
                              guint               flags,
                              gboolean            lasts)
{
  CoroMembers *members = coro_combination_get_members (self);

  members->klass = CORO_COMBINATION_GET_CLASS (self);
  members->flags = flags;
  members->lasts = lasts;
  members->n_futures = n_futures;
  members->n_pending = (int) n_futures;
  members->futures = g_new0 (CoroFuture *, n_futures + 1);
  for (gsize i = 0; i < n_futures; i++)
    members->futures[i] = g_object_ref (futures[i]);

  if (n_futures == 0)
    members->klass->all_done (members, self);
  for (gsize i = 0; i < n_futures; i++)
    {
      g_atomic_ref_count_inc (&members->ref_count);
      coro_future_watch (futures[i], member_done_cb, members, members_unref);
    }
}
