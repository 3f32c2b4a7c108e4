/* A window of 512 4-KiB pages at 1 GiB, behind a page table of the guest's own (64-bit guests). */
#ifndef WINDOW_H
#define WINDOW_H
#include "common/guest.h"

#define WINDOW 0x40000000
extern uint64_t boot_pml4[512], boot_pdpt[512], boot_pd[2048];
extern uint64_t window_table[512];
/* Four pages of plain memory for the window to point at. */
extern uint8_t spare_pages[4][4096];

/* Hooks the page table in at WINDOW with user-accessible upper levels. */
void window_open(void);
/* Sets one page's entry and drops its translation; returns the page's linear address. */
volatile uint8_t *window_map(unsigned page, uint64_t entry);
/* Makes the 2 MiB page that holds the guest's image accessible from ring 3. */
void share_image_with_user(void);
#endif
