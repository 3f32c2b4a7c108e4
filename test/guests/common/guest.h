/* What every sample guest shares: ports, serial text, numbered checks, control registers.
   A guest ends through isa-debug-exit at port 0xf4: 0x10 = every check held, else the number of the first failed one
   (numbers whose low seven bits are 0 or 0x10 are skipped, so that a host's truncated exit status stays unambiguous).
   The tour ends by ACPI power-off. */
#ifndef GUEST_H
#define GUEST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uintptr_t word; /* a general-purpose register of this guest's width */

void guest_init(void);
void kmain(uint32_t info);

/* Formats: %s string, %d unsigned decimal word, %x hexadecimal word, %X hexadecimal uint64_t, %c character. */
void print(const char *format, ...);
void check(bool holds, const char *name);
void check_equal(uint64_t actual, uint64_t expected, const char *name);
/* A check that this processor cannot run; it keeps its number. */
void skip(const char *name, const char *why);
/* Prints the RESULT line and waits until it is sent; returns PASS or the number of the first failed check. */
uint8_t report(void);
/* The last way out, where the usual one does nothing: Bochs ends at the word "Shutdown" on port 0x8900. */
_Noreturn void shut_down(void);
/* report, then the machine's end through isa-debug-exit. */
_Noreturn void finish(void);

void *memset(void *at, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *left, const void *right, size_t size);

/* Not 0 on QEMU's TCG, whose missing checks would take some cases down. */
extern uint32_t on_tcg;
extern uint32_t boot_magic, boot_info;
extern uint64_t boot_gdt[64];

#define PORT_DEBUG_EXIT 0xf4
#define PASS 0x10

static inline void outb(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline void outw(uint16_t port, uint16_t value) { asm volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
static inline void outl(uint16_t port, uint32_t value) { asm volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }
static inline uint8_t inb(uint16_t port) {
  uint8_t value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
static inline uint32_t inl(uint16_t port) {
  uint32_t value;
  asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

#define CONTROL_REGISTER(name) \
  static inline word read_##name(void) { \
    word value; \
    asm volatile("mov %%" #name ", %0" : "=r"(value)::"memory"); \
    return value; \
  } \
  static inline void write_##name(word value) { asm volatile("mov %0, %%" #name ::"r"(value) : "memory"); }
CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)
CONTROL_REGISTER(dr0)
CONTROL_REGISTER(dr1)
CONTROL_REGISTER(dr2)
CONTROL_REGISTER(dr3)
CONTROL_REGISTER(dr6)
CONTROL_REGISTER(dr7)
#undef CONTROL_REGISTER

static inline uint64_t read_msr(uint32_t index) {
  uint32_t low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
  return (uint64_t)high << 32 | low;
}
static inline void write_msr(uint32_t index, uint64_t value) {
  asm volatile("wrmsr" ::"c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

struct cpuid {
  uint32_t eax, ebx, ecx, edx;
};
static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf) {
  struct cpuid result;
  asm volatile("cpuid" : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx) : "a"(leaf), "c"(subleaf));
  return result;
}

static inline void invlpg(const void *at) { asm volatile("invlpg (%0)" ::"r"(at) : "memory"); }
static inline word read_flags(void) {
  word flags;
  asm volatile("pushf; pop %0" : "=r"(flags));
  return flags;
}

#define CR0_PE (1u << 0)
#define CR0_MP (1u << 1)
#define CR0_EM (1u << 2)
#define CR0_TS (1u << 3)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_AM (1u << 18)
#define CR0_CD (1u << 30)
#define CR0_PG (1u << 31)
#define CR4_VME (1u << 0)
#define CR4_TSD (1u << 2)
#define CR4_DE (1u << 3)
#define CR4_PSE (1u << 4)
#define CR4_PAE (1u << 5)
#define CR4_PGE (1u << 7)
#define CR4_OSFXSR (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP (1u << 11)
#define CR4_VMXE (1u << 13)
#define CR4_FSGSBASE (1u << 16)
#define CR4_PCIDE (1u << 17)
#define CR4_OSXSAVE (1u << 18)
#define CR4_SMEP (1u << 20)
#define CR4_SMAP (1u << 21)
#define MSR_APIC_BASE 0x1b
#define MSR_EFER 0xc0000080
#define EFER_SCE (1u << 0)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)
#define EFER_NXE (1u << 11)

/* Page-table bits (SDM Vol. 3A 4.5). */
#define PAGE_P 1u
#define PAGE_W 2u
#define PAGE_U 4u
#define PAGE_PWT 8u
#define PAGE_PCD 16u
#define PAGE_A 32u
#define PAGE_D 64u
#define PAGE_PS 128u
#define PAGE_G 256u
#define PAGE_NX (1ull << 63)
#endif
