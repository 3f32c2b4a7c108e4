/* 64-bit mode and 4-level paging: every level's A and D bits, page sizes, NX, WP, user and supervisor, global pages,
   then what differs from 32-bit mode, and compatibility mode. SDM Vol. 3A 4.5-4.10, Vol. 1 3.3-3.4. */
#include "common/trap.h"
#include "common/window.h"

#define TWO_MIB 0x200000ull
#define WINDOW_2M 0x50000000ull
#define WINDOW_1G 0x8000000000ull /* PML4 entry 1 */

static uint64_t gigabyte_pdpt[512] __attribute__((aligned(4096)));
static volatile uint8_t *target;

static void read_target(void) { (void)*target; }
static void write_target(void) { *target = 0x5a; }
static void call_target(void) { ((void (*)(void))(word)target)(); }

static void check_fault(void (*code)(void), word vector, word error, const char *name) {
  word got = attempt(code);
  bool holds = got == vector && (vector == NO_TRAP || (trap.error == error && trap.cr2 == (word)target));
  check(holds, name);
  if (!holds) print("  got vector %x error %x cr2 %x\n", got, trap.error, trap.cr2);
}

static void accessed_and_dirty(void) {
  uint64_t base = (word)spare_pages[0] | PAGE_P | PAGE_W;
  target = window_map(0, base);
  boot_pml4[0] &= ~(uint64_t)PAGE_A;
  boot_pdpt[1] &= ~(uint64_t)PAGE_A;
  boot_pd[512] &= ~(uint64_t)PAGE_A;
  write_cr3(read_cr3());
  (void)*target;
  check_equal(window_table[0] & (PAGE_A | PAGE_D), PAGE_A, "a read sets A in the PTE, not D");
  check_equal(boot_pd[512] & (PAGE_A | PAGE_D), PAGE_A, "the walk sets A in the PDE, never D above a leaf");
  check((boot_pml4[0] & PAGE_A) && (boot_pdpt[1] & PAGE_A), "the walk sets A in PML4E and PDPTE");
  *target = 1;
  check_equal(window_table[0], base | PAGE_A | PAGE_D, "a write through a translation read before sets D");
  window_map(0, base);
  check_equal(attempt(write_target), NO_TRAP, "a write to a fresh translation");
  check_equal(window_table[0], base | PAGE_A | PAGE_D, "a write sets A and D at once");
  window_map(0, ((word)spare_pages[0] | PAGE_P) & ~(uint64_t)PAGE_W);
  check_fault(write_target, 14, 3, "a write to a read-only page faults");
  check_equal(window_table[0] & PAGE_D, 0, "a write that faults does not set D");
}

static void large_pages(void) {
  uint64_t *pde = &boot_pd[WINDOW_2M >> 21];
  uint64_t image = TWO_MIB | PAGE_P | PAGE_W | PAGE_PS; /* physical 2 MiB: free memory behind the image */
  *pde = image;
  write_cr3(read_cr3());
  target = (volatile uint8_t *)(WINDOW_2M + 0x1ff123);
  *target = 0x77;
  check_equal(*(volatile uint8_t *)(TWO_MIB + 0x1ff123), 0x77, "a 2-MiB page maps its last bytes");
  check_equal(*pde, image | PAGE_A | PAGE_D, "a write to a 2-MiB page sets A and D in the PDE");
  *pde = image | 1u << 13;
  write_cr3(read_cr3());
  check_fault(read_target, 14, 9, "bit 13 of a 2-MiB PDE is reserved");
  *pde = image & ~(uint64_t)PAGE_W;
  write_cr3(read_cr3());
  check_fault(write_target, 14, 3, "a read-only 2-MiB page");
  *pde = 0;
  write_cr3(read_cr3());
  check_fault(read_target, 14, 0, "a PDE that is not present");

  boot_pml4[1] = (word)gigabyte_pdpt | PAGE_P | PAGE_W;
  gigabyte_pdpt[0] = 0 | PAGE_P | PAGE_W | PAGE_PS;
  target = (volatile uint8_t *)(WINDOW_1G + (word)spare_pages[1]);
  bool gigabyte_pages = cpuid(0x80000001, 0).edx >> 26 & 1;
  if (gigabyte_pages) {
    spare_pages[1][0] = 0x31;
    check_equal(*target, 0x31, "1-GiB page, as CPUID announces");
    check_equal(gigabyte_pdpt[0] & (PAGE_A | PAGE_D), PAGE_A, "a read sets A in the PDPTE");
  } else {
    check_fault(read_target, 14, 9, "PS in a PDPTE is reserved where CPUID has no 1-GiB pages");
    check_equal(gigabyte_pdpt[0] & (PAGE_A | PAGE_D), 0, "a reserved bit leaves A clear");
  }
  boot_pml4[1] |= PAGE_PS;
  write_cr3(read_cr3());
  check_fault(read_target, 14, 9, "PS in a PML4E is reserved");
  boot_pml4[1] = 0;
  write_cr3(read_cr3());
}

static void permissions(void) {
  uint64_t page = (word)spare_pages[0];
  spare_pages[0][0] = 0xc3; /* RET */
  target = window_map(0, page | PAGE_P | PAGE_W);
  check_fault(call_target, NO_TRAP, 0, "a call into an executable page");
  target = window_map(0, page | PAGE_P | PAGE_W | PAGE_NX);
  check_fault(call_target, 14, 0x11, "NX in the PTE");
  target = window_map(0, page | PAGE_P | PAGE_W);
  boot_pd[512] |= PAGE_NX;
  write_cr3(read_cr3());
  check_fault(call_target, 14, 0x11, "NX in the PDE");
  check_fault(read_target, NO_TRAP, 0, "NX does not bar reading");
  boot_pd[512] &= ~PAGE_NX;
  write_msr(MSR_EFER, read_msr(MSR_EFER) & ~(uint64_t)EFER_NXE);
  target = window_map(0, page | PAGE_P | PAGE_W | PAGE_NX);
  check_fault(read_target, 14, 9, "bit 63 is reserved without EFER.NXE");
  target = window_map(0, 0);
  check_fault(call_target, 14, 0, "without NXE and SMEP a fetch fault has I/D clear");
  write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_NXE);

  target = window_map(0, page | PAGE_P);
  write_cr0(read_cr0() & ~(word)CR0_WP);
  check_fault(write_target, NO_TRAP, 0, "without CR0.WP a supervisor writes to read-only pages");
  check_equal(window_table[0] & PAGE_D, PAGE_D, "that write sets D");
  write_cr0(read_cr0() | CR0_WP);
  check_fault(write_target, 14, 3, "setting CR0.WP takes effect at once");
  target = window_map(0, page | PAGE_P | PAGE_W);
  boot_pd[512] &= ~(uint64_t)PAGE_W;
  write_cr3(read_cr3());
  check_fault(write_target, 14, 3, "W is the AND of all levels");
  boot_pd[512] |= PAGE_W;
  write_cr3(read_cr3());
}

/* Only what every processor promises: INVLPG, MOV to CR3 and CR4.PGE drop what they must (SDM Vol. 3A 4.10.4). */
static void translations_dropped(void) {
  spare_pages[0][0] = 1;
  spare_pages[1][0] = 2;
  target = window_map(0, (word)spare_pages[0] | PAGE_P | PAGE_W);
  check_equal(*target, 1, "first mapping");
  window_table[0] = (word)spare_pages[1] | PAGE_P | PAGE_W;
  invlpg((void *)target);
  check_equal(*target, 2, "INVLPG drops a translation");
  window_table[0] = (word)spare_pages[0] | PAGE_P | PAGE_W;
  write_cr3(read_cr3());
  check_equal(*target, 1, "MOV to CR3 drops a translation");
  write_cr4(read_cr4() | CR4_PGE);
  window_map(0, (word)spare_pages[0] | PAGE_P | PAGE_W | PAGE_G);
  (void)*target;
  window_table[0] = (word)spare_pages[1] | PAGE_P | PAGE_W | PAGE_G;
  invlpg((void *)target);
  check_equal(*target, 2, "INVLPG drops a global translation");
  window_table[0] = (word)spare_pages[0] | PAGE_P | PAGE_W | PAGE_G;
  write_cr4(read_cr4() ^ CR4_PGE);
  check_equal(*target, 1, "a change of CR4.PGE drops global translations");
  window_table[0] = 0;
  invlpg((void *)target);
  check_fault(read_target, 14, 0, "an entry made not present");
}

static void sixty_four_bit_instructions(void) {
  word value = 0;
  asm("movq $-1, %0; movl %k0, %k0" : "=r"(value));
  check_equal(value, 0xffffffff, "a 32-bit write clears bits 63:32");
  asm("movq $-1, %0; movw $0, %w0" : "=r"(value));
  check_equal(value, 0xffffffffffff0000, "a 16-bit write leaves bits 63:16");
  asm("movq $0, %%rbx; movb $0x12, %%bh; movb $0x34, %%sil; movzbl %%sil, %%ecx; leaq (%%rbx, %%rcx), %0"
      : "=r"(value)::"rbx", "rcx", "rsi");
  check_equal(value, 0x1234, "BH without REX, SIL with REX");
  asm("movl $0x80000000, %%eax; movslq %%eax, %0" : "=r"(value)::"rax");
  check_equal(value, 0xffffffff80000000, "MOVSXD");
  asm("movl $0x80000000, %%eax; cltq; movq %%rax, %0" : "=r"(value)::"rax");
  check_equal(value, 0xffffffff80000000, "CDQE");
  asm("movabsq $0x8000000000000000, %%rax; cqto; movq %%rdx, %0" : "=r"(value)::"rax", "rdx");
  check_equal(value, ~0ull, "CQO");
  asm("movl $65, %%ecx; movl $1, %%eax; shlq %%cl, %%rax; movq %%rax, %0" : "=r"(value)::"rax", "rcx", "cc");
  check_equal(value, 2, "a 64-bit shift masks its count to 6 bits");
  word high = 0;
  asm("mulq %3" : "=a"(value), "=d"(high) : "a"(0xfedcba9876543210), "r"(0x123456789abcdef0ul) : "cc");
  check(high == 0x121fa00ad77d7422 && value == 0x236d88fe5618cf00, "MUL of 64 by 64 bits");
  asm("divq %4" : "=a"(value), "=d"(high) : "a"(0x236d88fe5618cf07), "d"(0x121fa00ad77d7422), "r"(0x123456789abcdef0ul) : "cc");
  check(value == 0xfedcba9876543210 && high == 7, "DIV of 128 by 64 bits");
  asm volatile("pushw $0x1234; movq %%rsp, %%rax; addq $2, %%rsp; subq %%rsp, %%rax; movq %%rax, %0" : "=r"(value)::"rax", "cc", "memory");
  check_equal(value, (word)-2, "PUSH imm16 with 66 moves RSP by 2");
  asm volatile("movq %%rsp, %%rax; pushq $-5; popq %0" : "=r"(value)::"rax", "memory");
  check_equal(value, (word)-5, "PUSH imm8 is sign-extended to 64 bits");
  asm("leal -1(%%rip), %k0; jmp 1f; 1:" : "=r"(value));
  check((value >> 32) == 0 && value != 0, "LEA with RIP, 32-bit operand");
  static uint64_t pair[2] __attribute__((aligned(16))) = {1, 2};
  bool equal;
  asm volatile("cmpxchg16b %1" : "=@ccz"(equal), "+m"(pair) : "a"(1ul), "d"(2ul), "b"(3ul), "c"(4ul) : "memory");
  check(equal && pair[0] == 3 && pair[1] == 4, "CMPXCHG16B stores when equal");
  uint64_t low = 9, top = 9;
  asm volatile("cmpxchg16b %1" : "=@ccz"(equal), "+m"(pair), "+a"(low), "+d"(top) : "b"(5ul), "c"(6ul) : "memory");
  check(!equal && pair[0] == 3 && low == 3 && top == 4, "CMPXCHG16B loads when unequal");
  asm volatile("movl $0xffffffff, %%eax; movl (%%eax, %%edx), %k0" : "=r"(value) : "d"((word)pair + 1) : "rax");
  check_equal((uint32_t)value, 3, "a 32-bit effective address wraps at 4 GiB");
  write_msr(0xc0000100, (word)pair);
  asm volatile("movq %%fs:8, %0" : "=r"(value));
  check_equal(value, 4, "FS base from IA32_FS_BASE");
  write_msr(0xc0000101, (word)pair - 0x100);
  asm volatile("movq %%gs:0x100, %0" : "=r"(value));
  check_equal(value, 3, "GS base from IA32_GS_BASE");
  asm volatile("movl $0x10, %%eax; movl %%eax, %%fs" ::: "rax");
  check_equal(read_msr(0xc0000100), 0, "MOV to FS loads the descriptor's 32-bit base");
  asm volatile("movq %1, %%cr8; movq %%cr8, %0; movq %2, %%cr8" : "=&r"(value) : "r"(5ul), "r"(0ul));
  check_equal(value, 5, "CR8");
  bool valid;
  uint32_t answer = 0;
  asm volatile("lar %2, %1" : "=@ccz"(valid), "+r"(answer) : "r"(0x08));
  check(valid && (answer & 0xf0ff00) == 0xa09b00, "LAR of the 64-bit code segment (accessed by now)");
  asm volatile("lsl %2, %1" : "=@ccz"(valid), "+r"(answer) : "r"(0x10));
  check(valid && answer == 0xffffffff, "LSL expands a page-granular limit");
  asm volatile("verw %w1" : "=@ccz"(valid) : "r"(0x08));
  check(!valid, "VERW of a code segment clears ZF");
}

extern uint32_t compatibility_results[8];
void compatibility_mode(void);
void compatibility_fault(void);
extern uint8_t compatibility16[];

static void compatibility(void) {
  compatibility_mode();
  check_equal(compatibility_results[0], 0x80000000, "compatibility mode: 40 is INC EAX, not a REX prefix");
  check_equal(compatibility_results[1], 4, "compatibility mode: PUSH moves ESP by 4");
  check_equal(compatibility_results[2], 0x11223344, "compatibility mode: DS base is used");
  check_equal(compatibility_results[3], 0x0000ffff, "16-bit code segment: INC AX leaves the upper half");
  check_equal(compatibility_results[4], 0x48, "compatibility mode: CS selector");
  check_equal(compatibility_results[5], 0x55667788, "compatibility mode: high halves of registers kept by the round trip");
  check_equal(attempt(compatibility_fault), 6, "an exception in compatibility mode comes through a 64-bit gate");
  check(trap.cs == 0x48 && trap.ip < 0x100000000, "its saved CS is the 32-bit segment");
}

void kmain(uint32_t info) {
  (void)info;
  check((read_msr(MSR_EFER) & (EFER_LME | EFER_LMA)) == (EFER_LME | EFER_LMA), "EFER.LMA follows LME and PG");
  window_open();
  accessed_and_dirty();
  large_pages();
  permissions();
  translations_dropped();
  sixty_four_bit_instructions();
  boot_gdt[0x58 / 8] = 0x00cf92100000ffff; /* data, base 0x100000 */
  uint64_t base = (word)compatibility16;
  boot_gdt[0x60 / 8] = 0x00009a000000ffff | (base & 0xffffff) << 16; /* 16-bit code at compatibility16 */
  compatibility();
}
