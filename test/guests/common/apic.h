/* Local APIC in xAPIC and x2APIC mode, and the two 8259A. SDM Vol. 3A 11; Intel 8259A data sheet. */
#ifndef APIC_H
#define APIC_H
#include "common/guest.h"

#define APIC_ID 0x20
#define APIC_VERSION 0x30
#define APIC_TPR 0x80
#define APIC_PPR 0xa0
#define APIC_EOI 0xb0
#define APIC_SVR 0xf0
#define APIC_ISR 0x100
#define APIC_IRR 0x200
#define APIC_ESR 0x280
#define APIC_ICR_LOW 0x300
#define APIC_ICR_HIGH 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_INITIAL_COUNT 0x380
#define APIC_CURRENT_COUNT 0x390
#define APIC_DIVIDE 0x3e0
#define LVT_MASKED (1u << 16)
#define LVT_PERIODIC (1u << 17)
#define LVT_TSC_DEADLINE (2u << 17)
#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_X2APIC (1u << 10)
#define MSR_TSC_DEADLINE 0x6e0

static inline uint32_t apic_read(uint32_t offset) { return *(volatile uint32_t *)(word)(0xfee00000u + offset); }
static inline void apic_write(uint32_t offset, uint32_t value) { *(volatile uint32_t *)(word)(0xfee00000u + offset) = value; }
static inline uint32_t x2apic_msr(uint32_t offset) { return 0x800 + offset / 16; }

/* Remaps the PICs to `base` and base + 8 with every line masked. */
static inline void pic_init(uint8_t base) {
  outb(0x20, 0x11);
  outb(0xa0, 0x11);
  outb(0x21, base);
  outb(0xa1, (uint8_t)(base + 8));
  outb(0x21, 4);
  outb(0xa1, 2);
  outb(0x21, 1);
  outb(0xa1, 1);
  outb(0x21, 0xff);
  outb(0xa1, 0xff);
}
/* Counter 0 of the 8254 at 1193182 Hz: mode 0 interrupts once, mode 2 every `count`. */
static inline void pit_start(uint8_t mode, uint16_t count) {
  outb(0x43, (uint8_t)(0x30 | mode << 1));
  outb(0x40, (uint8_t)count);
  outb(0x40, (uint8_t)(count >> 8));
}
static inline uint64_t read_tsc(void) {
  uint32_t low, high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}
#endif
