/**
 * The legacy region of FXSAVE and XSAVE, by component: where each register lies. The XSAVE area is this table; a new
 * component is a new row.
 *
 * Source: SDM Vol. 1 10.5.1 (table 10-2), 13.4 (XSAVE area), 13.6 (initial configurations).
 */
import { STATE } from './layout';
import type { ProcessorState } from './state';

/** Bytes of the legacy region, of the header, and of the whole area for x87 and SSE. */
export const LEGACY_BYTES = 512;
export const HEADER_BYTES = 64;
export const AREA_BYTES = LEGACY_BYTES + HEADER_BYTES;

/** Offsets in the legacy region. */
export const FX = {
  fcw: 0,
  fsw: 2,
  ftw: 4,
  fop: 6,
  fip: 8,
  fcs: 12,
  fdp: 16,
  fds: 20,
  mxcsr: 24,
  mxcsrMask: 28,
  st: 32,
  xmm: 160,
};

/** Bits of MXCSR that may be set: DAZ included. */
export const MXCSR_MASK = 0xffff;
export const MXCSR_INITIAL = 0x1f80;
const FCW_INITIAL = 0x37f;
/** Bits of the x87 control word that exist; bit 6 is always 1. */
const FCW_BITS = 0x1f7f;
const FCW_FIXED = 0x40;
const TOP_SHIFT = 11;
const ST_BYTES = 10;

/** How an image is laid out: pointers of 64 bits with REX.W; 8 XMM registers outside 64-bit mode. */
export interface ImageFormat {
  readonly widePointers: boolean;
  readonly xmmRegisters: 8 | 16;
}

/** One state component. `view` is an image of the legacy region. */
export interface StateComponent {
  /** Its bit in XCR0. */
  readonly bit: bigint;
  /** Bytes that it occupies: start and end of each stretch. */
  readonly stretches: (format: ImageFormat) => readonly (readonly [start: number, end: number])[];
  readonly save: (state: ProcessorState, view: DataView, format: ImageFormat) => void;
  readonly load: (state: ProcessorState, view: DataView, format: ImageFormat) => void;
  readonly initialise: (state: ProcessorState, format: ImageFormat) => void;
  readonly isInitial: (state: ProcessorState) => boolean;
}

/** State offset of ST(i). */
function stackRegister(state: ProcessorState, index: number): number {
  const top = (state.word(STATE.fpuStatus) >> TOP_SHIFT) & 7;
  return STATE.fpu + ((top + index) & 7) * 16;
}

const x87: StateComponent = {
  bit: 1n,
  stretches: () => [
    [0, FX.mxcsr],
    [FX.st, FX.xmm],
  ],
  save(state, view, { widePointers }) {
    view.setUint16(FX.fcw, state.word(STATE.fpuControl), true);
    view.setUint16(FX.fsw, state.word(STATE.fpuStatus), true);
    view.setUint16(FX.ftw, state.word(STATE.fpuTag) & 0xff, true);
    view.setUint16(FX.fop, state.word(STATE.fpuOpcode), true);
    view.setBigUint64(FX.fip, state.quad(STATE.fpuIp), true);
    view.setBigUint64(FX.fdp, state.quad(STATE.fpuDp), true);
    if (!widePointers) {
      view.setUint32(FX.fcs, state.word(STATE.fpuCs) & 0xffff, true);
      view.setUint32(FX.fds, state.word(STATE.fpuDs) & 0xffff, true);
    }
    for (let i = 0; i < 8; i++) {
      const from = stackRegister(state, i);
      for (let byte = 0; byte < 16; byte++) {
        view.setUint8(FX.st + i * 16 + byte, byte < ST_BYTES ? state.u8[from + byte]! : 0);
      }
    }
  },
  load(state, view, { widePointers }) {
    state.setWord(STATE.fpuControl, (view.getUint16(FX.fcw, true) & FCW_BITS) | FCW_FIXED);
    state.setWord(STATE.fpuStatus, view.getUint16(FX.fsw, true));
    state.setWord(STATE.fpuTag, view.getUint8(FX.ftw));
    state.setWord(STATE.fpuOpcode, view.getUint16(FX.fop, true) & 0x7ff);
    const pointer = (at: number): bigint =>
      widePointers ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
    state.setQuad(STATE.fpuIp, pointer(FX.fip));
    state.setQuad(STATE.fpuDp, pointer(FX.fdp));
    state.setWord(STATE.fpuCs, widePointers ? 0 : view.getUint16(FX.fcs, true));
    state.setWord(STATE.fpuDs, widePointers ? 0 : view.getUint16(FX.fds, true));
    for (let i = 0; i < 8; i++) {
      const to = stackRegister(state, i);
      for (let byte = 0; byte < ST_BYTES; byte++) state.u8[to + byte] = view.getUint8(FX.st + i * 16 + byte);
    }
    normaliseStatus(state);
  },
  initialise(state) {
    state.setWord(STATE.fpuControl, FCW_INITIAL);
    for (const offset of [STATE.fpuStatus, STATE.fpuTag, STATE.fpuOpcode, STATE.fpuCs, STATE.fpuDs]) {
      state.setWord(offset, 0);
    }
    state.setQuad(STATE.fpuIp, 0n);
    state.setQuad(STATE.fpuDp, 0n);
    state.u8.fill(0, STATE.fpu, STATE.fpu + 8 * 16);
  },
  isInitial(state) {
    const words = [STATE.fpuStatus, STATE.fpuTag, STATE.fpuOpcode, STATE.fpuCs, STATE.fpuDs];
    return (
      state.word(STATE.fpuControl) === FCW_INITIAL &&
      words.every((offset) => state.word(offset) === 0) &&
      state.quad(STATE.fpuIp) === 0n &&
      state.quad(STATE.fpuDp) === 0n &&
      state.u8.subarray(STATE.fpu, STATE.fpu + 8 * 16).every((byte) => byte === 0)
    );
  },
};

/** ES and B follow from the exception flags and masks whatever the image says (SDM Vol. 1, 8.1.3.3). */
function normaliseStatus(state: ProcessorState): void {
  const status = state.word(STATE.fpuStatus) & 0x7f7f;
  const pending = status & ~state.word(STATE.fpuControl) & 0x3f;
  state.setWord(STATE.fpuStatus, pending ? status | 0x8080 : status);
}

/** State offset of an XMM register. */
function xmm(number: number): number {
  return STATE.vector + number * 64;
}

const sse: StateComponent = {
  bit: 2n,
  stretches: ({ xmmRegisters }) => [[FX.xmm, FX.xmm + xmmRegisters * 16]],
  save(state, view, { xmmRegisters }) {
    for (let i = 0; i < xmmRegisters * 2; i++) {
      view.setBigUint64(FX.xmm + i * 8, state.quad(xmm(i >> 1) + (i & 1) * 8), true);
    }
  },
  load(state, view, { xmmRegisters }) {
    for (let i = 0; i < xmmRegisters * 2; i++) {
      state.setQuad(xmm(i >> 1) + (i & 1) * 8, view.getBigUint64(FX.xmm + i * 8, true));
    }
  },
  initialise(state, { xmmRegisters }) {
    for (let i = 0; i < xmmRegisters; i++) state.u8.fill(0, xmm(i), xmm(i) + 16);
  },
  isInitial(state) {
    for (let i = 0; i < 32; i++) if (state.quad(xmm(i >> 1) + (i & 1) * 8) !== 0n) return false;
    return state.word(STATE.mxcsr) === MXCSR_INITIAL;
  },
};

/** All components, by ascending bit. */
export const STATE_COMPONENTS: readonly StateComponent[] = [x87, sse];
