/** A program as the protocol's module. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { hex } from '../memory-reference';
import type { Image } from './image';

/** The module of a program: where it lies, and what symbols it has. */
export function moduleOf(image: Image): DebugProtocol.Module {
  const { segments, buildId, hasLines } = image.symbols;
  const first = segments[0] && image.linear(segments[0].start);
  const last = segments.at(-1) && image.linear(segments.at(-1)!.end);
  return {
    id: image.id,
    name: image.name,
    path: image.path,
    symbolFilePath: image.path,
    symbolStatus: hasLines ? 'Symbols and source lines loaded' : 'Symbols loaded, no source lines',
    ...(buildId !== undefined && { version: buildId }),
    addressRange: first === undefined || last === undefined ? 'not found in memory yet' : `${hex(first)}-${hex(last)}`,
  };
}
