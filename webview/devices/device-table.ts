/** One device's registers: values, bits, and what has changed since the last stop. */
import type { DeviceAnswer, DeviceField, DeviceRegister } from '../../src/protocol/devices';
import { button, h } from '../dom';

/** Values of registers and fields by `device register field`, as they were at the last stop. */
export type Values = ReadonlyMap<string, string>;

/** All values of these devices. */
export function valuesOf(devices: readonly DeviceAnswer[]): Values {
  const values = new Map<string, string>();
  for (const { name, registers } of devices)
    for (const register of registers) values.set(keyOf(name, register), register.value);
  return values;
}

const keyOf = (device: string, { name, location }: DeviceRegister): string => `${device}\n${name}\n${location ?? ''}`;

/** Whether a device, or one of its registers or fields, has the text in its name or meaning. */
export function matches(device: DeviceAnswer, text: string): boolean {
  const all = [
    device.name,
    device.title,
    ...device.places,
    ...device.registers.flatMap(({ name, meaning, location, fields = [] }) => [
      name,
      meaning,
      location,
      ...fields.flatMap((field) => [field.name, field.meaning]),
    ]),
  ];
  return all.some((one) => one?.toLowerCase().includes(text.toLowerCase()));
}

/** The registers that are not what they were at the last stop. */
export function changesOf(devices: readonly DeviceAnswer[], before: Values): readonly (readonly [string, string])[] {
  return devices.flatMap(({ name, registers }) =>
    registers
      .filter((register) => (before.get(keyOf(name, register)) ?? register.value) !== register.value)
      .map((register) => [name, register.name] as const),
  );
}

/** What the user can do with a device. */
export interface DeviceActions {
  write(register: DeviceRegister, value: string): void;
  showExits(): void;
}

/** The device with its registers as a table. Values are written only while `canWrite`. */
export function deviceTable(
  device: DeviceAnswer,
  before: Values,
  actions: DeviceActions,
  canWrite: boolean,
): HTMLElement {
  const rows = device.registers.map((register) => {
    const old = before.get(keyOf(device.name, register));
    const isChanged = old !== undefined && old !== register.value;
    return h(
      'tr',
      { class: isChanged ? 'changed' : '', 'data-register': register.name },
      h('th', { scope: 'row', title: register.meaning }, register.name),
      h(
        'td',
        {},
        valueCell(register, canWrite ? actions : undefined),
        isChanged && h('span', { class: 'was' }, ` was ${old}`),
      ),
      h('td', { class: 'fields' }, ...(register.fields ?? []).map((field) => chip(field))),
      h('td', { class: 'where' }, register.location ?? ''),
    );
  });
  const heads = ['Register', 'Value', 'Bits', 'Where'].map((text) => h('th', { scope: 'col' }, text));
  return h(
    'section',
    { class: 'device', 'data-device': device.name, 'aria-label': device.name },
    h('h2', {}, device.name, device.title && h('span', { class: 'title' }, ` ${device.title}`)),
    h(
      'p',
      { class: 'where' },
      `${device.places.join(', ')} `,
      touchWords(device).length > 0 &&
        button('VM Exits', () => actions.showExits(), {
          class: 'link',
          title: `Show the VM exits that touched ${device.name}`,
        }),
    ),
    rows.length > 0 &&
      h(
        'table',
        { class: 'registers', 'aria-label': `Registers of ${device.name}` },
        h('thead', {}, h('tr', {}, ...heads)),
        h('tbody', {}, ...rows),
      ),
  );
}

/** A register's value; one that can be written becomes an input. */
function valueCell(register: DeviceRegister, actions: DeviceActions | undefined): HTMLElement {
  const value = h('code', {}, register.value);
  if (!actions || register.writable !== true) return value;
  const edit = (): void => {
    const input = h('input', {
      type: 'text',
      class: 'edit',
      value: register.value,
      'aria-label': `New value of ${register.name}`,
      spellcheck: 'false',
      onkeydown: (event: KeyboardEvent) => {
        if (event.key === 'Enter') actions.write(register, input.value.trim());
        if (event.key === 'Escape' || event.key === 'Enter') {
          over();
          edited.focus();
        }
      },
      onblur: () => over(),
    });
    const over = (): void => {
      if (input.isConnected) input.replaceWith(edited);
    };
    edited.replaceWith(input);
    input.focus();
    input.select();
  };
  const edited = h(
    'button',
    {
      type: 'button',
      class: 'value',
      title: `Write ${register.name}`,
      'aria-label': `${register.value}: write ${register.name}`,
      onclick: edit,
    },
    value,
  );
  return edited;
}

/** What the exits page is asked for: the ports and the memory that a device answers at (`port:0x3f8-0x3ff`). */
export function touchWords({ places }: DeviceAnswer): readonly string[] {
  return places.flatMap((place) => {
    const match = /^(port|memory) (0x[0-9a-f]+(?:-0x[0-9a-f]+)?)$/.exec(place);
    return match ? [`${match[1]}:${match[2]}`] : [];
  });
}

function chip({ name, high, low, value, meaning }: DeviceField): HTMLElement {
  const bits = high === low ? `bit ${low}` : `bits ${high}:${low}`;
  const text = `${name} (${bits}) = ${value}${meaning ? `: ${meaning}` : ''}`;
  const isSet = BigInt(value) !== 0n;
  return h(
    'span',
    { class: isSet ? 'chip set' : 'chip', tabindex: 0, title: text, 'aria-label': text, role: 'note' },
    high === low ? name : `${name}=${value}`,
  );
}
