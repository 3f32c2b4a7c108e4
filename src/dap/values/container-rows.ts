/** Rows for containers of the Linux kernel: their length and entries, as the structures that the nodes are part of. */
import type { ContainerKind, ContainerView } from '../../symbols/expression/typed';
import type { Type, TypeSource } from '../../symbols/types/type';
import { typeText } from '../../symbols/types/type-text';
import { type Entries, entriesOf, lengthText } from './containers';
import type { ValueContext, ValueFormat } from './reader';
import { note, type Page, type Row } from './row';
import { pointerText } from './scalars';
import type { RowMaker } from './shown';

/** Most entries of a container that the user asks for. */
const MAX_ENTRIES = 10_000;
/** Of one that is met in a structure: it may be a node rather than a head, or nothing at all. */
const MAX_MET = 1000;

/** The nodes by themselves, where nothing says what they are part of. */
const NODES: Readonly<Record<ContainerKind, string>> = {
  list: 'list_head',
  hlist: 'hlist_node',
  rbtree: 'rb_node',
  xarray: 'void',
};

/** What a container in memory opens into besides its members: `[length]` and `[entries]`. */
export async function containerRows(
  kind: ContainerKind,
  head: bigint,
  format: ValueFormat,
  context: ValueContext,
  rowOf: RowMaker,
): Promise<readonly Row[]> {
  const entries = await entriesOf(kind, head, MAX_MET, context.reader, context.names.types);
  const length = note('[length]', lengthText(entries));
  if (entries.found.length === 0) return [length];
  const children = (page: Page): Promise<readonly Row[]> =>
    entryRows({ kind, element: undefined }, entries, page, format, context, rowOf);
  return [length, { ...note('[entries]', lengthText(entries)), indexed: entries.found.length, children }];
}

/** The row of a container that the user asked for by `list(…)` and the like; `head` is its linear address. */
export async function viewRow(
  name: string,
  view: Pick<ContainerView, 'kind' | 'element'>,
  head: bigint,
  format: ValueFormat,
  context: ValueContext,
  rowOf: RowMaker,
): Promise<Row> {
  const entries = await entriesOf(view.kind, head, MAX_ENTRIES, context.reader, context.names.types);
  const { element } = view;
  return {
    name,
    value: `{length = ${lengthText(entries)}}`,
    type: element ? `${view.kind} of ${typeText(element.type)}` : view.kind,
    evaluateName: name,
    indexed: entries.found.length,
    memory: { space: 'linear', address: head, bytes: 8 },
    presentationHint: { attributes: ['readOnly'] },
    ...(entries.found.length > 0 && {
      children: (page: Page) => entryRows(view, entries, page, format, context, rowOf),
    }),
  };
}

async function entryRows(
  { kind, element }: Pick<ContainerView, 'kind' | 'element'>,
  { found }: Entries,
  { start, count }: Page,
  format: ValueFormat,
  context: ValueContext,
  rowOf: RowMaker,
): Promise<Row[]> {
  const type = element?.type ?? nodeType(kind, context.names.types);
  const rows: Row[] = [];
  for (const [at, { address, index }] of found.slice(start, start + count).entries()) {
    const name = `[${index ?? start + at}]`;
    // What is odd in an xarray is a number of 63 bits.
    if (kind === 'xarray' && address & 1n) rows.push(note(name, String(address >> 1n)));
    else if (!type) rows.push(note(name, pointerText(address, context)));
    else {
      const target = BigInt.asUintN(64, (kind === 'xarray' ? address & ~3n : address) - BigInt(element?.offset ?? 0));
      rows.push(
        await rowOf(
          {
            name,
            type,
            located: { kind: 'memory', space: 'linear', address: target },
            evaluateName: `*(${typeText(type, '*')})0x${target.toString(16)}`,
            format,
          },
          context,
        ),
      );
    }
  }
  return rows;
}

const nodeType = (kind: ContainerKind, types: TypeSource | undefined): Type | undefined =>
  types?.typeNamed('struct', NODES[kind]);
