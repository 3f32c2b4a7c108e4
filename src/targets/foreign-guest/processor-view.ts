/**
 * A guest's registers as the processor state that our own tables, walks and mode words are made for. Nothing runs on it.
 * Source: SDM Vol. 3A 2.2, 4.1 (paging modes), 20.1.1 (real-address mode).
 */
import { CR0, EFER, setSegment, updateMode } from '../../cpu/mode';
import { STATE } from '../../cpu/layout';
import { ProcessorState } from '../../cpu/state';
import { SEGMENT } from '../../isa/semantics';
import { keyOf, type RegisterValues } from './register-values';

const STATE_BYTES = 0x10000;
const NAMES = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'] as const;
/** Present code of ring 0, accessed and readable; L, D and G by the mode. SDM Vol. 3C 25.4.1. */
const CODE_64 = 0xa09b;
const CODE_32 = 0xc09b;
const CODE_16 = 0x9b;
const DATA_32 = 0xc093;
const DATA_16 = 0x93;
const DPL_SHIFT = 5;
const ALL = 0xffff_ffff;

/**
 * The state. What is not among the values is taken as it usually is: the kind of a segment by the control registers, its
 * privilege by the selector, its base by the selector in real-address mode and 0 else.
 */
export function processorView(values: RegisterValues): ProcessorState {
  const state = new ProcessorState(new ArrayBuffer(STATE_BYTES));
  const of = (group: string, name: string): bigint => values.get(keyOf(group, name)) ?? 0n;
  for (const name of ['CR0', 'CR2', 'CR3', 'CR4'] as const)
    state.setQuad(STATE[name.toLowerCase() as 'cr0' | 'cr2' | 'cr3' | 'cr4'], of('Control', name));
  state.setQuad(STATE.efer, of('Control', 'EFER'));
  for (const index of [0, 1, 2, 3]) state.setQuad(STATE.pdpte + index * 8, of('Control', `PDPTE${index}`));
  state.rflags = Number(of('Flags', 'RFLAGS'));
  const isProtected = (state.word(STATE.cr0) & CR0.PE) !== 0;
  const isLong = (state.word(STATE.efer) & EFER.LMA) !== 0;
  NAMES.forEach((name, number) => {
    const selector = Number(of('Segments', name));
    const usualBase = isProtected ? 0n : of('Segments', name) << 4n;
    const ring = isProtected ? (selector & 3) << DPL_SHIFT : 0;
    const code = isLong ? CODE_64 : isProtected ? CODE_32 : CODE_16;
    const usualRights = (number === SEGMENT.CS ? code : isProtected ? DATA_32 : DATA_16) | ring;
    setSegment(state, number, {
      selector,
      base: values.get(keyOf('Segments', `${name} base`)) ?? usualBase,
      limit: Number(values.get(keyOf('Segments', `${name} limit`)) ?? BigInt(isProtected ? ALL : 0xffff)),
      rights: Number(values.get(keyOf('Segments', `${name} access rights`)) ?? BigInt(usualRights)),
    });
  });
  const names = ['RAX', 'RCX', 'RDX', 'RBX', 'RSP', 'RBP', 'RSI', 'RDI'];
  for (let number = 0; number < 16; number++) state.setGeneral(number, of('General', names[number] ?? `R${number}`));
  state.rip = of('General', 'RIP');
  updateMode(state, 0, 0);
  return state;
}
