/* VMX as this guest uses it: field encodings (SDM Vol. 3D Appendix B), controls (Vol. 3C 25.6-25.8), exit reasons
   (Appendix C), and the instructions. */
#ifndef VMX_H
#define VMX_H
#include "common/guest.h"

enum {
  VPID = 0x0000,
  IO_BITMAP_A = 0x2000,
  IO_BITMAP_B = 0x2002,
  MSR_BITMAP = 0x2004,
  ENTRY_MSR_LOAD_ADDRESS = 0x200a,
  EPT_POINTER = 0x201a,
  GUEST_PHYSICAL_ADDRESS = 0x2400,
  VMCS_LINK_POINTER = 0x2800,
  GUEST_EFER = 0x2806,
  HOST_EFER = 0x2c02,
  PIN_CONTROLS = 0x4000,
  PRIMARY_CONTROLS = 0x4002,
  EXCEPTION_BITMAP = 0x4004,
  EXIT_CONTROLS = 0x400c,
  ENTRY_CONTROLS = 0x4012,
  ENTRY_MSR_LOAD_COUNT = 0x4014,
  ENTRY_INTERRUPTION = 0x4016,
  ENTRY_ERROR_CODE = 0x4018,
  ENTRY_INSTRUCTION_LENGTH = 0x401a,
  SECONDARY_CONTROLS = 0x401e,
  INSTRUCTION_ERROR = 0x4400,
  EXIT_REASON = 0x4402,
  EXIT_INTERRUPTION = 0x4404,
  EXIT_ERROR_CODE = 0x4406,
  IDT_VECTORING = 0x4408,
  IDT_VECTORING_ERROR = 0x440a,
  EXIT_INSTRUCTION_LENGTH = 0x440c,
  EXIT_INSTRUCTION_INFORMATION = 0x440e,
  GUEST_ES = 0x0800, /* selectors in steps of 2: ES CS SS DS FS GS LDTR TR */
  GUEST_LIMITS = 0x4800,
  GUEST_RIGHTS = 0x4814,
  GUEST_BASES = 0x6806,
  GUEST_GDTR_LIMIT = 0x4810,
  GUEST_IDTR_LIMIT = 0x4812,
  GUEST_INTERRUPTIBILITY = 0x4824,
  GUEST_ACTIVITY = 0x4826,
  PREEMPTION_TIMER = 0x482e,
  HOST_ES = 0x0c00, /* ES CS SS DS FS GS TR */
  CR0_MASK = 0x6000,
  CR4_MASK = 0x6002,
  CR0_SHADOW = 0x6004,
  CR4_SHADOW = 0x6006,
  EXIT_QUALIFICATION = 0x6400,
  GUEST_LINEAR_ADDRESS = 0x640a,
  GUEST_CR0 = 0x6800,
  GUEST_CR3 = 0x6802,
  GUEST_CR4 = 0x6804,
  GUEST_GDTR_BASE = 0x6816,
  GUEST_IDTR_BASE = 0x6818,
  GUEST_DR7 = 0x681a,
  GUEST_RSP = 0x681c,
  GUEST_RIP = 0x681e,
  GUEST_RFLAGS = 0x6820,
  GUEST_PENDING_DEBUG = 0x6822,
  HOST_CR0 = 0x6c00,
  HOST_CR3 = 0x6c02,
  HOST_CR4 = 0x6c04,
  HOST_FS_BASE = 0x6c06,
  HOST_GS_BASE = 0x6c08,
  HOST_TR_BASE = 0x6c0a,
  HOST_GDTR_BASE = 0x6c0c,
  HOST_IDTR_BASE = 0x6c0e,
  HOST_RSP = 0x6c14,
  HOST_RIP = 0x6c16,
};

#define PIN_NMI_EXITING (1u << 3)
#define PIN_VIRTUAL_NMIS (1u << 5)
#define PIN_PREEMPTION_TIMER (1u << 6)
#define PRIMARY_INTERRUPT_WINDOW (1u << 2)
#define PRIMARY_HLT (1u << 7)
#define PRIMARY_INVLPG (1u << 9)
#define PRIMARY_MWAIT (1u << 10)
#define PRIMARY_RDPMC (1u << 11)
#define PRIMARY_RDTSC (1u << 12)
#define PRIMARY_CR3_LOAD (1u << 15)
#define PRIMARY_CR3_STORE (1u << 16)
#define PRIMARY_CR8_LOAD (1u << 19)
#define PRIMARY_CR8_STORE (1u << 20)
#define PRIMARY_NMI_WINDOW (1u << 22)
#define PRIMARY_MOV_DR (1u << 23)
#define PRIMARY_IO (1u << 24)
#define PRIMARY_IO_BITMAPS (1u << 25)
#define PRIMARY_MONITOR_TRAP (1u << 27)
#define PRIMARY_MSR_BITMAPS (1u << 28)
#define PRIMARY_MONITOR (1u << 29)
#define PRIMARY_PAUSE (1u << 30)
#define PRIMARY_SECONDARY (1u << 31)
#define SECONDARY_EPT (1u << 1)
#define SECONDARY_DESCRIPTOR_TABLES (1u << 2)
#define SECONDARY_RDTSCP (1u << 3)
#define SECONDARY_VPID (1u << 5)
#define SECONDARY_WBINVD (1u << 6)
#define SECONDARY_UNRESTRICTED (1u << 7)
#define SECONDARY_RDRAND (1u << 11)
#define SECONDARY_INVPCID (1u << 12)
#define SECONDARY_RDSEED (1u << 16)
#define EXIT_HOST_64 (1u << 9)
#define EXIT_SAVE_EFER (1u << 20)
#define EXIT_LOAD_EFER (1u << 21)
#define ENTRY_GUEST_64 (1u << 9)
#define ENTRY_LOAD_EFER (1u << 15)

/* How a VMX instruction ended (SDM Vol. 3C 31.2). */
enum outcome { SUCCEEDED, FAILED_INVALID, FAILED_VALID };

enum outcome vmxon(uint64_t region);
enum outcome vmclear(uint64_t region);
enum outcome vmptrld(uint64_t region);
enum outcome vmxoff(void);
enum outcome vmread_try(uint64_t field, uint64_t *value);
enum outcome vmwrite_try(uint64_t field, uint64_t value);
enum outcome invept(uint64_t type, uint64_t pointer);
enum outcome invvpid(uint64_t type, uint64_t vpid);
uint64_t vmread(uint64_t field);
void vmwrite(uint64_t field, uint64_t value);

/* The guest's general-purpose registers, in vm_enter's order. */
struct registers {
  uint64_t rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
};
/* Enters by VMLAUNCH (launch) or VMRESUME. SUCCEEDED after a VM exit (a failed entry after its checks included). */
enum outcome vm_enter(struct registers *registers, bool launch);

/* One exit that the guest's code makes, in the order it makes them (records of guest.S). */
struct expected_exit {
  const char *name;
  uint64_t rip, reason, qualification, length, linear, physical, interruption, vectoring;
};
extern uint64_t ept_table[512];
void build_ept(void);
uint64_t ept_pointer(void);
void set_up_vmcs(void);
void check_vmx_failures(uint64_t region);
void check_failed_entries(void);
void run_guest(void);
void hypercall(uint64_t number);
extern uint8_t vmxon_region[4096], vmcs_region[4096], io_bitmaps[2][4096], msr_bitmap[4096];
void guest_code(void);
extern uint8_t guest_stack_top[];
extern uint64_t guest_events[4];
#endif
