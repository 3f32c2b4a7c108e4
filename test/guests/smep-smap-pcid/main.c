/* Supervisor-mode protections and process-context identifiers. Translations kept under another PCID are never required
   by the SDM, so only what must be dropped is checked. SDM Vol. 3A 4.10.1, 4.10.4. */
#include "common/trap.h"
#include "common/window.h"

static volatile uint8_t *page;

static void invpcid(uint64_t type, uint64_t pcid, const volatile void *address) {
  uint64_t descriptor[2] = {pcid, (word)address};
  asm volatile("invpcid %0, %1" ::"m"(descriptor), "r"(type) : "memory");
}

static void point_at(unsigned spare, uint64_t bits) { window_table[2] = (word)spare_pages[spare] | PAGE_P | PAGE_W | bits; }

static void process_contexts(void) {
  word base = read_cr3();
  write_cr4(read_cr4() | CR4_PCIDE | CR4_PGE);
  check_equal(read_cr3(), base, "PCID 0 after CR4.PCIDE is set");
  write_cr3(base | 7);
  check_equal(read_cr3(), base | 7, "CR3 holds the PCID");
  write_cr3(base | 9 | 1ull << 63);
  check_equal(read_cr3(), base | 9, "MOV to CR3 with bit 63 keeps translations; the bit reads back 0");
  page = (volatile uint8_t *)WINDOW + 0x2000;
  point_at(0, 0);
  invlpg((void *)page);
  check_equal(*page, 0xc3, "under PCID 9");
  point_at(2, 0);
  invpcid(0, 9, page);
  check_equal(*page, 0x22, "INVPCID 0 drops one address");
  point_at(0, 0);
  invpcid(1, 9, 0);
  check_equal(*page, 0xc3, "INVPCID 1 drops one context");
  point_at(2, PAGE_G);
  invpcid(3, 0, 0);
  check_equal(*page, 0x22, "INVPCID 3 drops every context");
  point_at(0, PAGE_G);
  invpcid(2, 0, 0);
  check_equal(*page, 0xc3, "INVPCID 2 drops globals too");
  point_at(2, 0);
  invlpg((void *)page);
  check_equal(*page, 0x22, "INVLPG drops a global in the current context");
  point_at(0, 0);
  write_cr3(base | 9);
  check_equal(*page, 0xc3, "MOV to CR3 without bit 63 drops its context");
  point_at(2, 0);
  write_cr3(base);
  write_cr4(read_cr4() & ~(word)CR4_PCIDE);
  check_equal(*page, 0x22, "clearing CR4.PCIDE drops everything");
}

void kmain(uint32_t info) {
  (void)info;
  struct cpuid features = cpuid(7, 0);
  bool all = (features.ebx >> 7 & 1) && (features.ebx >> 20 & 1) && (features.ebx >> 10 & 1) && (cpuid(1, 0).ecx >> 17 & 1);
  bool smep_and_smap = (features.ebx >> 7 & 1) && (features.ebx >> 20 & 1);
  if (!smep_and_smap) {
    skip("SMEP and SMAP", "CPUID has none");
    return;
  }
  spare_pages[0][0] = spare_pages[1][0] = 0xc3; /* RET */
  spare_pages[2][0] = 0x22;
  window_open();
  window_map(0, (word)spare_pages[0] | PAGE_P | PAGE_W | PAGE_U);
  window_map(1, (word)spare_pages[1] | PAGE_P | PAGE_W);
  boot_gdt[0x58 / 8] = 0xffff | (WINDOW & 0xffffffull) << 16 | 0x82ull << 40 | (WINDOW >> 24 & 0xffull) << 56; /* LDT */
  boot_gdt[0x60 / 8] = 0;
  word plain = read_cr4();
  word directory = read_cr3();
  for (const struct test_case *one = cases_start; one < cases_end; one++) {
    bool user = memcmp(one->name + 5, "STAC in", 7) == 0 || memcmp(one->name + 5, "INVPCID in", 10) == 0;
    bool invalidates = memcmp(one->name + 5, "INVPCID", 7) == 0 || memcmp(one->name + 5, "setting", 7) == 0;
    if (invalidates && !all) {
      skip(one->name, "CPUID has no PCID or INVPCID");
      continue;
    }
    if (user) share_image_with_user();
    check_case(one);
    boot_pd[0] &= ~(uint64_t)PAGE_U;
    write_cr4(plain);
    write_cr3(directory);
  }
  if (all) process_contexts();
  else skip("PCID and INVPCID", "CPUID has none");
}
