/** Which name was meant by one that does not exist. */

const MAX_DISTANCE = 2;
/** Shorter words have too many neighbours for two mistakes. */
const LONG_WORD = 5;
/** Symbols are searched by their first letters, which are mostly typed right. */
const PREFIX = 3;
const MAX_SYMBOLS = 500;

/** The candidate with the fewest mistakes in it: one, in words of five and more letters two; undefined if none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = (word.length < LONG_WORD ? 1 : MAX_DISTANCE) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const distance = mistakes(word, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** What may have been meant in an expression by a name without meaning, which begins with `$` if a register is wanted. */
export function nearestName(
  name: string,
  symbols: (prefix: string, limit: number) => readonly string[],
  registers: readonly string[],
): string | undefined {
  const register = (word: string): string | undefined => nearest(word.toLowerCase(), registers);
  if (name.startsWith('$')) {
    const found = register(name.slice(1));
    return found && `$${found}`;
  }
  return nearest(name, symbols(name.slice(0, PREFIX), MAX_SYMBOLS)) ?? register(name);
}

/** Letters to insert, delete or replace, or neighbours to swap, to make one word of the other. */
function mistakes(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? before[j - 2]! + 1 : replaced;
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, replaced, swapped));
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
