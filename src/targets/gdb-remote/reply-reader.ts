/**
 * Cuts what a stub sends into replies: `$payload#checksum`, with its escapes and run lengths undone. What it holds at once
 * is bounded, whatever is sent. Source: "Debugging with GDB", E.1 (overview: run-length encoding), E.11.
 * NOT IMPLEMENTED: notifications (`%`), which are skipped.
 */
import { checksum } from '../gdb-wire/packets';

/** Most characters of a reply, before and after its run lengths are undone. */
export const MOST_REPLY = 2 ** 20;

/** What has come. */
export type Received =
  { readonly kind: 'reply'; readonly payload: string } | { readonly kind: 'damaged' | 'nak' | 'too long' };

const ESCAPED_BIT = 0x20;
/** A run's character says how often the one before is repeated, plus this. */
const RUN_BIAS = 29;

export class ReplyReader {
  private text = '';

  /** What these bytes complete, in order. */
  push(bytes: Uint8Array): Received[] {
    this.text += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const received: Received[] = [];
    let at = 0;
    for (;;) {
      const start = this.text.indexOf('$', at);
      const between = this.text.slice(at, start < 0 ? undefined : start);
      if (/^[+]*-/.test(between)) received.push({ kind: 'nak' });
      if (start < 0) {
        at = this.text.length;
        break;
      }
      at = start;
      const end = this.text.indexOf('#', start);
      if (end < 0 || end + 2 >= this.text.length) break;
      received.push(this.complete(this.text.slice(start + 1, end), this.text.slice(end + 1, end + 3)));
      at = end + 3;
    }
    this.text = this.text.slice(at);
    if (this.text.length > MOST_REPLY) {
      this.text = '';
      received.push({ kind: 'too long' });
    }
    return received;
  }

  private complete(raw: string, digits: string): Received {
    if (parseInt(digits, 16) !== checksum(raw)) return { kind: 'damaged' };
    const payload = /[}*]/.test(raw) ? plain(raw) : raw;
    return payload === undefined ? { kind: 'too long' } : { kind: 'reply', payload };
  }
}

/** Without escapes and run lengths; undefined if that would be too long. */
function plain(raw: string): string | undefined {
  const parts: string[] = [];
  let last = '';
  let length = 0;
  for (let at = 0; at < raw.length && length <= MOST_REPLY; at++) {
    const character = raw[at]!;
    let part = character;
    if (character === '}') part = last = String.fromCharCode(raw.charCodeAt(++at) ^ ESCAPED_BIT);
    else if (character === '*' && length > 0) part = last.repeat(Math.max(0, raw.charCodeAt(++at) - RUN_BIAS));
    else last = character;
    parts.push(part);
    length += part.length;
  }
  return length > MOST_REPLY ? undefined : parts.join('');
}
