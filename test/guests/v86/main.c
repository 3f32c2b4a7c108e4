/* A virtual-8086 monitor: enters V86 mode by IRET, emulates what IOPL 0 traps, looks at the frames that interrupts from
   V86 mode push. SDM Vol. 3B 21.2.4-21.3. */
#include "common/trap.h"

void enter_v86(void *entry, uint32_t flags);
extern uint8_t v86_plain[], v86_monitored[], v86_interrupt[], v86_interrupt_return[], v86_in_allowed[], v86_in_denied[];
extern uint8_t v86_lidt[], v86_divide[], v86_divide_at[], v86_handler[], v86_vme[], v86_vme_handler[];
_Noreturn void recover(word result);

#define FLAG_VM 0x20000
#define FLAG_VIF 0x80000
#define IOPL3 0x3000

struct check16 {
  const char *name;
  const uint32_t *actual;
  uint32_t expected;
};

static struct {
  struct tss tss;
  uint8_t redirection[32];
  uint8_t io_map[32];
} __attribute__((packed, aligned(16))) v86_tss;

static uint8_t *entry;
static uint32_t entry_flags;
static void enter(void) { enter_v86(entry, entry_flags | FLAG_VM | 2); }
static word run(uint8_t *code, uint32_t flags) {
  entry = code;
  entry_flags = flags;
  return attempt(enter);
}

static uint32_t emulated[256];
static word interrupt_error;
static uint16_t *stack_of(struct frame *frame) { return (uint16_t *)(word)((frame->ss & 0xffff) * 16 + (frame->sp & 0xffff)); }

/* #GP in V86 mode: one sensitive instruction. HLT ends the run with value 0xf4. */
static void monitor(struct frame *frame) {
  if (!(frame->flags & FLAG_VM)) {
    print("unexpected #GP %x at %x\n", frame->error, frame->ip);
    recover(13);
  }
  const uint8_t *code = (const uint8_t *)(word)((frame->cs & 0xffff) * 16 + (frame->ip & 0xffff));
  emulated[*code]++;
  trap.error = frame->error;
  trap.flags = frame->flags;
  uint16_t *stack = stack_of(frame);
  const uint16_t *vectors = 0;
  asm("" : "+r"(vectors));
  if (*code == 0xfa || *code == 0xfb) {
    frame->ip += 1;
  } else if (*code == 0x9c) {
    *--stack = (uint16_t)frame->flags;
    frame->sp -= 2;
    frame->ip += 1;
  } else if (*code == 0x9d) {
    frame->sp += 2;
    frame->ip += 1;
  } else if (*code == 0xcd) {
    interrupt_error = frame->error;
    *--stack = (uint16_t)frame->flags;
    *--stack = (uint16_t)frame->cs;
    *--stack = (uint16_t)(frame->ip + 2);
    frame->sp -= 6;
    frame->ip = vectors[code[1] * 2];
    frame->cs = vectors[code[1] * 2 + 1];
  } else if (*code == 0xcf) {
    frame->ip = stack[0];
    frame->cs = stack[1];
    frame->sp += 6;
  } else {
    trap.vector = 13;
    trap.ip = frame->ip;
    recover(*code);
  }
}

static struct frame seen;
static word selectors[4];
static void note_frame(struct frame *frame) {
  seen = *frame;
  asm volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
               : "=r"(selectors[0]), "=r"(selectors[1]), "=r"(selectors[2]), "=r"(selectors[3]));
}

static void set_vector(uint8_t vector, const uint8_t *handler) {
  volatile uint32_t *vectors = 0;
  asm("" : "+r"(vectors));
  vectors[vector] = (uint32_t)(word)handler;
}

void kmain(uint32_t info) {
  (void)info;
  uint64_t base = (word)&v86_tss;
  v86_tss.tss = tss;
  v86_tss.tss.io_map = sizeof v86_tss.tss + sizeof v86_tss.redirection;
  v86_tss.io_map[0x85 / 8] = 1 << (0x85 % 8);
  v86_tss.io_map[31] = 0xff;
  memset(v86_tss.redirection, 0xff, sizeof v86_tss.redirection);
  v86_tss.redirection[0x61 / 8] &= (uint8_t)~(1 << (0x61 % 8));
  boot_gdt[0x58 / 8] = (sizeof v86_tss - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24) << 56;
  asm volatile("ltr %w0" ::"r"(0x58));
  install(13, monitor);
  install(0x81, note_frame);
  set_gate_kind(0x81, 0xee);

  check_equal(run(v86_plain, IOPL3), 0xf4, "V86 code with IOPL 3 runs to its HLT");
  check_equal(trap.error, 0, "HLT in V86 mode: #GP(0)");
  check_equal(trap.flags & FLAG_VM, FLAG_VM, "the saved EFLAGS have VM set");

  set_vector(0x60, v86_handler);
  check_equal(run(v86_monitored, 0), 0xf4, "V86 code with IOPL 0 runs under the monitor");
  check(emulated[0xfa] == 1 && emulated[0xfb] == 1, "CLI and STI trapped");
  check(emulated[0x9c] == 1 && emulated[0x9d] == 1, "PUSHF and POPF trapped");
  check(emulated[0xcd] == 1 && emulated[0xcf] == 1, "INT and IRET trapped");

  check_equal(run(v86_interrupt, IOPL3), 0xf4, "INT 81 with IOPL 3");
  check(seen.ip == (word)v86_interrupt_return && (seen.cs & 0xffff) == 0, "CS:EIP in the frame");
  check((seen.ss & 0xffff) == 0 && seen.sp == 0x7000, "SS:ESP in the frame");
  check((seen.v86_ds & 0xffff) == 0x1111 && (seen.v86_es & 0xffff) == 0x2222, "DS and ES in the frame");
  check_equal(seen.ds & 0xffff, 0, "DS was null at the handler's entry");
  check_equal(selectors[2] | selectors[3], 0, "FS and GS are null in the handler");

  check_equal(run(v86_in_allowed, IOPL3), 0x80, "IN with its bit clear");
  check_equal(run(v86_in_denied, IOPL3), 0xe4, "#GP: IN with its bit set, although IOPL is 3");
  check_equal(run(v86_lidt, IOPL3), 0x0f, "#GP: LIDT in V86 mode");
  check_equal(run(v86_divide, IOPL3), 0, "#DE in V86 mode goes to ring 0");
  check(trap.ip == (word)v86_divide_at && (trap.flags & FLAG_VM), "its frame");
  set_gate_kind(0x81, 0x8e);
  set_vector(0x81, v86_handler);
  emulated[0xcd] = 0;
  check_equal(run(v86_interrupt, IOPL3), 0xf4, "INT through a gate with DPL 0, reflected by the monitor");
  check_equal(emulated[0xcd], 1, "it came as a #GP");
  check_equal(interrupt_error, 0x81 * 8 + 2, "whose error code names the gate");

  bool vme = cpuid(1, 0).edx >> 1 & 1;
  if (vme) {
    write_cr4(read_cr4() | CR4_VME);
    set_vector(0x61, v86_vme_handler);
    check_equal(run(v86_vme, 0), 0xf4, "VME: runs without the monitor");
    check_equal(trap.flags & FLAG_VIF, 0, "VME: VIF clear at the end");
    write_cr4(read_cr4() & ~(word)CR4_VME);
  } else {
    skip("VME: runs without the monitor", "CPUID has none");
  }
  const struct check16 *end = (const struct check16 *)cases_end;
  for (const struct check16 *one = (const struct check16 *)cases_start; one < end; one++) {
    if (!vme && memcmp(one->name, "VME", 3) == 0) skip(one->name, "CPUID has none");
    else check_equal(*one->actual, one->expected, one->name);
  }
}
