/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-race.h"

#include "future/coro-combination-private.h"
#include "scope/coro-group-error-private.h"

#define CORO_TYPE_RACE (coro_race_get_type ())
G_DECLARE_FINAL_TYPE (CoroRace, coro_race, CORO, RACE, CoroCombination)

struct _CoroRace
{
  CoroCombination parent_instance;
};

G_DEFINE_FINAL_TYPE (CoroRace, coro_race, CORO_TYPE_COMBINATION)

static void
members_add_failure (CoroMembers  *members,
                     const GError *error)
{
  coro_object_lock_take (&members->lock);
  if (members->errors == NULL)
    members->errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_ptr_array_add (members->errors, g_error_copy (error));
  coro_object_lock_release (&members->lock);
}

/* Returns whether `winner` is the first. */
static gboolean
members_take_winner (CoroMembers *members,
                     CoroFuture  *winner)
{
  gboolean first;

  coro_object_lock_take (&members->lock);
  first = members->winner == NULL;
  if (first)
    members->winner = g_object_ref (winner);
  coro_object_lock_release (&members->lock);
  return first;
}

static void
race_member_done (CoroMembers     *members,
                  CoroFuture      *member,
                  CoroCombination *outer)
{
  const GError *failure = coro_future_get_error (member);

  if (failure == NULL && members_take_winner (members, member))
    coro_members_cancel (members);
  else if (coro_future_get_state (member) == CORO_FUTURE_REJECTED)
    members_add_failure (members, failure);
}

/* No member runs any more. */
static void
race_all_done (CoroMembers     *members,
               CoroCombination *outer)
{
  GValue value = G_VALUE_INIT;

  if (outer == NULL)
    return;

  if (members->winner != NULL)
    {
      coro_future_get_result (members->winner, &value, NULL);
      coro_future_set_origin (CORO_FUTURE (outer), members->winner);
      coro_future_take_result (CORO_FUTURE (outer), &value);
    }
  else if (g_atomic_int_get (&members->cancelling) || members->errors == NULL)
    {
      coro_future_set_cancelled (CORO_FUTURE (outer),
                                 g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The race was cancelled"));
    }
  else
    {
      coro_future_reject (CORO_FUTURE (outer), coro_group_error_new (g_steal_pointer (&members->errors)));
    }
}

static void
coro_race_class_init (CoroRaceClass *klass)
{
  CORO_COMBINATION_CLASS (klass)->member_done = race_member_done;
  CORO_COMBINATION_CLASS (klass)->all_done = race_all_done;
}

static void
coro_race_init (CoroRace *self)
{
}

/**
 * coro_race:
 * @futures: (array length=n_futures): futures of one main context
 * @n_futures: how many, at least one
 *
 * Makes a future for the first of several that succeeds.
 *
 * The others are cancelled, and the race is done when they have stopped:
 * nothing is left running. If all fail, it fails with all their errors as one
 * [error@Coro.GroupError].
 *
 * Cancelling the future cancels all of @futures.
 *
 * Callable from the thread of the context; never suspends. Takes no
 * ownership: the futures are referenced.
 *
 * Returns: (transfer full): a future
 *
 * Since: 0.1
 */
CoroFuture *
coro_race (CoroFuture * const *futures,
           gsize               n_futures)
{
  CoroCombination *self;

  g_return_val_if_fail (n_futures > 0, NULL);

  self = g_object_new (CORO_TYPE_RACE, NULL);
  coro_combination_set_futures (self, futures, n_futures, 0, TRUE);
  return CORO_FUTURE (self);
}
