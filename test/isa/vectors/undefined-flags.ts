// Flags that the SDM (Vol. 2) leaves undefined: vectors do not compare them. What our machine makes of them is written
// in the records' headers and checked by choices.test.ts.

import { ARITHMETIC } from './vector';

const [CF, ZF, AF, OF] = [1, 0x40, 0x10, 0x800];

/** Of an execution of `name` at operand size `size` with the masked `count` of a shift (else 0). */
export function undefinedFlags(name: string, size: number, count: number): number {
  const names = (list: string): boolean => list.split(' ').includes(name);
  if (names('SHL SAL SHR SAR SHLD SHRD'))
    return count === 0 ? 0 : AF | (count !== 1 ? OF : 0) | (count >= size ? CF : 0);
  if (names('ROL ROR RCL RCR')) return count > 1 ? OF : 0;
  if (names('MUL IMUL')) return ARITHMETIC & ~(CF | OF);
  if (names('DIV IDIV')) return ARITHMETIC;
  if (names('BSF BSR')) return ARITHMETIC & ~ZF;
  if (names('BT BTS BTR BTC')) return ARITHMETIC & ~(CF | ZF);
  if (names('AND OR XOR TEST')) return AF;
  if (names('AAA AAS')) return ARITHMETIC & ~(CF | AF);
  if (names('DAA DAS')) return OF;
  if (names('AAD AAM')) return CF | AF | OF;
  return 0;
}
