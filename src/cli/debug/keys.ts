/**
 * A terminal's keys for the line editor. The editor takes a tab for completion only where it comes alone, and not within
 * a longer piece, as a slow line or a program that types may deliver it: here each comes alone.
 */
import { Transform } from 'node:stream';

/** What the line editor needs of a terminal's input. */
interface KeySource extends NodeJS.ReadableStream {
  setRawMode?(isRaw: boolean): unknown;
}

/** The keys of `input`, UTF-8, each tab as a piece of its own. */
export function separateTabs(input: KeySource): NodeJS.ReadableStream {
  // In object mode pieces stay apart, and wait while the editor completes.
  const keys = new Transform({
    readableObjectMode: true,
    transform(chunk: Buffer, _encoding, done) {
      for (const piece of chunk.toString('latin1').split(/(\t)/)) if (piece) this.push(Buffer.from(piece, 'latin1'));
      done();
    },
  });
  input.pipe(keys);
  // A terminal that went away: nothing more will be typed.
  input.on('error', () => keys.end());
  return Object.assign(keys, { isTTY: true, setRawMode: (isRaw: boolean) => input.setRawMode?.(isRaw) });
}
