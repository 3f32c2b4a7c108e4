/* 32-bit paging: two levels, 4-MiB pages, A and D, WP, user and supervisor, global pages. SDM Vol. 3A 4.3, 4.6-4.8. */
#include "common/trap.h"

#define WINDOW 0x40000000u
#define FOUR_MIB 0x400000u

static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t table[1024] __attribute__((aligned(4096)));
static uint8_t pages[3][4096] __attribute__((aligned(4096)));
static volatile uint8_t *target;

static void read_target(void) { (void)*target; }
static void write_target(void) { *target = 0x5a; }
static void call_target(void) { ((void (*)(void))(word)target)(); }
static void modify_target(void) { asm volatile("lock incb %0" : "+m"(*target)); }
static volatile uint16_t *across_pages;
static void write_across(void) { *across_pages = 0x1234; }
void user_read(void);
void user_write(void);
uint32_t user_address;

static void map(uint32_t page, uint32_t entry) {
  table[page] = entry;
  target = (volatile uint8_t *)WINDOW + page * 4096;
  invlpg((void *)target);
}

static void check_fault(void (*code)(void), word vector, word error, const char *name) {
  user_address = (uint32_t)(word)target;
  word got = attempt(code);
  bool holds = got == vector && (vector != 14 || (trap.error == error && trap.cr2 == (word)target));
  check(holds, name);
  if (!holds) print("  got vector %x error %x cr2 %x\n", got, trap.error, trap.cr2);
}

void kmain(uint32_t info) {
  (void)info;
  uint32_t page = (uint32_t)(word)pages[0];
  for (uint32_t i = 0; i < 1024; i++) directory[i] = i * FOUR_MIB | PAGE_P | PAGE_W | PAGE_PS;
  directory[0] |= PAGE_U; /* the image: ring 3 runs in it */
  directory[WINDOW / FOUR_MIB] = (uint32_t)(word)table | PAGE_P | PAGE_W | PAGE_U;
  table[0] = page | PAGE_P | PAGE_W;
  write_cr4(read_cr4() | CR4_PSE);
  write_cr3((word)directory);
  write_cr0(read_cr0() | CR0_PG | CR0_WP);
  check(true, "paging on, the image one to one in a 4-MiB page");

  target = (volatile uint8_t *)WINDOW;
  pages[0][0] = 0x42;
  check_equal(*target, 0x42, "a 4-KiB page");
  check_equal(table[0] & (PAGE_A | PAGE_D), PAGE_A, "a read sets A in the PTE, not D");
  check_equal(directory[WINDOW / FOUR_MIB] & (PAGE_A | PAGE_D), PAGE_A, "and A in the PDE");
  *target = 1;
  check_equal(table[0] & (PAGE_A | PAGE_D), PAGE_A | PAGE_D, "a write sets D");
  map(1, 0);
  check_fault(read_target, 14, 0, "#PF: read, not present");
  check_fault(write_target, 14, 2, "#PF: write, not present");
  check_fault(modify_target, 14, 2, "#PF: locked read-modify-write is a write");
  check_fault(call_target, 14, 0, "#PF: fetch, not present: no I/D bit without NX or SMEP");
  map(1, page | PAGE_P);
  check_fault(write_target, 14, 3, "#PF: write to a read-only page with WP");
  write_cr0(read_cr0() & ~(word)CR0_WP);
  check_fault(write_target, NO_TRAP, 0, "without WP ring 0 writes");
  check_equal(table[1] & PAGE_D, PAGE_D, "and D is set");
  write_cr0(read_cr0() | CR0_WP);
  map(1, page | PAGE_P | PAGE_U);
  check_fault(user_read, 0x80, 0, "ring 3 reads a user page");
  check_fault(user_write, 14, 7, "#PF: ring 3 writes to a read-only page");
  map(1, page | PAGE_P | PAGE_W);
  check_fault(user_read, 14, 5, "#PF: ring 3 reads a supervisor page");
  map(1, 0);
  check_fault(user_write, 14, 6, "#PF: ring 3 writes to a page that is not present");
  map(1, page | PAGE_P | PAGE_W | PAGE_U);
  directory[WINDOW / FOUR_MIB] &= ~PAGE_U;
  write_cr3(read_cr3());
  check_fault(user_read, 14, 5, "#PF: U is the AND of both levels");
  directory[WINDOW / FOUR_MIB] = 0;
  write_cr3(read_cr3());
  check_fault(read_target, 14, 0, "#PF: PDE not present");

  uint32_t *large = &directory[0x50000000 / FOUR_MIB];
  *large = FOUR_MIB | PAGE_P | PAGE_W | PAGE_PS;
  write_cr3(read_cr3());
  target = (volatile uint8_t *)0x503ffffe;
  *target = 0x99;
  check_equal(*(volatile uint8_t *)0x7ffffe, 0x99, "a 4-MiB page maps its last bytes");
  check_equal(*large & (PAGE_A | PAGE_D), PAGE_A | PAGE_D, "A and D in the PDE");
  *large |= 1u << 21;
  write_cr3(read_cr3());
  check_fault(read_target, 14, 9, "#PF: bit 21 of a 4-MiB PDE is reserved");

  directory[WINDOW / FOUR_MIB] = (uint32_t)(word)table | PAGE_P | PAGE_W;
  pages[1][0] = 0x11;
  pages[2][0] = 0x22;
  write_cr4(read_cr4() | CR4_PGE);
  map(2, (uint32_t)(word)pages[1] | PAGE_P | PAGE_W | PAGE_G);
  check_equal(*target, 0x11, "a global page");
  table[2] = (uint32_t)(word)pages[2] | PAGE_P | PAGE_W | PAGE_G;
  invlpg((void *)target);
  check_equal(*target, 0x22, "INVLPG drops it");
  table[2] = (uint32_t)(word)pages[1] | PAGE_P | PAGE_W | PAGE_G;
  write_cr4(read_cr4() & ~(word)CR4_PGE);
  check_equal(*target, 0x11, "clearing CR4.PGE drops it");

  map(3, (uint32_t)(word)pages[1] | PAGE_P | PAGE_W);
  volatile uint16_t *across = (volatile uint16_t *)(target + 4095);
  map(4, (uint32_t)(word)pages[2] | PAGE_P | PAGE_W);
  *across = 0xbeef;
  check(pages[1][4095] == 0xef && pages[2][0] == 0xbe, "a word across two pages that are not neighbours in memory");
  map(4, (uint32_t)(word)pages[2] | PAGE_P);
  pages[1][4095] = 0;
  across_pages = across;
  check_fault(write_across, 14, 3, "#PF: a write across pages reports the second, read-only page");
  check_equal(pages[1][4095], 0, "and leaves the first as it was");
  write_cr0(read_cr0() & ~(word)CR0_PG);
  check(true, "paging off");
}
