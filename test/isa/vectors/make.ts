// Makes groups of vectors on the host's CPU.

import { reasonWithout, variantsByKey } from './forms';
import { makeTrial } from './generate';
import type { Host } from './host';
import type { Trial, Vector, VectorGroup } from './vector';
import type { Variant } from '../../../src/isa/assemble/enumerate';

/** Attempts per wanted vector: some random choices cannot be encoded. */
const ATTEMPTS = 12;
/** Instructions of many steps, of which this CPU leaves some done when a later one faults; ours never. */
const PARTIAL = /^(ENTER|PUSHA|POPA|FNSAVE|FNSTENV|FRSTOR|FLDENV|FXSAVE|FXSAVE64|FXRSTOR|FXRSTOR64) /;

/** Trials of one key, spread over its modes. */
function trialsOf(key: string, variants: readonly Variant[], wanted: number, seed: number): Trial[] {
  const trials: Trial[] = [];
  const base = [...key].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0, seed);
  for (let n = 0; trials.length < wanted && n < wanted * ATTEMPTS; n++) {
    const variant = variants[(Math.imul(n + 1, 0x9e3779b1) >>> 20) % variants.length]!;
    const trial = makeTrial(variant, n, ((base + n) & 0xffffff) >>> 0);
    if (trial) trials.push(trial);
  }
  return trials;
}

/** Takes back what a faulting instruction of many steps left behind. */
function withoutPartialSteps(key: string, vector: Vector): Vector {
  if (vector.ending.fault === undefined || !PARTIAL.test(key)) return vector;
  return { ...vector, ending: { ...vector.ending, runs: [] } };
}

/** True for a vector that faults, or whose code or data cross a page. */
export function isSpecial({ ending, crosses }: Vector): boolean {
  return ending.fault !== undefined || crosses;
}

/** At least `each` vectors of every form that user mode can run, for keys that `wanted` takes. */
export function makeVectors(
  host: Host,
  each: number,
  seed: number,
  wanted = (_key: string): boolean => true,
): VectorGroup[] {
  const groups: { key: string; trials: Trial[] }[] = [];
  for (const [key, variants] of variantsByKey()) {
    if (reasonWithout(variants[0]!) !== undefined || !wanted(key)) continue;
    const trials = trialsOf(key, variants, each, seed);
    if (trials.length > 0) groups.push({ key, trials });
  }
  const vectors = host.run(groups.flatMap(({ trials }) => trials));
  let next = 0;
  return groups.map(({ key, trials }) => ({
    key,
    vectors: vectors.slice(next, (next += trials.length)).map((vector) => withoutPartialSteps(key, vector)),
  }));
}
