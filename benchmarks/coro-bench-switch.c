/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#include "bench.h"

#include "fiber/coro-fiber-private.h"

/* The bare switch is private: a program of its own, so that the cases of coro-bench go
 * through the shared library as those of an application do. */

/* --- ours ------------------------------------------------------------------------- */

static CoroFiber native;
static CoroFiber fiber;

static void
answer (gpointer data)
{
  coro_fiber_arrived (&fiber);
  for (;;)
    coro_fiber_switch (&fiber, &native);
}

/* There and back is two. */
static gint64
switch_fibers (guint    n,
               gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    coro_fiber_switch (&native, &fiber);
  return bench_now () - start;
}

/* --- for comparison --------------------------------------------------------------- */

#if defined (__x86_64__) && defined (__LP64__)

/* The usual way: a function that saves what the ABI gives to the callee and returns, only
 * elsewhere than it came from.  Each of its `ret` belies the processor, which has noted
 * where calls come from. */
void bench_switch_ret (gpointer *save_sp,
                       gpointer  load_sp);

__asm__ (".pushsection .text\n"
         ".globl bench_switch_ret\n"
         ".hidden bench_switch_ret\n"
         ".type bench_switch_ret, @function\n"
         ".p2align 4\n"
         "bench_switch_ret:\n\t"
         "endbr64\n\t"
         "pushq %rbp\n\t"
         "pushq %rbx\n\t"
         "pushq %r12\n\t"
         "pushq %r13\n\t"
         "pushq %r14\n\t"
         "pushq %r15\n\t"
         "movq %rsp, (%rdi)\n\t"
         "movq %rsi, %rsp\n\t"
         "popq %r15\n\t"
         "popq %r14\n\t"
         "popq %r13\n\t"
         "popq %r12\n\t"
         "popq %rbx\n\t"
         "popq %rbp\n\t"
         "ret\n"
         ".size bench_switch_ret, . - bench_switch_ret\n"
         ".popsection");

static gpointer here;
static gpointer there;

static void
answer_ret (void)
{
  for (;;)
    bench_switch_ret (&there, here);
}

static gint64
switch_ret (guint    n,
            gpointer data)
{
  gint64 start = bench_now ();

  for (guint i = 0; i < n; i++)
    bench_switch_ret (&here, there);
  return bench_now () - start;
}

static void
measure_ret (const Bench *bench,
             CoroStack   *stack)
{
  /* Six registers, where to return to, and the stack as misaligned as after a call. */
  gpointer *sp = (gpointer *) stack->top - 8;

  sp[6] = (gpointer) answer_ret;
  there = sp;
  bench_print (bench, "ret", bench_median (bench, switch_ret, NULL) / 2, "ns");
}

#else

static void
measure_ret (const Bench *bench,
             CoroStack   *stack)
{
}

#endif

static void
run_switch (Bench *bench)
{
  CoroStackPool *pool = coro_stack_pool_new ();
  CoroStack *stack = coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, NULL);
  CoroStack *ret_stack = coro_stack_pool_take (pool, CORO_STACK_SIZE_DEFAULT, NULL);

  g_assert (stack != NULL && ret_stack != NULL);
  coro_fiber_init_thread (&native);
  coro_fiber_init (&fiber, stack, 0, answer, NULL);

  bench_print (bench, NULL, bench_median (bench, switch_fibers, NULL) / 2, "ns");
  measure_ret (bench, ret_stack);
}

static const BenchCase cases[] = {
  { "switch", run_switch },
  { NULL }
};

int
main (int    argc,
      char **argv)
{
  return bench_main (argc, argv, cases);
}
