/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "scheduler/coro-stepper-private.h"

#include "scheduler/coro-scheduler-private.h"

static void
stepper_main (gpointer argument)
{
  CoroStepper *self = argument;

  coro_fiber_arrived (&self->fiber);
  self->func (self->data);
  self->ended = TRUE;
  coro_fiber_switch_last (&self->fiber, &self->caller);
}

/* Gets the body a stack from `pool`.  Nothing runs yet. */
gboolean
coro_stepper_start (CoroStepper   *self,
                    CoroStackPool *pool,
                    void         (*func) (gpointer data),
                    gpointer       data,
                    GError       **error)
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
  coro_fiber_init (&self->fiber, stack, 0, stepper_main, self);
  return TRUE;
}

/* Runs the body until it pauses or ends.  Should it wait meanwhile, the stepping coroutine
 * waits: where that coroutine is parked, is where its body is. */
void
coro_stepper_step (CoroStepper *self)
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
      coro_fiber_init_native (&self->caller);
    }

  coro_fiber_switch (&self->caller, &self->fiber);

  if (job != NULL)
    job->fiber = self->caller;
  if (self->ended)
    coro_stack_pool_give_deferred (self->pool, stack);
}

/* Gives control back to the caller of the step, from inside the body. */
void
coro_stepper_pause (CoroStepper *self)
{
  coro_fiber_switch (&self->fiber, &self->caller);
}
