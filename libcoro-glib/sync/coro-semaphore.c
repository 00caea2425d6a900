/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "sync/coro-semaphore.h"

#include "base/coro-error.h"
#include "scheduler/coro-hold-private.h"
#include "scheduler/coro-waiter-private.h"

/**
 * CoroSemaphore:
 *
 * Lets so many coroutines through at a time.
 *
 * First come, first served: a release hands its permit to the coroutine that
 * waits longest. A coroutine that comes later never overtakes it, even if there
 * is another permit before the first coroutine has run.
 *
 * A semaphore belongs to the thread whose coroutines use it.
 *
 * Since: 0.1
 */
struct _CoroSemaphore
{
  GObject parent_instance;

  CoroHold hold;
  CoroWaiterList waiters;       /* empty while value > 0 and n_handed == 0 */
  guint value;                  /* permits that no coroutine has or was handed */
  guint n_handed;               /* woken waiters that were handed a permit and have not run yet */
  guint bound;                  /* the highest value */
};

G_DEFINE_FINAL_TYPE (CoroSemaphore, coro_semaphore, G_TYPE_OBJECT)

static void
semaphore_give (CoroSemaphore *self)
{
  CoroWaiter *waiter = coro_waiter_list_pop_local (&self->waiters, "CoroSemaphore");

  if (waiter == NULL)
    {
      self->value++;
      return;
    }

  self->n_handed++;
  coro_waiter_wake (waiter);
}

/* A waiter that was handed a permit runs.  After the last such waiter, free permits go to the
 * waiters that came meanwhile. */
static void
semaphore_arrive (CoroSemaphore *self)
{
  if (--self->n_handed > 0)
    return;

  while (self->value > 0 && self->waiters.head != NULL)
    {
      self->value--;
      semaphore_give (self);
    }
}

static gboolean
semaphore_abort (gpointer    object,
                 CoroWaiter *waiter)
{
  coro_waiter_list_remove (&((CoroSemaphore *) object)->waiters, waiter);
  return TRUE;
}

static gboolean
semaphore_undo (gpointer    object,
                CoroWaiter *waiter)
{
  semaphore_give (object);
  semaphore_arrive (object);
  return TRUE;
}

static const CoroWaitClass semaphore_wait_class = { semaphore_abort, semaphore_undo, FALSE };

static void
coro_semaphore_dispose (GObject *object)
{
  if (!coro_hold_keeps (&CORO_SEMAPHORE (object)->hold, object))
    G_OBJECT_CLASS (coro_semaphore_parent_class)->dispose (object);
}

static void
coro_semaphore_class_init (CoroSemaphoreClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = coro_semaphore_dispose;
}

static void
coro_semaphore_init (CoroSemaphore *self)
{
}

/**
 * coro_semaphore_new:
 * @value: how many permits there are
 *
 * Makes a semaphore. Releasing more than was acquired makes more permits.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a semaphore
 *
 * Since: 0.1
 */
CoroSemaphore *
coro_semaphore_new (guint value)
{
  CoroSemaphore *self = g_object_new (CORO_TYPE_SEMAPHORE, NULL);

  self->value = value;
  self->bound = G_MAXUINT;
  return self;
}

/**
 * coro_semaphore_new_bounded:
 * @value: how many permits there are
 *
 * Makes a semaphore that cannot get more permits than it began with.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): a semaphore
 *
 * Since: 0.1
 */
CoroSemaphore *
coro_semaphore_new_bounded (guint value)
{
  CoroSemaphore *self = coro_semaphore_new (value);

  self->bound = value;
  return self;
}

/**
 * coro_semaphore_acquire: (skip)
 * @self: a semaphore
 * @error: return location for an error
 *
 * Takes a permit, as soon as there is one.
 *
 * Callable from a coroutine, which it suspends while there is none.
 * Cancellation: see [iface@Awaitable]; cancelled, no permit was taken.
 *
 * @error can be set to %G_IO_ERROR_CANCELLED and the misuse errors of
 * [func@await].
 *
 * Returns: %TRUE with a permit; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_semaphore_acquire (CoroSemaphore  *self,
                        GError        **error)
{
  CoroWaiter waiter;
  gboolean acquired;

  g_return_val_if_fail (CORO_IS_SEMAPHORE (self), FALSE);

  if (!coro_waiter_check_ready (error))
    return FALSE;

  if (self->value > 0 && self->n_handed == 0)
    {
      self->value--;
      return TRUE;
    }

  if (!coro_waiter_init (&waiter, error))
    return FALSE;
  coro_waiter_list_append_local (&self->waiters, &waiter, "CoroSemaphore");
  coro_hold_begin (&self->hold);
  acquired = coro_waiter_wait (&waiter, &semaphore_wait_class, self, error);
  if (acquired)
    semaphore_arrive (self);
  coro_hold_end (&self->hold, self);
  return acquired;
}

/**
 * coro_semaphore_release:
 * @self: a semaphore
 * @error: (nullable): return location for an error
 *
 * Gives a permit back, or to the coroutine that waits longest.
 *
 * Callable from the semaphore's thread; never suspends.
 *
 * @error is set to [error@Coro.Error.PROTOCOL] if a bounded semaphore has all
 * its permits.
 *
 * Returns: %TRUE; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_semaphore_release (CoroSemaphore  *self,
                        GError        **error)
{
  g_return_val_if_fail (CORO_IS_SEMAPHORE (self), FALSE);

  if (self->value >= self->bound)
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "The semaphore was released too many times");
      return FALSE;
    }

  semaphore_give (self);
  return TRUE;
}

/**
 * coro_semaphore_get_value:
 * @self: a semaphore
 *
 * Counts the permits that are to be had at once.
 *
 * Callable from the semaphore's thread; never suspends.
 *
 * Returns: how many there are
 *
 * Since: 0.1
 */
guint
coro_semaphore_get_value (CoroSemaphore *self)
{
  g_return_val_if_fail (CORO_IS_SEMAPHORE (self), 0);

  return self->n_handed == 0 ? self->value : 0;
}
