// Runs single instructions on the host's CPU, in 64-bit code and, through segments of an LDT, in 32- and 16-bit code,
// and writes what they did. Linux on x86-64.
//
// Each test starts by returning from a signal handler with the whole state in the signal frame, and ends with the next
// signal: code pages are full of INT3, so that an instruction that completes traps wherever it goes, and one that
// faults tells vector, error code and address. No instruction of ours runs in between.
//
// Usage: `host` prints the CPU's name; `host run < TESTS > RESULTS` runs tests.
// Input: struct data_pages once, then struct test for each test. Output: struct result for each, followed by `runs`
// pieces of the image (registers, FXSAVE area with R0-R7, data pages) that changed: u16 offset, u16 length, bytes.
// Build: gcc -O1 -o host host.c

#define _GNU_SOURCE
#include <asm/ldt.h>
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

// ---- What layout.ts says too.

enum {
  PAGE = 4096,
  DATA = 0x100000,      // two pages to write, one to read; nothing below or above
  DATA_PAGES = 3,
  WRITABLE_PAGES = 2,
  CODE = 0x200000,      // two pages to execute and read; nothing above
  CODE_PAGES = 2,
  FXSAVE_BYTES = 416,
  REGISTER_BYTES = 128,
  IMAGE_BYTES = REGISTER_BYTES + FXSAVE_BYTES + DATA_PAGES * PAGE,
};

enum { CODE_16, CODE_32, DS, ES, STACK_16, STACK_32, GS, SEGMENTS };

static const struct { unsigned base, limit; int pages, contents, big; } segments[SEGMENTS] = {
  [CODE_16]  = {0x1f8000, 0xffff, 0, MODIFY_LDT_CONTENTS_CODE, 0},
  [CODE_32]  = {0x1f0000, 0x17fff, 0, MODIFY_LDT_CONTENTS_CODE, 1},
  [DS]       = {0xf8000, 0xa7ff, 0, MODIFY_LDT_CONTENTS_DATA, 1},
  [ES]       = {0xf7000, 0xfffff, 1, MODIFY_LDT_CONTENTS_DATA, 1},
  [STACK_16] = {0xf8000, 0xffff, 0, MODIFY_LDT_CONTENTS_DATA, 0},
  [STACK_32] = {0xf6000, 0xfffff, 1, MODIFY_LDT_CONTENTS_DATA, 1},
  [GS]       = {0xf8000, 0x7fff, 0, MODIFY_LDT_CONTENTS_STACK, 1},
};
#define SELECTOR(index) ((index) << 3 | 7)

struct test {
  uint8_t code[16];
  uint8_t length;       // of the code
  uint8_t bits;         // 16, 32 or 64
  uint8_t stack;        // 16 or 32: which stack segment, outside 64-bit code
  uint8_t patches;
  uint32_t at;          // linear address of the code
  uint64_t registers[16]; // RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 ...
  uint64_t flags;
  struct { uint32_t at; uint32_t length; uint8_t bytes[16]; } patch[4]; // linear addresses in the data pages
  uint8_t fxsave[FXSAVE_BYTES]; // with R0-R7 in the place of ST(0)-ST(7)
} __attribute__((packed));

struct result {
  uint8_t vector;       // 3: completed
  uint8_t pad;
  uint16_t runs;
  uint32_t error;
  uint64_t address;     // CR2
  uint64_t rip;         // offset in the code segment
  uint64_t flags;
} __attribute__((packed));

static uint8_t *data, *code; // writable views of the pages
static uint8_t original[DATA_PAGES * PAGE];
static struct test test;
static int running;

static void fail(const char *what) {
  perror(what);
  _exit(1);
}

static uint8_t *twice(unsigned long at, int pages) {
  int fd = memfd_create("pages", 0);
  if (fd < 0 || ftruncate(fd, pages * PAGE)) fail("memfd");
  void *view = mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (view == MAP_FAILED) fail("mmap");
  if (mmap((void *)at, pages * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, fd, 0) != (void *)at) fail("mmap");
  return view;
}

static unsigned code_base(void) {
  return test.bits == 64 ? 0 : segments[test.bits == 32 ? CODE_32 : CODE_16].base;
}

// The same order as in instructions' encodings.
static const int ORDER[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

// The x87 registers of an FXSAVE area as R0-R7 instead of ST(0)-ST(7), or the other way round.
static void rotate(uint8_t *fxsave, int back) {
  uint8_t registers[128];
  int top = fxsave[3] >> 3 & 7;
  memcpy(registers, fxsave + 32, 128);
  for (int n = 0; n < 8; n++) memcpy(fxsave + 32 + (((back ? n - top : n + top) & 7) << 4), registers + (n << 4), 16);
}

static uint8_t before[IMAGE_BYTES], after[IMAGE_BYTES], output[4 * IMAGE_BYTES];

static void report(ucontext_t *context) {
  greg_t *registers = context->uc_mcontext.gregs;
  struct result result = {0};
  result.vector = registers[REG_TRAPNO];
  result.error = registers[REG_ERR];
  result.address = registers[REG_CR2];
  result.rip = registers[REG_RIP];
  if (result.vector == 3) result.rip -= 1;
  result.flags = registers[REG_EFL];
  for (int n = 0; n < 16; n++) {
    uint64_t value = registers[ORDER[n]];
    if (test.bits != 64) value = n < 8 ? (uint32_t)value : 0; // the upper halves are not defined
    memcpy(after + 8 * n, &value, 8);
  }
  memcpy(after + REGISTER_BYTES, context->uc_mcontext.fpregs, FXSAVE_BYTES);
  rotate(after + REGISTER_BYTES, 0);
  // The opcode and the pointers of the last x87 instruction: AMD parts keep them only while an exception waits.
  memcpy(after + REGISTER_BYTES + 5, before + REGISTER_BYTES + 5, 19);
  memcpy(after + REGISTER_BYTES + FXSAVE_BYTES, data, DATA_PAGES * PAGE);
  uint8_t *to = output;
  for (int n = 0; n < IMAGE_BYTES;) {
    if (after[n] == before[n]) { n++; continue; }
    int end = n + 1; // a run ends before three equal bytes
    for (int i = n; i < IMAGE_BYTES && i < end + 3; i++) if (after[i] != before[i]) end = i + 1;
    uint16_t head[2] = {n, end - n};
    memcpy(to, head, 4);
    memcpy(to + 4, after + n, end - n);
    to += 4 + end - n;
    n = end;
    result.runs++;
  }
  fwrite(&result, sizeof result, 1, stdout);
  fwrite(output, to - output, 1, stdout);
  for (int n = 0; n < test.length; n++)
    if (test.at + n < CODE + CODE_PAGES * PAGE) code[test.at + n - CODE] = 0xcc;
  memcpy(data, original, DATA_PAGES * PAGE);
}

static void start(ucontext_t *context) {
  if (fread(&test, sizeof test, 1, stdin) != 1) {
    fflush(stdout);
    _exit(0);
  }
  for (int n = 0; n < test.length; n++)
    if (test.at + n < CODE + CODE_PAGES * PAGE) code[test.at + n - CODE] = test.code[n];
  for (int n = 0; n < test.patches; n++)
    memcpy(data + (test.patch[n].at - DATA), test.patch[n].bytes, test.patch[n].length);
  memcpy(before, test.registers, REGISTER_BYTES);
  memcpy(before + REGISTER_BYTES, test.fxsave, FXSAVE_BYTES);
  memcpy(before + REGISTER_BYTES + FXSAVE_BYTES, data, DATA_PAGES * PAGE);

  greg_t *registers = context->uc_mcontext.gregs;
  for (int n = 0; n < 16; n++) registers[ORDER[n]] = test.registers[n];
  registers[REG_RIP] = test.at - code_base();
  registers[REG_EFL] = test.flags;
  uint16_t cs = test.bits == 64 ? 0x33 : SELECTOR(test.bits == 32 ? CODE_32 : CODE_16);
  uint16_t ss = test.bits == 64 ? 0x2b : SELECTOR(test.stack == 32 ? STACK_32 : STACK_16);
  uint16_t selectors[4];
  memcpy(selectors, &registers[REG_CSGSFS], 8);
  selectors[0] = cs;
  selectors[3] = ss;
  memcpy(&registers[REG_CSGSFS], selectors, 8);
  uint8_t *fx = (uint8_t *)context->uc_mcontext.fpregs;
  memcpy(fx, test.fxsave, FXSAVE_BYTES);
  rotate(fx, 1);
  uint64_t present;
  memcpy(&present, fx + 512, 8);
  present |= 3;
  memcpy(fx + 512, &present, 8);
  static const struct itimerval second = {{0, 0}, {2, 0}};
  static int count;
  if (count++ % 1000 == 0) setitimer(ITIMER_REAL, &second, 0);
}

static void handler(int signal, siginfo_t *info, void *context) {
  asm volatile("pushfq; andl $~0x40000, (%%rsp); popfq" ::: "memory", "cc"); // AC
  (void)signal, (void)info;
  if (running) report(context);
  running = 1;
  start(context);
}

static void print_name(void) {
  unsigned words[12];
  for (int n = 0; n < 3; n++) __cpuid(0x80000002 + n, words[4 * n], words[4 * n + 1], words[4 * n + 2], words[4 * n + 3]);
  unsigned a, b, c, d;
  __cpuid(1, a, b, c, d);
  printf("%.48s, signature %x\n", (char *)words, a);
}

int main(int count, char **arguments) {
  (void)arguments;
  if (count == 1) {
    print_name();
    return 0;
  }
  data = twice(DATA, DATA_PAGES);
  if (mprotect((void *)DATA, WRITABLE_PAGES * PAGE, PROT_READ | PROT_WRITE)) fail("mprotect");
  code = twice(CODE, CODE_PAGES);
  if (mprotect((void *)CODE, CODE_PAGES * PAGE, PROT_READ | PROT_EXEC)) fail("mprotect");
  memset(code, 0xcc, CODE_PAGES * PAGE);
  if (fread(original, sizeof original, 1, stdin) != 1) return 1;
  memcpy(data, original, sizeof original);
  for (int n = 0; n < SEGMENTS; n++) {
    struct user_desc entry = {
      .entry_number = n, .base_addr = segments[n].base, .limit = segments[n].limit, .seg_32bit = segments[n].big,
      .contents = segments[n].contents, .limit_in_pages = segments[n].pages, .useable = 1,
    };
    if (syscall(SYS_modify_ldt, 1, &entry, sizeof entry)) fail("modify_ldt");
  }
  for (int n = 0; n < DATA_PAGES * PAGE; n += PAGE) // a write to a page not yet there would not say "present"
    if (*(volatile uint8_t *)(DATA + n) != data[n]) return 1;
  asm volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%gs" ::"r"(SELECTOR(DS)), "r"(SELECTOR(ES)), "r"(SELECTOR(GS)));
  static uint8_t stack[1 << 16];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternate, 0);
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  for (unsigned n = 0; n < sizeof signals / sizeof *signals; n++) sigaction(signals[n], &action, 0);
  asm volatile("int3");
  return 1;
}
