/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The frame of a parked stack, from its stack pointer upwards: ra, s0 to s11 and, where
 * the ABI passes doubles in registers, fs0 to fs11. */
#ifdef __riscv_float_abi_double
# define FRAME_SIZE     208
#else
# define FRAME_SIZE     112
#endif
#define FRAME_RA        0
#define FRAME_S0        8
#define FRAME_S1        16
#define FRAME_S2        24

/* void coro_switch (void **save_sp, void *load_sp);
 *
 * Saves what the calling convention gives to the callee, parks the stack pointer in
 * *save_sp and goes on where load_sp was parked.  fcsr stays that of the thread. */
        .text
        .p2align 4
        .globl  coro_switch
        .hidden coro_switch
        .type   coro_switch, @function
coro_switch:
        .cfi_startproc
        addi    sp, sp, -FRAME_SIZE
        .cfi_adjust_cfa_offset FRAME_SIZE
        sd      ra, FRAME_RA(sp)
        .cfi_rel_offset ra, FRAME_RA
        sd      s0, FRAME_S0(sp)
        .cfi_rel_offset s0, FRAME_S0
        sd      s1, FRAME_S1(sp)
        .cfi_rel_offset s1, FRAME_S1
        sd      s2, FRAME_S2(sp)
        .cfi_rel_offset s2, FRAME_S2
        sd      s3, 32(sp)
        .cfi_rel_offset s3, 32
        sd      s4, 40(sp)
        .cfi_rel_offset s4, 40
        sd      s5, 48(sp)
        .cfi_rel_offset s5, 48
        sd      s6, 56(sp)
        .cfi_rel_offset s6, 56
        sd      s7, 64(sp)
        .cfi_rel_offset s7, 64
        sd      s8, 72(sp)
        .cfi_rel_offset s8, 72
        sd      s9, 80(sp)
        .cfi_rel_offset s9, 80
        sd      s10, 88(sp)
        .cfi_rel_offset s10, 88
        sd      s11, 96(sp)
        .cfi_rel_offset s11, 96
#ifdef __riscv_float_abi_double
        fsd     fs0, 104(sp)
        fsd     fs1, 112(sp)
        fsd     fs2, 120(sp)
        fsd     fs3, 128(sp)
        fsd     fs4, 136(sp)
        fsd     fs5, 144(sp)
        fsd     fs6, 152(sp)
        fsd     fs7, 160(sp)
        fsd     fs8, 168(sp)
        fsd     fs9, 176(sp)
        fsd     fs10, 184(sp)
        fsd     fs11, 192(sp)
#endif
        sd      sp, (a0)
        mv      sp, a1
        ld      ra, FRAME_RA(sp)
        ld      s0, FRAME_S0(sp)
        ld      s1, FRAME_S1(sp)
        ld      s2, FRAME_S2(sp)
        ld      s3, 32(sp)
        ld      s4, 40(sp)
        ld      s5, 48(sp)
        ld      s6, 56(sp)
        ld      s7, 64(sp)
        ld      s8, 72(sp)
        ld      s9, 80(sp)
        ld      s10, 88(sp)
        ld      s11, 96(sp)
#ifdef __riscv_float_abi_double
        fld     fs0, 104(sp)
        fld     fs1, 112(sp)
        fld     fs2, 120(sp)
        fld     fs3, 128(sp)
        fld     fs4, 136(sp)
        fld     fs5, 144(sp)
        fld     fs6, 152(sp)
        fld     fs7, 160(sp)
        fld     fs8, 168(sp)
        fld     fs9, 176(sp)
        fld     fs10, 184(sp)
        fld     fs11, 192(sp)
#endif
        addi    sp, sp, FRAME_SIZE
        .cfi_adjust_cfa_offset -FRAME_SIZE
        .cfi_restore ra
        .cfi_restore s0
        .cfi_restore s1
        .cfi_restore s2
        .cfi_restore s3
        .cfi_restore s4
        .cfi_restore s5
        .cfi_restore s6
        .cfi_restore s7
        .cfi_restore s8
        .cfi_restore s9
        .cfi_restore s10
        .cfi_restore s11
        ret
        .cfi_endproc
        .size   coro_switch, . - coro_switch

/* void *coro_switch_prepare (void *top, void (*func) (void *), void *argument);
 *
 * Lays out the frame above with s1 as the function, s2 as its argument and a frame
 * pointer of zero, which ends the chain for code that follows it. */
        .p2align 4
        .globl  coro_switch_prepare
        .hidden coro_switch_prepare
        .type   coro_switch_prepare, @function
coro_switch_prepare:
        .cfi_startproc
        andi    a0, a0, -16
        addi    a0, a0, -FRAME_SIZE
        lla     t0, coro_switch_entry
        sd      t0, FRAME_RA(a0)
        sd      zero, FRAME_S0(a0)
        sd      a1, FRAME_S1(a0)
        sd      a2, FRAME_S2(a0)
        ret
        .cfi_endproc
        .size   coro_switch_prepare, . - coro_switch_prepare

/* The first instruction of every fiber.  An undefined ra tells unwinders that the
 * stack ends here. */
        .p2align 4
        .globl  coro_switch_entry
        .hidden coro_switch_entry
        .type   coro_switch_entry, @function
coro_switch_entry:
        .cfi_startproc
        .cfi_undefined ra
        mv      a0, s2
        mv      ra, zero
        jalr    s1
        ebreak
        .cfi_endproc
        .size   coro_switch_entry, . - coro_switch_entry

        .section .note.GNU-stack, "", @progbits
