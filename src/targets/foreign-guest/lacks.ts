/** What guests of other engines lack of what our own machines have, known before there is a connection to them. */
import type { Lack } from '../target';

/** A VM behind a gdb stub. */
export const STUB_LACKS: readonly Lack[] = ['events', 'exits', 'devices', 'serial', 'counters', 'ending'];

/** A memory dump. */
export const DUMP_LACKS: readonly Lack[] = [...STUB_LACKS, 'running', 'editing'];

/** What the guest lacks that a debug session with these attributes attaches to; nothing for a machine of ours. */
export function lacksOf(attributes: Readonly<Record<string, unknown>>): readonly Lack[] {
  if (attributes['dump'] !== undefined) return DUMP_LACKS;
  return attributes['gdb'] === undefined ? [] : STUB_LACKS;
}
