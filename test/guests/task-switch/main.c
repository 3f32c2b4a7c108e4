/* Hardware task switches: JMP, CALL, IRET, task gates, interrupts through task gates; busy bits, back link, NT, CR0.TS,
   saved registers, the T flag; and every #TS that a bad TSS gives. SDM Vol. 3A 8.2-8.4, table 8-1 and 8-2. */
#include "common/trap.h"

extern uint32_t note_ebx, note_tr, note_flags, note_cr0, note_error, task_mode, main_tss_eip, recover_ip;
void second_task(void);
void third_task(void);
void jump_task(void);
void call_task(void);
void gate_task(void);
void interrupt_task(void);
void faulting_task(void);
extern uint8_t faulting_task_at[];
void jump_busy(void);
void call_busy(void);
void jump_absent(void);
void jump_small(void);
void return_bad_link(void);
void jump_broken(void);
void gate_bad(void);
void fault_task(void);

static struct tss second, third, broken;
static uint8_t stacks[3][2048] __attribute__((aligned(16)));

static uint64_t descriptor(struct tss *at, uint32_t limit, uint64_t rights) {
  uint64_t base = (word)at;
  return limit | (base & 0xffffff) << 16 | rights << 40 | (base >> 24) << 56;
}
static uint64_t task_gate(uint16_t selector) { return (uint64_t)selector << 16 | 0x85ull << 40; }
static word type_of(uint32_t selector) { return boot_gdt[selector / 8] >> 40 & 15; }

static void prepare(struct tss *task, void (*entry)(void), int stack) {
  memset(task, 0, sizeof *task);
  task->eip = (uint32_t)(word)entry;
  task->eflags = 2;
  task->esp = (uint32_t)(word)(stacks[stack] + sizeof stacks[stack]);
  task->cs = 0x08;
  task->ss = task->ds = task->es = task->fs = task->gs = 0x10;
  task->ss0 = 0x10;
  task->esp0 = task->esp;
  task->io_map = sizeof *task;
}

/* Where a switch that fails halfway has left TR, puts the main task back. */
static void back_to_main_task(void) {
  boot_gdt[0x28 / 8] = descriptor(&tss, sizeof tss - 1, 0x89);
  asm volatile("ltr %w0; clts" ::"r"(0x28));
  boot_gdt[0x58 / 8] = descriptor(&second, sizeof second - 1, 0x89);
  boot_gdt[0x80 / 8] = descriptor(&broken, sizeof broken - 1, 0x89);
}

static void switches(void) {
  prepare(&second, second_task, 0);
  check_equal(type_of(0x28), 11, "LTR made the main TSS busy");
  jump_task();
  check_equal(note_tr, 0x58, "JMP: TR in the new task");
  check_equal(note_ebx, 0, "JMP: registers come from the new TSS");
  check_equal(tss.ebx, 0x12345678, "JMP: registers went to the old TSS");
  check_equal(note_flags & 0x4000, 0, "JMP: NT clear");
  check_equal(note_cr0 & CR0_TS, CR0_TS, "CR0.TS set by the switch");
  check(type_of(0x28) == 11 && type_of(0x58) == 9, "after JMP and JMP back: main busy, second free");
  check_equal(second.link, 0, "JMP writes no back link");
  asm volatile("clts");

  task_mode = 1;
  prepare(&second, second_task, 0);
  call_task();
  check_equal(note_flags & 0x4000, 0x4000, "CALL: NT set in the new task");
  check_equal(second.link & 0xffff, 0x28, "CALL: back link");
  check(type_of(0x28) == 11 && type_of(0x58) == 9, "after CALL and IRET: main busy, second free");
  check_equal(second.eflags & 0x4000, 0, "IRET clears NT in the image that it saves");
  check_equal(read_flags() & 0x4000, 0, "NT is clear in the main task");
  note_ebx = 99;
  call_task();
  check_equal(note_ebx, 0, "a second CALL goes on behind the IRET");
  note_tr = 0;
  gate_task();
  check_equal(note_tr, 0x58, "CALL through a task gate");
  note_tr = 0;
  interrupt_task();
  check(note_tr == 0x58 && (note_flags & 0x4000), "INT through a task gate, NT set");
}

static void exception_through_task_gate(void) {
  extern uint64_t idt[256];
  prepare(&third, third_task, 1);
  boot_gdt[0x68 / 8] = descriptor(&third, sizeof third - 1, 0x89);
  uint64_t saved = idt[13];
  idt[13] = task_gate(0x68);
  main_tss_eip = (uint32_t)(word)&tss.eip;
  tss.eip = 0;
  faulting_task();
  idt[13] = saved;
  check_equal(note_error, 0xfff8, "#GP through a task gate pushes its error code on the new stack");
  check_equal(note_tr, 0x68, "its TR");
  check_equal(note_flags & 0x4000, 0x4000, "its NT");
  check_equal(read_flags() & 0x4000, 0, "back in the main task");
  asm volatile("clts");
}

static void check_fault(void (*code)(void), word vector, word error, const char *name) {
  word got = attempt(code);
  check(got == vector && trap.error == error, name);
  if (got != vector || trap.error != error) print("  got vector %x error %x at %x\n", got, trap.error, trap.ip);
  back_to_main_task();
}

/* SDM Vol. 3A 6.15 #TS: once the switch is committed the fault comes in the new task's context, whose segments cannot
   be trusted, so its handler is a task of its own. It notes the error code and goes to the main task. */
static void check_broken_task(uint8_t vector, word error, const char *name) {
  extern uint64_t idt[256];
  uint64_t saved = idt[vector];
  prepare(&third, fault_task, 1);
  boot_gdt[0x68 / 8] = descriptor(&third, sizeof third - 1, 0x89);
  idt[vector] = task_gate(0x68);
  note_error = 0;
  note_tr = 0;
  word got = attempt(jump_broken);
  idt[vector] = saved;
  bool holds = got == NO_TRAP && note_tr == 0x68 && note_error == error && (third.link & 0xffff) == 0x80;
  check(holds, name);
  if (!holds) print("  got vector %x error %x link %x\n", got, (word)note_error, (word)third.link);
  back_to_main_task();
}

static void faults(void) {
  check_fault(jump_busy, 13, 0x28, "#GP: JMP to a busy TSS");
  check_fault(call_busy, 13, 0x28, "#GP: CALL to a busy TSS");
  check_fault(jump_absent, 11, 0x70, "#NP: TSS not present");
  check_fault(jump_small, 10, 0x78, "#TS: TSS limit below 0x67");
  check_fault(gate_bad, 13, 0x10, "#GP: task gate to a data segment");
  tss.link = 0x10;
  check_fault(return_bad_link, 10, 0x10, "#TS: IRET with NT and a back link to no TSS");
  tss.link = 0x58;
  check_fault(return_bad_link, 10, 0x58, "#TS: IRET to a TSS that is not busy");
  prepare(&broken, second_task, 2);
  broken.ldtr = 0x10;
  check_broken_task(10, 0x10, "#TS: LDT selector of the new task");
  prepare(&broken, second_task, 2);
  broken.cs = 0x10;
  check_broken_task(10, 0x10, "#TS: CS of the new task is data");
  prepare(&broken, second_task, 2);
  broken.ss = 0x08;
  check_broken_task(10, 0x08, "#TS: SS of the new task is code");
  prepare(&broken, second_task, 2);
  broken.ds = 0xfff8;
  check_broken_task(10, 0xfff8, "#TS: DS of the new task beyond the GDT");
  prepare(&broken, second_task, 2);
  broken.es = 0x90;
  check_broken_task(11, 0x90, "#NP: ES of the new task not present");
  prepare(&broken, second_task, 2);
  broken.trap = 1;
  check_fault(jump_broken, 1, 0, "#DB: T flag of the new TSS");
  check_equal(trap.dr6 & 0x8000, 0x8000, "DR6.BT");
  write_dr6(0xffff0ff0);
}

void kmain(uint32_t info) {
  (void)info;
  extern uint64_t idt[256];
  boot_gdt[0x58 / 8] = descriptor(&second, sizeof second - 1, 0x89);
  boot_gdt[0x60 / 8] = task_gate(0x58);
  boot_gdt[0x70 / 8] = descriptor(&second, sizeof second - 1, 0x09);
  boot_gdt[0x78 / 8] = descriptor(&second, 0x66, 0x89);
  boot_gdt[0x80 / 8] = descriptor(&broken, sizeof broken - 1, 0x89);
  boot_gdt[0x88 / 8] = task_gate(0x10);
  boot_gdt[0x90 / 8] = 0x00cf12000000ffff; /* data, not present */
  idt[0x70] = task_gate(0x58);
  switches();
  exception_through_task_gate();
  faults();
}
