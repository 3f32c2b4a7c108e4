/** Ids of the tree's rows for engines with a Docker API: `kind:name`, so that an id tells what it is. */

/** The kinds of rows. */
export type RowKind = 'folder' | 'container' | 'project' | 'pod' | 'image' | 'network' | 'volume';

/** The folders at the top. */
export type FolderName = 'containers' | 'images' | 'networks' | 'volumes';

/** The id of a row. */
export const rowId = (kind: RowKind, name: string): string => `${kind}:${name}`;

/** What an id names. The name may hold colons itself. */
export function parseRowId(id: string): { readonly kind: RowKind; readonly name: string } {
  const colon = id.indexOf(':');
  return { kind: id.slice(0, colon) as RowKind, name: id.slice(colon + 1) };
}
