/**
 * How a debugger lets the guest go on: `vCont`, `c`, `C`, `s`, `S`. Signals mean nothing to a machine and are left out.
 * `s` is one instruction, into whatever handler the processor goes; `r` keeps to its range and lets interrupt handlers
 * run to their return. Source: "Debugging with GDB", E.2 (packets).
 */
import { malformed } from '../targets/gdb-wire/errors';
import { parseNumber } from '../targets/gdb-wire/hex';

/** What is asked for; the range's addresses are as gdb says them: what RIP holds. */
export type ResumeRequest =
  | { readonly kind: 'continue' | 'step'; readonly at?: bigint | undefined }
  | { readonly kind: 'range'; readonly start: bigint; readonly end: bigint }
  | { readonly kind: 'stop' };

/** What `vCont?` answers. */
export const VCONT_ACTIONS = 'vCont;c;C;s;S;t;r';

/** Thread numbers that mean thread 1: itself, "any" and "all"; lldb writes zeros before them. */
const OURS = /^(0*[01]|-1)$/;

/** The first action of `vCont` that is for our thread; undefined if none is. Throws a UserError for what is none. */
export function parseVCont(actions: string): ResumeRequest | undefined {
  for (const text of actions.split(';')) {
    const [action = '', thread] = text.split(':');
    const request = parseAction(action);
    if (thread === undefined || OURS.test(thread)) return request;
  }
  return undefined;
}

function parseAction(action: string): ResumeRequest {
  const [, letter, rest = ''] = /^([csCStr])(.*)$/s.exec(action) ?? [];
  switch (letter) {
    case 'c':
    case 'C':
      return { kind: 'continue' };
    case 's':
    case 'S':
      return { kind: 'step' };
    case 't':
      return { kind: 'stop' };
    case 'r': {
      const [start, end] = rest.split(',');
      return { kind: 'range', start: parseNumber(start), end: parseNumber(end) };
    }
    default:
      throw malformed('an action of vCont is c, C, s, S, t or r');
  }
}

/** The packets `c`, `C`, `s` and `S`, with an address to go on at if there is one. */
export function parseOldResume(letter: 'c' | 'C' | 's' | 'S', args: string): ResumeRequest {
  const address = letter === 'C' || letter === 'S' ? args.split(';')[1] : args;
  const kind = letter.toLowerCase() === 'c' ? 'continue' : 'step';
  return { kind, ...(address && { at: parseNumber(address) }) };
}
