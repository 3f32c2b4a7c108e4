/* The ring-3 code and the kernel's entries for SYSCALL and SYSENTER. Ring 3 comes back through INT 0x80. */
        .text
        .global syscall_target, sysenter_target, syscall_masked
syscall_target:                         /* notes what SYSCALL left, then SYSRET */
        movq %rcx, note_rcx
        movq %r11, note_r11
        movq %rsp, note_rsp
        pushfq
        popq note_flags
        movw %cs, note_cs
        movw %ss, note_ss
        cmpl $0, return_mode
        jne 1f
        sysretq
1:      movl $compat_return, %ecx
        sysretl
        .code32
compat_return:                          /* IRET to ring 3 had made DS null */
        movl $0x23, %eax
        movl %eax, %ds
        movw %cs, note_user_cs
        movw %ss, note_user_ss
        int $0x80
        .code64

sysenter_target:
        movq %rsp, note_rsp
        pushfq
        popq note_flags
        movw %cs, note_cs
        movw %ss, note_ss
        movl $user_after_sysenter, %edx
        movl $user_stack_top, %ecx
        sti
        sysexitq

        .global user_syscall, user_sysenter, user_swapgs, user_wrfsbase, user_after_syscall, sysret_ring3, user_rdgsbase
user_syscall:
        leaq 1f(%rip), %rdi
        jmp enter_user
1:      pushq $0x08d7                   /* OF SF ZF AF PF CF */
        popfq
        syscall
user_after_syscall:
        pushfq
        popq note_user_flags
        movw %cs, note_user_cs
        movw %ss, note_user_ss
        int $0x80
user_sysenter:
        leaq 1f(%rip), %rdi
        jmp enter_user
1:      sysenter
        ud2
user_after_sysenter:
        movq %rsp, note_user_rsp
        movw %cs, note_user_cs
        movw %ss, note_user_ss
        pushfq
        popq note_user_flags
        int $0x80
user_swapgs:
        leaq 1f(%rip), %rdi
        jmp enter_user
1:      swapgs
user_wrfsbase:
        leaq 1f(%rip), %rdi
        jmp enter_user
1:      movabsq $0x123456789ab0, %rax
        wrfsbase %rax
        rdfsbase %rbx
        cmpq %rax, %rbx
        jne 2f
        movl $0x99abcde0, %eax
        wrgsbase %eax
        rdgsbase %rbx
        cmpq %rax, %rbx
        jne 2f
        int $0x80
2:      ud2
user_rdgsbase:
        rdgsbase %rax
        ret
sysret_ring3:
        leaq 1f(%rip), %rdi
        jmp enter_user
1:      sysretq

        .global bad_wrfsbase, sysret_noncanonical, sysexit_null, sysenter_null, ring0_syscall
bad_wrfsbase:
        movabsq $0x800000000000, %rax
        wrfsbase %rax
        ret
sysret_noncanonical:
        movabsq $0x800000000000, %rcx
        movl $2, %r11d
        sysretq
sysexit_null:
        sysexitq
sysenter_null:
        sysenter
ring0_syscall:
        syscall
        ret

        .bss
        .balign 8
        .global note_rcx, note_r11, note_rsp, note_flags, note_cs, note_ss, note_user_cs, note_user_ss, note_user_rsp
        .global note_user_flags, return_mode
note_rcx: .skip 8
note_r11: .skip 8
note_rsp: .skip 8
note_flags: .skip 8
note_cs: .skip 8
note_ss: .skip 8
note_user_cs: .skip 8
note_user_ss: .skip 8
note_user_rsp: .skip 8
note_user_flags: .skip 8
return_mode: .skip 8
