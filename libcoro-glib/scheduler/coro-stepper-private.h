/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "fiber/coro-fiber-private.h"
#include "scheduler/coro-job-private.h"

G_BEGIN_DECLS

/* A body with a stack of its own that a caller steps: it runs on the caller's behalf from
 * one pause to the next.  Stepped by a coroutine, it is that coroutine meanwhile: its
 * task, its scopes, its place in the queue.  Stepped by other code, it cannot wait. */
typedef struct
{
  CoroFiber fiber;              /* the body's */
  CoroFiber caller;             /* the one that steps it */
  CoroStackPool *pool;          /* (unowned) */
  void (*func) (gpointer data);
  gpointer data;
  gboolean started;
  gboolean ended;
} CoroStepper;

gboolean coro_stepper_start (CoroStepper   *self,
                             CoroStackPool *pool,
                             void         (*func) (gpointer data),
                             gpointer       data,
                             GError       **error);
void     coro_stepper_step  (CoroStepper   *self);
void     coro_stepper_pause (CoroStepper   *self);

/* Whether the caller is running in the body. */
static inline gboolean
coro_stepper_is_inside (const CoroStepper *self)
{
  return self->started && !self->ended &&
         coro_stack_contains (self->fiber.stack, __builtin_frame_address (0));
}

G_END_DECLS
