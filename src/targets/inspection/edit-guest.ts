/**
 * Edits of the guest's state that VM entry checks: control registers, RFLAGS, RIP, segments and what follows from them.
 * A value that would make the next VM entry fail is refused with the rule.
 *
 * Source: SDM Vol. 3A 2.5 (control registers), 4.4.1 (PDPTEs), Vol. 3C 27.3.1.
 */
import { CR0, CR4, EFER } from '../../cpu/mode';
import { CR4_BITS, EFER_BITS } from '../../cpu/control-registers';
import { F } from '../../cpu/vmx/vmcs-layout';
import type { VmcsField } from '../../cpu/vmx/vmcs-layout';
import type { Machine } from '../../machine/machine';
import { entryWouldFail, refusedValue } from './errors';
import { GuestImage, isBetweenExitAndEntry, PDPTES } from './guest-image';
import type { FieldChanges } from './guest-image';

const CR0_BITS = Object.values(CR0).reduce((mask, bit) => mask | BigInt(bit), 0n);
/** Of these PAE paging's PDPTEs depend. */
const PAGING_FIELDS = [F.GUEST_CR0, F.GUEST_CR3, F.GUEST_CR4, F.GUEST_EFER];

/** Replaces fields of the guest's state; `name` and `value` are what the user wrote, for the sentence of a refusal. */
export function editGuest(machine: Machine, name: string, value: bigint, changes: FieldChanges): void {
  const before = GuestImage.of(machine);
  let after = before.with(changes);
  if (usesPae(after) && PAGING_FIELDS.some((field) => after.get(field) !== before.get(field)))
    after = after.with(pointersAt(machine, name, value, after.get(F.GUEST_CR3)));
  const broken = after.brokenSince(before);
  if (broken) throw entryWouldFail(name, value, broken);
  after.commit(before);
}

/** Writes one field. */
export function editField(field: VmcsField, name: string): (machine: Machine, value: bigint) => void {
  return (machine, value) => editGuest(machine, name, value, new Map([[field, value]]));
}

function usesPae(image: GuestImage): boolean {
  const isPaging = (image.low(F.GUEST_CR0) & CR0.PG) !== 0;
  return isPaging && (image.low(F.GUEST_CR4) & CR4.PAE) !== 0 && (image.low(F.GUEST_EFER) & EFER.LMA) === 0;
}

/** The PDPTEs that a load of CR3 in PAE paging brings (SDM Vol. 3A 4.4.1). */
function pointersAt(machine: Machine, name: string, value: bigint, cr3: bigint): FieldChanges {
  const bytes = machine.readMemory('guestPhysical', cr3 & 0xffff_ffe0n, 32);
  if (bytes.length < 32)
    throw refusedValue(name, value, 'there is no memory where CR3 points, and PAE paging loads the PDPTEs from there');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return new Map(PDPTES.map((field, index) => [field, view.getBigUint64(index * 8, true)]));
}

/** Guest/host mask and read shadow of CR0 or CR4: bits of the mask belong to a hypervisor. */
function maskAndShadow(machine: Machine, number: 0 | 4): { readonly mask: bigint; readonly shadow: bigint } {
  const { hypervisor, vmx } = machine;
  if (!hypervisor) return vmx.controlRegister(number);
  const [mask, shadow] =
    number === 0 ? [F.CR0_GUEST_HOST_MASK, F.CR0_READ_SHADOW] : [F.CR4_GUEST_HOST_MASK, F.CR4_READ_SHADOW];
  return { mask: vmx.current!.get(mask), shadow: vmx.current!.get(shadow) };
}

/** CR0 or CR4 as the guest reads it: a hypervisor's bits come from the read shadow. `register` is the register itself. */
export function seenByGuest(machine: Machine, number: 0 | 4, register: bigint): bigint {
  const { mask, shadow } = maskAndShadow(machine, number);
  return (register & ~mask) | (shadow & mask);
}

/** Writes CR0 or CR4 as the guest means it: a hypervisor's bits go to the read shadow. */
function editControl(machine: Machine, number: 0 | 4, value: bigint, derived: (next: bigint) => FieldChanges): void {
  const { vmx } = machine;
  const name = `CR${number}`;
  const { mask, shadow } = maskAndShadow(machine, number);
  const field = number === 0 ? F.GUEST_CR0 : F.GUEST_CR4;
  const next = (GuestImage.of(machine).get(field) & mask) | (value & ~mask);
  if (!machine.hypervisor && !vmx.controlRegisterAllowed(number, next))
    throw refusedValue(name, value, 'VMX operation fixes some of its bits (SDM Vol. 3C 24.8)');
  editGuest(machine, name, value, new Map([[field, next], ...derived(next)]));
  const shadowField = number === 0 ? F.CR0_READ_SHADOW : F.CR4_READ_SHADOW;
  if (mask !== 0n) vmx.current!.write(shadowField.encoding, (shadow & ~mask) | (value & mask));
}

/** MOV to CR0, without its faults for mode changes: EFER.LMA follows PG and LME. */
export function editCr0(machine: Machine, value: bigint): void {
  if (value & ~CR0_BITS)
    throw refusedValue('CR0', value, 'bits 63:32, 28:19, 17 and 15:6 are reserved (SDM Vol. 3A 2.5)');
  if (!(value & BigInt(CR0.ET))) throw refusedValue('CR0', value, 'ET is always 1 (SDM Vol. 3A 2.5)');
  if (value & BigInt(CR0.NW) && !(value & BigInt(CR0.CD)))
    throw refusedValue('CR0', value, 'NW = 1 needs CD = 1 (SDM Vol. 3A 2.5)');
  const efer = GuestImage.of(machine).get(F.GUEST_EFER);
  editControl(machine, 0, value, (next) => new Map([[F.GUEST_EFER, withActivity(efer, next)]]));
}

/** IA32_EFER with the LMA that CR0.PG and LME make. */
function withActivity(efer: bigint, cr0: bigint): bigint {
  const isActive = (cr0 & BigInt(CR0.PG)) !== 0n && (efer & BigInt(EFER.LME)) !== 0n;
  return isActive ? efer | BigInt(EFER.LMA) : efer & ~BigInt(EFER.LMA);
}

/** MOV to CR4. */
export function editCr4(machine: Machine, value: bigint): void {
  const allowed = machine.hypervisor ? CR4_BITS & ~CR4.VMXE : CR4_BITS;
  if (value & ~BigInt(allowed))
    throw refusedValue(
      'CR4',
      value,
      `the processor has only the bits 0x${allowed.toString(16)} for its guest, the others are reserved (SDM Vol. 3A 2.5)`,
    );
  editControl(machine, 4, value, () => new Map());
}

/** WRMSR of IA32_EFER: LMA follows from LME and CR0.PG, and LME stays while paging is on. */
export function editEfer(machine: Machine, value: bigint): void {
  const name = 'IA32_EFER';
  const image = GuestImage.of(machine);
  const cr0 = image.get(F.GUEST_CR0);
  if (value & ~BigInt(EFER_BITS | EFER.LMA))
    throw refusedValue(name, value, 'only SCE, LME, LMA and NXE exist (SDM Vol. 3A 2.2.1)');
  if ((value ^ image.get(F.GUEST_EFER)) & BigInt(EFER.LME) && cr0 & BigInt(CR0.PG))
    throw refusedValue(name, value, 'LME cannot change while CR0.PG = 1 (SDM Vol. 3A 9.8.5)');
  if (withActivity(value, cr0) !== value)
    throw refusedValue(name, value, 'LMA is 1 exactly while LME and CR0.PG are (SDM Vol. 3A 9.8.5)');
  editGuest(machine, name, value, new Map([[F.GUEST_EFER, value]]));
}

const isCanonical = (value: bigint): boolean => BigInt.asUintN(64, BigInt.asIntN(48, value)) === value;

/** Moves the guest to another instruction. A halted guest stays halted. */
export function editRip(machine: Machine, value: bigint): void {
  if (!isCanonical(value)) throw refusedValue('RIP', value, 'it is not canonical (SDM Vol. 1 3.3.7.1)');
  editGuest(machine, 'RIP', value, new Map([[F.GUEST_RIP, value]]));
}

/** Outside input may have to be looked at: an edit has changed what the board asks of the processor. */
export function boardEdited(machine: Machine): void {
  if (!isBetweenExitAndEntry(machine)) machine.hypervisor?.noticeInput();
}
