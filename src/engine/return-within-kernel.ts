/**
 * Emits the return of an interrupt to where it came from in the kernel, by far the most frequent IRET: 106,000 of the
 * 109,000 of a Linux boot. Everything that could make it another one is looked at first, so that it changes nothing before
 * it is sure to complete; TypeScript does all others (cpu/interrupt-return.ts).
 *
 * Source: SDM Vol. 2A, IRET; Vol. 3A 5.8.6, 6.14.3.
 */
import { i32, i64, load32, load64 } from '../wasm/expr';
import type { I32, I64 } from '../wasm/expr';
import type { FunctionBuilder, Label } from '../wasm/function';
import { Outcome } from '../isa/slow';
import { SEGMENT } from '../isa/semantics';
import { SEGMENT_BYTES, SEGMENT_FIELD, STATE, TLB_ENTRY } from '../cpu/layout';
import { EFLAGS, RIGHTS } from '../cpu/mode';
import { any, quad, setQuad, setWord, word } from '../cpu/paging/emit';
import { GENERAL } from './access-semantics';
import type { Leave } from './handler';
import { setLazyFlags } from './lazy-flags';
import { tlbEntry, tlbHit, tlbHost } from './tlb';

const RSP = STATE.general + GENERAL.RSP * 8;
/** What is popped, 8 bytes each: byte offsets. */
const IMAGE = { rip: 0, cs: 8, flags: 16, rsp: 24, ss: 32, bytes: 40 } as const;
/** Flags that the image may change without more following from it, and those that it must leave as they are. */
const CHANGED = EFLAGS.IF | EFLAGS.DF;
const KEPT = EFLAGS.TF | EFLAGS.IOPL | EFLAGS.NT | EFLAGS.RF | EFLAGS.AC | EFLAGS.VIF | EFLAGS.VIP | EFLAGS.ID;
/** Flags with which an IRET is another one, or its accesses count otherwise than those to descriptors. */
const UNUSUAL = EFLAGS.TF | EFLAGS.NT | EFLAGS.RF | EFLAGS.AC;
/** Present code of DPL 0; present writable data of DPL 0: mask and value of the rights. */
const KERNEL_CODE = [0xf8, 0x98] as const;
const KERNEL_DATA = [0xfa, 0x92] as const;

/** The host address of `bytes` bytes at `linear`, all in one page that the TLB has for reads; else goes to `other`. */
function hostOf(f: FunctionBuilder, linear: I64, bytes: number, other: Label): I32 {
  const entry = f.let(tlbEntry(linear));
  f.brIf(other, i32.eqz(tlbHit(entry, TLB_ENTRY.read, linear, i64.const(bytes))));
  return f.let(tlbHost(entry, linear));
}

/** Goes to `other` unless `selector` is that of segment register `number`, and its descriptor in the GDT says what that holds. */
function requireSame(
  f: FunctionBuilder,
  number: number,
  selector: I32,
  [mask, value]: readonly [number, number],
  other: Label,
): void {
  const record = STATE.segments + number * SEGMENT_BYTES;
  f.brIf(other, i32.or(i32.ne(selector, word(record + SEGMENT_FIELD.selector)), i32.eqz(selector)));
  // TI and RPL: a descriptor of the GDT, at level 0.
  f.brIf(other, i32.and(selector, i32.const(7)));
  f.brIf(other, i32.gtU(i32.add(selector, i32.const(7)), word(STATE.gdtr + 8)));
  const host = hostOf(f, f.let(i64.add(quad(STATE.gdtr), i64.extendU(selector))), 8, other);
  const low = f.let(load32(host, 32));
  const high = f.let(load32(host, 32, 4));
  const middle = i32.or(i32.shrU(low, i32.const(16)), i32.shl(i32.and(high, i32.const(0xff)), i32.const(16)));
  const base = i32.or(middle, i32.and(high, i32.const(0xff000000 | 0)));
  f.brIf(other, i64.ne(i64.extendU(base), quad(record + SEGMENT_FIELD.base)));
  const units = f.let(i32.or(i32.and(low, i32.const(0xffff)), i32.and(high, i32.const(0xf0000))));
  const limit = f.local('i32');
  f.set(limit, units);
  f.if(any(high, 0x800000), () => f.set(limit, i32.or(i32.shl(units, i32.const(12)), i32.const(0xfff))));
  f.brIf(other, i32.ne(limit.get(), word(record + SEGMENT_FIELD.limit)));
  const rights = f.let(i32.and(i32.shrU(high, i32.const(8)), i32.const(0xf0ff)));
  f.brIf(other, i32.ne(rights, word(record + SEGMENT_FIELD.rights)));
  f.brIf(other, i32.ne(i32.and(rights, i32.const(mask)), i32.const(value)));
}

/** Goes to `other` unless SS holds what loading a null selector at CPL 0 leaves. */
function requireNullStack(f: FunctionBuilder, other: Label): void {
  const record = STATE.segments + SEGMENT.SS * SEGMENT_BYTES;
  const isOther = i32.or(
    i32.or(word(record + SEGMENT_FIELD.selector), word(record + SEGMENT_FIELD.limit)),
    i32.xor(word(record + SEGMENT_FIELD.rights), i32.const(RIGHTS.unusable)),
  );
  f.brIf(other, i32.or(isOther, i64.ne(quad(record + SEGMENT_FIELD.base), i64.const(0))));
}

/** See `Semantics.returnWithinKernel`. Only 64-bit code has operands of 64 bits, and CPL is the DPL of SS. */
export function emitReturnWithinKernel(f: FunctionBuilder, exits: Leave): void {
  f.block((other) => {
    const flags = f.let(word(STATE.eflags));
    f.brIf(other, i32.or(word(STATE.returnNotes), i32.and(flags, i32.const(UNUSUAL))));
    const image = hostOf(f, f.let(quad(RSP)), IMAGE.bytes, other);
    const popped = f.let(load32(image, 32, IMAGE.flags));
    f.brIf(other, i32.and(i32.xor(popped, flags), i32.const(KEPT)));
    requireSame(f, SEGMENT.CS, f.let(load32(image, 16, IMAGE.cs)), KERNEL_CODE, other);
    const stack = f.let(load32(image, 16, IMAGE.ss));
    f.if(
      stack,
      () => requireSame(f, SEGMENT.SS, stack, KERNEL_DATA, other),
      () => requireNullStack(f, other),
    );
    const rip = f.let(load64(image, 64, IMAGE.rip));
    f.brIf(other, i64.ne(i64.shrS(i64.shl(rip, i64.const(16)), i64.const(16)), rip));

    const kept = i32.and(flags, i32.const(~CHANGED));
    setWord(f, STATE.eflags, i32.or(kept, i32.and(popped, i32.const(CHANGED))));
    setLazyFlags(f, popped);
    setQuad(f, RSP, load64(image, 64, IMAGE.rsp));
    setQuad(f, STATE.rip, rip);
    f.if(word(STATE.attention), () => exits.leave(f, i32.const(Outcome.JumpedCheck)));
    exits.jumped(f);
  });
}
