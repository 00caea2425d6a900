/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-awaited-private.h"

#include "fiber/coro-error.h"
#include "future/coro-combination-private.h"
#include "future/coro-task-private.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-waiter-private.h"

/* How many steps a coroutine that is awaited looks ahead for itself.  A limit, because a chain
 * of tasks may be long and each of them awaited: they would all walk through the rest of it. */
#define MAX_STEPS 256
/* One that is not, but in a nursery: what waits for the members is near. */
#define MAX_MEMBER_STEPS 8
/* How many of those in a circle are named. */
#define MAX_NAMED 8

/* Calls `func` for the futures that a parked job waits for, and `job_func` for the jobs. */
void
coro_job_visit_awaited (CoroJob            *self,
                        CoroAwaitedFunc     func,
                        CoroAwaitedJobFunc  job_func,
                        gpointer            data)
{
  CoroWaiter *waiter = self->state == CORO_JOB_SUSPENDED ? self->waiter : NULL;

  if (waiter == NULL || waiter->klass == NULL)
    return;

  if (waiter->klass->visit != NULL)
    {
      waiter->klass->visit (waiter->object, func, data);
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

/* A future that has to be done before the await can be. */
typedef struct
{
  CoroFuture *future;           /* (unowned) */
  guint before;                 /* which of the steps led to it */
} CoroCycleStep;

typedef struct
{
  CoroJob *job;                 /* that is about to wait */
  GArray *steps;                /* (element-type CoroCycleStep) */
  guint max_steps;
  guint current;                /* which step is looked at */
  gboolean found;               /* that one waits for the job */
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

/* What a job that waits for one thing waits for.  One that has a turn may go on without. */
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
  else if (waiter->klass->visit == NULL && waiter->klass->name == NULL && CORO_IS_FUTURE (waiter->object))
    search_push_cb (waiter->object, search);
}

/* A race needs only one of its futures, and perhaps another one. */
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
        coro_future_visit_awaited (future, search_push_cb, search);
      if (search->found)
        return;
    }
}

/* (transfer full): the tasks on the way, the first one first. */
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

/* How far to look: nothing waits for one that no other has a handle of. */
static guint
job_get_max_steps (CoroJob *self)
{
  CoroFuturePrivate *priv = self->task != NULL ? coro_future_private (self->task) : NULL;

  if (priv != NULL && (priv->waiters.head != NULL || priv->callbacks != NULL))
    return MAX_STEPS;
  return ((CoroSupervisor *) self->supervisor)->joined ? MAX_MEMBER_STEPS : 0;
}

/* Whether the running job may wait for `future`.  FALSE with CORO_ERROR_PROTOCOL when that
 * waits for the job itself, directly or by way of others: neither would ever go on, and a time
 * limit would have each of them wait for the other to clean up. */
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

  /* The usual cases: nothing waits for us, or the task has not begun, or runs. */
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
