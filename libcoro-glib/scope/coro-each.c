/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scope/coro-each.h"

#include "scheduler/coro-job-private.h"
#include "scope/coro-group-error.h"
#include "scope/coro-nursery.h"

typedef struct
{
  CoroEachFunc func;
  gpointer user_data;
} CoroEach;

typedef struct
{
  const CoroEach *each;
  gpointer element;
} CoroEachArgs;

static gboolean
element_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  CoroEachArgs *args = user_data;

  return args->each->func (args->element, args->each->user_data, error);
}

/* One that fails alone is the failure itself: the caller has asked for a loop, not for a
 * group. */
static gboolean
run_all (const CoroEach  *each,
         gpointer         elements,
         gsize            n_elements,
         gsize            element_size,
         guint            limit,
         GError         **error)
{
  g_autofree CoroEachArgs *args = g_new (CoroEachArgs, n_elements);
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);

  coro_task_group_limit (nursery.group, limit);
  for (gsize i = 0; i < n_elements; i++)
    {
      args[i] = (CoroEachArgs) { each, (char *) elements + i * element_size };
      coro_task_group_spawn (nursery.group, element_cb, &args[i], NULL);
    }
  return coro_nursery_join (&nursery);
}

/**
 * coro_each: (skip)
 * @elements: an array of structs
 * @n_elements: how many
 * @element_size: the size of one, in bytes
 * @limit: how many may run at once; 0: all
 * @func: (scope call): what to run for each
 * @user_data: what to pass to it
 * @error: return location for an error
 *
 * Runs @func for every element, several at a time.
 *
 * They start in order. Every element carries its own inputs and outputs, so
 * that nothing is boxed, copied or freed. The first failure cancels the rest;
 * when the function returns all have ended. %CORO_EACH takes a whole array.
 *
 * Callable from a coroutine, which it suspends. Cancellation cancels all that
 * run and still waits for them.
 *
 * @error is set to the failure, to a [error@Coro.GroupError] if there were
 * several, or to %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE if all succeeded; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_each (gpointer       elements,
           gsize          n_elements,
           gsize          element_size,
           guint          limit,
           CoroEachFunc   func,
           gpointer       user_data,
           GError       **error)
{
  CoroEach each = { func, user_data };
  g_autoptr (GError) local_error = NULL;

  g_return_val_if_fail (func != NULL, FALSE);
  g_return_val_if_fail (element_size > 0, FALSE);

  if (coro_job_require (error) == NULL)
    return FALSE;
  if (n_elements == 0)
    return TRUE;
  if (run_all (&each, elements, n_elements, element_size, limit, &local_error))
    return TRUE;

  if (local_error->domain == CORO_GROUP_ERROR && coro_group_error_get_size (local_error) == 1)
    g_propagate_error (error, g_error_copy (coro_group_error_get_nth (local_error, 0)));
  else
    g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}
