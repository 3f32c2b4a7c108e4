/* The small guest in VMX non-root operation: one exit after the other, and the record of what each must say.
   EXIT "name", reason, qualification, "instruction" [, linear]; length follows from the code.
   SDM Vol. 3C 28.1.2, 28.1.3 (which instructions exit), 28.2 (their information). */
        .macro RECORD name, at, reason, qualification, length, linear=0, physical=0, interruption=0, vectoring=0
        .pushsection .rodata.names, "a"
name\@: .asciz "\name"
        .popsection
        .pushsection .cases, "a"
        .quad name\@, \at, \reason, \qualification, \length, \linear, \physical, \interruption, \vectoring
        .popsection
        .endm
        .macro EXIT name, reason, qualification, instruction, linear=0
at\@:   \instruction
end\@:  RECORD "\name", at\@, \reason, \qualification, end\@-at\@, \linear
        .endm
        /* An EPT violation at the instruction; the hypervisor maps the page and it runs again. */
        .macro EPT name, qualification, address, instruction
at\@:   \instruction
        RECORD "\name", at\@, 48, \qualification, 0, \address, \address
        .endm
        /* An exception that exits; a fault goes on at RSI. */
        .macro FAULT name, interruption, qualification, instruction
        leaq end\@(%rip), %rsi
at\@:   \instruction
end\@:  RECORD "\name", at\@, 0, \qualification, 0, 0, 0, \interruption
        .endm
        .macro CALL_HYPERVISOR number
        movl $\number, %eax
        EXIT "VMCALL \number", 18, 0, "vmcall"
        .endm

        .text
        .global guest_code
        .type guest_code, @function
guest_code:
        EXIT "CPUID", 10, 0, "cpuid"
        shll $8, %ebx
        orl %ebx, %eax
        movl %eax, guest_events + 24
        /* --- MSRs, ports --- */
        movl $0x174, %ecx
        EXIT "RDMSR", 31, 0, "rdmsr"
        EXIT "WRMSR", 32, 0, "wrmsr"
        EXIT "OUT imm8, AL", 30, 0x00800040, "outb %al, $0x80"
        EXIT "IN EAX, imm8", 30, 0x0084004b, "inl $0x84, %eax"
        movl $0x1234, %edx
        EXIT "OUT DX, AX", 30, 0x12340001, "outw %ax, %dx"
        EXIT "IN AL, DX", 30, 0x12340008, "inb %dx, %al"
        movl $guest_events, %esi
        movl $guest_events, %edi
        movl $2, %ecx
        EXIT "REP OUTSB", 30, 0x12340030, "rep outsb", guest_events
        EXIT "INSL", 30, 0x1234001b, "insl", guest_events
        /* --- control and debug registers --- */
        EXIT "MOV RAX, CR3", 28, 0x013, "movq %cr3, %rax"
        EXIT "MOV CR3, RBX", 28, 0x303, "movq %rbx, %cr3"
        EXIT "MOV R9, CR8", 28, 0x918, "movq %cr8, %r9"
        EXIT "MOV CR8, RDX", 28, 0x208, "movq %rdx, %cr8"
        EXIT "CLTS", 28, 0x020, "clts"
        movl $0x0006, %eax
        EXIT "LMSW AX", 28, 0x00060030, "lmsw %ax"
        movl $0x80000001, %eax
        EXIT "MOV CR0, RAX", 28, 0x000, "movq %rax, %cr0"
        movl $0x2620, %eax
        EXIT "MOV CR4, RAX", 28, 0x004, "movq %rax, %cr4"
        EXIT "MOV DR7, RCX", 29, 0x107, "movq %rcx, %dr7"
        EXIT "MOV R10, DR6", 29, 0xa16, "movq %dr6, %r10"
        movq %cr0, %rax
        andl $0x28, %eax
        cmpl $0x28, %eax                /* both masked bits come from the read shadow: no exit */
        jne wrong
        movq %cr4, %rax
        testl $0x2000, %eax
        jnz wrong
        /* --- instructions with a control --- */
        EXIT "HLT", 12, 0, "hlt"
        EXIT "INVLPG", 14, 0x12345678, "invlpg 0x12345678"
        EXIT "RDTSC", 16, 0, "rdtsc"
        EXIT "RDTSCP", 51, 0, "rdtscp"
        xorl %ecx, %ecx
        EXIT "RDPMC", 15, 0, "rdpmc"
        EXIT "PAUSE", 40, 0, "pause"
        movl $guest_events, %eax
        xorl %edx, %edx
        EXIT "MONITOR", 39, 0, "monitor"
        EXIT "MWAIT", 36, 0, "mwait"
        EXIT "WBINVD", 54, 0, "wbinvd"
        EXIT "INVD", 13, 0, "invd"
        EXIT "RDRAND", 57, 0, "rdrand %ebx"
        EXIT "RDSEED", 61, 0, "rdseed %r11"
        EXIT "XSETBV", 55, 0, "xsetbv"
        movl $2, %eax
        EXIT "INVPCID", 58, guest_events, "invpcid guest_events, %rax"
        EXIT "SGDT", 46, guest_events, "sgdt guest_events"
        EXIT "LIDT", 46, -16, "lidt -16(%rsp)"
        EXIT "SLDT", 47, 0, "sldt %ecx"
        EXIT "STR", 47, guest_events, "str guest_events"
        EXIT "LTR", 47, 0, "ltr %dx"
        /* --- VMX instructions exit always --- */
        EXIT "VMREAD", 23, 0, "vmread %rax, %rbx"
        EXIT "VMWRITE", 25, 0x40, "vmwrite 0x40(%rsp), %rax"
        EXIT "VMPTRLD", 21, guest_events, "vmptrld guest_events"
        EXIT "VMPTRST", 22, guest_events, "vmptrst guest_events"
        EXIT "VMCLEAR", 19, 8, "vmclear 8(%rax, %rbx, 4)"
        EXIT "VMLAUNCH", 20, 0, "vmlaunch"
        EXIT "VMRESUME", 24, 0, "vmresume"
        EXIT "VMXON", 27, 0, "vmxon (%rdi)"
        EXIT "VMXOFF", 26, 0, "vmxoff"
        EXIT "INVEPT", 50, 16, "invept 16(%rsi), %rax"
        EXIT "INVVPID", 53, 0, "invvpid (%r12), %r13"
        /* --- EPT: bits 0 read, 1 write, 2 fetch, 3-5 what the entry allows, 7 linear valid, 8 final access --- */
        EPT "EPT violation: read", 0x181, 0x4000123, "movb 0x4000123, %al"
        EPT "EPT violation: write", 0x182, 0x4001ff8, "movq %rax, 0x4001ff8"
        EPT "EPT violation: write to a readable page", 0x18a, 0x4002010, "movl %eax, 0x4002010"
        movb $0xc3, 0x4003000
        movl $0x4003000, %eax
        pushq $1f
        jmp *%rax
1:      RECORD "EPT violation: fetch from a page without X", 0x4003000, 48, 0x19c, 0, 0x4003000, 0x4003000
        EPT "EPT violation: write to an executable page", 0x1aa, 0x4007ff0, "movw %ax, 0x4007ff0"
        EPT "EPT violation: second page of a read across pages", 0x181, 0x4004000, "movq 0x4003ffc, %rax"
misconfigured:
        movl 0x4006004, %eax
        RECORD "EPT misconfiguration", misconfigured, 49, 0, 0, 0, 0x4006004
        /* The page-directory-pointer table itself lies in a page without EPT access: bit 8 is clear. */
        movq $0x4008003, boot_pml4 + 16
        movabsq $0x10000000abc, %rbx
        leaq through_table_end(%rip), %rsi
through_table:
        movb (%rbx), %al
through_table_end:
        RECORD "EPT violation: read of a paging structure", through_table, 48, 0x081, 0, 0x10000000abc, 0x4008000
        RECORD "#PF behind it exits by the exception bitmap", through_table, 0, 0x10000000abc, 0, 0, 0, 0x80000b0e
        /* --- exceptions --- */
        FAULT "#UD", 0x80000306, 0, "ud2"
        FAULT "#PF: write", 0x80000b0e, 0x20000000000, "movabsl %eax, 0x20000000000"
int3_at:
        int3
        RECORD "INT3: a software exception", int3_at, 0, 0, 1, 0, 0, 0x80000603
int1_at:
        .byte 0xf1
        RECORD "INT1: a privileged software exception", int1_at, 0, 0, 1, 0, 0, 0x80000501
        pushq $0x102
        popfq
        nop
single_stepped:
        RECORD "#DB: single step, qualification BS", single_stepped, 0, 0x4000, 0, 0, 0, 0x80000301
        /* --- events --- */
        CALL_HYPERVISOR 1
        movl $7, %ebx
trapped:
        cmpl $7, %ebx
        RECORD "monitor trap flag: after one instruction", trapped, 37, 0, 0
        jne wrong
        CALL_HYPERVISOR 2
expired:
        nop
        RECORD "VMX-preemption timer at 0: before any instruction", expired, 52, 0, 0
        CALL_HYPERVISOR 3
        nop
        sti
        nop
window:
        nop
        RECORD "interrupt window: after STI's shadow", window, 7, 0, 0
        cli
        cmpq $1, guest_events
        jne wrong
        CALL_HYPERVISOR 4
nmi_window:
        nop
        RECORD "NMI window", nmi_window, 8, 0, 0
        CALL_HYPERVISOR 5
        /* INT 0x91 has a stack (IST 2) in a page without EPT access. */
vectored:
        int $0x91
        RECORD "EPT violation while delivering INT 0x91", vectored, 48, 0x182, 2, 0x4005ff8, 0x4005ff8, 0, 0x80000491
        /* --- bitmaps --- */
        CALL_HYPERVISOR 6
        movl $0x175, %ecx
        rdmsr                           /* no exit: its bit is clear */
        EXIT "WRMSR with its bit set", 32, 0, "wrmsr"
        inb $0x84, %al                  /* no exit */
        EXIT "OUT to the port with its bit set", 30, 0x00800040, "outb %al, $0x80"
        EXIT "IN of a word that touches it", 30, 0x007f0049, "inw $0x7f, %ax"
        movl $0x12345678, %ecx
        EXIT "RDMSR outside both ranges exits always", 31, 0, "rdmsr"
        /* --- the end --- */
        CALL_HYPERVISOR 7
        CALL_HYPERVISOR 8
end_at: ud2
        RECORD "triple fault", end_at, 2, 0, 0
wrong:
        .byte 0x0f, 0x01, 0xc1          /* VMCALL that is on no list */
        .size guest_code, . - guest_code

        .data
        .align 16
        .global guest_events
guest_events: .fill 4, 8, 0
        .bss
        .align 16
        .global guest_stack_top
        .skip 4096
guest_stack_top:
