/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-call-graph.h"

#include "debug/coro-backtrace-private.h"
#include "debug/coro-debug-job-private.h"
#include "future/coro-awaited-private.h"
#include "future/coro-future-private.h"
#include "future/coro-task-private.h"
#include "scheduler/coro-scheduler-private.h"

/* Looks for the coroutines that wait for one coroutine, directly or by way of other futures. */
typedef struct
{
  GString *text;
  CoroJob *target;
  GHashTable *visited;          /* (element-type CoroFuture) */
  GPtrArray *pending;           /* (element-type CoroFuture): visited, but not yet the futures they wait for */
  gboolean found;
} CoroTaskWaiting;

static void
find_job_cb (CoroJob  *job,
             gpointer  data)
{
  CoroTaskWaiting *self = data;

  self->found |= job == self->target;
}

static void
find_future_cb (gpointer future,
                gpointer data)
{
  CoroTaskWaiting *self = data;

  if (CORO_IS_TASK (future) && coro_task_get_job (future) != NULL)
    find_job_cb (coro_task_get_job (future), self);
  else if (g_hash_table_add (self->visited, future))
    g_ptr_array_add (self->pending, future);
}

static void
append_waiting_cb (CoroJob  *job,
                   gpointer  data)
{
  CoroTaskWaiting *self = data;

  self->found = FALSE;
  g_hash_table_remove_all (self->visited);
  coro_job_foreach_awaited (job, find_future_cb, find_job_cb, self);
  while (self->pending->len > 0)
    coro_future_foreach_awaited (g_ptr_array_steal_index_fast (self->pending, self->pending->len - 1), find_future_cb, self);
  if (!self->found)
    return;

  g_string_append (self->text, "awaited by ");
  coro_debug_append_job_name (self->text, job);
  g_string_append_c (self->text, '\n');
}

/**
 * coro_task_format_stack:
 * @self: a task
 * @max_frames: how many functions at the most
 *
 * Describes the C stack of a coroutine that is parked, and its waiters.
 *
 * Callable from the task's thread; never suspends.
 *
 * Returns: (transfer full): lines of text
 *
 * Since: 0.1
 */
char *
coro_task_format_stack (CoroTask *self,
                        guint     max_frames)
{
  CoroJob *job;
  CoroTaskWaiting waiting;
  GString *text;

  g_return_val_if_fail (CORO_IS_TASK (self), NULL);

  text = g_string_new (NULL);
  job = coro_task_get_job (self);
  if (job == NULL || !coro_scheduler_is_mine (coro_job_get_scheduler (job)))
    {
      g_string_append_printf (text, "CoroTask '%s' %s\n", coro_task_get_name (self),
                              coro_future_is_done (CORO_FUTURE (self)) ? "ended" : "created");
      return g_string_free (text, FALSE);
    }

  coro_debug_append_job_name (text, job);
  g_string_append_printf (text, " %s", coro_debug_get_state_name (job));
  coro_debug_append_awaited (text, job);
  g_string_append_c (text, '\n');
  coro_debug_append_stack (text, job, max_frames, "  | ");

  waiting = (CoroTaskWaiting) { text, job, g_hash_table_new (NULL, NULL), g_ptr_array_new (), FALSE };
  coro_scheduler_foreach_job (coro_job_get_scheduler (job), append_waiting_cb, &waiting);
  g_ptr_array_unref (waiting.pending);
  g_hash_table_unref (waiting.visited);
  return g_string_free (text, FALSE);
}

/**
 * coro_task_print_stack:
 * @self: a task
 *
 * Prints [method@Task.format_stack] to stderr.
 *
 * Callable from the task's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_task_print_stack (CoroTask *self)
{
  g_autofree char *text = NULL;

  g_return_if_fail (CORO_IS_TASK (self));

  text = coro_task_format_stack (self, CORO_BACKTRACE_MAX_FRAMES);
  g_printerr ("%s", text);
}
