/**
 * `target.xml`: the layout of the registers for a debugger. The meaning of flags comes from the target, which says each
 * register's fields. Source: "Debugging with GDB", appendix G (target descriptions).
 */
import type { RegisterField, Target } from '../targets/target';
import type { RegisterLayout, WireRegister } from './register-layout';

const HEADER = '<?xml version="1.0"?>\n<!DOCTYPE target SYSTEM "gdb-target.dtd">\n';
const ARCHITECTURE_NAMES = { 'x86-64': 'i386:x86-64', i386: 'i386', i8086: 'i8086' } as const;
const FLAGS_PREFIX = 'x86_';

const VECTORS = [
  ['v4f', 'ieee_single', 4],
  ['v2d', 'ieee_double', 2],
  ['v16i8', 'int8', 16],
  ['v8i16', 'int16', 8],
  ['v4i32', 'int32', 4],
  ['v2i64', 'int64', 2],
] as const;
const UNION_FIELDS = [
  ['v4_float', 'v4f'],
  ['v2_double', 'v2d'],
  ['v16_int8', 'v16i8'],
  ['v8_int16', 'v8i16'],
  ['v4_int32', 'v4i32'],
  ['v2_int64', 'v2i64'],
  ['uint128', 'uint128'],
] as const;

/** The whole description. */
export async function describeTarget(target: Target, thread: number, layout: RegisterLayout): Promise<string> {
  let number = 0;
  const features: string[] = [];
  for (const { name, registers } of layout.features) {
    const lines = [...(await typesOf(target, thread, registers)), ...registers.map((one) => line(one, number++))];
    features.push(`<feature name="${name}">\n${lines.join('\n')}\n</feature>`);
  }
  const architecture = `<architecture>${ARCHITECTURE_NAMES[layout.architecture]}</architecture>`;
  return `${HEADER}<target version="1.0">\n${architecture}\n${features.join('\n')}\n</target>\n`;
}

function line({ name, bits, type, shownIn }: WireRegister, number: number): string {
  const group = shownIn ? ` group="${shownIn}"` : '';
  return `<reg name="${name}" bitsize="${bits}" type="${type}" regnum="${number}"${group}/>`;
}

async function typesOf(target: Target, thread: number, registers: readonly WireRegister[]): Promise<string[]> {
  const types: string[] = [];
  for (const { group, source, type, bits } of registers) {
    if (!type.startsWith(FLAGS_PREFIX)) continue;
    const found = (await target.registers(thread, group)).find(({ name }) => name === source);
    types.push(flags(type, bits / 8, found?.fields ?? []));
  }
  return registers.some(({ type }) => type === 'vec128') ? [...types, ...vectorTypes()] : types;
}

function flags(id: string, bytes: number, fields: readonly RegisterField[]): string {
  const named = fields.map(({ name, low, high }) => {
    const identifier = name.replaceAll(/[^A-Za-z0-9_]+/g, '_');
    return `<field name="${identifier}" start="${low}" end="${high}"/>`;
  });
  return `<flags id="${id}" size="${bytes}">${named.join('')}</flags>`;
}

function vectorTypes(): string[] {
  const vectors = VECTORS.map(([id, type, length]) => `<vector id="${id}" type="${type}" count="${length}"/>`);
  const fields = UNION_FIELDS.map(([name, type]) => `<field name="${name}" type="${type}"/>`);
  return [...vectors, `<union id="vec128">${fields.join('')}</union>`];
}
