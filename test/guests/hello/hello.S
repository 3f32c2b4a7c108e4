/* The smallest useful guest: 32-bit protected mode, a line on COM1, the end through port 0xf4. No IDT use, no paging,
   no stack beyond calls: what a new CPU core should run first. */
        .text
        .global kmain
        .type kmain, @function
kmain:
        movl $text, %esi
next_character:
        lodsb
        testb %al, %al
        jz done
        movb %al, %bl
        movw $0x3fd, %dx
wait_empty:
        inb %dx, %al
        testb $0x20, %al
        jz wait_empty
        movw $0x3f8, %dx
        movb %bl, %al
        outb %al, %dx
        jmp next_character
done:
        ret
        .size kmain, . - kmain

        .section .rodata
text:   .asciz "Hello from 32-bit protected mode\n"
