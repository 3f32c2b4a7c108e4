/* The exceptions as 32-bit protected mode raises them, and those that 64-bit mode has not (INTO, BOUND, segment limits).
   SDM Vol. 3A 6.15. */
#include "common/cases.h"
        .text
        CASE divide_by_zero, "#DE: DIV by zero", 0
        xorl %edx, %edx
        xorl %ecx, %ecx
divide_by_zero_at:
        divl %ecx
        CASE aam_zero, "#DE: AAM 0", 0
aam_zero_at:
        .byte 0xd4, 0
        CASE breakpoint, "#BP: INT3 is a trap", 3
        int3
breakpoint_at:
        CASE overflow, "#OF: INTO with OF set is a trap", 4
        movb $0x7f, %al
        incb %al
        into
overflow_at:
        CASE no_overflow, "INTO with OF clear does nothing", 0x80
        xorl %eax, %eax
        into
        int $0x80
no_overflow_at:
        CASE bound_range, "#BR: BOUND outside", 5
        movl $9, %eax
bound_range_at:
        boundl %eax, bounds
        CASE bound_inside, "BOUND inside does nothing", 0x80
        movl $-3, %eax
        boundl %eax, bounds
        int $0x80
bound_inside_at:
        CASE ud2_case, "#UD: UD2", 6
ud2_case_at:
        ud2
        CASE bound_register, "#UD: VEX and EVEX are not there: LES with a register", 6
bound_register_at:
        .byte 0xc4, 0xc0, 0, 0, 0
        CASE syscall_32, "#UD: SYSCALL without EFER.SCE", 6
syscall_32_at:
        syscall
        CASE swapgs_32, "#UD: SWAPGS outside 64-bit mode", 6
swapgs_32_at:
        .byte 0x0f, 0x01, 0xf8
        CASE nm_x87, "#NM: x87 with CR0.TS", 7
        movl %cr0, %eax
        orl $8, %eax
        movl %eax, %cr0
nm_x87_at:
        fld1
        CASE np_data, "#NP: MOV to ES of a segment that is not present", 11, 0x58
        movl $0x58, %eax
np_data_at:
        movl %eax, %es
        CASE np_call, "#NP: far CALL to a code segment that is not present", 11, 0x60
np_call_at:
        lcall $0x60, $0
        CASE np_gate, "#NP: INT through a gate that is not present", 11, 0x70*8+2
np_gate_at:
        int $0x70
        CASE ss_not_present, "#SS: MOV to SS of a segment that is not present", 12, 0x58
        movl $0x58, %eax
ss_not_present_at:
        movl %eax, %ss
        CASE ss_limit, "#SS: beyond the limit of SS", 12
        movl $0x88, %eax
        movl %eax, %ss
        movl $0x400000, %ebp
ss_limit_at:
        movl (%ebp), %eax
        CASE gp_limit, "#GP: beyond the limit of DS", 13
        movl $0x68, %eax
        movl %eax, %ds
gp_limit_at:
        movl %ds:0xffd, %eax
        CASE gp_limit_edge, "the last dword inside the limit of DS", 0x80
        movl $0x68, %eax
        movl %eax, %ds
        movl %ds:0xffc, %eax
        int $0x80
gp_limit_edge_at:
        CASE gp_null, "#GP: through a null selector", 13
        xorl %eax, %eax
        movl %eax, %es
gp_null_at:
        movl %es:0, %eax
        CASE gp_null_ss, "#GP: null selector to SS", 13
        xorl %eax, %eax
gp_null_ss_at:
        movl %eax, %ss
        CASE gp_write_code, "#GP: write to a code segment", 13
gp_write_code_at:
        movb $0, %cs:0x100000
        CASE gp_read_only, "#GP: write to a read-only segment", 13
        movl $0x70, %eax
        movl %eax, %es
gp_read_only_at:
        movb $0, %es:0
        CASE gp_execute_only, "#GP: execute-only segment to DS", 13, 0x78
        movl $0x78, %eax
gp_execute_only_at:
        movl %eax, %ds
        CASE gp_table, "#GP: selector beyond the GDT's limit", 13, 0xfff8
        movl $0xfffb, %eax
gp_table_at:
        movl %eax, %gs
        CASE gp_idt, "#GP: INT beyond the IDT's limit", 13, 0x90*8+2
        lidt short_idt
gp_idt_at:
        int $0x90
        CASE gp_jump_data, "#GP: far JMP to a data segment", 13, 0x10
gp_jump_data_at:
        ljmp $0x10, $0
        CASE gp_jump_limit, "#GP: far JMP beyond the limit of the target", 13
gp_jump_limit_at:
        ljmp $0x80, $0x1000
        CASE gp_cr0, "#GP: CR0.PG without CR0.PE", 13
        SKIP_ON_TCG
        movl $0x80000000, %eax
gp_cr0_at:
        movl %eax, %cr0
        CASE_USER gp_user_cli, "#GP: CLI in ring 3 with IOPL 0", 13
gp_user_cli_at:
        cli
        CASE_USER gp_user_int, "#GP: INT through a gate with DPL 0 in ring 3", 13, 0x20*8+2
gp_user_int_at:
        int $0x20
        CASE_USER gp_user_rpl, "#GP: ring-0 data segment to ES in ring 3", 13, 0x10
        movl $0x13, %eax
gp_user_rpl_at:
        movl %eax, %es
        CASE_USER gp_user_stack, "#GP: ring-0 data segment to SS in ring 3", 13, 0x10
        movl $0x10, %eax
gp_user_stack_at:
        movl %eax, %ss
        CASE_USER gp_user_io, "#GP: IN without permission in ring 3", 13
gp_user_io_at:
        inb $0x80, %al
        CASE_USER ac_user, "#AC: unaligned read in ring 3", 17
        pushl $0x40002
        popfl
ac_user_at:
        movl bounds + 1, %eax
        CASE mf_divide, "#MF: FWAIT after an unmasked zero-divide", 16
        fninit
        pushl $0x037b
        fldcw (%esp)
        popl %eax
        fld1
        fldz
        fdivrp %st, %st(1)
mf_divide_at:
        fwait
        CASE df_contributory, "#DF: #NP while delivering #GP, through a gate on the same stack", 8
        movb $0x0e, idt + 13*8 + 5
        xorl %eax, %eax
        movl %eax, %es
df_contributory_at:
        movl %es:0, %eax
        CASES_END

        .data
        .balign 4
bounds: .long -5, 5
short_idt:
        .word 0x90 * 8 - 1
        .long idt
