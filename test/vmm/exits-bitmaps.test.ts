// Every bit of the MSR bitmaps and of the I/O bitmaps (SDM Vol. 3C 25.6.4, 25.6.9): guests that touch each MSR and each
// port once exit as often as there are ones, and end in the same state whatever the bits are. Each bit is both 0 and 1
// in one bitmap and its complement; single bits are drawn at random besides.
import assert from 'node:assert/strict';
import { BITMAP_SIZE, MSR_BITMAP_OFFSET } from '../../src/cpu/vmx/bitmaps';
import { PRIMARY } from '../../src/cpu/vmx/controls';
import { EXIT_REASON } from '../../src/cpu/vmx/exit-reasons';
import { MSR } from '../../src/cpu/msr-numbers';
import { F } from '../../src/cpu/vmx/vmcs-layout';
import type { VmcsField } from '../../src/cpu/vmx/vmcs-layout';
import { Random } from '../../src/machine/random';
import type { Machine } from '../../src/machine/machine';
import { guestImage, runToggled, SKIP_TWO_BEHIND_ERROR_CODE } from './exercise';
import type { Exercise, Toggles } from './exercise';

const R = EXIT_REASON;
const GP = 13;
const BITS = BITMAP_SIZE * 8;
const SINGLE_BITS = 12;

/** RDMSR, and WRMSR of what was read, of every MSR that has bits; #GP skips either. */
const MSR_GUEST = `
    0f011c2537001000 lidt [idtr]
    31f6 xor esi, esi
    89f1 next: mov ecx, esi
    31c0 xor eax, eax
    31d2 xor edx, edx
    0f32 rdmsr
    0f30 wrmsr
    48c1c307 rol rbx, 7
    4831c3 xor rbx, rax
    4831d3 xor rbx, rdx
    ffc6 inc esi
    81fe00200000 cmp esi, 0x2000
    7505 jne skip
    be000000c0 mov esi, 0xc0000000
    81fe002000c0 skip: cmp esi, 0xc0002000
    75d5 jne next
    ebfe jmp .
    1f04 idtr: limit
    00201000 base
    00000000 base`;
const MSR_INSTRUCTIONS = 600_000;

/** IN AL, DX from every port. */
const PORT_GUEST = `
    31d2 xor edx, edx
    31c0 xor eax, eax
    ec next: in al, dx
    48c1c307 rol rbx, 7
    4831c3 xor rbx, rax
    66ffc2 inc dx
    75f3 jnz next
    ebfe jmp .`;
const PORT_INSTRUCTIONS = 400_000;

/** Pages of bits in machine memory, one behind the other. */
type Bitmaps = readonly Uint8Array[];

/** A guest that touches each bit of its bitmaps once. */
interface Subject {
  readonly kernel: Uint8Array;
  readonly instructions: number;
  readonly controls: Toggles['controls'];
  readonly fields: readonly VmcsField[];
  /** Exits by reason that these bitmaps make. */
  predict(bitmaps: Bitmaps): Readonly<Record<number, number>>;
  /** Bits that the guest sees: they keep the hypervisor's value. */
  isVisible(page: number, bit: number): boolean;
}

const ones = (bytes: Uint8Array): number =>
  bytes.reduce((sum, byte) => sum + [...byte.toString(2)].filter((digit) => digit === '1').length, 0);

const subjects: Readonly<Record<string, Subject>> = {
  'MSR bitmaps': {
    kernel: guestImage(MSR_GUEST, [[GP, SKIP_TWO_BEHIND_ERROR_CODE]]),
    instructions: MSR_INSTRUCTIONS,
    controls: {},
    fields: [F.MSR_BITMAPS],
    predict: ([page]) => ({
      [R.RDMSR]: ones(page!.subarray(0, MSR_BITMAP_OFFSET.WRITE_LOW)),
      [R.WRMSR]: ones(page!.subarray(MSR_BITMAP_OFFSET.WRITE_LOW)),
    }),
    // The hypervisor's exit hides the MSRs of VMX: without it they read.
    isVisible: (_, bit) => bit === MSR.FEATURE_CONTROL || (bit >= MSR.VMX_BASIC && bit <= MSR.VMX_LAST),
  },
  'I/O bitmaps': {
    kernel: guestImage(PORT_GUEST, []),
    instructions: PORT_INSTRUCTIONS,
    controls: { primary: { set: PRIMARY.USE_IO_BITMAPS } },
    fields: [F.IO_BITMAP_A, F.IO_BITMAP_B],
    predict: (pages) => ({ [R.IO_INSTRUCTION]: pages.reduce((sum, page) => sum + ones(page), 0) }),
    isVisible: () => false,
  },
};

/** What the bits become: `change` gives a bit's new value from the hypervisor's. */
type Change = (page: number, bit: number, old: boolean) => boolean;

/** Runs `subject` with changed bitmaps; also what the exits must be. */
function runWith(subject: Subject, change: Change): { run: Exercise; bitmaps: Bitmaps } {
  const bitmaps: Uint8Array[] = [];
  const prepare = (machine: Machine): void =>
    subject.fields.forEach((field, page) => {
      const address = machine.vmx.current!.number(field);
      const bytes = machine.memory.read(address, BITMAP_SIZE).slice();
      for (let bit = 0; bit < BITS; bit++) {
        const [at, mask] = [bit >> 3, 1 << (bit & 7)];
        const old = (bytes[at]! & mask) !== 0;
        if (!subject.isVisible(page, bit) && change(page, bit, old) !== old) bytes[at]! ^= mask;
      }
      machine.memory.write(address, bytes);
      bitmaps.push(bytes);
    });
  const { kernel, instructions, controls } = subject;
  return { run: runToggled(kernel, instructions, { ...(controls ? { controls } : {}), prepare }), bitmaps };
}

for (const [name, subject] of Object.entries(subjects)) {
  describe(name, function () {
    this.timeout(180_000);
    const random = new Random(0x5eedn);
    const draw = (below: number): number => Number(random.next() % BigInt(below));
    let base: Exercise;
    let others: Readonly<Record<number, number>>;
    before(() => {
      const { run, bitmaps } = runWith(subject, (_, _bit, old) => old);
      base = run;
      const predicted = subject.predict(bitmaps);
      others = Object.fromEntries(Object.entries(run.exits).filter(([reason]) => !(reason in predicted)));
    });

    function check(change: Change): void {
      const { run, bitmaps } = runWith(subject, change);
      const predicted = Object.entries(subject.predict(bitmaps)).filter(([, count]) => count > 0);
      assert.deepEqual(run.exits, { ...others, ...Object.fromEntries(predicted) });
      assert.deepEqual({ ...run, exits: {} }, { ...base, exits: {} });
    }

    it("the hypervisor's own bits", () => check((_, _bit, old) => old));
    it('all bits 1', () => check(() => true));
    it('all bits 0', () => check(() => false));

    const drawn = Array.from({ length: subject.fields.length * BITS }, () => draw(2) === 1);
    it('bits at random', () => check((page, bit) => drawn[page * BITS + bit]!));
    it('the complement', () => check((page, bit) => !drawn[page * BITS + bit]!));

    for (let count = 0; count < SINGLE_BITS; count++) {
      const [page, bit] = [draw(subject.fields.length), draw(BITS)];
      it(`page ${page}, bit ${bit.toString(16).toUpperCase()}H alone`, () =>
        check((otherPage, other, old) => (otherPage === page && other === bit ? !old : old)));
    }
  });
}
