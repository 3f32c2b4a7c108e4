/* Debug exceptions: breakpoints on execution, data and ports, single step, RF, the shadow of MOV SS, general detect,
   INT1. Each #DB is noted with its RIP, DR6 and RF, and gone on from. SDM Vol. 3B 18.2, 18.3; Vol. 3A 6.8.3. */
#include "common/trap.h"

static struct {
  word ip, dr6, flags;
} seen[16];
static uint32_t seen_count;
static bool set_resume_flag = true;
static word stop_stepping_after = 100;

static void note_debug(struct frame *frame) {
  if (seen_count < 16) {
    seen[seen_count].ip = frame->ip;
    seen[seen_count].dr6 = read_dr6();
    seen[seen_count].flags = frame->flags;
  }
  seen_count++;
  write_dr6(0xffff0ff0);
  if (set_resume_flag) frame->flags |= 0x10000;
  if (seen_count >= stop_stepping_after) frame->flags &= ~0x100ull;
}

/* DR7: enable breakpoint `n` globally; kind 0 execute, 1 write, 2 port, 3 read or write; size 0 1, 1 2, 3 4, 2 8 bytes. */
static word control(unsigned n, word kind, word size) { return 2ul << n * 2 | (kind | size << 2) << (16 + n * 4); }

static void fresh(void) {
  write_dr7(0x400);
  write_dr6(0xffff0ff0);
  memset(seen, 0, sizeof seen);
  seen_count = 0;
}

#define AT(name) extern uint8_t name[]
AT(exec_here);
AT(exec_next);
AT(data_after);
AT(string_at);
AT(port_after);
AT(step_one);
AT(step_two);
AT(step_three);
AT(shadow_after);
AT(detect_at);
AT(int1_after);

static uint8_t bytes[32] __attribute__((aligned(16)));

static void execution(void) {
  fresh();
  write_dr0((word)exec_here);
  write_dr7(0x400 | control(0, 0, 0));
  asm volatile("nop\nexec_here: nop\nexec_next: nop");
  check(seen_count == 1 && seen[0].ip == (word)exec_here, "an execution breakpoint is a fault at its instruction");
  check_equal(seen[0].dr6 & 0xe00f, 1, "DR6.B0");
  check_equal(seen[0].flags & 0x10000, 0, "its frame has RF clear, unlike every other fault's: the handler sets it");
  fresh();
  extern uint8_t rf_at[];
  write_dr0((word)rf_at);
  write_dr7(0x400 | control(0, 0, 0));
  asm volatile("pushfq; orl $0x10000, (%%rsp); popfq; rf_at: nop" ::: "memory");
  check_equal(seen_count, 1, "POPF does not set RF");
  fresh();
  write_dr0((word)bytes);
  write_dr1((word)exec_next);
  write_dr7(0x400 | control(1, 0, 0));
  check_equal(read_dr7() & 0xff, 8, "DR7.G1");
}

static void data(void) {
  fresh();
  write_dr0((word)bytes + 4);
  write_dr7(0x400 | control(0, 1, 3));
  bytes[3] = 1;
  asm volatile("" ::: "memory");
  (void)*(volatile uint32_t *)(bytes + 4);
  check_equal(seen_count, 0, "a write beside it and a read do not trigger");
  asm volatile("movb $7, %0\ndata_after: nop" : "=m"(bytes[7]));
  check(seen_count == 1 && seen[0].ip == (word)data_after, "a data breakpoint is a trap behind the write");
  check_equal(seen[0].dr6 & 0xe00f, 1, "DR6.B0");
  asm volatile("movq %1, %0" : "=m"(*(uint64_t *)(bytes + 1)) : "r"(0ul));
  check_equal(seen_count, 2, "an unaligned write that overlaps it");
  fresh();
  write_dr2((word)bytes + 8);
  write_dr3((word)bytes + 8);
  write_dr7(0x400 | control(2, 3, 2) | control(3, 1, 0));
  asm volatile("movb %0, %%al" ::"m"(bytes[15]) : "rax");
  check_equal(seen[0].dr6 & 0xe00f, 4, "a read in eight bytes: DR6.B2");
  asm volatile("movb $0, %0" : "=m"(bytes[8]));
  check_equal(seen[1].dr6 & 0xe00f, 12, "two at once: DR6.B2 and B3");
  asm volatile("addb $1, %0" : "+m"(bytes[9]));
  check_equal(seen_count, 3, "a read-modify-write triggers once");
  fresh();
  write_dr7(0x400 | control(2, 1, 0));
  word rdi = (word)bytes + 6, rcx = 6;
  asm volatile("string_at: rep stosb; nop" : "+D"(rdi), "+c"(rcx) : "a"(0) : "memory");
  check(seen_count == 1 && seen[0].ip == (word)string_at, "inside REP STOSB: the saved RIP is the instruction, to go on");
  check_equal(rcx, 0, "and it completes");
}

static void ports(void) {
  fresh();
  write_cr4(read_cr4() | CR4_DE);
  write_dr0(0x84);
  write_dr7(0x400 | control(0, 2, 0));
  inb(0x85);
  check_equal(seen_count, 0, "another port does not trigger");
  asm volatile("inb $0x84, %%al\nport_after: nop" ::: "rax");
  check(seen_count == 1 && seen[0].ip == (word)port_after && (seen[0].dr6 & 15) == 1, "an I/O breakpoint with CR4.DE");
  fresh();
}
static void read_dr4(void) { asm volatile("mov %%db4, %%rax" ::: "rax"); }
static void write_high_dr7(void) { write_dr7(1ul << 40); }

static void single_step(void) {
  fresh();
  stop_stepping_after = 3;
  asm volatile("pushfq; orl $0x100, (%%rsp); popfq; nop\nstep_one: nop\nstep_two: nop\nstep_three: nop" ::: "memory");
  check(seen_count == 3 && seen[0].ip == (word)step_one && seen[1].ip == (word)step_two && seen[2].ip == (word)step_three,
        "TF traps after each instruction, first behind the one after POPF");
  check_equal(seen[0].dr6 & 0xe00f, 0x4000, "DR6.BS");
  fresh();
  stop_stepping_after = 1;
  asm volatile("mov %%ss, %%eax; pushfq; orl $0x100, (%%rsp); popfq; mov %%eax, %%ss; nop\nshadow_after: nop" ::: "rax", "memory");
  check(seen_count == 1 && seen[0].ip == (word)shadow_after, "MOV SS holds the trap off for one instruction");
  fresh();
  stop_stepping_after = 2;
  extern uint8_t int_next[];
  asm volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; int $0x90\nint_next: nop; nop" ::: "memory");
  check(seen_count == 2 && seen[1].ip == (word)int_next + 1, "INT n clears TF; its handler is not stepped");
  stop_stepping_after = 100;
}
static void do_nothing(struct frame *frame) { (void)frame; }

static void shadowed_data(void) {
  static uint16_t stack_selector = 0x10;
  fresh();
  write_dr0((word)&stack_selector);
  write_dr7(0x400 | control(0, 3, 1));
  extern uint8_t ss_data_after[];
  asm volatile("movw %0, %%ss; nop\nss_data_after: nop" ::"m"(stack_selector));
  check(seen_count == 1 && seen[0].ip == (word)ss_data_after, "a data breakpoint on MOV SS comes after the next instruction");
  fresh();
}

static void general_detect(void) {
  fresh();
  write_dr7(0x400 | 1u << 13);
  asm volatile("detect_at: mov %%dr0, %%rax" ::: "rax");
  check(seen_count == 1 && seen[0].ip == (word)detect_at, "DR7.GD: an access to a debug register faults");
  check_equal(seen[0].dr6 & 0xe00f, 0x2000, "DR6.BD");
  check_equal(read_dr7() & 1u << 13, 0, "the handler's entry cleared GD");
}

static void int1(void) {
  if (on_tcg) {
    skip("INT1 is a trap", "QEMU's TCG decodes it as #UD");
    return;
  }
  fresh();
  set_resume_flag = false;
  asm volatile(".byte 0xf1\nint1_after: nop");
  check(seen_count == 1 && seen[0].ip == (word)int1_after, "INT1 is a trap");
  check_equal(seen[0].dr6 & 0xe00f, 0, "it leaves DR6");
  set_resume_flag = true;
}

void kmain(uint32_t info) {
  (void)info;
  install(1, note_debug);
  install(0x90, do_nothing);
  execution();
  data();
  ports();
  check_equal(attempt(read_dr4), 6, "#UD: DR4 with CR4.DE");
  check_equal(attempt(write_high_dr7), 13, "#GP: DR7 bits 63:32");
  write_cr4(read_cr4() & ~(word)CR4_DE);
  check_equal(attempt(read_dr4), NO_TRAP, "DR4 is DR6 without CR4.DE");
  single_step();
  shadowed_data();
  general_detect();
  int1();
  write_dr6(0);
  check_equal(read_dr6(), 0xffff0ff0, "DR6's fixed bits");
  write_dr7(0);
  check_equal(read_dr7(), 0x400, "DR7's fixed bit");
}
