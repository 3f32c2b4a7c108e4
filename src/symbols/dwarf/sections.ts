/** The DWARF sections of a file, opened when somebody asks. DWARF 5 appendix B. */
import { ByteReader, unlessDamaged } from '../byte-reader';
import type { RandomAccessBytes } from '../bytes';
import { buffered, joined, memoryBytes } from '../bytes';
import type { ElfFile } from '../elf/elf-file';
import type { CompileUnit } from './compile-units';
import { StringSection } from './strings';

/** Bytes read at once of a section from which little pieces are asked. */
const WINDOW = 0x4_0000;
const MOST_DAMAGES = 5;

/** A file's DWARF sections; a missing one is empty. */
export class DwarfSections {
  private readonly opened = new Map<string, RandomAccessBytes>();
  private readonly windows = new Map<string, RandomAccessBytes>();
  private readonly strings = new Map<string, StringSection>();
  private allEntries: RandomAccessBytes | undefined;

  /** What was met that is damaged, a sentence each; the first few. */
  readonly damages = new Set<string>();

  constructor(readonly elf: ElfFile) {}

  /** What `read` gives, or undefined where it meets damage, which is remembered. */
  attempt<T>(read: () => T): T | undefined {
    return unlessDamaged(read, (message) => {
      if (this.damages.size < MOST_DAMAGES) this.damages.add(message);
    });
  }

  /** `.debug_info` and behind it `.debug_types`: offsets of entries and units count through both. */
  get entries(): RandomAccessBytes {
    this.allEntries ??= joined(this.contents('.debug_info'), this.contents('.debug_types'));
    return this.allEntries;
  }

  /** Where in `entries` those of `.debug_types` begin. */
  get typesStart(): number {
    return this.contents('.debug_info').size;
  }

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

  /** Where in `.debug_str` the string with an index begins. DWARF 5 section 7.26. */
  stringOffset(index: number, unit: Pick<CompileUnit, 'stringOffsetsBase' | 'isDwarf64'>): number {
    const size = unit.isDwarf64 ? 8 : 4;
    const bytes = this.window('.debug_str_offsets').read(unit.stringOffsetsBase + index * size, size);
    return new ByteReader(bytes, 'The table of strings').sectionOffset(unit.isDwarf64);
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
