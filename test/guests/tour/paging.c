/* Splits the first 2-MiB page into 4-KiB pages: code read-only, data execute-disable, and ring 3 sees .user alone. */
#include "tour/tour.h"

extern uint64_t boot_pml4[512], boot_pdpt[512], boot_pd[2048];
extern uint8_t user_start[], user_end[], text_end[];
static uint64_t first_table[512] __attribute__((aligned(4096)));

static void write_to_code(void) { *(volatile uint8_t *)(word)write_to_code = 0; }

void protect_kernel(void) {
  for (uint64_t page = 0; page < 512; page++) {
    uint64_t address = page * 4096;
    uint64_t bits = PAGE_P | PAGE_W | PAGE_NX;
    if (address >= 0x100000 && address < (word)text_end) bits = PAGE_P;
    if (address >= (word)user_start && address < (word)user_end) bits = PAGE_P | PAGE_W | PAGE_U;
    first_table[page] = address | bits;
  }
  boot_pml4[0] |= PAGE_U;
  boot_pdpt[0] |= PAGE_U;
  boot_pd[0] = (word)first_table | PAGE_P | PAGE_W | PAGE_U;
  write_cr3(read_cr3());
  check(attempt(write_to_code) == 14 && trap.error == 3, "a write to code is a page fault");
}
