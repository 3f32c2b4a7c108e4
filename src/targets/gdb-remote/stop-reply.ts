/**
 * Why a stub's guest stopped. Signals are gdb's (include/gdb/signals.def); QEMU says with them which state its VM is in
 * (gdbstub/softmmu.c): INT paused, TRAP a breakpoint, QUIT shut down. Source: "Debugging with GDB", E.3.
 */

/** A stop reply, read. */
export type StubStop =
  | { readonly kind: 'exited'; readonly text: string }
  | {
      readonly kind: 'signal';
      readonly signal: number;
      /** The thread's name in the protocol. */
      readonly thread: string | undefined;
      /** A watched place that was met. */
      readonly watch: { readonly kind: 'watch' | 'rwatch' | 'awatch'; readonly linear: bigint } | undefined;
    };

/** Signals that mean something of a machine. */
export const SIGNAL = { INT: 2, QUIT: 3, TRAP: 5 } as const;

const WATCH = /^(watch|rwatch|awatch)$/;
const THREAD = /^p?[0-9a-f.]{1,40}$/i;
const ADDRESS = /^0*[0-9a-f]{1,16}$/i;

/** Reads a stop reply; what it says beyond that is left out. */
export function readStopReply(reply: string): StubStop {
  const code = parseInt(reply.slice(1, 3), 16);
  if (reply[0] === 'W')
    return { kind: 'exited', text: `The guest powered off, or its VM was ended (with code ${code}).` };
  if (reply[0] === 'X') return { kind: 'exited', text: `The VM was ended by signal ${code}.` };
  const pairs = reply
    .slice(3)
    .split(';')
    .map((pair) => pair.split(':', 2) as [string, string?]);
  const thread = pairs.find(([name, value]) => name === 'thread' && THREAD.test(value ?? ''))?.[1];
  const watch = pairs.find(([name, value]) => WATCH.test(name) && ADDRESS.test(value ?? ''));
  return {
    kind: 'signal',
    signal: code,
    thread,
    watch: watch && { kind: watch[0] as 'watch', linear: BigInt.asUintN(64, BigInt(`0x${watch[1]}`)) },
  };
}
