// bzImages made by hand.
import { Bytes } from '../elf-image';

/** A bzImage of protocol 2.15 with one setup sector whose payload these bytes are. */
export function imageOf(payload: Uint8Array, version = 0x20f, length = payload.length): Uint8Array {
  const bytes = new Uint8Array(1024 + 16 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0x1f1, 1);
  view.setUint16(0x1fe, 0xaa55, true);
  view.setUint32(0x202, 0x5372_6448, true);
  view.setUint16(0x206, version, true);
  view.setUint32(0x248, 16, true);
  view.setUint32(0x24c, length, true);
  bytes.set(payload, 1024 + 16);
  return bytes;
}

/** Packed data with the unpacked size behind them. */
export const sized = (bytes: Uint8Array, size: number): Uint8Array => new Bytes().bytes(bytes).number(size, 4).finish();
