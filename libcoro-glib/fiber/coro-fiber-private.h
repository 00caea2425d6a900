/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

#include <glib.h>

#include "fiber/coro-exceptions-private.h"
#include "fiber/coro-stack-private.h"
#include "fiber/coro-switch-private.h"

#if defined (__SANITIZE_ADDRESS__)
# define CORO_ASAN 1
#elif defined (__has_feature)
# if __has_feature (address_sanitizer)
#  define CORO_ASAN 1
# endif
#endif
#if defined (__SANITIZE_THREAD__)
# define CORO_TSAN 1
#elif defined (__has_feature)
# if __has_feature (thread_sanitizer)
#  define CORO_TSAN 1
# endif
#endif

G_BEGIN_DECLS

/* A fiber is a parked stack: either one of ours, or a place on a thread stack
 * (a *native* fiber) to which a switch will come back.  It knows no main loop. */
typedef struct
{
  gpointer sp;                  /* where it is parked; meaningless while it runs */
  CoroStack *stack;             /* (unowned) (nullable): NULL for a native fiber */
#ifdef CORO_ASAN
  gpointer asan_fake_stack;
  gconstpointer asan_bottom;
  gsize asan_size;
#endif
#ifdef CORO_TSAN
  gpointer tsan_fiber;          /* (owned) unless native */
#endif
} CoroFiber;

typedef void (*CoroFiberFunc) (gpointer argument);
typedef const CoroStack *(*CoroFiberRunningFunc) (const char **name);

/* Set by the layer that knows: the stack that the calling thread runs on, NULL for the
 * thread's own, and what to call the coroutine on it (nullable).  Called in a signal
 * handler: it must take no lock and allocate nothing. */
extern CoroFiberRunningFunc coro_fiber_running_func;

/* For code that has to know of every thread that has fibers; called on that thread, before
 * the first switch, and again later. */
extern void (*coro_fiber_enter_thread_func) (void);

gboolean coro_fiber_check_supported (GError        **error);
void     coro_fiber_init_thread     (CoroFiber      *self);
void     coro_fiber_init            (CoroFiber      *self,
                                     CoroStack      *stack,
                                     gsize           reserved,
                                     CoroFiberFunc   func,
                                     gpointer        argument);
void     coro_fiber_clear           (CoroFiber      *self);

#if defined (CORO_ASAN) || defined (CORO_TSAN)
void     coro_fiber_arrived         (CoroFiber      *self);
void     coro_fiber_switch          (CoroFiber      *from,
                                     CoroFiber      *to);
void     coro_fiber_switch_last     (CoroFiber      *from,
                                     CoroFiber      *to) G_GNUC_NORETURN;
#else
/* The first thing that a fiber's function calls. */
static inline void
coro_fiber_arrived (CoroFiber *self)
{
}

/* Parks `from`, which must be the running fiber, and goes on in `to`.  Returns when the thread
 * switches back to `from`. */
static inline void
coro_fiber_switch (CoroFiber *from,
                   CoroFiber *to)
{
  if (G_UNLIKELY (coro_exceptions_are_open ()))
    coro_exceptions_switch (&from->sp, to->sp);
  else
    coro_switch (&from->sp, to->sp);
}

/* The same for a fiber that has ended and to which no switch may come back.  It is cleared by
 * this; `from` itself may lie on its stack, and that may have been given back. */
G_GNUC_NORETURN static inline void
coro_fiber_switch_last (CoroFiber *from,
                        CoroFiber *to)
{
  coro_switch (&from->sp, to->sp);
  __builtin_unreachable ();
}
#endif

G_END_DECLS
