/* Page tables of the window at 1 GiB. SDM Vol. 3A 4.5. */
#include "common/window.h"

uint64_t window_table[512] __attribute__((aligned(4096)));
uint8_t spare_pages[4][4096] __attribute__((aligned(4096)));

void window_open(void) {
  boot_pml4[0] |= PAGE_U;
  boot_pdpt[1] |= PAGE_U;
  boot_pd[512] = (word)window_table | PAGE_P | PAGE_W | PAGE_U;
  write_cr3(read_cr3());
}

volatile uint8_t *window_map(unsigned page, uint64_t entry) {
  uint8_t *at = (uint8_t *)(word)WINDOW + page * 4096;
  window_table[page] = entry;
  invlpg(at);
  return at;
}

void share_image_with_user(void) {
  boot_pml4[0] |= PAGE_U;
  boot_pdpt[0] |= PAGE_U;
  boot_pd[0] |= PAGE_U;
  write_cr3(read_cr3());
}
