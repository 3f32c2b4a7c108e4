/**
 * What the debugger writes: its own lines, and the guest's serial output, which has a mark of its own before each line
 * and never shares a line with anything else.
 */
import type { Writable } from 'node:stream';
import { GuestText } from './guest-text';
import type { Role, Style } from './style';

/** A prompt that stands on the terminal's last line; it steps aside for what is written above it. */
export interface Prompt {
  hide(): void;
  show(): void;
}

/** Stands before each line of the guest's. */
export const GUEST_MARK = 'guest| ';

/** Controls but tab, line feed and our own colours: names and sources of a guest are not to be trusted either. */
const UNSAFE = /(?!\x1b\[\d*m)[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

export class Screen {
  /** The prompt while there is one. */
  prompt: Prompt | undefined;
  private readonly guestText = new GuestText();
  // The last line is the guest's and has no end yet.
  private inGuestLine = false;

  constructor(
    private readonly out: Writable,
    private readonly style: Style,
  ) {}

  /** `text` in the colour of its role, if there are colours. */
  mark(role: Role, text: string): string {
    return this.style(role, text);
  }

  /** Writes one or more lines of the debugger's own. */
  print(text: string): void {
    if (text === '') return;
    const safe = text.replace(UNSAFE, '');
    this.put(`${this.endOfGuestLine()}${safe.endsWith('\n') ? safe : `${safe}\n`}`);
  }

  /** Writes a sentence about something that went wrong. */
  error(text: string): void {
    this.print(this.style('error', text));
  }

  /** Writes what came over the guest's serial line. */
  guest(bytes: Uint8Array): void {
    const text = this.guestText.take(bytes);
    if (text === '') return;
    const ends = text.endsWith('\n');
    const lines = (ends ? text.slice(0, -1) : text).split('\n');
    const marked = lines.map((line, index) =>
      index === 0 && this.inGuestLine ? this.style('guest', line) : this.style('guest', GUEST_MARK + line),
    );
    // Above a prompt only whole lines have a place.
    const whole = ends || this.prompt !== undefined;
    this.inGuestLine = !whole;
    this.put(marked.join('\n') + (whole ? '\n' : ''));
  }

  /** Ends the guest's line, if one is open, so that a prompt can follow. */
  settle(): void {
    this.put(this.endOfGuestLine());
  }

  private endOfGuestLine(): string {
    const end = this.inGuestLine ? '\n' : '';
    this.inGuestLine = false;
    return end;
  }

  private put(text: string): void {
    if (text === '') return;
    this.prompt?.hide();
    this.out.write(text);
    this.prompt?.show();
  }
}
