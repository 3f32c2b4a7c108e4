/** Places in a program as users write them: `kmain`, `main.c:16`, `16` (in the current file), `*0x100000`, `*kmain+8`. */
import { basename } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../../common/errors';
import type { GuestSession } from './guest-session';
import type { Stack } from './stack';

/** A place that a breakpoint can be set at. */
export type Location =
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'line'; readonly source: DebugProtocol.Source; readonly line: number }
  | { readonly kind: 'address'; readonly address: bigint };

/** Reads a location; an empty text is the selected frame's instruction. Rejects with UserErrors. */
export async function parseLocation(text: string, session: GuestSession, stack: Stack): Promise<Location> {
  if (text === '') return { kind: 'address', address: addressOf(await stack.current()) };
  if (text.startsWith('*')) return { kind: 'address', address: await evaluateNumber(text.slice(1), session, stack) };
  if (/^0x[0-9a-f]+$/i.test(text)) return { kind: 'address', address: BigInt(text) };
  const [, file, line] = /^(?:(.+):)?(\d{1,9})$/.exec(text) ?? [];
  if (line === undefined) return { kind: 'function', name: text };
  const source = file === undefined ? await currentSource(stack) : await findSource(file, session);
  return { kind: 'line', source, line: Number(line) };
}

/** How a location is shown. */
export function showLocation(location: Location): string {
  switch (location.kind) {
    case 'function':
      return location.name;
    case 'line':
      return `${location.source.name ?? basename(location.source.path ?? '?')}:${location.line}`;
    case 'address':
      return `*0x${location.address.toString(16)}`;
  }
}

/** The address of a frame's instruction. Throws a UserError for a frame without one. */
export function addressOf({ instructionPointerReference }: DebugProtocol.StackFrame): bigint {
  if (!instructionPointerReference) throw new UserError('debug/address', 'This frame has no address.');
  return BigInt(instructionPointerReference);
}

/** An expression's value as an unsigned number of 64 bits. Rejects with a UserError for what is not one. */
export async function evaluateNumber(expression: string, session: GuestSession, stack: Stack): Promise<bigint> {
  if (/^\s*(0x[0-9a-f]+|\d+)\s*$/i.test(expression)) return BigInt.asUintN(64, BigInt(expression.trim()));
  const frameId = session.isStopped ? (await stack.current()).id : undefined;
  const { result } = await session.request<DebugProtocol.EvaluateResponse['body']>('evaluate', {
    expression: `(u64)(${expression})`,
    context: 'watch',
    format: { hex: true },
    frameId,
  });
  const [number] = /0x[0-9a-f]+|\d+/i.exec(result) ?? [];
  if (number === undefined) throw new UserError('debug/number', `"${expression}" is not a number: it is ${result}.`);
  return BigInt.asUintN(64, BigInt(number));
}

async function currentSource(stack: Stack): Promise<DebugProtocol.Source> {
  const { source } = await stack.current();
  if (source) return source;
  throw new UserError('debug/source', 'This frame has no source file: write FILE:LINE, a function or *ADDRESS.');
}

/** The program's source whose path ends in `file`; as it was written if the program knows none. */
async function findSource(file: string, session: GuestSession): Promise<DebugProtocol.Source> {
  const written = { name: basename(file), path: file };
  if (!session.capabilities.supportsLoadedSourcesRequest) return written;
  const { sources } = await session.request<DebugProtocol.LoadedSourcesResponse['body']>('loadedSources');
  const normal = (path: string): string => `/${path.replaceAll('\\', '/').replace(/^\.?\/+/, '')}`;
  const found = sources.filter(({ path }) => path !== undefined && normal(path).endsWith(normal(file)));
  if (found.length > 1) {
    const exact = found.find(({ path }) => path === file);
    if (exact) return exact;
    throw new UserError(
      'debug/source',
      `${file} is any of ${found.map(({ path }) => path).join(', ')}: write more of its path.`,
    );
  }
  return found[0] ?? written;
}
