/**
 * A snapshot as bytes, for files and for other processes. Little-endian:
 *
 * | offset | what                                                   |
 * |--------|--------------------------------------------------------|
 * | 0      | "VMXRAYSN"                                             |
 * | 8      | version of this format, u32                            |
 * | 12     | CRC-32 (IEEE 802.3) of everything from offset 16, u32  |
 * | 16     | the `MachineState` as plain data (`plain-data.ts`)     |
 *
 * NOT IMPLEMENTED: compression; reading other versions.
 */
import { UserError } from '../common/errors';
import { crc32 } from './crc32';
import { decodePlainData, encodePlainData, MalformedData } from './plain-data';
import { malformed, requireMachineState } from './snapshot-check';
import type { MachineState } from './snapshot';

const MAGIC = [...'VMXRAYSN'].map((character) => character.charCodeAt(0));
const VERSION = 1;
const HEADER = 16;

/** The bytes of a snapshot. */
export function encodeSnapshot(state: MachineState): Uint8Array {
  const data = encodePlainData(state);
  const bytes = new Uint8Array(HEADER + data.length);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, crc32(data), true);
  bytes.set(data, HEADER);
  return bytes;
}

/** The snapshot in `bytes`; throws a `UserError` for anything but what `encodeSnapshot` gives. */
export function decodeSnapshot(bytes: Uint8Array): MachineState {
  if (bytes.length < HEADER || MAGIC.some((byte, i) => bytes[i] !== byte))
    throw new UserError('snapshot/format', 'This is not a snapshot of VMXray: give a file that VMXray saved.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw new UserError(
      'snapshot/version',
      `The snapshot has format ${version}, but this build reads format ${VERSION}: ` +
        'restore it with the version of VMXray that saved it.',
    );
  }
  const data = bytes.subarray(HEADER);
  if (crc32(data) !== view.getUint32(12, true))
    throw new UserError('snapshot/damaged', 'The snapshot is damaged or cut off: save it again.');
  try {
    return requireMachineState(decodePlainData(data));
  } catch (error) {
    if (!(error instanceof MalformedData)) throw error;
    throw malformed(error.message);
  }
}
