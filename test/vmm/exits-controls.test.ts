// Each VMX control and each bit of the bitmaps, toggled alone: the exits change as the SDM says (Vol. 3C 25.6 to 25.8),
// and the guest ends in the same state.
import assert from 'node:assert/strict';
import { BITMAP_SIZE } from '../../src/cpu/vmx/bitmaps';
import { controlsOf, ENTRY, EXIT, PIN, PRIMARY, SECONDARY } from '../../src/cpu/vmx/controls';
import type { ControlVector } from '../../src/cpu/vmx/controls';
import { supportsControl } from '../../src/cpu/vmx/capabilities';
import { EXIT_REASON } from '../../src/cpu/vmx/exit-reasons';
import { F } from '../../src/cpu/vmx/vmcs-layout';
import type { VmcsField } from '../../src/cpu/vmx/vmcs-layout';
import type { Machine } from '../../src/machine/machine';
import { exercise, INSTRUCTIONS } from './exercise';
import type { Exercise } from './exercise';
import { setField } from './exit-case';
import { capabilities } from './rig';

const R = EXIT_REASON;

/** Exits more (or fewer) than without the toggle, by basic reason; what VM entry says about it, or a word for it. */
type Counts = Readonly<Record<number, number>>;
type Prediction = Counts | RegExp | 'runs with the EFER of the host';

const NONE: Counts = {};
/** Exits that the guest takes when nothing is toggled. */
const WINDOWS = 2;
const TIMERS = 1;
/** CPUID, HLT, two of CR8, two IN, RDMSR and nine WRMSR of the local APIC: the hypervisor completes them itself. */
const EMULATED = 16;
/** #UD, #GP and three interrupts: the monitor trap flag exits once more behind each delivery. */
const DELIVERIES = 5;

/** What changes when the bit changes, from 0 to 1 or from 1 to 0 (the hypervisor's choice is in vmm/controls.ts). */
const PREDICTIONS: Readonly<Record<ControlVector, Readonly<Record<number, Prediction>>>> = {
  pin: {
    [PIN.EXTERNAL_INTERRUPT_EXITING]: NONE,
    // Virtual NMIs want NMI exiting (SDM 27.2.1.1).
    [PIN.NMI_EXITING]: /VM entry: .*virtual-nmis/,
    [PIN.VIRTUAL_NMIS]: NONE,
    [PIN.ACTIVATE_PREEMPTION_TIMER]: { [R.PREEMPTION_TIMER_EXPIRED]: -TIMERS },
  },
  primary: {
    // The windows are the hypervisor's to open and close at each entry.
    [PRIMARY.INTERRUPT_WINDOW_EXITING]: NONE,
    [PRIMARY.NMI_WINDOW_EXITING]: NONE,
    [PRIMARY.USE_TSC_OFFSETTING]: NONE,
    // The interrupt that wakes the guest now comes through an interrupt window.
    [PRIMARY.HLT_EXITING]: { [R.HLT]: -1, [R.INTERRUPT_WINDOW]: 1 },
    [PRIMARY.INVLPG_EXITING]: { [R.INVLPG]: 1, [R.INVPCID]: 1 },
    [PRIMARY.MWAIT_EXITING]: NONE,
    [PRIMARY.MONITOR_EXITING]: NONE,
    [PRIMARY.RDPMC_EXITING]: { [R.RDPMC]: 1 },
    [PRIMARY.RDTSC_EXITING]: { [R.RDTSC]: 1, [R.RDTSCP]: 1 },
    [PRIMARY.CR3_LOAD_EXITING]: { [R.CONTROL_REGISTER_ACCESS]: 1 },
    [PRIMARY.CR3_STORE_EXITING]: { [R.CONTROL_REGISTER_ACCESS]: 1 },
    [PRIMARY.CR8_LOAD_EXITING]: { [R.CONTROL_REGISTER_ACCESS]: -1 },
    [PRIMARY.CR8_STORE_EXITING]: { [R.CONTROL_REGISTER_ACCESS]: -1 },
    [PRIMARY.USE_TPR_SHADOW]: NONE,
    [PRIMARY.MOV_DR_EXITING]: { [R.MOV_DR]: 2 },
    [PRIMARY.UNCONDITIONAL_IO_EXITING]: { [R.IO_INSTRUCTION]: -2 },
    [PRIMARY.USE_IO_BITMAPS]: NONE,
    // Every boundary exits, so that events need no windows and the timer is never the first.
    [PRIMARY.MONITOR_TRAP_FLAG]: {
      [R.MONITOR_TRAP_FLAG]: INSTRUCTIONS - EMULATED + DELIVERIES,
      [R.INTERRUPT_WINDOW]: -WINDOWS,
      [R.PREEMPTION_TIMER_EXPIRED]: -TIMERS,
    },
    [PRIMARY.USE_MSR_BITMAPS]: { [R.RDMSR]: 3, [R.WRMSR]: 2 },
    [PRIMARY.PAUSE_EXITING]: { [R.PAUSE]: 1 },
    // Without the secondary controls there is no EPT, and with paging through EPT gone no guest memory.
    [PRIMARY.ACTIVATE_SECONDARY_CONTROLS]: /the guest ended: triple fault/,
  },
  secondary: {
    // Unrestricted guests want EPT (SDM 27.2.1.1).
    [SECONDARY.ENABLE_EPT]: /VM entry: .*unrestricted-guest/,
    [SECONDARY.DESCRIPTOR_TABLE_EXITING]: { [R.GDTR_IDTR_ACCESS]: 4, [R.LDTR_TR_ACCESS]: 2 },
    [SECONDARY.ENABLE_RDTSCP]: NONE,
    [SECONDARY.ENABLE_VPID]: NONE,
    [SECONDARY.WBINVD_EXITING]: { [R.WBINVD]: 1 },
    [SECONDARY.UNRESTRICTED_GUEST]: NONE,
    [SECONDARY.RDRAND_EXITING]: { [R.RDRAND]: 1 },
    [SECONDARY.ENABLE_INVPCID]: NONE,
    [SECONDARY.RDSEED_EXITING]: { [R.RDSEED]: 1 },
  },
  exit: {
    [EXIT.SAVE_DEBUG_CONTROLS]: NONE,
    // The host is in 64-bit mode (SDM 27.2.4).
    [EXIT.HOST_ADDRESS_SPACE_SIZE]: /VM entry: .*host/,
    [EXIT.ACKNOWLEDGE_INTERRUPT_ON_EXIT]: NONE,
    [EXIT.SAVE_PAT]: NONE,
    [EXIT.LOAD_PAT]: NONE,
    [EXIT.SAVE_EFER]: NONE,
    [EXIT.LOAD_EFER]: NONE,
    [EXIT.SAVE_PREEMPTION_TIMER]: NONE,
  },
  entry: {
    [ENTRY.LOAD_DEBUG_CONTROLS]: NONE,
    // The hypervisor sets it to what the guest begins with.
    [ENTRY.IA32E_MODE_GUEST]: NONE,
    [ENTRY.LOAD_PAT]: NONE,
    [ENTRY.LOAD_EFER]: 'runs with the EFER of the host',
  },
};

/** Controls without which an instruction does not exist for the guest: the guest that is compared does not use it. */
const WITHOUT: Readonly<Record<string, 'rdtscp' | 'invpcid'>> = {
  [`secondary ${SECONDARY.ENABLE_RDTSCP}`]: 'rdtscp',
  [`secondary ${SECONDARY.ENABLE_INVPCID}`]: 'invpcid',
};

const DEFAULTS: Readonly<Record<ControlVector, VmcsField>> = {
  pin: F.PIN_BASED_CONTROLS,
  primary: F.PRIMARY_CONTROLS,
  secondary: F.SECONDARY_CONTROLS,
  exit: F.EXIT_CONTROLS,
  entry: F.ENTRY_CONTROLS,
};

function changed(base: Exercise, prediction: Counts): Exercise {
  const exits: Record<number, number> = { ...base.exits };
  for (const [reason, more] of Object.entries(prediction)) exits[Number(reason)] = (exits[Number(reason)] ?? 0) + more;
  return { ...base, exits: Object.fromEntries(Object.entries(exits).filter(([, count]) => count !== 0)) };
}

/** The only control of ours that changes the guest: without it VM entry leaves EFER.SCE and NXE as the host has them. */
function assertHostEfer(toggled: Exercise, base: Exercise): void {
  assert.deepEqual(toggled.exits, base.exits);
  const names = Object.keys(base.registers).filter((name) => toggled.registers[name] !== base.registers[name]);
  assert.deepEqual(names, ['IA32_EFER']);
}

describe('toggling', function () {
  this.timeout(180_000);
  let base: Exercise;
  const chosen = {} as Record<ControlVector, number>;
  before(() => {
    base = exercise({
      prepare: ({ vmx }) => {
        for (const vector of Object.keys(DEFAULTS) as ControlVector[])
          chosen[vector] = vmx.current!.low(DEFAULTS[vector]);
      },
    });
  });

  for (const vector of Object.keys(controlsOf) as ControlVector[]) {
    for (const control of controlsOf[vector].filter((one) => supportsControl(capabilities, one))) {
      it(`${vector} control "${control.name}"`, () => {
        const prediction = PREDICTIONS[vector][control.mask];
        assert.ok(prediction, 'a prediction');
        const isSet = (chosen[vector] & control.mask) !== 0;
        const without = WITHOUT[`${vector} ${control.mask}`];
        const controls = { [vector]: isSet ? { clear: control.mask } : { set: control.mask } };
        const toggled = (): Exercise => exercise({ controls, ...(without ? { without } : {}) });
        if (prediction instanceof RegExp) assert.throws(toggled, prediction);
        else if (typeof prediction === 'string') assertHostEfer(toggled(), base);
        else assert.deepEqual(toggled(), changed(without ? exercise({ without }) : base, prediction));
      });
    }
  }

  const EXCEPTIONS: Readonly<Record<number, number>> = { 3: 1, 6: 1, 13: 1 };
  for (let vector = 0; vector < 32; vector++) {
    it(`bit ${vector} of the exception bitmap`, () => {
      const prepare = (machine: Machine): void => setField(machine, F.EXCEPTION_BITMAP, 1n << BigInt(vector));
      assert.deepEqual(exercise({ prepare }), changed(base, { [R.EXCEPTION_OR_NMI]: EXCEPTIONS[vector] ?? 0 }));
    });
  }

  /** Flips a bit of a bitmap in machine memory. */
  const flip =
    (field: VmcsField, offset: number, bit: number) =>
    (machine: Machine): void => {
      const address = machine.vmx.current!.number(field) + offset + (bit >> 3);
      machine.memory.write8(address, machine.memory.read(address, 1)[0]! ^ (1 << (bit & 7)));
    };
  const LOW_WRITE = BITMAP_SIZE / 2;
  const HIGH_READ = BITMAP_SIZE / 4;
  const MSRS: readonly (readonly [name: string, offset: number, bit: number, prediction: Counts])[] = [
    ['RDMSR of 10H', 0, 0x10, { [R.RDMSR]: 1 }],
    ['RDMSR of 174H', 0, 0x174, { [R.RDMSR]: 1 }],
    ['RDMSR of 175H', 0, 0x175, NONE],
    ['RDMSR of 1BH', 0, 0x1b, { [R.RDMSR]: -1 }],
    ['RDMSR of C0000082H', HIGH_READ, 0x82, { [R.RDMSR]: 1 }],
    ['WRMSR of 174H', LOW_WRITE, 0x174, { [R.WRMSR]: 1 }],
    ['WRMSR of 1BH', LOW_WRITE, 0x1b, { [R.WRMSR]: -1 }],
    ['WRMSR of 83FH', LOW_WRITE, 0x83f, { [R.WRMSR]: -2 }],
    ['WRMSR of C0000082H', LOW_WRITE + HIGH_READ, 0x82, { [R.WRMSR]: 1 }],
    ['WRMSR of C0000083H', LOW_WRITE + HIGH_READ, 0x83, NONE],
  ];
  for (const [name, offset, bit, prediction] of MSRS) {
    it(`MSR bitmap: ${name}`, () => {
      assert.deepEqual(exercise({ prepare: flip(F.MSR_BITMAPS, offset, bit) }), changed(base, prediction));
    });
  }

  const PORTS: readonly (readonly [field: VmcsField, bit: number, exits: number])[] = [
    [F.IO_BITMAP_A, 0x80, -1],
    [F.IO_BITMAP_A, 0x3f8, -1],
    [F.IO_BITMAP_A, 0x3f9, 0],
    [F.IO_BITMAP_B, 0x80, 0],
  ];
  for (const [field, bit, exits] of PORTS) {
    it(`${field.name}: bit ${bit.toString(16).toUpperCase()}H`, () => {
      const controls = { primary: { set: PRIMARY.USE_IO_BITMAPS } };
      const prediction = { [R.IO_INSTRUCTION]: exits };
      assert.deepEqual(exercise({ controls, prepare: flip(field, 0, bit) }), changed(base, prediction));
    });
  }
});
