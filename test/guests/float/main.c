/* Floating point: the x87 records of x87.S, then SSE results and MXCSR flags, MMX and its aliasing with x87, FXSAVE and
   XSAVE, and unmasked exceptions. SDM Vol. 1 8, 9, 10, 11, 13. */
#include "common/trap.h"
#include "float/sse.h"

struct x87_case {
  const char *name;
  void (*run)(void);
  uint64_t control, status, high, low;
};

/* C1 and the flags; C0, C2, C3 where the case sets them; TOP (bits 13:11) is left out. */
#define STATUS_MASK 0x477f

static void run_x87(void) {
  const struct x87_case *end = (const struct x87_case *)cases_end;
  for (const struct x87_case *one = (const struct x87_case *)cases_start; one < end; one++) {
    static uint64_t value[2];
    uint16_t control = (uint16_t)one->control, status;
    value[0] = value[1] = 0;
    asm volatile("fninit; fldcw %2; call *%3; fnstsw %0; fstpt %1"
                 : "=m"(status), "=m"(value)
                 : "m"(control), "r"(one->run)
                 : "rax", "memory");
    bool condition_codes = one->status & 0x4500 || memcmp(one->name, "FPREM", 5) == 0;
    uint16_t mask = condition_codes ? STATUS_MASK : 0x027f;
    bool holds = value[0] == one->low && (value[1] & 0xffff) == one->high && (status & mask) == one->status;
    check(holds, one->name);
    if (!holds)
      print("  got %x:%X status %x, expected %x:%X status %x\n", (word)(value[1] & 0xffff), value[0], (word)(status & mask),
            (word)one->high, one->low, (word)one->status);
  }
}

static uint32_t mxcsr(void) {
  uint32_t value;
  asm volatile("stmxcsr %0" : "=m"(value));
  return value;
}
static void set_mxcsr(uint32_t value) { asm volatile("ldmxcsr %0" ::"m"(value)); }

static void check_sse(const struct sse_case *one) {
  static uint64_t result[2] __attribute__((aligned(16)));
  static uint64_t left[2] __attribute__((aligned(16))), right[2] __attribute__((aligned(16)));
  memcpy(left, one->left, 16);
  memcpy(right, one->right, 16);
  set_mxcsr(one->control);
  asm volatile("movaps (%1), %%xmm0; movaps (%2), %%xmm1; call *%3; movaps %%xmm0, (%0)" ::"r"(result), "r"(left), "r"(right),
               "r"(one->run)
               : "memory", "rax", "cc");
  uint32_t flags = mxcsr() & 0x3f;
  bool holds = memcmp(result, one->result, 16) == 0 && flags == one->flags;
  check(holds, one->name);
  if (!holds)
    print("  got %X %X flags %x, expected %X %X flags %x\n", result[1], result[0], (word)flags, one->result[1], one->result[0],
          (word)one->flags);
  set_mxcsr(0x1f80);
}

static void mmx_and_x87(void) {
  uint64_t value[2] = {0, 0};
  struct {
    uint16_t control, reserved0, status, reserved1, tag, rest[9];
  } environment;
  asm volatile("fninit; fld1; movq %1, %%mm3; fnstenv %0" : "=m"(environment) : "m"(value[0]));
  bool any_empty = false;
  for (int i = 0; i < 8; i++) any_empty |= (environment.tag >> i * 2 & 3) == 3;
  check(!any_empty, "an MMX instruction leaves no register empty");
  check_equal(environment.tag >> 6 & 3, 2, "the register that it wrote is special: its exponent is all ones");
  asm volatile("emms; fnstenv %0" : "=m"(environment));
  check_equal(environment.tag, 0xffff, "EMMS marks them empty");
  check_equal(environment.status & 0x3800, 0, "an MMX instruction sets TOP to 0");
  uint64_t bits = 0x8000000000000000;
  asm volatile("fninit; movq %1, %%mm7; fincstp; fdecstp; fdecstp; fstpt %0" : "=m"(value) : "m"(bits));
  check(value[0] == bits && (value[1] & 0xffff) == 0xffff, "a write to MM7 sets the exponent of R7 to ones");
  uint64_t result;
  asm volatile("movq %1, %%mm0; paddusb %2, %%mm0; movq %%mm0, %0; emms"
               : "=m"(result)
               : "m"(*(const uint64_t[]){0xf0f0f0f001020304}), "m"(*(const uint64_t[]){0x2010011001010101}));
  check_equal(result, 0xfffff1ff02030405, "PADDUSB on MMX");
}

static void saved_state(void) {
  static uint8_t area[1024] __attribute__((aligned(64)));
  memset(area, 0xcc, sizeof area);
  set_mxcsr(0x1fa0);
  uint64_t pattern[2] = {0x1122334455667788, 0x99aabbccddeeff00};
  asm volatile("fninit; fldpi; movups %0, %%xmm9; fxsave64 (%1)" ::"m"(pattern), "r"(area) : "memory");
  check_equal(*(uint16_t *)area, 0x037f, "FXSAVE: FCW");
  check_equal(area[4], 0x80, "FXSAVE: one register in use in the abridged tag word");
  check_equal(*(uint32_t *)(area + 24), 0x1fa0, "FXSAVE: MXCSR");
  check(*(uint64_t *)(area + 32) == 0xc90fdaa22168c235 && *(uint16_t *)(area + 40) == 0x4000, "FXSAVE: ST0");
  check(memcmp(area + 160 + 9 * 16, pattern, 16) == 0, "FXSAVE: XMM9");
  check_equal(area[464], 0xcc, "FXSAVE leaves bytes 464 to 511");
  asm volatile("fninit; xorps %%xmm9, %%xmm9; fxrstor64 (%0); movups %%xmm9, %1" ::"r"(area), "m"(pattern) : "memory");
  set_mxcsr(0x1f80);
  if (!(cpuid(1, 0).ecx >> 26 & 1)) {
    skip("XSAVE", "CPUID has none");
    return;
  }
  write_cr4(read_cr4() | CR4_OSXSAVE);
  asm volatile("xsetbv" ::"a"(3), "d"(0), "c"(0));
  memset(area, 0, sizeof area);
  memset(area, 0xcc, 512);
  asm volatile("fninit; xsave64 (%0)" ::"r"(area), "a"(1), "d"(0) : "memory");
  check(*(uint16_t *)area == 0x037f && area[160] == 0xcc, "XSAVE of x87 alone leaves the XMM area");
  pattern[0] = 7;
  asm volatile("movups %1, %%xmm4; xsave64 (%0)" ::"r"(area), "m"(pattern), "a"(2), "d"(0) : "memory");
  check((area[512] & 2) && area[160 + 64] == 7, "XSAVE of SSE sets XSTATE_BV bit 1 and writes XMM4");
  area[512] = 0;
  uint64_t now[2] = {1, 1};
  asm volatile("xrstor64 (%1); movups %%xmm4, %0" : "=m"(now) : "r"(area), "a"(2), "d"(0) : "memory");
  check(now[0] == 0 && now[1] == 0, "XRSTOR with XSTATE_BV clear brings the initial state");
}

static uint8_t bad_area[1024] __attribute__((aligned(64)));
static void fxrstor_bad_mxcsr(void) { asm volatile("fxrstor64 (%0)" ::"r"(bad_area)); }
static void ldmxcsr_bad(void) { set_mxcsr(0x10000); }
static void fxsave_unaligned(void) { asm volatile("fxsave64 (%0)" ::"r"(bad_area + 8) : "memory"); }
static void xrstor_bad_header(void) { asm volatile("xrstor64 (%0)" ::"r"(bad_area), "a"(3), "d"(0)); }
static void unmasked(void) {
  uint16_t control = 0x037e;
  uint32_t after = 0;
  asm volatile("fninit; fldcw %1; fld1; fchs; fsqrt; fnstsw %%ax; nop; fistpl %0" : "=m"(after) : "m"(control) : "rax");
}

static void faults(void) {
  *(uint32_t *)(bad_area + 24) = 0xffff0000;
  check_equal(attempt(fxrstor_bad_mxcsr), 13, "#GP: FXRSTOR with reserved bits in MXCSR");
  check_equal(attempt(ldmxcsr_bad), 13, "#GP: LDMXCSR with a reserved bit");
  check_equal(attempt(fxsave_unaligned), 13, "#GP: FXSAVE to an area that is not aligned");
  *(uint32_t *)(bad_area + 24) = 0x1f80;
  bad_area[513] = 0xff;
  if (read_cr4() & CR4_OSXSAVE) check_equal(attempt(xrstor_bad_header), 13, "#GP: XRSTOR with a bit beyond XCR0");
  if (on_tcg) skip("#MF: at the next waiting instruction", "QEMU's TCG reports it in FWAIT only");
  else check_equal(attempt(unmasked), 16, "#MF: at the next waiting instruction");
  asm volatile("fninit");
}

void kmain(uint32_t info) {
  (void)info;
  run_x87();
  for (const struct sse_case *one = sse_cases; one->name != 0; one++) check_sse(one);
  mmx_and_x87();
  saved_state();
  faults();
}
