/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-inner-fiber-private.h"

#include "scheduler/coro-scheduler-private.h"

static void
inner_fiber_main (gpointer argument)
{
  CoroInnerFiber *self = argument;

  coro_fiber_arrived (&self->fiber);
  self->func (self->data);
  self->ended = TRUE;
  coro_fiber_switch_last (&self->fiber, &self->caller);
}

/* Gets the body a stack from `pool`.  Nothing runs yet. */
gboolean
coro_inner_fiber_start (CoroInnerFiber  *self,
                        CoroStackPool   *pool,
                        void           (*func) (gpointer data),
                        gpointer         data,
                        GError         **error)
{
  CoroStack *stack;

  g_assert (!self->started);

  stack = coro_stack_take_for_caller (pool, error);
  if (stack == NULL)
    return FALSE;

  self->pool = pool;
  self->func = func;
  self->data = data;
  self->started = TRUE;
  coro_fiber_init (&self->fiber, stack, 0, inner_fiber_main, self);
  return TRUE;
}

/* Runs the body until it yields or ends.  If it waits meanwhile, the resuming coroutine
 * waits, parked on the stack of the body. */
void
coro_inner_fiber_resume (CoroInnerFiber *self)
{
  CoroJob *job = coro_job_get_running ();
  CoroStack *stack = self->fiber.stack;

  g_assert (self->started && !self->ended);

  if (job != NULL)
    {
      self->caller = job->fiber;
      job->fiber = self->fiber;
    }
  else
    {
      coro_fiber_init_thread (&self->caller);
    }

  coro_fiber_switch (&self->caller, &self->fiber);

  if (job != NULL)
    job->fiber = self->caller;
  if (self->ended)
    coro_stack_pool_give_deferred (self->pool, stack);
}

/* Gives control back to the caller of the resume, from inside the body. */
void
coro_inner_fiber_yield (CoroInnerFiber *self)
{
  coro_fiber_switch (&self->fiber, &self->caller);
}
