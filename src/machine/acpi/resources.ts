/**
 * Resource descriptors for _CRS.
 *
 * Source: ACPI 6.5, 6.4.2 (small descriptors) and 6.4.3.5 (address space descriptors).
 */
import { buffer, littleEndian, type Aml } from './aml';
import type { AddressRange } from '../layout';

/** Bytes of one or more descriptors. */
export type Resource = readonly number[];

const IO_PORT = 0x47;
const IRQ_NO_FLAGS = 0x22;
const END_TAG = 0x79;
const WORD_ADDRESS = 0x88;
const DWORD_ADDRESS = 0x87;
const DECODES_16_BITS = 1;

/** Space types of address space descriptors. */
const SPACE = { memory: 0, io: 1, bus: 2 } as const;
/** The bridge forwards the range (it does not use it itself), and both ends of the range are fixed. */
const PRODUCER_FIXED = 0x0c;
const ENTIRE_IO_RANGE = 3;
const READ_WRITE = 1;

/** ResourceTemplate () { resources }: the checksum 0 of the end tag means "not summed". */
export function resourceTemplate(...resources: readonly Resource[]): Aml {
  return buffer([...resources.flat(), END_TAG, 0]);
}

/** IO (Decode16) at fixed ports, at most 255 of them. */
export function io({ start, length }: AddressRange): Resource {
  return [IO_PORT, DECODES_16_BITS, ...littleEndian(start, 2), ...littleEndian(start, 2), 1, length];
}

/** IRQNoFlags: an ISA interrupt, edge-triggered, high, exclusive. */
export function irq(line: number): Resource {
  return [IRQ_NO_FLAGS, ...littleEndian(1 << line, 2)];
}

/** WordBusNumber: the bus numbers `first` to `last` behind a bridge. */
export function busNumbers(first: number, last: number): Resource {
  return wordAddress(SPACE.bus, 0, { start: first, length: last - first + 1 });
}

/** WordIO: ports that a bridge forwards. */
export function ioWindow(range: AddressRange): Resource {
  return wordAddress(SPACE.io, ENTIRE_IO_RANGE, range);
}

/** DWordMemory: non-cacheable, read-write memory that a bridge forwards. */
export function memoryWindow(range: AddressRange): Resource {
  return addressSpace(DWORD_ADDRESS, 4, SPACE.memory, READ_WRITE, range);
}

function wordAddress(space: number, flags: number, range: AddressRange): Resource {
  return addressSpace(WORD_ADDRESS, 2, space, flags, range);
}

/** Granularity 0, minimum, maximum, translation 0, length. */
function addressSpace(tag: number, width: 2 | 4, space: number, flags: number, range: AddressRange): Resource {
  const last = range.start + range.length - 1;
  const fields = [0, range.start, last, 0, range.length].flatMap((value) => littleEndian(value, width));
  return [tag, ...littleEndian(3 + fields.length, 2), space, PRODUCER_FIXED, flags, ...fields];
}
