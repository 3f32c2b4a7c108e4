/**
 * The namespaces of a process of this machine, and who shares them. A namespace is known by the inode of its file.
 * Source: namespaces(7), /proc/PID/ns.
 */
import { readlink } from 'node:fs/promises';

/** The kinds of namespaces, as /proc names them. */
export const NAMESPACE_KINDS = ['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const;

/** One kind of namespace. */
export type NamespaceKind = (typeof NAMESPACE_KINDS)[number];

/** Inode numbers by kind; a kind that the kernel lacks, or that may not be read, is absent. */
export type Namespaces = Readonly<Partial<Record<NamespaceKind, number>>>;

/** A process's namespaces; empty where there is no such process or it may not be looked at. */
export async function namespacesOf(pid: number | 'self'): Promise<Namespaces> {
  const found: Partial<Record<NamespaceKind, number>> = {};
  await Promise.all(
    NAMESPACE_KINDS.map(async (kind) => {
      const link = await readlink(`/proc/${pid}/ns/${kind}`).catch(() => '');
      const inode = /\[(\d+)\]$/.exec(link)?.[1];
      if (inode !== undefined) found[kind] = Number(inode);
    }),
  );
  return found;
}

/** A process with a name, to compare with. */
export interface NamedNamespaces {
  readonly name: string;
  readonly namespaces: Namespaces;
}

/** One row of the comparison: kind, inode, and the names of those that share it. */
export interface SharedNamespace {
  readonly kind: NamespaceKind;
  readonly inode: number;
  readonly sharedWith: readonly string[];
}

/** For each namespace of `own`, which of `others` are in it too. */
export const compareNamespaces = (own: Namespaces, others: readonly NamedNamespaces[]): SharedNamespace[] =>
  NAMESPACE_KINDS.flatMap((kind) => {
    const inode = own[kind];
    if (inode === undefined) return [];
    const sharedWith = others.filter(({ namespaces }) => namespaces[kind] === inode).map(({ name }) => name);
    return [{ kind, inode, sharedWith }];
  });
