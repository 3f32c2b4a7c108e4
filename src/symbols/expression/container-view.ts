/**
 * Containers that are shown by their entries: `list(head, struct task_struct, tasks)`, `hlist(…)`, `rbtree(…)` for the
 * structures that have such nodes as members, `xarray(array, struct page)` for what its entries point to. The type and the
 * member can be left out: then the nodes themselves are shown.
 */
import { isAggregate, plain } from '../types/plain';
import type { Type } from '../types/type';
import { quoted, typeError } from './errors';
import { addressOf, nameOf, type Operand, valueOf } from './operand';
import { asPointer } from './places';
import type { ContainerKind, ContainerView } from './typed';
import { U8 } from './types';
import { elementOf } from './value-type';

/** How each container is called here, and the structures that are one. */
export const CONTAINERS: Readonly<Record<ContainerKind, readonly string[]>> = {
  list: ['list_head'],
  hlist: ['hlist_head', 'hlist_nulls_head'],
  rbtree: ['rb_root', 'rb_root_cached'],
  xarray: ['xarray'],
};

/** The container that a type is, if it is one. */
export function containerKindOf(type: Type): ContainerKind | undefined {
  const found = plain(type);
  if (found.kind !== 'struct' || found.name === undefined) return undefined;
  const { name } = found;
  return (Object.keys(CONTAINERS) as ContainerKind[]).find((kind) => CONTAINERS[kind].includes(name));
}

/** True for a name that makes a view. */
export const isContainer = (name: string): name is ContainerKind => Object.hasOwn(CONTAINERS, name);

/** The view of a container: `of` is its head, or a pointer to it. Throws a UserError for what is none. */
export function containerView(
  kind: ContainerKind,
  of: Operand,
  element: ContainerView['element'],
  at: number,
): ContainerView {
  const to = elementOf(of.type);
  const type = to ?? of.type;
  if (type && isAggregate(plain(type)) && containerKindOf(type) !== kind)
    throw typeError(`${nameOf(of)} is no ${quoted(CONTAINERS[kind][0]!)}`, at);
  const head = of.place && !to && of.type ? addressOf(of, at) : valueOf(of, at);
  return { kind, head: asPointer(head, U8), element };
}
