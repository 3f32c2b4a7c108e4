/* CPUID's shape and the MSRs that a kernel touches: what is announced works, what is not is #UD or #GP.
   SDM Vol. 2A CPUID; Vol. 4. */
#include "common/trap.h"
#include "common/window.h"

static uint32_t msr_index;
static uint64_t msr_value;
static void read_it(void) { msr_value = read_msr(msr_index); }
static void write_it(void) { write_msr(msr_index, msr_value); }

static bool readable(uint32_t index) {
  msr_index = index;
  return attempt(read_it) == NO_TRAP;
}
static bool writable(uint32_t index, uint64_t value) {
  msr_index = index;
  msr_value = value;
  return attempt(write_it) == NO_TRAP;
}

static void leaves(void) {
  struct cpuid basic = cpuid(0, 0), features = cpuid(1, 0), extended = cpuid(0x80000000, 0);
  check(basic.eax >= 7 && extended.eax >= 0x80000008, "leaves up to 7 and 0x80000008 are there");
  print("leaf 0: %x %x %x %x\n", (word)basic.eax, (word)basic.ebx, (word)basic.ecx, (word)basic.edx);
  print("leaf 1: %x %x %x %x\n", (word)features.eax, (word)features.ebx, (word)features.ecx, (word)features.edx);
  struct cpuid beyond = cpuid(basic.eax + 1000, 0), last = cpuid(basic.eax, 0);
  check(beyond.eax == last.eax && beyond.ebx == last.ebx && beyond.edx == last.edx, "a leaf beyond the last answers like the last");
  check(features.edx & 1u << 15 && features.edx & 1u << 24 && features.edx & 1u << 25 && features.edx & 1u << 26, "CMOV, FXSR, SSE, SSE2");
  word rax;
  asm volatile("movq $-1, %%rax; movq $-1, %%rbx; movq $-1, %%rcx; xorl %%eax, %%eax; xorl %%ecx, %%ecx; cpuid; orq %%rbx, %%rax;"
               "orq %%rcx, %%rax; orq %%rdx, %%rax; shrq $32, %%rax" : "=a"(rax)::"rbx", "rcx", "rdx", "cc");
  check_equal(rax, 0, "CPUID clears bits 63:32 of its registers");
  uint32_t physical = cpuid(0x80000008, 0).eax & 0xff;
  check(physical >= 36 && physical <= 52, "MAXPHYADDR is sensible");
  check(cpuid(0x80000001, 0).edx & 1u << 29, "long mode is announced");
}

static void xsave_follows_cr4(void) {
  if (!(cpuid(1, 0).ecx >> 26 & 1)) {
    skip("XSAVE", "CPUID has none");
    return;
  }
  write_cr4(read_cr4() & ~(word)CR4_OSXSAVE);
  check_equal(cpuid(1, 0).ecx >> 27 & 1, 0, "OSXSAVE is clear without CR4.OSXSAVE");
  write_cr4(read_cr4() | CR4_OSXSAVE);
  check_equal(cpuid(1, 0).ecx >> 27 & 1, 1, "and set with it");
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  check_equal(low & 1, 1, "XCR0 has x87 set");
  asm volatile("xsetbv" ::"a"(3), "d"(0), "c"(0));
  check_equal(cpuid(0xd, 0).ebx, 576, "x87 and SSE state need 576 bytes");
}
static void xcr0_without_x87(void) { asm volatile("xsetbv" ::"a"(2), "d"(0), "c"(0)); }
static void xcr1(void) { asm volatile("xsetbv" ::"a"(1), "d"(0), "c"(77)); }

static void msrs(void) {
  static const struct {
    uint32_t index;
    const char *name;
  } wanted[] = {{0x10, "TSC"},        {0x17, "PLATFORM_ID"}, {0x1b, "APIC_BASE"}, {0x8b, "BIOS_SIGN_ID"}, {0xfe, "MTRRCAP"},
                {0x174, "SYSENTER_CS"}, {0x179, "MCG_CAP"},    {0x1a0, "MISC_ENABLE"}, {0x277, "PAT"}, {0x2ff, "MTRR_DEF_TYPE"},
                {0xc0000080, "EFER"}, {0xc0000081, "STAR"},  {0xc0000102, "KERNEL_GS_BASE"}, {0x3b, "TSC_ADJUST"}};
  for (uint32_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    if (wanted[i].index == 0x3b && !(cpuid(7, 0).ebx >> 1 & 1)) {
      skip(wanted[i].name, "CPUID has none");
      continue;
    }
    check(readable(wanted[i].index), wanted[i].name);
  }
  check(!readable(0x12345678) && trap.vector == 13 && trap.error == 0, "#GP(0): an MSR that does not exist");
  check(!writable(0x277, 0x0007040600070402), "#GP: PAT with the reserved type 2");
  check(writable(0x277, 0x0007040600070406), "PAT's reset value");
  check(!writable(0xc0000080, read_msr(0xc0000080) | 1u << 13), "#GP: reserved bit of EFER");
  check(!writable(0xc0000082, 0x1000000000000000), "#GP: LSTAR takes canonical addresses alone");
  check(writable(0xc0000102, 0xffff800012345678) && read_msr(0xc0000102) == 0xffff800012345678, "KERNEL_GS_BASE holds a canonical address");
  check(writable(0xc0000100, 0x7fff12345678) && read_msr(0xc0000100) == 0x7fff12345678, "FS_BASE");
  if (cpuid(7, 0).ebx >> 1 & 1) {
    uint64_t before = read_msr(0x10);
    check(writable(0x3b, read_msr(0x3b) + 0x100000000000), "TSC_ADJUST can be written");
    check(read_msr(0x10) - before >= 0x100000000000, "and moves the TSC");
  }
}

void user_rdtsc(void);
asm(".text\nuser_rdtsc: leaq 1f(%rip), %rdi\n jmp enter_user\n1: rdtsc\n int $0x80\n");
static void rdtsc_disabled(void) {
  check_equal(attempt(user_rdtsc), 0x80, "RDTSC in ring 3");
  write_cr4(read_cr4() | CR4_TSD);
  check_equal(attempt(user_rdtsc), 13, "#GP: RDTSC in ring 3 with CR4.TSD");
  write_cr4(read_cr4() & ~(word)CR4_TSD);
}

static void instructions(void) {
  uint32_t ecx = cpuid(1, 0).ecx;
  word value = 0;
  if (ecx >> 23 & 1) {
    asm volatile("movq $0xf0f, %%rax; popcntq %%rax, %0" : "=r"(value)::"rax", "cc");
    check_equal(value, 8, "POPCNT");
  }
  if (ecx >> 20 & 1) {
    asm volatile("movl $0, %%eax; movl $0x31323334, %%edx; crc32l %%edx, %%eax; movl %%eax, %k0" : "=r"(value)::"rax", "rdx");
    check_equal(value, 0x9b283a77, "CRC32");
  }
  if (ecx >> 22 & 1) {
    static uint64_t number = 0x0102030405060708;
    asm volatile("movbeq %1, %0" : "=r"(value) : "m"(number));
    check_equal(value, 0x0807060504030201, "MOVBE");
  }
  if (ecx >> 30 & 1) {
    bool valid;
    asm volatile("rdrand %0" : "=r"(value), "=@ccc"(valid));
    check(valid, "RDRAND");
  }
  if (cpuid(7, 0).ebx >> 18 & 1) {
    bool valid;
    asm volatile("rdseed %0" : "=r"(value), "=@ccc"(valid));
    check(valid, "RDSEED");
  }
  if (cpuid(0x80000001, 0).edx >> 27 & 1) {
    write_msr(0xc0000103, 0x55aa);
    uint32_t aux;
    asm volatile("rdtscp" : "=c"(aux)::"rax", "rdx");
    check_equal(aux, 0x55aa, "RDTSCP brings TSC_AUX");
  }
}

void kmain(uint32_t info) {
  (void)info;
  share_image_with_user();
  leaves();
  xsave_follows_cr4();
  if (read_cr4() & CR4_OSXSAVE) {
    check_equal(attempt(xcr0_without_x87), 13, "#GP: XCR0 without x87");
    check_equal(attempt(xcr1), 13, "#GP: XSETBV of a register that does not exist");
  }
  msrs();
  rdtsc_disabled();
  instructions();
}
