/** Ids of the tree's rows for libvirt: `kind:UUID`, with `#part` for what belongs to it. */
import { gone } from './errors';

/** The kinds of rows that have a UUID, and folders. */
export type RowKind = 'folder' | 'domain' | 'network' | 'pool';

/** The folders at the top. */
export type FolderName = 'domains' | 'networks' | 'pools';

/** An id, taken apart. */
export interface RowId {
  readonly kind: RowKind;
  /** UUID, or a folder's name. */
  readonly key: string;
  /** `snapshots`, `snapshot:NAME`, `disk:TARGET`, `nic:MAC`, `volume:NAME`. */
  readonly part?: { readonly kind: string; readonly name: string } | undefined;
}

export const folderId = (name: FolderName): string => `folder:${name}`;
export const domainId = (uuid: string): string => `domain:${uuid}`;
export const networkId = (uuid: string): string => `network:${uuid}`;
export const poolId = (uuid: string): string => `pool:${uuid}`;
export const partId = (owner: string, kind: string, name = ''): string => `${owner}#${kind}:${name}`;

/** What an id names; names of parts may hold anything. Throws a UserError for what is no id. */
export function parseId(id: string): RowId {
  const folder = /^folder:([a-z]+)$/.exec(id)?.[1];
  if (folder !== undefined) return { kind: 'folder', key: folder };
  const match = /^(domain|network|pool):([0-9a-f]{32})(?:#([a-z]+):(.*))?$/s.exec(id);
  if (!match) throw gone();
  const [, kind, key = '', part, name = ''] = match;
  return { kind: kind as RowKind, key, ...(part !== undefined && { part: { kind: part, name } }) };
}
