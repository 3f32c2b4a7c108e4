/** The names in a line of C, C++ or Rust that can be variables. */

const NAME =
  /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\/\/.*|\/\*.*?(?:\*\/|$)|(?:->|\.)\s*\w+|[A-Za-z_]\w*(?=\s*\()|\d\w*|([A-Za-z_]\w*)/g;
const LONGEST_LINE = 1000;

/** Each name once, with the column of its first place, from 0; not those of members, calls, strings and comments. */
export function namesIn(line: string): { readonly name: string; readonly start: number }[] {
  const found = new Map<string, number>();
  for (const match of line.slice(0, LONGEST_LINE).matchAll(NAME)) {
    const name = match[1];
    if (name !== undefined && !found.has(name)) found.set(name, match.index);
  }
  return [...found].map(([name, start]) => ({ name, start }));
}
