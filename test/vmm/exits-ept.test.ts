// The EPT in machine memory is what the processor walks: clearing W in one entry makes the next write exit, restoring it
// lets the guest go on; the I/O bitmaps decide about each port by itself.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { PRIMARY } from '../../src/cpu/vmx/controls';
import { EXIT_REASON } from '../../src/cpu/vmx/exit-reasons';
import { F } from '../../src/cpu/vmx/vmcs-layout';
import { Machine } from '../../src/machine/machine';
import type { MachineOptions } from '../../src/machine/machine';
import { assembleListing, ORIGIN } from './listing';

const MIB = 1 << 20;
const TARGET = 0x200ff0n;
const W = 2n;

function boot(code: string, hypervisor: MachineOptions['hypervisor'] = {}): Machine {
  return new Machine({
    kernel: assembleListing(code).bytes,
    boot: { format: 'flat', flat: { address: ORIGIN.long64, mode: 'long64' } },
    memoryBytes: 4 * MIB,
    hypervisor,
    onSerial: () => undefined,
  });
}

const hash = (machine: Machine): string => machine.stateHash(createHash('sha256'));

describe('an EPT entry in machine memory', function () {
  this.timeout(180_000);
  const COUNT = `
    bbf00f2000 mov ebx, 0x200ff0
    ff03 inc dword ptr [rbx]
    ebfc jmp back`;
  for (const policy of ['lazy4k', 'eager2m'] as const) {
    it(`${policy}: without W the next write exits with reason 48, restored it continues`, () => {
      const machine = boot(COUNT, { policy });
      machine.run(1001);
      const untouched = boot(COUNT, { policy });
      untouched.run(1001);
      const walk = machine.walk('linear', TARGET);
      const leaf = walk.levels.at(-1)!;
      assert.equal(leaf.table, policy === 'eager2m' ? 'EPT PDE' : 'EPT PTE');
      const address = Number(leaf.entryAddress);
      const entry = machine.memory.read64(address);
      machine.memory.write64(address, entry & ~W);
      assert.equal(machine.walk('linear', TARGET, { write: true, execute: false, user: false }).fault?.cause, 'write');

      const before = machine.exits!.count;
      machine.setExitFilter(({ reason }) => reason === EXIT_REASON.EPT_VIOLATION);
      const result = machine.run(1000);
      assert.equal(result.reason, 'vm exit');
      const exit = machine.exits!.last!;
      const WRITE_OF_READABLE_EXECUTABLE = 0x1aan;
      assert.deepEqual(
        [exit.qualification, exit.guestLinear, exit.guestPhysical, exit.rip, exit.number],
        [WRITE_OF_READABLE_EXECUTABLE, TARGET, TARGET, 0x100005n, before],
      );
      machine.setExitFilter(undefined);
      const FLAGS = 0x300n;
      assert.equal(machine.memory.read64(address) | FLAGS, entry | FLAGS, 'the hypervisor has put W back');

      machine.run(2001 - machine.instructions);
      untouched.run(1000);
      assert.equal(machine.exits!.count, before + 1);
      assert.equal(hash(machine), hash(untouched));
    });
  }
});

describe('the I/O bitmaps', function () {
  this.timeout(180_000);
  const EVERY_PORT = `
    31d2 xor edx, edx
    ec in al, dx
    66ffc2 inc dx
    75fa jnz back
    ebfe jmp .`;
  const PORTS = 0x10000;
  const bitmap = Uint8Array.from({ length: PORTS / 8 }, (_, i) => (i * 0x9e37_79b1) >>> 24);
  const isSet = (bits: Uint8Array, port: number): boolean => ((bits[port >> 3]! >> (port & 7)) & 1) === 1;

  /** Reads every port once; gives the ports that exited and the state at the end. */
  function readAll(bits: Uint8Array): { ports: number[]; stateHash: string } {
    const machine = boot(EVERY_PORT, {
      controls: { primary: { set: PRIMARY.USE_IO_BITMAPS } },
      logCapacity: 2 * PORTS,
    });
    const { current } = machine.vmx;
    machine.memory.write(current!.number(F.IO_BITMAP_A), bits.subarray(0, 4096));
    machine.memory.write(current!.number(F.IO_BITMAP_B), bits.subarray(4096));
    const PER_PORT = 3;
    machine.run(PER_PORT * PORTS + 100);
    const { exits } = machine;
    const ports: number[] = [];
    for (let number = exits!.first; number < exits!.count; number++) {
      const { reason, qualification } = exits!.entry(number)!;
      if (reason === EXIT_REASON.IO_INSTRUCTION) ports.push(Number(qualification >> 16n));
    }
    return { ports, stateHash: hash(machine) };
  }

  it('decide about each of the 65536 ports by its own bit', () => {
    const all = Array.from({ length: PORTS }, (_, port) => port);
    const some = readAll(bitmap);
    const others = readAll(bitmap.map((byte) => ~byte));
    assert.deepEqual(
      some.ports,
      all.filter((port) => isSet(bitmap, port)),
    );
    assert.deepEqual(
      others.ports,
      all.filter((port) => !isSet(bitmap, port)),
    );
    assert.equal(some.stateHash, others.stateHash);
  });
});
