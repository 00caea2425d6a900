/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "thread/coro-thread-job-private.h"

#include "base/coro-error.h"
#include "scheduler/coro-scheduler-private.h"

static void
make_cb (gpointer data)
{
  CoroThreadJob *self = data;

  self->klass->make (self);
}

static void
thread_job_run (CoroThreadPoolItem *item,
                gboolean            dropped)
{
  CoroThreadJob *self = (CoroThreadJob *) item;

  if (dropped)
    self->error = g_error_new_literal (CORO_ERROR, CORO_ERROR_CLOSED, "The executor was shut down");
  else if (!g_cancellable_set_error_if_cancelled (self->cancellable, &self->error))
    coro_context_call (self->context, make_cb, self);
  self->klass->ended (self);
}

void
coro_thread_job_init (CoroThreadJob            *self,
                      const CoroThreadJobClass *klass,
                      CoroThreadPool           *threads,
                      CoroContextValue         *context)
{
  *self = (CoroThreadJob) {
    .item.run = thread_job_run,
    .klass = klass,
    .threads = coro_thread_pool_ref (threads),
    .context = context,
    .cancellable = g_cancellable_new ()
  };
}

void
coro_thread_job_clear (CoroThreadJob *self)
{
  g_clear_error (&self->error);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->threads, coro_thread_pool_unref);
}

/* FALSE: it will never be made, nor end. */
gboolean
coro_thread_job_push (CoroThreadJob  *self,
                      GError        **error)
{
  return coro_thread_pool_push (self->threads, &self->item, error);
}

/* Takes back what waits for a thread: it will never be made, nor end.  FALSE: too late. */
gboolean
coro_thread_job_withdraw (CoroThreadJob *self)
{
  return coro_thread_pool_remove (self->threads, &self->item);
}

/* In a forked child: the thread is the parent's, and so is what it finds out. */
void
coro_thread_job_fail_in_fork_child (CoroThreadJob *self)
{
  g_clear_error (&self->error);
  self->error = g_error_new_literal (CORO_ERROR, CORO_ERROR_CLOSED, "The executor's threads are in the parent process");
  self->klass->ended (self);
}

static void
cancel_cb (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

/* Handlers of the cancellable run on the thread stack. */
void
coro_thread_job_cancel (CoroThreadJob *self)
{
  coro_call_on_thread_stack (cancel_cb, self->cancellable);
}
