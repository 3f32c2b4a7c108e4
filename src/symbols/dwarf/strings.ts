/** String sections of DWARF (`.debug_str`, `.debug_line_str`): strings by offset, each decoded once. DWARF 5 section 7.5.5. */
import { damaged } from '../byte-reader';
import type { RandomAccessBytes } from '../bytes';
import { buffered } from '../bytes';
import { decodeUtf8 } from '../utf8';

/** The longest path that Linux takes, bytes: longer strings count as damage. */
export const MAX_STRING = 4096;
/** Characters that are kept of one file's strings; a hostile table could make many of few bytes. */
const MAX_CHARACTERS = 0x400_0000;

/** One string section. */
export class StringSection {
  private readonly bytes: RandomAccessBytes;
  private readonly known = new Map<number, string>();
  private characters = 0;

  /** `name` is the section's, for errors. */
  constructor(
    bytes: RandomAccessBytes,
    private readonly name: string,
  ) {
    this.bytes = buffered(bytes, 0x1_0000);
  }

  /** The string at an offset in bytes. Throws a UserError where there is none. */
  at(offset: number): string {
    const known = this.known.get(offset);
    if (known !== undefined) return known;
    const bytes = this.bytes.read(offset, MAX_STRING);
    const end = bytes.indexOf(0);
    if (end < 0) throw damaged(this.name, 'a string in it has no end');
    this.characters += end;
    if (this.characters > MAX_CHARACTERS) throw damaged(this.name, 'its strings overlap');
    const text = decodeUtf8(bytes.subarray(0, end));
    this.known.set(offset, text);
    return text;
  }
}
