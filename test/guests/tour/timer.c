/* The local APIC's timer: MMIO at 0xfee00000, then an interrupt every so often. SDM Vol. 3A 11.5.4. */
#include "common/apic.h"
#include "tour/tour.h"

/* These lie one behind the other in memory, in this order. */
#define IN_A_ROW __attribute__((section(".data"), no_reorder))
IN_A_ROW volatile uint64_t ticks = 0;
IN_A_ROW uint64_t history[HISTORY_SIZE] = {0};
IN_A_ROW uint64_t guard = GUARD_VALUE;

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
   number HISTORY_SIZE writes one further, over guard. In a debugger: a data breakpoint on guard, or "who last wrote
   this address?", stops on this line; so does a breakpoint at the `if` with the condition `ticks == 9`. */
void timer_interrupt(struct frame *frame) {
  uint64_t now = ticks++;
  if (now <= HISTORY_SIZE) history[now] = frame->ip;
  apic_write(APIC_EOI, 0);
}
