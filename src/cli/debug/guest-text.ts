/**
 * What a guest sends on its serial line, made fit to be shown between a debugger's own lines: text and line ends alone.
 * Control sequences are dropped, so that no guest moves the cursor of, or writes the title of, its user's terminal.
 * Source of the sequences' grammar: ECMA-48 5.4 (CSI), 5.6 (strings).
 */

type Mode = 'text' | 'escape' | 'csi' | 'string' | 'stringEscape';

const ESC = '\x1b';
const BEL = '\x07';

/** Keeps its place in a sequence or character that is cut in two. */
export class GuestText {
  private readonly decoder = new TextDecoder();
  private mode: Mode = 'text';
  private sawReturn = false;

  /** The text of the next bytes, UTF-8, lines ended by `\n`. */
  take(bytes: Uint8Array): string {
    let text = '';
    for (const character of this.decoder.decode(bytes, { stream: true })) text += this.takeOne(character);
    return text;
  }

  private takeOne(character: string): string {
    if (this.mode !== 'text') {
      this.mode = next(this.mode, character);
      return '';
    }
    if (character === ESC) {
      this.mode = 'escape';
      return '';
    }
    // A return alone begins the line anew: the new text is shown on a line of its own.
    const anew = this.sawReturn && character !== '\n' && character !== '\r' ? '\n' : '';
    this.sawReturn = character === '\r';
    if (character === '\n' || character === '\t') return anew + character;
    const code = character.charCodeAt(0);
    return code < 0x20 || (code >= 0x7f && code < 0xa0) ? '' : anew + character;
  }
}

/** The mode after one more character of a control sequence. */
function next(mode: Mode, character: string): Mode {
  switch (mode) {
    case 'escape':
      if (character === '[') return 'csi';
      if (/[PX\]^_]/.test(character)) return 'string';
      // Intermediate bytes go on, a final byte ends it.
      return /[ -/]/.test(character) ? 'escape' : 'text';
    case 'csi':
      return /[ -?]/.test(character) ? 'csi' : 'text';
    case 'string':
      if (character === ESC) return 'stringEscape';
      return character === BEL ? 'text' : 'string';
    case 'stringEscape':
      return character === '\\' ? 'text' : 'string';
    case 'text':
      return 'text';
  }
}
