/* PAE paging: the four PDPTE registers, 2-MiB pages, execute-disable, reserved bits. SDM Vol. 3A 4.4, 4.6, 4.7. */
#include "common/trap.h"

#define WINDOW 0x40000000u
#define TWO_MIB 0x200000u

static uint64_t pdpt[4] __attribute__((aligned(32)));
static uint64_t other_pdpt[4] __attribute__((aligned(32)));
static uint64_t directories[4][512] __attribute__((aligned(4096)));
static uint64_t table[512] __attribute__((aligned(4096)));
static uint8_t pages[2][4096] __attribute__((aligned(4096)));
static volatile uint8_t *target;
uint32_t user_address;

static void read_target(void) { (void)*target; }
static void write_target(void) { *target = 0x5a; }
static void call_target(void) { ((void (*)(void))(word)target)(); }
static void load_other(void) { write_cr3((word)other_pdpt); }
void user_read(void);
void user_write(void);

static void map(uint32_t page, uint64_t entry) {
  table[page] = entry;
  target = (volatile uint8_t *)WINDOW + page * 4096;
  invlpg((void *)target);
}

static void check_fault(void (*code)(void), word vector, word error, const char *name) {
  user_address = (uint32_t)(word)target;
  word got = attempt(code);
  bool holds = got == vector && (vector > 14 || (trap.error == error && (vector != 14 || trap.cr2 == (word)target)));
  check(holds, name);
  if (!holds) print("  got vector %x error %x cr2 %x\n", got, trap.error, trap.cr2);
}

void kmain(uint32_t info) {
  (void)info;
  uint64_t page = (word)pages[0];
  for (uint32_t i = 0; i < 2048; i++) directories[i / 512][i % 512] = (uint64_t)i * TWO_MIB | PAGE_P | PAGE_W | PAGE_PS;
  for (uint32_t i = 0; i < 4; i++) pdpt[i] = (word)directories[i] | PAGE_P;
  directories[0][0] |= PAGE_U;
  directories[1][0] = (word)table | PAGE_P | PAGE_W | PAGE_U;
  table[0] = page | PAGE_P | PAGE_W;
  write_cr4(read_cr4() | CR4_PAE);
  write_cr3((word)pdpt);
  write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_NXE);
  write_cr0(read_cr0() | CR0_PG | CR0_WP);
  check(true, "PAE paging on");

  target = (volatile uint8_t *)WINDOW;
  pages[0][0] = 0xc3; /* RET */
  check_equal(*target, 0xc3, "a 4-KiB page in the second GiB");
  check_equal(table[0] & (PAGE_A | PAGE_D), PAGE_A, "a read sets A");
  *target = 0xc3;
  check_equal(table[0] & (PAGE_A | PAGE_D), PAGE_A | PAGE_D, "a write sets D");
  check_equal(directories[1][0] & (PAGE_A | PAGE_D), PAGE_A, "A in the PDE");
  check_equal(pdpt[1] & PAGE_A, 0, "a PDPTE has no accessed bit");
  check_fault(call_target, NO_TRAP, 0, "a call into the page");
  map(0, page | PAGE_P | PAGE_W | PAGE_NX);
  check_fault(call_target, 14, 0x11, "#PF: execute-disable");
  check_fault(read_target, NO_TRAP, 0, "execute-disable pages can be read");
  map(0, 0);
  check_fault(call_target, 14, 0x10, "#PF: fetch, not present: I/D with NXE");
  check_fault(write_target, 14, 2, "#PF: write, not present");
  map(0, page | PAGE_P);
  check_fault(write_target, 14, 3, "#PF: write to a read-only page");
  map(0, page | PAGE_P | PAGE_W);
  check_fault(user_write, 14, 7, "#PF: ring 3 writes to a supervisor page");
  map(0, page | PAGE_P | PAGE_U);
  check_fault(user_read, 0x80, 0, "ring 3 reads a user page");
  map(0, page | PAGE_P | 1ull << 62);
  check_fault(read_target, 14, 9, "#PF: bit 62 of a PTE is reserved");
  directories[1][1] = TWO_MIB | PAGE_P | PAGE_W | PAGE_PS | PAGE_NX;
  write_cr3(read_cr3());
  target = (volatile uint8_t *)(WINDOW + 2 * TWO_MIB - 1);
  *target = 0xc3;
  check_equal(*(volatile uint8_t *)(2 * TWO_MIB - 1), 0xc3, "a 2-MiB page maps its last byte");
  check_equal(directories[1][1] & (PAGE_A | PAGE_D), PAGE_A | PAGE_D, "A and D in its PDE");
  check_fault(call_target, 14, 0x11, "#PF: execute-disable 2-MiB page");
  directories[1][1] |= 1u << 13;
  write_cr3(read_cr3());
  check_fault(read_target, 14, 9, "#PF: bit 13 of a 2-MiB PDE is reserved");

  map(0, page | PAGE_P | PAGE_W);
  pdpt[1] = 0;
  invlpg((void *)target);
  check_fault(read_target, NO_TRAP, 0, "the PDPTE registers keep what MOV to CR3 loaded");
  write_cr3(read_cr3());
  check_fault(read_target, 14, 0, "MOV to CR3 loads them anew");
  pdpt[1] = (word)directories[1] | PAGE_P;
  write_cr0(read_cr0());
  write_cr3(read_cr3());
  for (int i = 0; i < 4; i++) other_pdpt[i] = pdpt[i];
  check_fault(load_other, NO_TRAP, 0, "MOV to CR3 with good PDPTEs");
  write_cr3((word)pdpt);
  other_pdpt[2] = (word)directories[2] | PAGE_P | PAGE_W;
  check_fault(load_other, 13, 0, "#GP: MOV to CR3, PDPTE with reserved bit 1");
  other_pdpt[2] = PAGE_W;
  check_fault(load_other, NO_TRAP, 0, "reserved bits do not matter in a PDPTE that is not present");
  write_cr3((word)pdpt);
  other_pdpt[2] = (word)directories[2] | PAGE_P | PAGE_NX;
  check_fault(load_other, 13, 0, "#GP: MOV to CR3, PDPTE with bit 63");
  check_equal(read_cr3(), (word)pdpt, "a MOV to CR3 that faults leaves CR3");
  write_cr0(read_cr0() & ~(word)CR0_PG);
  check(true, "paging off");
}
