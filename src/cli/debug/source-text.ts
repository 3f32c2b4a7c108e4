/** Lines of source files, as the adapter's frames name them: from the disk, or from the adapter where it holds the text. */
import { readFile, stat } from 'node:fs/promises';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { GuestSession } from './guest-session';

/** Bytes of the largest file that is shown. */
const MAX_BYTES = 2 ** 24;

export class SourceTexts {
  private readonly texts = new Map<string, Promise<readonly string[] | undefined>>();

  constructor(private readonly session: GuestSession) {}

  /** All lines of a source, undefined where its text is not to be had. */
  lines(source: DebugProtocol.Source): Promise<readonly string[] | undefined> {
    const { path, sourceReference } = source;
    const key = sourceReference ? `#${sourceReference} ${path}` : (path ?? '');
    let text = this.texts.get(key);
    if (!text) {
      text = (sourceReference ? this.fromAdapter(source) : fromDisk(path)).then(
        (whole) => whole?.split(/\r?\n/),
        () => undefined,
      );
      this.texts.set(key, text);
    }
    return text;
  }

  /** Files may be other ones at the next start. */
  forget(): void {
    this.texts.clear();
  }

  private async fromAdapter(source: DebugProtocol.Source): Promise<string> {
    const { content } = await this.session.request<DebugProtocol.SourceResponse['body']>('source', {
      source,
      sourceReference: source.sourceReference,
    });
    return content;
  }
}

async function fromDisk(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const found = await stat(path);
  return found.isFile() && found.size <= MAX_BYTES ? readFile(path, 'utf8') : undefined;
}
