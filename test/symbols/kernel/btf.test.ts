// BTF of hand-made records of every kind, a module's on top of a kernel's, and what is refused.
import assert from 'node:assert/strict';
import { Btf, readBtf } from '../../../src/symbols/kernel/btf';
import type { Kallsyms } from '../../../src/symbols/kernel/kallsyms';
import type { NamedKind, Type } from '../../../src/symbols/types/type';
import { Bytes } from '../elf-image';
import { btfImage, type BtfRecord, KERNEL_TYPES, stringsOf } from './btf-image';

const INT = 1;
const POINTER = 6;

/** A type as a text, one level deep: what it refers to is written with its kind and its name only. */
function show(type: Type): string {
  const short = (of: Type): string => `${of.kind}${'name' in of ? ` ${of.name ?? '-'}` : ''}`;
  switch (type.kind) {
    case 'integer':
      return `${type.name}: ${type.isSigned ? 'signed' : 'unsigned'} ${type.shown}, ${type.size}`;
    case 'float':
      return `${type.name}: float, ${type.size}`;
    case 'pointer':
      return `pointer to ${short(type.to)}, ${type.size}`;
    case 'array':
      return `${type.count} of ${short(type.of)}`;
    case 'struct':
    case 'union':
    case 'class':
      return `${short(type)}, ${type.size}: ${type.members
        .map(
          ({ name, type: of, bitOffset, bitSize }) =>
            `${name} ${short(of)} ${bitOffset}${bitSize ? `:${bitSize}` : ''}`,
        )
        .join('; ')}`;
    case 'enum':
      return `${short(type)}, ${type.isSigned ? 'signed' : 'unsigned'} ${type.size}: ${type.values
        .map(({ name, value }) => `${name}=${value}`)
        .join()}`;
    case 'function':
      return `${short(type.returns)} (${type.parameters.map((one) => `${one.name} ${show(one.type)}`).join()}${type.isVariadic ? ', ...' : ''})`;
    case 'typedef':
      return `typedef ${type.name} of ${short(type.to)}`;
    case 'void':
      return 'void';
    default:
      return `${type.kind} ${short(type.to)}`;
  }
}

const btf = new Btf(btfImage(KERNEL_TYPES));

describe('symbols: BTF', () => {
  const types: Readonly<Record<number, string>> = {
    0: 'void',
    1: 'int: signed number, 4',
    2: 'long unsigned int: unsigned number, 8',
    3: 'char: signed character, 1',
    4: '_Bool: unsigned boolean, 1',
    5: 'double: float, 8',
    6: 'pointer to struct node, 8',
    7: 'struct node, 32: next pointer 0; value integer int 64:3; undefined union - 128; tail array 256',
    8: 'union -, 16: key integer long unsigned int 0; text array 0',
    9: '16 of integer char',
    10: 'undefined of integer char',
    11: 'enum state, unsigned 4: RUNNING=0,HUGE=4294967295',
    12: 'enum error, signed 4: NOTHING=0,WRONG=-22',
    13: 'enum mask, unsigned 8: ALL=18446744073709551615',
    14: 'enum wide, signed 8: LEAST=-9223372036854775808',
    15: 'typedef node_t of struct node',
    16: 'const typedef node_t',
    17: 'volatile integer int',
    18: 'restrict pointer',
    21: 'pointer to struct node, 8',
    22: 'struct secret, undefined: ',
    23: 'union hidden, undefined: ',
    24: 'void (format pointer to struct node, 8, ...)',
    25: 'void (format pointer to struct node, 8, ...)',
    26: 'pointer to struct node, 8',
    31: 'struct old, 4: low integer int 2:5; high typedef five 7:5; whole integer int 0',
    32: 'pointer to void, 8',
    36: 'integer int ()',
  };
  for (const [id, wanted] of Object.entries(types)) {
    it(`${id}: ${wanted}`, () => assert.equal(show(btf.type(Number(id))), wanted));
  }

  it('the same type is the same object', () => {
    const node = btf.typeNamed('struct', 'node');
    assert.ok(node?.kind === 'struct');
    const next = node.members[0]?.type;
    assert.ok(next?.kind === 'pointer');
    assert.equal(next.to, node);
    assert.equal(next, btf.type(POINTER));
    assert.equal(node.members, node.members);
  });

  const names: readonly (readonly [NamedKind, string, number | undefined])[] = [
    ['struct', 'node', 7],
    ['union', 'node', undefined],
    ['typedef', 'node_t', 15],
    ['enum', 'state', 11],
    ['struct', 'state', 33],
    ['base', 'char', 3],
    ['base', 'double', 5],
    ['base', 'int', 1],
    ['enum', 'mask', 13],
    ['enum', 'later', 35],
    ['struct', 'secret', undefined],
    ['class', 'node', undefined],
    ['struct', 'printk', undefined],
    ['struct', '', undefined],
    ['struct', 'constructor', undefined],
  ];
  for (const [kind, name, id] of names) {
    it(`by name: ${kind} ${name}`, () =>
      assert.equal(btf.typeNamed(kind, name), id === undefined ? undefined : btf.type(id)));
  }

  it('lists names of types in order', () => {
    assert.deepEqual(btf.typeNames('', 4), ['_Bool', 'char', 'double', 'error']);
    assert.deepEqual(btf.typeNames('node', 9), ['node', 'node_t']);
    assert.deepEqual(btf.typeNames('pri', 9), []);
    assert.deepEqual(btf.typeNames('node', 0), []);
  });

  it('knows the types of functions and of per-CPU variables', () => {
    assert.equal(btf.typeOfSymbol('printk'), btf.type(24));
    assert.equal(btf.typeOfSymbol('current_node'), btf.type(21));
    assert.equal(btf.typeOfSymbol('node'), undefined);
    const { type, offset, size } = btf.perCpuVariable('current_node')!;
    assert.deepEqual([type, offset, size], [btf.type(21), 0x1fb80, 8]);
    assert.equal(btf.perCpuVariable('printk'), undefined);
  });

  it('knows the constants of enumerations', () => {
    const constants = ['RUNNING', 'WRONG', 'ALL', 'LEAST', 'SOON', 'LATER', 'toString'].map((name) =>
      btf.enumerator(name),
    );
    const wanted = [
      [11, 0n],
      [12, -22n],
      [13, 0xffff_ffff_ffff_ffffn],
      [14, -(1n << 63n)],
      [35, 1n],
    ] as const;
    const found = wanted.map(([id, value]) => ({ type: btf.type(id), value }));
    assert.deepEqual(constants, [...found, undefined, undefined]);
  });

  it('tells the size of a pointer', () => {
    const small = new Btf(
      btfImage([
        { kind: 'integer', name: 'long unsigned int', size: 4 },
        { kind: 'pointer', to: 0 },
      ]),
    );
    assert.equal(show(small.type(2)), 'pointer to void, 4');
  });
});

describe("symbols: a module's BTF", () => {
  const image = btfImage(KERNEL_TYPES);
  const end = KERNEL_TYPES.length + 1;
  const records: readonly BtfRecord[] = [
    {
      kind: 'struct',
      name: 'driver',
      size: 8,
      members: [
        ['list', POINTER, 0],
        ['own', end + 1, 64],
      ],
    },
    { kind: 'pointer', to: end },
    { kind: 'struct', name: 'state', size: 4, members: [['own', INT, 0]] },
    { kind: 'function', name: 'probe', prototype: 36 },
  ];
  const module = new Btf(btfImage(records, stringsOf(image)), btf);

  it('goes on where the kernel ends', () => {
    assert.equal(module.end, end + records.length);
    assert.equal(show(module.type(end)), 'struct driver, 8: list pointer 0; own pointer 64');
    assert.equal(show(module.type(end + 1)), 'pointer to struct driver, 8');
    assert.equal(module.type(7), btf.type(7));
    assert.equal(module.typeOfSymbol('probe'), btf.type(36));
  });

  it('comes before the kernel, by name', () => {
    assert.equal(module.typeNamed('struct', 'state'), module.type(end + 2));
    assert.equal(module.typeNamed('struct', 'node'), btf.type(7));
    assert.equal(module.typeOfSymbol('printk'), btf.typeOfSymbol('printk'));
    assert.deepEqual(module.typeNames('d', 9), ['double', 'driver']);
    assert.equal(module.perCpuVariable('current_node')?.offset, 0x1fb80);
    assert.equal(module.enumerator('WRONG')?.value, -22n);
    assert.equal(btf.typeNamed('struct', 'driver'), undefined);
  });
});

describe('symbols: damaged BTF', () => {
  const image = btfImage(KERNEL_TYPES);
  const changed = (at: number, value: number): Uint8Array => {
    const bytes = Uint8Array.from(image);
    new DataView(bytes.buffer).setUint32(at, value, true);
    return bytes;
  };
  const refused: Readonly<Record<string, Uint8Array>> = {
    nothing: new Uint8Array(0),
    'another file': changed(0, 0x464c_457f),
    'big-endian': changed(0, 0x0001_9feb),
    'types that end outside': changed(12, 0x7fff_ffff),
    'strings that end outside': changed(20, 0x7fff_ffff),
    'a header that ends outside': changed(4, 0xffff_ffff),
    'a kind that is none': changed(24 + 4, 31 << 24),
    'a type that is cut': changed(12, 20),
  };
  for (const [name, bytes] of Object.entries(refused)) {
    it(`refuses ${name}`, () => assert.throws(() => new Btf(bytes), { code: 'symbols.damaged' }));
  }

  const broken: Readonly<Record<string, readonly BtfRecord[]>> = {
    'a type that is not there': [{ kind: 'typedef', name: 'x', to: 99 }],
    'tags without end': [
      { kind: 'pointer', to: 2 },
      { kind: 'typeTag', name: 'x', to: 2 },
    ],
    'variables without end': [
      { kind: 'pointer', to: 2 },
      { kind: 'variable', name: 'x', type: 2 },
    ],
    'a section as a type': [
      { kind: 'pointer', to: 2 },
      { kind: 'section', name: 'x', variables: [] },
    ],
  };
  for (const [name, records] of Object.entries(broken)) {
    it(`throws where it meets ${name}`, () => {
      const type = new Btf(btfImage(records)).type(1);
      assert.ok(type.kind === 'typedef' || type.kind === 'pointer');
      assert.throws(() => type.to, { code: 'symbols.damaged' });
    });
  }
});

describe("symbols: a running kernel's BTF", () => {
  const image = btfImage(KERNEL_TYPES);
  const START = 0xffff_ffff_8240_0000n;
  const kallsyms = (end: bigint): Kallsyms => ({
    bits: 64,
    names: ['__start_BTF', '__stop_BTF'],
    types: 'RR',
    addresses: BigUint64Array.of(START, end),
    absolute: 0,
  });
  const memory = (linear: bigint, length: number): Promise<Uint8Array> => {
    const from = Number(linear - START);
    return Promise.resolve(new Bytes().bytes(image.subarray(from, from + length)).finish());
  };
  const length = BigInt(image.length);

  it('lies between its symbols', async () => {
    const found = await readBtf(memory, kallsyms(START + length));
    assert.equal(found?.end, btf.end);
    for (const end of [START, START - 8n, START + length + 1n, START + (1n << 40n)]) {
      assert.equal(await readBtf(memory, kallsyms(end)), undefined);
    }
    assert.equal(await readBtf(memory, { ...kallsyms(START), names: ['a', 'b'] }), undefined);
  });
});
