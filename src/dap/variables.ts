/** Registers as scopes and variables: one scope per group, a register with fields opens into them. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Register, RegisterField } from '../targets/target';
import { staleReference } from './errors';
import { hex } from './memory-reference';

/** What can be opened at one stop: scopes and registers, by reference numbers that hold until the machine goes on. */
export class VariableStore {
  private readonly lists: (() => DebugProtocol.Variable[])[] = [];

  constructor(private readonly registers: readonly Register[]) {}

  /** One scope per group of registers, in their order. */
  scopes(): DebugProtocol.Scope[] {
    return [...new Set(this.registers.map(({ group }) => group))].map((name) => ({
      name,
      presentationHint: 'registers',
      variablesReference: this.reference(() =>
        this.registers.filter(({ group }) => group === name).map((register) => this.registerVariable(register)),
      ),
      expensive: false,
    }));
  }

  /** What `reference` opens into. Throws a UserError for one that this stop has not given. */
  variables(reference: number): DebugProtocol.Variable[] {
    const list = this.lists[reference - 1];
    if (!list) throw staleReference('variable', reference);
    return list();
  }

  private reference(list: () => DebugProtocol.Variable[]): number {
    return this.lists.push(list);
  }

  private registerVariable({ name, value, bits, fields }: Register): DebugProtocol.Variable {
    const opens = fields && fields.length > 0;
    return {
      name,
      value: padded(value, bits) + (opens ? summary(value, fields) : ''),
      type: `${bits} bits`,
      variablesReference: opens ? this.reference(() => fields.map((field) => fieldVariable(value, field))) : 0,
      ...(bits === 64 && { memoryReference: hex(value) }),
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

function fieldVariable(value: bigint, field: RegisterField): DebugProtocol.Variable {
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
