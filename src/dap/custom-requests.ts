/** The requests that the protocol lacks (DESIGN: the debugger's interface); their types are in `src/protocol`. */
import type { ExitAnswer } from '../protocol/exit';
import type { Debuggee } from './debuggee';
import { badArgument } from './errors';
import { parseMemoryReference } from './memory-reference';
import { type Handler, resuming, threadOf } from './requests';

const MAX_REASONS = 100;
const MAX_INPUT = 2 ** 20;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** All `vmxray/...` requests of a session, by command. */
export function customRequests(debuggee: Debuggee): Readonly<Record<string, Handler>> {
  return {
    'vmxray/walk': async (args) => {
      const thread = await threadOf(debuggee, args, 1);
      const space = args.choice('space', ['linear', 'guestPhysical']);
      const access = args.choice('access', ['read', 'write', 'execute']);
      const text = args.text('address');
      const reference = parseMemoryReference(text);
      if (text.includes(':') || text.includes('@')) throw badArgument('address', 'a bare 0x… address');
      return { body: await debuggee.target.walk(thread, space, reference.address, access) };
    },
    'vmxray/stepExit': async (args) => {
      const thread = await threadOf(debuggee, args);
      const reasons = args.texts('reasons', MAX_REASONS);
      const { body, after } = await resuming(debuggee, thread, { kind: 'stepExit', reasons });
      return {
        body,
        after: () => {
          debuggee.announceContinued(thread);
          after?.();
        },
      };
    },
    'vmxray/exit': async (args) => {
      const exit = await debuggee.target.lastExit(await threadOf(debuggee, args));
      const body: ExitAnswer = exit ? { exit } : {};
      return { body };
    },
    'vmxray/serialInput': (args) => {
      const data = args.text('data');
      if (data.length > MAX_INPUT || !BASE64.test(data)) throw badArgument('data', 'base64, at most 1 MiB of it');
      debuggee.target.sendSerial(Buffer.from(data, 'base64'));
      return {};
    },
  };
}
