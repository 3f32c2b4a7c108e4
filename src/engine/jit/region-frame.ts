/**
 * What a compiled region keeps in WebAssembly locals: general registers, the lazy flags, the budget, the linear address
 * of its page. All is loaded when the region is entered and stored back at its one end; registers that it does not name
 * stay where they are.
 */
import { i32, i64, loadV128 } from '../../wasm/expr';
import type { I32, I64, V128 } from '../../wasm/expr';
import type { FunctionBuilder, Local } from '../../wasm/function';
import { anyTrue, VECTOR_OPERATOR, v128Const, vector2 } from '../../wasm/simd';
import { MODE, SEGMENT_BYTES, STATE } from '../../cpu/layout';
import { quad, setQuad, setWord, word } from '../../cpu/paging/emit';
import { SEGMENT } from '../../isa/semantics';
import type { Bits } from '../../isa/semantics';
import { PAGE } from '../../memory/plan';
import { BLOCK } from '../entry';
import { deferredKind, settleDeferred } from '../lazy-flags';
import type { FlagPlace } from '../lazy-flags';

const PAGE_MASK = ~0xfffn;
const LOW_32 = 0xffffffffn;
const ONES = Array<number>(12).fill(0xff);
/** The first 16 bytes of a segment's record (`SEGMENT_FIELD`): base, limit, rights of a writable data segment. */
const FLAT = v128Const([...Array<number>(8).fill(0), 0xff, 0xff, 0xff, 0xff, 0x92, 0, 0, 0]);
/** What counts of them: of the rights, present, data, writable, expand-up, usable; of code, base and limit alone. */
const OF_DATA = v128Const([...ONES, 0x9e, 0, 0x01, 0]);
const OF_CODE = v128Const([...ONES, 0, 0, 0, 0]);

/** No page begins here. */
const NO_PAGE = 1n << 62n;

/** Where the accesses of a loop last were: a page that the TLB has for them, and what its entry adds. */
export interface ProvedPage {
  readonly page: Local<'i64'>;
  readonly addend: Local<'i32'>;
}

export class RegionFrame {
  /** Instructions that may still begin after the current block. */
  readonly budget: Local<'i32'>;
  /** RIP of the page's first byte. */
  readonly pageRip: Local<'i64'>;
  /** Host offset of the TLB. */
  readonly tlb: Local<'i32'>;
  /** What the region gives: the entry from which the interpreter goes on, 0 to look `STATE.rip` up. */
  readonly result: Local<'i32'>;
  /** Number of the block to enter. */
  readonly next: Local<'i32'>;
  readonly flagResult: Local<'i64'>;
  readonly flagCarries: Local<'i64'>;
  /** 0, or how the flags are deferred: see `deferredKind`. */
  private readonly flagKind: Local<'i32'>;
  private readonly general: readonly Local<'i64'>[];
  private readonly proved = new Map<string, ProvedPage>();
  private used = 0;
  private written = 0;
  private usesFlags = false;
  private writesFlags = false;

  constructor(
    readonly code: FunctionBuilder,
    /** The code is 64-bit; else 32-bit, in flat segments. */
    readonly is64: boolean,
  ) {
    this.next = code.local('i32');
    this.general = Array.from({ length: 16 }, () => code.local('i64'));
    this.flagResult = code.local('i64');
    this.flagCarries = code.local('i64');
    this.flagKind = code.local('i32');
    this.pageRip = code.local('i64');
    this.budget = code.local('i32');
    this.tlb = code.local('i32');
    this.result = code.local('i32');
  }

  /** General register `number`, as it is where the expression stands. */
  register(number: number): I64 {
    this.used |= 1 << number;
    return this.general[number]!.get();
  }

  setRegister(number: number, value: I64): void {
    this.used |= 1 << number;
    this.written |= 1 << number;
    this.code.set(this.general[number]!, value);
  }

  /** What is known of the accesses that `key` names; nothing when the region is entered. */
  provedPage(key: string): ProvedPage {
    let proved = this.proved.get(key);
    if (!proved) this.proved.set(key, (proved = { page: this.code.lasting('i64'), addend: this.code.lasting('i32') }));
    return proved;
  }

  /** RIP `offset` bytes behind the page's first byte. */
  rip(offset: number): I64 {
    const sum = i64.add(this.pageRip.get(), i64.const(offset));
    return this.is64 || (offset >= 0 && offset < PAGE) ? sum : i64.and(sum, i64.const(LOW_32));
  }

  /** Writes the region's beginning: to be prepended when all else is written. */
  enter(): void {
    const { code } = this;
    const block = code.param(0, 'i32').get();
    if (!this.is64) this.requireFlat(block);
    code.set(this.next, code.param(1, 'i32').get());
    code.set(this.pageRip, i64.and(quad(STATE.rip), i64.const(PAGE_MASK)));
    code.set(this.budget, word(STATE.budget));
    code.set(this.tlb, word(STATE.tlb));
    for (const { page } of this.proved.values()) code.set(page, i64.const(NO_PAGE));
    if (this.usesFlags) {
      code.set(this.flagResult, quad(STATE.flagResult));
      code.set(this.flagCarries, quad(STATE.flagCarries));
      code.set(this.flagKind, word(STATE.flagKind));
    }
    this.general.forEach((local, number) => {
      if ((this.used >> number) & 1) code.set(local, quad(STATE.general + number * 8));
    });
  }

  /**
   * 32-bit code runs in segments of 4 GiB from 0 and on a 32-bit stack; in any others the interpreter runs the block. No
   * region loads a segment: from one to the next nothing needs to be looked at again.
   */
  private requireFlat(block: I32): void {
    const { code } = this;
    const stack = i32.and(word(STATE.mode), i32.const(3 << MODE.stackShift));
    const differs = (number: number): V128 =>
      vector2(VECTOR_OPERATOR.xor, loadV128(i32.const(STATE.segments + number * SEGMENT_BYTES)), FLAT);
    const { and, or } = VECTOR_OPERATOR;
    const data = vector2(or, vector2(or, differs(SEGMENT.SS), differs(SEGMENT.DS)), differs(SEGMENT.ES));
    const all = vector2(or, vector2(and, data, OF_DATA), vector2(and, differs(SEGMENT.CS), OF_CODE));
    const otherStack = i32.xor(stack, i32.const(MODE.code32 << MODE.stackShift));
    code.if(i32.eqz(word(STATE.seenFlat)), () => {
      code.if(i32.or(anyTrue(all), otherStack), () => {
        setWord(code, STATE.block, block);
        setQuad(code, STATE.blockRip, quad(STATE.rip));
        code.return(i32.add(block, i32.const(BLOCK.headerBytes)));
      });
      setWord(code, STATE.seenFlat, i32.const(1));
    });
  }

  /** Writes the region's end. */
  leave(): void {
    const { code } = this;
    setWord(code, STATE.budget, this.budget.get());
    if (this.writesFlags) {
      setQuad(code, STATE.flagResult, this.flagResult.get());
      setQuad(code, STATE.flagCarries, this.flagCarries.get());
      setWord(code, STATE.flagKind, this.flagKind.get());
    }
    this.general.forEach((local, number) => {
      if ((this.written >> number) & 1) setQuad(code, STATE.general + number * 8, local.get());
    });
    code.return(this.result.get());
  }

  /** From here on the flags stand in `flags`. */
  hasFlags(): void {
    this.code.set(this.flagKind, i32.const(0));
  }

  /** From here on the flags are those of an addition or subtraction: what it added to or subtracted from, and gave. */
  deferFlags(kind: 'add' | 'sub', bits: Bits, a: I64, result: I64): void {
    this.usesFlags = this.writesFlags = true;
    this.code.set(this.flagResult, result);
    this.code.set(this.flagCarries, a);
    this.code.set(this.flagKind, i32.const(deferredKind(kind, bits)));
  }

  /** Puts deferred flags into `flags`. */
  settleFlags(): void {
    this.usesFlags = this.writesFlags = true;
    const { code, flagKind } = this;
    code.if(flagKind.get(), () =>
      code.scope(() => {
        settleDeferred(code, flagKind.get(), this.flags);
        this.hasFlags();
      }),
    );
  }

  /** The lazy flags in the frame's locals. */
  readonly flags: FlagPlace = {
    result: () => this.flag('flagResult'),
    resultLow: () => i32.wrap(this.flag('flagResult')),
    resultHigh: () => high(this.flag('flagResult')),
    carries: () => this.flag('flagCarries'),
    carriesLow: () => i32.wrap(this.flag('flagCarries')),
    carriesHigh: () => high(this.flag('flagCarries')),
    setResult: (_, value) => this.setFlag('flagResult', value),
    setCarries: (_, value) => this.setFlag('flagCarries', value),
    setCarriesHigh: (_, value) => {
      const low = i64.and(this.flag('flagCarries'), i64.const(0xffffffffn));
      this.setFlag('flagCarries', i64.or(low, i64.shl(i64.extendU(value), i64.const(32))));
    },
  };

  private flag(name: 'flagResult' | 'flagCarries'): I64 {
    this.usesFlags = true;
    return this[name].get();
  }

  private setFlag(name: 'flagResult' | 'flagCarries', value: I64): void {
    this.usesFlags = this.writesFlags = true;
    this.code.set(this[name], value);
  }
}

const high = (value: I64): I32 => i32.wrap(i64.shrU(value, i64.const(32)));
