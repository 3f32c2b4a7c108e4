/* The VMCS of the small guest, its EPT and its bitmaps. SDM Vol. 3C 25, 29.3; Vol. 3D A.2-A.5 (allowed settings). */
#include "common/trap.h"
#include "hypervisor/vmx.h"

uint8_t io_bitmaps[2][4096] __attribute__((aligned(4096)));
uint8_t msr_bitmap[4096] __attribute__((aligned(4096)));
uint64_t ept_table[512] __attribute__((aligned(4096)));
static uint64_t ept_pml4[512] __attribute__((aligned(4096)));
static uint64_t ept_pdpt[512] __attribute__((aligned(4096)));
static uint64_t ept_pd[512] __attribute__((aligned(4096)));

#define EPT_R 1
#define EPT_W 2
#define EPT_X 4
#define EPT_WRITE_BACK (6 << 3)
#define EPT_LARGE 0x80
#define EPT_ALL (EPT_R | EPT_W | EPT_X)

/* 1 GiB one to one: 2-MiB pages, but the one at 64 MiB is 512 pages of 4 KiB, some of them with less. */
void build_ept(void) {
  for (uint64_t i = 0; i < 512; i++) ept_pd[i] = i << 21 | EPT_ALL | EPT_WRITE_BACK | EPT_LARGE;
  for (uint64_t i = 0; i < 512; i++) ept_table[i] = (0x4000000 + i * 4096) | EPT_ALL | EPT_WRITE_BACK;
  ept_table[0] = ept_table[1] = ept_table[4] = ept_table[5] = ept_table[8] = 0;
  ept_table[2] = (ept_table[2] & ~7ull) | EPT_R;
  ept_table[3] = (ept_table[3] & ~7ull) | EPT_R | EPT_W;
  ept_table[6] = (ept_table[6] & ~7ull) | EPT_W; /* a misconfiguration: writable, not readable */
  ept_table[7] = (ept_table[7] & ~7ull) | EPT_R | EPT_X;
  ept_pd[32] = (word)ept_table | EPT_ALL;
  ept_pdpt[0] = (word)ept_pd | EPT_ALL;
  ept_pml4[0] = (word)ept_pdpt | EPT_ALL;
}

uint64_t ept_pointer(void) { return (word)ept_pml4 | 3 << 3 | 6; }

/* The controls wanted, as far as the capability MSR allows them: its low half must be 1, its high half may be 1. */
static uint32_t allowed(uint32_t capability, uint32_t wanted) {
  uint64_t value = read_msr(capability);
  return (wanted | (uint32_t)value) & (uint32_t)(value >> 32);
}

static void set_controls(void) {
  uint32_t shift = read_msr(0x480) >> 55 & 1 ? 0xc : 0; /* the TRUE capability MSRs where they exist */
  vmwrite(PIN_CONTROLS, allowed(0x481 + shift, PIN_NMI_EXITING | PIN_VIRTUAL_NMIS));
  vmwrite(PRIMARY_CONTROLS,
          allowed(0x482 + shift, PRIMARY_HLT | PRIMARY_INVLPG | PRIMARY_MWAIT | PRIMARY_RDPMC | PRIMARY_RDTSC |
                                     PRIMARY_CR3_LOAD | PRIMARY_CR3_STORE | PRIMARY_CR8_LOAD | PRIMARY_CR8_STORE |
                                     PRIMARY_MOV_DR | PRIMARY_IO | PRIMARY_MONITOR | PRIMARY_PAUSE | PRIMARY_SECONDARY));
  vmwrite(SECONDARY_CONTROLS,
          allowed(0x48b, SECONDARY_EPT | SECONDARY_DESCRIPTOR_TABLES | SECONDARY_RDTSCP | SECONDARY_VPID |
                             SECONDARY_WBINVD | SECONDARY_UNRESTRICTED | SECONDARY_RDRAND | SECONDARY_INVPCID | SECONDARY_RDSEED));
  vmwrite(EXIT_CONTROLS, allowed(0x483 + shift, EXIT_HOST_64 | EXIT_SAVE_EFER | EXIT_LOAD_EFER));
  vmwrite(ENTRY_CONTROLS, allowed(0x484 + shift, ENTRY_GUEST_64 | ENTRY_LOAD_EFER));
  vmwrite(EXCEPTION_BITMAP, 1u << 1 | 1u << 3 | 1u << 6 | 1u << 14);
  vmwrite(EPT_POINTER, ept_pointer());
  vmwrite(VPID, 1);
  vmwrite(CR0_MASK, CR0_TS | CR0_NE);
  vmwrite(CR0_SHADOW, CR0_TS | CR0_NE);
  vmwrite(CR4_MASK, CR4_VMXE);
  vmwrite(CR4_SHADOW, 0);
  io_bitmaps[0][0x80 / 8] = 1; /* port 0x80 */
  msr_bitmap[2048 + 0x175 / 8] = 1 << (0x175 % 8); /* writes of IA32_SYSENTER_ESP */
  vmwrite(IO_BITMAP_A, (word)io_bitmaps[0]);
  vmwrite(IO_BITMAP_B, (word)io_bitmaps[1]);
  vmwrite(MSR_BITMAP, (word)msr_bitmap);
}

struct table_register {
  uint16_t limit;
  uint64_t base;
} __attribute__((packed));

static void set_guest_and_host_state(void) {
  static const uint16_t selectors[8] = {0x10, 0x08, 0x10, 0x10, 0x10, 0x10, 0, 0x38};
  static const uint32_t rights[8] = {0xc093, 0xa09b, 0xc093, 0xc093, 0xc093, 0xc093, 0x10000, 0x8b};
  for (uint64_t i = 0; i < 8; i++) {
    vmwrite(GUEST_ES + i * 2, selectors[i]);
    vmwrite(GUEST_LIMITS + i * 2, i < 6 ? 0xffffffff : i == 7 ? 0x67 : 0);
    vmwrite(GUEST_RIGHTS + i * 2, rights[i]);
    vmwrite(GUEST_BASES + i * 2, i == 7 ? (word)&tss : 0);
    if (i < 6) vmwrite(HOST_ES + i * 2, i == 1 ? 0x08 : 0x10);
  }
  vmwrite(HOST_ES + 12, 0x38);
  struct table_register gdtr, idtr;
  asm volatile("sgdt %0; sidt %1" : "=m"(gdtr), "=m"(idtr));
  vmwrite(GUEST_GDTR_BASE, gdtr.base);
  vmwrite(GUEST_GDTR_LIMIT, gdtr.limit);
  vmwrite(GUEST_IDTR_BASE, idtr.base);
  vmwrite(GUEST_IDTR_LIMIT, idtr.limit);
  vmwrite(HOST_GDTR_BASE, gdtr.base);
  vmwrite(HOST_IDTR_BASE, idtr.base);
  vmwrite(HOST_TR_BASE, (word)&tss);
  vmwrite(HOST_FS_BASE, 0);
  vmwrite(HOST_GS_BASE, 0);
  bool xsave = cpuid(1, 0).ecx >> 26 & 1;
  vmwrite(GUEST_CR0, read_cr0());
  vmwrite(GUEST_CR3, read_cr3());
  vmwrite(GUEST_CR4, read_cr4() | (xsave ? CR4_OSXSAVE : 0));
  vmwrite(HOST_CR0, read_cr0());
  vmwrite(HOST_CR3, read_cr3());
  vmwrite(HOST_CR4, read_cr4());
  vmwrite(GUEST_EFER, read_msr(MSR_EFER));
  vmwrite(HOST_EFER, read_msr(MSR_EFER));
  vmwrite(GUEST_DR7, 0x400);
  vmwrite(GUEST_RFLAGS, 2);
  vmwrite(GUEST_RIP, (word)guest_code);
  vmwrite(GUEST_RSP, (word)guest_stack_top);
  vmwrite(GUEST_ACTIVITY, 0);
  vmwrite(GUEST_INTERRUPTIBILITY, 0);
  vmwrite(GUEST_PENDING_DEBUG, 0);
  vmwrite(VMCS_LINK_POINTER, ~0ull);
}

void set_up_vmcs(void) {
  set_controls();
  set_guest_and_host_state();
}
