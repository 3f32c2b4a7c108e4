/* Every exception vector that software can provoke in 64-bit mode, with error code, saved RIP and CR2.
   SDM Vol. 3A 6.15 "Exception and Interrupt Reference". Not here: NMI (2, see `interrupts`), #TS (10, see
   `task-switch`; 64-bit mode has no task switch), #MC (18), #VE (20, an EPT feature), #CP (21). */
#include "common/cases.h"
#define WINDOW 0x40000000
        .text

        /* --- 0 #DE --- */
        CASE divide_by_zero, "#DE: DIV by zero", 0
        xorl %edx, %edx
        xorl %ecx, %ecx
        movl $1, %eax
divide_by_zero_at:
        divl %ecx
        CASE divide_overflow, "#DE: IDIV of the most negative number by -1", 0
        movl $0x80000000, %eax
        cltd
        movl $-1, %ecx
divide_overflow_at:
        idivl %ecx
        CASE divide_byte, "#DE: DIV quotient wider than AL", 0
        movw $0x1000, %ax
        movb $0x10, %cl
divide_byte_at:
        divb %cl
        CASE divide_quad, "#DE: DIV RDX:RAX quotient of 65 bits", 0
        movl $1, %edx
        xorl %eax, %eax
        movl $1, %ecx
divide_quad_at:
        divq %rcx

        /* --- 1 #DB --- */
        CASE int1, "#DB: INT1 is a trap", 1
        .byte 0xf1
int1_at:

        /* --- 3 #BP --- */
        CASE breakpoint, "#BP: INT3 is a trap", 3
        int3
breakpoint_at:
        CASE breakpoint_cd, "#BP: INT 3 in two bytes", 3
        .byte 0xcd, 3
breakpoint_cd_at:

        /* --- 6 #UD --- */
        CASE ud2_case, "#UD: UD2", 6
ud2_case_at:
        ud2
        CASE ud1_case, "#UD: UD1", 6
ud1_case_at:
        .byte 0x0f, 0xb9, 0xc0
        CASE ud0_case, "#UD: UD0", 6
ud0_case_at:
        .byte 0x0f, 0xff, 0xc0
        CASE push_es, "#UD: PUSH ES (06) in 64-bit mode", 6
push_es_at:
        .byte 0x06
        CASE into_64, "#UD: INTO (CE) in 64-bit mode", 6
into_64_at:
        .byte 0xce
        CASE aaa_64, "#UD: AAA (37) in 64-bit mode", 6
aaa_64_at:
        .byte 0x37
        CASE far_jump_64, "#UD: JMP ptr16:32 (EA) in 64-bit mode", 6
far_jump_64_at:
        .byte 0xea, 0, 0, 0, 0, 8, 0
        CASE lock_mov, "#UD: LOCK on MOV", 6
        movl $x87_control, %ebx
lock_mov_at:
        .byte 0xf0, 0x89, 0x03
        CASE lock_register, "#UD: LOCK on ADD with a register destination", 6
lock_register_at:
        .byte 0xf0, 0x01, 0xc3
        CASE lea_register, "#UD: LEA with a register source", 6
lea_register_at:
        .byte 0x8d, 0xc0
        CASE mov_cs, "#UD: MOV to CS", 6
mov_cs_at:
        .byte 0x8e, 0xc8
        CASE mov_cr1, "#UD: MOV from CR1", 6
mov_cr1_at:
        .byte 0x0f, 0x20, 0xc8
        CASE vmlaunch_case, "#UD: VMLAUNCH outside VMX operation", 6
vmlaunch_case_at:
        .byte 0x0f, 0x01, 0xc2

        /* --- 7 #NM --- */
        CASE nm_x87, "#NM: x87 with CR0.TS", 7
        movq %cr0, %rax
        orl $8, %eax
        movq %rax, %cr0
nm_x87_at:
        fld1
        CASE nm_sse, "#NM: SSE with CR0.TS", 7
        movq %cr0, %rax
        orl $8, %eax
        movq %rax, %cr0
nm_sse_at:
        addps %xmm0, %xmm0
        CASE nm_wait, "#NM: WAIT with CR0.MP and CR0.TS", 7
        movq %cr0, %rax
        orl $8, %eax
        movq %rax, %cr0
nm_wait_at:
        fwait
        CASE nm_emulate, "#NM: x87 with CR0.EM", 7
        clts
        movq %cr0, %rax
        orl $4, %eax
        movq %rax, %cr0
nm_emulate_at:
        fld1
        CASE ud_emulate, "#UD: SSE with CR0.EM", 6
        clts
        movq %cr0, %rax
        orl $4, %eax
        movq %rax, %cr0
ud_emulate_at:
        addps %xmm0, %xmm0

        /* --- 11 #NP --- */
        CASE np_data, "#NP: MOV to FS of a segment that is not present", 11, 0x58
        movl $0x58, %eax
np_data_at:
        movl %eax, %fs
        CASE np_code, "#NP: far CALL to a code segment that is not present", 11, 0x60
np_code_at:
        lcall *np_code_pointer
        CASE np_gate, "#NP: INT through a gate that is not present", 11, 0x70*8+2
np_gate_at:
        int $0x70

        /* --- 12 #SS --- */
        CASE ss_not_present, "#SS: MOV to SS of a segment that is not present", 12, 0x58
        movl $0x58, %eax
ss_not_present_at:
        movl %eax, %ss
        CASE ss_rbp, "#SS: non-canonical address through RBP", 12
        movabsq $0x8000000000000000, %rbp
ss_rbp_at:
        movl (%rbp), %eax
        CASE df_push, "#DF: PUSH with RSP non-canonical: #SS, and #SS again while delivering it", 8
        movabsq $0x0000800000000100, %rsp
df_push_at:
        pushq %rax

        /* --- 13 #GP --- */
        CASE gp_noncanonical, "#GP: non-canonical data address", 13
        movabsq $0x0000800000000000, %rax
gp_noncanonical_at:
        movl (%rax), %eax
        CASE gp_jump, "#GP: JMP to a non-canonical address", 13
        movabsq $0x0000800000000000, %rax
gp_jump_at:
        jmp *%rax
        CASE gp_selector, "#GP: selector beyond the GDT's limit", 13, 0xfff8
        movl $0xfff8, %eax
gp_selector_at:
        movl %eax, %ds
        CASE gp_ldt, "#GP: selector into an LDT that is null", 13, 0x0c
        xorl %eax, %eax
        lldt %ax
        movl $0x0c, %eax
gp_ldt_at:
        movl %eax, %es
        CASE gp_null_ss, "#GP: null selector with RPL 3 to SS in ring 0", 13, 0
        movl $3, %eax
gp_null_ss_at:
        movl %eax, %ss
        CASE gp_code_as_data, "#GP: code segment to SS", 13, 0x08
        movl $0x08, %eax
gp_code_as_data_at:
        movl %eax, %ss
        CASE gp_ltr_busy, "#GP: LTR of a busy TSS", 13, 0x38
        movl $0x38, %eax
gp_ltr_busy_at:
        ltr %ax
        CASE gp_cr0, "#GP: CR0.PG without CR0.PE", 13
        SKIP_ON_TCG
        movl $0x80000000, %eax
gp_cr0_at:
        movq %rax, %cr0
        CASE gp_cr0_nw, "#GP: CR0.NW without CR0.CD", 13
        SKIP_ON_TCG
        movq %cr0, %rax
        orl $0x20000000, %eax
gp_cr0_nw_at:
        movq %rax, %cr0
        CASE gp_cr4, "#GP: reserved bit of CR4", 13
        SKIP_ON_TCG
        movq %cr4, %rax
        btsq $40, %rax
gp_cr4_at:
        movq %rax, %cr4
        CASE gp_cr4_pae, "#GP: clearing CR4.PAE in IA-32e mode", 13
        SKIP_ON_TCG
        movq %cr4, %rax
        btrq $5, %rax
gp_cr4_pae_at:
        movq %rax, %cr4
        CASE gp_cr8, "#GP: reserved bit of CR8", 13
        movl $0x10, %eax
gp_cr8_at:
        movq %rax, %cr8
        CASE gp_efer, "#GP: clearing EFER.LME with paging on", 13
        movl $0xc0000080, %ecx
        rdmsr
        btrl $8, %eax
gp_efer_at:
        wrmsr
        CASE gp_msr, "#GP: RDMSR of an index that does not exist", 13
        movl $0x12345678, %ecx
gp_msr_at:
        rdmsr
        CASE gp_msr_canonical, "#GP: WRMSR of a non-canonical FS base", 13
        movl $0xc0000100, %ecx
        xorl %eax, %eax
        movl $0x8000, %edx
gp_msr_canonical_at:
        wrmsr
        CASE gp_movaps, "#GP: MOVAPS on an unaligned operand", 13
        movl $np_code_pointer + 1, %eax
gp_movaps_at:
        movaps (%rax), %xmm0
        CASE gp_cmpxchg16b, "#GP: CMPXCHG16B on an unaligned operand", 13
        movl $np_code_pointer + 8, %esi
gp_cmpxchg16b_at:
        cmpxchg16b (%rsi)
        CASE gp_iret_nt, "#GP: IRET with NT in IA-32e mode", 13
        pushq $0x4002
        popfq
gp_iret_nt_at:
        iretq
        CASE gp_long_instruction, "#GP: an instruction of 16 bytes", 13
gp_long_instruction_at:
        .byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90

        /* --- 13 #GP from ring 3 --- */
        CASE_USER gp_user_cli, "#GP: CLI in ring 3", 13
gp_user_cli_at:
        cli
        CASE_USER gp_user_hlt, "#GP: HLT in ring 3", 13
gp_user_hlt_at:
        hlt
        CASE_USER gp_user_cr3, "#GP: MOV from CR3 in ring 3", 13
gp_user_cr3_at:
        movq %cr3, %rax
        CASE_USER gp_user_rdmsr, "#GP: RDMSR in ring 3", 13
        movl $0xc0000080, %ecx
gp_user_rdmsr_at:
        rdmsr
        CASE_USER gp_user_in, "#GP: IN in ring 3 without permission", 13
gp_user_in_at:
        inb $0x80, %al
        CASE_USER gp_user_int, "#GP: INT through a gate with DPL 0 in ring 3", 13, 0x20*8+2
gp_user_int_at:
        int $0x20
        CASE_USER gp_user_segment, "#GP: ring-0 data segment to DS in ring 3", 13, 0x10
        movl $0x10, %eax
gp_user_segment_at:
        movl %eax, %ds
        CASE_USER user_gate, "INT through a gate with DPL 3 in ring 3", 0x80
        int $0x80
user_gate_at:

        /* --- 14 #PF: error bits P 1, W/R 2, U/S 4, RSVD 8, I/D 16 --- */
        CASE pf_read, "#PF: read of a page that is not present", 14, 0, WINDOW+0x0123
pf_read_at:
        movb WINDOW + 0x0123, %al
        CASE pf_write, "#PF: write to a page that is not present", 14, 2, WINDOW+0x0ff8
pf_write_at:
        movq %rax, WINDOW + 0x0ff8
        CASE pf_read_only, "#PF: write to a read-only page with CR0.WP", 14, 3, WINDOW+0x2010
pf_read_only_at:
        movl %eax, WINDOW + 0x2010
        CASE pf_modify, "#PF: read-modify-write of a page that is not present is a write", 14, 2, WINDOW+8
pf_modify_at:
        addl $1, WINDOW + 8
        CASE pf_compare, "#PF: CMP with a page that is not present is a read", 14, 0, WINDOW+8
pf_compare_at:
        cmpl $1, WINDOW + 8
        CASE pf_cmpxchg, "#PF: CMPXCHG on a read-only page is a write even when unequal", 14, 3, WINDOW+0x2000
        movl $0x7777, %eax
pf_cmpxchg_at:
        cmpxchgl %ecx, WINDOW + 0x2000
        CASE pf_execute, "#PF: fetch from an execute-disable page", 14, 0x11, WINDOW+0x4000
        movl $WINDOW + 0x4000, %eax
        jmp *%rax
        .set pf_execute_at, WINDOW + 0x4000
        CASE pf_fetch, "#PF: fetch from a page that is not present", 14, 0x10, WINDOW+0x0040
        movl $WINDOW + 0x40, %eax
        jmp *%rax
        .set pf_fetch_at, WINDOW + 0x40
        CASE pf_reserved, "#PF: reserved bit in the page-table entry", 14, 9, WINDOW+0x5000
pf_reserved_at:
        movb WINDOW + 0x5000, %al
        CASE pf_second_page, "#PF: read across a page boundary reports the second page", 14, 0, WINDOW+0x7000
pf_second_page_at:
        movq WINDOW + 0x6ffc, %rax
        CASE pf_second_write, "#PF: write across a page boundary", 14, 2, WINDOW+0x7000
pf_second_write_at:
        movq %rax, WINDOW + 0x6ffc
        CASE_USER pf_user_read, "#PF: user read of a supervisor page", 14, 5, WINDOW+0x3000
pf_user_read_at:
        movb WINDOW + 0x3000, %al
        CASE_USER pf_user_write, "#PF: user write to a supervisor page", 14, 7, WINDOW+0x3000
pf_user_write_at:
        movb %al, WINDOW + 0x3000
        CASE_USER pf_user_absent, "#PF: user write to a page that is not present", 14, 6, WINDOW+0x0000
pf_user_absent_at:
        movb %al, WINDOW
        CASE_USER pf_user_fetch, "#PF: user fetch from a supervisor page", 14, 0x15, WINDOW+0x3000
        movl $WINDOW + 0x3000, %eax
        jmp *%rax
        .set pf_user_fetch_at, WINDOW + 0x3000
        CASE_USER pf_user_push, "#PF: user PUSH to a page that is not present", 14, 6, WINDOW+0xff8
        movl $WINDOW + 0x1000, %esp
pf_user_push_at:
        pushq %rax

        /* --- 16 #MF --- */
        CASE mf_zero_divide, "#MF: FWAIT after an unmasked x87 zero-divide", 16
        fninit
        movw $0x037b, x87_control
        fldcw x87_control
        fld1
        fldz
        fdivrp %st, %st(1)
mf_zero_divide_at:
        fwait
        CASE mf_next, "#MF: the next waiting x87 instruction reports the exception", 16
        fninit
        movw $0x037e, x87_control
        fldcw x87_control
        fldz
        fldz
        fdivrp %st, %st(1)
        fnstsw %ax
mf_next_at:
        fld1

        /* --- 17 #AC --- */
        CASE_USER ac_read, "#AC: unaligned read in ring 3 with AC and CR0.AM", 17
        pushq $0x40002
        popfq
ac_read_at:
        movl x87_control + 1, %eax
        CASE_USER ac_across, "#AC: unaligned user word in a mapped page", 17
        pushq $0x40002
        popfq
ac_across_at:
        movw WINDOW + 0x1001, %ax

        /* --- 19 #XM --- */
        CASE xm_divide, "#XM: unmasked SSE zero-divide", 19
        movl $0x1d80, x87_control
        ldmxcsr x87_control
        movl $0x3f800000, %eax
        movd %eax, %xmm0
        xorps %xmm1, %xmm1
xm_divide_at:
        divss %xmm1, %xmm0
        CASE xm_invalid, "#XM: unmasked SSE invalid operation", 19
        movl $0x1f00, x87_control
        ldmxcsr x87_control
        movl $0xbf800000, %eax
        movd %eax, %xmm0
xm_invalid_at:
        sqrtss %xmm0, %xmm0

        /* --- software interrupts and the order of checks --- */
        CASE int_n, "INT n pushes no error code even for vector 13's neighbours", 0x81
        int $0x81
int_n_at:
        CASE ud_before_pf, "#UD: LOCK on CMP comes before its operand's #PF", 6
ud_before_pf_at:
        .byte 0xf0, 0x39, 0x04, 0x25
        .long WINDOW

        /* --- 8 #DF: a contributory exception (#GP) whose delivery meets another (#NP). SDM Table 6-5 --- */
        CASE double_fault, "#DF: #NP while delivering #GP, error code 0, on its IST stack", 8
        movb $0x0e, idt + 13 * 16 + 5
        movabsq $0x0000800000000000, %rax
double_fault_at:
        movl (%rax), %eax
        CASE double_fault_page, "#DF: #PF while delivering #PF", 8
        movb $0x8e, idt + 13 * 16 + 5
        movq $WINDOW + 0x800, tss + 44          /* IST 2: a stack that is not mapped */
        movb $2, idt + 14 * 16 + 4
double_fault_page_at:
        movb WINDOW, %al
        CASES_END

        .data
        .align 16
np_code_pointer:
        .long 0
        .word 0x60
        .align 16
x87_control: .long 0, 0
