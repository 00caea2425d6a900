/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-race.h"

#include "future/coro-future-private.h"
#include "scope/coro-group-error-private.h"

#define CORO_TYPE_RACE (coro_race_get_type ())
G_DECLARE_FINAL_TYPE (CoroRace, coro_race, CORO, RACE, CoroFuture)

/* Everything but `cancelling` belongs to the thread of its context, which the racers share. */
struct _CoroRace
{
  CoroFuture parent_instance;

  GPtrArray *futures;           /* (owned) (element-type CoroFuture) */
  guint n_pending;
  CoroFuture *winner;           /* (nullable) (owned) */
  GPtrArray *errors;            /* (owned) (element-type GError) */
  int cancelling;               /* (atomic) */
};

G_DEFINE_FINAL_TYPE (CoroRace, coro_race, CORO_TYPE_FUTURE)

static gboolean
race_cancel_all (CoroRace *self)
{
  gboolean any = FALSE;

  for (guint i = 0; i < self->futures->len; i++)
    any |= coro_future_cancel (self->futures->pdata[i]);
  return any;
}

/* Nobody runs any more. */
static void
race_finish (CoroRace *self)
{
  GValue value = G_VALUE_INIT;

  if (self->winner != NULL)
    {
      coro_future_get_result (self->winner, &value, NULL);
      coro_future_take_result (CORO_FUTURE (self), &value);
    }
  else if (g_atomic_int_get (&self->cancelling) || self->errors->len == 0)
    {
      coro_future_set_cancelled (CORO_FUTURE (self),
                                 g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The race was cancelled"));
    }
  else
    {
      coro_future_reject (CORO_FUTURE (self), coro_group_error_new (g_steal_pointer (&self->errors)));
    }
}

static void
race_done_cb (CoroFuture  *future,
              gpointer     user_data,
              GError     **error)
{
  CoroRace *self = user_data;
  const GError *failure = coro_future_get_error (future);

  if (failure == NULL && self->winner == NULL)
    {
      self->winner = g_object_ref (future);
      race_cancel_all (self);
    }
  else if (coro_future_get_state (future) == CORO_FUTURE_REJECTED)
    {
      g_ptr_array_add (self->errors, g_error_copy (failure));
    }

  if (--self->n_pending == 0)
    race_finish (self);
}

static gboolean
coro_race_cancel (CoroFuture *future)
{
  CoroRace *self = CORO_RACE (future);
  gboolean first;

  if (coro_future_is_done (future))
    return FALSE;

  first = g_atomic_int_compare_and_exchange (&self->cancelling, FALSE, TRUE);
  if (race_cancel_all (self))
    return TRUE;

  if (first)
    g_atomic_int_set (&self->cancelling, FALSE);
  return FALSE;                 /* all are done, and about to say so */
}

static void
coro_race_finalize (GObject *object)
{
  CoroRace *self = CORO_RACE (object);

  g_ptr_array_unref (self->futures);
  g_clear_pointer (&self->errors, g_ptr_array_unref);
  g_clear_object (&self->winner);

  G_OBJECT_CLASS (coro_race_parent_class)->finalize (object);
}

static void
coro_race_class_init (CoroRaceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = coro_race_finalize;
  CORO_FUTURE_CLASS (klass)->cancel = coro_race_cancel;
  CORO_FUTURE_CLASS (klass)->cancel_anywhere = coro_race_cancel;
}

static void
coro_race_init (CoroRace *self)
{
  self->futures = g_ptr_array_new_with_free_func (g_object_unref);
  self->errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
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
  CoroRace *self;

  g_return_val_if_fail (n_futures > 0, NULL);

  self = g_object_new (CORO_TYPE_RACE, NULL);
  self->n_pending = (guint) n_futures;
  for (gsize i = 0; i < n_futures; i++)
    g_ptr_array_add (self->futures, g_object_ref (futures[i]));
  for (gsize i = 0; i < n_futures; i++)
    coro_future_on_done (futures[i], race_done_cb, g_object_ref (self), g_object_unref);

  return CORO_FUTURE (self);
}
