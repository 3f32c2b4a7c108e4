// Where an engine departs from the SDM on a sample guest. The guests check what the SDM says; these checks fail there.
// QEMU is 7.2 with TCG, Bochs is 2.7.

const qemu = {
  exceptions: {
    '#DB: INT1 is a trap': 'TCG decodes F1 as #UD; SDM Vol. 2A INT1',
    '#UD: LOCK on MOV': 'TCG ignores LOCK on MOV; SDM Vol. 2A LOCK',
    '#NP: INT through a gate': 'TCG computes vector * 16 + 2; SDM Vol. 3A 6.13: the index is the vector',
    '#SS: non-canonical address through RBP': 'TCG raises #GP; SDM Vol. 3A 6.15 #SS',
    '#GP: JMP to a non-canonical address': 'TCG faults on the fetch, with RIP at the target; SDM Vol. 2A JMP',
    '#GP: null selector with RPL 3': 'TCG does not compare RPL with CPL for a null SS; SDM Vol. 2B MOV',
    '#GP: reserved bit of CR8': 'TCG masks the value; SDM Vol. 2B MOV CR',
    '#GP: clearing EFER.LME': 'TCG does not check; SDM Vol. 3A 10.8.5',
    '#GP: RDMSR of an index': 'TCG reads 0; SDM Vol. 2B RDMSR',
    '#GP: WRMSR of a non-canonical': 'TCG does not check; SDM Vol. 2B WRMSR',
    '#GP: INT through a gate with DPL 0': 'TCG computes vector * 16 + 2; SDM Vol. 3A 6.13',
    '#PF: read-modify-write': 'TCG loads before it asks for write permission; SDM Vol. 3A 4.7: W/R=1',
    '#PF: reserved bit': 'TCG leaves P clear; SDM Vol. 3A 4.7: RSVD comes with P=1',
    '#MF: the next waiting': 'TCG checks for pending x87 exceptions in FWAIT only; SDM Vol. 1 8.7',
    '#AC: unaligned': 'TCG has no alignment check; SDM Vol. 3A 6.15 #AC',
    '#XM: unmasked': 'TCG never raises #XM; SDM Vol. 1 11.5.2',
    'saved RFLAGS: CF as it was, RF set': 'TCG saves RF clear; SDM Vol. 3A 6.8.3',
  },
  'long-mode': {
    'bit 13 of a 2-MiB PDE': 'TCG leaves P clear; SDM Vol. 3A 4.7: RSVD comes with P=1',
    'PS in a PML4E is reserved': 'TCG leaves P clear; SDM Vol. 3A 4.7',
    'bit 63 is reserved without EFER.NXE': 'TCG leaves P clear; SDM Vol. 3A 4.7',
    'LAR of the 64-bit code segment': 'TCG sets no accessed bit on a far jump; SDM Vol. 3A 3.4.5.1',
  },
  exceptions32: {
    '#SS: beyond the limit of SS': 'TCG checks no segment limits or rights on data accesses; SDM Vol. 3A 5.3, 5.4',
    '#GP: beyond the limit of DS': 'TCG checks no segment limits or rights on data accesses; SDM Vol. 3A 5.3, 5.4',
    '#GP: through a null selector': 'TCG checks no segment limits or rights on data accesses; SDM Vol. 3A 5.3, 5.4',
    '#GP: write to a code segment': 'TCG checks no segment limits or rights on data accesses; SDM Vol. 3A 5.3, 5.4',
    '#GP: write to a read-only segment':
      'TCG checks no segment limits or rights on data accesses; SDM Vol. 3A 5.3, 5.4',
    '#AC: unaligned': 'TCG has no alignment check; SDM Vol. 3A 6.15 #AC',
    '#DF: #NP while delivering': 'TCG checks no segment limits or rights on data accesses; SDM Vol. 3A 5.3, 5.4',
  },
  'smep-smap-pcid': {
    '#PF: SMAP with AC set, descriptor': 'TCG lets AC cover implicit accesses; SDM Vol. 3A 4.6.1',
  },
  paging32: {
    '#PF: locked read-modify-write': 'TCG loads before it asks for write permission; SDM Vol. 3A 4.7: W/R=1',
    '#PF: bit 21 of a 4-MiB PDE': 'TCG leaves P clear; SDM Vol. 3A 4.7',
  },
  pae: {
    'a PDPTE has no accessed bit': 'TCG sets bit 5; SDM Vol. 3A 4.4.1, 4.8',
    '#PF: bit 62 of a PTE': 'TCG leaves P clear; SDM Vol. 3A 4.7',
    '#PF: bit 13 of a 2-MiB PDE': 'TCG leaves P clear; SDM Vol. 3A 4.7',
    'the PDPTE registers keep': 'TCG has no PDPTE registers; SDM Vol. 3A 4.4.1',
    '#GP: MOV to CR3, PDPTE': 'TCG has no PDPTE registers; SDM Vol. 3A 4.4.1',
    'a MOV to CR3 that faults': 'follows from the one before',
  },
  protected32: {
    'call gate to conforming code': 'TCG gives CS the RPL of the gate target, not CPL; SDM Vol. 3A 5.8.4',
    '#GP: expand-down': 'TCG checks no segment limits; SDM Vol. 3A 5.3',
    '#GP: word whose second byte': 'TCG checks no segment limits; SDM Vol. 3A 5.3',
    '#GP: write beyond the limit': 'TCG checks no segment limits; SDM Vol. 3A 5.3',
    '#GP: MOVSD beyond the limit': 'TCG checks no segment limits; SDM Vol. 3A 5.3',
  },
  'task-switch': {
    '#DB: T flag': 'TCG ignores the T flag; SDM Vol. 3A 8.2.1',
    'DR6.BT': 'TCG ignores the T flag; SDM Vol. 3A 8.2.1',
  },
  syscalls: {
    'FMASK clears ZF': 'TCG loses the arithmetic flags; SDM Vol. 2B SYSCALL',
    'raised in ring 0': 'TCG raises it in ring 3; SDM Vol. 2B SYSRET',
    '#GP: WRFSBASE': 'TCG does not check; SDM Vol. 2C WRFSBASE',
  },
  'msr-cpuid': {
    '#GP(0): an MSR that does not exist': 'TCG reads 0; SDM Vol. 2B RDMSR',
    '#GP: PAT': 'TCG does not check; SDM Vol. 3A 12.12.2',
    '#GP: reserved bit of EFER': 'TCG ignores the bit; SDM Vol. 2B WRMSR',
    '#GP: LSTAR': 'TCG does not check; SDM Vol. 2B WRMSR',
  },
  'debug-exceptions': {
    'two at once': 'TCG reports one breakpoint; SDM Vol. 3B 18.2.3',
    'a data breakpoint on MOV SS': 'TCG does not hold it; SDM Vol. 3A 6.8.3',
    'DR7.GD': 'TCG has no general detect; SDM Vol. 3B 18.2.4',
    'DR6.BD': 'TCG has no general detect; SDM Vol. 3B 18.2.4',
    "the handler's entry cleared GD": 'TCG has no general detect; SDM Vol. 3B 18.2.4',
  },
  float: {
    'FLD1 / 3, extended': 'TCG leaves C1 clear; SDM Vol. 1 8.1.3.2',
    '1/3 rounded up': 'TCG leaves C1 clear; SDM Vol. 1 8.1.3.2',
    '1/3 in single precision': 'TCG leaves C1 clear; SDM Vol. 1 8.1.3.2',
    'a denormal operand of FLD': 'TCG raises no #D; SDM Vol. 1 8.5.2',
    'an extended denormal doubled': 'TCG raises no #D; SDM Vol. 1 8.5.2',
    'overflow: infinity': 'TCG leaves C1 clear; SDM Vol. 1 8.1.3.2',
    'FRNDINT of 2.5 up': 'TCG leaves C1 clear; SDM Vol. 1 8.1.3.2',
    'FPREM1 of 8 by 3': 'TCG reports no quotient bits here; SDM Vol. 2A FPREM1',
    'stack underflow': 'TCG has no stack faults; SDM Vol. 1 8.5.1.1',
    'stack overflow': 'TCG has no stack faults; SDM Vol. 1 8.5.1.1',
    'FXAM of an empty register': 'TCG stores an empty register as it is; SDM Vol. 1 8.5.1.1',
    'ADDSS SNaN first': 'TCG takes the QNaN, the x87 rule; SDM Vol. 1 table 4-7',
    'ADDSS of a denormal': 'TCG raises no #D; SDM Vol. 1 11.5.2.2',
    'the register that it wrote is special': 'TCG leaves the exponent; SDM Vol. 1 9.5.1',
    'a write to MM7': 'TCG leaves the exponent; SDM Vol. 1 9.5.1',
    '#GP: FXRSTOR with reserved': 'TCG does not check; SDM Vol. 2A FXRSTOR',
    '#GP: LDMXCSR': 'TCG does not check; SDM Vol. 2A LDMXCSR',
  },
  real16: {
    '#GP: word at offset FFFF': 'TCG checks no segment limits; SDM Vol. 3A 5.3',
    '#GP: 32-bit offset 10000': 'TCG checks no segment limits; SDM Vol. 3A 5.3',
    '#SS: word at SS:FFFF': 'TCG checks no segment limits; SDM Vol. 3A 5.3',
    '#GP: jump beyond the limit of CS': 'TCG checks no segment limits; SDM Vol. 3A 5.3',
  },
};
const bochs = {
  'msr-cpuid': {
    PLATFORM_ID: 'Bochs has no such MSR; SDM Vol. 4 table 2-2',
    BIOS_SIGN_ID: 'Bochs has no such MSR; SDM Vol. 4 table 2-2',
    MCG_CAP: 'Bochs has no such MSR; SDM Vol. 4 table 2-2',
    MISC_ENABLE: 'Bochs has no such MSR; SDM Vol. 4 table 2-2',
  },
  smc: {
    'another page mapped under its second half':
      'Bochs caches a page-crossing instruction by its first page; SDM Vol. 3A 4.10.4.1 INVLPG',
    'its second page comes in': 'as above',
    'RIP at the instruction, CR2 at the second page': 'as above',
  },
  'smep-smap-pcid': {
    '#PF: SMAP with AC set, descriptor': 'Bochs lets AC cover implicit accesses; SDM Vol. 3A 4.6.1',
  },
  interrupts: {
    'the deadline disarms itself': 'Bochs keeps the value; SDM Vol. 3A 11.5.4.1: the MSR is cleared',
  },
};

const rows = (engine, table) =>
  Object.entries(table).flatMap(([guest, checks]) =>
    Object.entries(checks).map(([check, why]) => ({ guest, engine, check, why })),
  );

/** Each entry: the check's name (its beginning) that fails on this engine, and why. */
export const deviations = [...rows('qemu', qemu), ...rows('bochs', bochs)];
