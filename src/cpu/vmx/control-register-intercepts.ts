/**
 * VM exits of MOV to and from control registers, CLTS and LMSW. Source: SDM Vol. 3C 26.1.3 and Table 28-3.
 */
import type { Decoded } from '../../isa/decoded';
import { cltsExits, lmswExits, movToCr3Exits, movToCrExits } from './control-registers';
import type { MaskAndShadow } from './control-registers';
import { PRIMARY } from './controls';
import { CR_ACCESS, controlRegisterQualification } from './exit-qualification';
import { EXIT_REASON } from './exit-reasons';
import { RESUME_FLAG } from './exit-record';
import { effectiveAddress, linearOf, memoryOf, registerOf } from './operands';
import { F } from './vmcs-layout';
import type { VmxCore } from './vmx-core';

const CR3_TARGETS = [F.CR3_TARGET_VALUE_0, F.CR3_TARGET_VALUE_1, F.CR3_TARGET_VALUE_2, F.CR3_TARGET_VALUE_3] as const;

/** Guest/host mask and read shadow of CR0 or CR4. */
export function maskAndShadow({ vmcs }: VmxCore, number: 0 | 4): MaskAndShadow {
  return number === 0
    ? { mask: vmcs.get(F.CR0_GUEST_HOST_MASK), shadow: vmcs.get(F.CR0_READ_SHADOW) }
    : { mask: vmcs.get(F.CR4_GUEST_HOST_MASK), shadow: vmcs.get(F.CR4_READ_SHADOW) };
}

function record(
  core: VmxCore,
  decoded: Decoded,
  fields: Parameters<typeof controlRegisterQualification.encode>[0],
): true {
  const exit = core.exit.begin(EXIT_REASON.CONTROL_REGISTER_ACCESS, RESUME_FLAG.CLEAR);
  exit.instructionLength = decoded.length;
  exit.qualificationLow = controlRegisterQualification.encode(fields);
  return true;
}

function movToExits(core: VmxCore, number: number, value: bigint): boolean {
  switch (number) {
    case 0:
      return movToCrExits(value, maskAndShadow(core, 0));
    case 3: {
      if (!core.primary(PRIMARY.CR3_LOAD_EXITING)) return false;
      const targets = CR3_TARGETS.slice(0, core.vmcs.low(F.CR3_TARGET_COUNT)).map((field) => core.vmcs.get(field));
      return movToCr3Exits(value, targets);
    }
    case 4:
      return movToCrExits(value, maskAndShadow(core, 4));
    case 8:
      return core.primary(PRIMARY.CR8_LOAD_EXITING);
    default:
      return false;
  }
}

function movFromExits(core: VmxCore, number: number): boolean {
  if (number === 3) return core.primary(PRIMARY.CR3_STORE_EXITING);
  return number === 8 && core.primary(PRIMARY.CR8_STORE_EXITING);
}

function lmsw(core: VmxCore, decoded: Decoded): boolean {
  const { state, memory: linearMemory } = core.processor;
  const memory = memoryOf(decoded);
  let source = 0;
  if (memory) {
    const offset = effectiveAddress(state, decoded, memory);
    const linear = core.processor.linearAddress(memory.segment, offset, 2, false);
    source = linearMemory.read16(linear, { system: false });
  } else {
    source = Number(state.general(registerOf(decoded, 0)) & 0xffffn);
  }
  if (!lmswExits(source, maskAndShadow(core, 0))) return false;
  record(core, decoded, { accessType: CR_ACCESS.LMSW, lmswMemory: memory ? 1 : 0, lmswSource: source });
  if (memory) core.exit.at(linearOf(state, memory.segment, effectiveAddress(state, decoded, memory)));
  return true;
}

/** Decides about the check CR_ACCESS. */
export function controlRegisterExits(core: VmxCore, decoded: Decoded): boolean {
  if (decoded.instruction.name === 'CLTS')
    return cltsExits(maskAndShadow(core, 0)) && record(core, decoded, { accessType: CR_ACCESS.CLTS });
  if (decoded.instruction.name === 'LMSW') return lmsw(core, decoded);
  const isFrom = decoded.form.operands[1]!.letter === 'C';
  const number = registerOf(decoded, isFrom ? 1 : 0);
  const register = registerOf(decoded, isFrom ? 0 : 1);
  if (isFrom)
    return movFromExits(core, number) && record(core, decoded, { number, accessType: CR_ACCESS.MOV_FROM_CR, register });
  const { state } = core.processor;
  const value = decoded.size === 64 ? state.general(register) : BigInt(state.general32(register));
  return (
    movToExits(core, number, value) && record(core, decoded, { number, accessType: CR_ACCESS.MOV_TO_CR, register })
  );
}
