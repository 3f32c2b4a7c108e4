/* Goes to real mode and back (SDM Vol. 3A 10.9), then prints what cases.S found there. */
#include "common/trap.h"

void run_real(void);

struct check16 {
  const char *name;
  const uint32_t *actual;
  uint32_t expected;
};

void kmain(uint32_t info) {
  (void)info;
  boot_gdt[0x30 / 8] = 0x00009a000000ffff; /* 16-bit code, base 0, 64 KiB */
  boot_gdt[0x38 / 8] = 0x000092000000ffff; /* 16-bit data */
  run_real();
  const struct check16 *end = (const struct check16 *)cases_end;
  for (const struct check16 *one = (const struct check16 *)cases_start; one < end; one++)
    check_equal(*one->actual, one->expected, one->name);
}
