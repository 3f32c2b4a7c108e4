/* The way in: PVH note, Multiboot headers, and the path from 32-bit protected mode without paging to kmain.
   Sources: Xen "PVH boot ABI" (XEN_ELFNOTE_PHYS32_ENTRY = 18), Multiboot 0.6.96 3.1, Multiboot2 2.0 3.1,
   SDM Vol. 3A 10.8.5 "Initializing IA-32e Mode".
   kmain(info): info is EBX at entry, PVH's hvm_start_info or a Multiboot information structure; the loader's EAX is in
   `boot_magic`. */
        .section .note.pvh, "a", @note
        .align 4
        .long 4, 4, 18
        .asciz "Xen"
        .long _start

        .section .boot, "awx"
        .code32
#ifndef __x86_64__
        /* QEMU refuses a 64-bit ELF with a Multiboot 1 header, so only 32-bit guests have one. Flag 1: memory map. */
        .align 4
        .long 0x1badb002, 2, -(0x1badb002 + 2)
#endif
        .align 8
multiboot2:
        .long 0xe85250d6, 0, multiboot2_end - multiboot2
        .long -(0xe85250d6 + (multiboot2_end - multiboot2))
        .word 0, 0
        .long 8
multiboot2_end:

        .global _start
        .type _start, @function
_start:
        cli
        cld
        movl $boot_stack_top, %esp
        movl %eax, boot_magic
        movl %ebx, boot_info
        movl $low_load, %esi
        movl $low_start, %edi
        movl $low_end, %ecx
        subl %edi, %ecx
        rep movsb
        lgdt boot_gdt_pointer
#ifdef __x86_64__
        /* Identity map of 4 GiB in 2 MiB pages: P, R/W, PS; the last GiB (APICs) is PWT, PCD. */
        movl $boot_pd, %edi
        xorl %ecx, %ecx
1:      movl %ecx, %eax
        shll $21, %eax
        orl $0x83, %eax
        cmpl $0xc0000000, %eax
        jb 2f
        orl $0x18, %eax
2:      movl %eax, (%edi, %ecx, 8)
        incl %ecx
        cmpl $2048, %ecx
        jb 1b
        movl $boot_pd + 3, %eax
        movl %eax, boot_pdpt
        addl $0x1000, %eax
        movl %eax, boot_pdpt + 8
        addl $0x1000, %eax
        movl %eax, boot_pdpt + 16
        addl $0x1000, %eax
        movl %eax, boot_pdpt + 24
        movl $boot_pdpt + 3, boot_pml4
        movl $boot_pml4, %eax
        movl %eax, %cr3
        movl %cr4, %eax
        orl $0x620, %eax                /* PAE, OSFXSR, OSXMMEXCPT */
        movl %eax, %cr4
        movl $0xc0000080, %ecx          /* IA32_EFER */
        rdmsr
        orl $0x900, %eax                /* LME, NXE */
        wrmsr
        movl $0x80010033, %eax          /* PG, WP, NE, ET, MP, PE */
        movl %eax, %cr0
        ljmp $0x08, $start64
        .code64
start64:
#else
        ljmp $0x08, $start32
start32:
#endif
        movw $0x10, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        xorl %eax, %eax
        movw %ax, %fs
        movw %ax, %gs
#ifdef __x86_64__
        movl $boot_stack_top, %esp
        xorl %ebp, %ebp
        call guest_init
        movl boot_info, %edi
        call kmain
#else
        xorl %ebp, %ebp
        call guest_init
        pushl boot_info
        call kmain
#endif
        call finish
        .size _start, . - _start

        .section .data
        .align 8
        .global boot_gdt
        /* Slots 0x08..0x30 fit SYSCALL/SYSRET (STAR 0x00180008) and SYSENTER/SYSEXIT (base 0x08). */
boot_gdt:
        .quad 0
#ifdef __x86_64__
        .quad 0x00af9a000000ffff        /* 0x08 code, ring 0, 64-bit */
        .quad 0x00cf92000000ffff        /* 0x10 data, ring 0 */
        .quad 0x00cffa000000ffff        /* 0x18 code, ring 3, 32-bit */
        .quad 0x00cff2000000ffff        /* 0x20 data, ring 3 */
        .quad 0x00affa000000ffff        /* 0x28 code, ring 3, 64-bit */
        .quad 0x00cff2000000ffff        /* 0x30 data, ring 3 */
        .quad 0, 0                      /* 0x38 TSS, filled by guest_init */
        .quad 0x00cf9a000000ffff        /* 0x48 code, ring 0, 32-bit (compatibility mode) */
        .quad 0x008f9a000000ffff        /* 0x50 code, ring 0, 16-bit (compatibility mode) */
#else
        .quad 0x00cf9a000000ffff        /* 0x08 code, ring 0 */
        .quad 0x00cf92000000ffff        /* 0x10 data, ring 0 */
        .quad 0x00cffa000000ffff        /* 0x18 code, ring 3 */
        .quad 0x00cff2000000ffff        /* 0x20 data, ring 3 */
        .quad 0                         /* 0x28 TSS, filled by guest_init */
        .quad 0, 0, 0, 0, 0
#endif
        .fill 53, 8, 0                  /* 0x58..0x1f8: free for the guest */
boot_gdt_end:
boot_gdt_pointer:
        .word boot_gdt_end - boot_gdt - 1
        .long boot_gdt
        .long 0

        .global boot_magic, boot_info
boot_magic: .long 0
boot_info: .long 0

        .section .bss
        .align 4096
        .global boot_stack_top
boot_stack:
        .skip 16384
boot_stack_top:
#ifdef __x86_64__
        .global boot_pml4, boot_pdpt, boot_pd
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pd: .skip 16384
#endif
