/* System calls by SYSCALL/SYSRET, and the hypercall. SDM Vol. 3A 5.8.8; Vol. 3C VMCALL. */
#include "tour/tour.h"

#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_FMASK 0xc0000084

void enable_system_calls(void) {
  write_msr(MSR_STAR, 0x0018000800000000ull); /* SYSRET: 0x18 + 16 and + 8; SYSCALL: 0x08 and 0x10 */
  write_msr(MSR_LSTAR, (uint64_t)syscall_entry);
  write_msr(MSR_FMASK, 0x700); /* interrupts, direction and trap flag off at entry */
  write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_SCE);
}

/* Called by syscall_entry, in ring 0 on the kernel's stack. */
uint64_t system_call(uint64_t number, uint64_t argument) {
  if (number == SYSTEM_CALL_PRINT) print("user: %s\n", (const char *)argument);
  else if (number == SYSTEM_CALL_TICKS) return ticks;
  else if (number == SYSTEM_CALL_EXIT) leave_user(argument);
  return 0;
}

static uint64_t hypercall_number, hypercall_answer;
static void make_hypercall(void) { hypercall_answer = vmcall(hypercall_number); }

/* Returns whether a hypervisor answered; without one VMCALL is #UD. */
bool hypercall(uint64_t number, uint64_t *answer) {
  hypercall_number = number;
  if (attempt(make_hypercall) != NO_TRAP) return false;
  *answer = hypercall_answer;
  return true;
}
