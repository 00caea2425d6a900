/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "sync/coro-event.h"

#include "scheduler/coro-hold-private.h"
#include "scheduler/coro-waiter-private.h"

/**
 * CoroEvent:
 *
 * Tells any number of coroutines that something has happened.
 *
 * Once triggered it stays so until it is reset, and waiting for it does not
 * suspend. Coroutines that were waiting when it was triggered go on even if it
 * is reset at once.
 *
 * An event belongs to the thread whose coroutines use it.
 *
 * Since: 0.1
 */
struct _CoroEvent
{
  GObject parent_instance;

  CoroHold hold;
  CoroWaiterList waiters;
  gboolean triggered;
};

G_DEFINE_FINAL_TYPE (CoroEvent, coro_event, G_TYPE_OBJECT)

static gboolean
event_abort (gpointer    object,
             CoroWaiter *waiter)
{
  coro_waiter_list_remove (&((CoroEvent *) object)->waiters, waiter);
  return TRUE;
}

static const CoroWaitClass event_wait_class = { event_abort, coro_waiter_undo_nothing, FALSE };

static void
coro_event_dispose (GObject *object)
{
  if (!coro_hold_keeps (&CORO_EVENT (object)->hold, object))
    G_OBJECT_CLASS (coro_event_parent_class)->dispose (object);
}

static void
coro_event_class_init (CoroEventClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = coro_event_dispose;
}

static void
coro_event_init (CoroEvent *self)
{
}

/**
 * coro_event_new:
 *
 * Makes an event that is not triggered.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer full): an event
 *
 * Since: 0.1
 */
CoroEvent *
coro_event_new (void)
{
  return g_object_new (CORO_TYPE_EVENT, NULL);
}

/**
 * coro_event_wait: (skip)
 * @self: an event
 * @error: return location for an error
 *
 * Waits until the event is triggered.
 *
 * Callable from a coroutine, which it suspends unless the event is triggered.
 * Cancellation: see [iface@Awaitable].
 *
 * @error can be set to %G_IO_ERROR_CANCELLED and the misuse errors of
 * [func@await].
 *
 * Returns: %TRUE once it was triggered; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_event_wait (CoroEvent  *self,
                 GError    **error)
{
  CoroWaiter waiter;
  gboolean woken;

  g_return_val_if_fail (CORO_IS_EVENT (self), FALSE);

  if (!coro_waiter_check_ready (error))
    return FALSE;
  if (self->triggered)
    return TRUE;

  if (!coro_waiter_init (&waiter, error))
    return FALSE;
  coro_waiter_list_append_local (&self->waiters, &waiter, "CoroEvent");
  coro_hold_begin (&self->hold);
  woken = coro_waiter_wait (&waiter, &event_wait_class, self, error);
  coro_hold_end (&self->hold, self);
  return woken;
}

/**
 * coro_event_trigger:
 * @self: an event
 *
 * Triggers the event. Waiters go on, in the order of waiting; later, not
 * inside this call.
 *
 * Callable from the event's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_event_trigger (CoroEvent *self)
{
  CoroWaiter *waiter;

  g_return_if_fail (CORO_IS_EVENT (self));

  self->triggered = TRUE;
  while ((waiter = coro_waiter_list_pop_local (&self->waiters, "CoroEvent")) != NULL)
    coro_waiter_wake (waiter);
}

/**
 * coro_event_reset:
 * @self: an event
 *
 * Takes the event back: a coroutine that asks from now on waits.
 *
 * Callable from the event's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_event_reset (CoroEvent *self)
{
  g_return_if_fail (CORO_IS_EVENT (self));

  self->triggered = FALSE;
}

/**
 * coro_event_is_triggered:
 * @self: an event
 *
 * Whether the event is triggered.
 *
 * Callable from the event's thread; never suspends.
 *
 * Returns: %TRUE if it is triggered
 *
 * Since: 0.1
 */
gboolean
coro_event_is_triggered (CoroEvent *self)
{
  g_return_val_if_fail (CORO_IS_EVENT (self), FALSE);

  return self->triggered;
}
