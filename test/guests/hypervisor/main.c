/* A bare hypervisor: VMXON, one VMCS, one small 64-bit guest behind EPT, a list of exits, VMXOFF. Each exit is printed
   with the fields that the SDM defines for its reason, so that two machines' lines can be compared.
   SDM Vol. 3C 24-31. NOT IMPLEMENTED: APIC virtualization, shadow VMCS, VM functions. */
#include "common/trap.h"
#include "hypervisor/vmx.h"

#define MSR_FEATURE_CONTROL 0x3a
#define MSR_VMX_BASIC 0x480
#define MSR_VMX_CR0_FIXED0 0x486
#define MSR_VMX_CR4_FIXED0 0x488

uint8_t vmxon_region[4096] __attribute__((aligned(4096)));
uint8_t vmcs_region[4096] __attribute__((aligned(4096)));

static void set_revision(uint8_t *region, uint32_t extra) {
  *(uint32_t *)region = ((uint32_t)read_msr(MSR_VMX_BASIC) & 0x7fffffff) + extra;
}

static void vmxon_without_vmxe(void) { vmxon((word)vmxon_region); }
static void clear_vmxe(void) { write_cr4(read_cr4() & ~(word)CR4_VMXE); }
static void clear_ne(void) { write_cr0(read_cr0() & ~(word)CR0_NE); }

static void enter_vmx_operation(void) {
  check_equal(attempt(vmxon_without_vmxe), 6, "VMXON is #UD without CR4.VMXE");
  if (!(read_msr(MSR_FEATURE_CONTROL) & 1)) write_msr(MSR_FEATURE_CONTROL, read_msr(MSR_FEATURE_CONTROL) | 5);
  check_equal(read_msr(MSR_FEATURE_CONTROL) & 5, 5, "IA32_FEATURE_CONTROL: locked, VMXON allowed");
  write_cr0(read_cr0() | read_msr(MSR_VMX_CR0_FIXED0));
  write_cr4(read_cr4() | read_msr(MSR_VMX_CR4_FIXED0) | CR4_VMXE);
  set_revision(vmxon_region, 1);
  check_equal(vmxon((word)vmxon_region), FAILED_INVALID, "VMXON with a wrong revision fails");
  check_equal(vmxon((word)vmxon_region + 8), FAILED_INVALID, "VMXON with an unaligned pointer fails");
  set_revision(vmxon_region, 0);
  check_equal(vmxon((word)vmxon_region), SUCCEEDED, "VMXON");
  check_equal(attempt(clear_vmxe), 13, "#GP: CR4.VMXE cannot be cleared in VMX operation");
  check_equal(attempt(clear_ne), 13, "#GP: CR0.NE cannot be cleared in VMX operation");
}

static void vmread_after_vmxoff(void) { vmread(GUEST_RIP); }

void kmain(uint32_t info) {
  (void)info;
  if (!(cpuid(1, 0).ecx >> 5 & 1)) {
    skip("VMX", "CPUID has none");
    return;
  }
  print("VMX basic %X\n", read_msr(MSR_VMX_BASIC));
  enter_vmx_operation();
  set_revision(vmcs_region, 0);
  check_vmx_failures((word)vmcs_region);
  check_equal(vmclear((word)vmcs_region), SUCCEEDED, "VMCLEAR");
  check_equal(vmptrld((word)vmcs_region), SUCCEEDED, "VMPTRLD");
  build_ept();
  set_up_vmcs();
  check_failed_entries();
  run_guest();
  check_equal(vmclear((word)vmcs_region), SUCCEEDED, "VMCLEAR of a launched VMCS");
  check_equal(vmxoff(), SUCCEEDED, "VMXOFF");
  check_equal(attempt(vmread_after_vmxoff), 6, "VMREAD is #UD after VMXOFF");
  clear_vmxe();
}
