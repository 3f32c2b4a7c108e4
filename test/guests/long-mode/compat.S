/* From 64-bit mode into compatibility mode (32 and 16 bit) and back by far returns and jumps. SDM Vol. 3A 5.2.1. */
        .text
        .global compatibility_mode
        .type compatibility_mode, @function
compatibility_mode:
        pushq %rbx
        movabsq $0x5566778800000000, %rbx
        pushq $0x48
        pushq $compatibility32
        lretq
        .code32
compatibility32:
        movw %cs, compatibility_results + 16
        movl $0x7fffffff, %eax
        .byte 0x40                      /* INC EAX here, REX in 64-bit mode */
        movl %eax, compatibility_results
        movl %esp, %ecx
        pushl %eax
        subl %esp, %ecx
        addl $4, %esp
        movl %ecx, compatibility_results + 4
        movl $0x58, %ecx
        movl %ecx, %ds
        movl compatibility_value - 0x100000, %eax
        movl $0x10, %ecx
        movl %ecx, %ds
        movl %eax, compatibility_results + 8
        ljmp $0x60, $0                  /* a 16-bit segment whose base is the code below */
        .code16
compatibility16:
        movl $0x0000fffe, %eax
        incw %ax
        addr32 movl %eax, compatibility_results + 12
        ljmpl $0x08, $compatibility_end
        .code64
compatibility_end:
        movq %rbx, %rax
        shrq $32, %rax
        movl %eax, compatibility_results + 20
        popq %rbx
        ret
        .size compatibility_mode, . - compatibility_mode

        .global compatibility_fault
        .type compatibility_fault, @function
compatibility_fault:
        pushq $0x48
        pushq $1f
        lretq
        .code32
1:      ud2
        .code64
        .size compatibility_fault, . - compatibility_fault

        .data
        .global compatibility_results, compatibility16
        .align 4
compatibility_results: .fill 8, 4, 0
compatibility_value: .long 0x11223344
