/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "fiber/coro-fiber-private.h"

#ifdef CORO_ASAN
# include <sanitizer/asan_interface.h>
# include <sanitizer/common_interface_defs.h>
#endif
#ifdef CORO_TSAN
# include <sanitizer/tsan_interface.h>
#endif

void
coro_fiber_init_native (CoroFiber *self)
{
  *self = (CoroFiber) { NULL, };
#ifdef CORO_TSAN
  self->tsan_fiber = __tsan_get_current_fiber ();
#endif
}

/* Lays out the first frame on `stack`, below `reserved` bytes at its top that belong to
 * the caller.  `func` starts when somebody switches to the fiber, must call
 * coro_fiber_arrived() first and must end in coro_fiber_switch_last(). */
void
coro_fiber_init (CoroFiber     *self,
                 CoroStack     *stack,
                 gsize          reserved,
                 CoroFiberFunc  func,
                 gpointer       argument)
{
  char *top = stack->top - ((reserved + 15) & ~(gsize) 15);

  *self = (CoroFiber) { NULL, };
  self->stack = stack;
  self->sp = coro_switch_prepare (top, func, argument);
#ifdef CORO_ASAN
  /* What the last user of this stack left poisoned. */
  __asan_unpoison_memory_region (stack->low, (gsize) (top - stack->low));
  self->asan_bottom = stack->low;
  self->asan_size = (gsize) (stack->top - stack->low);
#endif
#ifdef CORO_TSAN
  self->tsan_fiber = __tsan_create_fiber (0);
#endif
}

/* For a fiber that has ended or never ran. */
void
coro_fiber_clear (CoroFiber *self)
{
#ifdef CORO_TSAN
  if (self->stack != NULL)
    g_clear_pointer (&self->tsan_fiber, __tsan_destroy_fiber);
#endif
  self->sp = NULL;
  self->stack = NULL;
}

#ifdef CORO_ASAN
/* Whom the thread just left: the one that arrives learns its bounds. */
static __thread CoroFiber *leaving;
#endif

void
coro_fiber_arrived (CoroFiber *self)
{
#ifdef CORO_ASAN
  gconstpointer bottom;
  gsize size;

  __sanitizer_finish_switch_fiber (self->asan_fake_stack, &bottom, &size);
  if (leaving != NULL)
    {
      leaving->asan_bottom = bottom;
      leaving->asan_size = size;
    }
#endif
}

#if defined (CORO_ASAN) || defined (CORO_TSAN)
void
coro_fiber_switch (CoroFiber *from,
                   CoroFiber *to)
{
#ifdef CORO_ASAN
  leaving = from;
  __sanitizer_start_switch_fiber (&from->asan_fake_stack, to->asan_bottom, to->asan_size);
#endif
#ifdef CORO_TSAN
  __tsan_switch_to_fiber (to->tsan_fiber, 0);
#endif
  coro_switch (&from->sp, to->sp);
  coro_fiber_arrived (from);
}

void
coro_fiber_switch_last (CoroFiber *from,
                        CoroFiber *to)
{
#ifdef CORO_ASAN
  leaving = NULL;
  __sanitizer_start_switch_fiber (NULL, to->asan_bottom, to->asan_size);
#endif
#ifdef CORO_TSAN
  __tsan_switch_to_fiber (to->tsan_fiber, 0);
#endif
  coro_switch (&from->sp, to->sp);
  g_assert_not_reached ();
}
#endif

#if !defined (CORO_USE_UCONTEXT)

void coro_switch_entry (void);

/* The counterpart of what coro_switch() pops. */
gpointer
coro_switch_prepare (gpointer      top,
                     CoroFiberFunc func,
                     gpointer      argument)
{
  gpointer *sp = top;

#if defined (__x86_64__)
  *--sp = NULL;                 /* keeps the stack aligned at the entry */
  *--sp = NULL;
  *--sp = coro_switch_entry;
  *--sp = NULL;                 /* rbp */
  *--sp = func;                 /* rbx */
  *--sp = argument;             /* r12 */
  *--sp = NULL;                 /* r13 */
  *--sp = NULL;                 /* r14 */
  *--sp = NULL;                 /* r15 */
#else
# error "No coro_switch_prepare() for this architecture"
#endif
  return sp;
}

#endif
