/* Runs the table of exceptions in cases.S in 32-bit protected mode without paging. */
#include "common/trap.h"

extern uint64_t idt[256];

static const struct {
  uint16_t limit;
  uint32_t base;
} __attribute__((packed)) whole_idt = {sizeof idt - 1, (uint32_t)(word)idt};

void kmain(uint32_t info) {
  (void)info;
  boot_gdt[0x58 / 8] = 0x00cf12000000ffff; /* data, not present */
  boot_gdt[0x60 / 8] = 0x00cf1a000000ffff; /* code, not present */
  boot_gdt[0x68 / 8] = 0x0040921000000fff; /* data, base 0x100000, limit 0xfff */
  boot_gdt[0x70 / 8] = 0x00cf90000000ffff; /* data, read-only */
  boot_gdt[0x78 / 8] = 0x00cf98000000ffff; /* code, execute-only */
  boot_gdt[0x80 / 8] = 0x00409a0000000fff; /* code, limit 0xfff */
  boot_gdt[0x88 / 8] = 0x00c09200000003ff; /* data, limit 0x3fffff */
  set_gate_kind(0x70, 0x0e);
  write_cr0(read_cr0() | CR0_AM | CR0_NE | CR0_MP);
  for (const struct test_case *one = cases_start; one < cases_end; one++) {
    check_case(one);
    asm volatile("clts; fninit; lidt %0" ::"m"(whole_idt));
    set_gate_kind(13, 0x8e);
  }
}
