/** Fields of the MSRs that have some. Source: SDM Vol. 4 table 2-2, Vol. 3A 11.4.4, 12.11, 12.12. */
import { MSR } from '../../../cpu/msr-numbers';
import type { RegisterField } from '../../target';
import { bit, range } from './fields';

const MEMORY_TYPES = ['UC', 'WC', '', '', 'WT', 'WP', 'WB', 'UC-'];

const pat = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => range(n * 8 + 2, n * 8, `PA${n}`, 'memory type', MEMORY_TYPES));

const physicalBase = [range(7, 0, 'type', 'memory type', MEMORY_TYPES), range(51, 12, 'PhysBase')];
const physicalMask = [bit(11, 'V', 'valid'), range(51, 12, 'PhysMask')];
const VARIABLE_MTRRS = 8;

const lvt = (...more: RegisterField[]): RegisterField[] => [range(7, 0, 'vector'), bit(16, 'masked'), ...more];
const deliveryMode = range(10, 8, 'delivery mode', undefined, [
  ...['fixed', '', 'SMI', '', 'NMI', 'INIT', '', 'ExtINT'],
]);

/** Fields by MSR number. */
export const MSR_FIELDS: ReadonlyMap<number, readonly RegisterField[]> = new Map<number, readonly RegisterField[]>([
  [
    MSR.APIC_BASE,
    [
      bit(8, 'BSP', 'bootstrap processor'),
      bit(10, 'EXTD', 'x2APIC mode'),
      bit(11, 'EN', 'APIC global enable'),
      range(51, 12, 'APIC base', 'page number'),
    ],
  ],
  [MSR.FEATURE_CONTROL, [bit(0, 'lock'), bit(1, 'VMX inside SMX'), bit(2, 'VMX outside SMX')]],
  [MSR.SPEC_CTRL, [bit(0, 'IBRS'), bit(1, 'STIBP')]],
  [MSR.MTRRCAP, [range(7, 0, 'VCNT', 'variable ranges'), bit(8, 'FIX', 'fixed ranges'), bit(10, 'WC')]],
  [MSR.SYSENTER_CS, [range(15, 0, 'CS')]],
  [
    MSR.MISC_ENABLE,
    [bit(0, 'fast strings'), bit(11, 'BTS unavailable'), bit(12, 'PEBS unavailable'), bit(18, 'MONITOR')],
  ],
  [MSR.PAT, pat],
  [
    MSR.MTRR_DEF_TYPE,
    [range(7, 0, 'type', 'memory type', MEMORY_TYPES), bit(10, 'FE', 'fixed ranges enabled'), bit(11, 'E', 'enabled')],
  ],
  ...Array.from({ length: VARIABLE_MTRRS }, (_, i): [number, readonly RegisterField[]][] => [
    [MSR.MTRR_PHYSBASE0 + i * 2, physicalBase],
    [MSR.MTRR_PHYSBASE0 + i * 2 + 1, physicalMask],
  ]).flat(),
  [MSR.STAR, [range(47, 32, 'SYSCALL CS and SS'), range(63, 48, 'SYSRET CS and SS')]],
  [MSR.X2APIC_FIRST + 0x0f, [range(7, 0, 'spurious vector'), bit(8, 'software enable'), bit(12, 'EOI suppression')]],
  [MSR.X2APIC_FIRST + 0x32, lvt(range(18, 17, 'timer mode', undefined, ['one-shot', 'periodic', 'TSC-deadline']))],
  [MSR.X2APIC_FIRST + 0x33, lvt(deliveryMode)],
  [MSR.X2APIC_FIRST + 0x34, lvt(deliveryMode)],
  [MSR.X2APIC_FIRST + 0x35, lvt(deliveryMode, bit(13, 'active low'), bit(14, 'remote IRR'), bit(15, 'level'))],
  [MSR.X2APIC_FIRST + 0x36, lvt(deliveryMode, bit(13, 'active low'), bit(14, 'remote IRR'), bit(15, 'level'))],
  [MSR.X2APIC_FIRST + 0x37, lvt()],
]);
