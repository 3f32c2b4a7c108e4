/* External interrupts and NMI: 8259A with the 8254, the local APIC's timer and priorities, x2APIC, TSC deadline, the
   shadow of STI, waking from HLT. SDM Vol. 3A 6.7, 6.8, 11.5-11.8, 11.12; Vol. 2B STI. */
#include "common/apic.h"
#include "common/trap.h"

static volatile uint32_t counts[256];
static volatile word order[16];
static volatile uint32_t order_count;
static volatile word last_ip;
static volatile word last_flags;
static void (*end_of_interrupt)(uint8_t vector);

static void count_interrupt(struct frame *frame) {
  uint8_t vector = (uint8_t)frame->vector;
  counts[vector]++;
  last_ip = frame->ip;
  last_flags = frame->flags;
  if (order_count < 16) order[order_count++] = vector;
  end_of_interrupt(vector);
}

static void pic_end(uint8_t vector) {
  if (vector >= 0x28) outb(0xa0, 0x20);
  outb(0x20, 0x20);
}
static void apic_end(uint8_t vector) {
  (void)vector;
  apic_write(APIC_EOI, 0);
}
static void x2apic_end(uint8_t vector) {
  (void)vector;
  write_msr(x2apic_msr(APIC_EOI), 0);
}

/* Halts until `vector` has come `wanted` times; other interrupts may wake it too. */
static void wait_for(uint8_t vector, uint32_t wanted) {
  asm volatile("cli");
  while (counts[vector] < wanted) asm volatile("sti; hlt; cli" ::: "memory");
}

static uint8_t pic_command_read(uint8_t ocw3) {
  outb(0x20, ocw3);
  return inb(0x20);
}

static void pic_and_pit(void) {
  end_of_interrupt = pic_end;
  pic_init(0x20);
  install(0x20, count_interrupt);
  pit_start(0, 1000);
  outb(0x21, 0xfe);
  wait_for(0x20, 1);
  check_equal(counts[0x20], 1, "PIT mode 0 interrupts once through the PIC");
  check((last_flags & 0x200) != 0, "the saved RFLAGS have IF set");
  pit_start(2, 1193);
  wait_for(0x20, 4);
  check_equal(counts[0x20], 4, "PIT mode 2 interrupts again and again");
  outb(0x21, 0xff);
  pit_start(0, 100);
  while (!(pic_command_read(0x0a) & 1)) asm volatile("pause");
  check_equal(pic_command_read(0x0a) & 1, 1, "a masked line waits in the PIC's IRR");
  check_equal(pic_command_read(0x0b) & 1, 0, "and not in its ISR");
  uint32_t before = counts[0x20];
  asm volatile("sti; nop; nop; cli");
  check_equal(counts[0x20], before, "a masked line does not interrupt");
  outb(0x21, 0xfe);
  asm volatile("sti; nop; cli" ::: "memory");
  check_equal(counts[0x20], before + 1, "unmasking delivers it");
  outb(0x21, 0xff);
}

extern uint8_t after_sti_two[];

/* A pending self-IPI stands in for "an interrupt is waiting": it is exact on every machine. */
static void send_self(uint8_t vector) {
  apic_write(APIC_ICR_HIGH, apic_read(APIC_ID));
  apic_write(APIC_ICR_LOW, 0x4000 | vector);
  while (apic_read(APIC_ICR_LOW) & 1u << 12) asm volatile("pause");
}

static void sti_shadow(void) {
  install(0x60, count_interrupt);
  send_self(0x60);
  check_equal(apic_read(APIC_IRR + 0x30) & 1, 1, "a self-IPI waits in the IRR while IF is 0");
  asm volatile("sti; nop; after_sti_two: nop; cli" ::: "memory");
  check_equal(last_ip, (word)after_sti_two, "STI holds interrupts off for one instruction");
  uint32_t before = counts[0x60];
  send_self(0x60);
  asm volatile("sti; cli" ::: "memory");
  check_equal(counts[0x60], before, "STI; CLI lets nothing in");
  asm volatile("sti; mov %%ss, %%eax; mov %%eax, %%ss; nop; cli" ::: "rax", "memory");
  check_equal(counts[0x60], before + 1, "it comes once interrupts are on");
  before = counts[0x60];
  send_self(0x60);
  asm volatile("pushf; orl $0x200, (%%rsp); popf; after_popf: nop; cli" ::: "memory");
  extern uint8_t after_popf[];
  check(counts[0x60] == before + 1 && last_ip == (word)after_popf, "POPF that sets IF has no shadow");
  send_self(0x60);
  extern uint8_t after_hlt[];
  asm volatile("sti; hlt; after_hlt: cli" ::: "memory");
  check_equal(last_ip, (word)after_hlt, "an interrupt that waits wakes the HLT behind STI");
}

static void priorities(void) {
  install(0x41, count_interrupt);
  install(0x52, count_interrupt);
  install(0x73, count_interrupt);
  order_count = 0;
  send_self(0x41);
  send_self(0x73);
  send_self(0x52);
  asm volatile("sti; nop; cli" ::: "memory");
  asm volatile("sti; nop; cli" ::: "memory");
  asm volatile("sti; nop; cli" ::: "memory");
  check(order_count == 3 && order[0] == 0x73 && order[1] == 0x52 && order[2] == 0x41, "the highest vector comes first");
  asm volatile("mov %0, %%cr8" ::"r"(5ul));
  check_equal(apic_read(APIC_TPR), 0x50, "CR8 is TPR bits 7:4");
  check_equal(apic_read(APIC_PPR), 0x50, "PPR follows TPR when nothing is in service");
  order_count = 0;
  send_self(0x52);
  send_self(0x73);
  asm volatile("sti; nop; nop; nop; cli" ::: "memory");
  check(order_count == 1 && order[0] == 0x73, "TPR 5 holds back class 5 and lets class 7 through");
  asm volatile("sti; mov %0, %%cr8; nop; nop; cli" ::"r"(0ul) : "memory");
  check(order_count == 2 && order[1] == 0x52, "lowering CR8 lets it through");
  send_self(0x73);
  send_self(0x73);
  uint32_t before = counts[0x73];
  asm volatile("sti; nop; nop; nop; cli" ::: "memory");
  check_equal(counts[0x73], before + 1, "a vector waits once, however often it is sent");
}

static void apic_timer(void) {
  install(0x50, count_interrupt);
  apic_write(APIC_DIVIDE, 0xb);
  apic_write(APIC_LVT_TIMER, 0x50);
  apic_write(APIC_INITIAL_COUNT, 100000);
  uint32_t first = apic_read(APIC_CURRENT_COUNT);
  for (int i = 0; i < 100; i++) asm volatile("pause");
  uint32_t second = apic_read(APIC_CURRENT_COUNT);
  check(first <= 100000 && second < first, "the APIC timer counts down");
  wait_for(0x50, 1);
  check_equal(apic_read(APIC_CURRENT_COUNT), 0, "a one-shot timer stays at 0");
  check_equal(counts[0x50], 1, "and interrupts once");
  apic_write(APIC_LVT_TIMER, 0x50 | LVT_PERIODIC);
  apic_write(APIC_INITIAL_COUNT, 100000);
  wait_for(0x50, 4);
  check_equal(counts[0x50], 4, "a periodic timer goes on");
  apic_write(APIC_LVT_TIMER, 0x50 | LVT_MASKED);
  apic_write(APIC_INITIAL_COUNT, 0);
  check_equal(apic_read(APIC_CURRENT_COUNT), 0, "initial count 0 stops the timer");
}

static volatile uint32_t nmi_count, nmi_depth, nmi_nested;
static void send_nmi(void) {
  apic_write(APIC_ICR_HIGH, apic_read(APIC_ID));
  apic_write(APIC_ICR_LOW, 0x4400);
}
static void nmi_handler(struct frame *frame) {
  (void)frame;
  nmi_count++;
  if (nmi_depth++ > 0) nmi_nested++;
  if (nmi_count == 2) {
    send_nmi();
    send_nmi();
    for (int i = 0; i < 100; i++) asm volatile("pause");
  }
  nmi_depth--;
}

static void nmi(void) {
  install(2, nmi_handler);
  send_nmi();
  for (int i = 0; i < 100; i++) asm volatile("pause");
  check_equal(nmi_count, 1, "an NMI comes with IF 0");
  send_nmi();
  for (int i = 0; i < 100; i++) asm volatile("pause");
  check_equal(nmi_nested, 0, "an NMI is blocked inside an NMI's handler");
  check_equal(nmi_count, 3, "IRET unblocks it; of two, one was held");
}

static void x2apic(void) {
  if (!(cpuid(1, 0).ecx >> 21 & 1)) {
    skip("x2APIC", "CPUID has none");
    return;
  }
  uint32_t id = apic_read(APIC_ID) >> 24;
  write_msr(MSR_APIC_BASE, read_msr(MSR_APIC_BASE) | APIC_BASE_X2APIC);
  end_of_interrupt = x2apic_end;
  check_equal(read_msr(x2apic_msr(APIC_ID)), id, "x2APIC ID is the whole register");
  write_msr(x2apic_msr(APIC_SVR), 0x1ff);
  uint32_t before = counts[0x60];
  write_msr(0x83f, 0x60);
  asm volatile("sti; nop; nop; cli" ::: "memory");
  check_equal(counts[0x60], before + 1, "SELF IPI register");
  write_msr(0x830, (uint64_t)id << 32 | 0x60);
  asm volatile("sti; nop; nop; cli" ::: "memory");
  check_equal(counts[0x60], before + 2, "one 64-bit ICR");
  if (cpuid(1, 0).ecx >> 24 & 1) {
    install(0x51, count_interrupt);
    write_msr(x2apic_msr(APIC_LVT_TIMER), 0x51 | LVT_TSC_DEADLINE);
    asm volatile("mfence");
    write_msr(MSR_TSC_DEADLINE, read_tsc() + 200000);
    check(read_msr(MSR_TSC_DEADLINE) != 0, "an armed deadline reads back");
    wait_for(0x51, 1);
    check_equal(read_msr(MSR_TSC_DEADLINE), 0, "the deadline disarms itself");
    write_msr(MSR_TSC_DEADLINE, 1);
    asm volatile("sti; nop; nop; nop; cli" ::: "memory");
    check_equal(counts[0x51], 2, "a deadline in the past fires at once");
  } else {
    skip("TSC deadline", "CPUID has none");
  }
}

static void read_apic_dfr(void) { read_msr(0x80e); }
static void write_apic_id(void) { write_msr(0x802, 0); }
static void write_eoi_one(void) { write_msr(0x80b, 1); }
static void back_to_xapic(void) { write_msr(MSR_APIC_BASE, read_msr(MSR_APIC_BASE) & ~(uint64_t)APIC_BASE_X2APIC); }

static void x2apic_faults(void) {
  if (!(cpuid(1, 0).ecx >> 21 & 1)) return;
  check_equal(attempt(read_apic_dfr), 13, "#GP: DFR does not exist in x2APIC mode");
  check_equal(attempt(write_apic_id), 13, "#GP: the x2APIC ID is read-only");
  check_equal(attempt(write_eoi_one), 13, "#GP: EOI takes 0 alone");
  check_equal(attempt(back_to_xapic), 13, "#GP: from x2APIC straight to xAPIC mode");
}

void kmain(uint32_t info) {
  (void)info;
  asm volatile("cli");
  apic_write(APIC_SVR, 0x1ff);
  apic_write(APIC_LVT_LINT0, 0x700); /* ExtINT: the PICs */
  apic_write(APIC_LVT_LINT1, 0x400); /* NMI */
  apic_write(APIC_TPR, 0);
  pic_and_pit();
  end_of_interrupt = apic_end;
  sti_shadow();
  priorities();
  apic_timer();
  nmi();
  x2apic();
  x2apic_faults();
}
