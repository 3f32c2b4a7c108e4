/** What all string instructions share: encodings, source, destination, and the step to the next element. */
import { i32, i64, select } from '../../wasm/expr';
import type { I64 } from '../../wasm/expr';
import { op } from '../form';
import type { Form } from '../form';
import { SEGMENT } from '../semantics';
import type { Address, Bits, Semantics } from '../semantics';

/** The byte form at `opcode` and the sized one behind it. */
export function stringForms(opcode: number): Form[] {
  return [op(opcode.toString(16), '', { byte: true }), op((opcode + 1).toString(16), '', { sized: true })];
}

/** Where the iteration reads: the data segment at rSI. */
export function sourceOf(m: Semantics): Address {
  return m.at(m.dataSegment(), m.addressRegister('RSI'));
}

/** Where it writes, or compares: ES at rDI, not to be overridden. */
export function destinationOf(m: Semantics): Address {
  return m.at(i32.const(SEGMENT.ES), m.addressRegister('RDI'));
}

/** Moves rSI, rDI or both by one element of `bits`, up or down as DF says. */
export function advance(m: Semantics, bits: Bits, ...names: ('RSI' | 'RDI')[]): void {
  const step: I64 = m.let(select(m.direction(), i64.const(-bits / 8), i64.const(bits / 8)));
  for (const name of names) m.setAddressRegister(name, i64.add(m.addressRegister(name), step));
}
