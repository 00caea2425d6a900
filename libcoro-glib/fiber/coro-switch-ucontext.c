/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "config.h"

#undef CORO_USE_UCONTEXT
#define CORO_USE_UCONTEXT 1
#include "fiber/coro-switch-private.h"

#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

/* For architectures without a switch of their own.  A parked stack is known by the
 * address of a ucontext_t that lies on it.  The C library saves the signal mask as well,
 * which makes every switch a system call: some 300 ns. */

/* What makecontext() is told of a stack, of which it only computes the top. */
#define PRETENDED_SIZE 4096

static void
start (unsigned int func_high,
       unsigned int func_low,
       unsigned int argument_high,
       unsigned int argument_low)
{
  void (*func) (void *) = (void (*) (void *)) (uintptr_t) ((uint64_t) func_high << 32 | func_low);

  func ((void *) (uintptr_t) ((uint64_t) argument_high << 32 | argument_low));
  abort ();
}

void *
coro_switch_prepare (void  *top,
                     void (*func) (void *),
                     void  *argument)
{
  uintptr_t address = ((uintptr_t) top - sizeof (ucontext_t)) & ~(uintptr_t) 63;
  ucontext_t *context = (ucontext_t *) address;
  uint64_t f = (uintptr_t) func;
  uint64_t a = (uintptr_t) argument;

  if (getcontext (context) != 0)
    abort ();
  context->uc_link = NULL;
  context->uc_stack.ss_sp = (char *) context - PRETENDED_SIZE;
  context->uc_stack.ss_size = PRETENDED_SIZE;
  makecontext (context, (void (*) (void)) start, 4,
               (unsigned int) (f >> 32), (unsigned int) f, (unsigned int) (a >> 32), (unsigned int) a);
  return context;
}

void
coro_switch (void **save_sp,
             void  *load_sp)
{
  /* ASan's swapcontext() reads the bounds of the stack: zero is "unknown". */
  ucontext_t here = { .uc_stack = { .ss_size = 0 } };

  *save_sp = &here;
  if (swapcontext (&here, load_sp) != 0)
    abort ();
}
