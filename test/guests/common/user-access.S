/* Ring 3 touches the byte at user_address, then comes back through INT 0x80 (32-bit guests with paging). */
        .text
        .global user_read, user_write
user_read:
        movl $1f, %eax
        jmp enter_user
1:      movl user_address, %eax
        movb (%eax), %al
        int $0x80
user_write:
        movl $1f, %eax
        jmp enter_user
1:      movl user_address, %eax
        movb $1, (%eax)
        int $0x80
