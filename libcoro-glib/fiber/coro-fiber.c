/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#include "fiber/coro-fiber-private.h"

#include "base/coro-error.h"

#ifdef __linux__
# include <sys/syscall.h>
# include <unistd.h>
#endif
#ifdef CORO_ASAN
# include <sanitizer/asan_interface.h>
# include <sanitizer/common_interface_defs.h>
#endif
#ifdef CORO_TSAN
# include <sanitizer/tsan_interface.h>
#endif

/* Linux's way of asking each architecture; no C library has a call for it yet. */
#define ARCH_SHSTK_STATUS               0x5005
#define ARCH_SHSTK_SHSTK                0x1
#define PR_GET_SHADOW_STACK_STATUS      74
#define PR_SHADOW_STACK_ENABLE          0x1

CoroFiberRunningFunc coro_fiber_running_func;
void (*coro_fiber_enter_thread_func) (void);

static gboolean
has_shadow_stack (void)
{
  unsigned long status = 0;

#if defined (__linux__) && defined (__x86_64__)
  if (syscall (SYS_arch_prctl, ARCH_SHSTK_STATUS, &status) == 0)
    return (status & ARCH_SHSTK_SHSTK) != 0;
#elif defined (__linux__) && (defined (__aarch64__) || defined (__riscv))
  if (syscall (SYS_prctl, PR_GET_SHADOW_STACK_STATUS, &status, 0, 0, 0) == 0)
    return (status & PR_SHADOW_STACK_ENABLE) != 0;
#endif
  return status != 0;
}

/* A shadow stack holds a second copy of the return addresses, which would have to be
 * switched as well: without that the first return after a switch kills the process. */
gboolean
coro_fiber_check_supported (GError **error)
{
  if (!has_shadow_stack ())
    return TRUE;

  g_set_error_literal (error, CORO_ERROR, CORO_ERROR_NO_STACK,
                       "No coroutine can run: this thread has a hardware shadow stack");
  return FALSE;
}

/* Makes a fiber of whatever stack the thread is on. */
void
coro_fiber_init_thread (CoroFiber *self)
{
  *self = (CoroFiber) { NULL, };
  if (G_UNLIKELY (coro_fiber_enter_thread_func != NULL))
    coro_fiber_enter_thread_func ();
  coro_exceptions_follow ();
#ifdef CORO_TSAN
  self->tsan_fiber = __tsan_get_current_fiber ();
#endif
}

/* Lays out the first frame on `stack`, below `reserved` bytes at its top that belong to
 * the caller.  `func` starts with the first switch to the fiber, must call
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
#ifdef CORO_ASAN
  /* The last user of this stack left its outermost frames poisoned, because the end of a fiber
   * does not return through them.  Unpoisoning a whole large stack would write 1 MiB. */
  __asan_unpoison_memory_region (MAX (stack->low, top - CORO_STACK_SIZE_DEFAULT),
                                 (gsize) (top - MAX (stack->low, top - CORO_STACK_SIZE_DEFAULT)));
  self->asan_bottom = stack->low;
  self->asan_size = (gsize) (stack->top - stack->low);
#endif
  self->sp = coro_switch_prepare (top, func, argument);
#ifdef CORO_TSAN
  self->tsan_fiber = __tsan_create_fiber (0);
#endif
}

/* For a fiber that never ran; one that has ended is clear already, and this does nothing. */
void
coro_fiber_clear (CoroFiber *self)
{
#ifdef CORO_TSAN
  if (self->stack != NULL && self->tsan_fiber != NULL)
    {
      /* A fiber is not cleared on its own stack. */
      g_assert (self->tsan_fiber != __tsan_get_current_fiber ());
      g_clear_pointer (&self->tsan_fiber, __tsan_destroy_fiber);
    }
#endif
  self->sp = NULL;
  self->stack = NULL;
}

#if defined (CORO_ASAN) || defined (CORO_TSAN)

#ifdef CORO_ASAN
/* The fiber that the thread has just left: the one that arrives learns its bounds. */
static __thread CoroFiber *leaving;
#endif
#ifdef CORO_TSAN
/* What the thread left for good: it can be destroyed by the one that arrives. */
static __thread gpointer ended;
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
#ifdef CORO_TSAN
  g_clear_pointer (&ended, __tsan_destroy_fiber);
#endif
}

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
  if (G_UNLIKELY (coro_exceptions_are_open ()))
    coro_exceptions_switch (&from->sp, to->sp);
  else
    coro_switch (&from->sp, to->sp);
  coro_fiber_arrived (from);
}

/* The null pointer tells ASan to free the fake stack of the fiber that ends. */
void
coro_fiber_switch_last (CoroFiber *from,
                        CoroFiber *to)
{
#ifdef CORO_ASAN
  leaving = NULL;
  __sanitizer_start_switch_fiber (NULL, to->asan_bottom, to->asan_size);
#endif
#ifdef CORO_TSAN
  ended = g_steal_pointer (&from->tsan_fiber);
  __tsan_switch_to_fiber (to->tsan_fiber, 0);
#endif
  coro_switch (&from->sp, to->sp);
  g_assert_not_reached ();
}

#endif
