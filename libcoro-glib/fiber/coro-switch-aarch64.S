/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The frame of a parked stack, from its stack pointer upwards. */
#define FRAME_SIZE      176
#define FRAME_FP        0               /* x29, x30: a frame record, as AAPCS64 wants it */
#define FRAME_LR        8
#define FRAME_X19       16              /* x19 to x28 */
#define FRAME_X20       24
#define FRAME_D8        96              /* d8 to d15: only the lower halves are the callee's */

/* void coro_switch (void **save_sp, void *load_sp);
 *
 * Saves what the procedure call standard gives to the callee, parks the stack pointer in
 * *save_sp and goes on where load_sp was parked.  FPCR and FPSR stay those of the thread.
 * Ends in `ret`, which branch target identification lets go anywhere; any other branch
 * would need a landing pad behind every call. */
        .text
        .p2align 4
        .globl  coro_switch
        .hidden coro_switch
        .type   coro_switch, %function
coro_switch:
        .cfi_startproc
        hint    #34                     /* bti c */
        sub     sp, sp, #FRAME_SIZE
        .cfi_adjust_cfa_offset FRAME_SIZE
        stp     x29, x30, [sp, #FRAME_FP]
        .cfi_rel_offset x29, FRAME_FP
        .cfi_rel_offset x30, FRAME_LR
        stp     x19, x20, [sp, #FRAME_X19]
        .cfi_rel_offset x19, FRAME_X19
        .cfi_rel_offset x20, FRAME_X20
        stp     x21, x22, [sp, #32]
        .cfi_rel_offset x21, 32
        .cfi_rel_offset x22, 40
        stp     x23, x24, [sp, #48]
        .cfi_rel_offset x23, 48
        .cfi_rel_offset x24, 56
        stp     x25, x26, [sp, #64]
        .cfi_rel_offset x25, 64
        .cfi_rel_offset x26, 72
        stp     x27, x28, [sp, #80]
        .cfi_rel_offset x27, 80
        .cfi_rel_offset x28, 88
        stp     d8, d9, [sp, #FRAME_D8]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        mov     sp, x1
        ldp     x29, x30, [sp, #FRAME_FP]
        ldp     x19, x20, [sp, #FRAME_X19]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #FRAME_D8]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #FRAME_SIZE
        .cfi_adjust_cfa_offset -FRAME_SIZE
        .cfi_restore x29
        .cfi_restore x30
        .cfi_restore x19
        .cfi_restore x20
        .cfi_restore x21
        .cfi_restore x22
        .cfi_restore x23
        .cfi_restore x24
        .cfi_restore x25
        .cfi_restore x26
        .cfi_restore x27
        .cfi_restore x28
        ret
        .cfi_endproc
        .size   coro_switch, . - coro_switch

/* void *coro_switch_prepare (void *top, void (*func) (void *), void *argument);
 *
 * Lays out the frame above with x19 as the function, x20 as its argument and a frame
 * record of zero, which ends the chain for code that follows it. */
        .p2align 4
        .globl  coro_switch_prepare
        .hidden coro_switch_prepare
        .type   coro_switch_prepare, %function
coro_switch_prepare:
        .cfi_startproc
        hint    #34                     /* bti c */
        and     x0, x0, #-16
        sub     x0, x0, #FRAME_SIZE
        adrp    x9, coro_switch_entry
        add     x9, x9, :lo12:coro_switch_entry
        stp     xzr, x9, [x0, #FRAME_FP]
        stp     x1, x2, [x0, #FRAME_X19]
        ret
        .cfi_endproc
        .size   coro_switch_prepare, . - coro_switch_prepare

/* The first instruction of every fiber.  An undefined x30 tells unwinders that
 * the stack ends here. */
        .p2align 4
        .globl  coro_switch_entry
        .hidden coro_switch_entry
        .type   coro_switch_entry, %function
coro_switch_entry:
        .cfi_startproc
        .cfi_undefined x30
        hint    #36                     /* bti j */
        mov     x0, x20
        mov     x30, xzr
        blr     x19
        brk     #1
        .cfi_endproc
        .size   coro_switch_entry, . - coro_switch_entry

        .section .note.GNU-stack, "", %progbits

/* Branch target identification and signed return addresses hold; a guarded control
 * stack does not, so GCS is not claimed. */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4                       /* size of the name */
        .long   16                      /* size of the properties */
        .long   5                       /* NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .long   0xc0000000              /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
        .long   4
        .long   3                       /* BTI | PAC */
        .long   0
