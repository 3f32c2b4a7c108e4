/* The border between ring 0 and ring 3. */
        .text
        /* uint64_t run_user(entry, stack_top): ring 3 at `entry`; returns leave_user's argument. */
        .global run_user
        .type run_user, @function
run_user:
        .cfi_startproc
        pushq %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        pushq %rbx
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        movq %rsp, kernel_stack_pointer
        movq %rsi, %rax
        pushq $0x23                     /* SS: 0x20, RPL 3 */
        pushq %rax                      /* RSP */
        pushq $0x202                    /* RFLAGS: IF */
        pushq $0x2b                     /* CS: 0x28, RPL 3, 64-bit */
        pushq %rdi                      /* RIP */
        xorl %ebp, %ebp
        iretq
        .cfi_endproc
        .size run_user, . - run_user

        .global leave_user
        .type leave_user, @function
leave_user:
        movq kernel_stack_pointer, %rsp
        movq %rdi, %rax
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %rbx
        popq %rbp
        ret
        .size leave_user, . - leave_user

        /* SYSCALL: RIP is in RCX, RFLAGS in R11; number in RDI, argument in RSI. No stack was switched. */
        .global syscall_entry
        .type syscall_entry, @function
syscall_entry:
        .cfi_startproc simple
        .cfi_def_cfa %rsp, 0
        .cfi_register %rip, %rcx
        movq %rsp, user_stack_pointer
        movq kernel_stack_pointer, %rsp
        .cfi_undefined %rip
        pushq %rcx
        pushq %r11
        call system_call
        popq %r11
        popq %rcx
        movq user_stack_pointer, %rsp
        sysretq
        .cfi_endproc
        .size syscall_entry, . - syscall_entry

        /* uint64_t vmcall(number): KVM's convention, number in RAX, answer in RAX. */
        .global vmcall
        .type vmcall, @function
vmcall:
        .cfi_startproc
        pushq %rbx
        .cfi_def_cfa_offset 16
        .cfi_offset %rbx, -16
        movq %rdi, %rax
        xorl %ebx, %ebx
        xorl %ecx, %ecx
        xorl %edx, %edx
        vmcall
        popq %rbx
        .cfi_def_cfa_offset 8
        ret
        .cfi_endproc
        .size vmcall, . - vmcall

        .section .bss
        .align 8
kernel_stack_pointer: .skip 8
user_stack_pointer: .skip 8
