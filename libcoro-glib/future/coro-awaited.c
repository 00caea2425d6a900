/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-awaited-private.h"

#include "base/coro-error.h"
#include "future/coro-combination-private.h"
#include "future/coro-task-private.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-waiter-private.h"

/* How many futures an awaited coroutine checks for a circle before it waits.  The limit is for
 * long chains of tasks: without it each task would walk through the rest of the chain. */
#define MAX_STEPS 256
/* How many futures a coroutine of a nursery checks if no coroutine awaits it: the join of the
 * nursery is only a few steps away. */
#define MAX_MEMBER_STEPS 8
/* How many tasks of a circle the error message names. */
#define MAX_NAMED 8

/* Calls `func` for the futures that a parked job waits for, and `job_func` for the jobs. */
void
coro_job_foreach_awaited (CoroJob            *self,
                          CoroAwaitedFunc     func,
                          CoroAwaitedJobFunc  job_func,
                          gpointer            data)
{
  CoroWaiter *waiter = self->state == CORO_JOB_SUSPENDED ? self->waiter : NULL;

  if (waiter == NULL || waiter->klass == NULL)
    return;

  if (waiter->klass->foreach_future != NULL)
    {
      waiter->klass->foreach_future (waiter->object, func, data);
    }
  else if (waiter->klass->get_scope != NULL)
    {
      CoroScope *scope = waiter->klass->get_scope (waiter->object);

      for (CoroJob *member = scope->members; member != NULL; member = member->next_member)
        job_func (member, data);
    }
  else if (waiter->klass->name == NULL && CORO_IS_FUTURE (waiter->object))
    {
      func (waiter->object, data);
    }
}

/* --- circles ------------------------------------------------------------------------ */

/* A future that has to be done before the await can end. */
typedef struct
{
  CoroFuture *future;           /* (unowned) */
  guint before;                 /* index of the step that led to this one */
} CoroCycleStep;

typedef struct
{
  CoroJob *job;                 /* the job that is about to wait */
  GArray *steps;                /* (element-type CoroCycleStep) */
  guint max_steps;
  guint current;                /* index of the step that is being checked */
  gboolean found;               /* the current step waits for the job */
} CoroCycleSearch;

/* The job of a task, in the thread of `search`; NULL for anything else. */
static CoroJob *
search_get_job (CoroCycleSearch *search,
                CoroFuture      *future)
{
  if (coro_future_get_scheduler (future) != coro_job_get_scheduler (search->job) || !CORO_IS_TASK (future))
    return NULL;
  return coro_task_get_job (CORO_TASK (future));
}

static void
search_push_cb (gpointer future,
                gpointer data)
{
  CoroCycleSearch *search = data;
  CoroCycleStep step = { future, search->current };

  if (search->steps->len < search->max_steps && !coro_future_is_done (future))
    g_array_append_val (search->steps, step);
}

static gboolean
scope_contains (CoroScope *self,
                CoroScope *scope)
{
  while (scope != NULL && scope != self)
    scope = scope->parent;
  return scope != NULL;
}

/* Follows the wait of a job that waits for a single thing.  A job in the queue is skipped: its
 * wait may be over. */
static void
search_job (CoroCycleSearch *search,
            CoroJob         *job)
{
  CoroWaiter *waiter = job->state == CORO_JOB_SUSPENDED && !job->queued ? job->waiter : NULL;

  if (job == search->job)
    search->found = TRUE;
  else if (waiter == NULL || waiter->klass == NULL || waiter->woken)
    ;
  else if (waiter->klass->get_scope != NULL)
    search->found = scope_contains (waiter->klass->get_scope (waiter->object), search->job->scope);
  else if (waiter->klass->foreach_future == NULL && waiter->klass->name == NULL && CORO_IS_FUTURE (waiter->object))
    search_push_cb (waiter->object, search);
}

/* A race needs only one of its futures, so a circle through one of them need not block it. */
static gboolean
future_needs_all (CoroFuture *self)
{
  return !CORO_IS_COMBINATION (self) || CORO_COMBINATION_GET_CLASS (self)->needs_all;
}

static void
search_run (CoroCycleSearch *search)
{
  for (search->current = 0; search->current < search->steps->len; search->current++)
    {
      CoroFuture *future = g_array_index (search->steps, CoroCycleStep, search->current).future;
      CoroJob *job = search_get_job (search, future);

      if (job != NULL)
        search_job (search, job);
      else if (!CORO_IS_TASK (future) && future_needs_all (future))
        coro_future_foreach_awaited (future, search_push_cb, search);
      if (search->found)
        return;
    }
}

/* Returns: (transfer full): the error message, with the tasks of the circle in order */
static char *
search_describe (CoroCycleSearch *search)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  GString *text = g_string_new ("A task cannot wait for itself");
  guint index = search->current;

  while (TRUE)
    {
      CoroCycleStep *step = &g_array_index (search->steps, CoroCycleStep, index);

      if (CORO_IS_TASK (step->future))
        g_ptr_array_add (names, (gpointer) coro_task_get_name (CORO_TASK (step->future)));
      if (index == 0)
        break;
      index = step->before;
    }

  for (guint i = names->len; i-- > 0;)
    {
      g_string_append_printf (text, "%s%s", i + 1 == names->len ? ": it would wait for " : ", which waits for ",
                              (char *) names->pdata[i]);
      if (names->len - i == MAX_NAMED && i > 0)
        {
          g_string_append_printf (text, " and %u more", i);
          break;
        }
    }
  if (search_get_job (search, g_array_index (search->steps, CoroCycleStep, search->current).future) != search->job)
    g_string_append (text, ", which waits for it");
  return g_string_free (text, FALSE);
}

/* How many futures to check: 0 for a job that neither a coroutine, a callback nor a join waits
 * for. */
static guint
job_get_max_steps (CoroJob *self)
{
  CoroFuturePrivate *priv = self->task != NULL ? coro_future_private (self->task) : NULL;

  if (priv != NULL && (priv->waiters.head != NULL || priv->callbacks != NULL || g_atomic_pointer_get (&priv->outside) != NULL))
    return MAX_STEPS;
  return ((CoroSupervisor *) self->supervisor)->joined ? MAX_MEMBER_STEPS : 0;
}

/* Whether the running job may wait for `future`.  FALSE with CORO_ERROR_PROTOCOL if `future`
 * waits for the job, directly or through other futures: neither would ever go on, and after a
 * time limit each would wait for the cleanup of the other. */
gboolean
coro_job_check_cycle (CoroJob     *self,
                      CoroFuture  *future,
                      GError     **error)
{
  CoroCycleSearch search = { .job = self, .max_steps = job_get_max_steps (self) };
  CoroCycleStep first = { future, 0 };
  CoroJob *job;
  g_autofree char *message = NULL;

  if (G_UNLIKELY (self->task == future))
    {
      g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, "A task cannot wait for itself");
      return FALSE;
    }

  /* The usual cases: nothing waits for this job, or the task has not begun, or can run. */
  if (search.max_steps == 0)
    return TRUE;
  job = search_get_job (&search, future);
  if (CORO_IS_TASK (future) &&
      (job == NULL || job->state != CORO_JOB_SUSPENDED || job->queued || job->waiter == NULL))
    return TRUE;

  search.steps = g_array_new (FALSE, FALSE, sizeof (CoroCycleStep));
  g_array_append_val (search.steps, first);
  search_run (&search);
  if (search.found)
    message = search_describe (&search);
  g_array_unref (search.steps);
  if (message == NULL)
    return TRUE;

  g_set_error_literal (error, CORO_ERROR, CORO_ERROR_PROTOCOL, message);
  return FALSE;
}
