/** A target's registers as the wire has them: packets `g`, `G`, `p`, `P`. Source: "Debugging with GDB", E.2 (packets). */
import type { Target } from '../targets/target';
import { malformed } from '../targets/gdb-wire/errors';
import { noRegister } from './errors';
import { fromLittleEndian, hexOf, littleEndian } from '../targets/gdb-wire/hex';
import type { RegisterLayout, WireRegister } from './register-layout';

type Values = ReadonlyMap<string, bigint>;

const mask = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

export class RegisterFile {
  constructor(
    private readonly target: Target,
    private readonly thread: number,
    readonly layout: RegisterLayout,
  ) {}

  /** Every register in the layout's order, as hexadecimal digits. */
  async all(): Promise<string> {
    const groups = await this.readGroups(this.layout.registers);
    return this.layout.registers.map((one) => hexOf(wireBytes(one, groups))).join('');
  }

  /** One register as hexadecimal digits. Rejects with a UserError for a number that is none. */
  async one(number: number): Promise<string> {
    const register = this.register(number);
    return hexOf(wireBytes(register, await this.readGroups([register])));
  }

  /** Registers by name, with their numbers, as a stop reply names them. */
  async expedited(names: readonly string[]): Promise<string> {
    const wanted = this.layout.registers.filter(({ name }) => names.includes(name));
    const groups = await this.readGroups(wanted);
    const numbered = wanted.map((one) => {
      const number = this.layout.registers.indexOf(one).toString(16).padStart(2, '0');
      return `${number}:${hexOf(wireBytes(one, groups))};`;
    });
    return numbered.join('');
  }

  /** Writes one register. Rejects with a UserError where the processor cannot hold the value. */
  async write(number: number, bytes: Uint8Array): Promise<void> {
    const register = this.register(number);
    if (bytes.length * 8 !== register.bits) throw malformed(`${register.name} has ${register.bits} bits`);
    await this.put(register, fromLittleEndian(bytes), await this.readGroups([register]));
  }

  /** Writes those of all registers that differ: what is read-only may stay as it is. */
  async writeAll(bytes: Uint8Array): Promise<void> {
    const { registers } = this.layout;
    const length = registers.reduce((sum, { bits }) => sum + bits / 8, 0);
    if (bytes.length !== length) throw malformed(`all registers together have ${length} bytes`);
    const before = await this.readGroups(registers);
    let at = 0;
    for (const register of registers) {
      const own = bytes.subarray(at, (at += register.bits / 8));
      if (hexOf(own) !== hexOf(wireBytes(register, before))) await this.put(register, fromLittleEndian(own), before);
    }
  }

  private register(number: number): WireRegister {
    const register = this.layout.registers[number];
    if (!register) throw noRegister(number);
    return register;
  }

  /** What the wire does not show of a register stays as it is. */
  private async put(register: WireRegister, value: bigint, groups: ReadonlyMap<string, Values>): Promise<void> {
    const { group, source, bits } = register;
    const hidden = valueOf(register, groups) & ~mask(bits);
    await this.target.writeRegister(this.thread, group, source, hidden | value);
  }

  private async readGroups(registers: readonly WireRegister[]): Promise<ReadonlyMap<string, Values>> {
    const groups = new Map<string, Values>();
    for (const group of new Set(registers.map((one) => one.group))) {
      const values = await this.target.registers(this.thread, group);
      groups.set(group, new Map(values.map(({ name, value }) => [name, value])));
    }
    return groups;
  }
}

const valueOf = ({ group, source }: WireRegister, groups: ReadonlyMap<string, Values>): bigint =>
  groups.get(group)?.get(source) ?? 0n;

const wireBytes = (register: WireRegister, groups: ReadonlyMap<string, Values>): Uint8Array =>
  littleEndian(valueOf(register, groups), register.bits);
