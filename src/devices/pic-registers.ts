/** The 8259A's registers for the views (Intel 8259A data sheet 231468, "Programming the 8259A"). */
import type { BitField, RegisterDescription } from './device';
import { bit, field, register } from './describe';
import type { Pic8259AState } from './pic-8259a';

function inputs(prefix: string, meaning: string): BitField[] {
  return Array.from({ length: 8 }, (_, ir) => bit(ir, `${prefix}${ir}`, `IR${ir} ${meaning}`));
}

/** The register table of one chip; `name` tells the two apart (`master`, `slave`), `irr` is its request register. */
export function describePic(name: string, state: Pic8259AState, irr: number): RegisterDescription[] {
  const modes = Number(state.poll) | (Number(state.readIsr) << 1) | (Number(state.specialMask) << 2);
  return [
    register(`${name} IRR`, 8, 'port +0 after OCW3 RIS=0', irr, inputs('R', 'requests service')),
    register(`${name} ISR`, 8, 'port +0 after OCW3 RIS=1', state.isr, inputs('S', 'is in service')),
    register(`${name} IMR`, 8, 'port +1 (OCW1)', state.imr, inputs('M', 'is masked')),
    register(`${name} ELCR`, 8, 'edge/level control port', state.elcr, inputs('L', 'is level-triggered')),
    register(`${name} ICW1`, 8, 'port +0', state.icw1, [
      bit(0, 'IC4', 'ICW4 follows'),
      bit(1, 'SNGL', 'single: no ICW3'),
      bit(3, 'LTIM', 'all inputs level-triggered'),
    ]),
    register(`${name} ICW2`, 8, 'port +1', state.icw2, [field(7, 3, 'T7-T3', 'upper bits of the vector')]),
    register(`${name} ICW3`, 8, 'port +1', state.icw3, undefined, 'master: inputs with a slave; slave: its number'),
    register(`${name} ICW4`, 8, 'port +1', state.icw4, [
      bit(0, 'uPM', '8086 mode'),
      bit(1, 'AEOI', 'automatic end of interrupt'),
      bit(2, 'M/S', 'master in buffered mode'),
      bit(3, 'BUF', 'buffered mode'),
      bit(4, 'SFNM', 'special fully nested mode'),
    ]),
    register(`${name} expected ICW`, 3, 'internal', state.expectedIcw, undefined, '0: initialized'),
    register(`${name} lowest priority`, 3, 'internal', state.lowest, [field(2, 0, 'IR', 'input of lowest priority')]),
    register(`${name} operation`, 4, 'OCW2, OCW3', modes | (Number(state.rotateOnAeoi) << 3), [
      bit(0, 'P', 'the next read polls'),
      bit(1, 'RIS', 'port +0 reads ISR'),
      bit(2, 'SMM', 'special mask mode'),
      bit(3, 'R-AEOI', 'rotate in automatic EOI mode'),
    ]),
    register(`${name} inputs`, 8, 'pins IR0-IR7', state.lines, inputs('IR', 'is high')),
  ];
}
