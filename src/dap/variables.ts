/**
 * Registers and values as scopes and variables: one scope per group of registers, a register with fields opens into them;
 * scopes of rows, which open into rows.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Register, RegisterField, Target } from '../targets/target';
import { notWritable, staleReference } from './errors';
import { hex } from './memory-reference';
import { type MemoryRange, type Page, referenceTo, type Row, WHOLE } from './values/row';

type Variable = DebugProtocol.Variable;

/** The number that a text says. Rejects with a UserError. */
export type Compute = (text: string) => Promise<bigint>;

/** What a reference opens into. */
interface Container {
  list(page: Page): Promise<readonly Variable[]>;
  /** Gives a member the value that a text says. */
  set(name: string, text: string, compute: Compute): Promise<Variable>;
  /** Where a member lies in memory. */
  place?(name: string): Promise<MemoryRange | undefined>;
}

const EXPENSIVE = new Set(['MSRs', 'VMCS']);

/** What can be opened at one stop: scopes and registers, by reference numbers that hold until the machine goes on. */
export class VariableStore {
  private readonly containers: Container[] = [];
  private readonly groups = new Map<string, Promise<readonly Register[]>>();

  constructor(private readonly target: Target) {}

  /** One scope per group of a thread's registers, in their order. */
  async scopes(thread: number): Promise<DebugProtocol.Scope[]> {
    const groups = await this.target.registerGroups(thread);
    return groups.map((name) => ({
      name,
      presentationHint: 'registers',
      variablesReference: this.reference(this.group(thread, name)),
      expensive: EXPENSIVE.has(name),
    }));
  }

  /** A scope of fixed values, for frames whose registers are gone. */
  fixedScope(name: string, values: Readonly<Record<string, bigint>>): DebugProtocol.Scope {
    const list = Object.entries(values).map(([member, value]): Variable => ({
      name: member,
      value: padded(value, 64),
      type: '64 bits',
      variablesReference: 0,
      memoryReference: hex(value),
      presentationHint: { attributes: ['readOnly'] },
    }));
    const container = {
      list: () => Promise.resolve(list),
      set: (member: string) => Promise.reject(notWritable(member)),
    };
    return { name, presentationHint: 'registers', variablesReference: this.reference(container), expensive: false };
  }

  /** A scope of rows, made anew whenever it is opened. */
  rowScope(name: string, hint: string, rows: (page: Page) => Promise<readonly Row[]>): DebugProtocol.Scope {
    return {
      name,
      presentationHint: hint,
      variablesReference: this.reference(this.rows(rows, 'named')),
      expensive: false,
    };
  }

  /** A row for the wire; its reference holds until the machine goes on. */
  rowVariable({ name, value, type, evaluateName, memory, presentationHint, indexed, children }: Row): Variable {
    return {
      name,
      value,
      variablesReference: children
        ? this.reference(this.rows(children, indexed === undefined ? 'named' : 'indexed'))
        : 0,
      ...(type !== undefined && { type }),
      ...(evaluateName !== undefined && { evaluateName }),
      ...(memory && { memoryReference: referenceTo(memory) }),
      ...(presentationHint && { presentationHint }),
      ...(indexed !== undefined && { indexedVariables: indexed }),
    };
  }

  /** What `reference` opens into. Rejects with a UserError for one that this stop has not given. */
  variables(reference: number, page: Page = WHOLE): Promise<readonly Variable[]> {
    return this.container(reference).list(page);
  }

  /** Writes a member of `reference`; gives what it is then. Rejects with UserErrors. */
  set(reference: number, name: string, text: string, compute: Compute): Promise<Variable> {
    return this.container(reference).set(name, text, compute);
  }

  /** The memory of a member of `reference`; undefined for what is not in memory. Rejects with UserErrors. */
  async place(reference: number, name: string): Promise<MemoryRange | undefined> {
    return this.container(reference).place?.(name);
  }

  /** The registers may have changed: they are read again. References stay. */
  forget(): void {
    this.groups.clear();
  }

  private container(reference: number): Container {
    const container = this.containers[reference - 1];
    if (!container) throw staleReference('variable', reference);
    return container;
  }

  private reference(container: Container): number {
    return this.containers.push(container);
  }

  private rows(children: (page: Page) => Promise<readonly Row[]>, kind: 'indexed' | 'named'): Container {
    const shown = new Map<string, Row>();
    const list = async (page: Page): Promise<readonly Row[]> => {
      const rows = await children(page);
      rows.forEach((row) => shown.set(row.name, row));
      return rows;
    };
    const named = async (name: string): Promise<Row> => {
      const row = shown.get(name) ?? (await list(WHOLE)).find((one) => one.name === name);
      if (!row) throw staleReference('variable', name);
      return row;
    };
    return {
      list: async (page) =>
        (page.filter ?? kind) === kind ? (await list(page)).map((row) => this.rowVariable(row)) : [],
      set: async (name, text) => {
        const { assign } = await named(name);
        if (!assign) throw notWritable(name);
        const row = await assign(text);
        shown.set(name, row);
        return this.rowVariable(row);
      },
      place: async (name) => (await named(name)).place,
    };
  }

  private registers(thread: number, group: string): Promise<readonly Register[]> {
    const key = `${thread} ${group}`;
    let registers = this.groups.get(key);
    if (!registers) this.groups.set(key, (registers = this.target.registers(thread, group)));
    return registers;
  }

  private async register(thread: number, group: string, name: string): Promise<Register> {
    const register = (await this.registers(thread, group)).find((known) => known.name === name);
    if (!register) throw staleReference('variable', name);
    return register;
  }

  private group(thread: number, group: string): Container {
    return {
      list: async () => (await this.registers(thread, group)).map((register) => this.variableOf(thread, register)),
      set: async (name, text, compute) => {
        const register = await this.register(thread, group, name);
        return this.variableOf(thread, await this.write(thread, register, await compute(text)));
      },
    };
  }

  private fields(thread: number, group: string, name: string): Container {
    return {
      list: async () => {
        const { value, fields = [] } = await this.register(thread, group, name);
        return fields.map((field) => fieldVariable(value, field));
      },
      set: async (member, text, compute) => {
        const register = await this.register(thread, group, name);
        const field = register.fields?.find((known) => known.name === member);
        if (!field) throw staleReference('variable', member);
        const low = BigInt(field.low);
        const width = field.high - field.low + 1;
        const mask = ((1n << BigInt(width)) - 1n) << low;
        const written = await this.write(
          thread,
          register,
          (register.value & ~mask) | (BigInt.asUintN(width, await compute(text)) << low),
        );
        return fieldVariable(written.value, field);
      },
    };
  }

  private async write(thread: number, register: Register, value: bigint): Promise<Register> {
    if (register.readOnly) throw notWritable(register.name);
    await this.target.writeRegister(thread, register.group, register.name, value);
    this.forget();
    return this.register(thread, register.group, register.name);
  }

  private variableOf(thread: number, { group, name, value, bits, fields, readOnly }: Register): Variable {
    const opens = fields && fields.length > 0;
    return {
      name,
      value: padded(value, bits) + (opens ? summary(value, fields) : ''),
      type: `${bits} bits`,
      evaluateName: group === 'VMCS' ? undefined : `$${name.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')}`,
      variablesReference: opens ? this.reference(this.fields(thread, group, name)) : 0,
      ...(bits === 64 && { memoryReference: hex(value) }),
      ...(readOnly && { presentationHint: { attributes: ['readOnly'] } }),
    };
  }
}

const padded = (value: bigint, bits: number): string => `0x${value.toString(16).padStart(Math.ceil(bits / 4), '0')}`;

const valueOf = (value: bigint, { high, low }: RegisterField): bigint =>
  BigInt.asUintN(high - low + 1, value >> BigInt(low));

/** The one-bit fields that are set, and the named values of the others: ` [ZF PF IOPL=3]`. */
function summary(value: bigint, fields: readonly RegisterField[]): string {
  const shown = fields.flatMap((field) => {
    const content = valueOf(value, field);
    if (content === 0n) return [];
    return [field.high === field.low ? field.name : `${field.name}=${nameOf(content, field) ?? content}`];
  });
  return shown.length > 0 ? ` [${shown.join(' ')}]` : '';
}

function fieldVariable(value: bigint, field: RegisterField): Variable {
  const content = valueOf(value, field);
  const named = nameOf(content, field);
  const shown = field.high - field.low >= 4 ? hex(content) : String(content);
  return {
    name: field.name,
    value: named === undefined ? shown : `${shown} (${named})`,
    type: field.meaning ?? (field.high === field.low ? `bit ${field.low}` : `bits ${field.high}:${field.low}`),
    variablesReference: 0,
  };
}

const nameOf = (content: bigint, { values }: RegisterField): string | undefined => values?.[Number(content)];
