/* Runs the table of exceptions in cases.S, and checks the frame that delivery builds in 64-bit mode. */
#include "common/trap.h"
#include "common/window.h"

extern uint64_t idt[];

static void set_up_window(void) {
  window_open();
  window_map(1, (word)spare_pages[0] | PAGE_P | PAGE_W | PAGE_U);
  window_map(2, (word)spare_pages[0] | PAGE_P | PAGE_U);
  window_map(3, (word)spare_pages[0] | PAGE_P | PAGE_W);
  window_map(4, (word)spare_pages[0] | PAGE_P | PAGE_W | PAGE_NX);
  window_map(5, (word)spare_pages[0] | PAGE_P | PAGE_W | 1ull << 51);
  window_map(6, (word)spare_pages[1] | PAGE_P | PAGE_W | PAGE_U);
}

static void clear_task_switched_and_emulate(void) { write_cr0(read_cr0() & ~(word)(CR0_TS | CR0_EM)); }

static void frame_case(void) { asm volatile("stc; ud2"); }

/* SDM Vol. 3A 6.14.2: RSP is aligned to 16 before the frame; SS:RSP are pushed even without a privilege change. */
static word frame_address;
static void note_frame(struct frame *frame) {
  frame_address = (word)(frame + 1);
  frame->ip += 2;
}
static void misaligned_breakpoint(void) { asm volatile("sub $9, %%rsp; ud2; add $9, %%rsp" ::: "memory"); }

void kmain(uint32_t info) {
  (void)info;
  share_image_with_user();
  set_up_window();
  boot_gdt[0x58 / 8] = 0x00cf12000000ffff; /* data, not present */
  boot_gdt[0x60 / 8] = 0x00af1a000000ffff; /* 64-bit code, not present */
  set_gate_kind(0x70, 0x0e);
  write_cr0(read_cr0() | CR0_AM);
  for (const struct test_case *one = cases_start; one < cases_end; one++) {
    check_case(one);
    clear_task_switched_and_emulate();
    asm volatile("fninit");
  }
  idt[14 * 2] &= ~(7ull << 32);

  check_equal(attempt(frame_case), 6, "#UD for the frame's check");
  check(trap.cs == 0x08 && trap.ss == 0x10, "saved CS and SS");
  check((trap.flags & 0x10001) == 0x10001, "saved RFLAGS: CF as it was, RF set for a fault");
  install(6, note_frame);
  misaligned_breakpoint();
  install(6, 0);
  check_equal(frame_address & 15, 0, "the frame lies below a 16-byte boundary");
}
