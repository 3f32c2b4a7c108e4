/**
 * Where the parts of a JSON text are: for messages about a value, at its place. Source: RFC 8259. Reads well-formed texts
 * only; an editor says itself what is wrong with the others.
 */

/** Characters from `start` to before `end`. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+)/gy;

/** The range of the value at a path (of its key, if it has none), or of the whole text if there is no such path. */
export function placeOf(text: string, path: readonly (string | number)[]): TextRange {
  const whole = { start: 0, end: text.length };
  let found: TextRange | undefined;
  const tokens = tokensOf(text);
  let next = 0;
  const wanted = JSON.stringify(path);

  const value = (at: readonly (string | number)[]): void => {
    const first = tokens[next++];
    if (!first) return;
    if (first.text === '{') members(at, '}');
    else if (first.text === '[') members(at, ']');
    if (JSON.stringify(at) === wanted) found = { start: first.start, end: tokens[next - 1]?.end ?? first.end };
  };
  const members = (at: readonly (string | number)[], close: string): void => {
    for (let index = 0; next < tokens.length && tokens[next]?.text !== close; index++) {
      if (close === ']') value([...at, index]);
      else {
        const name = nameOf(tokens[next]?.text ?? '');
        next += 2;
        value([...at, name]);
      }
      if (tokens[next]?.text === ',') next++;
    }
    next++;
  };
  value([]);
  return found ?? whole;
}

interface PlacedToken extends TextRange {
  readonly text: string;
}

function tokensOf(text: string): readonly PlacedToken[] {
  const tokens: PlacedToken[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const end = TOKEN.lastIndex;
    tokens.push({ text: match[1]!, start: end - match[1]!.length, end });
  }
  return tokens;
}

function nameOf(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token;
  }
}
