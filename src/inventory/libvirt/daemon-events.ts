/** What a daemon tells by itself: which rows it changes, and how the feed says it. Source: remote_protocol.x. */
import type { ChangeBatch } from '../change-batch';
import type { EngineEvent } from '../provider';
import type { DaemonEvent } from './connection';
import { readDomain, readNamed } from './handles';
import { domainId, folderId, networkId, partId, poolId } from './ids';
import { EVENT } from './procedures';
import { lifecycleWords, networkEventWord, poolEventWord } from './words';
import { XdrReader } from './xdr';

/** One event, read. */
export interface ReadEvent {
  /** Rows to be read again. */
  readonly rows: readonly string[];
  readonly item: string;
  readonly text: string;
  readonly isWarning: boolean;
}

/** Domain events by procedure: words for what stands behind the domain. */
const DOMAIN_EVENTS: Readonly<Record<number, (reader: XdrReader) => { words: string; isWarning: boolean }>> = {
  [EVENT.lifecycle]: (reader) => lifecycleWords(reader.int(), reader.int()),
  [EVENT.reboot]: () => calm('rebooted'),
  [EVENT.watchdog]: (reader) => ({ words: `watchdog expired, action ${reader.int()}`, isWarning: true }),
  [EVENT.ioError]: (reader) => ({ words: `I/O error on ${reader.string()} (${reader.string()})`, isWarning: true }),
  [EVENT.diskChange]: (reader) => {
    const [before, after, device] = [reader.optionalString(), reader.optionalString(), reader.string()];
    return calm(`medium of ${device}: ${before ?? 'none'} became ${after ?? 'none'}`);
  },
  [EVENT.trayChange]: (reader) => calm(`tray of ${reader.string()} ${reader.int() === 0 ? 'opened' : 'closed'}`),
  [EVENT.balloonChange]: (reader) => calm(`balloon at ${reader.uhyper()} KiB`),
  [EVENT.deviceRemoved]: (reader) => calm(`device ${reader.string()} removed`),
  [EVENT.deviceAdded]: (reader) => calm(`device ${reader.string()} added`),
  [EVENT.blockJob]: (reader) => calm(`block job on ${reader.string()}`),
  [EVENT.agentLifecycle]: (reader) => calm(`guest agent ${reader.int() === 1 ? 'connected' : 'disconnected'}`),
  [EVENT.jobCompleted]: () => calm('job completed'),
};

const calm = (words: string): { words: string; isWarning: boolean } => ({ words, isWarning: false });

/** Reads an event; undefined for one that is not known. Throws a UserError where it is malformed. */
export function readEvent({ procedure, body }: DaemonEvent): ReadEvent | undefined {
  const reader = new XdrReader(body);
  const words = DOMAIN_EVENTS[procedure];
  if (words) {
    reader.int();
    const domain = readDomain(reader);
    const said = words(reader);
    const item = domainId(domain.uuid);
    const rows = [item, partId(item, 'snapshots'), folderId('domains')];
    return { rows, item, text: `${domain.name}: ${said.words}`, isWarning: said.isWarning };
  }
  if (procedure === EVENT.networkLifecycle || procedure === EVENT.storagePoolLifecycle) {
    reader.int();
    const { name, uuid } = readNamed(reader);
    const event = reader.int();
    if (procedure === EVENT.networkLifecycle) {
      const item = networkId(uuid);
      const text = `network ${name}: ${networkEventWord(event)}`;
      return { rows: [item, folderId('networks')], item, text, isWarning: false };
    }
    const item = poolId(uuid);
    const text = `storage pool ${name}: ${poolEventWord(event)}`;
    return { rows: [item, folderId('pools')], item, text, isWarning: false };
  }
  return undefined;
}

/** Adds the rows that an event changes; everything where it cannot be read. */
export function addChanges(event: DaemonEvent, batch: ChangeBatch): void {
  try {
    const read = readEvent(event);
    if (read) batch.add(...read.rows);
  } catch {
    batch.addAll();
  }
}

/** The event as the feed shows it; undefined for one that is not known or malformed. */
export function feedEvent(event: DaemonEvent): EngineEvent | undefined {
  try {
    const read = readEvent(event);
    return read && { time: new Date().toISOString(), item: read.item, text: read.text, isWarning: read.isWarning };
  } catch {
    return undefined;
  }
}
