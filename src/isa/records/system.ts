/**
 * Processor control (SDM Vol. 2 and Vol. 1, 5.20): identification, time, MSRs, TLB and caches, HLT, MONITOR, segment
 * bases, random numbers. VM exits come after #UD and faults of privilege (SDM Vol. 3C, 26.1.1).
 */
import { i32, i64 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import { define } from '../define';
import type { Feature, Instruction } from '../define';
import { op } from '../form';
import { FLAG, SEGMENT, VECTOR } from '../semantics';
import type { GeneralName, Semantics } from '../semantics';
import { registerPair, setRegisterPair } from './register-pair';

const CR4 = { TSD: 2, PCE: 8, FSGSBASE: 16 } as const;

function register32(m: Semantics, name: GeneralName): I32 {
  return m.narrow(m.register(name, 32));
}

export const CPUID = define('CPUID', { forms: [op('0f a2')], exit: 'CPUID' }, (m) => {
  m.call('cpuid', register32(m, 'RAX'), register32(m, 'RCX'));
  const [first, second] = [m.result(64) as I64, m.result2()];
  setRegisterPair(m, first, 'RBX', 'RAX');
  setRegisterPair(m, second, 'RDX', 'RCX');
});

/** #GP(0) above CPL 0 where bit `bit` of CR4 forbids (1) or does not allow (0) the instruction there. */
function guardedByCr4(m: Semantics, bit: number, forbids: 0 | 1): void {
  const flag = m.bit(m.state('cr4'), bit);
  const outside = i32.ne(m.state('cpl'), i32.const(0));
  m.faultIf(i32.and(forbids ? flag : i32.eqz(flag), outside), VECTOR.GP, i32.const(0));
}

export const RDTSC = define('RDTSC', { forms: [op('0f 31')] }, (m) => {
  guardedByCr4(m, CR4.TSD, 1);
  m.intercept('RDTSC');
  setRegisterPair(m, m.timeStampCounter());
});

export const RDTSCP = define('RDTSCP', { forms: [op('0f 01 f9')], feature: 'RDTSCP' }, (m) => {
  guardedByCr4(m, CR4.TSD, 1);
  m.intercept('RDTSCP');
  setRegisterPair(m, m.timeStampCounter());
  m.setRegister('RCX', 32, m.state('tscAux'));
});

export const RDPMC = define('RDPMC', { forms: [op('0f 33')] }, (m) => {
  guardedByCr4(m, CR4.PCE, 0);
  m.intercept('RDPMC');
  m.call('rdpmc', register32(m, 'RCX'));
  setRegisterPair(m, m.result(64) as I64);
});

export const RDMSR = define('RDMSR', { forms: [op('0f 32')], privilege: 0, exit: 'RDMSR' }, (m) => {
  m.call('rdmsr', register32(m, 'RCX'));
  setRegisterPair(m, m.result(64) as I64);
});

export const WRMSR = define('WRMSR', { forms: [op('0f 30')], privilege: 0, exit: 'WRMSR', endsBlock: true }, (m) =>
  m.call('wrmsr', register32(m, 'RCX'), registerPair(m)),
);

export const INVLPG = define(
  'INVLPG',
  { forms: [op('0f 01 /7', 'M')], privilege: 0, exit: 'INVLPG', endsBlock: true },
  (m, [operand]) => {
    const { segment, offset } = m.address(operand!);
    m.call('invalidatePage', segment, offset);
  },
);

export const INVPCID = define(
  'INVPCID',
  {
    forms: [op('66 0f 38 82', 'Gd,Mdq', { mode: 'legacy' }), op('66 0f 38 82', 'Gq,Mdq', { mode: 'long' })],
    feature: 'INVPCID',
    privilege: 0,
    exit: 'INVPCID',
    endsBlock: true,
  },
  (m, [type, descriptor]) => {
    const { segment, offset } = m.address(descriptor!);
    m.call('invalidatePcid', m.wide(m.read(type!)), segment, offset);
  },
);

export const INVD = define('INVD', { forms: [op('0f 08')], privilege: 0, exit: 'INVD' }, (m) =>
  m.call('invalidateCaches'),
);
export const WBINVD = define('WBINVD', { forms: [op('0f 09')], privilege: 0, exit: 'WBINVD' }, (m) =>
  m.call('invalidateCaches'),
);

export const HLT = define('HLT', { forms: [op('f4')], privilege: 0, exit: 'HLT', endsBlock: true }, (m) =>
  m.call('halt'),
);

export const MONITOR = define('MONITOR', { forms: [op('np 0f 01 c8')], feature: 'MONITOR' }, (m) => {
  m.faultIf(m.state('cpl'), VECTOR.UD);
  m.intercept('MONITOR');
  m.faultIf(register32(m, 'RCX'), VECTOR.GP, i32.const(0)); // no extensions are defined
  const start = m.at(m.dataSegment(), m.register('RAX', 64) as I64);
  const { segment, offset } = m.displaced(start, i64.const(0));
  m.call('monitor', offset, segment);
});

export const MWAIT = define('MWAIT', { forms: [op('np 0f 01 c9')], feature: 'MONITOR', endsBlock: true }, (m) => {
  m.faultIf(m.state('cpl'), VECTOR.UD);
  m.intercept('MWAIT');
  m.call('mwait', register32(m, 'RAX'), register32(m, 'RCX'));
});

export const SWAPGS = define('SWAPGS', { forms: [op('0f 01 f8', '', { mode: 'long' })], privilege: 0 }, (m) =>
  m.call('swapGs'),
);

function segmentBase(name: string, extension: number, segment: number, writes: boolean): Instruction {
  const forms = [op(`f3 0f ae /${extension}`, 'Ry', { mode: 'long' })];
  return define(name, { forms, feature: 'FSGSBASE' }, (m, [operand]) => {
    m.faultIf(i32.eqz(m.bit(m.state('cr4'), CR4.FSGSBASE)), VECTOR.UD);
    if (writes) {
      m.call('writeSegmentBase', i32.const(segment), m.wide(m.read(operand!)));
      return;
    }
    m.call('readSegmentBase', i32.const(segment));
    m.write(operand!, m.result(operand!.bits as 32 | 64));
  });
}

export const RDFSBASE = segmentBase('RDFSBASE', 0, SEGMENT.FS, false);
export const RDGSBASE = segmentBase('RDGSBASE', 1, SEGMENT.GS, false);
export const WRFSBASE = segmentBase('WRFSBASE', 2, SEGMENT.FS, true);
export const WRGSBASE = segmentBase('WRGSBASE', 3, SEGMENT.GS, true);

/** A random number is always there: CF is 1, the other flags are 0. */
function random(name: 'RDRAND' | 'RDSEED', extension: number): Instruction {
  const feature: Feature = name;
  const forms = [op(`np 0f c7 /${extension}`, 'Rv')];
  return define(name, { forms, feature, exit: name }, (m, [dst]) => {
    m.call('random', i32.const(m.size));
    m.write(dst!, m.result(m.size));
    m.setFlags(i32.const(FLAG.CF));
  });
}

export const RDRAND = random('RDRAND', 6);
export const RDSEED = random('RDSEED', 7);
