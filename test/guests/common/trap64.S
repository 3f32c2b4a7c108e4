/* 64-bit exception and interrupt entries (16 bytes each), attempt and recover. SDM Vol. 3A 6.14. */
        .text
        .align 16
        .global trap_entries
trap_entries:
        .set vector, 0
        .rept 256
        .align 16
        .if (vector != 8) && (vector != 17) && (vector != 21) && ((vector < 10) || (vector > 14))
        pushq $0
        .endif
        pushq $vector
        jmp trap_common
        .set vector, vector + 1
        .endr

        .align 16
        .type trap_common, @function
trap_common:
        pushq %rax
        pushq %rcx
        pushq %rdx
        pushq %rbx
        pushq %rbp
        pushq %rsi
        pushq %rdi
        pushq %r8
        pushq %r9
        pushq %r10
        pushq %r11
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        cld
        movq %rsp, %rdi
        movq %rsp, %rbp
        andq $-16, %rsp
        call trap_dispatch
        movq %rbp, %rsp
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %r11
        popq %r10
        popq %r9
        popq %r8
        popq %rdi
        popq %rsi
        popq %rbp
        popq %rbx
        popq %rdx
        popq %rcx
        popq %rax
        addq $16, %rsp
        iretq
        .size trap_common, . - trap_common

        .global attempt, recover, recovery_sp
        .type attempt, @function
attempt:
        pushfq
        pushq %rbx
        pushq %rbp
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        movq %rsp, recovery_sp
        call *%rdi
        movq $-1, %rdi
        .type recover, @function
recover:
        movq recovery_sp, %rsp
        movq $0, recovery_sp
        movl $0x10, %eax
        movl %eax, %ss
        movl %eax, %ds
        movl %eax, %es
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %rbp
        popq %rbx
        popfq
        movq %rdi, %rax
        ret
        .size attempt, . - attempt

        /* enter_user(code): ring 3, 64-bit, interrupts off, on a stack of its own. */
        .global enter_user
        .type enter_user, @function
enter_user:
        pushq $0x23
        pushq $user_stack_top
        pushq $0x2
        pushq $0x2b
        pushq %rdi
        iretq
        .size enter_user, . - enter_user

        .section .bss
        .align 16
        .global user_stack_top
        .skip 4096
user_stack_top:
recovery_sp: .skip 8
