/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "sync/coro-barrier.h"

#include "base/coro-error.h"
#include "scheduler/coro-hold-private.h"
#include "scheduler/coro-waiter-private.h"

/**
 * CoroBarrier:
 *
 * Holds coroutines until so many of them have come, and lets them go on
 * together. Then the next round begins.
 *
 * One that is cancelled while it waits leaves the round, which goes on
 * without it.
 *
 * A barrier belongs to the thread whose coroutines use it.
 *
 * Since: 0.1
 */
struct _CoroBarrier
{
  GObject parent_instance;

  CoroHold hold;
  CoroWaiterList waiters;       /* those that have come in this round */
  guint n_waiting;
  guint n_parties;
  gboolean broken;
};

typedef struct
{
  CoroWaiter waiter;            /* first */
  guint index;
  gboolean broken;              /* woken because none is let through any more */
} CoroBarrierWaiter;

G_DEFINE_FINAL_TYPE (CoroBarrier, coro_barrier, G_TYPE_OBJECT)

static gboolean
barrier_abort (gpointer    object,
               CoroWaiter *waiter)
{
  CoroBarrier *self = object;

  coro_waiter_list_remove (&self->waiters, waiter);
  self->n_waiting--;
  return TRUE;
}

/* A coroutine that was let through cannot come back: the others have gone. */
static const CoroWaitClass barrier_wait_class = { barrier_abort, NULL, FALSE };

/* Indices are those of arrival, fixed here: a later cancel cannot make two of them equal. */
static void
barrier_wake_all (CoroBarrier *self,
                  gboolean     broken)
{
  CoroWaiter *waiter;
  guint index = 0;

  self->n_waiting = 0;
  while ((waiter = coro_waiter_list_pop_local (&self->waiters, "CoroBarrier")) != NULL)
    {
      ((CoroBarrierWaiter *) waiter)->index = index++;
      ((CoroBarrierWaiter *) waiter)->broken = broken;
      coro_waiter_wake (waiter);
    }
}

static gboolean
set_broken_error (GError **error)
{
  g_set_error_literal (error, CORO_ERROR, CORO_ERROR_CLOSED, "The barrier is broken");
  return FALSE;
}

static void
coro_barrier_dispose (GObject *object)
{
  if (!coro_hold_keeps (&CORO_BARRIER (object)->hold, object))
    G_OBJECT_CLASS (coro_barrier_parent_class)->dispose (object);
}

static void
coro_barrier_class_init (CoroBarrierClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = coro_barrier_dispose;
}

static void
coro_barrier_init (CoroBarrier *self)
{
}

/**
 * coro_barrier_new:
 * @n_parties: how many coroutines go on together, at least 1
 *
 * Makes a barrier.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a barrier
 *
 * Since: 0.1
 */
CoroBarrier *
coro_barrier_new (guint n_parties)
{
  CoroBarrier *self;

  g_return_val_if_fail (n_parties > 0, NULL);

  self = g_object_new (CORO_TYPE_BARRIER, NULL);
  self->n_parties = n_parties;
  return self;
}

/**
 * coro_barrier_wait: (skip)
 * @self: a barrier
 * @index: (out) (optional): which of its round the coroutine is, from 0
 * @error: return location for an error
 *
 * Waits until the round is complete. The coroutine that completes it does not wait.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable].
 *
 * @error can be set to %G_IO_ERROR_CANCELLED, to [error@Coro.Error.CLOSED] if
 * the barrier is broken, and to the misuse errors of [func@await].
 *
 * Returns: %TRUE once the round is complete; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_barrier_wait (CoroBarrier  *self,
                   guint        *index,
                   GError      **error)
{
  CoroBarrierWaiter waiter = { .broken = FALSE };
  gboolean woken;

  g_return_val_if_fail (CORO_IS_BARRIER (self), FALSE);

  if (!coro_waiter_check_ready (error))
    return FALSE;
  if (self->broken)
    return set_broken_error (error);

  if (self->n_waiting + 1 == self->n_parties)
    {
      if (index != NULL)
        *index = self->n_waiting;
      barrier_wake_all (self, FALSE);
      return TRUE;
    }

  if (!coro_waiter_init (&waiter.waiter, error))
    return FALSE;

  self->n_waiting++;
  coro_waiter_list_append_local (&self->waiters, &waiter.waiter, "CoroBarrier");
  coro_hold_begin (&self->hold);
  woken = coro_waiter_wait (&waiter.waiter, &barrier_wait_class, self, error);
  coro_hold_end (&self->hold, self);
  if (!woken)
    return FALSE;
  if (waiter.broken)
    return set_broken_error (error);
  if (index != NULL)
    *index = waiter.index;
  return TRUE;
}

/**
 * coro_barrier_reset:
 * @self: a barrier
 *
 * Begins a new round. Those that wait fail with [error@Coro.Error.CLOSED]; a
 * broken barrier works again.
 *
 * Callable from the barrier's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_barrier_reset (CoroBarrier *self)
{
  g_return_if_fail (CORO_IS_BARRIER (self));

  barrier_wake_all (self, TRUE);
  self->broken = FALSE;
}

/**
 * coro_barrier_abort:
 * @self: a barrier
 *
 * Breaks the barrier. Those that wait, and those that come later, fail with
 * [error@Coro.Error.CLOSED].
 *
 * Callable from the barrier's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_barrier_abort (CoroBarrier *self)
{
  g_return_if_fail (CORO_IS_BARRIER (self));

  self->broken = TRUE;
  barrier_wake_all (self, TRUE);
}

/**
 * coro_barrier_get_n_waiting:
 * @self: a barrier
 *
 * Counts the coroutines that have come in this round.
 *
 * Callable from the barrier's thread; never suspends.
 *
 * Returns: how many there are
 *
 * Since: 0.1
 */
guint
coro_barrier_get_n_waiting (CoroBarrier *self)
{
  g_return_val_if_fail (CORO_IS_BARRIER (self), 0);

  return self->n_waiting;
}

/**
 * coro_barrier_is_broken:
 * @self: a barrier
 *
 * Whether the barrier was broken.
 *
 * Callable from the barrier's thread; never suspends.
 *
 * Returns: %TRUE if it lets no coroutine through
 *
 * Since: 0.1
 */
gboolean
coro_barrier_is_broken (CoroBarrier *self)
{
  g_return_val_if_fail (CORO_IS_BARRIER (self), FALSE);

  return self->broken;
}
