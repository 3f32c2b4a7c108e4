/** CMPXCHG8B and CMPXCHG16B (SDM Vol. 2A). ZF alone changes; the memory operand is written in either case. */
import { i32, i64 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import { define } from '../define';
import { op } from '../form';
import { registerPair, setRegisterPair } from './register-pair';

export const CMPXCHG8B = define('CMPXCHG8B', { forms: [op('0f c7 /1', 'Mq', { w: 0 })], lock: true }, (m, [dst]) => {
  const old = m.readForWrite(dst!) as I64;
  const equal = m.let(i64.eq(old, registerPair(m)));
  m.write(dst!, m.select(equal, registerPair(m, 'RCX', 'RBX'), old));
  m.if(i32.eqz(equal), () => {
    setRegisterPair(m, old);
  });
  m.setZero(equal);
});

export const CMPXCHG16B = define(
  'CMPXCHG16B',
  { forms: [op('0f c7 /1', 'Mdq', { w: 1, mode: 'long' })], lock: true, feature: 'CX16' },
  (m, [dst]) => {
    const place = m.address(dst!);
    const upper = m.displaced(place, i64.const(8));
    m.prove(place, 16, true);
    const [low, high] = [m.load(place, 64) as I64, m.load(upper, 64) as I64];
    const differs = (name: 'RAX' | 'RDX', value: I64): I64 => i64.xor(m.register(name, 64) as I64, value);
    const equal: I32 = m.let(i64.eqz(i64.or(differs('RAX', low), differs('RDX', high))));
    m.store(place, m.select(equal, m.register('RBX', 64), low), 64);
    m.store(upper, m.select(equal, m.register('RCX', 64), high), 64);
    m.if(i32.eqz(equal), () => {
      m.setRegister('RAX', 64, low);
      m.setRegister('RDX', 64, high);
    });
    m.setZero(equal);
  },
);
