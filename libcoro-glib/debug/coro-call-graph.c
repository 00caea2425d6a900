/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "debug/coro-call-graph.h"

#include "debug/coro-backtrace-private.h"
#include "future/coro-future-private.h"
#include "future/coro-supervisor-private.h"
#include "future/coro-task-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scope/coro-task-group-private.h"

#include <string.h>

/* The edges of the graph are the waits themselves: a job that is parked has a waiter, which
 * knows what it waits for.  Nothing is noted besides, and so nothing can be forgotten there.
 *
 * Every node is printed once; a second time it is "(see above)".  So diamonds do not grow
 * exponentially and cycles end.  The walk keeps its own stack: a chain may be longer than
 * the one of the coroutine that asks. */

/* Deeper lines are not indented further: the output of a long chain would be quadratic. */
#define MAX_INDENT 24

typedef enum
{
  NODE_JOB,
  NODE_FUTURE
} NodeType;

typedef struct
{
  NodeType type;
  gpointer pointer;             /* CoroJob or CoroFuture; what is alive while we print */
  guint depth;
} CoroNode;

typedef struct
{
  CoroScheduler *scheduler;
  GString *text;
  GArray *pending;              /* (element-type CoroNode): to be printed, the last first */
  GHashTable *printed;          /* (element-type gpointer) */
  GHashTable *awaited;          /* (element-type CoroJob): those that are no roots */
  guint depth;                  /* of what is found next */
} CoroGraph;

/* --- stacks ----------------------------------------------------------------------- */

typedef struct
{
  gpointer frames[CORO_BACKTRACE_MAX_FRAMES];
  guint n_frames;
  guint max_frames;
} CoroStackTrace;

G_GNUC_NO_INLINE static void
capture_cb (gpointer data)
{
  CoroStackTrace *trace = data;

  trace->n_frames = coro_backtrace_capture (trace->frames, trace->max_frames);
}

/* In the job's thread. */
static void
capture_job (CoroJob        *job,
             CoroStackTrace *trace)
{
  trace->n_frames = 0;
  if (job->state == CORO_JOB_SUSPENDED)
    coro_job_visit (job, capture_cb, trace);
  else if (coro_job_get_running () == job)
    capture_cb (trace);
}

/* Whether the frame belongs to our own way into the parked stack. */
static gboolean
is_our_frame (const char *line)
{
  return g_str_has_prefix (line, "capture_cb+") || g_str_has_prefix (line, "capture_job+") ||
         g_str_has_prefix (line, "job_serve_visits+");
}

static void
append_stack (GString    *text,
              CoroJob    *job,
              guint       max_frames,
              const char *indent)
{
  CoroStackTrace trace = { .max_frames = MIN (max_frames, CORO_BACKTRACE_MAX_FRAMES - 3) + 3 };
  guint n_lines = 0;

  capture_job (job, &trace);
  for (guint i = 0; i < trace.n_frames && n_lines < max_frames; i++)
    {
      g_autoptr (GString) line = g_string_new (NULL);

      coro_symbol_append (line, trace.frames[i]);
      if (n_lines == 0 && is_our_frame (line->str))
        continue;
      g_string_append_printf (text, "%s%s\n", indent, line->str);
      n_lines++;
    }
}

/* --- nodes ------------------------------------------------------------------------ */

static CoroNode
node_for_future (gpointer future,
                 guint    depth)
{
  CoroNode node = { NODE_FUTURE, future, depth };

  if (CORO_IS_TASK (future) && coro_task_get_job (future) != NULL)
    node = (CoroNode) { NODE_JOB, coro_task_get_job (future), depth };
  return node;
}

static void
push_future_cb (gpointer future,
                gpointer data)
{
  CoroGraph *graph = data;
  CoroNode node = node_for_future (future, graph->depth);

  g_array_append_val (graph->pending, node);
}

static void
mark_future_cb (gpointer future,
                gpointer data)
{
  CoroGraph *graph = data;
  CoroNode node = node_for_future (future, 0);

  if (node.type == NODE_JOB)
    g_hash_table_add (graph->awaited, node.pointer);
  else if (g_hash_table_add (graph->printed, future))
    coro_future_visit_awaited (future, mark_future_cb, graph);
}

/* Calls `func` for the futures that the job waits for, and `job_func` for coroutines. */
static void
visit_awaited (CoroJob   *job,
               void     (*func) (gpointer future, gpointer data),
               void     (*job_func) (CoroJob *job, gpointer data),
               gpointer   data)
{
  CoroWaiter *waiter = job->waiter;

  if (job->state != CORO_JOB_SUSPENDED || waiter == NULL || waiter->klass == NULL)
    return;

  if (waiter->klass->visit != NULL)
    {
      waiter->klass->visit (waiter->object, func, data);
    }
  else if (waiter->klass->name != NULL)
    {
      ;
    }
  else if (CORO_IS_FUTURE (waiter->object))
    {
      func (waiter->object, data);
    }
  else if (CORO_IS_TASK_GROUP (waiter->object))
    {
      CoroTaskGroup *group = waiter->object;

      for (CoroJob *member = group->supervisor.scope.members; member != NULL; member = member->next_member)
        job_func (member, data);
    }
}

static void
push_job_cb (CoroJob  *job,
             gpointer  data)
{
  CoroGraph *graph = data;
  CoroNode node = { NODE_JOB, job, graph->depth };

  g_array_append_val (graph->pending, node);
}

static void
mark_job_cb (CoroJob  *job,
             gpointer  data)
{
  g_hash_table_add (((CoroGraph *) data)->awaited, job);
}

static void
mark_awaited_cb (CoroJob  *job,
                 gpointer  data)
{
  visit_awaited (job, mark_future_cb, mark_job_cb, data);
}

/* --- printing --------------------------------------------------------------------- */

static void
append_indent (GString *text,
               guint    depth)
{
  for (guint i = 0; i < MIN (depth, MAX_INDENT); i++)
    g_string_append (text, "  ");
  if (depth > MAX_INDENT)
    g_string_append_printf (text, "(%u) ", depth);
}

static void
append_job_name (GString *text,
                 CoroJob *job)
{
  const char *site = job->site;
  const char *end = site != NULL ? strstr (site, " (") : NULL;

  g_string_append (text, "CoroTask '");
  if (job->task != NULL)
    g_string_append (text, coro_task_get_name (job->task));
  else if (site != NULL)
    g_string_append_len (text, site, end != NULL ? end - site : -1);
  else
    g_string_append (text, "unnamed");
  g_string_append_c (text, '\'');
}

static const char *
get_state_name (CoroJob *job)
{
  switch ((CoroJobState) job->state)
    {
    case CORO_JOB_NEW:
      return "created";
    case CORO_JOB_RUNNING:
      return "running";
    case CORO_JOB_SUSPENDED:
      return job->queued ? "ready" : "suspended";
    case CORO_JOB_FREE:
    default:
      return "ended";
    }
}

/* What a parked job waits for, in words. */
static void
append_awaited (GString *text,
                CoroJob *job)
{
  CoroWaiter *waiter = job->waiter;

  if (job->state != CORO_JOB_SUSPENDED || waiter == NULL || waiter->klass == NULL)
    return;

  g_string_append (text, ", awaits ");
  if (waiter->klass->name != NULL)
    g_string_append (text, waiter->klass->name);
  else if (CORO_IS_TASK (waiter->object))
    g_string_append_printf (text, "CoroTask '%s'", coro_task_get_name (waiter->object));
  else if (G_IS_OBJECT (waiter->object))
    g_string_append_printf (text, "%s %p", G_OBJECT_TYPE_NAME (waiter->object), waiter->object);
  else
    g_string_append (text, "something");
}

/* What was pushed since is to be printed first to last. */
static void
reverse_pending (GArray *pending,
                 guint   first)
{
  for (guint last = pending->len; first + 1 < last; first++)
    {
      CoroNode node = g_array_index (pending, CoroNode, first);

      last--;
      g_array_index (pending, CoroNode, first) = g_array_index (pending, CoroNode, last);
      g_array_index (pending, CoroNode, last) = node;
    }
}

static void
print_job (CoroGraph *self,
           CoroJob   *job,
           guint      depth)
{
  g_autoptr (GString) indent = g_string_new (NULL);

  append_job_name (self->text, job);
  if (!g_hash_table_add (self->printed, job))
    {
      g_string_append (self->text, " (see above)\n");
      return;
    }

  g_string_append_printf (self->text, " %s", get_state_name (job));
  append_awaited (self->text, job);
  if (job->site != NULL)
    g_string_append_printf (self->text, ", spawned at %s", job->site);
  g_string_append_c (self->text, '\n');

  append_indent (indent, depth);
  g_string_append (indent, "  | ");
  append_stack (self->text, job, CORO_BACKTRACE_MAX_FRAMES, indent->str);

  visit_awaited (job, push_future_cb, push_job_cb, self);
}

static void
print_future (CoroGraph  *self,
              CoroFuture *future)
{
  g_string_append_printf (self->text, "%s %p", G_OBJECT_TYPE_NAME (future), future);
  if (!g_hash_table_add (self->printed, future))
    {
      g_string_append (self->text, " (see above)\n");
      return;
    }

  g_string_append (self->text, coro_future_is_done (future) ? " done\n" : " pending\n");
  coro_future_visit_awaited (future, push_future_cb, self);
}

static void
print_pending (CoroGraph *self)
{
  while (self->pending->len > 0)
    {
      CoroNode node = g_array_index (self->pending, CoroNode, self->pending->len - 1);
      guint first;

      g_array_set_size (self->pending, self->pending->len - 1);
      first = self->pending->len;
      self->depth = node.depth + 1;

      append_indent (self->text, node.depth);
      g_string_append (self->text, "* ");
      if (node.type == NODE_JOB)
        print_job (self, node.pointer, node.depth);
      else
        print_future (self, node.pointer);
      reverse_pending (self->pending, first);
    }
}

static void
print_root_cb (CoroJob  *job,
               gpointer  data)
{
  CoroGraph *self = data;
  CoroNode node = { NODE_JOB, job, 0 };

  if (g_hash_table_contains (self->awaited, job) || g_hash_table_contains (self->printed, job))
    return;
  g_array_append_val (self->pending, node);
  print_pending (self);
}

/* Who waits in a circle has no root: whoever comes first is taken for one. */
static void
print_rest_cb (CoroJob  *job,
               gpointer  data)
{
  g_hash_table_remove (((CoroGraph *) data)->awaited, job);
  print_root_cb (job, data);
}

/**
 * coro_format_call_graph:
 * @scheduler: (nullable): a scheduler; %NULL: the one that runs, else that of
 *   the thread-default main context
 *
 * Describes all coroutines and what they wait for.
 *
 * Each comes with its state, where it was spawned and, if it is parked, the C
 * functions on its stack, the innermost first. What it waits for stands below
 * it, further to the right; what has been described is not described again.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Returns: (transfer full): lines of text
 *
 * Since: 0.1
 */
char *
coro_format_call_graph (CoroScheduler *scheduler)
{
  CoroGraph graph = { NULL, };
  gsize n_jobs;

  g_return_val_if_fail (scheduler == NULL || CORO_IS_SCHEDULER (scheduler), NULL);

  if (scheduler == NULL)
    scheduler = coro_scheduler_peek ();
  n_jobs = coro_scheduler_is_mine (scheduler) ? scheduler->n_jobs : 0;

  graph.scheduler = scheduler;
  graph.text = g_string_new (NULL);
  graph.pending = g_array_new (FALSE, FALSE, sizeof (CoroNode));
  graph.printed = g_hash_table_new (NULL, NULL);
  graph.awaited = g_hash_table_new (NULL, NULL);

  g_string_append_printf (graph.text, "%" G_GSIZE_FORMAT " %s\n", n_jobs, n_jobs == 1 ? "coroutine" : "coroutines");
  if (n_jobs > 0)
    {
      coro_scheduler_foreach_job (scheduler, mark_awaited_cb, &graph);
      g_hash_table_remove_all (graph.printed);
      coro_scheduler_foreach_job (scheduler, print_root_cb, &graph);
      coro_scheduler_foreach_job (scheduler, print_rest_cb, &graph);
    }

  g_hash_table_unref (graph.awaited);
  g_hash_table_unref (graph.printed);
  g_array_unref (graph.pending);
  return g_string_free (graph.text, FALSE);
}

/**
 * coro_print_call_graph:
 * @scheduler: (nullable): a scheduler; %NULL: the one that runs, else that of
 *   the thread-default main context
 *
 * Prints [func@format_call_graph] to stderr.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_print_call_graph (CoroScheduler *scheduler)
{
  g_autofree char *text = coro_format_call_graph (scheduler);

  g_printerr ("%s", text);
}

static void
append_waiting_cb (CoroJob  *job,
                   gpointer  data)
{
  CoroGraph *graph = data;

  g_hash_table_remove_all (graph->awaited);
  g_hash_table_remove_all (graph->printed);
  visit_awaited (job, mark_future_cb, mark_job_cb, graph);
  if (!g_hash_table_contains (graph->awaited, g_array_index (graph->pending, CoroNode, 0).pointer))
    return;

  g_string_append (graph->text, "awaited by ");
  append_job_name (graph->text, job);
  g_string_append_c (graph->text, '\n');
}

/**
 * coro_task_format_stack:
 * @self: a task
 * @max_frames: how many functions at the most
 *
 * Describes the C stack of a coroutine that is parked, and who waits for it.
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
  CoroNode node;
  CoroGraph graph = { NULL, };

  g_return_val_if_fail (CORO_IS_TASK (self), NULL);

  graph.text = g_string_new (NULL);
  job = coro_task_get_job (self);
  if (job == NULL || !coro_scheduler_is_mine (coro_job_get_scheduler (job)))
    {
      g_string_append_printf (graph.text, "CoroTask '%s' %s\n", coro_task_get_name (self),
                              coro_future_is_done (CORO_FUTURE (self)) ? "ended" : "created");
      return g_string_free (graph.text, FALSE);
    }

  append_job_name (graph.text, job);
  g_string_append_printf (graph.text, " %s", get_state_name (job));
  append_awaited (graph.text, job);
  g_string_append_c (graph.text, '\n');
  append_stack (graph.text, job, max_frames, "  | ");

  node = (CoroNode) { NODE_JOB, job, 0 };
  graph.pending = g_array_new (FALSE, FALSE, sizeof (CoroNode));
  g_array_append_val (graph.pending, node);
  graph.printed = g_hash_table_new (NULL, NULL);
  graph.awaited = g_hash_table_new (NULL, NULL);
  coro_scheduler_foreach_job (coro_job_get_scheduler (job), append_waiting_cb, &graph);

  g_hash_table_unref (graph.awaited);
  g_hash_table_unref (graph.printed);
  g_array_unref (graph.pending);
  return g_string_free (graph.text, FALSE);
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
