/* libcoro-glib: async/await for GLib
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How a stack starts.  The switch itself is inline, in coro-switch-private.h.
 */

/* void *coro_switch_prepare (void *top, void (*func) (void *), void *argument);
 *
 * Lays out the frame that coro_switch() pops: rbx holds the function, rbp its argument,
 * then comes the address to go on at.  Above it two words of zero, for unwinders that
 * read no tables; they leave the stack aligned at the entry. */
        .text
        .p2align 4
        .globl  coro_switch_prepare
        .hidden coro_switch_prepare
        .type   coro_switch_prepare, @function
coro_switch_prepare:
        .cfi_startproc
        endbr64
        andq    $-16, %rdi
        leaq    coro_switch_entry(%rip), %rax
        movq    $0, -8(%rdi)
        movq    $0, -16(%rdi)
        movq    %rax, -24(%rdi)
        movq    %rdx, -32(%rdi)
        movq    %rsi, -40(%rdi)
        leaq    -40(%rdi), %rax
        ret
        .cfi_endproc
        .size   coro_switch_prepare, . - coro_switch_prepare

/* The first instruction of every fiber.  An undefined rip tells unwinders that
 * the stack ends here, a zero rbp tells the others. */
        .p2align 4
        .globl  coro_switch_entry
        .hidden coro_switch_entry
        .type   coro_switch_entry, @function
coro_switch_entry:
        .cfi_startproc
        .cfi_undefined %rip
        endbr64
        movq    %rbp, %rdi
        xorl    %ebp, %ebp
        callq   *%rbx
        ud2
        .cfi_endproc
        .size   coro_switch_entry, . - coro_switch_entry

        .section .note.GNU-stack, "", @progbits

/* Indirect branch tracking holds; a shadow stack does not, so SHSTK is not claimed. */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4                       /* size of the name */
        .long   16                      /* size of the properties */
        .long   5                       /* NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .long   0xc0000002              /* GNU_PROPERTY_X86_FEATURE_1_AND */
        .long   4
        .long   1                       /* GNU_PROPERTY_X86_FEATURE_1_IBT */
        .long   0
