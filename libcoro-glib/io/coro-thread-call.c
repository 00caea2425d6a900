/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "io/coro-thread-call-private.h"

#include "fiber/coro-error.h"
#include "scheduler/coro-scheduler-private.h"

static void
make_cb (gpointer data)
{
  CoroThreadCall *self = data;

  self->klass->make (self);
}

static void
thread_call_run (CoroThreadItem *item,
                 gboolean        dropped)
{
  CoroThreadCall *self = (CoroThreadCall *) item;

  if (dropped)
    self->error = g_error_new_literal (CORO_ERROR, CORO_ERROR_CLOSED, "The executor was shut down");
  else if (!g_cancellable_set_error_if_cancelled (self->cancellable, &self->error))
    coro_context_call (self->context, make_cb, self);
  self->klass->ended (self);
}

void
coro_thread_call_init (CoroThreadCall            *self,
                       const CoroThreadCallClass *klass,
                       CoroThreads               *threads,
                       CoroContextValue               *context)
{
  *self = (CoroThreadCall) {
    .item.run = thread_call_run,
    .klass = klass,
    .threads = coro_threads_ref (threads),
    .context = context,
    .cancellable = g_cancellable_new ()
  };
}

void
coro_thread_call_clear (CoroThreadCall *self)
{
  g_clear_error (&self->error);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->threads, coro_threads_unref);
}

/* FALSE: it will never be made, nor end. */
gboolean
coro_thread_call_push (CoroThreadCall  *self,
                       GError         **error)
{
  return coro_threads_push (self->threads, &self->item, error);
}

/* Takes back what waits for a thread: it will never be made, nor end.  FALSE: too late. */
gboolean
coro_thread_call_withdraw (CoroThreadCall *self)
{
  return coro_threads_remove (self->threads, &self->item);
}

/* In a forked child: the thread is the parent's, and so is what it finds out. */
void
coro_thread_call_fail_in_fork_child (CoroThreadCall *self)
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
coro_thread_call_cancel (CoroThreadCall *self)
{
  coro_call_on_thread_stack (cancel_cb, self->cancellable);
}
