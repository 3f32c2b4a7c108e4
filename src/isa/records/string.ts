/**
 * String instructions without I/O (SDM Vol. 1, 5.1.8 and 7.3.9; Vol. 2: MOVS, CMPS, SCAS, LODS, STOS). A meaning is one
 * iteration: the fold that runs it counts rCX and looks at ZF.
 */
import { define } from '../define';
import { borrowsOfSub } from '../flags';
import type { Int, Semantics } from '../semantics';
import { advance, destinationOf, sourceOf, stringForms } from './string-operands';

function compare(m: Semantics, a: Int, b: Int): void {
  const difference = m.let(m.sub(a, b));
  m.setArithmeticFlags(difference, borrowsOfSub(m, a, b, difference), m.size);
}

export const MOVS = define('MOVS', { forms: stringForms(0xa4), repeat: 'count', bulk: 'copy' }, (m) => {
  m.store(destinationOf(m), m.load(sourceOf(m), m.size), m.size);
  advance(m, m.size, 'RSI', 'RDI');
});

export const CMPS = define('CMPS', { forms: stringForms(0xa6), repeat: 'zero' }, (m) => {
  const a = m.load(sourceOf(m), m.size);
  const b = m.load(destinationOf(m), m.size);
  advance(m, m.size, 'RSI', 'RDI');
  compare(m, a, b);
});

export const STOS = define('STOS', { forms: stringForms(0xaa), repeat: 'count', bulk: 'fill' }, (m) => {
  m.store(destinationOf(m), m.register('RAX', m.size), m.size);
  advance(m, m.size, 'RDI');
});

export const LODS = define('LODS', { forms: stringForms(0xac), repeat: 'count' }, (m) => {
  const value = m.load(sourceOf(m), m.size);
  m.setRegister('RAX', m.size, value);
  advance(m, m.size, 'RSI');
});

export const SCAS = define('SCAS', { forms: stringForms(0xae), repeat: 'zero' }, (m) => {
  const b = m.load(destinationOf(m), m.size);
  const a = m.register('RAX', m.size);
  advance(m, m.size, 'RDI');
  compare(m, a, b);
});
