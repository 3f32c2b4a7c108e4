/* Exceptions as values: attempt(code) runs `code` and says how it ended; install(vector, handler) takes a vector over.
   Test cases in assembly are records in section .cases, run by run_cases (see common/cases.h). */
#ifndef TRAP_H
#define TRAP_H
#include "common/guest.h"

#ifdef __x86_64__
struct frame {
  word r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
  word vector, error, ip, cs, flags, sp, ss;
};
struct tss {
  uint32_t reserved0;
  uint64_t rsp[3], reserved1, ist[7], reserved2;
  uint16_t reserved3, io_map;
} __attribute__((packed));
#else
/* es, ds, fs, gs hold selectors in their low 16 bits; sp and ss are there only when the privilege level changed; the
   last four only when V86 mode was left. */
struct frame {
  word gs, fs, es, ds, edi, esi, ebp, unused, ebx, edx, ecx, eax;
  word vector, error, ip, cs, flags, sp, ss, v86_es, v86_ds, v86_fs, v86_gs;
};
struct tss {
  uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
  uint32_t es, cs, ss, ds, fs, gs, ldtr;
  uint16_t trap, io_map;
} __attribute__((packed));
#endif

/* What the last recorded exception pushed, and CR2 and DR6 at that moment. */
struct trap {
  word vector, error, ip, cs, flags, sp, ss, cr2, dr6;
};
extern struct trap trap;
extern struct tss tss;
extern uint8_t stack0_top[];

#define VECTOR_SKIPPED 0x83
#define NO_TRAP ((word)-1)
/* Runs `code` and returns the vector of the exception that ended it, or NO_TRAP. Stack, callee-saved registers and
   flags are as before, whatever the privilege level or stack of the code. */
word attempt(void (*code)(void));

typedef void handler(struct frame *frame);
void install(uint8_t vector, handler *function);
/* `kind` is the access-rights byte: 0x8e interrupt gate, 0x8f trap gate, DPL in bits 6:5. */
void set_gate(uint8_t vector, void (*entry)(void), uint16_t selector, uint8_t kind, uint8_t ist);
void set_gate_kind(uint8_t vector, uint8_t kind);

struct test_case {
  const char *name;
  void (*run)(void);
  word at, vector, error, cr2;
};
extern const struct test_case cases_start[], cases_end[];
void run_cases(void);
/* One case: the vector, and unless it is NO_TRAP its error code, saved instruction pointer, and for #PF CR2. */
void check_case(const struct test_case *one);
#endif
