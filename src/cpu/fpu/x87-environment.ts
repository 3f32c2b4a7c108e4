/**
 * FNSTENV, FLDENV, FNSAVE and FRSTOR: the x87 environment and state images.
 * Source: SDM Vol. 1, 8.1.10, figures 8-9 to 8-12 (formats by mode and operand size), 8.1.7 (tags).
 */
import { X87_ENVIRONMENT } from '../../isa/float-operations';
import { F80 } from '../float/formats';
import { Kind } from '../float/value';
import { MODE, STATE } from '../layout';
import { CURRENT } from '../linear-memory';
import type { LinearMemory } from '../linear-memory';
import { linearAddress } from '../segmentation';
import { STATUS } from './x87-unit';
import type { X87Unit } from './x87-unit';

const TAG = { valid: 0, zero: 1, special: 2, empty: 3 } as const;
const REGISTER_BYTES = 10;
const OPCODE_MASK = 0x7ff;
/** Reserved upper halves of 32-bit images are stored as ones. */
const RESERVED = 0xffff0000;

/** The full tag word, from the abridged one and what the registers hold. */
function fullTagWord(unit: X87Unit): number {
  let word = 0;
  for (let number = 0; number < 8; number++) word |= tagOf(unit, number) << (2 * number);
  return word;
}

function tagOf(unit: X87Unit, number: number): number {
  if (((unit.tags >> number) & 1) === 0) return TAG.empty;
  const { kind, denormal } = F80.unpack(unit.readPhysical(number));
  if (kind === Kind.Zero) return TAG.zero;
  return kind === Kind.Finite && !denormal ? TAG.valid : TAG.special;
}

function abridged(word: number): number {
  let tags = 0;
  for (let number = 0; number < 8; number++) if (((word >> (2 * number)) & 3) !== TAG.empty) tags |= 1 << number;
  return tags;
}

/** One of the four formats. */
interface Layout {
  /** Bytes of one field, 2 or 4. */
  readonly field: 2 | 4;
  /** Linear addresses instead of selector and offset: real and virtual-8086 mode. */
  readonly isLinear: boolean;
}

function layoutOf(unit: X87Unit, operandSize: number): Layout {
  const mode = unit.state.word(STATE.mode);
  const isLinear = (mode & MODE.protected) === 0 || (mode & MODE.virtual8086) !== 0;
  return { field: operandSize === 16 ? 2 : 4, isLinear };
}

/** The last four fields: instruction pointer, its selector and opcode, data pointer, its selector. */
function pointerFields({ state }: X87Unit, { field, isLinear }: Layout): number[] {
  const ip = Number(BigInt.asUintN(32, state.quad(STATE.fpuIp)));
  const dp = Number(BigInt.asUintN(32, state.quad(STATE.fpuDp)));
  const opcode = state.word(STATE.fpuOpcode) & OPCODE_MASK;
  const cs = state.word(STATE.fpuCs);
  const ds = state.word(STATE.fpuDs);
  if (!isLinear) {
    if (field === 2) return [ip & 0xffff, cs, dp & 0xffff, ds];
    return [ip, cs | (opcode << 16), dp, (RESERVED | ds) >>> 0];
  }
  const linearIp = (ip + cs * 16) >>> 0;
  const linearDp = (dp + ds * 16) >>> 0;
  if (field === 2) {
    return [linearIp & 0xffff, ((linearIp >>> 4) & 0xf000) | opcode, linearDp & 0xffff, (linearDp >>> 4) & 0xf000];
  }
  const low = (linear: number): number => (RESERVED | (linear & 0xffff)) >>> 0;
  return [low(linearIp), ((linearIp >>> 16) << 12) | opcode, low(linearDp), (linearDp >>> 16) << 12];
}

function loadPointers(unit: X87Unit, fields: readonly number[], { field, isLinear }: Layout): void {
  const [ip = 0, codeField = 0, dp = 0, dataField = 0] = fields;
  if (!isLinear) {
    const opcode = field === 2 ? unit.state.word(STATE.fpuOpcode) : (codeField >>> 16) & OPCODE_MASK;
    unit.setPointers(BigInt(ip), codeField & 0xffff, BigInt(dp), dataField & 0xffff, opcode);
    return;
  }
  const high = (word: number): number => (field === 2 ? (word >>> 12) & 0xf : (word >>> 12) & 0xffff);
  const linear = (low: number, word: number): bigint => BigInt((low & 0xffff) + high(word) * 0x10000);
  unit.setPointers(linear(ip, codeField), 0, linear(dp, dataField), 0, codeField & OPCODE_MASK);
}

function environmentBytes(unit: X87Unit, layout: Layout): number[] {
  const { field } = layout;
  const words = [unit.control, unit.status, fullTagWord(unit)].map((word) => (field === 2 ? word : RESERVED | word));
  return [...words, ...pointerFields(unit, layout)].flatMap((word) =>
    Array.from({ length: field }, (_, byte) => (word >>> (8 * byte)) & 0xff),
  );
}

function loadEnvironment(unit: X87Unit, bytes: Uint8Array, layout: Layout): void {
  const { field } = layout;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (n: number): number => (field === 2 ? view.getUint16(n * 2, true) : view.getUint32(n * 4, true));
  unit.status = word(1);
  unit.tags = abridged(word(2));
  unit.control = word(0);
  loadPointers(unit, [word(3), word(4), word(5), word(6)], layout);
}

/** ST(0) to ST(7), ten bytes each. */
function registerBytes(unit: X87Unit): number[] {
  return Array.from({ length: 8 }, (_, i) => {
    const { significand, signExponent } = unit.read(i);
    const bits = (BigInt(signExponent) << 64n) | significand;
    return Array.from({ length: REGISTER_BYTES }, (_, byte) => Number((bits >> BigInt(8 * byte)) & 0xffn));
  }).flat();
}

function loadRegisters(unit: X87Unit, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < 8; i++) {
    const at = i * REGISTER_BYTES;
    const value = { significand: view.getBigUint64(at, true), signExponent: view.getUint16(at + 8, true) };
    unit.writePhysical(unit.physical(i), value);
  }
}

/** Carries out an operation of `X87_ENVIRONMENT` at `offset` in `segment`; `operandSize` 16, 32 or 64 bits. */
export function environment(
  unit: X87Unit,
  memory: LinearMemory,
  operation: number,
  segment: number,
  offset: bigint,
  operandSize: number,
): void {
  const layout = layoutOf(unit, operandSize);
  const environmentLength = 7 * layout.field;
  const isWhole = operation === X87_ENVIRONMENT.FNSAVE || operation === X87_ENVIRONMENT.FRSTOR;
  const isStore = operation === X87_ENVIRONMENT.FNSTENV || operation === X87_ENVIRONMENT.FNSAVE;
  const length = environmentLength + (isWhole ? 8 * REGISTER_BYTES : 0);
  const linear = linearAddress(unit, segment, offset, length, isStore ? 'write' : 'read');
  if (isStore) {
    const bytes = [...environmentBytes(unit, layout), ...(isWhole ? registerBytes(unit) : [])];
    memory.writeBytes(linear, Uint8Array.from(bytes), CURRENT);
    if (isWhole) unit.initialize();
    else unit.control |= STATUS.exceptions;
    return;
  }
  const bytes = memory.readBytes(linear, length, CURRENT);
  loadEnvironment(unit, bytes, layout);
  if (isWhole) loadRegisters(unit, bytes.subarray(environmentLength));
}
