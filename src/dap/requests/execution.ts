/** Requests that let the guest run, and those that stop it. */
import { createDecoder } from '../../isa/decode';
import { INSTRUCTIONS } from '../../isa/records';
import type { SteppingAnswer } from '../../protocol/stepping';
import { hex } from '../memory-reference';
import type { Arguments } from '../arguments';
import { callSites } from '../call-sites';
import type { Debuggee } from '../debuggee';
import type { Read } from '../disassembly';
import { badArgument } from '../errors';
import { type Handlers, MAX_ID, type Reply } from '../handler';
import type { Operation } from '../runner';
import { type StepContext, stepInstruction, stepIntoCall, stepLine, stepOut } from '../stepping';

const MAX_REASONS = 100;

/** The thread that a request names. Rejects with a UserError if it is not there. */
export async function threadOf(debuggee: Debuggee, args: Arguments, otherwise?: number): Promise<number> {
  const thread = args.integer('threadId', { min: 0, max: MAX_ID, ...(otherwise !== undefined && { otherwise }) });
  await debuggee.requireThread(thread);
  return thread;
}

/** The answer of a request that lets the guest go on. */
async function running(debuggee: Debuggee, thread: number, operation: Operation, body: object = {}): Promise<Reply> {
  return { body, after: await debuggee.run(thread, operation) };
}

/** Handlers of `continue`, steps, `pause`, `goto`, `vmxray/stepping` and `vmxray/stepExit`. */
export function executionRequests(debuggee: Debuggee): Handlers {
  const contextOf = (thread: number): StepContext => ({
    target: debuggee.stoppedTarget,
    thread,
    images: debuggee.images,
    skipInterrupts: debuggee.skipsInterrupts,
  });
  const step =
    (over: boolean) =>
    async (args: Arguments): Promise<Reply> => {
      const thread = await threadOf(debuggee, args);
      const granularity = args.choice('granularity', ['statement', 'line', 'instruction']);
      const context = contextOf(thread);
      const isSmall = granularity === 'instruction';
      return running(debuggee, thread, isSmall ? stepInstruction(context, over) : stepLine(context, over));
    };
  const decoder = createDecoder(INSTRUCTIONS);
  const gotoTargets = new Map<number, bigint>();
  const calls = new Map<number, bigint>();
  let targets = 0;

  return {
    continue: async (args) => {
      const thread = await threadOf(debuggee, args);
      return running(debuggee, thread, (go) => go({ kind: 'continue' }), { allThreadsContinued: true });
    },
    next: step(true),
    stepIn: async (args) => {
      if (!args.has('targetId')) return step(false)(args);
      const thread = await threadOf(debuggee, args);
      const call = calls.get(args.integer('targetId', { min: 0, max: MAX_ID }));
      if (call === undefined) throw badArgument('targetId', 'one that "stepInTargets" gave');
      return running(debuggee, thread, stepIntoCall(contextOf(thread), call));
    },
    stepInTargets: async (args) => {
      const { thread, isInnermost } = await debuggee.stopView.frame(args.integer('frameId', { min: 0, max: MAX_ID }));
      // Only the innermost function can be stepped in.
      if (!isInnermost) return { body: { targets: [] } };
      const target = debuggee.stoppedTarget;
      const { linear: start, codeBits } = await debuggee.stopView.position(thread);
      const end = debuggee.images.endOfLine(start);
      const read: Read = (address, length) => target.readMemory(thread, 'linear', address, length);
      const found = end === undefined ? [] : await callSites(decoder, read, { start, end, codeBits });
      calls.clear();
      return {
        body: {
          targets: found.map(({ at, target: callee }) => {
            const id = ++targets;
            calls.set(id, at);
            const name = callee === undefined ? undefined : debuggee.images.describe(callee);
            return { id, label: name ?? (callee === undefined ? `the call at ${hex(at)}` : hex(callee)) };
          }),
        },
      };
    },
    stepOut: async (args) => {
      const thread = await threadOf(debuggee, args);
      return running(debuggee, thread, stepOut(contextOf(thread)));
    },
    pause: async (args) => {
      await threadOf(debuggee, args);
      await debuggee.pause();
      return {};
    },
    'vmxray/stepping': (args) => {
      if (args.has('skipInterrupts')) debuggee.skipsInterrupts = args.flag('skipInterrupts');
      return { body: { skipInterrupts: debuggee.skipsInterrupts } satisfies SteppingAnswer };
    },
    'vmxray/stepExit': async (args) => {
      const thread = await threadOf(debuggee, args);
      const reasons = args.texts('reasons', MAX_REASONS);
      const { body, after } = await running(debuggee, thread, (go) => go({ kind: 'stepExit', reasons }));
      return {
        body,
        after: () => {
          debuggee.announceContinued(thread);
          after?.();
        },
      };
    },

    gotoTargets: (args) => {
      const path = args.object('source').text('path');
      const line = args.integer('line', { min: 0, max: MAX_ID });
      const found = debuggee.images.filesOf(path).flatMap(({ image, file }) => {
        const location = image.symbols.locationsOfLine(file, line);
        return (location?.addresses ?? []).flatMap((link) => {
          const linear = image.linear(link);
          if (linear === undefined) return [];
          const id = ++targets;
          gotoTargets.set(id, linear);
          const label = debuggee.images.describe(linear) ?? hex(linear);
          return [{ id, label, line: location!.line, instructionPointerReference: hex(linear) }];
        });
      });
      return { body: { targets: found } };
    },
    goto: async (args) => {
      const thread = await threadOf(debuggee, args);
      const linear = gotoTargets.get(args.integer('targetId', { min: 0, max: MAX_ID }));
      if (linear === undefined) throw badArgument('targetId', 'one that "gotoTargets" gave');
      const target = debuggee.stoppedTarget;
      const { linear: here, rip } = await target.position(thread);
      await target.writeRegister(thread, 'General', 'RIP', BigInt.asUintN(64, linear - (here - rip)));
      return { after: () => debuggee.announceMoved(thread) };
    },
  };
}
