/** Numbers and addresses that both syntaxes share. */
import type { Decoded, MemoryOperand } from '../decoded';
import { RIP_BASE } from '../decoded';
import type { OperandSpec } from '../form';
import { operandBits } from '../form';

export interface DisassembleOptions {
  /** Default `intel`. */
  readonly syntax?: 'intel' | 'att';
  /** Name for an address (`start_kernel+0x12`), or undefined; shown behind targets and RIP-relative addresses. */
  readonly symbol?: (address: bigint) => string | undefined;
}

/** `0x` and lower-case digits. */
export function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** A signed displacement with its sign in front. */
export function signedHex(value: bigint): string {
  return value < 0n ? `-${hex(-value)}` : `+${hex(value)}`;
}

/** An immediate as the unsigned number that the instruction uses: at the operand size when it is sign-extended. */
export function immediateText(decoded: Decoded, spec: OperandSpec, value: bigint): string {
  const encoded = operandBits(spec, decoded.size);
  const extended = decoded.form.uimm || spec.type === 'w' ? encoded : Math.max(encoded, decoded.size);
  return hex(BigInt.asUintN(extended, value));
}

/** Where a relative branch goes: offset in CS, cut to the operand size. */
export function branchTarget(decoded: Decoded, rip: bigint, displacement: bigint): bigint {
  return BigInt.asUintN(decoded.size, rip + BigInt(decoded.length) + displacement);
}

/** The offset that a memory operand names by itself (RIP-relative or absolute), or undefined. */
export function constantOffset(decoded: Decoded, rip: bigint, memory: MemoryOperand): bigint | undefined {
  if (memory.base === RIP_BASE)
    return BigInt.asUintN(decoded.addressSize, rip + BigInt(decoded.length) + memory.displacement);
  if (memory.base < 0 && memory.index < 0) return BigInt.asUintN(decoded.addressSize, memory.displacement);
  return undefined;
}

/** True when a prefix chose the operand's segment. */
export function hasOverride(memory: MemoryOperand): boolean {
  return memory.segment !== (memory.base === 4 || memory.base === 5 ? 2 : 3);
}

/** ` <name>` for an address that has one, else nothing. */
export function symbolSuffix(options: DisassembleOptions, address: bigint): string {
  const name = options.symbol?.(address);
  return name === undefined ? '' : ` <${name}>`;
}
