/* Power-off by ACPI: sleep state S5 through PM1a_CNT (ACPI 6.5, 4.8.3.2.1). The port and SLP_TYPa are those of the
   PIIX4 as QEMU and VMXray place it; a kernel that means every PC reads them from the FADT and from \_S5. */
#include "tour/tour.h"

#define PM1A_CNT 0x604
#define SLP_TYP_S5 (0u << 10)
#define SLP_EN (1u << 13)

_Noreturn void power_off(void) {
  outw(PM1A_CNT, SLP_TYP_S5 | SLP_EN);
  shut_down();
}
