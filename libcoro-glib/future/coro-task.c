/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-task-private.h"

#include "base/coro-container-private.h"
#include "base/coro-error.h"
#include "future/coro-future-private.h"
#include "scheduler/coro-run-queue-private.h"
#include "scheduler/coro-scheduler-private.h"

#include <string.h>

/**
 * CoroTask:
 *
 * The handle of a running coroutine.
 *
 * It is a [class@Future] for the coroutine's result, made by [func@spawn_task]
 * for callers that need a handle: a coroutine runs without. Dropping
 * the handle neither cancels nor detaches: the group that it was spawned
 * into answers for it.
 *
 * Since: 0.1
 */
struct _CoroTask
{
  CoroFuture parent_instance;

  CoroJob *job;                 /* (nullable): while the coroutine lives; owner's thread */
  char *name;                   /* (nullable) (owned) */
  const char *site;             /* (nullable) */
  guint id;
  int n_posted;                 /* (atomic): requests to cancel that are on their way */
  CoroPriority priority;        /* before the coroutine begins and after its end; in between the job has it */
  int posted_priority;          /* (atomic): a new priority that is on its way; -1: none */
  CoroSupervisor *reporter;     /* (nullable): kept by its ref(), for an error that is not read */
};

enum
{
  PROP_0,
  PROP_PRIORITY,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (CoroTask, coro_task, CORO_TYPE_FUTURE)

/* Something to do on the task's thread. */
typedef struct
{
  CoroMessage message;          /* first */
  CoroTask *task;               /* (owned) (nullable) */
  CoroSupervisor *supervisor;   /* kept by its ref(); that of a root ends with the scheduler */
  gboolean keeps;               /* the supervisor has a ref() */
  CoroScheduler *scheduler;     /* (unowned): whose message it is */
  CoroContextValue *context;    /* (owned) (nullable) */
  CoroPriority priority;
  CoroTaskSpec spec;
  char copy[] __attribute__ ((aligned (16)));
} CoroTaskMessage;

/* An unread error on its way to the handler of unread errors. */
typedef struct
{
  CoroReady ready;              /* first */
  CoroMessage message;
  CoroScheduler *scheduler;     /* (owned) */
  CoroSupervisor *reporter;     /* (nullable): kept by its ref(); NULL: the root */
  GError *error;                /* (owned) */
  char *name;                   /* (owned) */
  const char *site;
} CoroTaskReport;

static guint last_id;           /* (atomic) */

/* --- the coroutine ---------------------------------------------------------------- */

/* The end of a coroutine, as far as it has to happen on the thread stack. */
typedef struct
{
  CoroJob *job;
  GValue value;
  GError *error;                /* (nullable) (owned) */
} CoroTaskEnd;

/* Fails the task.  If the error is never read, its supervisor is told. */
static void
task_reject (CoroTask       *self,
             CoroSupervisor *supervisor,
             const GError   *error)
{
  /* The root of a scheduler is found again, if it still is there. */
  if (supervisor->klass->ref != NULL)
    {
      supervisor->klass->ref (supervisor);
      self->reporter = supervisor;
    }

  coro_future_reject (CORO_FUTURE (self), g_error_copy (error));
  if (supervisor->joined)
    coro_future_observe (CORO_FUTURE (self));   /* the join reads it */
}

static void
task_end_cb (gpointer data)
{
  CoroTaskEnd *end = data;
  CoroJob *job = end->job;
  CoroTask *task = g_steal_pointer (&job->task);

  if (job->destroy != NULL)
    job->destroy (job->data);
  g_clear_pointer (&job->context, coro_context_value_unref);

  if (task != NULL)
    {
      task->job = NULL;
      task->priority = job->priority;
      if (end->error == NULL)
        coro_future_take_result (CORO_FUTURE (task), &end->value);
      else if (coro_error_is_cancelled (end->error))
        coro_future_set_cancelled (CORO_FUTURE (task), g_error_copy (end->error));
      else
        task_reject (task, job->supervisor, end->error);
    }

  if (G_VALUE_TYPE (&end->value) != 0)
    g_value_unset (&end->value);
  if (task != NULL)
    g_object_unref (task);
}

static void
supervisor_unref_cb (gpointer supervisor)
{
  ((CoroSupervisor *) supervisor)->klass->unref (supervisor);
}

/* Ends `job` with a value or an error, both of which are taken.  On the job's stack, or on
 * the native one when it never had any. */
static void
task_end (CoroJob *job,
          GValue  *value,
          GError  *error)
{
  CoroSupervisor *supervisor = job->supervisor;
  CoroTaskEnd end = { job, *value, error };
  gboolean observed = job->task != NULL;
  gboolean last;
  CoroObserver *observer = supervisor->scope.scheduler->observer;

  if (G_UNLIKELY (observer != NULL))
    observer->finished (observer, job, error);
  job->func = NULL;             /* it gets no other handle, see coro_all_tasks() */
  if (job->destroy != NULL || job->task != NULL || job->context != NULL || G_VALUE_TYPE (value) != 0)
    coro_call_on_thread_stack (task_end_cb, &end);

  coro_scope_remove_member (&supervisor->scope, job);
  last = --supervisor->n_members == 0;
  supervisor->klass->member_ended (supervisor, job, error, observed);

  /* The members share a reference to the supervisor, which goes with the last of them.  A handler of
   * the end may have spawned another member, which has taken a new reference. */
  if (last)
    {
      coro_supervisor_empty (supervisor);
      if (supervisor->klass->unref != NULL)
        coro_call_on_thread_stack (supervisor_unref_cb, supervisor);
    }
}

/* A body must say TRUE, or FALSE and why. */
static void
task_check_result (CoroJob   *job,
                   gboolean   ok,
                   GValue    *value,
                   GError   **error)
{
  const char *site = job->site != NULL ? job->site : "a coroutine";

  if (ok && *error != NULL)
    {
      g_critical ("%s returned TRUE and set an error, which is dropped: %s", site, (*error)->message);
      g_clear_error (error);
    }
  else if (!ok && *error == NULL)
    {
      g_critical ("%s returned FALSE and did not set an error", site);
      g_set_error (error, CORO_ERROR, CORO_ERROR_NO_RESULT, "%s failed and did not say why", site);
    }

  if (*error != NULL && G_VALUE_TYPE (value) != 0)
    g_value_unset (value);
}

/* A guard without g_auto that the body has not closed. */
static void
task_close_guards (CoroJob *job)
{
  CoroScope *own = &((CoroSupervisor *) job->supervisor)->scope;

  if (G_LIKELY (job->scope == own))
    return;

  g_critical ("%s returned with an open guard", job->site != NULL ? job->site : "A coroutine");
  while (job->scope != own)
    coro_scope_abandon (job->scope);
}

static void
task_job_run (CoroJob *job)
{
  GValue value = G_VALUE_INIT;
  GError *error = NULL;
  gboolean ok;

  if (job->cancel_pending || !job->admitted ||
      (job->cancel_level && !((CoroSupervisor *) job->supervisor)->begins))
    {
      /* Cancelled before its first step: by a cancel of the task, while it waited for its place,
       * or with a group that is never joined.  The body never runs, because the data of the body
       * may be gone. */
      coro_job_deliver_cancel (job, &error);
    }
  else
    {
      ok = ((CoroFunc) job->func) (job->data, &value, &error);
      if (G_UNLIKELY (!ok || error != NULL))
        task_check_result (job, ok, &value, &error);

      /* A request that came after the last await still decides. */
      if (G_UNLIKELY (job->cancel_pending) && error == NULL)
        {
          if (G_VALUE_TYPE (&value) != 0)
            g_value_unset (&value);
          coro_job_deliver_cancel (job, &error);
        }
    }

  task_close_guards (job);
  task_end (job, &value, error);
}

static void
task_job_fail (CoroJob *job,
               GError  *error)
{
  GValue value = G_VALUE_INIT;

  task_end (job, &value, error);
}

static void
task_job_dismiss (CoroJob *job)
{
  CoroSupervisor *supervisor = job->supervisor;

  supervisor->klass->dismiss (supervisor, job);
}

/* Tells the waiters on other threads. */
static void
task_job_abandon (CoroJob *job)
{
  CoroTask *task = g_steal_pointer (&job->task);

  if (task == NULL)
    return;

  task->job = NULL;
  task->priority = job->priority;
  coro_future_set_cancelled (CORO_FUTURE (task),
                             g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                                  "The main context has ended before the coroutine has"));
  g_object_unref (task);
}

static const CoroJobClass task_job_class = { task_job_run, task_job_fail, task_job_dismiss, task_job_abandon };

/* --- spawning --------------------------------------------------------------------- */

/* For a spec that is not going to run. */
void
coro_task_reject_spec (const CoroTaskSpec *spec)
{
  if (spec->destroy != NULL)
    spec->destroy (spec->data);
}

/* A job that is no supervisor's member yet. */
static inline CoroJob *
task_job_new (CoroSupervisor *supervisor)
{
  return coro_job_new (coro_supervisor_get_scheduler (supervisor), &task_job_class, supervisor->stack_size);
}

/* Moves the arguments to the job's stack.  FALSE with CORO_ERROR_NO_STACK. */
static gboolean
job_take_copy (CoroJob             *job,
               const CoroTaskSpec  *spec,
               GError             **error)
{
  gpointer copy = coro_job_reserve (job, spec->copy_size, error);

  if (copy == NULL)
    return FALSE;
  job->data = memcpy (copy, spec->data, spec->copy_size);
  return TRUE;
}

/* Makes `job` a member.  Takes `task` and `context`. */
static inline void
job_join (CoroJob            *job,
          CoroSupervisor     *supervisor,
          const CoroTaskSpec *spec,
          CoroTask           *task,
          CoroContextValue   *context,
          CoroPriority        priority)
{
  if (supervisor->n_members++ == 0)
    coro_supervisor_fill (supervisor);
  coro_scope_add_member (&supervisor->scope, job);
  job->supervisor = supervisor;
  job->context = context;
  if (G_UNLIKELY (priority != CORO_PRIORITY_DEFAULT))
    job->priority = priority;
  job->func = G_CALLBACK (spec->func);
  job->destroy = spec->destroy;
  job->site = spec->site;
  job->task = task;
  if (task != NULL)
    task->job = job;
  if (G_UNLIKELY (supervisor->scope.scheduler->observer != NULL))
    supervisor->scope.scheduler->observer->created (supervisor->scope.scheduler->observer, job);
}

static inline void
job_begin (CoroJob            *job,
           CoroSupervisor     *supervisor,
           const CoroTaskSpec *spec)
{
  if (!supervisor->klass->admit (supervisor, job))
    return;
  if (!spec->eager || !coro_scheduler_run_now (supervisor->scope.scheduler, job))
    coro_job_make_ready (job);
}

/* Starts a coroutine, on the scheduler's thread.  Takes `task` and `context`. */
static void
task_start (CoroSupervisor     *supervisor,
            const CoroTaskSpec *spec,
            CoroTask           *task,
            CoroContextValue   *context,
            CoroPriority        priority)
{
  CoroJob *job = task_job_new (supervisor);
  GError *error = NULL;

  job->data = spec->data;
  job_join (job, supervisor, spec, task, context, priority);
  if (spec->copy_size > 0 && !job_take_copy (job, spec, &error))
    coro_job_fail (job, error);
  else
    job_begin (job, supervisor, spec);
}

static void
task_reject_cb (gpointer data)
{
  CoroTaskMessage *self = data;

  coro_task_reject_spec (&self->spec);
  if (self->task != NULL)
    coro_future_set_cancelled (CORO_FUTURE (self->task),
                               g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The main context has ended"));
  g_clear_object (&self->task);
  coro_context_value_unref (self->context);
  g_free (self);
}

/* The supervisor need not wait for this member any more. */
static void
task_message_release (CoroTaskMessage *self)
{
  g_atomic_int_add (&self->supervisor->n_posted, -1);
  if (self->keeps)
    self->supervisor->klass->unref (self->supervisor);
}

static void
task_start_cb (CoroMessage *message)
{
  CoroTaskMessage *self = (CoroTaskMessage *) message;

  if (self->spec.copy_size > 0)
    self->spec.data = self->copy;
  if (G_UNLIKELY (self->scheduler->closed))
    {
      if (self->keeps)
        task_message_release (self);
      coro_call_on_thread_stack (task_reject_cb, self);
      return;
    }

  task_start (self->supervisor, &self->spec, self->task, self->context, self->priority);
  task_message_release (self);
  g_free (self);
}

/* What a coroutine has from its spawner. */
static inline CoroContextValue *
dup_context (CoroPriority *priority)
{
  CoroJob *job = coro_scheduler_current != NULL ? coro_scheduler_current->running : NULL;

  if (G_LIKELY (job != NULL))
    {
      *priority = job->priority;
      return job->context != NULL ? coro_context_value_ref (job->context) : NULL;
    }

  *priority = coro_scheduler_get_caller_priority ();
  return coro_context_dup_current ();
}

/* FALSE: the supervisor takes no more members, and nothing was done. */
static gboolean
task_spawn (CoroSupervisor     *supervisor,
            const CoroTaskSpec *spec,
            CoroTask           *task)
{
  CoroScheduler *scheduler = coro_supervisor_get_scheduler (supervisor);
  CoroTaskMessage *message;
  CoroPriority priority;
  CoroContextValue *context = dup_context (&priority);

  if (task != NULL)
    task->priority = priority;
  if (G_LIKELY (coro_scheduler_is_mine (scheduler)) || (spec->eager && coro_scheduler_claim (scheduler)))
    {
      task_start (supervisor, spec, task, context, priority);
      return TRUE;
    }
  if (!coro_supervisor_announce (supervisor))
    {
      coro_context_value_unref (context);
      return FALSE;
    }

  message = g_malloc0 (sizeof (CoroTaskMessage) + spec->copy_size);
  message->message.handle = task_start_cb;
  message->task = task;
  message->supervisor = supervisor;
  message->scheduler = scheduler;
  message->context = context;
  message->priority = priority;
  message->spec = *spec;
  message->spec.eager = FALSE;
  if (spec->copy_size > 0)
    memcpy (message->copy, spec->data, spec->copy_size);
  message->keeps = supervisor->klass->ref != NULL;
  if (message->keeps)
    supervisor->klass->ref (supervisor);
  coro_scheduler_post (scheduler, &message->message);
  return TRUE;
}

/* Runs a coroutine without a handle.  From any thread.  FALSE: the supervisor takes no members any
 * more, and the spec stays the caller's. */
gboolean
coro_task_spawn (CoroSupervisor     *supervisor,
                 const CoroTaskSpec *spec)
{
  return task_spawn (supervisor, spec, NULL);
}

/* Runs a coroutine from any thread, and returns its handle (transfer full) (nullable), which belongs
 * to the coroutine's thread. */
CoroTask *
coro_task_spawn_task (CoroSupervisor     *supervisor,
                      const CoroTaskSpec *spec)
{
  CoroTask *task = coro_task_new (coro_supervisor_get_scheduler (supervisor));

  task->site = spec->site;
  if (task_spawn (supervisor, spec, g_object_ref (task)))
    return task;

  g_object_unref (task);
  g_object_unref (task);
  return NULL;
}

/* Runs a coroutine with a copy of its arguments, from the supervisor's thread only.  FALSE with
 * CORO_ERROR_NO_STACK: no member has failed, and the arguments are still the caller's. */
gboolean
coro_task_try_spawn (CoroSupervisor      *supervisor,
                     const CoroTaskSpec  *spec,
                     GError             **error)
{
  CoroJob *job = task_job_new (supervisor);
  CoroPriority priority;
  CoroContextValue *context;

  g_assert (spec->copy_size > 0 && coro_scheduler_is_mine (coro_supervisor_get_scheduler (supervisor)));

  if (!job_take_copy (job, spec, error))
    {
      coro_job_free (job);
      return FALSE;
    }

  context = dup_context (&priority);
  job_join (job, supervisor, spec, NULL, context, priority);
  job_begin (job, supervisor, spec);
  return TRUE;
}

/* --- unread errors ---------------------------------------------------------------- */

static void
reporter_unref (CoroSupervisor *reporter)
{
  if (reporter != NULL)
    reporter->klass->unref (reporter);
}

static void
task_report_free (CoroTaskReport *self)
{
  reporter_unref (self->reporter);
  g_object_unref (self->scheduler);
  g_error_free (self->error);
  g_free (self->name);
  g_free (self);
}

static void
task_report_call_cb (CoroReady *ready)
{
  CoroTaskReport *self = (CoroTaskReport *) ready;
  CoroSupervisor *reporter = self->reporter != NULL ? self->reporter : self->scheduler->supervisor;

  reporter->klass->report (reporter, self->error, self->name, self->site);
  task_report_free (self);
}

static void
warn_unread (const char   *name,
             const GError *error)
{
  g_warning ("%s failed, and its error was never retrieved: %s", name, error->message);
}

static void
task_report_drop_cb (CoroReady *ready)
{
  CoroTaskReport *self = (CoroTaskReport *) ready;

  warn_unread (self->name, self->error);
  task_report_free (self);
}

static const CoroReadyClass task_report_class = { task_report_call_cb, task_report_drop_cb };

static void
task_report_message_cb (CoroMessage *message)
{
  CoroTaskReport *self = CORO_CONTAINER_OF (message, CoroTaskReport, message);

  coro_scheduler_push (self->scheduler, &self->ready);
}

/* Reports from a finaliser, where no code of others may run. */
static void
task_report (CoroTask     *self,
             const GError *error)
{
  CoroScheduler *scheduler = coro_future_get_scheduler (CORO_FUTURE (self));
  CoroTaskReport *report;

  if (scheduler->closed || scheduler->supervisor == NULL)
    {
      warn_unread (coro_task_get_name (self), error);
      return;
    }

  report = g_new0 (CoroTaskReport, 1);
  report->ready.klass = &task_report_class;
  report->message.handle = task_report_message_cb;
  report->scheduler = g_object_ref (scheduler);
  report->reporter = g_steal_pointer (&self->reporter);
  report->error = g_error_copy (error);
  coro_observer_note_error (self, report->error, FALSE);
  report->name = g_strdup (coro_task_get_name (self));
  report->site = self->site;
  coro_scheduler_post (scheduler, &report->message);
}

/* --- object ----------------------------------------------------------------------- */

static gboolean
coro_task_real_cancel (CoroFuture *future)
{
  return coro_task_cancel (CORO_TASK (future));
}

static void
coro_task_finalize (GObject *object)
{
  CoroTask *self = CORO_TASK (object);
  CoroFuture *future = CORO_FUTURE (self);

  coro_future_acquire (self);
  if (coro_future_get_state (future) == CORO_FUTURE_REJECTED && !coro_future_is_observed (future))
    task_report (self, coro_future_get_error (future));
  reporter_unref (self->reporter);
  g_free (self->name);

  G_OBJECT_CLASS (coro_task_parent_class)->finalize (object);
}

static void
coro_task_get_property (GObject    *object,
                        guint       property_id,
                        GValue     *value,
                        GParamSpec *pspec)
{
  CoroTask *self = CORO_TASK (object);

  switch (property_id)
    {
    case PROP_PRIORITY:
      g_value_set_enum (value, coro_task_get_priority (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
coro_task_set_property (GObject      *object,
                        guint         property_id,
                        const GValue *value,
                        GParamSpec   *pspec)
{
  CoroTask *self = CORO_TASK (object);

  switch (property_id)
    {
    case PROP_PRIORITY:
      coro_task_set_priority (self, g_value_get_enum (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
coro_task_class_init (CoroTaskClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = coro_task_finalize;
  object_class->get_property = coro_task_get_property;
  object_class->set_property = coro_task_set_property;
  CORO_FUTURE_CLASS (klass)->cancel = coro_task_real_cancel;
  CORO_FUTURE_CLASS (klass)->cancel_anywhere = coro_task_real_cancel;

  /**
   * CoroTask:priority: (attributes org.gtk.Property.get=coro_task_get_priority org.gtk.Property.set=coro_task_set_priority)
   *
   * Which coroutines come first when several are ready to run.
   *
   * Since: 0.1
   */
  properties[PROP_PRIORITY] =
    g_param_spec_enum ("priority", NULL, NULL, CORO_TYPE_PRIORITY, CORO_PRIORITY_DEFAULT,
                       G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
coro_task_init (CoroTask *self)
{
  self->id = g_atomic_int_add (&last_id, 1) + 1;
  self->posted_priority = -1;
}

/* The handle of a coroutine, made if it was spawned without.  Transfer none. */
static CoroTask *
task_for_job (CoroJob *job)
{
  if (job->task == NULL)
    {
      CoroTask *task = coro_task_new (coro_job_get_scheduler (job));

      task->job = job;
      task->site = job->site;
      job->task = task;
    }
  return job->task;
}

/* A handle for a coroutine of `scheduler`, wherever it is made. */
CoroTask *
coro_task_new (CoroScheduler *scheduler)
{
  CoroTask *self = g_object_new (CORO_TYPE_TASK, NULL);

  coro_future_set_scheduler (CORO_FUTURE (self), scheduler);
  return self;
}

/**
 * coro_task_get_current:
 *
 * Gets the handle of the running coroutine.
 *
 * One is made if the coroutine was spawned without.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (nullable) (transfer none): the task; %NULL outside a coroutine
 *
 * Since: 0.1
 */
CoroTask *
coro_task_get_current (void)
{
  CoroJob *job = coro_job_get_running ();

  return job != NULL ? task_for_job (job) : NULL;
}

static void
collect_task_cb (CoroJob  *job,
                 gpointer  user_data)
{
  GList **tasks = user_data;

  if (job->func != NULL)
    *tasks = g_list_prepend (*tasks, g_object_ref (task_for_job (job)));
}

/**
 * coro_all_tasks:
 * @scheduler: (nullable): a scheduler; %NULL: the one that runs, else that of
 *   the thread-default main context
 *
 * Lists the coroutines that were spawned and have not ended, in no particular
 * order.
 *
 * Handles are made for those that were spawned without.
 *
 * Callable from the scheduler's thread; never suspends.
 *
 * Returns: (transfer full) (element-type CoroTask): the tasks
 *
 * Since: 0.1
 */
GList *
coro_all_tasks (CoroScheduler *scheduler)
{
  GList *tasks = NULL;

  g_return_val_if_fail (scheduler == NULL || CORO_IS_SCHEDULER (scheduler), NULL);

  if (scheduler == NULL)
    scheduler = coro_scheduler_get_current ();

  coro_scheduler_catch_up (scheduler);
  coro_scheduler_foreach_job (scheduler, collect_task_cb, &tasks);
  return tasks;
}

/* Takes one of the posted requests.  FALSE: all of them were taken back. */
static gboolean
task_take_posted_cancel (CoroTask *self)
{
  int n_posted;

  do
    {
      n_posted = g_atomic_int_get (&self->n_posted);
      if (n_posted == 0)
        return FALSE;
    }
  while (!g_atomic_int_compare_and_exchange (&self->n_posted, n_posted, n_posted - 1));
  return TRUE;
}

static void
task_cancel_cb (CoroMessage *message)
{
  CoroTaskMessage *self = (CoroTaskMessage *) message;

  if (task_take_posted_cancel (self->task) && self->task->job != NULL)
    coro_job_request_cancel (self->task->job);
  g_object_unref (self->task);
  g_free (self);
}

static void
task_post_cancel (CoroTask *self)
{
  CoroTaskMessage *message = g_malloc0 (sizeof (CoroTaskMessage));

  message->message.handle = task_cancel_cb;
  message->task = g_object_ref (self);
  g_atomic_int_inc (&self->n_posted);
  coro_scheduler_post (coro_future_get_scheduler (CORO_FUTURE (self)), &message->message);
}

/* (nullable): NULL before it has started, in another thread, and once it has ended. */
CoroJob *
coro_task_get_job (CoroTask *self)
{
  return self->job;
}

/* Replaces the priority that is on its way to the task's thread; -1: none.  Returns the old one. */
int
coro_task_exchange_posted_priority (CoroTask *self,
                                    int       priority)
{
  return g_atomic_int_exchange (&self->posted_priority, priority);
}

/* Its handlers are code of others. */
void
coro_task_notify_priority (CoroTask *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PRIORITY]);
}

/**
 * coro_task_cancel:
 * @self: a task
 *
 * Asks the coroutine to stop.
 *
 * The current wait of the coroutine, or its next wait, fails with
 * %G_IO_ERROR_CANCELLED, once; see [iface@Awaitable]. The coroutine may clean up,
 * wait meanwhile, and even ignore the request. A coroutine that has not started
 * never starts, and its data is freed: it ends soon, even while it waits for its
 * place in a group with a limit.
 *
 * From another thread the request arrives when the scheduler of the task has its
 * next turn. A coroutine that computes without yielding sees the request only at
 * its next wait or [func@yield_if_needed], not in [func@check_cancelled].
 *
 * Callable from any thread; never suspends, and runs no foreign code.
 *
 * Returns: %FALSE if the coroutine had ended
 *
 * Since: 0.1
 */
gboolean
coro_task_cancel (CoroTask *self)
{
  g_return_val_if_fail (CORO_IS_TASK (self), FALSE);

  if (coro_future_is_done (CORO_FUTURE (self)))
    return FALSE;

  /* A task without a job is on its way to its thread, and the request is sent after it. */
  if (coro_scheduler_is_mine (coro_future_get_scheduler (CORO_FUTURE (self))) && self->job != NULL)
    coro_job_request_cancel (self->job);
  else
    task_post_cancel (self);
  return TRUE;
}

/**
 * coro_task_get_cancelling:
 * @self: a task
 *
 * Counts the requests of [method@Task.cancel] that were not taken back. Requests
 * of other threads count even if they have not reached the coroutine yet.
 *
 * Callable from the task's thread; never suspends.
 *
 * Returns: how many there are; 0 once the coroutine has ended
 *
 * Since: 0.1
 */
guint
coro_task_get_cancelling (CoroTask *self)
{
  g_return_val_if_fail (CORO_IS_TASK (self), 0);

  if (coro_future_is_done (CORO_FUTURE (self)))
    return 0;
  return (guint) g_atomic_int_get (&self->n_posted) + (self->job != NULL ? self->job->n_cancelling : 0);
}

/* A cancel has ended the wait for a place in the group, and was taken back before the coroutine's
 * turn came: the coroutine waits for a place once more. */
static void
job_wait_again (CoroJob *job)
{
  CoroSupervisor *supervisor = job->supervisor;

  if (job->state == CORO_JOB_NEW && !job->admitted && !job->cancel_level && coro_job_dequeue (job) &&
      supervisor->klass->admit (supervisor, job))
    coro_job_make_ready (job);
}

/**
 * coro_task_uncancel:
 * @self: a task
 *
 * Takes one request of [method@Task.cancel] back.
 *
 * With the last one, a request that was not delivered is dropped. A request of
 * another thread can be taken back before it has reached the coroutine. A
 * coroutine that waits for its place in a limited group goes to the end of the
 * line.
 *
 * Callable from the task's thread; never suspends.
 *
 * Returns: how many requests remain
 *
 * Since: 0.1
 */
guint
coro_task_uncancel (CoroTask *self)
{
  CoroJob *job;

  g_return_val_if_fail (CORO_IS_TASK (self), 0);

  job = self->job;
  if (job == NULL || job->n_cancelling == 0)
    task_take_posted_cancel (self);
  else if (--job->n_cancelling == 0)
    {
      job->cancel_pending = FALSE;
      job_wait_again (job);
    }
  return coro_task_get_cancelling (self);
}

/**
 * coro_task_get_coroutine_state:
 * @self: a task
 *
 * Gets what the coroutine is doing. [method@Future.get_state] says how it has
 * ended.
 *
 * Callable from the task's thread; never suspends.
 *
 * Returns: the state
 *
 * Since: 0.1
 */
CoroCoroutineState
coro_task_get_coroutine_state (CoroTask *self)
{
  g_return_val_if_fail (CORO_IS_TASK (self), CORO_COROUTINE_CLOSED);

  if (coro_future_is_done (CORO_FUTURE (self)))
    return CORO_COROUTINE_CLOSED;
  if (self->job == NULL || self->job->state == CORO_JOB_NEW)
    return CORO_COROUTINE_CREATED;
  return self->job->state == CORO_JOB_RUNNING ? CORO_COROUTINE_RUNNING : CORO_COROUTINE_SUSPENDED;
}

/**
 * coro_task_get_name:
 * @self: a task
 *
 * Gets the name for messages: `Task-` and a number until one is set.
 *
 * Callable from the task's thread; never suspends.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
coro_task_get_name (CoroTask *self)
{
  g_return_val_if_fail (CORO_IS_TASK (self), NULL);

  if (self->name == NULL)
    self->name = g_strdup_printf ("Task-%u", self->id);
  return self->name;
}

/**
 * coro_task_set_name:
 * @self: a task
 * @name: a name
 *
 * Sets the name for messages.
 *
 * Callable from the task's thread; never suspends.
 *
 * Since: 0.1
 */
void
coro_task_set_name (CoroTask   *self,
                    const char *name)
{
  g_return_if_fail (CORO_IS_TASK (self));

  g_free (self->name);
  self->name = g_strdup (name);
}

/**
 * coro_task_get_priority: (attributes org.gtk.Method.get_property=priority)
 * @self: a task
 *
 * Gets which coroutines this one comes before, and which it stands back for,
 * when several are ready to run.
 *
 * Callable from the task's thread; never suspends.
 *
 * Returns: the priority; what it was at last once the coroutine has ended
 *
 * Since: 0.1
 */
CoroPriority
coro_task_get_priority (CoroTask *self)
{
  int posted;

  g_return_val_if_fail (CORO_IS_TASK (self), CORO_PRIORITY_DEFAULT);

  posted = g_atomic_int_get (&self->posted_priority);
  if (posted >= 0 && !coro_future_is_done (CORO_FUTURE (self)))
    return (CoroPriority) posted;
  return self->job != NULL ? self->job->priority : self->priority;
}

/**
 * coro_task_get_spawn_site:
 * @self: a task
 *
 * Gets the function and the line of source that spawned the coroutine.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (nullable) (transfer none): the place
 *
 * Since: 0.1
 */
const char *
coro_task_get_spawn_site (CoroTask *self)
{
  g_return_val_if_fail (CORO_IS_TASK (self), NULL);

  return self->site;
}

/**
 * coro_task_get_scheduler:
 * @self: a task
 *
 * Gets the scheduler that runs the coroutine.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: (transfer none): the scheduler
 *
 * Since: 0.1
 */
CoroScheduler *
coro_task_get_scheduler (CoroTask *self)
{
  g_return_val_if_fail (CORO_IS_TASK (self), NULL);

  return coro_future_get_scheduler (CORO_FUTURE (self));
}
