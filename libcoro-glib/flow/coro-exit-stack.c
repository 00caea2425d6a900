/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "flow/coro-exit-stack.h"

#include "base/coro-error.h"
#include "scheduler/coro-job-private.h"
#include "scope/coro-group-error-private.h"
#include "scope/coro-shield.h"

/* µs for each function, when the coroutine was cancelled. */
#define DEFER_GRACE (5 * G_TIME_SPAN_SECOND)

typedef struct
{
  CoroContextManager *manager;  /* (nullable) (owned): else a function */
  CoroDeferFunc func;
  gpointer user_data;
} CoroExitStackEntry;

/* What has gone wrong so far. */
typedef struct
{
  GError *body;                 /* (nullable) (owned) */
  GPtrArray *failures;          /* (nullable) (owned) (element-type GError): of the cleanup */
} CoroUnwinding;

static void
unwinding_forget (CoroUnwinding *self)
{
  g_clear_error (&self->body);
  g_clear_pointer (&self->failures, g_ptr_array_unref);
}

static void
unwinding_add (CoroUnwinding *self,
               GError        *failure)
{
  /* A cleanup that ran out of time in a cancelled coroutine: cancelled is what it is. */
  if (coro_error_is_cancelled (failure) && coro_error_is_cancelled (self->body))
    {
      g_error_free (failure);
      return;
    }

  if (self->failures == NULL)
    self->failures = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  g_ptr_array_add (self->failures, failure);
}

/* All as one error, which a single one is by itself. */
static GError *
unwinding_dup_error (const CoroUnwinding *self)
{
  GPtrArray *errors;

  if (self->failures == NULL)
    return self->body != NULL ? g_error_copy (self->body) : NULL;
  if (self->body == NULL && self->failures->len == 1)
    return g_error_copy (self->failures->pdata[0]);

  errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  if (self->body != NULL)
    g_ptr_array_add (errors, g_error_copy (self->body));
  for (guint i = 0; i < self->failures->len; i++)
    g_ptr_array_add (errors, g_error_copy (self->failures->pdata[i]));
  return coro_group_error_new (errors);
}

static gboolean
entry_run (const CoroExitStackEntry  *entry,
           const GError              *body_error,
           gboolean                  *suppress,
           GError                   **error)
{
  g_auto (CoroShield) shield = { NULL };

  if (entry->manager != NULL)
    return coro_context_manager_exit (entry->manager, body_error, suppress, error);

  if (coro_job_get_running () != NULL)
    shield = coro_shield_enter (DEFER_GRACE);
  return entry->func (entry->user_data, error);
}

/* Undoes the last entry, and notes how that went. */
static void
stack_pop (GArray        *entries,
           CoroUnwinding *unwinding,
           gboolean       may_suppress)
{
  CoroExitStackEntry entry = g_array_index (entries, CoroExitStackEntry, entries->len - 1);
  g_autoptr (GError) body_error = entry.manager != NULL ? unwinding_dup_error (unwinding) : NULL;
  gboolean suppress = FALSE;
  GError *failure = NULL;
  gboolean ok;

  g_array_set_size (entries, entries->len - 1);
  ok = entry_run (&entry, body_error, &suppress, &failure);
  if (!ok && failure == NULL)
    g_set_error_literal (&failure, CORO_ERROR, CORO_ERROR_NO_RESULT, "The cleanup failed and did not say why");

  if (suppress && may_suppress && failure == NULL)
    unwinding_forget (unwinding);
  if (failure != NULL)
    unwinding_add (unwinding, failure);
  g_clear_object (&entry.manager);
}

/* Undoes everything.  Returns what has gone wrong. */
static GError *
stack_unwind (CoroExitStack *self,
              GError        *body_error,
              gboolean       may_suppress)
{
  g_autoptr (GArray) entries = g_steal_pointer (&self->entries);
  CoroUnwinding unwinding = { body_error, NULL };
  GError *error;

  while (entries->len > 0)
    stack_pop (entries, &unwinding, may_suppress);

  error = unwinding_dup_error (&unwinding);
  unwinding_forget (&unwinding);
  return error;
}

/**
 * coro_exit_stack_enter: (skip)
 * @error: (nullable): the caller's own error location
 *
 * Opens a guard: what is deferred from now on is run when the block is left,
 * the last one first.
 *
 * ```c
 * g_auto (CoroExitStack) stack = coro_exit_stack_enter (error);
 *
 * if (!session_open (session, error))
 *   return FALSE;
 * coro_exit_stack_defer (&stack, session_close_cb, session);
 * if (!session_work (session, error))
 *   return FALSE;
 * return coro_exit_stack_close (&stack);
 * ```
 *
 * All are run, also if one fails, and each may wait although the coroutine was
 * cancelled, for some seconds. On the good path end with
 * `return coro_exit_stack_close (&stack)`. A block that is left otherwise
 * keeps its outcome: what the cleanup fails with joins an error that is set
 * in @error already and is logged otherwise, and no manager takes an error
 * away.
 *
 * Callable from a coroutine; never suspends.
 *
 * Semantics: Python's `AsyncExitStack`.
 *
 * Returns: the guard, for a `g_auto (CoroExitStack)`
 *
 * Since: 0.1
 */
CoroExitStack
coro_exit_stack_enter (GError **error)
{
  return (CoroExitStack) { g_array_new (FALSE, FALSE, sizeof (CoroExitStackEntry)), error };
}

/**
 * coro_exit_stack_defer: (skip)
 * @self: an open guard
 * @func: (scope forever): a function
 * @user_data: what to pass to it
 *
 * Runs @func when the block is left.
 *
 * Callable from the coroutine that opened the guard; never suspends.
 *
 * Since: 0.1
 */
void
coro_exit_stack_defer (CoroExitStack *self,
                       CoroDeferFunc  func,
                       gpointer       user_data)
{
  CoroExitStackEntry entry = { NULL, func, user_data };

  g_return_if_fail (self->entries != NULL);
  g_return_if_fail (func != NULL);

  g_array_append_val (self->entries, entry);
}

/**
 * coro_exit_stack_push: (skip)
 * @self: an open guard
 * @manager: (type Coro.ContextManager): what to enter
 * @value: (out caller-allocates) (optional): an empty value, %G_VALUE_INIT, for
 *   what the manager gives; stays empty if it gives nothing
 *
 * Enters @manager until the block is left.
 *
 * Callable from the coroutine that opened the guard, which it may suspend.
 * Cancellation: see [iface@Awaitable].
 *
 * Returns: %TRUE if it was entered; %FALSE with the guard's error set
 *
 * Since: 0.1
 */
gboolean
coro_exit_stack_push (CoroExitStack *self,
                      gpointer       manager,
                      GValue        *value)
{
  CoroExitStackEntry entry = { manager, NULL, NULL };

  g_return_val_if_fail (self->entries != NULL, FALSE);
  g_return_val_if_fail (CORO_IS_CONTEXT_MANAGER (manager), FALSE);

  if (!coro_context_manager_enter (manager, value, self->error))
    return FALSE;

  g_object_ref (entry.manager);
  g_array_append_val (self->entries, entry);
  return TRUE;
}

/**
 * coro_exit_stack_close: (skip)
 * @self: an open guard
 *
 * Closes the guard, and says how all has ended.
 *
 * An error that is set in the guard's location is what the managers are told,
 * and it is cleared if one of them takes it away. What the cleanup fails with
 * is added: several errors are a [error@Coro.GroupError].
 *
 * Callable from the coroutine that opened it, which it may suspend.
 *
 * Returns: %TRUE if there is no error; %FALSE with the guard's error set
 *
 * Since: 0.1
 */
gboolean
coro_exit_stack_close (CoroExitStack *self)
{
  GError *error;

  g_return_val_if_fail (self->entries != NULL, FALSE);

  error = stack_unwind (self, self->error != NULL ? g_steal_pointer (self->error) : NULL, TRUE);
  if (error == NULL)
    return TRUE;

  g_propagate_error (self->error, error);
  return FALSE;
}

/**
 * coro_exit_stack_exit: (skip)
 * @self: a guard
 *
 * Closes the guard; `g_auto` does it. Closing it twice is closing it once.
 *
 * Callable from the coroutine that opened it, which it may suspend.
 *
 * Since: 0.1
 */
void
coro_exit_stack_exit (CoroExitStack *self)
{
  g_autoptr (GError) error = NULL;

  if (self->entries == NULL)
    return;

  if (self->error != NULL && *self->error != NULL)
    {
      *self->error = stack_unwind (self, g_steal_pointer (self->error), FALSE);
      return;
    }

  error = stack_unwind (self, NULL, FALSE);
  if (error != NULL)
    g_warning ("Cleaning up failed: %s", error->message);
}
