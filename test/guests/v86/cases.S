/* Virtual-8086 code. With IOPL 3 it runs by itself; with IOPL 0 the monitor in main.c gets a #GP for each sensitive
   instruction. HLT (a #GP always) is the way out. SDM Vol. 3B 21.2-21.3. */
#include "common/real.h"
        .text
        .code32
        .global enter_v86
        .type enter_v86, @function
enter_v86:                              /* (entry, flags): IRET with VM set, CS 0, stack 0:7000 */
        movl 4(%esp), %ecx
        movl 8(%esp), %edx
        pushl $0                        /* GS */
        pushl $0                        /* FS */
        pushl $0                        /* DS */
        pushl $0                        /* ES */
        pushl $0                        /* SS */
        pushl $0x7000
        pushl %edx
        pushl $0
        pushl %ecx
        iretl
        .size enter_v86, . - enter_v86

        .section .low, "awx"
        .code16
        .global v86_plain, v86_monitored, v86_interrupt, v86_interrupt_return, v86_in_allowed, v86_in_denied, v86_lidt
        .global v86_divide, v86_divide_at, v86_vme, v86_vme_handler
v86_plain:
        movl $0x12345678, %eax
        movw $0x0600, %bx
        movw %bx, %ds
        movl %eax, 0x10
        movl %gs:0x6010, %eax
        CHECK16 "segment * 16 + offset", 0x12345678
        pushfl
        popl %eax
        CHECK16 "PUSHFD with IOPL 3: IOPL 3, VM and RF read 0", 0x3002
        pushw $0x7202
        popfw
        pushfw
        popw %ax
        movzwl %ax, %eax
        CHECK16 "POPF with IOPL 3 changes IF and NT", 0x7202
        pushw $0x3002
        popfw
        sti
        pushfw
        popw %ax
        cli
        movzwl %ax, %eax
        CHECK16 "STI with IOPL 3", 0x3202
        movw $0xffff, %ax
        movw %ax, %es
        movl %es:0x10, %eax
        CHECK16 "FFFF:0010 is linear 100000", 0x1badb002
        lcall $0x0700, $v86_far-0x7000
        CHECK16 "far CALL loads CS as a paragraph", 0x0700
        movl $2, %ecx
        movw $0, %bx
        movw %bx, %ds
        movw %bx, %es
        movw $0x6010, %si
        movw $0x6020, %di
        cld
        rep movsw
        movl 0x6020, %eax
        CHECK16 "REP MOVSW", 0x12345678
        movw %cs, %ax
        pushw %cs
        popw %bx
        movzwl %bx, %eax
        CHECK16 "PUSH CS", 0
        smsww %ax
        andl $1, %eax
        CHECK16 "SMSW shows PE set", 1
        hlt
v86_far:
        xorl %eax, %eax
        movw %cs, %ax
        lretw

v86_monitored:                          /* IOPL 0: each of these is a #GP for the monitor to emulate */
        cli
        pushfw
        popw %ax
        sti
        pushw $2
        popfw
        int $0x60
        movl $0x60, %eax
        CHECK16 "after the monitor reflected INT 60", 0x60
        hlt
        .global v86_handler
v86_handler:
        iretw

v86_interrupt:                          /* IOPL 3: INT n goes through the IDT to ring 0 */
        movw $0x1111, %ax
        movw %ax, %ds
        movw $0x2222, %ax
        movw %ax, %es
        int $0x81
v86_interrupt_return:
        hlt
v86_in_allowed:
        inb $0x84, %al
        int $0x80
v86_in_denied:
        inb $0x85, %al
        hlt
v86_lidt:
        .byte 0x0f, 0x01, 0x1e, 0, 0    /* LIDT [0] */
        hlt
v86_divide:
        xorw %cx, %cx
v86_divide_at:
        divw %cx
        hlt
v86_vme:                                /* CR4.VME, IOPL 0: CLI and STI work on VIF; INT 61 goes through the IVT */
        sti
        pushfw
        popw %ax
        movzwl %ax, %eax
        CHECK16 "VME: PUSHF shows VIF as IF and IOPL as 3", 0x3202
        cli
        pushfw
        popw %ax
        movzwl %ax, %eax
        CHECK16 "VME: CLI clears VIF", 0x3002
        int $0x61
        CHECK16 "VME: INT 61 redirected to the IVT", 0x61
        hlt
v86_vme_handler:
        movl $0x61, %eax
        iretw
