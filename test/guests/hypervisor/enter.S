/* vm_enter: loads the guest's registers, VMLAUNCH or VMRESUME, and comes back after the exit. */
        .text
        .global vm_enter
        .type vm_enter, @function
vm_enter:                               /* RDI struct registers, ESI launch */
        pushq %rbx
        pushq %rbp
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        pushq %rdi
        movl $0x6c14, %eax              /* HOST_RSP */
        vmwrite %rsp, %rax
        movl $0x6c16, %eax              /* HOST_RIP, unless a test has broken it */
        vmread %rax, %rcx
        testq %rcx, %rcx
        js 1f
        movl $vm_exit, %ecx
        vmwrite %rcx, %rax
1:      testb %sil, %sil
        movq 0(%rdi), %rax
        movq 8(%rdi), %rcx
        movq 16(%rdi), %rdx
        movq 24(%rdi), %rbx
        movq 32(%rdi), %rbp
        movq 40(%rdi), %rsi
        movq 56(%rdi), %r8
        movq 64(%rdi), %r9
        movq 72(%rdi), %r10
        movq 80(%rdi), %r11
        movq 88(%rdi), %r12
        movq 96(%rdi), %r13
        movq 104(%rdi), %r14
        movq 112(%rdi), %r15
        movq 48(%rdi), %rdi
        jz 2f
        vmlaunch
        jmp entry_failed
2:      vmresume
entry_failed:
        movl $1, %eax                   /* FAILED_INVALID: CF */
        jc 3f
        movl $2, %eax                   /* FAILED_VALID: ZF */
3:      popq %rdi
        jmp out

vm_exit:
        pushq %rdi
        movq 8(%rsp), %rdi
        movq %rax, 0(%rdi)
        movq %rcx, 8(%rdi)
        movq %rdx, 16(%rdi)
        movq %rbx, 24(%rdi)
        movq %rbp, 32(%rdi)
        movq %rsi, 40(%rdi)
        popq %rax
        movq %rax, 48(%rdi)
        movq %r8, 56(%rdi)
        movq %r9, 64(%rdi)
        movq %r10, 72(%rdi)
        movq %r11, 80(%rdi)
        movq %r12, 88(%rdi)
        movq %r13, 96(%rdi)
        movq %r14, 104(%rdi)
        movq %r15, 112(%rdi)
        popq %rdi
        xorl %eax, %eax
out:    popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %rbp
        popq %rbx
        ret
        .size vm_enter, . - vm_enter
