/** Requests that read, write and disassemble memory. */
import { createDecoder } from '../../isa/decode';
import { INSTRUCTIONS } from '../../isa/records';
import type { Arguments } from '../arguments';
import type { Debuggee } from '../debuggee';
import { disassembleRows } from '../disassembly';
import { badArgument } from '../errors';
import { type Handlers, MAX_OFFSET } from '../handler';
import { hex, type MemoryReference, moved, parseMemoryReference } from '../memory-reference';

/** Most bytes that one request reads or writes. */
const MAX_BYTES = 2 ** 24;
const MAX_ROWS = 10_000;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Handlers of `readMemory`, `writeMemory` and `disassemble`. */
export function memoryRequests(debuggee: Debuggee): Handlers {
  const decoder = createDecoder(INSTRUCTIONS);
  const placeOf = async (args: Arguments): Promise<MemoryReference & { thread: number }> => {
    const reference = moved(
      parseMemoryReference(args.text('memoryReference')),
      args.integer('offset', { min: -MAX_OFFSET, max: MAX_OFFSET, otherwise: 0 }),
    );
    const { thread = 1 } = reference;
    await debuggee.requireThread(thread);
    return { ...reference, thread };
  };
  const room = ({ address }: MemoryReference, count: number): number => {
    const left = (1n << 64n) - address;
    return left < BigInt(count) ? Number(left) : count;
  };

  return {
    readMemory: async (args) => {
      const count = args.integer('count', { min: 0, max: MAX_BYTES });
      const place = await placeOf(args);
      const { thread, space, address } = place;
      const bytes = await debuggee.target.readMemory(thread, space, address, room(place, count));
      return {
        body: {
          address: hex(address),
          ...(bytes.length < count && { unreadableBytes: count - bytes.length }),
          ...(bytes.length > 0 && { data: Buffer.from(bytes).toString('base64') }),
        },
      };
    },
    writeMemory: async (args) => {
      const place = await placeOf(args);
      const data = args.text('data');
      if (data.length > MAX_BYTES || !BASE64.test(data)) throw badArgument('data', 'base64, at most 16 MiB of it');
      const all = Buffer.from(data, 'base64');
      const bytes = all.subarray(0, room(place, all.length));
      const { thread, space, address } = place;
      const target = debuggee.stoppedTarget;
      if (bytes.length < all.length && !args.flag('allowPartial'))
        throw badArgument('data', 'inside the address space');
      if (!args.flag('allowPartial')) {
        const there = await target.readMemory(thread, space, address, bytes.length);
        if (there.length < bytes.length)
          throw badArgument('data', `at most ${there.length} bytes: no memory is behind these`);
      }
      const bytesWritten = await target.writeMemory(thread, space, address, bytes);
      debuggee.announceEdit({ reference: args.text('memoryReference'), count: bytesWritten });
      return { body: { offset: 0, bytesWritten } };
    },
    disassemble: async (args) => {
      const { thread, space, address } = await placeOf(args);
      const first = args.integer('instructionOffset', { min: -MAX_ROWS, max: MAX_ROWS, otherwise: 0 });
      const count = args.integer('instructionCount', { min: 0, max: MAX_ROWS });
      const target = debuggee.stoppedTarget;
      const { rip, linear, codeBits } = await debuggee.stopView.position(thread);
      const rows = await disassembleRows(decoder, (from, length) => target.readMemory(thread, space, from, length), {
        address,
        first,
        count,
        codeBits,
        base: linear - rip,
      });
      const withSymbols = args.flag('resolveSymbols') && space === 'linear';
      return { body: { instructions: withSymbols ? rows.map((row) => annotate(debuggee, row)) : rows } };
    },
  };
}

type Row = Awaited<ReturnType<typeof disassembleRows>>[number];

/** An address that an instruction names: where it goes to, or what it reaches relative to itself. */
const NAMED_ADDRESS = /(?:^(?:call|j[a-z]+|loop[a-z]*) |\brel )(0x[0-9a-f]{1,16})\b/;

/** Adds the symbol and the source line at a row's address, and the symbol at the address that its instruction names. */
function annotate({ images }: Debuggee, row: Row): Row {
  if (row.presentationHint === 'invalid') return row;
  const address = BigInt(row.address);
  const symbol = images.describe(address);
  const line = images.lineAt(address);
  const named = NAMED_ADDRESS.exec(row.instruction)?.[1];
  const target = named && images.describe(BigInt(named));
  return {
    ...row,
    ...(target && { instruction: `${row.instruction} <${target}>` }),
    ...(symbol !== undefined && { symbol }),
    ...(line?.start === address && { line: line.line, location: images.source(line) }),
  };
}
