/**
 * Port I/O (SDM Vol. 2A, IN, INS; Vol. 2B, OUT, OUTS; Vol. 1, 19.5). In order: the I/O permission check, the VM exit,
 * faults of the memory operand, the access. With REX.W the operand size is 32 bits.
 */
import { i32 } from '../../wasm/expr';
import type { I32 } from '../../wasm/expr';
import { define } from '../define';
import { op } from '../form';
import type { Bits, Operand, Semantics } from '../semantics';
import { advance, destinationOf, sourceOf, stringForms } from './string-operands';

/** Width of the port access in bits. */
function portBits(m: Semantics): Bits {
  return m.size === 64 ? 32 : m.size;
}

/** Asks whether the port may be accessed and whether that exits. */
function permitted(m: Semantics, port: I32, bits: Bits): void {
  m.call('ioPermission', port, i32.const(bits / 8));
  m.intercept('IO');
}

/** DX, or the immediate byte. */
function portOf(m: Semantics, operand: Operand): I32 {
  return m.let(m.narrow(m.read(operand, operand.kind === 'register' ? 16 : 8)));
}

export const IN = define(
  'IN',
  {
    forms: [
      op('e4', 'AL,Ib', { uimm: true }),
      op('e5', 'eAX,Ib', { uimm: true }),
      op('ec', 'AL,DX'),
      op('ed', 'eAX,DX'),
    ],
    endsBlock: true,
  },
  (m, [dst, from]) => {
    const bits = portBits(m);
    const port = portOf(m, from!);
    permitted(m, port, bits);
    m.call('portIn', port, i32.const(bits / 8));
    m.write(dst!, m.result(bits));
  },
);

export const OUT = define(
  'OUT',
  {
    forms: [
      op('e6', 'Ib,AL', { uimm: true }),
      op('e7', 'Ib,eAX', { uimm: true }),
      op('ee', 'DX,AL'),
      op('ef', 'DX,eAX'),
    ],
    endsBlock: true,
  },
  (m, [to, src]) => {
    const bits = portBits(m);
    const port = portOf(m, to!);
    permitted(m, port, bits);
    m.call('portOut', port, i32.const(bits / 8), m.narrow(m.read(src!)));
  },
);

export const INS = define('INS', { forms: stringForms(0x6c), repeat: 'count', endsBlock: true }, (m) => {
  const bits = portBits(m);
  const port = m.register('RDX', 16) as I32;
  permitted(m, port, bits);
  const to = destinationOf(m);
  m.prove(to, bits / 8);
  m.call('portIn', port, i32.const(bits / 8));
  m.store(to, m.result(bits), bits);
  advance(m, bits, 'RDI');
});

export const OUTS = define('OUTS', { forms: stringForms(0x6e), repeat: 'count', endsBlock: true }, (m) => {
  const bits = portBits(m);
  const port = m.register('RDX', 16) as I32;
  permitted(m, port, bits);
  const value = m.narrow(m.load(sourceOf(m), bits));
  m.call('portOut', port, i32.const(bits / 8), value);
  advance(m, bits, 'RSI');
});
