// What a walk says must be what memory says: every entry is read back from its physical address.
import assert from 'node:assert/strict';
import type { WalkAnswer } from '../../src/protocol/walk';
import type { DapClient } from './client';

/** The bytes at a memory reference; asserts that all of them are there. */
export async function readBytes(client: DapClient, memoryReference: string, count: number): Promise<Buffer> {
  const { data } = await client.request<{ data?: string }>('readMemory', { memoryReference, count });
  const bytes = Buffer.from(data ?? '', 'base64');
  assert.equal(bytes.length, count, `${count} bytes at ${memoryReference}`);
  return bytes;
}

/** Asserts that each level's entry is in machine memory, and that the bytes of all three spaces agree. Gives the walk. */
export async function checkWalk(client: DapClient, address: string): Promise<WalkAnswer> {
  const walk = await client.request<WalkAnswer>('vmxray/walk', { address, space: 'linear', threadId: 1 });
  assert.equal(walk.fault, undefined);
  for (const { table, space, entryAddress, guestEntryAddress, entry, entryBytes } of walk.levels) {
    const places = [`${space}:${entryAddress}`, ...(guestEntryAddress ? [`guestPhysical:${guestEntryAddress}`] : [])];
    for (const place of places) {
      const bytes = await readBytes(client, place, entryBytes);
      const raw = entryBytes === 8 ? bytes.readBigUInt64LE() : BigInt(bytes.readUInt32LE());
      assert.equal(`0x${raw.toString(16)}`, entry, `${table} at ${place}`);
    }
  }
  const there = await readBytes(client, address, 16);
  for (const place of [`guestPhysical:${walk.guestPhysical}`, `physical:${walk.physical}`])
    assert.deepEqual(await readBytes(client, place, 16), there, place);
  return walk;
}
