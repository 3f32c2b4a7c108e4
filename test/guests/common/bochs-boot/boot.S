/* A boot sector that loads one flat image from disk to 1 MiB and enters it as a PVH loader would: 32-bit protected
   mode, paging off, flat segments, EBX = hvm_start_info. run-bochs.mjs fills in `sectors` and `entry`.
   Disk reads: EDD 3.0 INT 13h AH=42h; the copy upward: INT 15h AH=87h. */
        .code16
        .global _start
_start:
        cli
        xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw $0x7c00, %sp
        sti
        movb %dl, drive
read_next:
        movw $packet, %si
        movb $0x42, %ah
        movb drive, %dl
        int $0x13
        jc failed
        movb $0x87, %ah
        movw $0x2000, %cx               /* words: 16 KiB */
        movw $move_gdt, %si
        int $0x15
        jc failed
        addl $32, packet_lba
        addl $0x4000, move_base
        subl $32, sectors
        jg read_next
        cli
        lgdt flat_pointer
        movl %cr0, %eax
        orb $1, %al
        movl %eax, %cr0
        ljmp $8, $enter
failed:
        movw $0x3f8, %dx
        movb $'!', %al
        outb %al, %dx
        jmp failed
        .code32
enter:
        movw $16, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movl $start_info, %ebx
        xorl %eax, %eax
        movl entry, %ecx
        jmp *%ecx

        .align 4
drive:  .long 0
packet: .byte 16, 0
        .word 32, 0, 0x1000             /* 32 sectors to 0x1000:0000 */
packet_lba: .long 1, 0
        .align 8
move_gdt:
        .quad 0, 0
        .word 0xffff, 0
        .byte 1, 0x93, 0, 0             /* source 0x10000 */
        .word 0xffff
move_base: .long 0x93100000             /* destination 1 MiB, low 24 bits, then access rights */
        .word 0
        .quad 0, 0
flat_gdt:
        .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
flat_pointer:
        .word 23
        .long flat_gdt
start_info:
        .long 0x336ec578, 0, 0, 0
        .org 0x1f0
sectors: .long 0
entry:  .long 0
        .org 0x1fe
        .word 0xaa55
