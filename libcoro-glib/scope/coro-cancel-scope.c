/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-cancel-scope-private.h"

#include "base/coro-error.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"

/* What a guard remembers when it is closed. */
enum
{
  WAS_CANCELLED = 1 << 0,
  WAS_EXPIRED = 1 << 1,
  WAS_DELIVERED = 1 << 2,
  WAS_CAUGHT = 1 << 3
};

/* The scope of one guard.  A message from another thread may still be on its way when
 * the guard is closed. */
typedef struct
{
  CoroScope scope;              /* first */
  gatomicrefcount ref_count;
} CoroScopeNode;

static void
node_unref (CoroScopeNode *self)
{
  if (g_atomic_ref_count_dec (&self->ref_count))
    g_free (self);
}

gint64
coro_cancel_scope_time (GTimeSpan duration)
{
  return coro_scheduler_current != NULL ? coro_scheduler_deadline (coro_scheduler_current, duration) : G_MAXINT64;
}

/* Opens a guard in the running coroutine; `what` is its name if the caller gives none. */
CoroCancelScope
coro_cancel_scope_enter_at (gint64       deadline,
                            gboolean     shield,
                            const char  *what,
                            GError     **error)
{
  CoroJob *job = coro_job_get_running ();
  CoroScopeNode *node;

  if (job == NULL)
    {
      g_critical ("A %s needs a coroutine to be in", what);
      return (CoroCancelScope) { NULL, error, 0 };
    }

  node = g_new (CoroScopeNode, 1);
  g_atomic_ref_count_init (&node->ref_count);
  coro_scope_init (&node->scope, coro_scheduler_current, job->scope);
  coro_scope_enter (&node->scope, job, shield);
  coro_scope_set_deadline (&node->scope, deadline);
  return (CoroCancelScope) { node, error, 0 };
}

/**
 * coro_cancel_scope_enter: (skip)
 * @duration: a time in µs after which it is cancelled; %G_MAXINT64: no limit
 * @error: (nullable): the location that what is in the block reports to
 *
 * Opens a guard: what the coroutine waits for until the guard is closed can be
 * cancelled by itself, and so can everything that it spawns into nurseries.
 *
 * ```c
 * g_auto (CoroCancelScope) scope = coro_cancel_scope_enter (SECOND, error);
 *
 * icon = load_icon (self, error);
 * if (coro_cancel_scope_catch (&scope))
 *   icon = get_fallback_icon (self);   // it took more than a second
 * ```
 *
 * When the guard is cancelled, by [method@CancelScope.cancel] or because its
 * time is up, whatever the coroutine waits for fails with
 * %G_IO_ERROR_CANCELLED, and so does every later wait inside the guard.
 * [method@CancelScope.catch] ends that, on the way that goes on. On every other
 * way out the guard is closed as it is, and the %G_IO_ERROR_CANCELLED stays:
 * a function that returns early never fails without saying why.
 *
 * A cancellation from outside is not caught, also when both come together. A
 * wait that was over before the time was up keeps its result.
 *
 * [func@Timeout.enter] turns the error into %G_IO_ERROR_TIMED_OUT instead.
 *
 * Callable from a coroutine; never suspends. Guards nest and are closed in
 * the reverse order of opening.
 *
 * Semantics: Trio's `CancelScope` and `move_on_after()`.
 *
 * Returns: the guard, for a `g_auto (CoroCancelScope)`
 *
 * Since: 0.1
 */
CoroCancelScope
coro_cancel_scope_enter (GTimeSpan   duration,
                         GError    **error)
{
  return coro_cancel_scope_enter_at (coro_cancel_scope_time (duration), FALSE, "cancel scope", error);
}

typedef struct
{
  CoroMessage message;          /* first */
  CoroScopeNode *node;          /* (owned) */
  char *reason;                 /* (nullable) (owned) */
} CoroScopeCancel;

static void
scope_cancel_cb (CoroMessage *message)
{
  CoroScopeCancel *cancel = (CoroScopeCancel *) message;

  if (cancel->node->scope.host != NULL)
    coro_scope_cancel_for (&cancel->node->scope, cancel->reason);
  node_unref (cancel->node);
  g_free (cancel->reason);
  g_free (cancel);
}

/**
 * coro_cancel_scope_cancel: (skip)
 * @self: a guard
 * @reason: (nullable): why, for the message of the error
 *
 * Cancels what the block waits for, and all that it will wait for.
 *
 * Doing it twice is doing it once. Afterwards the guard stays cancelled: there
 * is no way back. When the guard is closed already nothing happens.
 *
 * Callable from any thread; never suspends, and runs no code of others. The
 * guard is on a stack, so the caller knows that its block has not been left:
 * a job of [func@run_in_thread] that the block waits for does, for example.
 *
 * Since: 0.1
 */
void
coro_cancel_scope_cancel (CoroCancelScope *self,
                          const char      *reason)
{
  CoroScopeNode *node;
  CoroScopeCancel *cancel;

  g_return_if_fail (self != NULL);

  node = self->scope;
  if (node == NULL)
    return;

  if (coro_scheduler_is_mine (node->scope.scheduler))
    {
      coro_scope_cancel_for (&node->scope, reason);
      return;
    }

  cancel = g_new0 (CoroScopeCancel, 1);
  cancel->message.handle = scope_cancel_cb;
  cancel->node = node;
  cancel->reason = g_strdup (reason);
  g_atomic_ref_count_inc (&node->ref_count);
  coro_scheduler_post (node->scope.scheduler, &cancel->message);
}

/**
 * coro_cancel_scope_get_deadline: (skip)
 * @self: a guard
 *
 * Gets when the time of the guard is up. Those around it may have less: see
 * [func@get_effective_deadline].
 *
 * Callable from the thread of the coroutine that opened it; never suspends.
 *
 * Returns: a time in µs, of [method@Scheduler.get_time]; %G_MAXINT64: never,
 *   or the guard is closed
 *
 * Since: 0.1
 */
gint64
coro_cancel_scope_get_deadline (const CoroCancelScope *self)
{
  const CoroScope *scope;

  g_return_val_if_fail (self != NULL, G_MAXINT64);

  scope = self->scope;
  return scope != NULL ? scope->timer.deadline : G_MAXINT64;
}

/**
 * coro_cancel_scope_set_deadline: (skip)
 * @self: an open guard
 * @monotonic_time: a time in µs, of [method@Scheduler.get_time];
 *   %G_MAXINT64: never
 *
 * Gives the guard another deadline, earlier or later. A deadline in the past
 * cancels at once. If the old deadline has passed already, this does nothing.
 *
 * Callable from the thread of the coroutine that opened it; never suspends.
 *
 * Returns: %FALSE if it came too late: the time was up
 *
 * Since: 0.1
 */
gboolean
coro_cancel_scope_set_deadline (CoroCancelScope *self,
                                gint64           monotonic_time)
{
  CoroScope *scope;

  g_return_val_if_fail (self != NULL && self->scope != NULL, FALSE);

  scope = self->scope;
  if (scope->expired)
    return FALSE;

  coro_scope_set_deadline (scope, monotonic_time);
  return TRUE;
}

/**
 * coro_cancel_scope_set_timeout: (skip)
 * @self: an open guard
 * @duration: a time in µs from now; %G_MAXINT64: no limit
 *
 * [method@CancelScope.set_deadline] with a time from now.
 *
 * Callable from the thread of the coroutine that opened it; never suspends.
 *
 * Returns: %FALSE if it came too late: the time was up
 *
 * Since: 0.1
 */
gboolean
coro_cancel_scope_set_timeout (CoroCancelScope *self,
                               GTimeSpan        duration)
{
  CoroScope *scope;

  g_return_val_if_fail (self != NULL && self->scope != NULL, FALSE);

  scope = self->scope;
  return coro_cancel_scope_set_deadline (self, coro_scheduler_deadline (scope->scheduler, duration));
}

/**
 * coro_cancel_scope_get_shield: (skip)
 * @self: a guard
 *
 * Whether cancellations from outside are held back.
 *
 * Callable from the thread of the coroutine that opened it; never suspends.
 *
 * Returns: %TRUE inside a shield
 *
 * Since: 0.1
 */
gboolean
coro_cancel_scope_get_shield (const CoroCancelScope *self)
{
  const CoroScope *scope;

  g_return_val_if_fail (self != NULL, FALSE);

  scope = self->scope;
  return scope != NULL && scope->shield;
}

/**
 * coro_cancel_scope_set_shield: (skip)
 * @self: an open guard
 * @shield: whether cancellations from outside are held back
 *
 * Puts a shield up around the block, or takes it down.
 *
 * While it is up, neither guards around this one nor [method@Task.cancel]
 * reach the block; [method@CancelScope.cancel] of this one does, and so does
 * its own deadline. A cancellation that was held back is delivered when the
 * shield is taken down.
 *
 * Callable from the thread of the coroutine that opened it; never suspends.
 *
 * Since: 0.1
 */
void
coro_cancel_scope_set_shield (CoroCancelScope *self,
                              gboolean         shield)
{
  g_return_if_fail (self != NULL && self->scope != NULL);

  coro_scope_set_shield (self->scope, shield);
}

static guint
get_outcome (const CoroCancelScope *self)
{
  const CoroScope *scope = self->scope;

  if (scope == NULL)
    return self->outcome;

  coro_scheduler_catch_up (scope->scheduler);
  return (scope->cancelled ? WAS_CANCELLED : 0) | (scope->expired ? WAS_EXPIRED : 0) |
         (scope->delivered ? WAS_DELIVERED : 0);
}

/**
 * coro_cancel_scope_is_cancelled: (skip)
 * @self: a guard, open or closed
 *
 * Whether the guard was cancelled, by a call or by its time. What comes from
 * outside does not count.
 *
 * Callable from the thread of the coroutine that opened it; never suspends.
 *
 * Returns: %TRUE if it was
 *
 * Since: 0.1
 */
gboolean
coro_cancel_scope_is_cancelled (const CoroCancelScope *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return (get_outcome (self) & (WAS_CANCELLED | WAS_EXPIRED)) != 0;
}

/**
 * coro_cancel_scope_is_expired: (skip)
 * @self: a guard, open or closed
 *
 * Whether the time of the guard was up before it was closed.
 *
 * Callable from the thread of the coroutine that opened it; never suspends.
 *
 * Returns: %TRUE if it was
 *
 * Since: 0.1
 */
gboolean
coro_cancel_scope_is_expired (const CoroCancelScope *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return (get_outcome (self) & WAS_EXPIRED) != 0;
}

/**
 * coro_cancel_scope_was_caught: (skip)
 * @self: a guard, open or closed
 *
 * Whether [method@CancelScope.catch] has ended a cancellation that came from this
 * guard.
 *
 * Callable from the thread of the coroutine that opened it; never suspends.
 *
 * Returns: %TRUE if it has
 *
 * Since: 0.1
 */
gboolean
coro_cancel_scope_was_caught (const CoroCancelScope *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return (self->outcome & WAS_CAUGHT) != 0;
}

/**
 * coro_cancel_scope_exit: (skip)
 * @self: a guard
 *
 * Closes the guard and leaves the error what it is; `g_auto` does it. Closing
 * it twice is closing it once.
 *
 * Callable from the coroutine that opened it; never suspends.
 *
 * Since: 0.1
 */
void
coro_cancel_scope_exit (CoroCancelScope *self)
{
  CoroScope *scope = self->scope;
  gboolean ended;

  if (scope == NULL)
    return;

  coro_scheduler_catch_up (scope->scheduler);   /* a cancel may be on its way */
  ended = scope->host == NULL;
  if (coro_scope_check_exit (scope))
    coro_scope_exit (scope);
  else if (!ended || scope->children != NULL)
    return;

  self->outcome = get_outcome (self);
  self->scope = NULL;
  coro_scope_clear (scope);
  node_unref ((CoroScopeNode *) scope);
}

/**
 * coro_cancel_scope_catch: (skip)
 * @self: a guard
 *
 * Closes the guard, and ends a cancellation of its own making: if its error
 * location holds that %G_IO_ERROR_CANCELLED, it is cleared. Any other error,
 * and a cancellation from outside, stay what they are.
 *
 * For a location that is %NULL it counts how the last wait of the coroutine
 * that failed with %G_IO_ERROR_CANCELLED came to do so.
 *
 * Callable from the coroutine that opened it; never suspends.
 *
 * Returns: %TRUE if it was this guard that stopped the block
 *
 * Since: 0.1
 */
gboolean
coro_cancel_scope_catch (CoroCancelScope *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (self->scope == NULL)
    return FALSE;

  coro_cancel_scope_exit (self);
  if (self->scope != NULL || (self->outcome & WAS_DELIVERED) == 0)
    return FALSE;
  if (self->error != NULL && !coro_error_is_cancelled (*self->error))
    return FALSE;

  if (self->error != NULL)
    g_clear_error (self->error);
  self->outcome |= WAS_CAUGHT;
  return TRUE;
}

/**
 * coro_get_effective_deadline: (skip)
 *
 * Gets when the running coroutine has to be done: the earliest deadline of the
 * guards around it that no shield holds back.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: a time in µs, of [method@Scheduler.get_time]; %G_MAXINT64: never;
 *   %G_MININT64: it is cancelled
 *
 * Since: 0.1
 */
gint64
coro_get_effective_deadline (void)
{
  CoroJob *job = coro_job_get_running ();
  gint64 deadline = G_MAXINT64;

  if (job == NULL)
    return G_MAXINT64;
  if (coro_job_is_cancelled (job))
    return G_MININT64;

  for (CoroScope *scope = job->scope; scope != NULL; scope = scope->shield ? NULL : scope->parent)
    deadline = MIN (deadline, scope->timer.deadline);
  return deadline;
}
