/**
 * The DSDT's definition block: what the board has that no other table tells.
 *
 * Source: ACPI 6.5, chapters 6 (device objects), 7.4.2 (\_S5) and 9; PCI Firmware Specification 3.3, 4.1 (_CRS of host
 * bridges); Plug and Play device IDs as published by Microsoft (PNP0xxx).
 * NOT IMPLEMENTED: sleep states other than S5, _PIC (PCI interrupts are wired to ISA IRQs), _STA and _PRS (everything is
 * present and fixed).
 */
import { BOOT_APIC_ID, IRQ, PCI_INTX_GSI, PCI_MEMORY, PORTS, SLEEP_TYPE_S5, type AddressRange } from '../layout';
import { device, eisaId, integer, name, packageOf, scope, string, type Aml } from './aml';
import { busNumbers, io, ioWindow, irq, memoryWindow, resourceTemplate, type Resource } from './resources';

/** The device numbers of a PCI bus. */
const PCI_DEVICES = 32;
const PIN_NAMES = 4;
const PORT_SPACE_END = 0x10000;

/** The block's bytes, without the table header. */
export function definitionBlock(): Aml {
  return [
    ...name('_S5', packageOf(integer(SLEEP_TYPE_S5), integer(0), integer(0), integer(0))),
    ...scope('_SB', processor(), hostBridge(), ...isaDevices()),
  ];
}

/** The processor device whose _UID the MADT's local APIC entry names. */
function processor(): Aml {
  return device('CPU0', name('_HID', string('ACPI0007')), name('_UID', integer(BOOT_APIC_ID)));
}

function hostBridge(): Aml {
  const configEnd = PORTS.pciConfig.start + PORTS.pciConfig.length;
  const resources = resourceTemplate(
    busNumbers(0, 0),
    io(PORTS.pciConfig),
    ioWindow({ start: 0, length: PORTS.pciConfig.start }),
    ioWindow({ start: configEnd, length: PORT_SPACE_END - configEnd }),
    memoryWindow(PCI_MEMORY),
  );
  return device(
    'PCI0',
    name('_HID', eisaId('PNP0A03')),
    name('_UID', integer(0)),
    name('_BBN', integer(0)),
    name('_CRS', resources),
    name('_PRT', packageOf(...routes())),
  );
}

/** One entry for each device and pin: {device << 16 | any function, pin, no link device, GSI}. */
function routes(): Aml[] {
  const entries: Aml[] = [];
  for (let number = 1; number < PCI_DEVICES; number++)
    for (let pin = 0; pin < PIN_NAMES; pin++) {
      const gsi = PCI_INTX_GSI[(number + pin) % PCI_INTX_GSI.length]!;
      entries.push(packageOf(integer(number * 0x10000 + 0xffff), integer(pin), integer(0), integer(gsi)));
    }
  return entries;
}

function isaDevices(): Aml[] {
  return [
    isaDevice('PIC', 'PNP0000', [io(PORTS.picMaster), io(PORTS.picSlave), io(PORTS.elcr), irq(IRQ.cascade)]),
    isaDevice('TIMR', 'PNP0100', [io(PORTS.pit), irq(IRQ.timer)]),
    isaDevice('RTC', 'PNP0B00', [io(PORTS.rtc), irq(IRQ.rtc)]),
    isaDevice('PS2K', 'PNP0303', [io(PORTS.i8042Data), io(PORTS.i8042Command), irq(IRQ.keyboard)]),
    isaDevice('PS2M', 'PNP0F13', [irq(IRQ.mouse)]),
    isaDevice('COM1', 'PNP0501', [io(PORTS.uart0), irq(IRQ.uart0)]),
    motherboard(),
    firmwareConfiguration(),
  ];
}

function isaDevice(label: string, id: string, resources: readonly Resource[], hid: Aml = eisaId(id)): Aml {
  return device(label, name('_HID', hid), name('_UID', integer(0)), name('_CRS', resourceTemplate(...resources)));
}

/** PNP0C02 keeps the guest from giving away ports that no other device claims. */
function motherboard(): Aml {
  const powerManagement: AddressRange = {
    start: PORTS.pm1aEvent.start,
    length: PORTS.pmTimer.start + PORTS.pmTimer.length - PORTS.pm1aEvent.start,
  };
  const ranges = [PORTS.systemControlB, PORTS.systemControlA, PORTS.debugExit, powerManagement];
  return isaDevice('MBRD', 'PNP0C02', ranges.map(io));
}

/** The ID by which guests find fw_cfg. */
function firmwareConfiguration(): Aml {
  return isaDevice('FWCF', 'QEMU0002', [io(PORTS.fwCfg)], string('QEMU0002'));
}
