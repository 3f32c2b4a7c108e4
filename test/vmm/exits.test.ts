// Every exit reason that our processor gives comes when the SDM says so, with the fields that the SDM says, and does
// not come when its control or bit is off.
import assert from 'node:assert/strict';
import { ENTRY_FAILURE_BIT, EXIT_REASONS } from '../../src/cpu/vmx/exit-reasons';
import { F } from '../../src/cpu/vmx/vmcs-layout';
import { Machine } from '../../src/machine/machine';
import type { RunResult } from '../../src/machine/run-result';
import { EXIT_CASES } from './exit-cases';
import type { Circumstances, ExitCase, ExitFields } from './exit-case';
import { assembleListing, ORIGIN } from './listing';

const MIB = 1 << 20;
/** Instructions after which an exit that has not come will not come. */
const ENOUGH = 20_000;

interface Outcome {
  readonly machine: Machine;
  readonly result: RunResult;
}

/** Runs the case's guest until the exit that it asks for, or far enough. */
function provoke({ code, mode = 'long64', reason, fields }: ExitCase, circumstances: Circumstances): Outcome {
  const { bytes, marked } = assembleListing(code);
  const machine = new Machine({
    kernel: bytes,
    boot: { format: 'flat', flat: { address: ORIGIN[mode], mode } },
    memoryBytes: 4 * MIB,
    // Page by page: some cases count on a page's neighbour not being mapped.
    hypervisor: { policy: 'lazy4k', ...(circumstances.controls && { controls: circumstances.controls }) },
    onSerial: () => undefined,
  });
  circumstances.prepare?.(machine);
  const { then } = circumstances;
  if (then) {
    machine.run(then.after);
    then.act(machine);
  }
  const rip = BigInt(ORIGIN[mode] + marked.offset);
  machine.setExitFilter(
    (exit) =>
      (exit.reason & 0xffff) === reason &&
      exit.rip === rip &&
      (fields?.physical === undefined || fields.physical === exit.guestPhysical),
  );
  return { machine, result: machine.run(ENOUGH) };
}

const NO_FIELDS: ExitFields = {
  qualification: 0n,
  length: 0,
  linear: 0n,
  physical: 0n,
  interruption: 0,
  errorCode: 0,
  vectoring: 0,
  information: 0,
};

function fieldsOf(machine: Machine): ExitFields {
  const vmcs = machine.vmx.current!;
  return {
    qualification: vmcs.get(F.EXIT_QUALIFICATION),
    length: vmcs.low(F.EXIT_INSTRUCTION_LENGTH),
    linear: vmcs.get(F.GUEST_LINEAR_ADDRESS),
    physical: vmcs.get(F.GUEST_PHYSICAL_ADDRESS),
    interruption: vmcs.low(F.EXIT_INTERRUPTION_INFORMATION),
    errorCode: vmcs.low(F.EXIT_INTERRUPTION_ERROR_CODE),
    vectoring: vmcs.low(F.IDT_VECTORING_INFORMATION),
    information: vmcs.low(F.EXIT_INSTRUCTION_INFORMATION),
  };
}

function inHex(fields: ExitFields): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, `0x${BigInt(value).toString(16)}`]));
}

describe('VM exits', function () {
  this.timeout(180_000);
  for (const { number, name, absent } of EXIT_REASONS) {
    const cases = EXIT_CASES.filter(({ reason }) => reason === number);
    if (absent) {
      it(`${number} ${name} cannot come`, () => assert.equal(cases.length, 0));
      continue;
    }
    describe(`${number} ${name}`, () => {
      it('has a case', () => assert.ok(cases.length > 0));
      for (const one of cases) {
        it(one.name, () => {
          const { machine, result } = provoke(one, one);
          assert.equal(result.reason, 'vm exit');
          const expected = { ...NO_FIELDS, length: assembleListing(one.code).marked.length, ...one.fields };
          assert.deepEqual(inHex(fieldsOf(machine)), inHex(expected));
          const { last } = machine.exits!;
          assert.equal(last!.reason, (number | (one.failedEntry ? ENTRY_FAILURE_BIT : 0)) >>> 0);
          assert.equal(last!.qualification, expected.qualification);
          assert.equal(last!.instructionLength, expected.length);
          assert.equal(last!.interruption, expected.interruption);
        });
        if (!one.off) continue;
        const { off } = one;
        it(`${one.name}: off`, () => {
          const { result } = provoke(one, off);
          assert.notEqual(result.reason, 'vm exit');
        });
      }
    });
  }
});
