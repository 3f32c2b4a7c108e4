/** What is known of a machine of ours, or of one of its devices, in sections. */
import type { DetailSection } from '../provider';
import { labelOf, machineItem, type OwnMachineRow, sizeText } from './machine-item';
import type { MachineState } from './machine-state';

type Named = readonly (readonly [string, string])[];

/** The sections of a machine, or of its part `device:NAME`; `state` is what is kept beside its file. */
export async function detailsOf(
  row: OwnMachineRow,
  part: string | undefined,
  state: MachineState | undefined,
): Promise<readonly DetailSection[]> {
  const target = row.live?.target;
  if (part?.startsWith('device:') && target) {
    const device = (await target.devices()).devices.find(({ name }) => name === part.slice('device:'.length));
    const rows = (device?.registers ?? []).map(({ name, value, location = '', meaning = '' }) => [
      name,
      value,
      location,
      meaning,
    ]);
    return [{ title: device?.title ?? labelOf(row), columns: ['Register', 'Value', 'Where', 'Meaning'], rows }];
  }
  const facts = machineItem(row).facts ?? [];
  const sections = [
    named(
      'Machine',
      facts.map(({ name, value }) => [name, value]),
    ),
  ];
  if (row.file) {
    const values = Object.entries(row.file) as [string, unknown][];
    const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
    sections.push(
      named(
        'Machine file',
        values.map(([name, value]) => [name, text(value)]),
      ),
    );
  }
  if (target) {
    const { instructions, ticks, exits } = await target.state();
    sections.push(
      named('Counters', [
        ['Instructions', instructions.toLocaleString('en')],
        ['Guest time', `${(ticks / 1e9).toFixed(3)} s`],
        ['VM exits', exits.toLocaleString('en')],
      ]),
    );
  }
  if (state && row.snapshots > 0) {
    const rows = state
      .snapshots()
      .map(({ name, taken, bytes, instructions }) => [name, taken, sizeText(bytes), String(instructions)]);
    sections.push({ title: 'Snapshots', columns: ['Name', 'Taken', 'Size', 'Instructions'], rows });
  }
  return sections;
}

const named = (title: string, rows: Named): DetailSection => ({ title, columns: [], rows });
