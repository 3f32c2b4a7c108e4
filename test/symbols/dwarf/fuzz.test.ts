// Damaged debug information: every answer about types, variables and frames is an answer or a UserError, soon.
// `VMXRAY_SOAK=n` multiplies the number of mutants.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { UserError } from '../../../src/common/errors';
import { ElfFile } from '../../../src/symbols/elf/elf-file';
import { memoryBytes, openSymbolFile, type SymbolFile } from '../../../src/symbols/symbol-file';
import type { NamedKind, Type } from '../../../src/symbols/types/type';

const SOAK = Number(process.env['VMXRAY_SOAK'] ?? 1);
const INTERESTING = [0, 1, 0x7f, 0x80, 0xff];
/** Types that are looked at for one mutant. */
const TYPES = 60;

/** A xorshift generator: numbers below `limit`. */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

function damage(image: Uint8Array, start: number, size: number, seed: number): Uint8Array {
  const random = generator(seed);
  const bytes = Uint8Array.from(image);
  for (let change = random(random(4) === 0 ? 40 : 4); change >= 0; change -= 1) {
    const at = start + random(size);
    const length = random(4) === 0 ? 1 + random(8) : 1;
    bytes.fill(
      random(2) ? INTERESTING[random(INTERESTING.length)]! : random(256),
      at,
      Math.min(start + size, at + length),
    );
  }
  return bytes;
}

/** Runs a question; what it throws must be a UserError. */
function ask<T>(question: () => T): T | undefined {
  try {
    return question();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return undefined;
  }
}

/** Looks at a type and what it is made of, breadth first. */
function explore(first: Type | undefined): void {
  const seen = new Set<Type>();
  const waiting = first ? [first] : [];
  for (let type = waiting.pop(); type && seen.size < TYPES; type = waiting.pop()) {
    if (seen.has(type)) continue;
    seen.add(type);
    const one = type;
    const next = ask((): readonly Type[] => {
      switch (one.kind) {
        case 'pointer':
        case 'typedef':
        case 'const':
        case 'volatile':
        case 'restrict':
        case 'atomic':
          return [one.to];
        case 'array':
          return [one.of];
        case 'function':
          return [one.returns, ...one.parameters.map((parameter) => parameter.type)];
        case 'struct':
        case 'union':
        case 'class':
          assert.ok(one.size === undefined || one.size >= 0);
          return one.members.map((member) => member.type);
        default:
          return [];
      }
    });
    waiting.push(...(next ?? []));
  }
}

function askAll(symbols: SymbolFile, addresses: readonly bigint[], symbolNames: readonly string[]): void {
  for (const address of addresses) {
    ask(() => symbols.callFrames?.rulesAt(address));
    for (const scope of ask(() => symbols.scopesAt!(address, 0x1000n)) ?? []) {
      for (const { type } of ask(() => scope.variables()) ?? []) explore(type);
    }
    ask(() => symbols.valueOnEntry!(address, 'rdi', 'put_char'));
  }
  for (const name of symbolNames) explore(ask(() => symbols.types?.typeOfSymbol(name)));
  for (const name of ask(() => symbols.types?.typeNames('', 8)) ?? []) {
    for (const kind of ['struct', 'union', 'enum', 'typedef', 'base'] satisfies NamedKind[]) {
      explore(ask(() => symbols.types!.typeNamed(kind, name)));
    }
  }
}

describe('symbols: damaged debug information', function () {
  this.timeout(60_000 * SOAK);
  for (const guest of ['tour', 'real16']) {
    const image = readFileSync(`test/guests/bin/${guest}.elf`);
    const elf = new ElfFile(memoryBytes(image));
    const whole = openSymbolFile(memoryBytes(image));
    const functions = whole.symbolsMatching(({ kind, size }) => kind === 'function' && size > 8n, 5);
    const addresses = functions.flatMap(({ address, size }) => [address, address + size / 2n]);
    const names = ['put_char', 'kmain', ...functions.map(({ name }) => name)];
    const parts = elf.sections.filter(({ name }) => /^\.(debug_(info|abbrev|str|loc|rng|frame)|eh_frame)/.test(name));

    it(`${guest}: intact, it has types, variables and frames`, () => {
      const variables = addresses.flatMap((address) => whole.scopesAt!(address)).flatMap((scope) => scope.variables());
      assert.ok(variables.length > 10 && parts.length >= 6);
      assert.ok(addresses.some((address) => whole.callFrames?.rulesAt(address)));
      assert.ok(whole.types!.typeNames('', 100).length > 5);
    });
    for (const { name, offset, size } of parts) {
      it(`${guest}: ${name}`, () => {
        for (let seed = 1; seed <= 150 * SOAK; seed += 1) {
          const bytes = damage(image, offset, size, seed * 7919);
          const before = process.cpuUsage();
          ask(() => askAll(openSymbolFile(memoryBytes(bytes)), addresses, names));
          // The processor's time, since other work may share the machine.
          const milliseconds = process.cpuUsage(before).user / 1000;
          assert.ok(milliseconds < 2000, `seed ${seed} takes ${milliseconds} ms`);
        }
      });
    }

    it(`${guest}: an index that was kept`, () => {
      explore(whole.types!.typeNamed('struct', 'nothing'));
      const index = whole.typeIndex!.serialise()!;
      for (let seed = 1; seed <= 150 * SOAK; seed += 1) {
        const symbols = openSymbolFile(memoryBytes(image));
        const bytes = damage(index, 0, index.length, seed * 7919);
        const isTaken = symbols.typeIndex!.restore(seed % 8 === 0 ? bytes.subarray(0, seed * 5) : bytes);
        if (isTaken) askAll(symbols, [], names);
      }
      assert.ok(whole.typeIndex!.restore(index));
    });
  }
});
