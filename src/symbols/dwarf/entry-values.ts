/**
 * Values that functions were called with, which compilers note at the calls: DWARF 5 section 3.4 (call sites) and the GNU
 * extension that came before it. NOT IMPLEMENTED: arguments in memory, functions that lead back to
 * themselves by tail calls through other units.
 */
import { ByteReader } from '../byte-reader';
import { inherited, type DebugInfo } from './entries';
import type { Entry } from './entry';
import type { EntryNames } from './entry-names';
import { OP } from './operations';
import { registerName } from './registers';
import { ATTRIBUTE, TAG } from './tags';

/**
 * A variable `entry:rdi` in a place is what the register held when the frame's function was called:
 * `SymbolFile.valueOnEntry` gives it as an expression over the registers of the frame that called.
 */
export const ON_ENTRY = 'entry:';

/** An argument that a call passes: where, and what. */
export interface Argument {
  readonly entry: Entry;
  /** DWARF's expression of its place. */
  readonly bytes: Uint8Array;
  readonly value: Uint8Array;
  /** DWARF's expression of the function that is called, if the call goes through a pointer. */
  readonly target: Uint8Array | undefined;
}

/** Functions that are followed by tail calls. */
const MAX_FUNCTIONS = 64;
/** Blocks within each other. */
const MAX_DEPTH = 64;

/** The arguments of the call in a block with a return address, if it calls, or may call, the function with a name. */
export function argumentsOf(
  block: Entry,
  returnAddress: bigint,
  callee: string,
  info: DebugInfo,
  names: EntryNames,
): Argument[] {
  const found: Argument[] = [];
  for (const call of block.children()) {
    if (!isCall(call)) continue;
    const returns = call.address(call.tag === TAG.callSite ? ATTRIBUTE.callReturnPc : ATTRIBUTE.lowPc);
    const origin = originOf(call);
    if (returns !== returnAddress) continue;
    const target =
      origin === undefined ? (call.block(ATTRIBUTE.callTarget) ?? call.block(ATTRIBUTE.gnuCallSiteTarget)) : undefined;
    if (origin === undefined ? !target : !isNamed(info.entry(origin), callee, names)) continue;
    for (const entry of call.children()) {
      const bytes = entry.block(ATTRIBUTE.location);
      const value = entry.block(ATTRIBUTE.callValue) ?? entry.block(ATTRIBUTE.gnuCallSiteValue);
      if (bytes && value) found.push({ entry, bytes, value, target });
    }
  }
  return found;
}

/** `memcmp` is called as `__builtin_memcmp`, which has the name that it is linked by besides. */
function isNamed(entry: Entry, name: string, names: EntryNames): boolean {
  return names.of(entry) === name || entry.string(ATTRIBUTE.linkageName) === name;
}

/** Whether an argument's place is a register. */
export function isRegister(bytes: Uint8Array, name: string, bits: 32 | 64): boolean {
  const reader = new ByteReader(bytes, 'The place of an argument');
  const operation = reader.u8();
  const isShort = operation >= OP.reg0 && operation < OP.breg0;
  if (!isShort && operation !== OP.regx) return false;
  return registerName(isShort ? operation - OP.reg0 : reader.uleb(), bits) === name;
}

/** Whether a function's jumps to other functions can come back to it. */
export function leadsBack(info: DebugInfo, start: Entry): boolean {
  const identity = (entry: Entry): number => (inherited(info, entry, ATTRIBUTE.name) ?? entry).offset;
  const home = identity(start);
  const seen = new Set<number>();
  const waiting = [start];
  for (let next = waiting.pop(); next && seen.size < MAX_FUNCTIONS; next = waiting.pop()) {
    for (const origin of tailCallsOf(next, 0)) {
      const target = info.entry(origin);
      if (identity(target) === home) return true;
      if (!seen.has(origin)) waiting.push(target);
      seen.add(origin);
    }
  }
  return false;
}

function tailCallsOf(block: Entry, depth: number): number[] {
  const found: number[] = [];
  for (const child of block.children()) {
    if (isCall(child)) {
      const isTail = child.flag(ATTRIBUTE.callTailCall) || child.flag(ATTRIBUTE.gnuTailCall);
      const origin = isTail ? originOf(child) : undefined;
      if (origin !== undefined) found.push(origin);
    } else if ((child.tag === TAG.lexicalBlock || child.tag === TAG.inlinedSubroutine) && depth < MAX_DEPTH) {
      found.push(...tailCallsOf(child, depth + 1));
    }
  }
  return found;
}

function isCall({ tag }: Entry): boolean {
  return tag === TAG.callSite || tag === TAG.gnuCallSite;
}

function originOf(call: Entry): number | undefined {
  return call.reference(call.tag === TAG.callSite ? ATTRIBUTE.callOrigin : ATTRIBUTE.abstractOrigin);
}
