/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "thread/coro-work-private.h"

#include "base/coro-container-private.h"
#include "base/coro-error.h"
#include "future/coro-future-private.h"
#include "thread/coro-thread-job-private.h"
#include "scheduler/coro-context-private.h"
#include "scheduler/coro-scheduler-private.h"

/* The future of a function that runs in a thread.
 *
 * It begins and ends in the thread of its scheduler, which counts it: the end of a run
 * waits for those that are left.  In between it belongs to the threads, or to the
 * caller that has taken it back from their queue. */

#define CORO_TYPE_WORK (coro_work_get_type ())
G_DECLARE_FINAL_TYPE (CoroWork, coro_work, CORO, WORK, CoroFuture)

typedef enum
{
  WORK_PENDING,
  WORK_ENDED,                   /* by the thread */
  WORK_ABANDONED                /* before */
} CoroWorkState;

struct _CoroWork
{
  CoroFuture parent_instance;

  CoroPendingWork pending;
  CoroThreadJob call;           /* holds a reference to us until the end */
  CoroMessage begun;            /* to the scheduler's thread */
  CoroMessage over;
  CoroMessage left;             /* by the thread, if it was abandoned */
  CoroReady ready;
  CoroReady leaving;
  CoroShutdown shutdown;        /* of what may be abandoned */
  gboolean listed;              /* that */
  gboolean abandon;
  gboolean heard;               /* that it is over */
  int state;                    /* (atomic): CoroWorkState */

  CoroWorkFunc func;
  gpointer user_data;
  GDestroyNotify destroy;       /* (nullable) */
  CoroContextValue *context;    /* (nullable) (owned): the submitter's */
  GValue value;                 /* written by the thread before the end, like the call's error */
};

G_DEFINE_FINAL_TYPE (CoroWork, coro_work, CORO_TYPE_FUTURE)

/* Frees what was given along; once. */
static void
work_free_data (CoroWork *self)
{
  GDestroyNotify destroy = g_steal_pointer (&self->destroy);

  if (destroy != NULL)
    destroy (self->user_data);
}

/* --- in the scheduler's thread ----------------------------------------------------- */

static void
work_unlist (CoroWork *self)
{
  if (self->listed)
    coro_scheduler_remove_shutdown (coro_future_get_scheduler (CORO_FUTURE (self)), &self->shutdown);
  self->listed = FALSE;
}

/* The end of a run does not wait for it. */
static void
work_shutdown_run (CoroShutdown *shutdown)
{
  CoroWork *self = CORO_CONTAINER_OF (shutdown, CoroWork, shutdown);

  work_unlist (self);
  coro_future_cancel (CORO_FUTURE (self));
}

static void work_fork_child_cb (CoroPendingWork *pending);

static void
work_begin (CoroWork *self)
{
  CoroScheduler *scheduler = coro_future_get_scheduler (CORO_FUTURE (self));

  coro_pending_work_begin (&self->pending, scheduler, work_fork_child_cb);
  if (!self->abandon)
    return;

  self->shutdown.name = "a function in a thread";
  self->shutdown.run = work_shutdown_run;
  self->listed = TRUE;
  coro_scheduler_add_shutdown (scheduler, &self->shutdown);
}

static void
work_begun_cb (CoroMessage *message)
{
  CoroWork *self = CORO_CONTAINER_OF (message, CoroWork, begun);

  work_begin (self);
  g_object_unref (self);
}

/* On the thread stack, because code of others runs in here. */
static void
work_finish_cb (CoroReady *ready)
{
  CoroWork *self = CORO_CONTAINER_OF (ready, CoroWork, ready);
  CoroFuture *future = CORO_FUTURE (self);
  CoroScheduler *scheduler = coro_future_get_scheduler (future);

  coro_pending_work_end (&self->pending, scheduler);
  work_unlist (self);

  if (g_atomic_int_get (&self->state) == WORK_ENDED)
    {
      work_free_data (self);
      if (self->call.error == NULL)
        coro_future_take_result (future, &self->value);
      else if (coro_error_is_cancelled (self->call.error))
        coro_future_set_cancelled (future, g_steal_pointer (&self->call.error));
      else
        coro_future_reject (future, g_steal_pointer (&self->call.error));
    }
  g_object_unref (self);
}

/* The thread has finished an abandoned function.  The result is freed in the scheduler's thread,
 * like every result. */
static void
work_leave_cb (CoroReady *ready)
{
  CoroWork *self = CORO_CONTAINER_OF (ready, CoroWork, leaving);

  work_free_data (self);
  if (G_IS_VALUE (&self->value))
    g_value_unset (&self->value);
  g_object_unref (self);
}

static const CoroReadyClass leaving_class = { work_leave_cb, work_leave_cb };

static void
work_left_cb (CoroMessage *message)
{
  CoroWork *self = CORO_CONTAINER_OF (message, CoroWork, left);

  coro_scheduler_push (coro_future_get_scheduler (CORO_FUTURE (self)), &self->leaving);
}

/* A scheduler waits for its functions in threads before it ends, and if it cannot, leaves what
 * they have written to them. */
static const CoroReadyClass ready_class = { work_finish_cb, work_finish_cb };

static void
work_over_cb (CoroMessage *message)
{
  CoroWork *self = CORO_CONTAINER_OF (message, CoroWork, over);

  if (self->heard)
    return;                     /* of a child that has lost the thread, and said so already */
  self->heard = TRUE;
  coro_scheduler_push (coro_future_get_scheduler (CORO_FUTURE (self)), &self->ready);
}

/* If the thread was done, it may not have come to say so. */
static void
work_fork_child_cb (CoroPendingWork *pending)
{
  CoroWork *self = CORO_CONTAINER_OF (pending, CoroWork, pending);

  if (g_atomic_int_get (&self->state) == WORK_PENDING)
    coro_thread_job_fail_in_fork_child (&self->call);
  else if (!self->heard)
    work_over_cb (&self->over);
}

/* From any thread.  Takes a reference. */
static void
work_post_over (CoroWork *self)
{
  coro_scheduler_post (coro_future_get_scheduler (CORO_FUTURE (self)), &self->over);
}

/* --- in a thread ------------------------------------------------------------------- */

static void
work_make (CoroThreadJob *call)
{
  CoroWork *self = CORO_CONTAINER_OF (call, CoroWork, call);
  gboolean ok = self->func (self->user_data, call->cancellable, &self->value, &call->error);

  if (!ok && call->error == NULL)
    {
      g_critical ("A function in a thread returned FALSE and did not set an error");
      call->error = g_error_new_literal (CORO_ERROR, CORO_ERROR_NO_RESULT, "A function failed and did not say why");
    }
}

static void
work_ended (CoroThreadJob *call)
{
  CoroWork *self = CORO_CONTAINER_OF (call, CoroWork, call);

  if (g_atomic_int_compare_and_exchange (&self->state, WORK_PENDING, WORK_ENDED))
    work_post_over (self);
  else
    coro_scheduler_post (coro_future_get_scheduler (CORO_FUTURE (self)), &self->left);
}

static const CoroThreadJobClass work_call_class = { work_make, work_ended };

/* --- cancelling, in any thread ----------------------------------------------------- */

static gboolean
work_set_cancelled (CoroWork *self)
{
  return coro_future_set_cancelled (CORO_FUTURE (self), g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                                                             "The function was cancelled"));
}

static gboolean
coro_work_cancel (CoroFuture *future)
{
  CoroWork *self = CORO_WORK (future);

  if (coro_future_is_done (future))
    return FALSE;

  if (coro_thread_job_withdraw (&self->call))
    {
      g_atomic_int_set (&self->state, WORK_ENDED);
      self->call.error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The function was cancelled");
      work_set_cancelled (self);
      work_post_over (self);
      return TRUE;
    }

  if (self->abandon && g_atomic_int_compare_and_exchange (&self->state, WORK_PENDING, WORK_ABANDONED))
    {
      g_object_ref (self);
      work_set_cancelled (self);
      work_post_over (self);
    }

  coro_thread_job_cancel (&self->call);
  return TRUE;
}

/* --- object ------------------------------------------------------------------------ */

static void
coro_work_finalize (GObject *object)
{
  CoroWork *self = CORO_WORK (object);

  if (G_IS_VALUE (&self->value))
    g_value_unset (&self->value);
  coro_thread_job_clear (&self->call);
  coro_context_value_unref (self->context);

  G_OBJECT_CLASS (coro_work_parent_class)->finalize (object);
}

static void
coro_work_class_init (CoroWorkClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = coro_work_finalize;
  CORO_FUTURE_CLASS (klass)->cancel = coro_work_cancel;
  CORO_FUTURE_CLASS (klass)->cancel_anywhere = coro_work_cancel;
}

static void
coro_work_init (CoroWork *self)
{
  self->begun.handle = work_begun_cb;
  self->over.handle = work_over_cb;
  self->left.handle = work_left_cb;
  self->ready.klass = &ready_class;
  self->leaving.klass = &leaving_class;
}

static void
work_free_data_cb (gpointer work)
{
  work_free_data (work);
}

/* Transfer full.  A future that has failed already where there are no threads any more. */
CoroFuture *
coro_work_submit (CoroThreadPool *threads,
                  gboolean        abandon,
                  CoroWorkFunc    func,
                  gpointer        user_data,
                  GDestroyNotify  destroy)
{
  CoroWork *self = g_object_new (CORO_TYPE_WORK, NULL);
  CoroScheduler *scheduler = coro_future_get_scheduler (CORO_FUTURE (self));
  GError *error = NULL;

  self->abandon = abandon;
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  self->context = coro_context_dup_current ();
  coro_thread_job_init (&self->call, &work_call_class, threads, self->context);

  /* Told before the end is, whose message comes after this one. */
  g_object_ref (self);
  if (coro_scheduler_is_mine (scheduler))
    work_begun_cb (&self->begun);
  else
    coro_scheduler_post (scheduler, &self->begun);

  g_object_ref (self);
  if (!coro_thread_job_push (&self->call, &error))
    {
      g_atomic_int_set (&self->state, WORK_ENDED);
      coro_call_on_thread_stack (work_free_data_cb, self);
      coro_future_reject (CORO_FUTURE (self), error);
      work_post_over (self);
    }
  return CORO_FUTURE (self);
}
