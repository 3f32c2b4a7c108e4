/* The local APIC's timer: MMIO at 0xfee00000, then an interrupt every so often. SDM Vol. 3A 11.5.4. */
#include "common/apic.h"
#include "tour/tour.h"

void start_timer(void) {
  install(TIMER_VECTOR, timer_interrupt);
  apic_write(APIC_SVR, 0x1ff); /* enable the APIC; spurious interrupts at vector 0xff */
  apic_write(APIC_DIVIDE, 0xb);
  apic_write(APIC_LVT_TIMER, TIMER_VECTOR | LVT_PERIODIC);
  apic_write(APIC_INITIAL_COUNT, 1000000);
}

void stop_timer(void) {
  apic_write(APIC_LVT_TIMER, TIMER_VECTOR | LVT_MASKED);
  apic_write(APIC_INITIAL_COUNT, 0);
}

/* THE SEEDED BUG lives here: `<=` should be `<`. history has HISTORY_SIZE entries, 0 to HISTORY_SIZE - 1; interrupt
   number HISTORY_SIZE writes one further, over clock.guard. In a debugger: a data breakpoint on clock.guard, or "who
   last wrote this address?", stops on this line. */
void timer_interrupt(struct frame *frame) {
  uint64_t now = clock.ticks++;
  uint64_t *slot = clock.history + now;
  if (now <= HISTORY_SIZE) *slot = frame->ip;
  apic_write(APIC_EOI, 0);
}
