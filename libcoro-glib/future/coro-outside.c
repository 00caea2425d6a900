/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-outside-private.h"

#include "base/coro-fork-private.h"
#include "future/coro-task-private.h"
#include "scheduler/coro-scheduler-private.h"

CORO_FORK_LOCK (outside_lock, CORO_FORK_LAST)

/* The last wait for a future has gone that came from outside. */
typedef struct
{
  CoroMessage message;          /* first */
  CoroFuture *future;           /* (owned) */
} CoroOutsideLeave;

/* With the lock held. */
static void
list_append (CoroFuturePrivate *priv,
             CoroOutside       *self)
{
  CoroOutside *head = g_atomic_pointer_get (&priv->outside);

  self->next = NULL;
  if (head == NULL)
    {
      self->previous = self;
      g_atomic_pointer_set (&priv->outside, self);
      return;
    }
  self->previous = head->previous;
  self->previous->next = self;
  head->previous = self;
}

/* The same. */
static void
list_remove (CoroFuturePrivate *priv,
             CoroOutside       *self)
{
  CoroOutside *head = g_atomic_pointer_get (&priv->outside);

  if (self == head)
    g_atomic_pointer_set (&priv->outside, self->next);
  else
    self->previous->next = self->next;
  if (self->next != NULL)
    self->next->previous = self->previous;
  else if (self != head)
    head->previous = self->previous;
}

/* Begins to wait.  FALSE: the future is done, and nothing will be told.
 *
 * The state is looked at after the wait is in the list; what completes the future looks at the
 * list after it has set the state.  So one of them sees the other. */
gboolean
coro_outside_add (CoroOutside *self,
                  CoroFuture  *future)
{
  CoroFuturePrivate *priv = coro_future_private (future);
  gboolean done;

  g_mutex_lock (&outside_lock);
  list_append (priv, self);
  done = coro_future_state_is_done (g_atomic_int_get (&priv->state));
  self->told = done;
  if (done)
    list_remove (priv, self);
  g_mutex_unlock (&outside_lock);
  return !done;
}

/* Takes the one in `slot` (nullable) out of the list, for a while at least; its waiter does not
 * forget the slot before it is told.  NULL: it was told, or will be at once. */
CoroOutside *
coro_outside_take (CoroOutside **slot,
                   CoroFuture   *future)
{
  CoroOutside *self;

  g_mutex_lock (&outside_lock);
  self = *slot;
  if (self != NULL && self->told)
    self = NULL;
  if (self != NULL)
    list_remove (coro_future_private (future), self);
  g_mutex_unlock (&outside_lock);
  return self;
}

/* The one in `slot` goes away. */
void
coro_outside_forget (CoroOutside **slot)
{
  g_mutex_lock (&outside_lock);
  *slot = NULL;
  g_mutex_unlock (&outside_lock);
}

/* Stops waiting.  FALSE: it was told, or will be at once, and has to last until then. */
gboolean
coro_outside_remove (CoroOutside *self,
                     CoroFuture  *future)
{
  return coro_outside_take (&self, future) != NULL;
}

/* Tells all, the first come first.  The future is done. */
void
coro_future_tell_outside (CoroFuturePrivate *priv)
{
  CoroOutside *outside;

  g_mutex_lock (&outside_lock);
  outside = g_atomic_pointer_get (&priv->outside);
  g_atomic_pointer_set (&priv->outside, NULL);
  for (CoroOutside *told = outside; told != NULL; told = told->next)
    told->told = TRUE;
  g_mutex_unlock (&outside_lock);

  while (outside != NULL)
    {
      CoroOutside *next = outside->next;

      outside->tell (outside);
      outside = next;
    }
}

/* --- cancelling ------------------------------------------------------------------- */

/* Whether the task of `self` was asked to stop by the end of its scheduler.  Then a waiter of the
 * task must not ask it again while it cleans up. */
static gboolean
future_is_told (CoroFuture *self)
{
  CoroScheduler *scheduler = coro_future_private (self)->scheduler;
  CoroJob *job;

  if (G_LIKELY (!scheduler->ending) || !CORO_IS_TASK (self))
    return FALSE;

  job = coro_task_get_job (CORO_TASK (self));
  return job != NULL && job->n_cancelling > 0;
}

/* Cancels the future along with a waiter that has left it, unless others wait for it.  Runs in the
 * future's thread.  Returns whether the waiter has to wait for the outcome, because a task may have
 * to clean up.  A future that refuses the cancel is done, or as good as done: a gather whose members
 * are all done. */
gboolean
coro_outside_take_along (CoroFuture *future)
{
  if (coro_future_is_wanted (future, NULL, NULL))
    return FALSE;
  return (future_is_told (future) || coro_future_cancel (future)) && !coro_future_is_done (future);
}

/* Whether a wait that is cancelled waits for the future's thread, which decides whether the
 * future goes along: something may have to be cleaned up.  Else coro_outside_leave() will do. */
gboolean
coro_outside_needs_answer (CoroFuture *future)
{
  return CORO_FUTURE_GET_CLASS (future)->cancel != coro_future_real_cancel;
}

/* Those that have come since do not count: they wait for what is about to be cancelled. */
static void
leave_cb (CoroMessage *message)
{
  CoroOutsideLeave *self = (CoroOutsideLeave *) message;

  if (!coro_future_is_done (self->future) && !coro_future_is_wanted_inside (self->future, NULL, NULL))
    coro_future_cancel (self->future);
  g_object_unref (self->future);
  g_free (self);
}

/* Stops waiting and has the future taken along soon, in its own thread, unless others want it.
 * FALSE as coro_outside_remove(). */
gboolean
coro_outside_leave (CoroOutside *self,
                    CoroFuture  *future)
{
  CoroFuturePrivate *priv = coro_future_private (future);
  CoroOutsideLeave *leave;
  gboolean removed, is_last;

  g_mutex_lock (&outside_lock);
  removed = !self->told;
  if (removed)
    list_remove (priv, self);
  is_last = g_atomic_pointer_get (&priv->outside) == NULL;
  g_mutex_unlock (&outside_lock);
  if (!removed || !is_last)
    return removed;

  leave = g_new0 (CoroOutsideLeave, 1);
  leave->message.handle = leave_cb;
  leave->future = g_object_ref (future);
  coro_scheduler_post (priv->scheduler, &leave->message);
  return TRUE;
}
