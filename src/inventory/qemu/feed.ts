/** QEMU's events as the feed shows them. Source: QEMU, qapi/*.json (7.2). */
import type { EngineEvent } from '../provider';
import type { QmpEvent } from '../../targets/qmp/qmp-client';

const WARNINGS = new Set([
  'BLOCK_IO_ERROR',
  'BLOCK_IMAGE_CORRUPTED',
  'DEVICE_UNPLUG_GUEST_ERROR',
  'GUEST_PANICKED',
  'GUEST_CRASHLOADED',
  'MEMORY_FAILURE',
  'QUORUM_FAILURE',
  'WATCHDOG',
]);
const LONGEST = 300;

/** The event of the machine `id`; what it carries is told in QEMU's own words. */
export function feedEvent(id: string, label: string, { name, data, time }: QmpEvent): EngineEvent {
  const words = Object.entries(data).map(
    ([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
  );
  const text = `${label}: ${name}${words.length > 0 ? ` (${words.join(', ')})` : ''}`;
  return {
    time: new Date(time).toISOString(),
    item: id,
    text: text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text,
    isWarning: WARNINGS.has(name) || (name === 'DUMP_COMPLETED' && data['error'] !== undefined),
  };
}
