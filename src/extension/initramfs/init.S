/* PID 1 of the tiny initial RAM file system: a static x86-64 Linux program without a C library. It says that it is
   there, echoes each line that it reads, and powers the machine off at the line "poweroff" or at the end of input.
   Standard input and output are /dev/console, which the kernel opens for /init. System calls: read 0, write 1,
   pause 34, reboot 169 (Linux arch/x86/entry/syscalls/syscall_64.tbl); reboot(2)'s numbers: include/uapi/linux/reboot.h. */
        .set SYS_READ, 0
        .set SYS_WRITE, 1
        .set SYS_PAUSE, 34
        .set SYS_REBOOT, 169
        .set LINE_BYTES, 4096

        .text
        .globl _start
_start:
        leaq greeting(%rip), %rsi
        movl $greeting_end - greeting, %edx
        call print
next_line:
        leaq prompt(%rip), %rsi
        movl $prompt_end - prompt, %edx
        call print
        xorl %edi, %edi
        movl $SYS_READ, %eax
        leaq line(%rip), %rsi
        movl $LINE_BYTES, %edx
        syscall
        testq %rax, %rax
        jle power_off
        movq %rax, %rbx
        cmpq $poweroff_end - poweroff, %rbx
        jne echo
        leaq line(%rip), %rsi
        leaq poweroff(%rip), %rdi
        movl $poweroff_end - poweroff, %ecx
        repe cmpsb
        je power_off
echo:
        leaq said(%rip), %rsi
        movl $said_end - said, %edx
        call print
        leaq line(%rip), %rsi
        movq %rbx, %rdx
        call print
        jmp next_line

/* Without a way to power off reboot halts or returns: PID 1 must not end, so it waits for good. */
power_off:
        movl $0xfee1dead, %edi
        movl $672274793, %esi
        movl $0x4321fedc, %edx
        xorl %r10d, %r10d
        movl $SYS_REBOOT, %eax
        syscall
wait:   movl $SYS_PAUSE, %eax
        syscall
        jmp wait

/* Writes RDX bytes at RSI to standard output. */
print:
        movl $1, %edi
        movl $SYS_WRITE, %eax
        syscall
        ret

greeting:
        .ascii "\nVMXray's tiny initial RAM disk: a line that you type comes back; \"poweroff\" ends the guest.\n"
greeting_end:
prompt: .ascii "> "
prompt_end:
said:   .ascii "you typed: "
said_end:
poweroff:
        .ascii "poweroff\n"
poweroff_end:

        .bss
        .lcomm line, LINE_BYTES
