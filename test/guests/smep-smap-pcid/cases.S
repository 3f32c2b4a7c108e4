/* SMEP, SMAP and INVPCID's faults. SDM Vol. 3A 4.6.1 (access rights), 4.7 (error codes), Vol. 2A CLAC, INVPCID.
   Window page 0 is a user page, page 1 a supervisor page, both hold RET. */
#include "common/cases.h"
#define WINDOW 0x40000000
#define CR4_SMEP 20
#define CR4_SMAP 21
        .macro SET_CR4 bit
        movq %cr4, %rax
        btsq $\bit, %rax
        movq %rax, %cr4
        .endm
        .text
        CASE user_fetch, "without SMEP ring 0 runs user pages", 0x80
        movl $WINDOW, %eax
        call *%rax
        int $0x80
user_fetch_at:
        CASE smep_fetch, "#PF: SMEP, fetch of a user page: P and I/D", 14, 0x11, WINDOW
        SET_CR4 CR4_SMEP
        movl $WINDOW, %eax
        jmp *%rax
        .set smep_fetch_at, WINDOW
        CASE smep_supervisor, "SMEP lets supervisor pages run", 0x80
        SET_CR4 CR4_SMEP
        movl $WINDOW + 0x1000, %eax
        call *%rax
        int $0x80
smep_supervisor_at:
        CASE smep_read, "SMEP does not bar reading user pages", 0x80
        SET_CR4 CR4_SMEP
        movb WINDOW, %al
        int $0x80
smep_read_at:
        CASE smap_read, "#PF: SMAP, read of a user page", 14, 1, WINDOW + 0x10
        SET_CR4 CR4_SMAP
smap_read_at:
        movb WINDOW + 0x10, %al
        CASE smap_write, "#PF: SMAP, write to a user page", 14, 3, WINDOW + 0x10
        SET_CR4 CR4_SMAP
smap_write_at:
        movb %al, WINDOW + 0x10
        CASE smap_stac, "STAC lets ring 0 in", 0x80
        SET_CR4 CR4_SMAP
        stac
        movb WINDOW + 0x10, %al
        movb %al, WINDOW + 0x10
        int $0x80
smap_stac_at:
        CASE smap_clac, "#PF: CLAC shuts it out again", 14, 1, WINDOW + 0x10
        SET_CR4 CR4_SMAP
        stac
        movb WINDOW + 0x10, %al
        clac
smap_clac_at:
        movb WINDOW + 0x10, %al
        CASE smap_popf, "POPF sets AC too", 0x80
        SET_CR4 CR4_SMAP
        pushq $0x40002
        popfq
        movb WINDOW + 0x10, %al
        int $0x80
smap_popf_at:
        CASE smap_stack, "#DF: SMAP, PUSH to a user page: #PF, and #PF again while delivering it", 8
        SET_CR4 CR4_SMAP
        movl $WINDOW + 0x1000, %esp
smap_stack_at:
        pushq %rax
        CASE smap_string, "#PF: SMAP, MOVSB from a user page", 14, 1, WINDOW
        SET_CR4 CR4_SMAP
        movl $WINDOW, %esi
        movl $WINDOW + 0x1100, %edi
smap_string_at:
        movsb
        CASE smap_fetch, "SMAP does not bar running user pages", 0x80
        SET_CR4 CR4_SMAP
        movl $WINDOW, %eax
        call *%rax
        int $0x80
smap_fetch_at:
        /* An implicit supervisor access (here to the LDT, in a user page) ignores AC. */
        CASE smap_implicit, "#PF: SMAP with AC set, descriptor read from a user page", 14, 1, WINDOW+0x18
        SET_CR4 CR4_SMAP
        movl $0x58, %eax
        lldt %ax
        stac
        movl $0x1c, %eax
smap_implicit_at:
        movl %eax, %fs
        CASE_USER stac_user, "#UD: STAC in ring 3", 6
stac_user_at:
        stac
        CASE invpcid_type, "#GP: INVPCID of a type that does not exist", 13
        movl $4, %eax
invpcid_type_at:
        invpcid descriptor, %rax
        CASE invpcid_reserved, "#GP: INVPCID descriptor with a reserved bit", 13
        movl $1, %eax
invpcid_reserved_at:
        invpcid bad_descriptor, %rax
        CASE invpcid_canonical, "#GP: INVPCID type 0 with an address that is not canonical", 13
        xorl %eax, %eax
invpcid_canonical_at:
        invpcid uncanonical_descriptor, %rax
        CASE invpcid_zero, "#GP: INVPCID type 0 with a PCID while CR4.PCIDE is 0", 13
        xorl %eax, %eax
invpcid_zero_at:
        invpcid descriptor, %rax
        CASE_USER invpcid_user, "#GP: INVPCID in ring 3", 13
        xorl %eax, %eax
invpcid_user_at:
        invpcid descriptor, %rax
        CASE pcide_with_pcid, "#GP: setting CR4.PCIDE while CR3[11:0] is not 0", 13
        movq %cr3, %rax
        orq $8, %rax
        movq %rax, %cr3
        movq %cr4, %rax
        btsq $17, %rax
pcide_with_pcid_at:
        movq %rax, %cr4
        CASES_END

        .data
        .align 16
descriptor: .quad 5, 0
bad_descriptor: .quad 0x1000, 0
uncanonical_descriptor: .quad 0, 0x8000000000000000
