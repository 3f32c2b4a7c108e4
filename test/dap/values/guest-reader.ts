// The little guest of the expression tests as values are shown from it; it keeps what is written and counts reads.
import { UserError } from '../../../src/common/errors';
import type { ValueContext, ValueReader } from '../../../src/dap/values/reader';
import { WHOLE, type Page, type Row } from '../../../src/dap/values/row';
import { showExpression } from '../../../src/dap/values/show';
import { evaluate } from '../../../src/symbols/expression/evaluate';
import { U64 } from '../../../src/symbols/expression/types';
import { GuestMemory, NAMES, REGISTERS } from '../../symbols/types/guest';

export class GuestReader implements ValueReader {
  reads = 0;
  readonly registers: typeof REGISTERS = { ...REGISTERS };

  constructor(readonly memory = new GuestMemory()) {}

  readonly evaluate: ValueReader['evaluate'] = (expression) =>
    Promise.resolve().then(() =>
      evaluate(structuredClone(expression), {
        ...this.memory.scope(),
        register: (name) => this.registers[name],
      }),
    );

  readonly read: ValueReader['read'] = (...place) => {
    this.reads++;
    return Promise.resolve(this.memory.read(...place));
  };

  readonly write: ValueReader['write'] = (_space, address, bytes) => {
    this.memory.bytes.set(bytes, Number(address) - 0x1000);
    return Promise.resolve();
  };

  readonly writeRegister: ValueReader['writeRegister'] = (name, value) => {
    this.registers[name] = { value, bits: 64 };
    return Promise.resolve({ value, type: U64 });
  };
}

export const contextOf = (reader: ValueReader): ValueContext => ({
  reader,
  names: NAMES,
  symbolAt: (linear) =>
    linear >= 0xffffffff81000000n
      ? `runner${linear === 0xffffffff81000000n ? '' : `+0x${(linear - 0xffffffff81000000n).toString(16)}`}`
      : undefined,
});

/** The row of an expression, or what opens it: `first/pid` is the child `pid` of `first`. */
export async function rowAt(path: string, reader: ValueReader): Promise<Row> {
  const [text, ...names] = path.split(' / ');
  let row = await showExpression(text!, '', contextOf(reader));
  for (const name of names) {
    const child = (await childrenOf(row)).find((one) => one.name === name);
    if (!child) throw new Error(`no ${name} in ${text}`);
    row = child;
  }
  return row;
}

export const childrenOf = async (row: Row, page: Page = WHOLE): Promise<readonly Row[]> =>
  (await row.children?.(page)) ?? [];

/** What it gives, or the sentence of its UserError. */
export async function outcomeOf(compute: () => Promise<string>): Promise<string> {
  try {
    return await compute();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
