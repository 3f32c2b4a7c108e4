/* SYSCALL/SYSRET, SYSENTER/SYSEXIT, SWAPGS and FSGSBASE. SDM Vol. 3A 5.8.7, 5.8.8; Vol. 2. */
#include "common/trap.h"
#include "common/window.h"

#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_FMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_SYSENTER_CS 0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176

extern uint64_t note_rcx, note_r11, note_rsp, note_flags, note_cs, note_ss, note_user_cs, note_user_ss, note_user_rsp;
extern uint64_t note_user_flags, return_mode;
extern uint8_t user_after_syscall[], user_stack_top[];
void syscall_target(void);
void sysenter_target(void);
void user_syscall(void);
void user_sysenter(void);
void user_swapgs(void);
void user_wrfsbase(void);
void user_rdgsbase(void);
void sysret_ring3(void);
void bad_wrfsbase(void);
void sysret_noncanonical(void);
void sysexit_null(void);
void sysenter_null(void);
void ring0_syscall(void);

static void check_fault(void (*code)(void), word vector, word error, const char *name) {
  word got = attempt(code);
  check(got == vector && (got > 31 || trap.error == error), name);
  if (got != vector) print("  got vector %x error %x at %x\n", got, trap.error, trap.ip);
}

static void fast_system_call(void) {
  check_fault(ring0_syscall, 6, 0, "#UD: SYSCALL without EFER.SCE");
  write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_SCE);
  write_msr(MSR_STAR, 0x0018000800000000ull);
  write_msr(MSR_LSTAR, (word)syscall_target);
  write_msr(MSR_FMASK, 0x40); /* ZF */
  check_equal(attempt(user_syscall), 0x80, "SYSCALL and SYSRET");
  check_equal(note_rcx, (word)user_after_syscall, "RCX is the address behind SYSCALL");
  check_equal(note_r11, 0x8d7, "R11 is RFLAGS");
  check_equal(note_flags, 0x897, "FMASK clears ZF");
  check(note_cs == 0x08 && note_ss == 0x10, "CS and SS from STAR[47:32]");
  check_equal(note_rsp, (word)user_stack_top, "RSP is the caller's");
  check(note_user_cs == 0x2b && note_user_ss == 0x23, "SYSRET: CS and SS from STAR[63:48], RPL 3");
  check_equal(note_user_flags, 0x8d7, "SYSRET: RFLAGS from R11");
  return_mode = 1;
  check_equal(attempt(user_syscall), 0x80, "SYSRET to compatibility mode");
  check(note_user_cs == 0x1b && note_user_ss == 0x23, "its CS and SS");
  check_fault(sysret_ring3, 13, 0, "#GP: SYSRET in ring 3");
  check_fault(sysret_noncanonical, 13, 0, "#GP: SYSRET with RCX not canonical");
  check_equal(trap.cs & 3, 0, "raised in ring 0");
}

static void system_enter(void) {
  write_msr(MSR_SYSENTER_CS, 0);
  check_fault(sysenter_null, 13, 0, "#GP: SYSENTER with a null CS");
  check_fault(sysexit_null, 13, 0, "#GP: SYSEXIT with a null CS");
  static uint8_t stack[1024] __attribute__((aligned(16)));
  write_msr(MSR_SYSENTER_CS, 0x08);
  write_msr(MSR_SYSENTER_ESP, (word)stack + sizeof stack);
  write_msr(MSR_SYSENTER_EIP, (word)sysenter_target);
  check_equal(attempt(user_sysenter), 0x80, "SYSENTER and SYSEXIT");
  check_equal(note_rsp, (word)stack + sizeof stack, "RSP from the MSR");
  check_equal(note_flags & 0x20200, 0, "IF and VM clear");
  check(note_cs == 0x08 && note_ss == 0x10, "CS and SS from the MSR");
  check(note_user_cs == 0x2b && note_user_ss == 0x33, "64-bit SYSEXIT: CS + 32, SS + 40, RPL 3");
  check_equal(note_user_rsp, (word)user_stack_top, "RSP from RCX");
}

static void bases(void) {
  write_msr(MSR_GS_BASE, 0x1111);
  write_msr(MSR_KERNEL_GS_BASE, 0xffff800000002222);
  asm volatile("swapgs");
  check(read_msr(MSR_GS_BASE) == 0xffff800000002222 && read_msr(MSR_KERNEL_GS_BASE) == 0x1111, "SWAPGS");
  asm volatile("swapgs");
  check_fault(user_swapgs, 13, 0, "#GP: SWAPGS in ring 3");
  if (!(cpuid(7, 0).ebx & 1)) {
    skip("FSGSBASE", "CPUID has none");
    return;
  }
  check_fault(user_rdgsbase, 6, 0, "#UD: RDGSBASE without CR4.FSGSBASE");
  write_cr4(read_cr4() | CR4_FSGSBASE);
  check_equal(attempt(user_wrfsbase), 0x80, "WRFSBASE and WRGSBASE in ring 3");
  check_equal(read_msr(MSR_FS_BASE), 0x123456789ab0, "the MSR holds it");
  check_equal(read_msr(MSR_GS_BASE), 0x99abcde0, "a 32-bit WRGSBASE is zero-extended");
  check_fault(bad_wrfsbase, 13, 0, "#GP: WRFSBASE of an address that is not canonical");
}

void kmain(uint32_t info) {
  (void)info;
  share_image_with_user();
  fast_system_call();
  system_enter();
  bases();
}
