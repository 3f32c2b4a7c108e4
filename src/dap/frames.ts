/**
 * Frames as a user sees them: each frame of the stack once for every function that the compiler put into it, and a line
 * between where an interrupt, an exception or a system call came in.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { FunctionScope } from '../symbols/types/place';
import type { Position } from '../targets/target';
import type { CallFrame } from './frame-pointers';
import type { Image } from './images/image';
import type { Images } from './images/images';
import { hex } from './memory-reference';

/** One row of the call stack. */
export interface ShownFrame {
  /** The frame of the stack that it belongs to. */
  readonly physical: CallFrame;
  /** Linear address that lines and scopes are looked up by: behind a call may be another line already. */
  readonly at: bigint;
  readonly name: string;
  readonly image?: Image | undefined;
  readonly line?: { readonly file: string; readonly line: number; readonly column: number } | undefined;
  /** The function, if its program has debug information. */
  readonly scope?: FunctionScope | undefined;
  /** A line between frames, which has nothing in it. */
  readonly isLabel?: boolean | undefined;
}

/** The rows of a frame of the stack; `callee` is the one that it called, or that interrupted it. */
export function shownFrames(
  images: Images,
  frame: CallFrame,
  callee: CallFrame | undefined,
  position: Position,
): ShownFrame[] {
  const at = frame.isExact ? frame.ip : frame.ip - 1n;
  const image = images.imageAt(at);
  const rows = image ? functionsAt(image, images, frame, at) : [];
  const shown =
    rows.length > 0 ? rows : [{ physical: frame, at, image, name: nameAt(images, frame, at), line: images.lineAt(at) }];
  // What the processor's mode is, it is for the innermost frame; others are the kernel's or a user program's.
  const mode = callee ? (frame.isUser ? 'ring 3' : undefined) : position.mode;
  const named = mode === undefined ? shown : shown.map((row) => ({ ...row, name: `${row.name} (${mode})` }));
  const entry =
    callee && frame.pushed ? images.symbolAt(callee.isExact ? callee.ip : callee.ip - 1n)?.symbol.name : undefined;
  return entry === undefined
    ? named
    : [
        {
          physical: frame,
          at,
          name: `${frame.isUser ? 'entered the kernel by' : 'interrupted by'} ${entry}`,
          isLabel: true,
        },
        ...named,
      ];
}

/** The function at an address and those that were inlined into it, the innermost first. */
function functionsAt(image: Image, images: Images, physical: CallFrame, at: bigint): ShownFrame[] {
  const scopes = image.scopesAt(at);
  return scopes.map((scope, index) => ({
    physical,
    at,
    image,
    scope,
    name: scope.name,
    line: index === 0 ? images.lineAt(at) : scopes[index - 1]!.calledAt,
  }));
}

function nameAt(images: Images, frame: CallFrame, at: bigint): string {
  const found = images.symbolAt(at);
  if (!found) return hex(frame.ip);
  const offset = found.offset + (frame.ip - at);
  return offset === 0n ? found.symbol.name : `${found.symbol.name}+${hex(offset)}`;
}

/** A row for the wire. */
export function describeFrame(
  images: Images,
  id: number,
  { physical, name, image, line, isLabel, scope }: ShownFrame,
): DebugProtocol.StackFrame {
  if (isLabel) return { id, name, line: 0, column: 0, presentationHint: 'label' };
  return {
    id,
    name: scope?.isInlined ? `[inlined] ${name}` : name,
    line: line?.line ?? 0,
    column: line?.column ?? 0,
    instructionPointerReference: hex(physical.ip),
    ...(line && image && { source: images.source({ file: line.file, image }) }),
    ...(image && { moduleId: image.id }),
    ...(!line && { presentationHint: 'normal' as const }),
  };
}
