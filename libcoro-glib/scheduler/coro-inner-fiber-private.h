/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include "fiber/coro-fiber-private.h"
#include "scheduler/coro-job-private.h"

G_BEGIN_DECLS

/* A body with a stack of its own that a caller resumes: it runs on the caller's behalf from
 * one yield to the next.  Resumed by a coroutine, the body is that coroutine meanwhile: it has the
 * task, the scopes and the place in the queue.  Resumed by other code, it cannot wait. */
typedef struct
{
  CoroFiber fiber;              /* the body's */
  CoroFiber caller;             /* the one that resumes it */
  CoroStackPool *pool;          /* (unowned) */
  void (*func) (gpointer data);
  gpointer data;
  gboolean started;
  gboolean ended;
} CoroInnerFiber;

gboolean coro_inner_fiber_start  (CoroInnerFiber  *self,
                                  CoroStackPool   *pool,
                                  void           (*func) (gpointer data),
                                  gpointer         data,
                                  GError         **error);
void     coro_inner_fiber_resume (CoroInnerFiber  *self);
void     coro_inner_fiber_yield  (CoroInnerFiber  *self);

/* Whether the caller is running in the body. */
static inline gboolean
coro_inner_fiber_is_inside (const CoroInnerFiber *self)
{
  return self->started && !self->ended &&
         coro_stack_contains (self->fiber.stack, __builtin_frame_address (0));
}

G_END_DECLS
