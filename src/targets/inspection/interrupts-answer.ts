/**
 * The way of every interrupt source to its vector: ISA IRQs through the 8259As and the I/O APIC to the local APIC, and the
 * local APIC's own sources. A line whose request waits nowhere says what would hold one back now. Sources: Intel 8259A data
 * sheet (231468), 82093AA data sheet (290566), SDM Vol. 3A 6.8, 11.5, 11.8.
 */
import type { IoApicInput } from '../../devices/ioapic';
import { DeliveryMode, Lvt, LVT_NAMES } from '../../devices/lapic-registers';
import type { Pic8259A } from '../../devices/pic-8259a';
import { gsiOfIrq, IRQ, PCI_INTX_GSI } from '../../machine/layout';
import type { Machine } from '../../machine/machine';
import type { InterruptHop, InterruptLine, InterruptsAnswer } from '../../protocol/interrupts';
import { InterruptEnd } from './interrupt-end';
import type { Delivery } from './interrupt-end';

const IRQS = 16;
const LINT0 = 3;
const LINT1 = 4;
/** ICW1: all inputs of the chip are level-triggered. */
const LTIM = 0x08;

const SOURCES: Readonly<Record<number, string>> = {
  ...Object.fromEntries(PCI_INTX_GSI.map((gsi) => [gsi, 'PCI INTx'])),
  [IRQ.timer]: '8254 timer',
  [IRQ.keyboard]: 'keyboard',
  [IRQ.uart0]: 'UART',
  [IRQ.rtc]: 'RTC',
  [IRQ.sci]: 'SCI',
  [IRQ.mouse]: 'mouse',
};

const trigger = (isLevel: boolean): string => (isLevel ? 'level' : 'edge');

/** Every ISA IRQ but the cascade, then the local APIC's sources. Changes nothing. */
export function interruptsAnswer(machine: Machine): InterruptsAnswer {
  const end = new InterruptEnd(machine);
  const irqs = Array.from({ length: IRQS }, (_, irq) => irq).filter((irq) => irq !== IRQ.cascade);
  return {
    lines: [
      ...irqs.map((irq) => isaLine(machine, end, irq)),
      ...LVT_NAMES.map((name, index) => localLine(end, name, index)),
    ],
  };
}

/** A way that a request can take: its hops, and what holds it back. */
interface Path {
  readonly hops: readonly InterruptHop[];
  /** No request passes, whatever waits: software has masked it. */
  readonly masked: string | undefined;
  readonly blocked: string | undefined;
  readonly vector: number | undefined;
}

function isaLine({ board }: Machine, end: InterruptEnd, irq: number): InterruptLine {
  const gsi = gsiOfIrq(irq);
  const input = board.ioapic.input(gsi);
  const apic = ioApicPath(end, gsi, input, board.lapic.isAddressed(input.destination, input.logical));
  const { master, slave } = board.pic.chipsByRole;
  const pic = picPath(end, master, slave, irq);
  // Software uses one of the two and masks the other.
  const used = apic.masked ? pic : apic;
  const blocked = apic.masked && pic.masked ? `${apic.masked}; ${pic.masked}` : (used.masked ?? used.blocked);
  const name = SOURCES[irq];
  return {
    source: name ? `IRQ ${irq} (${name})` : `IRQ ${irq}`,
    asserted: input.asserted,
    hops: [...pic.hops, ...apic.hops],
    ...(used.vector !== undefined && { vector: used.vector }),
    ...(blocked !== undefined && { blocked }),
  };
}

function picHop(controller: string, chip: Pic8259A, ir: number): InterruptHop {
  const { isr, imr, icw1, elcr } = chip.save();
  const bit = 1 << ir;
  return {
    controller,
    input: `IR${ir}`,
    masked: (imr & bit) !== 0,
    pending: (chip.irr & bit) !== 0,
    inService: (isr & bit) !== 0,
    trigger: trigger((icw1 & LTIM) !== 0 || (elcr & bit) !== 0),
  };
}

function picPath(end: InterruptEnd, master: Pic8259A, slave: Pic8259A, irq: number): Path {
  const ir = irq & 7;
  const isSlave = irq >= 8;
  const chips = isSlave
    ? ([
        ['PIC slave', slave, ir],
        ['PIC master', master, IRQ.cascade],
      ] as const)
    : ([['PIC master', master, ir]] as const);
  const hops = chips.map(([name, chip, input]) => picHop(name, chip, input));
  const reasons = chips.flatMap(([name, chip, input]) => {
    const why = chip.whyBlocked(input);
    return why === undefined ? [] : [`${name}: ${why}`];
  });
  const lint = end.extInt();
  const isMasked = hops.some(({ masked }) => masked);
  const isProgrammed = chips.every(([, chip]) => chip.save().icw1 !== 0);
  return {
    hops: [...hops, end.hop(LINT0)],
    masked: isMasked ? reasons.join('; ') : lint,
    blocked: isProgrammed ? (reasons[0] ?? end.blocksInterrupts) : 'the 8259A is not initialised: no ICW1 has come',
    vector: isProgrammed && !isMasked ? (isSlave ? slave : master).vectorOf(ir) : undefined,
  };
}

function ioApicPath(end: InterruptEnd, gsi: number, input: IoApicInput, isAddressed: boolean): Path {
  const { vector, mode, masked, level, remoteIrr, destination } = input;
  const delivery: Delivery = { mode, vector };
  const fixed = mode === DeliveryMode.FIXED || mode === DeliveryMode.LOWEST_PRIORITY;
  const waits = level && input.asserted && !remoteIrr;
  const hop: InterruptHop = {
    controller: 'I/O APIC',
    input: `INTIN${gsi}`,
    masked,
    pending: waits,
    inService: remoteIrr,
    trigger: trigger(level),
  };
  const notForUs = isAddressed ? undefined : `its destination 0x${destination.toString(16)} is not the local APIC`;
  const held = level && remoteIrr ? `INTIN${gsi}: the last request has had no EOI` : undefined;
  return {
    hops: [hop, ...(fixed && !masked ? [end.vectorHop(vector)] : [])],
    masked: masked ? `I/O APIC: INTIN${gsi} is masked` : undefined,
    blocked: notForUs ?? held ?? end.blocks(delivery),
    vector: masked ? undefined : end.vectorOf(delivery),
  };
}

function localLine(end: InterruptEnd, name: string, index: number): InterruptLine {
  const { entry, delivery } = end.local(index);
  const vector = entry & Lvt.MASKED ? undefined : end.vectorOf(delivery);
  const blocked = entry & Lvt.MASKED ? `LVT ${name} is masked` : end.blocks(delivery);
  const pin = index === LINT0 || index === LINT1 ? end.pin(index - LINT0) : undefined;
  return {
    source: `LAPIC ${name}`,
    ...(pin !== undefined && { asserted: pin }),
    hops: [end.hop(index)],
    ...(vector !== undefined && { vector }),
    ...(blocked !== undefined && { blocked }),
  };
}
