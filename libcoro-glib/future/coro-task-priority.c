/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "future/coro-task-private.h"

#include "base/coro-container-private.h"
#include "future/coro-future-private.h"
#include "scheduler/coro-scheduler-private.h"

/* A priority that another thread has set. */
typedef struct
{
  CoroMessage message;          /* first */
  CoroReady ready;
  CoroTask *task;               /* (owned): which knows the priority */
} CoroTaskPriorityMessage;

static void
message_free (CoroTaskPriorityMessage *self)
{
  g_object_unref (self->task);
  g_free (self);
}

static void
notify_call_cb (CoroReady *ready)
{
  CoroTaskPriorityMessage *self = CORO_CONTAINER_OF (ready, CoroTaskPriorityMessage, ready);

  coro_task_notify_priority (self->task);
  message_free (self);
}

static void
notify_drop_cb (CoroReady *ready)
{
  message_free (CORO_CONTAINER_OF (ready, CoroTaskPriorityMessage, ready));
}

static const CoroReadyClass notify_class = { notify_call_cb, notify_drop_cb };

/* Handlers of the notification are called later: nothing of others runs in between messages. */
static void
set_priority_message_cb (CoroMessage *message)
{
  CoroTaskPriorityMessage *self = (CoroTaskPriorityMessage *) message;
  CoroJob *job = coro_task_get_job (self->task);
  int priority = coro_task_exchange_posted_priority (self->task, -1);

  if (job == NULL || priority < 0 || job->priority == (CoroPriority) priority)
    {
      message_free (self);
      return;
    }

  coro_job_set_priority (job, (CoroPriority) priority);
  self->ready.klass = &notify_class;
  coro_scheduler_push (coro_job_get_scheduler (job), &self->ready);
}

static void
task_post_priority (CoroTask     *self,
                    CoroPriority  priority)
{
  CoroTaskPriorityMessage *message = g_new0 (CoroTaskPriorityMessage, 1);

  message->message.handle = set_priority_message_cb;
  message->task = g_object_ref (self);
  coro_task_exchange_posted_priority (self, (int) priority);
  coro_scheduler_post (coro_future_get_scheduler (CORO_FUTURE (self)), &message->message);
}

/**
 * coro_task_set_priority: (attributes org.gtk.Method.set_property=priority)
 * @self: a task
 * @priority: the new priority
 *
 * Sets the priority of a coroutine. Among coroutines that are ready to run, a
 * higher priority comes first.
 *
 * The new priority counts from now on: a coroutine that is ready becomes the
 * last one of its new priority. A spawned coroutine inherits the priority of the
 * coroutine that spawns it, and has %CORO_PRIORITY_DEFAULT if it is spawned
 * outside a coroutine; to start with another priority, set it right after
 * spawning. Members that wait for the limit of their group start in the order of
 * spawning, whatever their priorities. Once the coroutine has ended, nothing
 * happens.
 *
 * High priority is for short work that must not wait behind a crowd: the
 * answer to a user's input, while a thousand coroutines work in the
 * background. Low priority is for work that only uses spare time.
 *
 * Callable from any thread; never suspends. From another thread than the
 * task's, or before the task's scheduler has run for the first time, the
 * priority takes effect when the scheduler runs next.
 *
 * Since: 0.1
 */
void
coro_task_set_priority (CoroTask     *self,
                        CoroPriority  priority)
{
  CoroJob *job;

  g_return_if_fail (CORO_IS_TASK (self));
  g_return_if_fail (priority <= CORO_PRIORITY_LOW);

  if (coro_future_is_done (CORO_FUTURE (self)))
    return;

  /* A task without a job is on its way to its thread, and the priority is sent after it. */
  job = coro_scheduler_is_mine (coro_future_get_scheduler (CORO_FUTURE (self))) ? coro_task_get_job (self) : NULL;
  if (job == NULL)
    {
      task_post_priority (self, priority);
      return;
    }

  coro_task_exchange_posted_priority (self, -1);        /* it was set before this one */
  if (job->priority == priority)
    return;

  coro_job_set_priority (job, priority);
  coro_call_on_thread_stack ((CoroThreadStackFunc) coro_task_notify_priority, self);
}

/**
 * coro_set_priority:
 * @priority: the new priority
 *
 * Sets the priority of the running coroutine, as [method@Task.set_priority]
 * does, without making a handle.
 *
 * The coroutine runs on; the priority decides when it is its turn after the
 * next wait.
 *
 * Callable from a coroutine; never suspends.
 *
 * Since: 0.1
 */
void
coro_set_priority (CoroPriority priority)
{
  CoroJob *job = coro_job_get_running ();

  g_return_if_fail (job != NULL);
  g_return_if_fail (priority <= CORO_PRIORITY_LOW);

  if (job->task != NULL)
    coro_task_set_priority (job->task, priority);
  else
    coro_job_set_priority (job, priority);
}

/**
 * coro_get_priority:
 *
 * Gets the priority of the running coroutine. Coroutines that it spawns inherit
 * this priority.
 *
 * Callable from any thread; never suspends.
 *
 * Returns: the priority; %CORO_PRIORITY_DEFAULT outside a coroutine
 *
 * Since: 0.1
 */
CoroPriority
coro_get_priority (void)
{
  return coro_scheduler_get_caller_priority ();
}
