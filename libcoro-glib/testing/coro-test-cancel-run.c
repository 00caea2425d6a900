/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "testing/coro-test-cancel-private.h"

#include "debug/coro-call-graph.h"
#include "base/coro-error.h"
#include "future/coro-sleep.h"
#include "future/coro-task.h"
#include "scope/coro-group-error-private.h"
#include "scope/coro-spawn.h"
#include "testing/coro-test-clock.h"

/* One run: set up, the body until all of it has ended, the check, tear down. */

/* In a row, each a second long, in which no coroutine made a step and nothing was under way. */
#define MAX_IDLE_LOOKS 5
/* Most of them last a ms: what is under way after 5 s was left behind. */
#define MAX_SETTLING_TURNS 5000

static gboolean
run_body_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  CoroCancelRun *self = user_data;
  CoroJob *job = coro_job_get_running ();
  gboolean ok;

  coro_scope_init (&self->scope, self->scheduler, job->scope);
  coro_scope_enter (&self->scope, job, FALSE);
  self->in_scope = TRUE;
  ok = self->test->body (self->fixture, error);
  self->in_scope = FALSE;
  coro_scope_exit (&self->scope);
  coro_scope_clear (&self->scope);
  return ok;
}

static gboolean
is_cancellation_cb (const GError *error,
                    guint         index,
                    guint         size,
                    gpointer      data)
{
  return error->domain == CORO_GROUP_ERROR || coro_error_is_cancelled (error);
}

/* Cancelled, or a group of nothing else. */
static gboolean
is_cancellation (const GError *error)
{
  return error != NULL && coro_group_error_foreach (error, is_cancellation_cb, NULL);
}

/* Runs the body until it and all that it has spawned have ended. */
static gboolean
run_body (CoroCancelRun  *self,
          GError        **error)
{
  g_autoptr (CoroTask) task = NULL;
  g_autoptr (GError) body_error = NULL;
  g_autofree char *graph = NULL;

  self->watching = TRUE;
  task = coro_spawn_task_at (NULL, run_body_cb, self, NULL, "the body");
  while (g_hash_table_size (self->jobs) > 0 && !self->stuck)
    {
      coro_event_reset (self->ended);   /* the end of the last one may have spawned another */
      if (!coro_event_wait (self->ended, error))
        return FALSE;
    }
  self->watching = FALSE;

  if (self->lost)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                           "The request is lost: this await succeeds, and no later one fails");
      return FALSE;
    }
  if (self->stuck)
    {
      coro_future_get_result (CORO_FUTURE (task), NULL, NULL);  /* it is not read elsewhere */
      graph = coro_format_call_graph (self->scheduler);
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s not end:\n%s",
                   coro_future_is_done (CORO_FUTURE (task)) ? "The body's coroutines do" : "The body does", graph);
      return FALSE;
    }

  if (!coro_future_get_result (CORO_FUTURE (task), NULL, &body_error) &&
      !(self->struck && is_cancellation (body_error)))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The body has failed: %s", body_error->message);
      return FALSE;
    }
  return TRUE;
}

static gboolean
run_part (CoroCancelRun  *self,
          CoroTestFunc    func,
          const char     *name,
          GError        **error)
{
  GError *local_error = NULL;

  if (func == NULL || func (self->fixture, &local_error))
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The %s has failed: %s", name,
               local_error != NULL ? local_error->message : "it did not say why");
  g_clear_error (&local_error);
  return FALSE;
}

/* A thread may still be busy with an operation that was given up, and with a seed its message
 * stays in the inbox for some turns. */
static void
run_settle (CoroCancelRun    *self,
            CoroCancelCounts  before)
{
  for (int i = 0; i < MAX_SETTLING_TURNS && coro_cancel_run_count (self).n_external > before.n_external; i++)
    {
      if (i > MAX_SETTLING_TURNS / 100)
        g_usleep (1000);
      coro_yield (NULL);
    }
}

static gboolean
run_main_cb (gpointer   user_data,
             GValue    *result,
             GError   **error)
{
  CoroCancelRun *self = user_data;
  CoroCancelCounts before;
  gboolean ok;

  if (!run_part (self, self->test->set_up, "set-up", error))
    return FALSE;

  before = coro_cancel_run_count (self);
  ok = run_body (self, error);
  if (self->stuck)
    return FALSE;
  run_settle (self, before);
  ok = ok && coro_cancel_run_check_counts (self, before, error) && run_part (self, self->test->check, "check", error);
  return run_part (self, self->test->tear_down, "tear-down", ok ? error : NULL) && ok;
}

/* Looks once a second of real time whether anything happens. */
static gboolean
run_look_cb (gpointer user_data)
{
  CoroCancelRun *self = user_data;

  if (self->n_steps != self->n_steps_seen || self->scheduler->n_external > 0)
    self->n_idle_looks = 0;
  else
    self->n_idle_looks++;
  self->n_steps_seen = self->n_steps;

  if (self->watching && self->n_idle_looks >= MAX_IDLE_LOOKS)
    coro_cancel_run_give_up (self);
  return G_SOURCE_CONTINUE;
}

static GSource *
run_start_looking (CoroCancelRun *self)
{
  GSource *source = g_timeout_source_new_seconds (1);

  g_source_set_static_name (source, "[coro] test of cancellation");
  g_source_set_priority (source, G_PRIORITY_HIGH);
  g_source_set_callback (source, run_look_cb, self, NULL);
  g_source_attach (source, coro_scheduler_get_context (self->scheduler));
  return source;
}

gboolean
coro_cancel_run_once (CoroCancelRun  *self,
                      GError        **error)
{
  GSource *look;
  gboolean ok;

  self->observer = coro_cancel_run_observer;
  self->runner = coro_runner_new ();
  self->scheduler = g_object_ref (coro_runner_get_scheduler (self->runner));
  self->observer.next = self->scheduler->observer;
  self->scheduler->observer = &self->observer;
  self->jobs = g_hash_table_new (NULL, NULL);
  self->ended = coro_event_new ();
  self->fixture = g_malloc0 (MAX (self->test->fixture_size, 1));
  self->tracked = g_ptr_array_new_with_free_func (coro_cancel_tracked_free);
  coro_test_clock_start (self->scheduler, TRUE);
  look = run_start_looking (self);

  coro_cancel_run_current = self;
  ok = coro_runner_run (self->runner, run_main_cb, self, NULL, error);
  coro_cancel_run_current = NULL;
  g_source_destroy (look);
  g_source_unref (look);
  self->scheduler->observer = self->observer.next;
  if (self->stuck)
    return FALSE;

  coro_runner_close (self->runner);
  g_object_unref (self->runner);
  g_free (self->fixture);
  ok = ok && coro_cancel_run_check_objects (self, error);

  g_object_unref (self->scheduler);
  g_hash_table_unref (self->jobs);
  g_object_unref (self->ended);
  g_ptr_array_unref (self->tracked);
  return ok;
}
