// The sample guests end in the same state with every instruction interpreted, hot code compiled, and all code compiled
// as soon as it has run; so does the beginning of Debian's kernel, every 10 million instructions. `npm run soak` has the
// whole boot and the bench's workload.

import assert from 'node:assert/strict';
import { DEFAULT_POLICY, EAGER_JIT, NO_JIT } from '../../src/engine/jit/jit';
import { hashOf, linuxGuest, outcomeOf, runTo, sampleGuests, start } from '../machine/runs';
import { lab, requireLab } from '../support/lab/lab';

const HOT = { ...DEFAULT_POLICY, threshold: 100, batch: 8 };
const STEP = 10e6;
const LAST = 60e6;

describe('compiled guests', function () {
  this.timeout(300_000);

  for (const guest of sampleGuests) {
    it(`${guest.name} is the same`, () => {
      const interpreted = outcomeOf(guest, { jit: NO_JIT });
      for (const jit of [HOT, EAGER_JIT]) assert.deepEqual(outcomeOf(guest, { jit }), interpreted);
    });
  }

  it(`the first ${LAST / 1e6} million instructions of Linux are the same`, async function () {
    const kernel = requireLab(this, await lab.kernel());
    const guest = linuxGuest(kernel.image, requireLab(this, await lab.initrd()));
    const [interpreted, ...others] = [NO_JIT, HOT, EAGER_JIT].map((jit) => start(guest, { jit }));
    for (let at = STEP; at <= LAST; at += STEP) {
      runTo(interpreted!, at);
      const expected = hashOf(interpreted!);
      for (const machine of others) {
        runTo(machine, at);
        assert.equal(hashOf(machine), expected, `after ${at}`);
      }
    }
  });
});
