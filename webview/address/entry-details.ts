/// <reference lib="dom" />
/** The entry that the user has pointed out: where it lies, its fields, and whether the guest stops when it changes. */
import type { MappingsAnswer } from '../../src/protocol/mappings';
import type { WalkLevel } from '../../src/protocol/walk';
import { button, fill, h } from '../dom';
import type { Session } from '../session';
import { entryFields } from './entry-bits';

/** Ranges of the page tables that are searched for one that leads to an entry. */
const PART = 10_000;
const MOST_PARTS = 20;

export class EntryDetails {
  readonly element = h('section', { class: 'details', 'aria-label': 'The chosen entry', 'aria-live': 'polite' });
  /** Places to watch by the guest-physical address of the entry. */
  private readonly linear = new Map<string, string>();

  constructor(
    private readonly session: Session,
    private readonly say: (error: string) => void,
  ) {}

  clear(): void {
    fill(this.element);
  }

  show(level: WalkLevel): void {
    const { table, index, entry, entryAddress, guestEntryAddress, entryBytes } = level;
    const where = (name: string, text: string | undefined, place: string): HTMLElement | undefined =>
      text === undefined
        ? undefined
        : h(
            'span',
            {},
            `${name} `,
            button(text, () => this.session.open('memory', place), { class: 'link' }),
            ' ',
          );
    fill(
      this.element,
      h('h2', {}, `${table} [${index}] = `, h('code', {}, entry)),
      h(
        'p',
        {},
        where('guest-physical', guestEntryAddress, `guestPhysical:${guestEntryAddress}`),
        where('physical', entryAddress, `physical:${entryAddress}`),
        (guestEntryAddress ?? entryAddress) && this.breakButton(level),
      ),
      h('p', { role: 'status', class: 'said-break' }, this.said(level)),
      h(
        'table',
        { class: 'fields', 'aria-label': `Fields of the ${table}` },
        h(
          'tbody',
          {},
          ...entryFields(table, BigInt(entry), entryBytes).map(({ name, bits, value, meaning }) =>
            h(
              'tr',
              {},
              h('th', { scope: 'row' }, name),
              h('td', {}, bits),
              h('td', {}, h('code', {}, value)),
              h('td', {}, meaning),
            ),
          ),
        ),
      ),
    );
  }

  private breakButton(level: WalkLevel): HTMLElement {
    const isOn = this.isOn(level);
    const text = isOn ? 'No Longer Break on This Entry' : 'Break When This Entry Changes';
    return button(text, () => void this.toggle(level, !isOn), { 'aria-pressed': String(isOn) });
  }

  private said(level: WalkLevel): string {
    const place = this.knownPlace(level);
    if (place === undefined || !this.isOn(level)) return '';
    return place.startsWith('physical:')
      ? `The guest stops after the VM exit at which the hypervisor has changed this entry, at ${place}.`
      : `The guest stops when it writes this entry, at linear ${place}.`;
  }

  /** The place that is watched for an entry, as far as it is known. */
  private knownPlace({ guestEntryAddress, entryAddress }: WalkLevel): string | undefined {
    if (guestEntryAddress !== undefined) return this.linear.get(guestEntryAddress);
    return entryAddress && `physical:${entryAddress}`;
  }

  private isOn(level: WalkLevel): boolean {
    const place = this.knownPlace(level);
    return place !== undefined && this.session.now.breaks.includes(place);
  }

  private async toggle(level: WalkLevel, on: boolean): Promise<void> {
    try {
      const { guestEntryAddress, entryBytes } = level;
      if (guestEntryAddress !== undefined && on) {
        const linear = await this.linearOf(BigInt(guestEntryAddress));
        if (linear === undefined) {
          this.say(`No linear address maps to ${guestEntryAddress} now, so the guest cannot write this entry now.`);
          return;
        }
        this.linear.set(guestEntryAddress, linear);
      }
      const place = this.knownPlace(level);
      if (place !== undefined) await this.session.breakOnWrite(place, entryBytes, on);
      this.show(level);
    } catch (error) {
      this.say((error as Error).message);
    }
  }

  /** Breakpoints are on linear addresses: the guest writes its tables through one that maps to the entry. */
  private async linearOf(guestPhysical: bigint): Promise<string | undefined> {
    let start: string | undefined;
    for (let parts = 0; parts < MOST_PARTS; parts++) {
      const { threadId } = this.session.now;
      const args = { space: 'linear', threadId, count: PART, ...(start && { start }) };
      const answer = await this.session.ask<MappingsAnswer>('vmxray/mappings', args);
      for (const range of answer.ranges) {
        const offset = guestPhysical - BigInt(range.target);
        const linear = BigInt(range.start) + offset;
        if (offset >= 0n && linear < BigInt(range.end)) return `0x${linear.toString(16)}`;
      }
      if (answer.next === undefined) return undefined;
      start = answer.next;
    }
    return undefined;
  }
}
