/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#pragma once

/* Plain C without GLib, so that the foreign architectures' switches, exactly as they
 * ship, are tested under qemu-user where no GLib for them is around. */

#if defined (__GNUC__)
# pragma GCC visibility push (hidden)
#endif

/* Lays out, below `top`, what coro_switch() takes for a parked stack.  The first switch
 * to it calls func (argument), which must never return. */
void *coro_switch_prepare (void  *top,
                           void (*func) (void *),
                           void  *argument);

#if defined (__x86_64__) && defined (__LP64__) && !defined (CORO_USE_UCONTEXT)

/* Everything but rbx, rbp and rsp.  A call would let the compiler keep r12 to r15, but
 * a function that inlines this saves them in its own prologue, off the critical path. */
# define CORO_SWITCH_CLOBBERS                                                         \
    "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",        \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",                   \
    "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",             \
    "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)",              \
    "mm0", "mm1", "mm2", "mm3", "mm4", "mm5", "mm6", "mm7", "cc", "memory"
# if defined (__AVX512F__)
#  define CORO_SWITCH_CLOBBERS_AVX512                                                 \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23",         \
    "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31",           \
    "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
# else
#  define CORO_SWITCH_CLOBBERS_AVX512
# endif
# if defined (__APX_F__) || defined (__EGPR__)
#  define CORO_SWITCH_CLOBBERS_APX                                                    \
    , "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23",                         \
    "r24", "r25", "r26", "r27", "r28", "r29", "r30", "r31"
# else
#  define CORO_SWITCH_CLOBBERS_APX
# endif

/* Parks the running stack, notes in *save_sp where, and goes on with the one parked at
 * load_sp.
 *
 * Inline, and ending in an indirect jump, for the sake of the return predictor, which
 * follows the calls of the thread and knows nothing of stacks.  One way takes 1.6 ns;
 * the same as a function that ends in an indirect jump 2.9 ns, and its unanswered call
 * makes the next `ret` mispredict; as a function that ends in `ret` 9.9 ns.
 *
 * The first lea steps over the red zone.  rbx and rbp are pushed, not clobbered: the
 * compiler may need them to find its frame.  The frame is found through rbp
 * (-fno-omit-frame-pointer), so that the unwind tables hold in here as well.  Every
 * place that is jumped to begins with endbr64, for indirect branch tracking.
 *
 * MXCSR and the x87 control word stay those of the thread: to save them costs 40 ns, and
 * GLib code does not change them. */
static inline __attribute__ ((always_inline)) void
coro_switch (void **save_sp,
             void  *load_sp)
{
  __asm__ volatile ("leaq   -128(%%rsp), %%rsp\n\t"
                    "leaq   1f(%%rip), %%rcx\n\t"
                    "pushq  %%rcx\n\t"
                    "pushq  %%rbp\n\t"
                    "pushq  %%rbx\n\t"
                    "movq   %%rsp, (%0)\n\t"
                    "movq   %1, %%rsp\n\t"
                    "popq   %%rbx\n\t"
                    "popq   %%rbp\n\t"
                    "popq   %%rcx\n\t"
                    "jmp    *%%rcx\n"
                    "1:\n\t"
                    "endbr64\n\t"
                    "subq   $-128, %%rsp\n\t"
                    : "+D" (save_sp), "+S" (load_sp)
                    :
                    : CORO_SWITCH_CLOBBERS CORO_SWITCH_CLOBBERS_AVX512 CORO_SWITCH_CLOBBERS_APX);
}

#else

/* As above, out of line. */
void  coro_switch         (void **save_sp,
                           void  *load_sp);

#endif

#if defined (__GNUC__)
# pragma GCC visibility pop
#endif
