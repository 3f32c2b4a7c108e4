/* Descriptor tables, gates, and what an exception does to an attempt. SDM Vol. 3A 6.10-6.14. */
#include "common/trap.h"

struct trap trap;
struct tss tss __attribute__((aligned(16)));
uint8_t stack0[8192] __attribute__((aligned(16)));
static uint8_t double_fault_stack[4096] __attribute__((aligned(16)));
static handler *handlers[256];
extern uint8_t trap_entries[];
extern word recovery_sp;
_Noreturn void recover(word result);

#ifdef __x86_64__
#define GATE_WORDS 2
#define TSS_SELECTOR 0x38
#else
#define GATE_WORDS 1
#define TSS_SELECTOR 0x28
#endif
uint64_t idt[256 * GATE_WORDS] __attribute__((aligned(16)));

void set_gate(uint8_t vector, void (*entry)(void), uint16_t selector, uint8_t kind, uint8_t ist) {
  uint64_t at = (word)entry;
  uint64_t *gate = &idt[vector * GATE_WORDS];
  gate[0] = (at & 0xffff) | (uint64_t)selector << 16 | (uint64_t)ist << 32 | (uint64_t)kind << 40 | (at >> 16 & 0xffff) << 48;
  if (GATE_WORDS == 2) gate[GATE_WORDS - 1] = at >> 32;
}

void set_gate_kind(uint8_t vector, uint8_t kind) {
  idt[vector * GATE_WORDS] = (idt[vector * GATE_WORDS] & ~(0xffull << 40)) | (uint64_t)kind << 40;
}

void install(uint8_t vector, handler *function) { handlers[vector] = function; }

void trap_dispatch(struct frame *frame) {
  if (handlers[frame->vector & 255]) {
    handlers[frame->vector & 255](frame);
    return;
  }
  trap.vector = frame->vector;
  trap.error = frame->error;
  trap.ip = frame->ip;
  trap.cs = frame->cs & 0xffff;
  trap.flags = frame->flags;
  trap.sp = frame->sp;
  trap.ss = frame->ss & 0xffff;
  trap.cr2 = read_cr2();
  trap.dr6 = read_dr6();
  if (recovery_sp != 0) recover(frame->vector);
  print("unexpected vector %d error %x at %x:%x flags %x cr2 %x\n", frame->vector, frame->error, trap.cs, frame->ip,
        frame->flags, trap.cr2);
  check(false, "no unexpected exception");
  finish();
}

void trap_init(void) {
  for (int vector = 0; vector < 256; vector++)
    set_gate((uint8_t)vector, (void (*)(void))(trap_entries + vector * 16), 0x08, 0x8e, 0);
  set_gate_kind(3, 0xee);
  set_gate_kind(4, 0xee);
  set_gate_kind(0x80, 0xee);
  struct {
    uint16_t limit;
    word base;
  } __attribute__((packed)) pointer = {sizeof idt - 1, (word)idt};
  asm volatile("lidt %0" ::"m"(pointer));

  uint64_t base = (word)&tss;
  uint64_t limit = sizeof tss - 1;
  tss.io_map = sizeof tss;
  boot_gdt[TSS_SELECTOR / 8] = limit | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
#ifdef __x86_64__
  boot_gdt[TSS_SELECTOR / 8 + 1] = base >> 32;
  tss.rsp[0] = (word)stack0 + sizeof stack0;
  tss.ist[0] = (word)double_fault_stack + sizeof double_fault_stack;
  set_gate(8, (void (*)(void))(trap_entries + 8 * 16), 0x08, 0x8e, 1);
#else
  (void)double_fault_stack;
  tss.esp0 = (word)stack0 + sizeof stack0;
  tss.ss0 = 0x10;
#endif
  asm volatile("ltr %w0" ::"r"(TSS_SELECTOR));
}

void check_case(const struct test_case *one) {
  word vector = attempt(one->run);
  if (vector == VECTOR_SKIPPED) {
    skip(one->name, "QEMU's TCG cannot run it");
    return;
  }
  bool holds = vector == one->vector;
  if (holds && vector != NO_TRAP) {
    holds = trap.error == one->error && trap.ip == one->at && (vector != 14 || trap.cr2 == one->cr2);
  }
  check(holds, one->name);
  if (holds) return;
  print("  got vector %x error %x ip %x cr2 %x\n", vector, trap.error, trap.ip, trap.cr2);
  print("  expected vector %x error %x ip %x cr2 %x\n", one->vector, one->error, one->at, one->cr2);
}

void run_cases(void) {
  for (const struct test_case *one = cases_start; one < cases_end; one++) check_case(one);
}
