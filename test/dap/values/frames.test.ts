/** Values from the point of view of frames; the types and per-CPU variables of programs; members that come and go. */
import assert from 'node:assert/strict';
import type { ShownFrame } from '../../../src/dap/frames';
import { Image } from '../../../src/dap/images/image';
import type { Images } from '../../../src/dap/images/images';
import type { Contents } from '../../../src/dap/values/contents';
import { frameContext, type FrameSession } from '../../../src/dap/values/frame-context';
import { perCpuOffset, programTypes } from '../../../src/dap/values/program-types';
import { placeOf, showExpression } from '../../../src/dap/values/show';
import { presentMembers } from '../../../src/dap/values/variants';
import { damaged } from '../../../src/symbols/byte-reader';
import type { Expression } from '../../../src/symbols/expression/ast';
import { evaluate } from '../../../src/symbols/expression/evaluate';
import type { SymbolFile, SymbolInfo } from '../../../src/symbols/symbol-file';
import type { FunctionScope, Place } from '../../../src/symbols/types/place';
import type { Member, Type, TypeSource } from '../../../src/symbols/types/type';
import type { Target } from '../../../src/targets/target';
import { GuestMemory, NAMES, REGISTERS } from '../../symbols/types/guest';
import { INT, pointerTo, TASK, TYPES } from '../../symbols/types/sample';
import { outcomeOf } from './guest-reader';

const onEntry = (register: string): Expression => ({ kind: 'variable', name: `entry:${register}` });
const inRegister = (name: string): Place => ({ kind: 'register', name });

function scope(
  name: string,
  variables: Readonly<Record<string, readonly [Type, Place]>>,
  isInlined = false,
): FunctionScope {
  return {
    name,
    isInlined,
    entry: 0n,
    variables: () =>
      Object.entries(variables).map(([own, [type, place]]) => ({ name: own, kind: 'local', type, place })),
  };
}

/** A stack of three: `inner` with something inlined, `middle`, `outer`; a line between the last two. */
function session(): FrameSession {
  const image = {
    slide: 0x1000n,
    symbols: {
      bits: 64,
      valueOnEntry: (link: bigint, register: string, callee: string): Expression | undefined => {
        // `middle` called `inner` with the task that it was called with itself, `outer` called `middle` with rbx.
        if (link === 0x4000n && register === 'rdi' && callee === 'inner') return onEntry('rdi');
        if (link === 0x5000n && register === 'rdi' && callee === 'middle') return { kind: 'register', name: 'rbx' };
        return undefined;
      },
    },
  };
  const frame = (ip: bigint, known: Readonly<Record<string, bigint>>) => ({
    ip,
    sp: 0x3000n,
    bp: 0x3010n,
    isExact: false,
    known: new Map(Object.entries(known)),
  });
  const [inner, middle, outer] = [frame(0x1234n, {}), frame(0x5000n, { r12: 7n }), frame(0x6000n, { rbx: 0x2100n })];
  const task = pointerTo(TASK);
  const arrived: Place = { kind: 'value', value: onEntry('rdi') };
  const rows = [
    { physical: inner, at: 0n, name: 'inlined', image, scope: scope('inlined', { n: [INT, inRegister('rbx')] }, true) },
    {
      physical: inner,
      at: 0n,
      name: 'inner',
      image,
      scope: scope('inner', { task: [task, arrived], other: [INT, { kind: 'value', value: onEntry('rsi') }] }),
    },
    {
      physical: middle,
      at: 0n,
      name: 'middle',
      image,
      scope: scope('middle', {
        count: [INT, inRegister('r12')],
        lost: [INT, inRegister('rcx')],
        task: [task, arrived],
      }),
    },
    { physical: outer, at: 0n, name: 'by entry', isLabel: true },
    { physical: outer, at: 0n, name: 'outer', image, scope: scope('outer', { mine: [task, inRegister('rbx')] }) },
  ] as unknown as ShownFrame[];
  const memory = new GuestMemory();
  const target = {
    evaluate: (_thread: number, expression: Expression) =>
      Promise.resolve().then(() => evaluate(structuredClone(expression), memory.scope())),
    readMemory: (_thread: number, ...place: Parameters<GuestMemory['read']>) => Promise.resolve(memory.read(...place)),
  } as unknown as Target;
  const program = imageOf({ types: TYPES, symbolsByName: () => [] });
  const images = { all: [program], describe: () => undefined };
  return {
    target,
    images: images as unknown as Images,
    names: { ...NAMES, register: (name) => name in REGISTERS || name === 'r12' || name === 'eax' },
    frame: async (id) => {
      const row = rows[id];
      if (!row) throw damaged('The stack', 'it ends here');
      return Promise.resolve({ thread: 1, row, isInnermost: row.physical === inner });
    },
    announceEdit: () => {},
  };
}

describe('values in frames', () => {
  const ENTRY = 'The compiler kept it nowhere: it was known only when the function was called';
  const cases: readonly (readonly [frame: number, text: string, value: string])[] = [
    [0, 'n', '3'],
    [0, '$rbx', '0xffffffff00000003'],
    [0, 'task', 'There is no symbol, register or variable `task` (column 1).'],
    // Through two callers.
    [1, 'task->pid', '2'],
    [1, 'task->comm', '"child"'],
    [1, 'other', `<${ENTRY}>`],
    [1, 'other + 1', `${ENTRY}.`],
    [2, 'task->pid', '2'],
    [2, 'count', '7'],
    [
      2,
      'lost',
      '<The value that `rcx` had in this frame is lost: the functions that it called may have overwritten it>',
    ],
    [2, '$rbp', '12304 (0x3010)'],
    [4, 'mine->pid', '2'],
    [4, '$rbx', '8448 (0x2100)'],
    [
      4,
      '$eax',
      'The value that `eax` had in this frame is lost: the functions that it called may have overwritten it.',
    ],
    [4, 'init_task.pid', '1'],
  ];
  for (const [frame, text, expected] of cases) {
    it(`${frame}: ${text}`, async () => {
      const within = session();
      const { row } = await within.frame(frame);
      const context = frameContext(within, 1, frame, row);
      assert.equal(await outcomeOf(async () => (await showExpression(text, '', context)).value), expected);
    });
  }

  it('places follow the frame, registers of callers are not written', async () => {
    const within = session();
    const context = frameContext(within, 1, 4, (await within.frame(4)).row);
    assert.deepEqual(await placeOf('mine->at.y', context), { space: 'linear', address: 0x216cn, bytes: 4 });
    const row = await showExpression('mine', '', context);
    assert.equal(
      await outcomeOf(async () => (await row.assign!('0')).value),
      'The registers of a caller cannot be written: they lie on the stack.',
    );
  });
});

/** A program with some of what a symbol file tells. */
function imageOf(symbols: Partial<SymbolFile>, slide = 0n): Image {
  const none = (): undefined => undefined;
  const whole = { segments: [{ start: 0n, end: 1n << 64n, flags: 7 }], ...symbols } as SymbolFile;
  const image = new Image({ name: 'program', path: 'program', symbols: whole, orc: none, btf: none, close: none });
  image.slide = slide;
  return image;
}

describe('types of programs', () => {
  const broken: TypeSource = {
    typeNamed: () => {
      throw damaged('The types', 'nothing fits');
    },
    typeNames: () => ['a', 'task'],
    typeOfSymbol: () => undefined,
  };
  const symbols: Readonly<Record<string, bigint>> = {
    __per_cpu_start: 0n,
    __per_cpu_end: 0x2000n,
    runqueues: 0x1f00n,
    behind: 0x2000n,
  };
  const program = (types: TypeSource | undefined, slide: bigint, base = 0n) => {
    const found = (name: string) => (name in symbols ? [{ address: base + symbols[name]! } as SymbolInfo] : []);
    return imageOf({ types, symbolsByName: found }, slide);
  };
  const images = { all: [program(undefined, 0n), program(broken, 0n), program(TYPES, 0n)] } as unknown as Images;

  it('the first program that knows a name says it', () => {
    const types = programTypes(images);
    assert.equal(types.typeNamed('struct', 'task'), TASK);
    assert.deepEqual(types.typeNames('ta', 5), ['a', 'task', 'task_t']);
    assert.equal(types.typeOfSymbol('nothing'), undefined);
    // The user hears of the damage, once.
    assert.match(images.all[1]!.takeRemarks().join(), /^program: The types is damaged: nothing fits/);
    assert.deepEqual(images.all[1]!.takeRemarks(), []);
  });

  it('per-CPU variables that are linked from 0 on do not move, others do', () => {
    const at = (base: bigint, name: string) =>
      perCpuOffset({ all: [program(undefined, 0x1000000n, base)] } as unknown as Images, name);
    assert.equal(at(0n, 'runqueues'), 0x1f00n);
    assert.equal(at(0n, 'behind'), undefined);
    assert.equal(at(0n, 'nothing'), undefined);
    assert.equal(at(0xffffffff82000000n, 'runqueues'), 0xffffffff83001f00n);
  });
});

describe('members that are there only sometimes', () => {
  const discriminant: Member = { name: undefined, type: INT, bitOffset: 0 };
  const variant = (name: string, value: bigint | undefined): Member => ({
    name,
    type: INT,
    bitOffset: 32,
    onlyIf: { discriminant, value },
  });
  const members: readonly Member[] = [
    { name: 'all', type: INT, bitOffset: 64 },
    variant('None', 0n),
    variant('Minus', -1n),
    variant('Else', undefined),
  ];
  const cases: readonly (readonly [bytes: readonly number[], expected: string])[] = [
    [[0, 0, 0, 0], 'all None'],
    [[255, 255, 255, 255], 'all Minus'],
    [[5, 0, 0, 0], 'all Else'],
    [[], 'all None Minus'],
  ];
  for (const [bytes, expected] of cases) {
    it(`${bytes.join(' ')}: ${expected}`, () => {
      const contents: Contents = { bytes: Uint8Array.from(bytes), end: 'not mapped' };
      assert.equal(
        presentMembers(members, contents, 0)
          .map(({ name }) => name)
          .join(' '),
        expected,
      );
    });
  }
});
