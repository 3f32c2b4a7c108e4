/* The tour's first stop. boot.S (common) came here from 32-bit protected mode: the processor runs in 64-bit mode, the
   first 4 GiB are mapped one to one in 2-MiB pages, and an IDT and a TSS are in place.

   Worth doing in a debugger, in this order:
     1. stop at kmain and look at CR0, CR3, CR4 and EFER; walk an address;
     2. step over describe_processor and find the VM exits that CPUID made;
     3. stop in timer_interrupt: an asynchronous stop, its return address in the interrupted code;
     4. step into user_main: CPL changes from 0 to 3; then through syscall_entry and back;
     5. look for the bug: after the timer has run, `guard` is wrong. Who wrote it? (The answer is in timer.c.)
   At the end the machine is powered off. */
#include "tour/tour.h"

void kmain(uint32_t info) {
  print("VMXray tour\n");
  describe_processor();
  describe_memory(info);
  protect_kernel();

  start_timer();
  while (ticks < HISTORY_SIZE + 2) asm volatile("sti; hlt; cli");
  stop_timer();
  print("timer: %d interrupts\n", ticks);
  check(ticks >= HISTORY_SIZE + 2, "the timer interrupts");

  enable_system_calls();
  uint64_t exit_code = run_user(user_main, (uint64_t)user_stack + sizeof user_stack);
  check_equal(exit_code, 42, "user_main came back through a system call");
  print("fibonacci: %d calls\n", fibonacci_calls);

  uint64_t answer = 0;
  if (hypercall(1, &answer)) print("hypercall 1: the hypervisor answered %x\n", answer);
  else print("hypercall 1: #UD, no hypervisor is there\n");

  if (guard != GUARD_VALUE) print("the bug: guard is %x, was %x\n", guard, GUARD_VALUE);
  check(guard != GUARD_VALUE, "the seeded bug struck");

  report();
  power_off();
}
