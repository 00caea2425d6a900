/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include <coro-glib/coro-glib.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Does one thing N times, so that a profiler can count the instructions: operations CASE N.
 * The difference of two N leaves out what happens only once.
 *
 * A program runs slowly under the profiler.  With a time slice of an hour this does not change the
 * count: the clock is read every so many resumes, and the slice is never over. */

typedef struct
{
  guint n;
  CoroFuture **futures;         /* (owned) (nullable) */
  CoroQueue *there;             /* (owned) (nullable) */
  CoroQueue *back;              /* (owned) (nullable) */
} Work;

static void
check (gboolean  ok,
       GError   *error)
{
  if (!ok)
    g_error ("%s", error != NULL ? error->message : "failed without an error");
}

/* Two that do the same, or one that answers the other. */
static void
run_both (CoroFunc  first,
          CoroFunc  second,
          Work     *self)
{
  GError *error = NULL;
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, &error);

  coro_task_group_spawn (nursery.group, first, self, NULL);
  coro_task_group_spawn (nursery.group, second, self, NULL);
  check (coro_nursery_join (&nursery), error);
}

/* --- giving way ----------------------------------------------------------------------- */

static gboolean
yield_alone_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  Work *self = user_data;

  for (guint i = 0; i < self->n; i++)
    coro_yield (NULL);
  return TRUE;
}

/* Each of 2 × n is a switch from one stack to the other. */
static gboolean
yield_in_turn_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  run_both (yield_alone_cb, yield_alone_cb, user_data);
  return TRUE;
}

/* --- awaiting -------------------------------------------------------------------------- */

static gboolean
await_ready_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  g_autoptr (CoroFuture) future = coro_future_new ();
  Work *self = user_data;

  coro_future_resolve_int (future, 42);
  for (guint i = 0; i < self->n; i++)
    coro_await (future, NULL, NULL);
  return TRUE;
}

static gboolean
pong_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Work *self = user_data;

  for (guint i = 0; i < self->n; i++)
    {
      coro_await (self->futures[2 * i], NULL, NULL);
      coro_future_resolve_boolean (self->futures[2 * i + 1], TRUE);
    }
  return TRUE;
}

static gboolean
ping_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Work *self = user_data;

  for (guint i = 0; i < self->n; i++)
    {
      coro_future_resolve_boolean (self->futures[2 * i], TRUE);
      coro_await (self->futures[2 * i + 1], NULL, NULL);
    }
  return TRUE;
}

/* With the making of the future that each awaits. */
static gboolean
await_pending_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Work *self = user_data;

  self->futures = g_new (CoroFuture *, 2 * self->n);
  for (guint i = 0; i < 2 * self->n; i++)
    self->futures[i] = coro_future_new ();
  run_both (pong_cb, ping_cb, self);
  for (guint i = 0; i < 2 * self->n; i++)
    g_object_unref (self->futures[i]);
  g_free (self->futures);
  return TRUE;
}

/* --- spawning ---------------------------------------------------------------------------- */

static gboolean
nothing_cb (gpointer   user_data,
            GValue    *result,
            GError   **error)
{
  return TRUE;
}

static gboolean
spawn_join_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  g_auto (CoroNursery) nursery = coro_nursery_enter (CORO_TASK_GROUP_NONE, error);
  Work *self = user_data;

  for (guint i = 0; i < self->n; i++)
    {
      coro_task_group_spawn (nursery.group, nothing_cb, NULL, NULL);
      coro_yield (NULL);
    }
  return coro_nursery_join (&nursery);
}

static gboolean
spawn_await_cb (gpointer   user_data,
                GValue    *result,
                GError   **error)
{
  Work *self = user_data;

  for (guint i = 0; i < self->n; i++)
    {
      g_autoptr (CoroTask) task = coro_spawn_task (nothing_cb, NULL, NULL);

      coro_await (task, NULL, NULL);
    }
  return TRUE;
}

/* --- handing over ------------------------------------------------------------------------ */

static gboolean
echo_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  Work *self = user_data;
  gpointer ball;

  for (guint i = 0; i < self->n; i++)
    {
      coro_queue_take (self->there, &ball, NULL);
      coro_queue_put (self->back, ball, NULL);
    }
  return TRUE;
}

static gboolean
serve_cb (gpointer   user_data,
          GValue    *result,
          GError   **error)
{
  Work *self = user_data;
  gpointer ball = self;

  for (guint i = 0; i < self->n; i++)
    {
      coro_queue_put (self->there, ball, NULL);
      coro_queue_take (self->back, &ball, NULL);
    }
  return TRUE;
}

static gboolean
queue_pingpong_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  Work *self = user_data;

  self->there = coro_queue_new (1, NULL);
  self->back = coro_queue_new (1, NULL);
  run_both (echo_cb, serve_cb, self);
  g_object_unref (self->there);
  g_object_unref (self->back);
  return TRUE;
}

/* --- many of a kind: a walk through all others would take ten thousands --------------------- */

static gboolean
shield_cancel_cb (gpointer   user_data,
                  GValue    *result,
                  GError   **error)
{
  Work *self = user_data;
  g_autoptr (CoroFuture) inner = coro_future_new ();

  self->futures = g_new (CoroFuture *, self->n);
  for (guint i = 0; i < self->n; i++)
    self->futures[i] = coro_future_shield (inner);
  for (guint i = self->n; i-- > 0;)
    {
      coro_future_cancel (self->futures[i]);
      g_object_unref (self->futures[i]);
    }
  g_free (self->futures);
  coro_yield (NULL);
  return TRUE;
}

static gboolean
await_last_cb (gpointer   last,
               GValue    *result,
               GError   **error)
{
  return last != NULL ? coro_await (last, NULL, error) : coro_sleep (G_TIME_SPAN_HOUR, error);
}

static gboolean
yield_once_cb (gpointer   user_data,
               GValue    *result,
               GError   **error)
{
  return coro_yield (error);
}

/* Is left to the end of coro_run(). */
static gboolean
shutdown_chain_cb (gpointer   user_data,
                   GValue    *result,
                   GError   **error)
{
  Work *self = user_data;
  CoroTask *last = NULL;

  for (guint i = 0; i < self->n; i++)
    last = coro_spawn_task (await_last_cb, last, last != NULL ? g_object_unref : NULL);
  g_clear_object (&last);
  coro_yield (NULL);
  return TRUE;
}

static gboolean
set_priority_cb (gpointer   user_data,
                 GValue    *result,
                 GError   **error)
{
  Work *self = user_data;
  CoroTask **tasks = g_new (CoroTask *, self->n);

  for (guint i = 0; i < self->n; i++)
    tasks[i] = coro_spawn_task (yield_once_cb, NULL, NULL);
  for (guint i = self->n; i-- > 0;)
    coro_task_set_priority (tasks[i], i % 2 == 0 ? CORO_PRIORITY_HIGH : CORO_PRIORITY_LOW);
  for (guint i = 0; i < self->n; i++)
    {
      check (coro_join (tasks[i], NULL), NULL);
      g_object_unref (tasks[i]);
    }
  g_free (tasks);
  return TRUE;
}

/* --- the program -------------------------------------------------------------------------- */

static const struct
{
  const char *name;
  CoroFunc run;
} operations[] = {
  { "yield", yield_alone_cb },
  { "switch", yield_in_turn_cb },
  { "await-ready", await_ready_cb },
  { "await-pending", await_pending_cb },
  { "spawn-join", spawn_join_cb },
  { "spawn-await", spawn_await_cb },
  { "queue-pingpong", queue_pingpong_cb },
  { "shield-cancel", shield_cancel_cb },
  { "shutdown-chain", shutdown_chain_cb },
  { "set-priority", set_priority_cb },
};

typedef struct
{
  CoroFunc run;
  Work work;
} Order;

static gboolean
main_cb (gpointer   user_data,
         GValue    *result,
         GError   **error)
{
  g_autoptr (CoroScheduler) scheduler = coro_scheduler_ref_for_context (g_main_context_get_thread_default ());
  Order *order = user_data;

  coro_scheduler_set_time_slice (scheduler, G_TIME_SPAN_HOUR);
  coro_yield (NULL);            /* into a slice of that length */
  return order->run (&order->work, result, error);
}

int
main (int    argc,
      char **argv)
{
  GError *error = NULL;
  Order order = { NULL };

  for (guint i = 0; argc == 3 && i < G_N_ELEMENTS (operations); i++)
    if (strcmp (argv[1], operations[i].name) == 0)
      order.run = operations[i].run;
  if (order.run == NULL)
    {
      for (guint i = 0; argc == 1 && i < G_N_ELEMENTS (operations); i++)
        printf ("%s\n", operations[i].name);
      return argc == 1 ? 0 : 2;
    }

  order.work.n = (guint) atoi (argv[2]);
  check (coro_run (main_cb, &order, NULL, &error), error);
  return 0;
}
