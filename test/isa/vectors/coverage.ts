// Which forms have vectors, and which have none and why.

import { reasonWithout, variantsByKey } from './forms';
import { makeTrial } from './generate';
import type { Variant } from '../../../src/isa/assemble/enumerate';

/** Vectors of a form, and how many of them fault or cross a page. */
export interface Count {
  readonly vectors: number;
  readonly special: number;
}

/** False for sizes that an operand code allows but no encoding gives: 66H is taken (`np 0f c3 My,Gy` at 16 bits). */
function isEncodable(variants: readonly Variant[]): boolean {
  return variants.some((variant) => Array.from({ length: 24 }, (_, n) => n).some((n) => makeTrial(variant, n, n + 1)));
}

/** Forms that user mode can run and that have fewer than `each` vectors, or too few special ones. */
export function missingVectors(counts: ReadonlyMap<string, Count>, each: number): string[] {
  const missing: string[] = [];
  for (const [key, variants] of variantsByKey()) {
    if (reasonWithout(variants[0]!) !== undefined) continue;
    const count = counts.get(key) ?? { vectors: 0, special: 0 };
    if (count.vectors >= each && count.special >= each / 10) continue;
    if (count.vectors > 0 || isEncodable(variants)) missing.push(`${key}: ${count.vectors}, ${count.special} special`);
  }
  return missing;
}

/** The numbers in words: by instruction, and what is left out. */
export function coverageTable(counts: ReadonlyMap<string, Count>): string {
  const byName = new Map<string, Count & { forms: number }>();
  for (const [key, { vectors, special }] of counts) {
    const name = key.slice(0, key.indexOf(' '));
    const sum = byName.get(name) ?? { forms: 0, vectors: 0, special: 0 };
    byName.set(name, { forms: sum.forms + 1, vectors: sum.vectors + vectors, special: sum.special + special });
  }
  const lines = [...byName].map(([name, { forms, vectors, special }]) => `${name} ${forms}/${vectors}/${special}`);
  const total = [...counts.values()].reduce((sum, { vectors }) => sum + vectors, 0);
  const reasons = new Map<string, Set<string>>();
  for (const [variant] of variantsByKey().values()) {
    const reason = reasonWithout(variant!);
    if (reason === undefined) continue;
    reasons.set(reason, (reasons.get(reason) ?? new Set()).add(variant!.instruction.name));
  }
  const absent = [...reasons].map(([reason, names]) => `      ${reason}: ${[...names].join(' ')}`);
  return [
    `    ${counts.size} forms (by size, register or memory), ${total} vectors; instruction forms/vectors/special:`,
    `      ${lines.join(', ')}`,
    '    without vectors:',
    ...absent,
  ].join('\n');
}
