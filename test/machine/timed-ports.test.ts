// A port access takes a bus cycle of the guest's time, whoever carries it out.
import assert from 'node:assert/strict';
import { PRIMARY } from '../../src/cpu/vmx/controls';
import { EAGER_JIT, NO_JIT } from '../../src/engine/jit/jit';
import { Machine } from '../../src/machine/machine';
import type { MachineOptions } from '../../src/machine/machine';
import { PORT_ACCESS_TICKS } from '../../src/machine/timed-ports';
import { assembleListing, ORIGIN } from '../vmm/listing';

const RDI = 7;
/** What stands between two looks at the time, by instructions (iterations of REP) and accesses. */
const CASES: readonly (readonly [what: string, code: string, instructions: number, accesses: number])[] = [
  ['OUT to a port of nobody', 'e680 out 0x80, al', 1, 1],
  ['IN of a device', 'e461 in al, 0x61', 1, 1],
  ['IN of 32 bits', 'ed in eax, dx', 1, 1],
  ['REP OUTSB of 3 bytes', 'f36e rep outsb', 3, 3],
  ['NOP', '90 nop', 1, 0],
];
const WAYS: Readonly<Record<string, Partial<MachineOptions>>> = {
  'with VM exits, interpreted': { jit: NO_JIT },
  'with VM exits, compiled': { jit: EAGER_JIT },
  'without VM exits': { hypervisor: { controls: { primary: { clear: PRIMARY.UNCONDITIONAL_IO_EXITING } } } },
  'bare, interpreted': { bare: true, jit: NO_JIT },
  'bare, compiled': { bare: true, jit: EAGER_JIT },
};

/** Ticks from one RDTSC to another with MOV, MOV and `code` between them, the last of five times. */
function ticksOf(code: string, options: Partial<MachineOptions>): number {
  const { bytes } = assembleListing(`
    bd05000000 mov ebp, 5
    b903000000 mov ecx, 3 ; again
    be00002000 mov esi, 0x200000
    0f31 rdtsc
    89c3 mov ebx, eax
    ba84000000 mov edx, 0x84
    ${code}
    0f31 rdtsc
    29d8 sub eax, ebx
    89c7 mov edi, eax
    ffcd dec ebp
    75${(0x100 - 29 - code.split(' ', 1)[0]!.length / 2).toString(16)} jnz again
    ebfe jmp .`);
  const machine = new Machine({
    kernel: bytes,
    boot: { format: 'flat', flat: { address: ORIGIN.long64, mode: 'long64' } },
    memoryBytes: 4 << 20,
    onSerial: () => {},
    ...options,
  });
  machine.run(200);
  return machine.asGuest(() => machine.state.general32(RDI));
}

describe('timed ports', () => {
  for (const [what, code, instructions, accesses] of CASES)
    for (const [how, options] of Object.entries(WAYS))
      it(`${what}, ${how}`, () => {
        assert.equal(ticksOf(code, options), 3 + instructions + accesses * PORT_ACCESS_TICKS);
      });
});
