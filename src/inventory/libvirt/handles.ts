/** How messages name a daemon's objects. Source: remote_protocol.x, remote_nonnull_*. */
import type { XdrReader, XdrWriter } from './xdr';

const UUID_BYTES = 16;

/** A domain; its name and number may change, its UUID does not. */
export interface DomainHandle {
  readonly name: string;
  /** As 32 hexadecimal digits. */
  readonly uuid: string;
  /** Number while it is active, else -1. */
  readonly id: number;
}

/** A network or a storage pool. */
export interface NamedHandle {
  readonly name: string;
  readonly uuid: string;
}

export interface VolumeHandle {
  readonly pool: string;
  readonly name: string;
  readonly key: string;
}

export interface SnapshotHandle {
  readonly name: string;
  readonly domain: DomainHandle;
}

export const readNamed = (reader: XdrReader): NamedHandle => ({
  name: reader.string(),
  uuid: reader.fixed(UUID_BYTES).toString('hex'),
});

export const readDomain = (reader: XdrReader): DomainHandle => ({ ...readNamed(reader), id: reader.int() });

export const readVolume = (reader: XdrReader): VolumeHandle => ({
  pool: reader.string(),
  name: reader.string(),
  key: reader.string(),
});

export const readSnapshot = (reader: XdrReader): SnapshotHandle => ({
  name: reader.string(),
  domain: readDomain(reader),
});

export const writeUuid = (writer: XdrWriter, uuid: string): XdrWriter => writer.fixed(Buffer.from(uuid, 'hex'));

export const writeNamed = (writer: XdrWriter, { name, uuid }: NamedHandle): XdrWriter =>
  writeUuid(writer.string(name), uuid);

export const writeDomain = (writer: XdrWriter, domain: DomainHandle): XdrWriter =>
  writeNamed(writer, domain).int(domain.id);

export const writeVolume = (writer: XdrWriter, { pool, name, key }: VolumeHandle): XdrWriter =>
  writer.string(pool).string(name).string(key);

export const writeSnapshot = (writer: XdrWriter, { name, domain }: SnapshotHandle): XdrWriter =>
  writeDomain(writer.string(name), domain);

/** A UUID as people write it. */
export const uuidText = (uuid: string): string => uuid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
