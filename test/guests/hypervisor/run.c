/* Runs the guest of guest.S exit by exit against its list. */
#include "common/trap.h"
#include "hypervisor/vmx.h"

static const struct expected_exit *const exits_start = (const void *)cases_start;
static const struct expected_exit *const exits_end = (const void *)cases_end;
static struct registers guest;
static bool finished;

enum {
  EXCEPTION_OR_NMI = 0,
  TRIPLE_FAULT = 2,
  INTERRUPT_WINDOW = 7,
  NMI_WINDOW = 8,
  INVLPG = 14,
  VMCALL = 18,
  VMCLEAR = 19,
  VMPTRLD = 21,
  VMPTRST = 22,
  VMREAD = 23,
  VMWRITE = 25,
  VMXON = 27,
  CR_ACCESS = 28,
  DR_ACCESS = 29,
  IO = 30,
  MWAIT = 36,
  MONITOR_TRAP = 37,
  GDTR_IDTR = 46,
  LDTR_TR = 47,
  EPT_VIOLATION = 48,
  EPT_MISCONFIGURATION = 49,
  INVEPT = 50,
  PREEMPTION_TIMER_EXPIRED = 52,
  INVVPID = 53,
  RDRAND = 57,
  INVPCID = 58,
  RDSEED = 61,
};

static bool has_qualification(uint64_t reason) {
  return reason == INVLPG || (reason >= VMCLEAR && reason <= IO) || reason == MWAIT || reason == GDTR_IDTR ||
         reason == LDTR_TR || reason == EPT_VIOLATION || reason == INVEPT || reason == INVVPID || reason == INVPCID;
}
static bool has_information(uint64_t reason) {
  return reason == GDTR_IDTR || reason == LDTR_TR || reason == INVEPT || reason == INVVPID || reason == INVPCID ||
         reason == RDRAND || reason == RDSEED || reason == VMCLEAR || reason == VMPTRLD || reason == VMPTRST || reason == VMREAD ||
         reason == VMWRITE || reason == VMXON;
}

/* Bits 8:0 are defined on every processor; 12 (NMI unblocking) stays 0 here; 11:9 are optional. */
static uint64_t qualification_of(uint64_t reason) {
  uint64_t value = vmread(EXIT_QUALIFICATION);
  return reason == EPT_VIOLATION ? value & 0x1ff : value;
}

static void print_exit(const struct expected_exit *one, uint64_t number) {
  uint64_t reason = vmread(EXIT_REASON);
  uint64_t interruption = vmread(EXIT_INTERRUPTION);
  uint64_t vectoring = vmread(IDT_VECTORING);
  print("exit %d reason %d rip +%x", number, reason, vmread(GUEST_RIP) - (word)guest_code);
  if (has_qualification(reason)) print(" qualification %x", qualification_of(reason));
  if (reason == EXCEPTION_OR_NMI) {
    uint64_t vector = interruption & 0xff;
    print(" interruption %x", interruption);
    if (interruption >> 11 & 1) print(" error %x", vmread(EXIT_ERROR_CODE));
    if (vector == 14 || vector == 1) print(" qualification %x", vmread(EXIT_QUALIFICATION));
  }
  if (one->length != 0) print(" length %d", vmread(EXIT_INSTRUCTION_LENGTH));
  if (one->linear != 0) print(" linear %x", vmread(GUEST_LINEAR_ADDRESS));
  if (reason == EPT_VIOLATION || reason == EPT_MISCONFIGURATION) print(" physical %x", vmread(GUEST_PHYSICAL_ADDRESS));
  if (has_information(reason)) print(" information %x", vmread(EXIT_INSTRUCTION_INFORMATION));
  if (vectoring >> 31) print(" vectoring %x", vectoring);
  print("\n");
}

static bool matches(const struct expected_exit *one) {
  uint64_t reason = vmread(EXIT_REASON);
  bool paging = reason == EPT_VIOLATION || reason == EPT_MISCONFIGURATION;
  uint64_t vector = vmread(EXIT_INTERRUPTION) & 0xff;
  bool qualified = has_qualification(reason) || (reason == EXCEPTION_OR_NMI && (vector == 14 || vector == 1));
  return reason == one->reason && vmread(GUEST_RIP) == one->rip &&
         (!qualified || qualification_of(reason) == one->qualification) &&
         (one->length == 0 || vmread(EXIT_INSTRUCTION_LENGTH) == one->length) &&
         (one->linear == 0 || vmread(GUEST_LINEAR_ADDRESS) == one->linear) &&
         (!paging || vmread(GUEST_PHYSICAL_ADDRESS) == one->physical) &&
         (reason != EXCEPTION_OR_NMI || vmread(EXIT_INTERRUPTION) == one->interruption) &&
         (one->vectoring == 0 ? !(vmread(IDT_VECTORING) >> 31) : vmread(IDT_VECTORING) == one->vectoring);
}

static bool next_is_unsupported;

/* A control that its capability MSR does not allow stays 0, and the exit that it would have made is skipped. */
static void flip(uint64_t field, uint32_t capability, uint32_t bits) {
  uint32_t shift = read_msr(0x480) >> 55 & 1 ? 0xc : 0;
  if (bits & ~(uint32_t)(read_msr(capability + shift) >> 32)) next_is_unsupported = true;
  else vmwrite(field, vmread(field) ^ bits);
}
static void flip_primary(uint32_t bits) { flip(PRIMARY_CONTROLS, 0x482, bits); }
static void flip_pin(uint32_t bits) { flip(PIN_CONTROLS, 0x481, bits); }

/* What the guest asks for with VMCALL, number in RAX. */
void hypercall(uint64_t number) {
  if (number == 1) flip_primary(PRIMARY_MONITOR_TRAP);
  if (number == 2) {
    flip_pin(PIN_PREEMPTION_TIMER);
    vmwrite(PREEMPTION_TIMER, 0);
  }
  if (number == 3) flip_primary(PRIMARY_INTERRUPT_WINDOW);
  if (number == 4) flip_primary(PRIMARY_NMI_WINDOW);
  if (number == 5) {
    vmwrite(ENTRY_INTERRUPTION, 0x80000b0d); /* #GP, a hardware exception with an error code */
    vmwrite(ENTRY_ERROR_CODE, 0x1230);
  }
  if (number == 6) flip_primary(PRIMARY_IO | PRIMARY_IO_BITMAPS | PRIMARY_MSR_BITMAPS);
  if (number == 7) vmwrite(EXCEPTION_BITMAP, 0);
  if (number == 8) vmwrite(GUEST_IDTR_LIMIT, 0);
}

static void map_page(void) {
  uint64_t page = vmread(GUEST_PHYSICAL_ADDRESS) >> 12;
  ept_table[page & 511] = page << 12 | 6 << 3 | 7;
  invept(1, ept_pointer());
}

static void reinject(void) {
  uint64_t vectoring = vmread(IDT_VECTORING);
  if (!(vectoring >> 31)) return;
  vmwrite(ENTRY_INTERRUPTION, vectoring);
  vmwrite(ENTRY_INSTRUCTION_LENGTH, vmread(EXIT_INSTRUCTION_LENGTH));
}

static void handle(void) {
  uint64_t reason = vmread(EXIT_REASON);
  if (reason == EPT_VIOLATION || reason == EPT_MISCONFIGURATION) {
    map_page();
    reinject();
  } else if (reason == TRIPLE_FAULT) {
    finished = true;
  } else if (reason == MONITOR_TRAP) {
    flip_primary(PRIMARY_MONITOR_TRAP);
  } else if (reason == PREEMPTION_TIMER_EXPIRED) {
    flip_pin(PIN_PREEMPTION_TIMER);
  } else if (reason == INTERRUPT_WINDOW) {
    flip_primary(PRIMARY_INTERRUPT_WINDOW);
    vmwrite(ENTRY_INTERRUPTION, 0x80000090); /* external interrupt, vector 0x90 */
  } else if (reason == NMI_WINDOW) {
    flip_primary(PRIMARY_NMI_WINDOW);
  } else {
    if (reason == VMCALL) hypercall(guest.rax);
    if (reason == 10) {
      guest.rax = 0x11;
      guest.rbx = 0x22;
    }
    bool fault = reason == EXCEPTION_OR_NMI && (vmread(EXIT_INTERRUPTION) >> 8 & 7) == 3;
    bool trap = fault && (vmread(EXIT_INTERRUPTION) & 0xff) == 1;
    if (trap) vmwrite(GUEST_RFLAGS, vmread(GUEST_RFLAGS) & ~0x100ull);
    else if (fault) vmwrite(GUEST_RIP, guest.rsi); /* a faulting guest keeps its way on in RSI */
    else vmwrite(GUEST_RIP, vmread(GUEST_RIP) + vmread(EXIT_INSTRUCTION_LENGTH));
    vmwrite(GUEST_INTERRUPTIBILITY, vmread(GUEST_INTERRUPTIBILITY) & ~3ull);
  }
}

static void note_interrupt(struct frame *frame) {
  (void)frame;
  guest_events[0]++;
}
static void note_error_code(struct frame *frame) { guest_events[1] = frame->error; }
static void note_software_interrupt(struct frame *frame) {
  (void)frame;
  guest_events[2]++;
}

/* The guest shares the IDT: these run in VMX non-root operation. */
static void install_guest_handlers(void) {
  install(0x90, note_interrupt);
  install(13, note_error_code);
  install(0x91, note_software_interrupt);
  tss.ist[1] = 0x4006000; /* grows down into the page at 0x4005000 */
  extern uint64_t idt[];
  idt[0x91 * 2] |= 2ull << 32;
}

void run_guest(void) {
  install_guest_handlers();
  const struct expected_exit *one = exits_start;
  bool launch = true;
  while (!finished) {
    enum outcome outcome = vm_enter(&guest, launch);
    if (outcome != SUCCEEDED || vmread(EXIT_REASON) >> 31) {
      print("entry failed: outcome %d error %d reason %x\n", (word)outcome, vmread(INSTRUCTION_ERROR), vmread(EXIT_REASON));
      check(false, "VM entry");
      return;
    }
    if (launch) {
      struct registers other = {0};
      check(vm_enter(&other, true) == FAILED_VALID && vmread(INSTRUCTION_ERROR) == 4, "error 4: VMLAUNCH of a launched VMCS");
    }
    launch = false;
    for (const struct expected_exit *later = one; later < exits_end; later++) {
      if (vmread(GUEST_RIP) != later->rip || vmread(EXIT_REASON) != later->reason) continue;
      for (; one < later; one++) check(false, one->name);
      break;
    }
    if (one == exits_end) {
      print_exit(exits_start, 0);
      check(false, "no exit beyond the list");
      return;
    }
    bool holds = matches(one);
    print_exit(one, (uint64_t)(one - exits_start) + 1);
    check(holds, one->name);
    if (!holds) {
      print("  expected reason %d rip +%x qualification %x length %d linear %x physical %x interruption %x vectoring %x\n",
            one->reason, one->rip - (word)guest_code, one->qualification, one->length, one->linear, one->physical,
            one->interruption, one->vectoring);
      if (vmread(EXIT_REASON) != one->reason || vmread(GUEST_RIP) != one->rip) return;
    }
    one++;
    handle();
    if (next_is_unsupported) {
      skip(one->name, "its control reads 0 in the capability MSR");
      one++;
    }
    next_is_unsupported = false;
  }
  for (; one < exits_end; one++) check(false, one->name);
  check_equal(guest_events[0], 1, "the injected external interrupt reached the guest's handler");
  check_equal(guest_events[1], 0x1230, "the injected #GP brought its error code");
  check_equal(guest_events[2], 1, "the software interrupt was delivered after its EPT violation");
  check_equal(guest_events[3], 0x2211, "CPUID's answers were the hypervisor's");
}
