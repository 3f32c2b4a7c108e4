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
  real16: {
    '#GP: word at offset FFFF': 'TCG checks no segment limits; SDM Vol. 3A 5.3',
    '#GP: 32-bit offset 10000': 'TCG checks no segment limits; SDM Vol. 3A 5.3',
    '#SS: word at SS:FFFF': 'TCG checks no segment limits; SDM Vol. 3A 5.3',
    '#GP: jump beyond the limit of CS': 'TCG checks no segment limits; SDM Vol. 3A 5.3',
  },
};
const bochs = {
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
