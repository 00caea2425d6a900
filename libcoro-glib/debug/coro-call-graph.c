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
  GPtrArray *marking;           /* (element-type CoroFuture): seen, but not yet the futures they wait for */
  guint depth;                  /* of what is found next */
} CoroGraph;

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
    g_ptr_array_add (graph->marking, future);
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
  GPtrArray *marking = ((CoroGraph *) data)->marking;

  coro_job_foreach_awaited (job, mark_future_cb, mark_job_cb, data);
  while (marking->len > 0)
    coro_future_foreach_awaited (g_ptr_array_steal_index_fast (marking, marking->len - 1), mark_future_cb, data);
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

  coro_debug_append_job_name (self->text, job);
  if (!g_hash_table_add (self->printed, job))
    {
      g_string_append (self->text, " (see above)\n");
      return;
    }

  g_string_append_printf (self->text, " %s", coro_debug_get_state_name (job));
  coro_debug_append_awaited (self->text, job);
  if (job->site != NULL)
    g_string_append_printf (self->text, ", spawned at %s", job->site);
  g_string_append_c (self->text, '\n');

  append_indent (indent, depth);
  g_string_append (indent, "  | ");
  coro_debug_append_stack (self->text, job, CORO_BACKTRACE_MAX_FRAMES, indent->str);

  coro_job_foreach_awaited (job, push_future_cb, push_job_cb, self);
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
  coro_future_foreach_awaited (future, push_future_cb, self);
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

/* A circle has no root: its first member is taken for one. */
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
    scheduler = coro_scheduler_get_current ();
  n_jobs = coro_scheduler_is_mine (scheduler) ? scheduler->n_jobs : 0;

  graph.scheduler = scheduler;
  graph.text = g_string_new (NULL);
  graph.pending = g_array_new (FALSE, FALSE, sizeof (CoroNode));
  graph.printed = g_hash_table_new (NULL, NULL);
  graph.awaited = g_hash_table_new (NULL, NULL);
  graph.marking = g_ptr_array_new ();

  g_string_append_printf (graph.text, "%" G_GSIZE_FORMAT " %s\n", n_jobs, n_jobs == 1 ? "coroutine" : "coroutines");
  if (n_jobs > 0)
    {
      coro_scheduler_foreach_job (scheduler, mark_awaited_cb, &graph);
      g_hash_table_remove_all (graph.printed);
      coro_scheduler_foreach_job (scheduler, print_root_cb, &graph);
      coro_scheduler_foreach_job (scheduler, print_rest_cb, &graph);
    }

  g_ptr_array_unref (graph.marking);
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
