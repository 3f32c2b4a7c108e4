// Our machine and QEMU's TCG, instruction by instruction: sample guests and the beginning of Debian's kernel. A slice of
// what `npm run soak` does in full; a difference is a finding unless the SDM is known to side with us.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Program } from '../support/lab/lab';
import { lab, requireLab } from '../support/lab/lab';
import { runGuest } from './guest-run';
import { runLinux } from './linux-run';

/** The first 16 k instructions of every guest are the same preparations. */
const GUESTS = ['exceptions', 'protected32', 'v86', 'syscalls'];
const GUEST_INSTRUCTIONS = 25_000;
const LINUX_INSTRUCTIONS = 20_000;

describe('lockstep with QEMU', function () {
  this.timeout(240_000);
  let qemu: Program;
  before(async function () {
    qemu = requireLab(this, await lab.qemu());
  });

  for (const name of GUESTS) {
    it(`${name}: ${GUEST_INSTRUCTIONS} instructions`, async () => {
      const { instructions, finding, cutShort } = await runGuest(qemu.command, name, GUEST_INSTRUCTIONS);
      assert.equal(finding, undefined);
      assert.equal(cutShort, undefined);
      assert.equal(instructions, GUEST_INSTRUCTIONS);
    });
  }

  it(`Debian's kernel: ${LINUX_INSTRUCTIONS} instructions`, async function () {
    const kernel = requireLab(this, await lab.kernel());
    const { instructions, difference } = await runLinux(qemu.command, readFileSync(kernel.image), LINUX_INSTRUCTIONS);
    assert.equal(difference, undefined);
    assert.equal(instructions, LINUX_INSTRUCTIONS);
  });
});
