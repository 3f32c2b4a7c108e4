/** The DWARF sections of a file, opened when somebody asks. DWARF 5 appendix B. */
import type { RandomAccessBytes } from '../bytes';
import { buffered, memoryBytes } from '../bytes';
import type { ElfFile } from '../elf/elf-file';
import { StringSection } from './strings';

/** Bytes read at once of a section from which little pieces are asked. */
const WINDOW = 0x4_0000;

/** A file's DWARF sections; a missing one is empty. */
export class DwarfSections {
  private readonly opened = new Map<string, RandomAccessBytes>();
  private readonly windows = new Map<string, RandomAccessBytes>();
  private readonly strings = new Map<string, StringSection>();

  constructor(readonly elf: ElfFile) {}

  /** The contents of the section of that name, `.debug_info`. */
  contents(name: string): RandomAccessBytes {
    let contents = this.opened.get(name);
    if (!contents) {
      contents = this.elf.contentsOf(name) ?? memoryBytes(new Uint8Array(0));
      this.opened.set(name, contents);
    }
    return contents;
  }

  /** The same, through a window of 256 KiB. */
  window(name: string): RandomAccessBytes {
    let window = this.windows.get(name);
    if (!window) {
      window = buffered(this.contents(name), WINDOW);
      this.windows.set(name, window);
    }
    return window;
  }

  /** The string at an offset of a string section. Throws a UserError where there is none. */
  string(section: '.debug_str' | '.debug_line_str', offset: number): string {
    let strings = this.strings.get(section);
    if (!strings) {
      strings = new StringSection(this.contents(section), section);
      this.strings.set(section, strings);
    }
    return strings.at(offset);
  }
}
