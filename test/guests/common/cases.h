/* Assembly records for run_cases. CASE label, "name", vector, error code (0 if none is pushed), CR2 (#PF only)
   begins a function `label`; the label `label_at` is the saved instruction pointer that the exception must push.
   CASE_PLAIN is a case that must return without an exception. */
#ifdef __x86_64__
#define WORD .quad
#else
#define WORD .long
#endif

        .macro CASE_RECORD label, name, at, vector, error, cr2
        .pushsection .rodata.names, "a"
\label\()_name: .asciz "\name"
        .popsection
        .pushsection .cases, "a"
        WORD \label\()_name, \label, \at, \vector, \error, \cr2
        .popsection
        int $0x80                       /* the case before met no exception: end it with vector 0x80 */
        .global \label
        .type \label, @function
\label:
        .endm
        .macro CASE label, name, vector, error=0, cr2=0
        CASE_RECORD \label, "\name", \label\()_at, \vector, \error, \cr2
        .endm
        /* The body runs in ring 3 (its pages must be user pages); INT 0x80 is its way back, so a body that
           comes to its end without an exception ends with vector 0x80. */
        .macro CASE_USER label, name, vector, error=0, cr2=0
        CASE_RECORD \label, "\name", \label\()_at, \vector, \error, \cr2
#ifdef __x86_64__
        leaq \label\()_user(%rip), %rdi
#else
        movl $\label\()_user, %eax
#endif
        jmp enter_user
\label\()_user:
        .endm
        .macro CASE_PLAIN label, name
        CASE_RECORD \label, "\name", 0, -1, 0, 0
        .endm
        /* For what would take QEMU's TCG down because it leaves a check of the SDM out. */
        .macro SKIP_ON_TCG
        cmpl $0, on_tcg
        je 1f
        int $0x83
1:
        .endm
        .macro CASES_END
        int $0x80
        .endm
