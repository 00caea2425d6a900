/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "sync/coro-lock-private.h"

#include "base/coro-error.h"
#include "scheduler/coro-hold-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"

/**
 * CoroLock:
 *
 * Lets one coroutine at a time through.
 *
 * It is needed where a coroutine waits in the middle of something that others
 * must not see half done; between two waits no other coroutine runs anyway. First
 * come, first served: a release hands the lock to the coroutine that has waited
 * longest. The lock knows its owner: only the coroutine that acquired it can
 * release it, and acquiring it again is an error and not a deadlock.
 *
 * A lock belongs to the thread whose coroutines use it.
 *
 * Since: 0.1
 */
struct _CoroLock
{
  GObject parent_instance;

  CoroHold hold;
  CoroJob *owner;               /* (nullable) (unowned) */
  CoroWaiterList waiters;
};

G_DEFINE_FINAL_TYPE (CoroLock, coro_lock, G_TYPE_OBJECT)

static void
lock_set_owner (CoroLock *self,
                CoroJob  *owner)
{
  CoroScheduler *scheduler = coro_job_get_scheduler (owner != NULL ? owner : self->owner);
  CoroObserver *observer = scheduler->observer;

  if (G_UNLIKELY (observer != NULL))
    {
      if (self->owner != NULL)
        observer->lock_held (observer, self->owner, -1);
      if (owner != NULL)
        observer->lock_held (observer, owner, 1);
    }
  self->owner = owner;
}

/* Hands the lock over, so that it is owned before the new owner runs and no later
 * coroutine gets in first. */
static void
lock_pass_on (CoroLock *self)
{
  CoroWaiter *waiter = coro_waiter_list_pop_local (&self->waiters, "CoroLock");

  lock_set_owner (self, waiter != NULL ? waiter->job : NULL);
  if (waiter != NULL)
    coro_waiter_wake (waiter);
}

static gboolean
lock_abort (gpointer    object,
            CoroWaiter *waiter)
{
  coro_waiter_list_remove (&((CoroLock *) object)->waiters, waiter);
  return TRUE;
}

static gboolean
lock_undo (gpointer    object,
           CoroWaiter *waiter)
{
  lock_pass_on (object);
  return TRUE;
}

static const CoroWaitClass lock_wait_class = { lock_abort, lock_undo, FALSE };

static gboolean
lock_refuse_abort (gpointer    object,
                   CoroWaiter *waiter)
{
  return FALSE;                 /* it waits on */
}

static const CoroWaitClass lock_uncancellable_wait_class = { lock_refuse_abort, NULL, FALSE };

static void
coro_lock_finalize (GObject *object)
{
  CoroLock *self = CORO_LOCK (object);

  if (self->owner != NULL)
    g_critical ("A CoroLock was dropped while it was held");

  G_OBJECT_CLASS (coro_lock_parent_class)->finalize (object);
}

static void
coro_lock_dispose (GObject *object)
{
  if (!coro_hold_keeps (&CORO_LOCK (object)->hold, object))
    G_OBJECT_CLASS (coro_lock_parent_class)->dispose (object);
}

static void
coro_lock_class_init (CoroLockClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = coro_lock_dispose;
  G_OBJECT_CLASS (klass)->finalize = coro_lock_finalize;
}

static void
coro_lock_init (CoroLock *self)
{
}

/* Whether the running coroutine holds it. */
gboolean
coro_lock_is_mine (CoroLock *self)
{
  return self->owner != NULL && self->owner == coro_job_get_running ();
}

/* Gives the lock up until the coroutine takes it back; it lasts until then. */
void
coro_lock_lend (CoroLock *self)
{
  coro_hold_begin (&self->hold);
  coro_lock_release (self);
}

/* After coro_lock_lend().  A cancel does not end the wait. */
void
coro_lock_take_back (CoroLock *self)
{
  CoroJob *job = coro_job_get_running ();
  CoroWaiter waiter;

  if (self->owner == NULL)
    {
      lock_set_owner (self, job);
      coro_hold_end (&self->hold, self);
      return;
    }

  if (!coro_waiter_init_uncancellable (&waiter, NULL))
    g_assert_not_reached ();    /* the caller has just waited here */

  coro_waiter_list_append (&self->waiters, &waiter);
  coro_waiter_wait (&waiter, &lock_uncancellable_wait_class, self, NULL);
  coro_hold_end (&self->hold, self);
}

/**
 * coro_lock_new:
 *
 * Makes a lock that is not held.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a lock
 *
 * Since: 0.1
 */
CoroLock *
coro_lock_new (void)
{
  return g_object_new (CORO_TYPE_LOCK, NULL);
}

/**
 * coro_lock_acquire: (skip)
 * @self: a lock
 * @error: return location for an error
 *
 * Acquires the lock, as soon as it is free. [func@locker_enter] releases it
 * by itself.
 *
 * Callable from a coroutine, which it suspends while another holds the lock.
 * Cancellation: see [iface@Awaitable]; cancelled, the lock is not held.
 *
 * @error can be set to %G_IO_ERROR_CANCELLED, to [error@Coro.Error.PROTOCOL]
 * if the coroutine holds it already, and to the misuse errors of
 * [func@await].
 *
 * Returns: %TRUE if the coroutine holds it now; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_lock_acquire (CoroLock  *self,
                   GError   **error)
{
  CoroJob *job = coro_job_require (error);
  CoroWaiter waiter;
  gboolean acquired;

  g_return_val_if_fail (CORO_IS_LOCK (self), FALSE);

  if (job == NULL || !coro_waiter_check_ready (error))
    return FALSE;

  if (self->owner == NULL)
    {
      lock_set_owner (self, job);
      return TRUE;
    }

  if (self->owner == job)
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "The coroutine holds this lock already");
      return FALSE;
    }

  if (!coro_waiter_init (&waiter, error))
    return FALSE;
  coro_waiter_check_thread (self->owner, "CoroLock");
  coro_waiter_list_append (&self->waiters, &waiter);
  coro_hold_begin (&self->hold);
  acquired = coro_waiter_wait (&waiter, &lock_wait_class, self, error);
  coro_hold_end (&self->hold, self);
  return acquired;
}

/**
 * coro_lock_release:
 * @self: a lock that the coroutine holds
 *
 * Hands the lock to the next in line.
 *
 * Callable from the coroutine that acquired it; never suspends.
 *
 * Since: 0.1
 */
void
coro_lock_release (CoroLock *self)
{
  g_return_if_fail (CORO_IS_LOCK (self));
  g_return_if_fail (coro_lock_is_mine (self));

  lock_pass_on (self);
}

/**
 * coro_lock_is_locked:
 * @self: a lock
 *
 * Whether a coroutine holds it.
 *
 * Callable from the lock's thread; never suspends.
 *
 * Returns: %TRUE if it is held
 *
 * Since: 0.1
 */
gboolean
coro_lock_is_locked (CoroLock *self)
{
  g_return_val_if_fail (CORO_IS_LOCK (self), FALSE);

  return self->owner != NULL;
}

/**
 * coro_locker_enter: (skip)
 * @lock: a lock
 * @error: return location for an error
 *
 * Opens a guard: acquires @lock until the guard is closed.
 *
 * ```c
 * g_auto (CoroLocker) locker = coro_locker_enter (self->lock, error);
 *
 * if (!coro_locker_ok (&locker))
 *   return FALSE;
 * ```
 *
 * Callable from a coroutine, which it suspends while another holds the lock.
 * Cancellation: see [iface@Awaitable].
 *
 * @error can be set to those of [method@Lock.acquire].
 *
 * Returns: the guard, for a `g_auto (CoroLocker)`
 *
 * Since: 0.1
 */
CoroLocker
coro_locker_enter (CoroLock  *lock,
                   GError   **error)
{
  CoroLocker self = { g_object_ref (lock) };

  if (!coro_lock_acquire (lock, error))
    {
      self.lock = NULL;
      coro_call_on_thread_stack (g_object_unref, lock);
    }
  return self;
}

/**
 * coro_locker_ok: (skip)
 * @self: a guard
 *
 * Whether it has acquired its lock.
 *
 * Callable from the coroutine that opened it; never suspends.
 *
 * Returns: %TRUE if the lock is held
 *
 * Since: 0.1
 */
gboolean
coro_locker_ok (const CoroLocker *self)
{
  return self->lock != NULL;
}

/**
 * coro_locker_exit: (skip)
 * @self: a guard
 *
 * Closes the guard; `g_auto` does it. Closing it twice is closing it once.
 *
 * Callable from the coroutine that opened it; never suspends.
 *
 * Since: 0.1
 */
void
coro_locker_exit (CoroLocker *self)
{
  g_autoptr (CoroLock) lock = g_steal_pointer (&self->lock);

  if (lock != NULL)
    coro_lock_release (lock);
}
