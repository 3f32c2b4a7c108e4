/* VMX instructions and VM entries that must fail, and how. SDM Vol. 3C 27.2, 27.3, 27.8, 31.4 (error numbers). */
#include "hypervisor/vmx.h"

static uint8_t other_region[4096] __attribute__((aligned(4096)));

static void check_error(enum outcome outcome, uint64_t number, const char *name) {
  check_equal(outcome == FAILED_VALID ? vmread(INSTRUCTION_ERROR) : 1000 + outcome, number, name);
}

void check_vmx_failures(uint64_t region) {
  uint64_t value;
  check_equal(vmread_try(GUEST_RIP, &value), FAILED_INVALID, "VMREAD without a current VMCS: VMfailInvalid");
  check_equal(vmptrld(region + 4), FAILED_INVALID, "VMPTRLD of an unaligned pointer without a current VMCS");
  vmclear(region);
  vmptrld(region);
  check_error(vmclear((word)vmxon_region), 3, "error 3: VMCLEAR of the VMXON pointer");
  check_error(vmclear(region + 4), 2, "error 2: VMCLEAR of an unaligned pointer");
  check_error(vmptrld(region + 4), 9, "error 9: VMPTRLD of an unaligned pointer");
  check_error(vmptrld((word)vmxon_region), 10, "error 10: VMPTRLD of the VMXON pointer");
  *(uint32_t *)other_region = 0x12345678;
  check_error(vmptrld((word)other_region), 11, "error 11: VMPTRLD of a region with a wrong revision");
  check_error(vmread_try(0x7ffe, &value), 12, "error 12: VMREAD of a field that does not exist");
  check_error(vmwrite_try(0x7ffe, 0), 12, "error 12: VMWRITE of a field that does not exist");
  if (!(read_msr(0x485) >> 29 & 1))
    check_error(vmwrite_try(EXIT_REASON, 0), 13, "error 13: VMWRITE of a read-only field");
  else skip("error 13: VMWRITE of a read-only field", "IA32_VMX_MISC[29] allows it");
  check_error(vmxon((word)vmxon_region), 15, "error 15: VMXON in VMX root operation");
  check_error(invept(9, 0), 28, "error 28: INVEPT of a type that does not exist");
  check_error(invvpid(9, 1), 28, "error 28: INVVPID of a type that does not exist");
  check_error(invvpid(1, 0), 28, "error 28: INVVPID of VPID 0");
  check_equal(invept(2, 0), SUCCEEDED, "INVEPT of all contexts");
  check_equal(invvpid(2, 0), SUCCEEDED, "INVVPID of all contexts");
  uint64_t current = 0;
  asm volatile("vmptrst %0" : "=m"(current)::"cc");
  check_equal(current, region, "VMPTRST");
}

/* Breaks one field, launches, and puts it back. */
static enum outcome launch_with(uint64_t field, uint64_t value) {
  struct registers registers = {0};
  uint64_t before = vmread(field);
  vmwrite(field, value);
  enum outcome outcome = vm_enter(&registers, true);
  vmwrite(field, before);
  return outcome;
}

static void check_entry_exit(uint64_t field, uint64_t value, uint64_t reason, uint64_t qualification, const char *name) {
  enum outcome outcome = launch_with(field, value);
  bool holds = outcome == SUCCEEDED && vmread(EXIT_REASON) == reason && vmread(EXIT_QUALIFICATION) == qualification;
  check(holds, name);
  print("  entry: outcome %d reason %x qualification %x\n", (word)outcome, vmread(EXIT_REASON), vmread(EXIT_QUALIFICATION));
}

void check_failed_entries(void) {
  struct registers registers = {0};
  check_error(vm_enter(&registers, false), 5, "error 5: VMRESUME of a VMCS that is not launched");
  check_error(launch_with(PIN_CONTROLS, 0), 7, "error 7: pin-based controls with a required bit clear");
  check_error(launch_with(EPT_POINTER, ept_pointer() | 0x80000000000000), 7, "error 7: reserved bit in the EPT pointer");
  check_error(launch_with(VPID, 0), 7, "error 7: VPID 0 with VPIDs enabled");
  check_error(launch_with(ENTRY_INTERRUPTION, 0x80000100), 7, "error 7: event injection of reserved type 1");
  check_error(launch_with(HOST_CR4, read_cr4() & ~(word)CR4_PAE), 8, "error 8: host CR4.PAE clear for a 64-bit host");
  check_error(launch_with(HOST_RIP, 0x8000000000000000), 8, "error 8: host RIP not canonical");
  check_error(launch_with(HOST_ES + 2, 0), 8, "error 8: host CS null");
  check_entry_exit(GUEST_RFLAGS, 0, 0x80000021, 0, "reason 33: guest RFLAGS bit 1 clear");
  check_entry_exit(GUEST_CR4, read_cr4() | 1ull << 40, 0x80000021, 0, "reason 33: reserved bit in guest CR4");
  check_entry_exit(GUEST_RIGHTS + 2, 0xa09a, 0x80000021, 0, "reason 33: guest CS not accessed");
  check_entry_exit(VMCS_LINK_POINTER, 4, 0x80000021, 4, "reason 33: VMCS link pointer, qualification 4");
  static uint64_t msr_area[2] __attribute__((aligned(16))) = {0xc0000100, 0};
  vmwrite(ENTRY_MSR_LOAD_ADDRESS, (word)msr_area);
  check_entry_exit(ENTRY_MSR_LOAD_COUNT, 1, 0x80000022, 1, "reason 34: IA32_FS_BASE in the MSR-load area, qualification 1");
}
