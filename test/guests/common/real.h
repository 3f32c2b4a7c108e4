/* Checks for 16-bit code (real mode and V86), as assembly records that checks16 (main.c) prints afterwards.
   CHECK16 "name", expected: compares EAX. FAULT16 "name", vector, "instruction" [, after]: the instruction must raise
   this vector with the saved IP at the instruction (or behind it). GS = 0 is assumed, and CS = 0 around FAULT16. */
        .macro CHECK16 name, expected
        movl %eax, %gs:slot\@
        .pushsection .low, 1, "awx"
        .balign 4
slot\@: .long 0xdeadbeef
        .popsection
        .pushsection .rodata.names, "a"
name\@: .asciz "\name"
        .popsection
        .pushsection .cases, "a"
        .long name\@, slot\@, \expected
        .popsection
        .endm

        .macro FAULT16 name, vector, instruction, after=0
        movw $resume\@, %gs:fault_resume
        movl $-1, %gs:fault_record
at\@:   \instruction
resume\@:
        movl %gs:fault_record, %eax
        .if \after
        CHECK16 "\name", (\vector<<16)+resume\@
        .else
        CHECK16 "\name", (\vector<<16)+at\@
        .endif
        .endm
