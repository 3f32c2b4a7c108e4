/** The requests of the debug adapter protocol that the session answers: one function each, thin over the target. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { createDecoder } from '../isa/decode';
import { INSTRUCTIONS } from '../isa/records';
import type { Resume } from '../targets/target';
import type { Arguments } from './arguments';
import type { Debuggee } from './debuggee';
import { disassembleRows } from './disassembly';
import { badArgument, staleReference } from './errors';
import { parseLaunch } from './launch';
import { hex, moved, parseMemoryReference } from './memory-reference';

/** An answer, and what happens after it is sent: a resuming request is answered before its `stopped`. */
export interface Reply {
  readonly body?: object;
  readonly after?: () => void;
}

/** One request. UserErrors become error responses. */
export type Handler = (args: Arguments) => Reply | Promise<Reply>;

/** What this adapter can do beyond the protocol's minimum. */
export const CAPABILITIES: DebugProtocol.Capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsInstructionBreakpoints: true,
  supportsReadMemoryRequest: true,
  supportsDisassembleRequest: true,
  supportsSteppingGranularity: true,
  supportsTerminateRequest: true,
};

const MAX_ID = 2 ** 31 - 1;
const MAX_OFFSET = Number.MAX_SAFE_INTEGER;
/** Most bytes that one `readMemory` gives. */
const MAX_READ = 2 ** 24;
const MAX_ROWS = 10_000;
const MAX_BREAKPOINTS = 100_000;

/** The thread that a request names. Throws a UserError if it is not there. */
export async function threadOf(debuggee: Debuggee, args: Arguments, otherwise?: number): Promise<number> {
  const thread = args.integer('threadId', { min: 0, max: MAX_ID, ...(otherwise !== undefined && { otherwise }) });
  await debuggee.requireThread(thread);
  return thread;
}

/** The answer of a request that lets the guest go on. */
export async function resuming(debuggee: Debuggee, thread: number, how: Resume, body: object = {}): Promise<Reply> {
  return { body, after: await debuggee.resume(thread, how) };
}

/** All standard requests of a session, by command. */
export function standardRequests(debuggee: Debuggee): Readonly<Record<string, Handler>> {
  const decoder = createDecoder(INSTRUCTIONS);
  let breakpointIds = 0;
  const resume =
    (how: Resume, body?: object): Handler =>
    async (args) =>
      resuming(debuggee, await threadOf(debuggee, args), how, body);
  const start = (): void => debuggee.startWhenReady();

  return {
    launch: async (args) => {
      await debuggee.launch(parseLaunch(args));
      return { after: start };
    },
    configurationDone: () => {
      debuggee.configurationDone();
      return { after: start };
    },
    terminate: () => ({ after: () => void debuggee.close(true) }),
    disconnect: async () => {
      await debuggee.close(false);
      return {};
    },

    // Without symbols no source line has an address: said for each, so that none looks set.
    setBreakpoints: (args) => ({
      body: {
        breakpoints: args.objects('breakpoints', MAX_BREAKPOINTS).map(() => ({
          verified: false,
          message: 'Source breakpoints need symbols, which this version does not read: break at an instruction.',
        })),
      },
    }),
    setInstructionBreakpoints: async (args) => {
      const wanted = args.objects('breakpoints', MAX_BREAKPOINTS).map((breakpoint) => {
        for (const name of ['condition', 'hitCondition'])
          if (breakpoint.has(name)) throw badArgument(name, 'left out: it is not supported');
        const reference = parseMemoryReference(breakpoint.text('instructionReference'));
        if (reference.space !== 'linear') throw badArgument('instructionReference', 'a linear address (0x…)');
        return moved(reference, breakpoint.integer('offset', { min: -MAX_OFFSET, max: MAX_OFFSET, otherwise: 0 }));
      });
      const withIds = wanted.map(({ address }) => ({ address, id: ++breakpointIds }));
      await debuggee.setBreakpoints(new Map(withIds.map(({ address, id }) => [address, id])));
      const breakpoints = withIds.map(({ address, id }) => ({
        id,
        verified: true,
        instructionReference: hex(address),
      }));
      return { body: { breakpoints } };
    },
    // Clients send it without being asked to; there are no filters yet.
    setExceptionBreakpoints: (args) => {
      if ((args.texts('filters', MAX_BREAKPOINTS) ?? []).length > 0) throw badArgument('filters', 'empty');
      return { body: { breakpoints: [] } };
    },

    threads: async () => ({ body: { threads: await debuggee.target.threads() } }),
    continue: resume({ kind: 'continue' }, { allThreadsContinued: true }),
    next: resume({ kind: 'stepOver' }),
    stepIn: resume({ kind: 'step' }),
    pause: async (args) => {
      await threadOf(debuggee, args);
      return { after: () => debuggee.target.pause() };
    },

    stackTrace: async (args) => {
      const thread = await threadOf(debuggee, args);
      const { linear, mode } = await debuggee.stoppedTarget.position(thread);
      const frame = { id: thread, name: `${hex(linear)} (${mode})`, line: 0, column: 0 };
      const isWanted = args.integer('startFrame', { min: 0, max: MAX_ID, otherwise: 0 }) === 0;
      const stackFrames = isWanted ? [{ ...frame, instructionPointerReference: hex(linear) }] : [];
      return { body: { stackFrames, totalFrames: 1 } };
    },
    scopes: async (args) => {
      const frame = args.integer('frameId', { min: 0, max: MAX_ID });
      if (!(await debuggee.target.threads()).some(({ id }) => id === frame)) throw staleReference('frame', frame);
      return { body: { scopes: (await debuggee.variables(frame)).scopes() } };
    },
    variables: (args) => {
      void debuggee.stoppedTarget;
      const reference = args.integer('variablesReference', { min: 1, max: MAX_ID });
      return { body: { variables: debuggee.openVariables.variables(reference) } };
    },

    readMemory: async (args) => {
      const reference = moved(
        parseMemoryReference(args.text('memoryReference')),
        args.integer('offset', { min: -MAX_OFFSET, max: MAX_OFFSET, otherwise: 0 }),
      );
      const count = args.integer('count', { min: 0, max: MAX_READ });
      const { thread = 1, space, address } = reference;
      await debuggee.requireThread(thread);
      const room = (1n << 64n) - address;
      const length = room < BigInt(count) ? Number(room) : count;
      const bytes = await debuggee.target.readMemory(thread, space, address, length);
      return {
        body: {
          address: hex(address),
          ...(bytes.length < count && { unreadableBytes: count - bytes.length }),
          ...(bytes.length > 0 && { data: Buffer.from(bytes).toString('base64') }),
        },
      };
    },
    disassemble: async (args) => {
      const {
        space,
        address,
        thread = 1,
      } = moved(
        parseMemoryReference(args.text('memoryReference')),
        args.integer('offset', { min: -MAX_OFFSET, max: MAX_OFFSET, otherwise: 0 }),
      );
      const first = args.integer('instructionOffset', { min: -MAX_ROWS, max: MAX_ROWS, otherwise: 0 });
      const count = args.integer('instructionCount', { min: 0, max: MAX_ROWS });
      await debuggee.requireThread(thread);
      const target = debuggee.stoppedTarget;
      const { rip, linear, codeBits } = await target.position(thread);
      const instructions = await disassembleRows(
        decoder,
        (from, length) => target.readMemory(thread, space, from, length),
        { address, first, count, codeBits, base: linear - rip },
      );
      return { body: { instructions } };
    },
  };
}
