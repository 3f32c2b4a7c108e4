// A process of its own that has run nothing: takes snapshot files, lets each machine go on to its end, and prints what
// became of them as JSON. Arguments: instructions to run to, then files.
import { readFileSync } from 'node:fs';
import { Machine } from '../../src/machine/machine';
import { decodeSnapshot } from '../../src/machine/snapshot-file';
import { fingerprint, runTo } from './runs';
import type { Fingerprint } from './runs';

/** How a machine that was restored ended. */
export interface Resumed extends Fingerprint {
  /** What it wrote to the serial line, in hexadecimal. */
  readonly serial: string;
  readonly exits: Readonly<Record<string, number>>;
}

/** Lets the machine of a snapshot run on to `until`. */
export function resume(snapshot: Uint8Array, until: number): Resumed {
  const serial: number[] = [];
  const machine = Machine.restore({ onSerial: (byte) => serial.push(byte) }, decodeSnapshot(snapshot));
  const { reason } = runTo(machine, until);
  return {
    ...fingerprint(machine, reason),
    serial: Buffer.from(serial).toString('hex'),
    exits: machine.exits?.totalsByName() ?? {},
  };
}

if (process.argv[2] === 'resume') {
  const [until, ...files] = process.argv.slice(3);
  console.log(JSON.stringify(files.map((file) => resume(readFileSync(file), Number(until)))));
}
