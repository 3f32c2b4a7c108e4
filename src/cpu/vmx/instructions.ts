/**
 * The VMX instructions in VMX root operation (and VMXON outside VMX operation). Source: SDM Vol. 3C chapter 31.
 * Privilege, and the VM exits of non-root operation, come before (see `isa/records/vmx.ts`).
 *
 * NOT IMPLEMENTED: VMFUNC (#UD), SMX, dual-monitor treatment.
 */
import { Outcome } from '../../isa/slow';
import { FLAG, VECTOR } from '../../isa/semantics';
import { MODE, STATE } from '../layout';
import { CR4 } from '../mode';
import { CURRENT } from '../linear-memory';
import { GuestFault } from '../signals';
import type { VmxInstructions } from '../vmx-hooks';
import { EPT_CAPABILITY } from './capabilities';
import { controlRegisterAllowed } from './fixed-bits';
import type { EntryResult, VmEntries } from './entry';
import { VM_INSTRUCTION_ERROR as ERROR } from './instruction-errors';
import { MSR } from '../msr-numbers';
import type { TranslationRegime } from './translation-regime';
import { F } from './vmcs-layout';
import { NO_POINTER } from './vmx-core';
import type { VmxCore } from './vmx-core';

const LOCKED_AND_ENABLED = 5n;
const NO_VMCS = 0xffff_ffff_ffff_ffffn;
const EPTP_RESERVED = 0xf80n;

/** The instructions as slow functions: flags go to `result2`, values to `result`. */
export class VmxInstructionSet implements VmxInstructions {
  constructor(
    private readonly core: VmxCore,
    private readonly entries: VmEntries,
    private readonly regime: TranslationRegime,
  ) {}

  readonly vmxOperation = (rules: number): Outcome => {
    const { state } = this.core.processor;
    const mode = state.word(STATE.mode);
    const isLegal =
      (mode & MODE.protected) !== 0 &&
      !(mode & MODE.virtual8086) &&
      (!(mode & MODE.long) || (mode & MODE.codeMask) === MODE.code64);
    const isEnabled = rules === 0 ? (state.word(STATE.cr4) & CR4.VMXE) !== 0 : this.core.modeBits !== 0;
    if (!isEnabled || (rules !== 1 && !isLegal)) throw new GuestFault(VECTOR.UD);
    return Outcome.Done;
  };

  readonly vmxon = (pointer: bigint): Outcome => {
    const { core } = this;
    const { state } = core.processor;
    if (core.modeBits) return this.fail(ERROR.VMXON_IN_ROOT);
    const isAllowed =
      (core.processor.storedMsr(MSR.FEATURE_CONTROL) & LOCKED_AND_ENABLED) === LOCKED_AND_ENABLED &&
      controlRegisterAllowed(core, 0, state.quad(STATE.cr0)) &&
      controlRegisterAllowed(core, 4, state.quad(STATE.cr4));
    if (!isAllowed) throw new GuestFault(VECTOR.GP, 0);
    if (!core.isRegionPointer(pointer)) return this.flags(FLAG.CF);
    if (core.readPhysical32(Number(pointer)) !== core.capabilities.revisionIdentifier) return this.flags(FLAG.CF);
    core.vmxonPointer = Number(pointer);
    core.setCurrent(NO_POINTER);
    return this.changeOperation(MODE.root);
  };

  readonly vmxoff = (): Outcome => {
    this.core.vmxonPointer = NO_POINTER;
    this.core.setCurrent(NO_POINTER);
    return this.changeOperation(0);
  };

  readonly vmclear = (pointer: bigint): Outcome => {
    const { core } = this;
    if (!core.isRegionPointer(pointer)) return this.fail(ERROR.VMCLEAR_INVALID_ADDRESS);
    const physical = Number(pointer);
    if (physical === core.vmxonPointer) return this.fail(ERROR.VMCLEAR_VMXON_POINTER);
    const vmcs = physical === core.currentVmcs ? core.current : core.vmcsAt(physical);
    if (vmcs) vmcs.launched = false;
    if (physical === core.currentVmcs) core.setCurrent(NO_POINTER);
    return this.flags(0);
  };

  readonly vmptrld = (pointer: bigint): Outcome => {
    const { core } = this;
    if (!core.isRegionPointer(pointer)) return this.fail(ERROR.VMPTRLD_INVALID_ADDRESS);
    const physical = Number(pointer);
    if (physical === core.vmxonPointer) return this.fail(ERROR.VMPTRLD_VMXON_POINTER);
    // The shadow-VMCS indicator is bit 31 of the same word; no shadow VMCS can be current here.
    if (core.readPhysical32(physical) !== core.capabilities.revisionIdentifier)
      return this.fail(ERROR.VMPTRLD_INCORRECT_REVISION);
    core.setCurrent(physical);
    return this.flags(0);
  };

  readonly vmptrst = (): Outcome => {
    const { currentVmcs, processor } = this.core;
    processor.state.setQuad(STATE.result, currentVmcs === NO_POINTER ? NO_VMCS : BigInt(currentVmcs));
    return this.flags(0);
  };

  readonly vmread = (encoding: bigint): Outcome => {
    const { current, processor } = this.core;
    if (!current) return this.flags(FLAG.CF);
    const value = current.read(Number(BigInt.asUintN(64, encoding)));
    if (value === undefined) return this.fail(ERROR.UNSUPPORTED_COMPONENT);
    processor.state.setQuad(STATE.result, value);
    return this.flags(0);
  };

  readonly vmwrite = (encoding: bigint, value: bigint): Outcome => {
    const { current } = this.core;
    if (!current) return this.flags(FLAG.CF);
    switch (current.write(Number(BigInt.asUintN(64, encoding)), BigInt.asUintN(64, value))) {
      case 'done':
        return this.flags(0);
      case 'unsupported':
        return this.fail(ERROR.UNSUPPORTED_COMPONENT);
      case 'read-only':
        return this.fail(ERROR.VMWRITE_READ_ONLY);
    }
  };

  readonly vmlaunch = (): Outcome => this.enter(true);
  readonly vmresume = (): Outcome => this.enter(false);
  readonly vmcall = (): Outcome => this.fail(ERROR.VMCALL_IN_ROOT);

  readonly vmfunc = (): Outcome => {
    throw new GuestFault(VECTOR.UD);
  };

  readonly invept = (type: bigint, segment: number, offset: bigint): Outcome => {
    const [low, high] = this.descriptor(segment, offset);
    const { capabilities } = this.core;
    const kind = BigInt.asUintN(64, type);
    const isWriteBack = (low & 7n) === 6n || (low & 7n) === 0n;
    const hasFlags = (capabilities.eptCapabilities & EPT_CAPABILITY.ACCESSED_AND_DIRTY) !== 0 || !(low & 0x40n);
    const isPointer =
      isWriteBack &&
      ((low >> 3n) & 7n) === 3n &&
      hasFlags &&
      (low & EPTP_RESERVED) === 0n &&
      low < 1n << BigInt(capabilities.physicalAddressWidth);
    if ((kind !== 1n && kind !== 2n) || (kind === 1n && !isPointer) || high !== 0n)
      return this.fail(ERROR.INVALID_INVEPT_INVVPID_OPERAND);
    return this.flush();
  };

  readonly invvpid = (type: bigint, segment: number, offset: bigint): Outcome => {
    const [low, linear] = this.descriptor(segment, offset);
    const kind = BigInt.asUintN(64, type);
    const vpid = low & 0xffffn;
    const isCanonical = linear >> 47n === 0n || linear >> 47n === 0x1ffffn;
    const isValid = kind <= 3n && low >> 16n === 0n && (kind === 2n || vpid !== 0n) && (kind !== 0n || isCanonical);
    return isValid ? this.flush() : this.fail(ERROR.INVALID_INVEPT_INVVPID_OPERAND);
  };

  /** VMfail (SDM 31.2): with a current VMCS the error number goes there. */
  private fail(error: number): Outcome {
    const { current } = this.core;
    if (!current) return this.flags(FLAG.CF);
    current.store(F.VM_INSTRUCTION_ERROR, error);
    return this.flags(FLAG.ZF);
  }

  private flags(flags: number): Outcome {
    this.core.processor.state.setQuad(STATE.result2, BigInt(flags));
    return Outcome.Done;
  }

  private changeOperation(modeBits: number): Outcome {
    this.core.modeBits = modeBits;
    this.core.processor.stateReplaced(true);
    return this.flags(0);
  }

  private enter(launch: boolean): Outcome {
    const result: EntryResult = this.entries.enter(launch);
    if (result === 'invalid') return this.flags(FLAG.CF);
    if (typeof result === 'number') return this.fail(result);
    return Outcome.JumpedCheck;
  }

  private flush(): Outcome {
    this.regime.forget();
    this.core.processor.memory.flush();
    return this.flags(0);
  }

  /** The 128-bit descriptor of INVEPT and INVVPID. */
  private descriptor(segment: number, offset: bigint): [low: bigint, high: bigint] {
    const { processor } = this.core;
    const linear = processor.linearAddress(segment, BigInt.asUintN(64, offset), 16, false);
    const bytes = processor.memory.readBytes(linear, 16, CURRENT);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return [view.getBigUint64(0, true), view.getBigUint64(8, true)];
  }
}
