/* Real-address mode: segments, interrupts through the IVT, strings, far transfers, BCD, I/O, a timer interrupt.
   SDM Vol. 3B 21.1 "Real-Address Mode". */
#include "common/real.h"

        .text
        .code32
        .global run_real
        .type run_real, @function
run_real:
        pushal
        movl %esp, saved_esp
        sidt saved_idt
        lidt real_idt           /* from here on no exception may happen before real mode */
        ljmp $0x30, $to_real

        .section .low, "awx"
        .balign 16
        .code16
to_real:
        movw $0x38, %ax                 /* 64-KiB limits, as real mode wants them */
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %fs
        movw %ax, %gs
        movw %ax, %ss
        movl %cr0, %eax
        andb $0xfe, %al
        movl %eax, %cr0
        ljmp $0, $real_start
real_start:
        xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw %ax, %fs
        movw %ax, %gs
        movl $0x7000, %esp
        /* IVT: vector n -> fault_stubs + 4n */
        xorw %di, %di
        movl $fault_stubs, %eax
        movw $256, %cx
        cld
1:      stosl
        addw $4, %ax
        loop 1b

        /* --- interrupts --- */
        FAULT16 "INT n goes through the IVT; IP behind it", 0x60, "int $0x60", 1
        FAULT16 "INT3: vector 3", 3, "int3", 1
        xorw %cx, %cx
        FAULT16 "#DE: vector 0, IP at the DIV", 0, "divw %cx"
        movb $0x7f, %al
        addb $1, %al
        FAULT16 "INTO with OF: vector 4", 4, "into", 1
        movw $9, %bx
        FAULT16 "#BR: BOUND outside: vector 5", 5, "boundw %bx, bound_limits"
        movw $5, %bx
        FAULT16 "BOUND inside: no exception", 0x61, "boundw %bx, bound_limits; int $0x61", 1
        FAULT16 "#UD: UD2", 6, "ud2"
        FAULT16 "#UD: LLDT in real mode", 6, "lldt %ax"
        FAULT16 "#UD: ARPL in real mode", 6, "arpl %ax, %ax"
        FAULT16 "#UD: LAR in real mode", 6, "lar %ax, %ax"
        movl $0x3002, %eax
        pushl %eax
        popfl
        movw $0, interrupt_flags
        movw $note_flags, 0x62*4
        stc
        sti
        int $0x62
        pushfw
        cli
        popw %ax
        shll $16, %eax
        movw interrupt_flags, %ax
        CHECK16 "INT saves FLAGS with IF; IRET restores them", 0x32033203
        movl handler_flags, %eax
        CHECK16 "INT clears IF and TF, and keeps IOPL and CF", 0x3003
        movw $1f, fault_resume
        movl $-1, fault_record
        pushw $0x0102
        popfw
        nop                             /* TF: the trap comes after this instruction */
1:      movl fault_record, %eax
        CHECK16 "TF: #DB after the next instruction", 0x10000+1b
        pushw $0x0002
        popfw

        /* --- limits --- */
        movw $0xffff, %bx
        FAULT16 "#GP: word at offset FFFF", 13, "movw (%bx), %ax"
        movb $0x77, 0xffff
        xorl %eax, %eax
        movb (%bx), %al
        CHECK16 "byte at offset FFFF", 0x77
        movl $0x10000, %ebx
        FAULT16 "#GP: 32-bit offset 10000", 13, "movb (%ebx), %al"
        movw $0xffff, %bp
        FAULT16 "#SS: word at SS:FFFF", 12, "movw (%bp), %ax"
        FAULT16 "#GP: jump beyond the limit of CS", 13, "jmp *%ebx"
        movw $0xffff, %ax
        movw %ax, %es
        movl %es:0x10, %eax
        CHECK16 "FFFF:0010 is linear 100000 (A20 on)", 0x1badb002
        xorw %ax, %ax
        movw %ax, %es
        movl $0xabcd7000, %esp
        pushw $0x1122
        movl %esp, %eax
        CHECK16 "PUSH moves SP alone", 0xabcd6ffe
        popw %ax
        movl $0x7000, %esp
        movl $0x12340000, %esp
        pushw $0x5566
        movl %esp, %eax
        movl $0x7000, %esp
        CHECK16 "PUSH with SP 0 wraps to FFFE", 0x1234fffe
        movzwl 0xfffe, %eax
        CHECK16 "and stores there", 0x5566
        movw $0x1234, %bx
        movw $0xff00, %si
        movl $0xcafe1234, 0x1134
        movl (%bx, %si), %eax
        CHECK16 "BX+SI wraps at 64 KiB", 0xcafe1234

        /* --- strings --- */
        movl $0x04030201, 0xfffc
        movl $0x08070605, 0x0500
        pushl 0
        movl $0x0c0b0a09, 0
        movw $0xfffe, %si
        movw $0x0600, %di
        movw $4, %cx
        rep movsb
        popl 0
        movl 0x600, %eax
        CHECK16 "REP MOVSB: SI wraps from FFFF to 0", 0x0a090403
        movzwl %si, %eax
        CHECK16 "and ends at 2", 2
        movl $0x44332211, 0x610
        std
        movw $0x613, %si
        movw $0x614, %di
        movw $4, %cx
        rep movsb
        cld
        movl 0x611, %eax
        CHECK16 "REP MOVSB backwards over an overlap", 0x44332211
        movw $0x620, %di
        movw $3, %cx
        movw $0xbeef, %ax
        rep stosw
        movl 0x622, %eax
        CHECK16 "REP STOSW", 0xbeefbeef
        movl $0x64636261, 0x630
        movw $0x630, %di
        movw $4, %cx
        movb $0x63, %al
        repne scasb
        movl %ecx, %eax
        andl $0xffff, %eax
        shll $16, %eax
        movw %di, %ax
        CHECK16 "REPNE SCASB stops behind the match", 0x00010633
        movl $0x64006261, 0x640
        movw $0x630, %si
        movw $0x640, %di
        movw $4, %cx
        repe cmpsb
        movzwl %cx, %eax
        CHECK16 "REPE CMPSB stops behind the difference", 1
        xorw %cx, %cx
        movw $0x630, %si
        rep lodsb
        movzwl %si, %eax
        CHECK16 "REP with CX 0 does nothing", 0x630
        movl $0x10002, %ecx
        movw $0x650, %di
        rep movsb
        movl %ecx, %eax
        CHECK16 "REP with 16-bit addresses counts CX alone", 0x10000

        /* --- far transfers --- */
        lcall $0x0700, $far_target-0x7000
        CHECK16 "far CALL: CS at the target", 0x0700
        movw %sp, %ax
        pushw $0x1111
        pushw $0x2222
        lcall *far_pointer
        subw %sp, %ax
        movzwl %ax, %eax
        CHECK16 "far RET n drops the arguments", 0
        pushw %cs
        pushw $1f
        lret
1:      ljmp *far_jump
        ud2
far_jump_target:
        xorl %eax, %eax
        movw %cs, %ax
        CHECK16 "far JMP through memory", 0x0600
        ljmp $0, $1f
1:      lds far_pointer, %si
        movw %ds, %ax
        shll $16, %eax
        movw %si, %ax
        xorw %bx, %bx
        movw %bx, %ds
        CHECK16 "LDS", (0x0700<<16)+far_return-0x7000
        call near_target
near_back:
        CHECK16 "near CALL pushes 16 bits", near_back

        /* --- stack frames --- */
        movl $0xaaaa1111, %eax
        movl $0xbbbb2222, %ecx
        pushaw
        movw %sp, %bp
        movw 6(%bp), %ax
        subw %sp, %ax
        movzwl %ax, %eax
        CHECK16 "PUSHA stores SP as it was", 16
        movl $0, %eax
        movl $0, %ecx
        popaw
        CHECK16 "POPA leaves upper halves", 0x00001111
        movw $0x7000, %bp
        movw %bp, %sp
        enter $8, $0
        movzwl %sp, %eax
        CHECK16 "ENTER 8, 0", 0x6ff6
        leave
        movw $0x6f00, %bp
        movw $0x3333, 0x6efe
        enter $4, $2
        movzwl %sp, %eax
        CHECK16 "ENTER 4, 2: SP", 0x6ff6
        movl 2+2(%esp), %eax
        CHECK16 "ENTER 4, 2: display", 0x33336ffe
        leave
        movw $0x7000, %sp
        pushw %sp
        popw %ax
        movzwl %ax, %eax
        CHECK16 "PUSH SP stores the old value", 0x7000

        /* --- decimal and odd instructions --- */
        movl $0x000f, %eax
        aaa
        CHECK16 "AAA", 0x0105
        movl $0x0403, %eax
        aad
        CHECK16 "AAD", 43
        movl $0x0045, %eax
        aam
        CHECK16 "AAM", 0x0609
        movl $0x0000009a, %eax
        clc
        daa
        CHECK16 "DAA", 0
        movl $0x00000035, %eax
        subb $0x08, %al
        das
        CHECK16 "DAS", 0x27
        movl $0, %eax
        stc
        .byte 0xd6
        CHECK16 "SALC", 0xff
        movw $0x630, %bx
        movl $2, %eax
        xlat
        CHECK16 "XLAT", 0x63
        movl $0x12345678, %eax
        xorw %cx, %cx
        jcxz 1f
        ud2
1:      movl $0x10000, %ecx
        jcxz 2f
        ud2
2:      jecxz 3f
        loop 4f                         /* CX 0 -> FFFF: taken */
3:      ud2
4:      movl %ecx, %eax
        CHECK16 "LOOP counts CX alone", 0x1ffff
        addr32 loop 5f
        ud2
5:      movl %ecx, %eax
        CHECK16 "LOOP with 67 counts ECX", 0x1fffe
        pushw $0x7000
        popfw
        pushfw
        popw %ax
        movzwl %ax, %eax
        CHECK16 "IOPL and NT can be set in real mode", 0x7002
        pushw $2
        popfw
        smsww %ax
        andl $1, %eax
        CHECK16 "SMSW shows PE clear", 0

        /* --- a moved and shortened IVT --- */
        xorw %si, %si
        movw $0x1000, %di
        movw $64, %cx
        rep movsl
        movw $moved_handler, 0x1000 + 0x30*4
        lidt moved_idt
        xorl %eax, %eax
        int $0x30
        CHECK16 "LIDT moves the IVT", 0x30
        FAULT16 "#GP: INT beyond the limit of the IDT", 13, "int $0x61"
        lidt real_idt

        /* --- a timer interrupt through the PIC --- */
        movw $timer_handler, 0x20*4
        movb $0x11, %al
        outb %al, $0x20
        movb $0x20, %al
        outb %al, $0x21
        movb $0x04, %al
        outb %al, $0x21
        movb $0x01, %al
        outb %al, $0x21
        movb $0xfe, %al
        outb %al, $0x21
        movb $0x30, %al                 /* counter 0, mode 0, 1193 = 1 ms */
        outb %al, $0x43
        movb $0xa9, %al
        outb %al, $0x40
        movb $0x04, %al
        outb %al, $0x40
        xorl %eax, %eax
        sti
        hlt
after_hlt:
        cli
        CHECK16 "HLT ends with the timer's interrupt, IP behind it", 0x20000+after_hlt
        movb $0xff, %al
        outb %al, $0x21

        /* --- "unreal" mode: a 4-GiB limit survives the way back --- */
        movl %cr0, %eax
        orb $1, %al
        movl %eax, %cr0
        jmp 1f
1:      movw $0x10, %bx
        movw %bx, %fs
        andb $0xfe, %al
        movl %eax, %cr0
        xorw %bx, %bx
        movw %bx, %fs
        movl $0x100000, %ebx
        movl %fs:(%ebx), %eax
        CHECK16 "a cached 4-GiB limit stays in real mode", 0x1badb002

        movl %cr0, %eax
        orb $1, %al
        movl %eax, %cr0
        ljmpl $0x08, $back_to_protected

        /* Vector n enters at fault_stubs + 4n; the byte behind the CALL is the vector. */
fault_stubs:
        .set vector, 0
        .rept 256
        callw fault_common
        .byte vector
        .set vector, vector + 1
        .endr
fault_common:                           /* 0 BP, 2 AX, 4 BX, 6 stub, 8 IP, 10 CS, 12 FLAGS */
        pushw %bx
        pushw %ax
        pushw %bp
        movw %sp, %bp
        movw 6(%bp), %bx
        movzbw %cs:(%bx), %ax
        movw %ax, %gs:fault_record + 2
        movw 8(%bp), %ax
        movw %ax, %gs:fault_record
        movw %gs:fault_resume, %ax
        movw %ax, 8(%bp)
        andw $0xfeff, 12(%bp)
        popw %bp
        popw %ax
        popw %bx
        addw $2, %sp
        iretw

note_flags:
        pushfl
        popl handler_flags
        movw %sp, %bp
        movw 4(%bp), %ax
        movw %ax, interrupt_flags
        iretw
moved_handler:
        movl $0x30, %eax
        iretw
timer_handler:
        movb $0x20, %al
        outb %al, $0x20
        movw %sp, %bp
        movl $0x20000, %eax
        movw (%bp), %ax
        iretw
far_target:
        xorl %eax, %eax
        movw %cs, %ax
        lretw
far_return:
        lretw $4
near_target:
        movw %sp, %bp
        movzwl (%bp), %eax
        retw

        .balign 4
fault_record: .long 0
handler_flags: .long 0
fault_resume: .word 0
interrupt_flags: .word 0
bound_limits: .word 1, 8
far_pointer: .word far_return - 0x7000, 0x0700
far_jump: .word far_jump_target - 0x6000, 0x0600
real_idt: .word 0x3ff
        .long 0
moved_idt: .word 0x30 * 4 + 3
        .long 0x1000

        .text
        .code32
back_to_protected:
        movl $0x10, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %ss
        movl saved_esp, %esp
        lidt saved_idt
        popal
        ret
        .size run_real, . - run_real

        .data
saved_esp: .long 0
saved_idt: .long 0, 0
