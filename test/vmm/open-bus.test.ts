// Where option ROMs would be, reads give ones and exit once for the whole window; writes exit and change nothing, and a
// snapshot goes on so.
import assert from 'node:assert/strict';
import { Machine } from '../../src/machine/machine';
import type { MachineOptions } from '../../src/machine/machine';
import { assembleListing, ORIGIN } from './listing';

const WINDOW = { start: 0xc0000, length: 0x20000 };
const connections: Pick<MachineOptions, 'onSerial'> = { onSerial: () => undefined };

function boot(code: string): Machine {
  return new Machine({
    ...connections,
    kernel: assembleListing(code).bytes,
    boot: { format: 'flat', flat: { address: ORIGIN.long64, mode: 'long64' } },
    memoryBytes: 4 << 20,
  });
}

/** EPT violations so far. */
const violations = (machine: Machine): number => machine.exits!.totalOf(48);

describe('the window for option ROMs', () => {
  /** Adds up every 512th byte, 256 of them, over and over. */
  const SCAN = `
    bb00000c00 mov ebx, 0xc0000
    31c9       xor ecx, ecx
    0fb603     movzx eax, byte ptr [rbx]
    01c1       add ecx, eax
    81c300020000 add ebx, 512
    81fb00000e00 cmp ebx, 0xe0000
    75ed       jne next
    ebe4       jmp again`;

  it('reads as ones, with one exit for all of it', () => {
    const machine = boot(SCAN);
    machine.run(20);
    const before = violations(machine);
    machine.run(2 + 256 * 5 - 20 - 1);
    assert.equal(machine.state.general(1), BigInt(256 * 0xff));
    assert.equal(violations(machine), before);
    assert.equal(machine.walk('guestPhysical', BigInt(WINDOW.start + WINDOW.length - 1)).fault, undefined);
  });

  it('takes no writes', () => {
    const machine = boot(`
      bb00000c00 mov ebx, 0xc0000
      8a03       mov al, byte ptr [rbx]
      c60355     mov byte ptr [rbx], 0x55
      8a0b       mov cl, byte ptr [rbx]
      ebf7       jmp again`);
    machine.run(2);
    const before = violations(machine);
    machine.run(2);
    assert.equal(violations(machine), before + 1);
    assert.equal(machine.state.general(1) & 0xffn, 0xffn);
  });

  it('is there in a restored machine', () => {
    const machine = boot(SCAN);
    machine.run(100);
    const restored = Machine.restore(connections, machine.save());
    const before = violations(restored);
    restored.run(1000);
    machine.run(1000);
    assert.equal(violations(restored), before);
    assert.equal(restored.state.general(1), machine.state.general(1));
  });
});
