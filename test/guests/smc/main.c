/* Self- and cross-modifying code: the next instruction of the running block, through another linear address, across a
   page boundary, by string instructions and in a loop. SDM Vol. 3A 9.1.3 (one processor: same linear address needs a
   branch or nothing, another linear address a serializing instruction), 12.6. */
#include "common/trap.h"
#include "common/window.h"

static volatile uint8_t *const window = (volatile uint8_t *)WINDOW;

/* mov $value, %eax; ret */
static void put_function(volatile uint8_t *at, uint32_t value) {
  at[0] = 0xb8;
  at[1] = (uint8_t)value;
  at[2] = (uint8_t)(value >> 8);
  at[3] = (uint8_t)(value >> 16);
  at[4] = (uint8_t)(value >> 24);
  at[5] = 0xc3;
}
static uint32_t call(volatile uint8_t *at) {
  uint32_t result;
  asm volatile("call *%1" : "=a"(result) : "r"(at) : "memory");
  return result;
}
static void serialize(void) { cpuid(0, 0); }

uint32_t own_block(void);
uint32_t own_block_string(void);
uint32_t loop_patch(void);
uint32_t patch_backwards(void);
asm(".text\n"
    "own_block: movb $2, 1f + 1\n"
    "1: movl $1, %eax\n"
    "   movb $1, 1b + 1\n"
    "   ret\n"
    /* MOVSB writes the instruction behind itself. */
    "own_block_string: movl $2f, %esi\n"
    "   movl $1f + 1, %edi\n"
    "   movl $4, %ecx\n"
    "   rep movsb\n"
    "1: movl $0x11111111, %eax\n"
    "   ret\n"
    "2: .long 0x22222222\n"
    /* Each round adds one to the immediate that it then adds. */
    "loop_patch: xorl %eax, %eax\n"
    "   movl $10, %ecx\n"
    "1: incb 2f + 2\n"
    "2: addl $0, %eax\n"
    "   loop 1b\n"
    "   ret\n"
    /* A taken jump to an instruction that was changed after it had run. */
    "patch_backwards: xorl %ecx, %ecx\n"
    "1: movl $5, %eax\n"
    "   testl %ecx, %ecx\n"
    "   jnz 2f\n"
    "   incl %ecx\n"
    "   movb $9, 1b + 1\n"
    "   jmp 1b\n"
    "2: ret\n");

static uint32_t faults;
static void provide_page(struct frame *frame) {
  faults++;
  trap.ip = frame->ip;
  trap.cr2 = read_cr2();
  trap.error = frame->error;
  window_map(6, (word)spare_pages[1] | PAGE_P | PAGE_W);
}

void kmain(uint32_t info) {
  (void)info;
  window_open();
  check_equal(own_block(), 2, "a store to the next instruction of the same block");
  check_equal(own_block(), 2, "and again");
  check_equal(own_block_string(), 0x22222222, "REP MOVSB over the next instruction");
  check_equal(loop_patch(), 55, "an immediate that grows in each round of a loop");
  check_equal(patch_backwards(), 9, "an instruction changed after it ran, reached by a jump");

  window_map(0, (word)spare_pages[0] | PAGE_P | PAGE_W);
  window_map(1, (word)spare_pages[0] | PAGE_P | PAGE_W);
  put_function(window, 0x1111);
  check_equal(call(window), 0x1111, "a function in a data page");
  check_equal(call(window + 4096), 0x1111, "the same through an alias");
  put_function(window + 4096, 0x2222);
  serialize();
  check_equal(call(window), 0x2222, "changed through the alias");
  put_function(spare_pages[0], 0x3333);
  serialize();
  check_equal(call(window), 0x3333, "changed through a third mapping, a 2-MiB page");
  for (uint32_t i = 0; i < 300; i++) {
    window[1] = (uint8_t)i;
    serialize();
    if ((call(window + 4096) & 0xff) != (i & 0xff)) faults++;
  }
  check_equal(faults, 0, "300 changes in turn");

  window_map(2, (word)spare_pages[2] | PAGE_P | PAGE_W);
  window_map(3, (word)spare_pages[3] | PAGE_P | PAGE_W);
  volatile uint8_t *across = window + 3 * 4096 - 3;
  put_function(across, 0x01020304);
  check_equal(call(across), 0x01020304, "an instruction across two pages");
  across[3] = 0x0a; /* on the second page */
  check_equal(call(across), 0x010a0304, "its second half changed");
  across[1] = 0x0b;
  check_equal(call(across), 0x010a030b, "its first half changed");
  window_map(3, (word)spare_pages[1] | PAGE_P | PAGE_W);
  spare_pages[1][0] = 0x77;
  spare_pages[1][1] = 0x66;
  spare_pages[1][2] = 0xc3;
  check_equal(call(across), 0x6677030b, "another page mapped under its second half");

  window_map(5, (word)spare_pages[2] | PAGE_P | PAGE_W);
  window_map(6, 0);
  install(14, provide_page);
  faults = 0;
  volatile uint8_t *split = window + 6 * 4096 - 3;
  check_equal(call(split), 0x6677030b, "its second page comes in by a page fault");
  check(faults == 1 && trap.ip == (word)split && trap.cr2 == WINDOW + 6 * 4096, "RIP at the instruction, CR2 at the second page");
  check_equal(trap.error & ~0x10ul, 0, "a fetch of a page that is not present");
  install(14, 0);

  window_map(0, (word)spare_pages[0] | PAGE_P | PAGE_W);
  put_function(window, 0x4444);
  check_equal(call(window), 0x4444, "before the remap");
  put_function(spare_pages[3], 0x5555);
  window_map(0, (word)spare_pages[3] | PAGE_P | PAGE_W);
  check_equal(call(window), 0x5555, "another page mapped under the function");
  window_map(0, (word)spare_pages[0] | PAGE_P | PAGE_W | PAGE_NX);
  check_equal(attempt((void (*)(void))(word)WINDOW), 14, "execute-disable after it ran");
}
