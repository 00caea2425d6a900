/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "testing/coro-test-cancel.h"

#include "debug/coro-backtrace-private.h"
#include "debug/coro-call-graph.h"
#include "fiber/coro-error.h"
#include "future/coro-task.h"
#include "scheduler/coro-cancel-private.h"
#include "scheduler/coro-scheduler-private.h"
#include "scheduler/coro-waiter-private.h"
#include "scope/coro-group-error.h"
#include "scope/coro-runner.h"
#include "scope/coro-spawn.h"
#include "sync/coro-event.h"
#include "testing/coro-test-clock.h"

/* A body with so many awaits does not come to an end. */
#define MAX_RUNS 10000
/* Neither does a run that makes so many steps: ten for each of these. */
#define MAX_STEPS (10 * MAX_RUNS)
/* In a row, each a second long: so long nobody made a step and nothing is under way. */
#define MAX_IDLE_LOOKS 5
#define MAX_FRAMES 10
/* µs for threads to let go of objects. */
#define PATIENCE G_TIME_SPAN_SECOND

/* What there is of a scheduler that somebody could have left behind. */
typedef struct
{
  guint n_timers;
  guint n_stacks;
  guint n_external;
  guint n_shutdowns;
} CoroCancelCounts;

/* One run of a body, with one cancel at the most. */
typedef struct _CoroCancelRun CoroCancelRun;
struct _CoroCancelRun
{
  CoroHooks hooks;              /* first */
  CoroHooks *next;              /* (nullable) (unowned): who watched before */
  CoroReady strike;             /* cancels who has just been parked */
  const CoroTestCancel *test;
  CoroTestCancelFlags moment;   /* 0: nothing is cancelled */
  CoroTestCancelFlags kind;
  guint target;                 /* which await, from 1 */
  guint n_awaits;               /* that could have been it */

  CoroScheduler *scheduler;     /* (owned) */
  CoroScope scope;              /* around the body, while it runs */
  gboolean in_scope;
  gboolean watching;
  gboolean struck;
  gboolean stuck;
  guint64 n_steps;
  guint64 n_steps_seen;
  guint n_idle_looks;
  GHashTable *jobs;             /* (owned) (element-type CoroJob): of the body, while they live */
  CoroJob *victim;              /* (nullable) (unowned) */
  CoroEvent *ended;             /* (owned): triggered when the last of these has ended */
  gpointer fixture;             /* (owned) */
  GPtrArray *tracked;           /* (owned) (element-type CoroCancelTracked) */

  char *place;                  /* (nullable) (owned) */
  gpointer frames[MAX_FRAMES];
  guint n_frames;
  CoroRunner *runner;           /* (owned) */
  CoroCancelRun *next_stuck;    /* (nullable): whose coroutines still use it */
};

typedef struct
{
  GWeakRef object;
  const char *type;
} CoroCancelTracked;

static __thread CoroCancelRun *current_run;
/* They are leaked; from here a leak checker sees them.  Guarded by its lock. */
G_LOCK_DEFINE_STATIC (stuck_runs);
static CoroCancelRun *stuck_runs;

/* --- where and when --------------------------------------------------------------- */

/* Callable on the stack of who waits only. */
static void
run_note_frames (CoroCancelRun *self)
{
  self->n_frames = coro_backtrace_capture (self->frames, MAX_FRAMES);
}

static void
run_note_place (CoroCancelRun *self,
                CoroJob       *job)
{
  GString *place = g_string_new (NULL);

  g_string_append (place, job->site != NULL ? job->site : "a coroutine");
  if (job->state == CORO_JOB_NEW)
    g_string_append (place, ", which has not started");
  else if (job->waiter != NULL && job->waiter->klass->name != NULL)
    g_string_append_printf (place, ", which waits for %s", job->waiter->klass->name);
  else if (job->waiter != NULL && job->waiter->object != NULL)
    g_string_append_printf (place, ", which waits for a %s", G_OBJECT_TYPE_NAME (job->waiter->object));
  if (job->state == CORO_JOB_NEW)
    self->n_frames = 0;
  self->place = g_string_free (place, FALSE);
}

/* Whether the way of cancelling reaches the job. */
static gboolean
run_covers (CoroCancelRun *self,
            CoroJob       *job)
{
  if (!self->watching || !g_hash_table_contains (self->jobs, job))
    return FALSE;
  if (self->kind == CORO_TEST_CANCEL_TASK)
    return TRUE;

  for (CoroScope *scope = job->scope; scope != NULL; scope = scope->parent)
    if (scope == &self->scope)
      return self->in_scope;
  return FALSE;
}

/* Whether it is this await of the job's that is to be cancelled. */
static gboolean
run_is_target (CoroCancelRun       *self,
               CoroTestCancelFlags  moment,
               CoroJob             *job)
{
  if (self->moment != moment || self->struck || !run_covers (self, job) || ++self->n_awaits != self->target)
    return FALSE;

  self->struck = TRUE;
  run_note_place (self, job);
  return TRUE;
}

static void
run_cancel (CoroCancelRun *self,
            CoroJob       *job)
{
  if (self->kind == CORO_TEST_CANCEL_TASK)
    coro_job_request_cancel (job);
  else if (!self->in_scope)
    ;                           /* left meanwhile */
  else if (self->kind == CORO_TEST_CANCEL_SCOPE)
    coro_scope_cancel (&self->scope);
  else
    coro_scope_set_deadline (&self->scope, coro_scheduler_now (self->scheduler));
}

/* It is at the head of the queue, so that nobody has woken the job yet. */
static void
strike_cb (CoroReady *ready)
{
  CoroCancelRun *self = (CoroCancelRun *) ((char *) ready - offsetof (CoroCancelRun, strike));

  run_cancel (self, self->victim);
}

static const CoroReadyClass strike_class = { strike_cb, NULL };

/* --- hooks ------------------------------------------------------------------------ */

static void
run_created (CoroHooks *hooks,
             CoroJob   *job)
{
  CoroCancelRun *self = (CoroCancelRun *) hooks;

  if (self->watching)
    g_hash_table_add (self->jobs, job);
  if (self->next != NULL)
    self->next->created (self->next, job);
}

static void
run_give_up (CoroCancelRun *self)
{
  self->stuck = TRUE;
  coro_event_trigger (self->ended);
}

static void
run_entered (CoroHooks *hooks,
             CoroJob   *job)
{
  CoroCancelRun *self = (CoroCancelRun *) hooks;

  if (self->watching && ++self->n_steps == MAX_STEPS)
    run_give_up (self);
  if (job != NULL && run_is_target (self, CORO_TEST_CANCEL_WOKEN, job))
    run_cancel (self, job);
  if (self->next != NULL)
    self->next->entered (self->next, job);
}

static void
run_left (CoroHooks *hooks,
          CoroJob   *job,
          gboolean   ended)
{
  CoroCancelRun *self = (CoroCancelRun *) hooks;

  if (job != NULL && !ended)
    {
      /* For a wake-up this is the last moment on its stack. */
      if (self->moment != 0 && self->n_awaits + 1 == self->target && run_covers (self, job))
        run_note_frames (self);
      if (run_is_target (self, CORO_TEST_CANCEL_PARKED, job))
        {
          self->victim = job;
          self->strike.klass = &strike_class;
          coro_scheduler_push_front (self->scheduler, &self->strike);
        }
    }
  if (self->next != NULL)
    self->next->left (self->next, job, ended);
}

static void
run_wait_begun (CoroHooks *hooks,
                CoroJob   *job)
{
  CoroCancelRun *self = (CoroCancelRun *) hooks;

  if (self->next != NULL)
    self->next->wait_begun (self->next, job);
}

static void
run_wait_ended (CoroHooks    *hooks,
                CoroJob      *job,
                const GError *error)
{
  CoroCancelRun *self = (CoroCancelRun *) hooks;

  if (self->next != NULL)
    self->next->wait_ended (self->next, job, error);
}

static void
run_finished (CoroHooks    *hooks,
              CoroJob      *job,
              const GError *error)
{
  CoroCancelRun *self = (CoroCancelRun *) hooks;

  if (g_hash_table_remove (self->jobs, job) && g_hash_table_size (self->jobs) == 0)
    coro_event_trigger (self->ended);
  if (self->next != NULL)
    self->next->finished (self->next, job, error);
}

static void
run_cancel_ignored (CoroHooks *hooks,
                    CoroJob   *job)
{
  CoroCancelRun *self = (CoroCancelRun *) hooks;

  if (self->next != NULL)
    self->next->cancel_ignored (self->next, job);
}

static void
run_lock_held (CoroHooks *hooks,
               CoroJob   *job,
               int        change)
{
  CoroCancelRun *self = (CoroCancelRun *) hooks;

  if (self->next != NULL)
    self->next->lock_held (self->next, job, change);
}

static void
run_waiting (CoroHooks *hooks,
             CoroJob   *job)
{
  CoroCancelRun *self = (CoroCancelRun *) hooks;

  if (self->moment == CORO_TEST_CANCEL_BEFORE && self->n_awaits + 1 == self->target && run_covers (self, job))
    run_note_frames (self);
  if (run_is_target (self, CORO_TEST_CANCEL_BEFORE, job))
    run_cancel (self, job);
}

static void
run_free (CoroHooks *hooks)
{
  /* It belongs to no scheduler. */
}

static const CoroHooks run_hooks = {
  run_created,
  run_entered,
  run_left,
  run_wait_begun,
  run_wait_ended,
  run_finished,
  run_cancel_ignored,
  run_lock_held,
  run_free,
  run_waiting,
};

/* --- the run ---------------------------------------------------------------------- */

static CoroCancelCounts
run_count (CoroCancelRun *self)
{
  CoroCancelCounts counts = { self->scheduler->timers.n_slots, coro_stack_pool_count_in_use (self->scheduler->stacks),
                              self->scheduler->n_external, 0 };

  for (CoroShutdown *shutdown = self->scheduler->shutdowns; shutdown != NULL; shutdown = shutdown->next)
    counts.n_shutdowns++;
  return counts;
}

static gboolean
set_left_error (guint        before,
                guint        after,
                const char  *what,
                GError     **error)
{
  if (after > before)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The body has left %u %s behind", after - before, what);
  return after > before;
}

/* Coroutines that were there before may end meanwhile: less is well. */
static gboolean
run_check_counts (CoroCancelRun     *self,
                  CoroCancelCounts   before,
                  GError           **error)
{
  CoroCancelCounts after = run_count (self);

  return !set_left_error (before.n_timers, after.n_timers, "timers", error) &&
         !set_left_error (before.n_shutdowns, after.n_shutdowns, "generators that were not closed", error) &&
         !set_left_error (before.n_stacks, after.n_stacks, "stacks", error) &&
         !set_left_error (before.n_external, after.n_external, "operations under way", error);
}

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

/* Cancelled, or a group of nothing else. */
static gboolean
is_cancellation (const GError *error)
{
  if (coro_error_is_cancelled (error))
    return TRUE;
  if (error == NULL || error->domain != CORO_GROUP_ERROR)
    return FALSE;

  for (guint i = 0; i < coro_group_error_get_size (error); i++)
    if (!is_cancellation (coro_group_error_get_nth (error, i)))
      return FALSE;
  return TRUE;
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

  if (self->stuck)
    {
      coro_future_get_result (CORO_FUTURE (task), NULL, NULL);  /* nobody else reads it */
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

  before = run_count (self);
  ok = run_body (self, error);
  if (self->stuck)
    return FALSE;
  ok = ok && run_check_counts (self, before, error) && run_part (self, self->test->check, "check", error);
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
    run_give_up (self);
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

static void
tracked_free (gpointer data)
{
  CoroCancelTracked *self = data;

  g_weak_ref_clear (&self->object);
  g_free (self);
}

/* Every future, task, group and generator keeps its scheduler; so do we. */
static guint
run_count_left (CoroCancelRun *self)
{
  return (guint) g_atomic_int_get ((int *) &G_OBJECT (self->scheduler)->ref_count) - 1;
}

/* (nullable) (transfer none): the type of one that is alive. */
static const char *
run_find_tracked (CoroCancelRun *self)
{
  for (guint i = 0; i < self->tracked->len; i++)
    {
      CoroCancelTracked *tracked = self->tracked->pdata[i];
      g_autoptr (GObject) object = g_weak_ref_get (&tracked->object);

      if (object != NULL)
        return tracked->type;
    }
  return NULL;
}

/* Once everything is over and freed; but a thread of GIO's may hold what it worked with
 * for some µs longer than the answer takes. */
static gboolean
run_check_objects (CoroCancelRun  *self,
                   GError        **error)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  const char *type;
  guint n_left = 0;

  while ((type = run_find_tracked (self)) != NULL || (n_left = run_count_left (self)) > 0)
    {
      if (g_get_monotonic_time () < deadline)
        {
          g_usleep (100);
          continue;
        }
      if (type != NULL)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "A %s was not freed", type);
      else
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%u futures, tasks, groups or generators were not freed", n_left);
      return FALSE;
    }
  return TRUE;
}

/* What is stuck cannot be freed, only left alone. */
static void
run_leave (CoroCancelRun *self)
{
  G_LOCK (stuck_runs);
  self->next_stuck = stuck_runs;
  stuck_runs = self;
  G_UNLOCK (stuck_runs);
}

static gboolean
run_once (CoroCancelRun  *self,
          GError        **error)
{
  GSource *look;
  gboolean ok;

  self->hooks = run_hooks;
  self->runner = coro_runner_new ();
  self->scheduler = g_object_ref (coro_runner_get_scheduler (self->runner));
  self->next = self->scheduler->hooks;
  self->scheduler->hooks = &self->hooks;
  self->jobs = g_hash_table_new (NULL, NULL);
  self->ended = coro_event_new ();
  self->fixture = g_malloc0 (MAX (self->test->fixture_size, 1));
  self->tracked = g_ptr_array_new_with_free_func (tracked_free);
  coro_test_clock_start (self->scheduler, TRUE);
  look = run_start_looking (self);

  current_run = self;
  ok = coro_runner_run (self->runner, run_main_cb, self, NULL, error);
  current_run = NULL;
  g_source_destroy (look);
  g_source_unref (look);
  self->scheduler->hooks = self->next;
  if (self->stuck)
    return FALSE;

  coro_runner_close (self->runner);
  g_object_unref (self->runner);
  g_free (self->fixture);
  ok = ok && run_check_objects (self, error);

  g_object_unref (self->scheduler);
  g_hash_table_unref (self->jobs);
  g_object_unref (self->ended);
  g_ptr_array_unref (self->tracked);
  return ok;
}

/* --- all of them ------------------------------------------------------------------ */

static const char *
get_moment_name (CoroTestCancelFlags moment)
{
  switch ((guint) moment)
    {
    case CORO_TEST_CANCEL_BEFORE:
      return "before it waits";
    case CORO_TEST_CANCEL_PARKED:
      return "while it is parked";
    default:
      return "once it was woken";
    }
}

static const char *
get_kind_name (CoroTestCancelFlags kind)
{
  switch ((guint) kind)
    {
    case CORO_TEST_CANCEL_TASK:
      return "task cancelled";
    case CORO_TEST_CANCEL_SCOPE:
      return "scope cancelled";
    default:
      return "timed out";
    }
}

static void
run_prefix_error (CoroCancelRun  *self,
                  GError        **error)
{
  g_autoptr (GString) trace = g_string_new (NULL);

  if (!self->struck)
    {
      g_prefix_error (error, "Without a cancel: ");
      return;
    }

  if (self->n_frames > 1)       /* the first is ours */
    coro_backtrace_append (trace, self->frames + 1, self->n_frames - 1, "    ");
  g_prefix_error (error, "Await %u, %s %s: ", self->target, get_kind_name (self->kind), get_moment_name (self->moment));
  if (error != NULL)
    {
      char *message = g_strdup_printf ("%s\n  in %s\n%s", (*error)->message, self->place, trace->str);

      g_free ((*error)->message);
      (*error)->message = g_strchomp (message);
    }
}

/* Returns whether there may be another await to cancel at. */
static gboolean
test_run (const CoroTestCancel  *test,
          CoroTestCancelFlags    moment,
          CoroTestCancelFlags    kind,
          guint                  target,
          gboolean              *struck,
          GError               **error)
{
  CoroCancelRun *self = g_new0 (CoroCancelRun, 1);
  gboolean ok;

  self->test = test;
  self->moment = moment;
  self->kind = kind;
  self->target = target;
  ok = run_once (self, error);
  *struck = self->struck;
  if (!ok)
    run_prefix_error (self, error);
  if (self->stuck)
    {
      run_leave (self);
      return FALSE;
    }

  g_free (self->place);
  g_free (self);
  return ok;
}

/* One way, at the first await, the second, … */
static gboolean
test_way (const CoroTestCancel  *test,
          CoroTestCancelFlags    moment,
          CoroTestCancelFlags    kind,
          guint                 *n_runs,
          GError               **error)
{
  gboolean struck = TRUE;

  for (guint target = 1; struck; target++)
    {
      if (target > MAX_RUNS)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "There is no end of awaits");
          return FALSE;
        }
      if (!test_run (test, moment, kind, target, &struck, error))
        return FALSE;
      *n_runs += struck;
    }
  return TRUE;
}

static gboolean
test_has (const CoroTestCancel *test,
          CoroTestCancelFlags   all,
          CoroTestCancelFlags   flag)
{
  return (test->flags & all) == 0 || (test->flags & flag) != 0;
}

/**
 * coro_test_cancel_everywhere: (skip)
 * @test: what to run
 * @n_runs: (out) (optional): in how many runs something was cancelled
 * @error: return location for an error
 *
 * Runs a body again and again and cancels it at its first await, its second
 * and so on, until there are no more.
 *
 * An await is any wait of any coroutine that the body has spawned, directly
 * or not. Each is cancelled at three moments and in three ways, as
 * [flags@TestCancelFlags] says. Each run has a main context, a fixture
 * and a clock that jumps ([func@test_clock_start]) of its own. Afterwards the
 * body must have ended, well or cancelled, and all its coroutines; no timer,
 * no stack, no generator and no operation of the body may be left, the check
 * of @test must be content, and at the end no future and no object that
 * [func@test_cancel_track] was told of may be alive. The first run cancels
 * nothing, and the body has to return %TRUE in it.
 *
 * What stands still for 5 s, with no operation of GIO and no thread under
 * way, is said not to end, and is leaked.
 *
 * Callable from any thread, which it blocks, outside coroutines.
 *
 * @error can be set to %G_IO_ERROR_FAILED, with what was found and where: the
 * number of the await, how it was cancelled, and the functions that waited.
 *
 * Returns: %TRUE if nothing was found; %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
coro_test_cancel_everywhere (const CoroTestCancel  *test,
                             guint                 *n_runs,
                             GError               **error)
{
  static const CoroTestCancelFlags moments[] = { CORO_TEST_CANCEL_BEFORE, CORO_TEST_CANCEL_PARKED, CORO_TEST_CANCEL_WOKEN };
  static const CoroTestCancelFlags kinds[] = { CORO_TEST_CANCEL_TASK, CORO_TEST_CANCEL_SCOPE, CORO_TEST_CANCEL_TIMEOUT };
  const CoroTestCancelFlags all_moments = moments[0] | moments[1] | moments[2];
  const CoroTestCancelFlags all_kinds = kinds[0] | kinds[1] | kinds[2];
  guint n = 0;
  gboolean struck;

  g_return_val_if_fail (test != NULL && test->body != NULL, FALSE);

  if (n_runs != NULL)
    *n_runs = 0;
  if (!test_run (test, 0, 0, 0, &struck, error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (moments); i++)
    for (guint j = 0; j < G_N_ELEMENTS (kinds); j++)
      if (test_has (test, all_moments, moments[i]) && test_has (test, all_kinds, kinds[j]) &&
          !test_way (test, moments[i], kinds[j], &n, error))
        return FALSE;

  if (n_runs != NULL)
    *n_runs = n;
  if (n == 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The body does not wait for anything");
  return n > 0;
}

static void
test_cancel_cb (gconstpointer test)
{
  g_autoptr (GError) error = NULL;
  guint n_runs;

  if (coro_test_cancel_everywhere (test, &n_runs, &error))
    g_test_message ("cancelled in %u runs", n_runs);
  else
    g_test_fail_printf ("%s", error->message);
}

/**
 * coro_test_add_cancel: (skip)
 * @path: the path of the test case
 * @test: (scope forever): what to run, which is static
 *
 * Adds a test case that is [func@test_cancel_everywhere].
 *
 * Callable from `main()`, after g_test_init(); never suspends.
 *
 * Since: 0.1
 */
void
coro_test_add_cancel (const char           *path,
                      const CoroTestCancel *test)
{
  g_return_if_fail (path != NULL);
  g_return_if_fail (test != NULL && test->body != NULL);

  g_test_add_data_func (path, test, test_cancel_cb);
}

/**
 * coro_test_cancel_track: (skip)
 * @object: (type GObject.Object): an object
 *
 * Says that @object must be gone at the end of this run of
 * [func@test_cancel_everywhere].
 *
 * Callable from the functions of a [struct@TestCancel]; never suspends.
 *
 * Since: 0.1
 */
void
coro_test_cancel_track (gpointer object)
{
  CoroCancelTracked *tracked;

  g_return_if_fail (G_IS_OBJECT (object));
  g_return_if_fail (current_run != NULL);

  tracked = g_new0 (CoroCancelTracked, 1);
  g_weak_ref_init (&tracked->object, object);
  tracked->type = G_OBJECT_TYPE_NAME (object);
  g_ptr_array_add (current_run->tracked, tracked);
}
