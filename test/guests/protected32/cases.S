/* Segments, privilege and gates in 32-bit protected mode. SDM Vol. 3A 3.4.5, 5.3-5.9, 6.12.
   main.c fills GDT slots 0x58..0xc8; the comments there name them. */
#include "common/cases.h"
        .text
        /* --- expand-down segments: offsets up to the limit fault --- */
        CASE down_inside, "#GP: expand-down, offset at the limit", 13
        movl $0x58, %eax
        movl %eax, %es
down_inside_at:
        movb %es:0x1fffff, %al
        CASE down_outside, "expand-down, offset above the limit", 0x80
        movl $0x58, %eax
        movl %eax, %es
        movb %es:0x200000, %al
        int $0x80
down_outside_at:
        CASE down_small, "#GP: expand-down with B=0 ends at FFFF", 13
        movl $0xa0, %eax
        movl %eax, %es
        movb %es:0xffff, %al
down_small_at:
        movb %es:0x10000, %al
        CASE down_across, "#GP: expand-down with B=0, dword across FFFF", 13
        movl $0xa0, %eax
        movl %eax, %es
down_across_at:
        movl %es:0xfffd, %eax
        /* --- limits by size --- */
        CASE limit_word, "#GP: word whose second byte is beyond the limit", 13
        movl $0x88, %eax
        movl %eax, %es
        movb %es:0xfff, %al
limit_word_at:
        movw %es:0xfff, %ax
        CASE limit_write, "#GP: write beyond the limit", 13
        movl $0x88, %eax
        movl %eax, %es
limit_write_at:
        movb %al, %es:0x1000
        CASE limit_string, "#GP: MOVSD beyond the limit of ES", 13
        movl $0x88, %eax
        movl %eax, %es
        movl $0x100000, %esi
        movl $0xffe, %edi
limit_string_at:
        movsl
        CASE limit_cs, "#GP: near JMP beyond the limit of CS", 13
        SKIP_ON_TCG
        ljmp $0xb8, $limit_cs_jump-0x100000
limit_cs_jump:
        movl $0x100000, %eax
        .set limit_cs_at, . - 0x100000
        jmp *%eax
        CASE limit_cs_end, "a base in CS: EIP counts from it", 0x80
        ljmp $0xb8, $1f-0x100000
1:      ljmp $0x08, $2f
2:      int $0x80
limit_cs_end_at:
        CASE stack16, "a 16-bit stack segment wraps SP alone", 0x80
        movl %esp, %ecx
        movl $0x98, %eax
        movl %eax, %ss
        movl $0xabcd0000, %esp
        pushw $0x1234
        movl %esp, %ebx
        movl $0x10, %eax
        movl %eax, %ss
        movl %ecx, %esp
        cmpl $0xabcdfffe, %ebx
        jne 1f
        int $0x80
stack16_at:
1:      ud2
        /* --- far transfers between privilege levels --- */
        CASE_USER user_far_call, "#GP: far CALL from ring 3 to ring-0 code", 13, 0x08
user_far_call_at:
        lcall $0x08, $0
        CASE_USER conforming, "conforming code keeps CPL 3", 0x80
        lcall $0x60, $conforming_code
        cmpl $0x63, %eax
        jne 1f
        int $0x80
conforming_at:
1:      ud2
        .global conforming_code
conforming_code:
        movl %cs, %eax
        lret
        CASE_USER gate_two, "call gate from ring 3 with two parameters: back in ring 3", 0x80
        movl %esp, %ebp
        pushl $0x1111
        pushl $0x2222
        lcall $0x6b, $0xdeadbeef
        cmpl %esp, %ebp
        jne 1f
        int $0x80
gate_two_at:
1:      ud2
        CASE_USER gate_dpl, "#GP: call gate with DPL 0 from ring 3", 13, 0x70
gate_dpl_at:
        lcall $0x73, $0
        CASE_USER gate_absent, "#NP: call gate that is not present", 11, 0x78
gate_absent_at:
        lcall $0x7b, $0
        CASE_USER gate_jump, "#GP: JMP through a call gate to more privileged code", 13, 0x08
gate_jump_at:
        ljmp $0x6b, $0
        CASE_USER gate_conforming, "call gate to conforming code: no stack switch, CPL 3", 0x80
        movl %esp, %ebp
        lcall $0x93, $0
        cmpl $0x63, %eax
        jne 1f
        int $0x80
gate_conforming_at:
1:      ud2
        CASE_USER gate_data, "#GP: call gate to a data segment", 13, 0x10
gate_data_at:
        lcall $0xab, $0
        CASE gate_ring0, "call gate from ring 0: no stack switch, no parameters copied", 0x80
        movl %esp, %ebp
        lcall $0xc0, $0
        cmpl %esp, %ebp
        jne 1f
        int $0x80
gate_ring0_at:
1:      ud2
        .global gate_entry
gate_entry:                             /* 0 EIP, 4 CS, 8 second parameter, 12 first, 16 ESP, 20 SS */
        movw %cs, gate_record
        movw %ss, gate_record + 4
        movl 8(%esp), %eax
        movl %eax, gate_record + 8
        movl 12(%esp), %eax
        movl %eax, gate_record + 12
        movl 20(%esp), %eax
        movl %eax, gate_record + 16
        movl 4(%esp), %eax
        movl %eax, gate_record + 20
        lret $8
        .global gate_same
gate_same:
        lret
        /* --- privileged state in ring 3 --- */
        CASE_USER return_nulls, "IRET to ring 3 clears segment registers with ring-0 data", 0x80
        movl %gs, %eax
        testl %eax, %eax
        jne 1f
        movl %fs, %eax
        cmpl $0x23, %eax
        jne 1f
        int $0x80
return_nulls_at:
1:      ud2
        CASE_USER popf_iopl, "POPF in ring 3 changes neither IOPL nor IF", 0x80
        pushl $0x3202
        popfl
        pushfl
        popl %eax
        cmpl $0x0002, %eax
        jne 1f
        int $0x80
popf_iopl_at:
1:      ud2
        CASE_USER io_allowed, "IN in ring 3 with its bit clear in the TSS", 0x80
        inb $0x84, %al
        int $0x80
io_allowed_at:
        CASE_USER io_word, "#GP: IN of a word of which one bit is set", 13
io_word_at:
        inw $0x84, %ax
        CASE_USER io_denied, "#GP: IN with its bit set", 13
io_denied_at:
        inb $0x85, %al
        CASE_USER io_beyond, "#GP: port beyond the TSS limit", 13
        movw $0x400, %dx
io_beyond_at:
        inb %dx, %al
        CASE_USER sgdt_user, "SGDT in ring 3 (no UMIP)", 0x80
        sgdt user_data
        int $0x80
sgdt_user_at:
        CASE_USER lldt_user, "#GP: LLDT in ring 3", 13
lldt_user_at:
        lldt %ax
        CASE_USER far_return, "#GP: far RET to a more privileged level", 13, 0x08
        pushl $0x08
        pushl $0
far_return_at:
        lret
        CASE ldt_segment, "a segment in the LDT", 0x80
        movl $0x80, %eax
        lldt %ax
        movl $0x0c, %eax
        movl %eax, %es
        movl %es:0, %eax
        cmpl $0x1badb002, %eax
        jne 1f
        int $0x80
ldt_segment_at:
1:      ud2
        CASES_END

        .data
        .balign 4
        .global gate_record
gate_record: .fill 8, 4, 0
user_data: .fill 4, 4, 0
