/* REP string instructions stopped in the middle: by a fault on a page, by an interrupt, by a single step; and what their
   registers hold then. SDM Vol. 2B REP; Vol. 3A 6.6 (restartable). */
#include "common/apic.h"
#include "common/trap.h"
#include "common/window.h"

static struct registers {
  word rsi, rdi, rcx, rax, ip, flags;
} seen;
extern uint8_t rep_at[];

static void note(struct frame *frame) {
  seen = (struct registers){frame->rsi, frame->rdi, frame->rcx, frame->rax, frame->ip, frame->flags};
}

/* Runs a string instruction with these registers; `after` holds what it leaves. */
#define RUN(text, source, target, count, value, backwards) \
  do { \
    word rsi = (word)(source), rdi = (word)(target), rcx = (count), rax = (value); \
    asm volatile(backwards "\n" text "\ncld" \
                 : "+S"(rsi), "+D"(rdi), "+c"(rcx), "+a"(rax)::"memory", "cc"); \
    after = (struct registers){rsi, rdi, rcx, rax, 0, read_flags()}; \
  } while (0)
static struct registers after;

static volatile uint8_t *window = (volatile uint8_t *)WINDOW;
static uint32_t faults;

/* The second page comes in on its first touch. */
static void map_second_page(struct frame *frame) {
  note(frame);
  seen.flags = frame->error;
  trap.cr2 = read_cr2();
  faults++;
  window_map(1, (word)spare_pages[1] | PAGE_P | PAGE_W);
}

static void fresh(void) {
  memset(spare_pages, 0, sizeof spare_pages);
  faults = 0;
  window_map(0, (word)spare_pages[0] | PAGE_P | PAGE_W);
  window_map(1, 0);
}

static void faults_midway(void) {
  install(14, map_second_page);
  fresh();
  RUN("rep stosb", 0, window + 0xff0, 32, 0x5a, "cld");
  check(faults == 1 && trap.cr2 == WINDOW + 0x1000 && seen.rcx == 16 && seen.rdi == WINDOW + 0x1000, "REP STOSB faults after 16 of 32");
  check_equal(seen.flags, 2, "its error code says write");
  check(after.rcx == 0 && after.rdi == WINDOW + 0x1010 && spare_pages[1][15] == 0x5a && spare_pages[1][16] == 0, "and goes on from there");

  fresh();
  for (int i = 0; i < 8; i++) spare_pages[0][0xff8 + i] = (uint8_t)(i + 1);
  RUN("rep movsq", window + 0xff8 - 8, window + 0x100, 3, 0, "cld");
  check(faults == 1 && seen.rcx == 1 && seen.rsi == WINDOW + 0x1000 && seen.rdi == WINDOW + 0x110, "REP MOVSQ faults on its source");
  check_equal(seen.flags, 0, "its error code says read");
  check(after.rcx == 0 && memcmp(spare_pages[0] + 0x108, spare_pages[0] + 0xff8, 8) == 0, "and completes");

  fresh();
  RUN("rep movsq", window, window + 0xffc, 1, 0, "cld");
  check(faults == 1 && seen.rcx == 1 && seen.rdi == WINDOW + 0xffc && trap.cr2 == WINDOW + 0x1000, "an element across pages faults as a whole");
  check_equal(spare_pages[0][0xffc], 0, "nothing of it was stored before the fault");

  fresh();
  window_map(1, (word)spare_pages[1] | PAGE_P | PAGE_W);
  window_map(0, 0);
  install(14, note);
  spare_pages[1][0] = 7;
  window_map(0, (word)spare_pages[0] | PAGE_P | PAGE_W);
  RUN("rep stosw", 0, window + 0x1002, 4, 0x1234, "std");
  check(after.rdi == WINDOW + 0xffa && *(uint16_t *)(spare_pages[0] + 0xffc) == 0x1234 && *(uint16_t *)(spare_pages[1] + 2) == 0x1234,
        "REP STOSW backwards across pages");

  install(14, map_second_page);
  fresh();
  spare_pages[1][4] = 9;
  RUN("repne scasb", 0, window + 0xffc, 100, 9, "cld");
  check(faults == 1 && seen.rcx == 96, "REPNE SCASB faults at the page");
  check(after.rcx == 91 && after.rdi == WINDOW + 0x1005 && (after.flags & 0x40), "and stops behind the match with ZF");

  fresh();
  RUN("repe cmpsb", window + 0x800, window + 0xffe, 5, 0, "cld");
  check(faults == 1 && seen.rcx == 3 && after.rcx == 0 && (after.flags & 0x40), "REPE CMPSB faults and runs to its end");
  install(14, 0);
}

static void overlap(void) {
  uint8_t bytes[32];
  for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)i;
  RUN("rep movsb", bytes, bytes + 1, 16, 0, "cld");
  bool all_zero = true;
  for (int i = 0; i <= 16; i++) all_zero &= bytes[i] == 0;
  check(all_zero && bytes[17] == 17, "REP MOVSB one byte ahead spreads the first byte");
  for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)i;
  RUN("rep movsl", bytes, bytes + 2, 4, 0, "cld");
  static const uint8_t expected[] = {0, 1, 0, 1, 2, 3, 2, 3, 6, 7};
  check(memcmp(bytes, expected, sizeof expected) == 0, "REP MOVSL two bytes ahead");
  RUN("rep stosq", 0, bytes, 0, 0, "cld");
  check_equal(after.rdi, (word)bytes, "REP with RCX 0 moves nothing");
  word rcx = 0xffffffff00000002, rdi = (word)bytes;
  asm volatile("addr32 rep stosb" : "+c"(rcx), "+D"(rdi) : "a"(0xee) : "memory");
  check(rcx == 0 && rdi == (word)bytes + 2 && bytes[1] == 0xee, "with 67 ECX counts, and its end clears RCX's upper half");
}

static uint32_t steps;
static word step_counts[8];
static void single_step(struct frame *frame) {
  if (steps < 8) step_counts[steps] = frame->rcx;
  steps++;
}

static void stepped(void) {
  uint8_t bytes[8] = {0};
  install(1, single_step);
  word rcx = 3, rdi = (word)bytes;
  asm volatile("pushf; orl $0x100, (%%rsp); popf; rep stosb; pushf; andl $~0x100, (%%rsp); popf"
               : "+c"(rcx), "+D"(rdi) : "a"(1) : "memory", "cc");
  check(steps >= 3 && step_counts[0] == 2 && step_counts[1] == 1 && step_counts[2] == 0, "TF traps after each iteration");
  install(1, 0);
}

static void timer(struct frame *frame) {
  note(frame);
  apic_write(APIC_EOI, 0);
}

/* A timer interrupt inside a long REP MOVSB: the saved RIP is the instruction, RCX says how far it came. */
static void interrupted(void) {
  static uint8_t large[2][0x40000];
  install(0x40, timer);
  for (uint32_t i = 0; i < sizeof large[0]; i += 97) large[0][i] = (uint8_t)i;
  apic_write(APIC_SVR, 0x1ff);
  apic_write(APIC_DIVIDE, 0xb);
  apic_write(APIC_LVT_TIMER, 0x40);
  bool inside = false, consistent = true;
  for (uint32_t count = 2000; count < 2000000 && !inside; count = count * 3 / 2) {
    seen.ip = 0;
    apic_write(APIC_INITIAL_COUNT, count);
    word rsi = (word)large[0], rdi = (word)large[1], rcx = sizeof large[0];
    asm volatile("sti; rep_at: rep movsb; cli" : "+S"(rsi), "+D"(rdi), "+c"(rcx)::"memory");
    apic_write(APIC_INITIAL_COUNT, 0);
    asm volatile("sti; nop; nop; cli" ::: "memory");
    if (seen.ip != (word)rep_at || seen.rcx == sizeof large[0]) continue;
    inside = true;
    word done = sizeof large[0] - seen.rcx;
    consistent = seen.rsi == (word)large[0] + done && seen.rdi == (word)large[1] + done && rcx == 0;
  }
  if (!inside) skip("a timer interrupt inside REP MOVSB", "none hit it");
  else check(consistent, "a timer interrupt inside REP MOVSB leaves RSI, RDI, RCX in step");
  check_equal((uint64_t)memcmp(large[0], large[1], sizeof large[0]), 0, "the copy is whole");
}

void kmain(uint32_t info) {
  (void)info;
  window_open();
  faults_midway();
  overlap();
  stepped();
  interrupted();
}
