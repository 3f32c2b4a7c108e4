// A little program's types, made by hand: what BTF or DWARF would tell.
import type {
  AggregateType,
  ArrayType,
  EnumType,
  FloatType,
  IntegerType,
  Member,
  NamedKind,
  PointerType,
  Type,
  TypedefType,
  TypeSource,
} from '../../../src/symbols/types/type';

const integer = (
  name: string,
  size: number,
  isSigned: boolean,
  shown: IntegerType['shown'] = 'number',
): IntegerType => ({
  kind: 'integer',
  name,
  size,
  isSigned,
  shown,
});
export const pointerTo = (to: Type): PointerType => ({ kind: 'pointer', size: 8, to });
export const arrayOf = (of: Type, count?: number): ArrayType => ({ kind: 'array', of, count });
export const constOf = (to: Type): Type => ({ kind: 'const', to });

/** Members by byte offset; a number pair is a bit offset and a width. */
type Row = readonly [name: string | undefined, type: Type, at: number | readonly [number, number]];
const membersOf = (rows: readonly Row[]): Member[] =>
  rows.map(([name, type, at]) =>
    typeof at === 'number' ? { name, type, bitOffset: at * 8 } : { name, type, bitOffset: at[0], bitSize: at[1] },
  );
export const aggregate = (
  kind: AggregateType['kind'],
  name: string | undefined,
  size: number | undefined,
  rows: readonly Row[] = [],
): AggregateType => ({ kind, name, size, members: membersOf(rows) });

export const INT = integer('int', 4, true);
export const UINT = integer('unsigned int', 4, false);
export const ULONG = integer('long unsigned int', 8, false);
export const CHAR = integer('char', 1, true, 'character');
export const UCHAR = integer('unsigned char', 1, false);
export const BOOL = integer('_Bool', 1, false, 'boolean');
export const FLOAT: FloatType = { kind: 'float', name: 'float', size: 4 };
export const DOUBLE: FloatType = { kind: 'float', name: 'double', size: 8 };
export const LONG_DOUBLE: FloatType = { kind: 'float', name: 'long double', size: 16 };
export const VOID_POINTER = pointerTo({ kind: 'void' });

const enumeration = (name: string | undefined, values: Readonly<Record<string, bigint>>, size = 4): EnumType => ({
  kind: 'enum',
  name,
  size,
  isSigned: false,
  values: Object.entries(values).map(([known, value]) => ({ name: known, value })),
});
export const STATE = enumeration('state', { RUNNING: 0n, SLEEPING: 1n, STOPPED: 4n, DEAD: 9n });
export const FLAGS = enumeration('flags', { F_READ: 1n, F_WRITE: 2n, F_EXEC: 4n, F_RW: 3n });

export const U32: TypedefType = { kind: 'typedef', name: 'u32', to: UINT };
export const LIST_HEAD: AggregateType = (() => {
  const members: Member[] = [];
  const type: AggregateType = { kind: 'struct', name: 'list_head', size: 16, members };
  members.push(
    ...membersOf([
      ['next', pointerTo(type), 0],
      ['prev', pointerTo(type), 8],
    ]),
  );
  return type;
})();
export const HLIST_NODE: AggregateType = (() => {
  const members: Member[] = [];
  const type: AggregateType = { kind: 'struct', name: 'hlist_node', size: 16, members };
  members.push(
    ...membersOf([
      ['next', pointerTo(type), 0],
      ['pprev', pointerTo(pointerTo(type)), 8],
    ]),
  );
  return type;
})();
export const HLIST_HEAD = aggregate('struct', 'hlist_head', 8, [['first', pointerTo(HLIST_NODE), 0]]);
export const RB_NODE: AggregateType = (() => {
  const members: Member[] = [];
  const type: AggregateType = { kind: 'struct', name: 'rb_node', size: 24, members };
  members.push(
    ...membersOf([
      ['__rb_parent_color', ULONG, 0],
      ['rb_right', pointerTo(type), 8],
      ['rb_left', pointerTo(type), 16],
    ]),
  );
  return type;
})();
export const RB_ROOT = aggregate('struct', 'rb_root', 8, [['rb_node', pointerTo(RB_NODE), 0]]);
export const XARRAY = aggregate('struct', 'xarray', 16, [
  ['xa_lock', UINT, 0],
  ['xa_flags', UINT, 4],
  ['xa_head', VOID_POINTER, 8],
]);
/** Four slots rather than 64. */
export const XA_NODE = aggregate('struct', 'xa_node', 56, [
  ['shift', UCHAR, 0],
  ['offset', UCHAR, 1],
  ['count', UCHAR, 2],
  ['slots', arrayOf(VOID_POINTER, 4), 24],
]);

export const POINT = aggregate('struct', 'point', 8, [
  ['x', INT, 0],
  ['y', INT, 4],
]);
export const ACTION = pointerTo({
  kind: 'function',
  returns: INT,
  parameters: [{ name: 'data', type: VOID_POINTER }],
  isVariadic: false,
});
/** Declared, never defined. */
export const HIDDEN = aggregate('struct', 'hidden', undefined);

export const TASK: AggregateType = (() => {
  const members: Member[] = [];
  const type: AggregateType = { kind: 'struct', name: 'task', size: 160, members };
  members.push(
    ...membersOf([
      ['pid', INT, 0],
      ['state', STATE, 4],
      ['comm', arrayOf(CHAR, 16), 8],
      ['parent', pointerTo(type), 24],
      ['name', pointerTo(constOf(CHAR)), 32],
      ['tasks', LIST_HEAD, 40],
      // A union without a name, with a structure without a name in it.
      [
        undefined,
        aggregate('union', undefined, 8, [
          ['whole', ULONG, 0],
          [
            undefined,
            aggregate('struct', undefined, 8, [
              ['low', UINT, 0],
              ['high', UINT, 4],
            ]),
            0,
          ],
        ]),
        56,
      ],
      ['nice', INT, [64 * 8, 3]],
      ['idle', UINT, [64 * 8 + 3, 1]],
      ['prio', UINT, [64 * 8 + 4, 20]],
      ['flags', FLAGS, 68],
      ['action', ACTION, 72],
      ['grid', arrayOf(arrayOf(INT, 3), 2), 80],
      ['at', POINT, 104],
      ['ratio', DOUBLE, 112],
      ['alive', BOOL, 120],
      ['letter', CHAR, 121],
      ['node', HLIST_NODE, 128],
      ['more', arrayOf(CHAR), 160],
    ]),
  );
  return type;
})();
export const TASK_T: TypedefType = { kind: 'typedef', name: 'task_t', to: TASK };

const NAMED: readonly (readonly [NamedKind, Type & { readonly name?: string | undefined }])[] = [
  ...[INT, UINT, ULONG, CHAR, UCHAR, BOOL, FLOAT, DOUBLE, LONG_DOUBLE].map((type) => ['base', type] as const),
  ...[LIST_HEAD, HLIST_NODE, HLIST_HEAD, RB_NODE, RB_ROOT, XARRAY, XA_NODE, POINT, HIDDEN, TASK].map(
    (type) => ['struct', type] as const,
  ),
  ['enum', STATE],
  ['enum', FLAGS],
  ['typedef', U32],
  ['typedef', TASK_T],
];

/** Types of the symbols that `SYMBOLS` of a test may have. */
export const SYMBOL_TYPES: Readonly<Record<string, Type>> = {
  init_task: TASK,
  counter: ULONG,
  small: { kind: 'integer', name: 'short int', size: 2, isSigned: true, shown: 'number' },
  names: arrayOf(pointerTo(CHAR), 4),
  table_of_int: arrayOf(INT, 8),
  banner: arrayOf(constOf(CHAR), 12),
  first: pointerTo(TASK),
  pi: DOUBLE,
  reference: { kind: 'pointer', size: 8, to: INT, isReference: true },
  runner: { kind: 'function', returns: INT, parameters: [], isVariadic: false },
  secret: HIDDEN,
  pages: XARRAY,
  tree: RB_ROOT,
  heads: arrayOf(HLIST_HEAD, 2),
  current_task: pointerTo(TASK),
  per_cpu_count: UINT,
  mode: STATE,
  endless: constOf(arrayOf(constOf(CHAR))),
  lengthless: arrayOf(CHAR),
};

export const TYPES: TypeSource = {
  typeNamed: (kind, name) => NAMED.find(([other, type]) => other === kind && type.name === name)?.[1],
  typeNames: (prefix, limit) =>
    NAMED.map(([, { name }]) => name!)
      .filter((name) => name.startsWith(prefix))
      .sort()
      .slice(0, limit),
  typeOfSymbol: (name) => (Object.hasOwn(SYMBOL_TYPES, name) ? SYMBOL_TYPES[name] : undefined),
};
