/* The code of the second and third task. Each notes what it finds, then goes back the way that came with it. */
        .text
        .global second_task, third_task
second_task:                            /* entered by JMP or CALL; task_mode says how to leave */
        movl %ebx, note_ebx
        strw note_tr
        pushfl
        popl note_flags
        movl %cr0, %eax
        movl %eax, note_cr0
        clts
        cmpl $0, task_mode
        jne 1f
        ljmp $0x28, $0
        jmp second_task
1:      iret
        jmp second_task

third_task:                             /* behind the task gate of an exception with an error code */
        popl note_error
        strw note_tr
        pushfl
        popl note_flags
        clts
        movl main_tss_eip, %eax
        movl recover_ip, %ecx           /* the interrupted task goes on where it says */
        movl %ecx, (%eax)
        iret
        jmp third_task

        .global jump_task, call_task, gate_task, interrupt_task, faulting_task
jump_task:
        movl $0x12345678, %ebx
        ljmp $0x58, $0
        ret
call_task:
        movl $0x12345678, %ebx
        lcall $0x58, $0
        ret
gate_task:
        lcall $0x60, $0
        ret
interrupt_task:
        int $0x70
        ret
faulting_task:
        movl $1f, recover_ip
        movl $0xfff8, %eax
        .global faulting_task_at
faulting_task_at:
        movl %eax, %es
        ud2
1:      ret

        .global jump_busy, call_busy, jump_absent, jump_small, return_bad_link, jump_broken, gate_bad
jump_busy:
        ljmp $0x28, $0
call_busy:
        lcall $0x28, $0
jump_absent:
        ljmp $0x70, $0
jump_small:
        ljmp $0x78, $0
gate_bad:
        lcall $0x88, $0
return_bad_link:
        pushfl
        orl $0x4000, (%esp)
        popfl
        iret
jump_broken:
        ljmp $0x80, $0
        ret

        .global fault_task
fault_task:                             /* the task behind vectors 10 and 11 while a broken task is entered */
        popl note_error
        strw note_tr
        clts
        ljmp $0x28, $0

        .data
        .balign 4
        .global note_ebx, note_tr, note_flags, note_cr0, note_error, task_mode, main_tss_eip, recover_ip
note_ebx: .long 0
note_tr: .long 0
note_flags: .long 0
note_cr0: .long 0
note_error: .long 0
task_mode: .long 0
main_tss_eip: .long 0
recover_ip: .long 0
