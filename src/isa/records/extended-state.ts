/**
 * Saving and restoring x87, MMX and SSE state, and MXCSR (SDM Vol. 1, 10.5, ch. 13; Vol. 2: FXSAVE, FXRSTOR, XSAVE,
 * XSAVEOPT, XRSTOR, LDMXCSR, STMXCSR). The slow functions of the
 * images check everything: CR0, CR4, alignment, contents.
 */
import { i32 } from '../../wasm/expr';
import type { I32 } from '../../wasm/expr';
import { define } from '../define';
import type { Instruction } from '../define';
import { op } from '../form';
import { registerPair } from './register-pair';

/** FXSAVE and FXRSTOR; the REX.W forms have 64-bit pointers in the image. */
function legacy(name: 'fxsave' | 'fxrstor', extension: number): Instruction[] {
  return ([0, 1] as const).map((w) => {
    const forms = [op(`np 0f ae /${extension}`, 'M', { w })];
    return define(name.toUpperCase() + (w ? '64' : ''), { forms, feature: 'FXSR' }, (m, [image]) => {
      const { segment, offset } = m.address(image!);
      m.call(name, segment, offset, i32.const(w));
    });
  });
}

/** XSAVE, XSAVEOPT and XRSTOR of the components in EDX:EAX. */
function extended(name: string, extension: number, slow: 'xsave' | 'xrstor', optimized: 0 | 1): Instruction[] {
  return ([0, 1] as const).map((w) => {
    const forms = [op(`np 0f ae /${extension}`, 'M', { w })];
    return define(name + (w ? '64' : ''), { forms, feature: 'XSAVE' }, (m, [image]) => {
      const { segment, offset } = m.address(image!);
      m.call(slow, segment, offset, registerPair(m), i32.const(w | (optimized << 1)));
    });
  });
}

const LDMXCSR = define('LDMXCSR', { forms: [op('np 0f ae /2', 'Md')], feature: 'SSE' }, (m, [src]) => {
  m.enterSse();
  m.call('loadMxcsr', m.read(src!, 32) as I32);
});

const STMXCSR = define('STMXCSR', { forms: [op('np 0f ae /3', 'Md')], feature: 'SSE' }, (m, [dst]) => {
  m.enterSse();
  m.write(dst!, m.state('mxcsr'));
});

export const EXTENDED_STATE: readonly Instruction[] = [
  ...legacy('fxsave', 0),
  ...legacy('fxrstor', 1),
  LDMXCSR,
  STMXCSR,
  ...extended('XSAVE', 4, 'xsave', 0),
  ...extended('XRSTOR', 5, 'xrstor', 0),
  ...extended('XSAVEOPT', 6, 'xsave', 1),
];
