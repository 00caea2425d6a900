/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "sync/coro-condition.h"

#include "base/coro-error.h"
#include "scheduler/coro-hold-private.h"
#include "scheduler/coro-waiter-private.h"
#include "sync/coro-lock-private.h"

/**
 * CoroCondition:
 *
 * Lets coroutines that hold a lock wait until another has changed something.
 *
 * ```c
 * while (!self->ready)
 *   if (!coro_condition_wait (self->condition, self->lock, error))
 *     return FALSE;            // the lock is held here as well
 * ```
 *
 * A condition belongs to the thread whose coroutines use it.
 *
 * Since: 0.1
 */
struct _CoroCondition
{
  GObject parent_instance;

  CoroHold hold;
  CoroWaiterList waiters;
};

G_DEFINE_FINAL_TYPE (CoroCondition, coro_condition, G_TYPE_OBJECT)

static gboolean
condition_abort (gpointer    object,
                 CoroWaiter *waiter)
{
  coro_waiter_list_remove (&((CoroCondition *) object)->waiters, waiter);
  return TRUE;
}

/* A notification is not lost with a waiter that is cancelled before it could act on it. */
static gboolean
condition_undo (gpointer    object,
                CoroWaiter *waiter)
{
  coro_condition_wake (object, 1);
  return TRUE;
}

static const CoroWaitClass condition_wait_class = { condition_abort, condition_undo, FALSE };

static void
coro_condition_dispose (GObject *object)
{
  if (!coro_hold_keeps (&CORO_CONDITION (object)->hold, object))
    G_OBJECT_CLASS (coro_condition_parent_class)->dispose (object);
}

static void
coro_condition_class_init (CoroConditionClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = coro_condition_dispose;
}

static void
coro_condition_init (CoroCondition *self)
{
}

/**
 * coro_condition_new:
 *
 * Makes a condition.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a condition
 *
 * Since: 0.1
 */
CoroCondition *
coro_condition_new (void)
{
  return g_object_new (CORO_TYPE_CONDITION, NULL);
}

/**
 * coro_condition_wait: (skip)
 * @self: a condition
 * @lock: a lock that the coroutine holds
 * @error: return location for an error
 *
 * Releases @lock, waits to be woken, and acquires @lock again, which it holds
 * on return in every case.
 *
 * Callable from a coroutine, which it suspends. Cancellation: see
 * [iface@Awaitable]; a cancelled coroutine still waits for @lock, and a
 * wake-up that it was given goes to the next.
 *
 * @error can be set to %G_IO_ERROR_CANCELLED, to [error@Coro.Error.PROTOCOL]
 * if the coroutine does not hold @lock, and to the misuse errors of
 * [func@await].
 *
 * Returns: %TRUE once woken; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_condition_wait (CoroCondition  *self,
                     CoroLock       *lock,
                     GError        **error)
{
  CoroWaiter waiter;
  gboolean woken;

  g_return_val_if_fail (CORO_IS_CONDITION (self), FALSE);
  g_return_val_if_fail (CORO_IS_LOCK (lock), FALSE);

  if (!coro_lock_is_mine (lock))
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "The coroutine does not hold the lock");
      return FALSE;
    }

  if (!coro_waiter_init (&waiter, error))
    return FALSE;

  coro_waiter_list_append_local (&self->waiters, &waiter, "CoroCondition");
  coro_hold_begin (&self->hold);
  coro_lock_lend (lock);
  woken = coro_waiter_wait (&waiter, &condition_wait_class, self, error);
  coro_hold_end (&self->hold, self);
  coro_lock_take_back (lock);
  return woken;
}

/**
 * coro_condition_wake:
 * @self: a condition
 * @n_waiters: how many to wake at the most
 *
 * Wakes those coroutines that have waited longest.
 *
 * Callable from the condition's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_condition_wake (CoroCondition *self,
                     guint          n_waiters)
{
  CoroWaiter *waiter;

  g_return_if_fail (CORO_IS_CONDITION (self));

  while (n_waiters-- > 0 && (waiter = coro_waiter_list_pop_local (&self->waiters, "CoroCondition")) != NULL)
    coro_waiter_wake (waiter);
}

/**
 * coro_condition_wake_all:
 * @self: a condition
 *
 * Wakes all waiters.
 *
 * Callable from the condition's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_condition_wake_all (CoroCondition *self)
{
  coro_condition_wake (self, G_MAXUINT);
}
