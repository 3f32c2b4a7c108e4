/* What the processor and the loader say of themselves: CPUID, MSRs, PVH's memory map. */
#include "tour/tour.h"

struct start_info { /* Xen's hvm_start_info, version 1 */
  uint32_t magic, version, flags, module_count;
  uint64_t modules, command_line, rsdp, memory_map;
  uint32_t memory_map_entries, reserved;
};
struct memory_range {
  uint64_t start, size;
  uint32_t type, reserved;
};
#define START_INFO_MAGIC 0x336ec578

void describe_processor(void) {
  struct cpuid leaf = cpuid(0, 0);
  uint32_t vendor[4] = {leaf.ebx, leaf.edx, leaf.ecx, 0};
  print("processor: %s, highest leaf %d\n", (const char *)vendor, (word)leaf.eax);
  leaf = cpuid(1, 0);
  print("signature %x, hypervisor bit %d\n", (word)leaf.eax, (word)(leaf.ecx >> 31));
  if (leaf.ecx >> 31) {
    struct cpuid host = cpuid(0x40000000, 0);
    uint32_t name[4] = {host.ebx, host.ecx, host.edx, 0};
    print("hypervisor: %s\n", (const char *)name);
  }
  print("EFER %x, APIC base %x\n", read_msr(MSR_EFER), read_msr(MSR_APIC_BASE));
  check(read_msr(MSR_EFER) & EFER_LMA, "the processor is in IA-32e mode");
}

void describe_memory(uint32_t info) {
  const struct start_info *start = (const struct start_info *)(word)info;
  if (boot_magic == 0x36d76289 || start->magic != START_INFO_MAGIC) {
    print("memory: not booted by PVH\n");
    return;
  }
  const struct memory_range *range = (const struct memory_range *)start->memory_map;
  for (uint32_t i = 0; i < start->memory_map_entries; i++, range++)
    print("memory: %x..%x type %d\n", range->start, range->start + range->size, (word)range->type);
}
