// Stops when an EPT entry changes: after the exit at which the hypervisor has written it.
import assert from 'node:assert/strict';
import { END, tiny } from './tiny';

/** Touches a page that nothing has touched before. */
const TOUCH = `
  90 nop
  c6042500003000aa mov byte ptr [0x300000], 0xaa
  90 nop
  ${END}`;
const PAGE = 0x300000n;

describe('breakpoints on the machine’s own memory', () => {
  it('stop after the exit that has filled an EPT entry', async () => {
    const guest = tiny(TOUCH);
    const { levels } = await guest.target.walk(1, 'guestPhysical', PAGE, 'read');
    const entry = levels.at(-1)!;
    assert.equal(BigInt(entry.entry) & 7n, 0n, 'nothing is mapped there yet');
    const linear = BigInt(entry.entryAddress!);
    await guest.set({ data: [{ id: 5, linear, space: 'physical', length: entry.entryBytes, access: 'write' }] });
    const stop = await guest.go({ kind: 'continue' });
    assert.deepEqual(stop, {
      ...{ reason: 'data breakpoint', space: 'physical', linear, length: entry.entryBytes },
      ...{ isWrite: true, ids: [5] },
    });
    const now = (await guest.target.walk(1, 'guestPhysical', PAGE, 'read')).levels[levels.length - 1]!;
    assert.notEqual(BigInt(now.entry) & 7n, 0n);
    // The processor sets the accessed and the dirty flag when the guest's store is done; then nothing changes it any more.
    assert.equal((await guest.go({ kind: 'continue' })).reason, 'data breakpoint');
    const flagged = (await guest.target.walk(1, 'guestPhysical', PAGE, 'read')).levels[levels.length - 1]!;
    const changed = BigInt(flagged.entry) ^ BigInt(now.entry);
    assert.ok(changed !== 0n && (changed & ~0x300n) === 0n, `0x${changed.toString(16)}`);
    assert.equal((await guest.go({ kind: 'continue' })).reason, 'ended');
  });

  it('are refused on a bare machine, which has no exits', async () => {
    const guest = tiny(TOUCH, { bare: true });
    const data = [{ id: 1, linear: 0n, space: 'physical', length: 8, access: 'write' } as const];
    await assert.rejects(guest.set({ data }), { code: 'exit/bare' });
  });
});
