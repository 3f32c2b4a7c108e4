/* 32-bit exception and interrupt entries (16 bytes each), attempt and recover. SDM Vol. 3A 6.12. */
        .text
        .align 16
        .global trap_entries, trap_common
trap_entries:
        .set vector, 0
        .rept 256
        .align 16
        .if (vector != 8) && (vector != 17) && (vector != 21) && ((vector < 10) || (vector > 14))
        pushl $0
        .endif
        pushl $vector
        jmp trap_common
        .set vector, vector + 1
        .endr

        .align 16
        .type trap_common, @function
trap_common:
        pushal
        pushl %ds
        pushl %es
        pushl %fs
        pushl %gs
        movl $0x10, %eax
        movl %eax, %ds
        movl %eax, %es
        cld
        pushl %esp
        call trap_dispatch
        addl $4, %esp
        popl %gs
        popl %fs
        popl %es
        popl %ds
        popal
        addl $8, %esp
        iretl
        .size trap_common, . - trap_common

        .global attempt, recover, recovery_sp
        .type attempt, @function
attempt:
        movl 4(%esp), %eax
        pushfl
        pushl %ebx
        pushl %ebp
        pushl %esi
        pushl %edi
        movl %esp, recovery_sp
        call *%eax
        pushl $-1
        pushl $0
        .type recover, @function
recover:                                /* recover(result), or fallen into with the same stack layout */
        movl 4(%esp), %ecx
        movl $0x10, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %ss
        movl recovery_sp, %esp
        movl $0, recovery_sp
        popl %edi
        popl %esi
        popl %ebp
        popl %ebx
        popfl
        movl %ecx, %eax
        ret
        .size attempt, . - attempt

        /* enter_user: ring 3 at EAX, interrupts off, on a stack of its own. */
        .global enter_user
        .type enter_user, @function
enter_user:
        movl $0x23, %ecx
        movl %ecx, %ds
        movl %ecx, %es
        pushl $0x23
        pushl $user_stack_top
        pushl $0x2
        pushl $0x1b
        pushl %eax
        iretl
        .size enter_user, . - enter_user

        .section .bss
        .align 16
        .global user_stack_top
        .skip 4096
user_stack_top:
recovery_sp: .skip 4
