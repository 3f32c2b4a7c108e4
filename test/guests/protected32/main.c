/* Fills the descriptors that cases.S uses, runs it, and checks what LAR, LSL, VERR, ARPL and gates say. */
#include "common/trap.h"

extern uint32_t gate_record[8];
void gate_entry(void);
void gate_same(void);
void conforming_code(void);
static uint64_t ldt[4] = {0, 0x00409210000001ff, 0, 0}; /* selector 0x0c: data, base 0x100000 */
static struct {
  struct tss tss;
  uint8_t io_map[0x81];
} __attribute__((packed)) wide_tss;

static uint64_t segment(uint32_t base, uint32_t limit, uint64_t rights) {
  return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | rights << 40 | (uint64_t)(limit >> 16 & 15) << 48 |
         (uint64_t)(base >> 24) << 56;
}
static uint64_t call_gate(uint16_t selector, void (*entry)(void), uint8_t kind, uint8_t parameters) {
  uint32_t at = (uint32_t)(word)entry;
  return (at & 0xffff) | (uint64_t)selector << 16 | (uint64_t)parameters << 32 | (uint64_t)kind << 40 | (uint64_t)(at >> 16) << 48;
}

static void describe_segments(void) {
  bool valid;
  uint32_t answer = 0;
  asm volatile("lar %2, %1" : "=@ccz"(valid), "+r"(answer) : "r"(0x60));
  check(valid && (answer & 0xf0fe00) == 0xc09e00, "LAR of conforming code");
  asm volatile("lar %2, %1" : "=@ccz"(valid), "+r"(answer) : "r"(0x68));
  check(valid && (answer & 0xff00) == 0xec00, "LAR of a call gate");
  asm volatile("lsl %2, %1" : "=@ccz"(valid), "+r"(answer) : "r"(0x68));
  check(!valid, "LSL of a call gate clears ZF");
  asm volatile("lsl %2, %1" : "=@ccz"(valid), "+r"(answer) : "r"(0x88));
  check(valid && answer == 0xfff, "LSL, byte granularity");
  asm volatile("lsl %2, %1" : "=@ccz"(valid), "+r"(answer) : "r"(0x58));
  check(valid && answer == 0x1fffff, "LSL, page granularity");
  asm volatile("lar %2, %1" : "=@ccz"(valid), "+r"(answer) : "r"(0x1f8));
  check(!valid, "LAR of an empty slot clears ZF");
  asm volatile("lar %2, %1" : "=@ccz"(valid), "+r"(answer) : "r"(0xfff8));
  check(!valid, "LAR beyond the limit clears ZF");
  asm volatile("verr %w1" : "=@ccz"(valid) : "r"(0x60));
  check(valid, "VERR of readable code");
  asm volatile("verw %w1" : "=@ccz"(valid) : "r"(0x60));
  check(!valid, "VERW of code");
  asm volatile("verw %w1" : "=@ccz"(valid) : "r"(0x23));
  check(valid, "VERW of data");
  uint16_t selector = 0x20;
  asm volatile("arpl %w2, %w0" : "+r"(selector), "=@ccz"(valid) : "r"(3));
  check(valid && selector == 0x23, "ARPL raises RPL");
  asm volatile("arpl %w2, %w0" : "+r"(selector), "=@ccz"(valid) : "r"(1));
  check(!valid && selector == 0x23, "ARPL leaves a higher RPL");
  check_equal(boot_gdt[0x88 / 8] >> 40 & 1, 1, "loading a segment sets its accessed bit");
}

static word gate_flags;
static void note_flags(struct frame *frame) {
  (void)frame;
  gate_flags = read_flags();
}

static void interrupt_and_trap_gates(void) {
  install(0x90, note_flags);
  asm volatile("sti; int $0x90; cli");
  check_equal(gate_flags & 0x200, 0, "an interrupt gate clears IF");
  set_gate_kind(0x90, 0x8f);
  asm volatile("sti; int $0x90; cli");
  check_equal(gate_flags & 0x200, 0x200, "a trap gate keeps IF");
}

void kmain(uint32_t info) {
  (void)info;
  boot_gdt[0x58 / 8] = segment(0, 0x1ff, 0xc096);     /* expand-down, limit 0x1fffff, B=1 */
  boot_gdt[0x60 / 8] = segment(0, 0xfffff, 0xc09e);   /* conforming code, ring 0 */
  boot_gdt[0x68 / 8] = call_gate(0x08, gate_entry, 0xec, 2);
  boot_gdt[0x70 / 8] = call_gate(0x08, gate_entry, 0x8c, 0);
  boot_gdt[0x78 / 8] = call_gate(0x08, gate_entry, 0x6c, 0);
  boot_gdt[0x80 / 8] = segment((uint32_t)(word)ldt, sizeof ldt - 1, 0x82);
  boot_gdt[0x88 / 8] = segment(0x100000, 0xfff, 0x4092);
  boot_gdt[0x90 / 8] = call_gate(0x60, conforming_code, 0xec, 0);
  boot_gdt[0x98 / 8] = segment(0x60000, 0xffff, 0x0092); /* 16-bit stack */
  boot_gdt[0xa0 / 8] = segment(0, 0xfff, 0x0096);        /* expand-down, B=0 */
  boot_gdt[0xa8 / 8] = call_gate(0x10, gate_entry, 0xec, 0);
  boot_gdt[0xb0 / 8] = segment((uint32_t)(word)&wide_tss, sizeof wide_tss - 1, 0x89);
  boot_gdt[0xb8 / 8] = segment(0x100000, 0xfffff, 0x409a); /* code, base 1 MiB, 1 MiB */
  boot_gdt[0xc0 / 8] = call_gate(0x08, gate_same, 0x8c, 3);
  wide_tss.tss = tss;
  wide_tss.tss.io_map = sizeof wide_tss.tss;
  wide_tss.io_map[0x85 / 8] = 1 << (0x85 % 8);
  wide_tss.io_map[0x80] = 0xff;
  asm volatile("ltr %w0" ::"r"(0xb0));
  for (const struct test_case *one = cases_start; one < cases_end; one++) {
    bool nulls = memcmp(one->name, "IRET to", 7) == 0;
    if (nulls) asm volatile("mov %0, %%gs; mov %1, %%fs" ::"r"(0x10), "r"(0x23));
    check_case(one);
  }
  check(gate_record[0] == 0x08 && gate_record[1] == 0x10, "the gate's code ran in ring 0 on the TSS's stack");
  check(gate_record[2] == 0x2222 && gate_record[3] == 0x1111, "both parameters were copied");
  check(gate_record[4] == 0x23 && gate_record[5] == 0x1b, "the frame holds ring 3's SS and CS");
  describe_segments();
  interrupt_and_trap_gates();
}
